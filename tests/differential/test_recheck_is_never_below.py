"""What the recheck reckons is never below what a session can do: a limit one unit lower gets no certificate.

Limits that are drawn at random are mostly far from what a plan does, so a reckoning that is a little too low
would pass. Here an adversary runs first, and each limit is set just below the worst that was seen.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from fractions import Fraction
from itertools import islice
from math import ceil

from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from ionto_ir import expression as terms
from ionto_ir.bind import bind_disarmed
from ionto_ir.bind_together import bind_together_disarmed
from ionto_ir.dataclass import replace
from ionto_ir.dry_run import answer_to, asking, obliging, run
from ionto_ir.events import Event, Prompt
from ionto_ir.features import features_of
from ionto_ir.limits import Limit, LimitKind, Role
from ionto_ir.observer import Violation, violations
from ionto_ir.observer_together import violations_together
from ionto_ir.plan import ForTime, Hold, Instruct, Loop, Plan, Ramp, Reverse, Section, Slope
from ionto_ir.recheck.derive import derive
from ionto_ir.state import State
from ionto_ir.together import run_together
from ionto_ir.trace import Trace
from ionto_verifier.budget import Budget
from ionto_verifier.certify import obligation_of
from ionto_verifier.decision import Proved
from ionto_verifier.solve import decide_all
from tests.differential.adversary import corners, disarmed_run, scripts
from tests.differential.test_channels_against_executor import channel_plans, disturbances
from tests.differential.test_verifier_against_executor import split_plans
from tests.differential.test_windows_against_executor import Pressing, windowed_plans
from tests.strategies import plans
from tests.treatments import HERE, finish, limit, plan_with

SLOW = settings(max_examples=max(2, settings().max_examples // 25), phases=[Phase.explicit, Phase.generate])
FEW = settings(max_examples=max(2, settings().max_examples // 50), phases=[Phase.explicit, Phase.generate])
CORNERS = 3
SEEDS = 2
ROLES = (None, Role.ANODE, Role.CATHODE)
LITTLE = Budget(relaxation_effort=100_000, solver_effort=1, split_cases=2, relaxed_cases=2)
"""Questions that do not hold are hard to be sure of; one that is wrongly asked is mostly easy to prove."""


def probes() -> Iterator[Limit]:
    """A limit of every kind that a session can pass, that allows nothing."""
    for kind in (LimitKind.CURRENT, LimitKind.DENSITY, LimitKind.MEAN_DENSITY, LimitKind.DOSE):
        for role in ROLES:
            yield limit(kind, 0, "", role=role)
            yield limit(kind, 0, "", role=role, nominal=True)
    for role in ROLES:
        yield limit(LimitKind.CHARGE_DENSITY, 0, "", role=role)
    yield limit(LimitKind.PULSE_CHARGE, 0, "")
    yield limit(LimitKind.PULSE_CHARGE, 0, "", nominal=True)
    yield limit(LimitKind.DURATION, 0, "")
    yield limit(LimitKind.STOP_TIME, 0, "")
    for window_ms in (700, 5_000, 30_000):
        yield limit(LimitKind.DOSE, 0, "", window_ms=window_ms)
        yield limit(LimitKind.DOSE, 0, "", window_ms=window_ms, role=Role.CATHODE, nominal=True)


def traces(plan: Plan) -> Iterator[tuple[dict[str, object], Trace]]:
    """What an adversary can make of a plan that nothing guards."""
    for number, values in enumerate(corners(plan)):
        if number == CORNERS:
            return
        bound = bind_disarmed(plan, values)
        asks, silence = asking(bound, obliging({}))
        yield values, run(bound, asks, silence=silence).trace
        for seed in range(SEEDS):
            yield values, run(bound, Pressing(plan, seed).script).trace
        for script in scripts(plan, values, ()):
            yield values, disarmed_run(plan, values, script).trace


def seen(plan: Plan) -> dict[str, Violation]:
    """By claim, the worst that was seen of each probe."""
    found: dict[str, Violation] = {}
    for values, trace in traces(plan):
        for item in violations(plan, values, trace):
            claim = f"limits[{plan.limits.index(item.limit)}]"
            if item.electrode is not None:
                claim += f".electrodes[{item.electrode}]"
            if claim not in found or item.value > found[claim].value:
                found[claim] = item
    return found


def claims_of(plan: Plan) -> set[str]:
    """Every claim of which the recheck derives a part, or says that it leaves it out."""
    derivation = derive(plan)
    return {item.claim for item in (*derivation.questions, *derivation.settled, *derivation.left)}


def certified(plan: Plan) -> set[str]:
    """The claims that the recheck derives and for which certificates are found for every part."""
    derivation = derive(plan)
    assert derivation.not_understood is None, derivation.not_understood
    decisions = decide_all([obligation_of(item) for item in derivation.questions], LITTLE)
    lacking = {item.claim for item in derivation.questions if not _proved(decisions[item.id])}
    lacking |= {item.claim for item in derivation.left}
    lacking |= {item.claim for item in derivation.settled if not item.holds}
    named = {item.claim for item in (*derivation.questions, *derivation.settled)}
    return named - lacking


def _proved(decision: object) -> bool:
    return isinstance(decision, Proved) and decision.certificate is not None


@SLOW
@given(st.one_of(plans(), split_plans(), windowed_plans()))
def test_no_limit_is_certified_that_lies_a_unit_below_what_was_seen(plan: Plan) -> None:
    probing = replace(plan, limits=tuple(probes()))
    probing = replace(probing, requires=features_of(probing))
    worst = seen(probing)
    lowered = list(probing.limits)
    for claim, item in worst.items():
        index = int(claim.removeprefix("limits[").partition("]")[0])
        # Of several electrodes the worst sets the bound; then at least that one must not be certified.
        lowered[index] = replace(lowered[index], bound=max(lowered[index].bound, ceil(item.value) - 1))
    tight = replace(probing, limits=tuple(lowered))
    passed = {claim for claim, item in worst.items() if item.value > tight.limits[_number(claim)].bound}
    assert certified(tight) & passed == set()


def _number(claim: str) -> int:
    return int(claim.removeprefix("limits[").partition("]")[0])


LEVEL = terms.integer(1_000_000)
UP_AND_DOWN = Slope(LEVEL, terms.integer(2_000))


def rounds_that_may_turn() -> Plan:
    """Rounds that give a minute of current if somebody answers in time, and else turn the polarity."""
    place = (Section.SESSION, HERE)
    return plan_with(
        (
            Loop(0, terms.integer(4), None, None, 1, 6, *place),
            Instruct("look", 2, *place, 1_000, 5),
            Ramp(LEVEL, terms.ZERO, UP_AND_DOWN, False, 3, *place),
            Hold(LEVEL, ForTime(terms.integer(60_000)), 4, *place),
            Ramp(terms.ZERO, LEVEL, UP_AND_DOWN, False, 0, *place),
            Reverse(0, *place),
            finish(),
        )
    )


def test_a_round_that_turns_nothing_may_come_after_one_that_did() -> None:
    plan = rounds_that_may_turn()
    # In three of four rounds it is the anode: that comes between these two.
    bounds = (80_000_000, 70_000_000)
    limits = tuple(limit(LimitKind.CHARGE_DENSITY, bound, "", role=Role.ANODE) for bound in bounds)
    tight = replace(plan, limits=limits)
    late_once = run(bind_disarmed(tight, {}), LateOnce()).trace
    passed = [item.limit for item in violations(tight, {}, late_once) if item.electrode == 0]
    assert passed == [limits[1]]
    assert "limits[1].electrodes[0]" not in certified(replace(tight, requires=features_of(tight)))


class LateOnce:
    """Answers in time in every round but the first."""

    def __init__(self) -> None:
        self.asked = 0

    def __call__(self, state: State, prompt: Prompt | None) -> Event | None:
        first = bool(state.place.rounds) and state.place.rounds[0] == 1
        return None if first else answer_to(prompt, {})


# --- several channels ---------------------------------------------------------------------------------------


def shared_probes() -> Iterator[Limit]:
    """Limits on what channels do together, that allow nothing."""
    for kind in (LimitKind.CURRENT, LimitKind.DENSITY, LimitKind.MEAN_DENSITY, LimitKind.DOSE):
        for role in ROLES:
            yield limit(kind, 0, "", role=role)
    yield limit(LimitKind.CHARGE_DENSITY, 0, "", role=Role.ANODE)
    yield limit(LimitKind.DOSE, 0, "", window_ms=5_000)
    yield limit(LimitKind.DURATION, 0, "")


def seen_together(plan: Plan) -> dict[int, Fraction]:
    """By limit, the worst that was seen of it, in a channel or in all of them."""
    found: dict[int, Fraction] = {}
    for values in islice(corners(plan), CORNERS):
        free = bind_together_disarmed(plan, values)
        for happens in disturbances(plan):
            done = run_together(free.channels, happens, ticks_max=20_000)
            for item in violations_together(plan, values, done.traces):
                index = plan.limits.index(item.limit)
                found[index] = max(found.get(index, Fraction(0)), item.value)
    return found


def number_of(claim: str) -> int | None:
    """The limit that a claim is about, in a channel or in all of them."""
    found = re.search(r"limits\[(\d+)\]", claim)
    return None if found is None else int(found[1])


@FEW
@given(channel_plans())
def test_no_limit_on_channels_is_certified_that_lies_a_unit_below_what_was_seen(plan: Plan) -> None:
    probing = replace(plan, limits=tuple(shared_probes()))
    probing = replace(probing, requires=features_of(probing))
    worst = seen_together(probing)
    bounds = {index: ceil(value) - 1 for index, value in worst.items()}
    tight = replace(
        probing,
        limits=tuple(
            replace(item, bound=bounds.get(index, item.bound)) for index, item in enumerate(probing.limits)
        ),
    )
    derivation = derive(tight)
    named = {number_of(item.claim) for item in (*derivation.questions, *derivation.settled)}
    whole = certified(tight)
    lacking = {number_of(claim) for claim in claims_of(tight) if claim not in whole}
    for index, value in worst.items():
        if value > bounds[index]:
            assert index not in named or index in lacking, tight.limits[index]
