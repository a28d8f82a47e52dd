"""What is proved is never violated: small plans, every value on their grids, and somebody who disturbs the
session.
"""

from __future__ import annotations

import random
from collections.abc import Iterator

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ionto_ir.bind import bind_disarmed
from ionto_ir.dataclass import replace
from ionto_ir.dry_run import Script, answer_to, run
from ionto_ir.events import Event, Pause, Prompt, Resume, Stop
from ionto_ir.expression import Value
from ionto_ir.limits import Limit, LimitKind
from ionto_ir.observer import violations
from ionto_ir.plan import Plan
from ionto_ir.state import Mode, State
from ionto_ir.wellformed import check
from ionto_verifier.driver import Options, verify
from ionto_verifier.report import Finding, Outcome, verdict_name
from tests.treatments import (
    At,
    Chosen,
    Fixed,
    Keep,
    Leg,
    Move,
    Over,
    Parameter,
    Rest,
    Treatment,
    limit,
    plan_of,
)
from tests.verifier.sessions import MA, SECOND, current_limit, dose_limit

FAST = Options(advice=False)
LEVELS = tuple(range(500_000, 2_500_001, 500_000))


@st.composite
def small_plans(draw: st.DrawFn) -> Plan:
    """One or two legs over a parameter with three values, limits close to what they reach."""
    lowest = draw(st.sampled_from(LEVELS))
    parameter = Parameter("current", lowest, lowest + 200_000, 100_000, lowest, adjustable=False)
    legs = tuple(draw(_legs()) for _ in range(draw(st.integers(1, 2))))
    parts = (legs[0], Rest(2 * SECOND), *legs[1:])
    treatment = Treatment(
        parts,
        (parameter,),
        (),
        draw(st.integers(0, 2)),
        10 * SECOND,
        stop_na_s=draw(st.sampled_from([200_000, 500_000])),
    )
    return plan_of(treatment)


@st.composite
def _legs(draw: st.DrawFn) -> Leg:
    level = draw(st.sampled_from([Chosen("current"), Fixed(1_500_000)]))
    speeds = st.sampled_from([Over(8 * SECOND), Over(9_950), At(300_000)])
    kinds = st.one_of(
        st.integers(1, 80).map(lambda tenths: Keep("time", tenths * 100)),
        st.integers(1, 90).map(lambda tenths: Keep("charge", tenths * 10**9)),
        st.integers(150, 400).map(lambda tenths: Keep("total", tenths * 10**9)),
    )
    return Leg(Move(level, draw(speeds)), (draw(kinds),), draw(speeds))


def _tight_limits(plan: Plan, share: int) -> tuple[Limit, ...]:
    """Limits at so many percent of the proved worst case: above a hundred they hold."""
    loose = (
        current_limit(9 * MA),
        dose_limit(10**15),
        dose_limit(10**15, nominal=True),
        limit(LimitKind.DURATION, 10**9, "s"),
        limit(LimitKind.STOP_TIME, 10**9, "s"),
    )
    report = verify(replace(plan, limits=loose), FAST)
    found = []
    for item in report.findings:
        if item.claim.limit is not None and item.margin is not None:
            found.append(replace(item.claim.limit, bound=int(item.margin.worst * share / 100)))
    return tuple(found)


def _values(plan: Plan) -> Iterator[dict[str, Value]]:
    """Every value of the one parameter."""
    (item,) = plan.variables
    domain = item.domain
    for value in range(domain.lo, domain.hi + 1, domain.step or 1):  # type: ignore[union-attr]
        yield {item.name: value}


def _disturber(plan: Plan, seed: int) -> Script:
    chance = random.Random(seed)
    target, calm = chance.randrange(len(plan.steps)), chance.random() < 0.3
    paused = 0

    def happens(state: State, prompt: Prompt | None) -> Event | None:
        nonlocal paused
        if state.machine.mode is Mode.PAUSED:
            late = chance.random() < 0.9 and state.machine.pause_ms < plan.interruptions.each_ms_max - 200
            return None if late else Resume()
        if state.machine.mode is Mode.ON and not calm:
            if paused < plan.interruptions.count_max and state.place.step == target and chance.random() < 0.2:
                paused += 1
                return Pause()
            if chance.random() < 0.003:
                return Stop()
        return answer_to(prompt, {})

    return happens


def _never_violated(plan: Plan, proved: list[Finding], seed: int) -> None:
    kept = tuple(item.claim.limit for item in proved if item.claim.limit is not None)
    alone = replace(plan, limits=kept)
    for values in _values(plan):
        bound = bind_disarmed(alone, values)
        for turn in range(3):
            trace = run(bound, _disturber(plan, seed + turn)).trace
            assert violations(alone, values, trace) == ()


@settings(max_examples=30)
@given(small_plans(), st.integers(90, 110), st.integers(0, 10**6))
def test_what_is_proved_is_never_violated_and_what_is_refuted_was_seen(
    plan: Plan, share: int, seed: int
) -> None:
    if check(plan):
        return
    tight = replace(plan, limits=_tight_limits(plan, share))
    report = verify(tight, FAST)
    assert report.outcome is not Outcome.DISAGREEMENT
    limited = [item for item in report.findings if item.claim.limit is not None]
    _never_violated(tight, [item for item in limited if verdict_name(item.verdict) == "proved"], seed)
    for item in limited:
        if verdict_name(item.verdict) == "refuted":
            assert item.counterexample is not None
    if share >= 101:
        assert all(verdict_name(item.verdict) == "proved" for item in limited)


@pytest.mark.soak
@settings(max_examples=2_000)
@given(small_plans(), st.integers(90, 110), st.integers(0, 10**6))
def test_what_is_proved_is_never_violated_in_a_long_campaign(plan: Plan, share: int, seed: int) -> None:
    test_what_is_proved_is_never_violated_and_what_is_refuted_was_seen.hypothesis.inner_test(  # type: ignore[attr-defined]
        plan, share, seed
    )
