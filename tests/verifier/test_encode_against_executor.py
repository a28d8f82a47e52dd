"""What the symbolic run says bounds what the machine does, whatever people do to it.

Generated treatments are run with values, pauses, adjustments and stops that an adversary chooses while it
runs. No session may deliver more or last longer than the bounds for its values; and with the bounds as
limits the armed machine never has to end a session.
"""

from __future__ import annotations

import random
from collections.abc import Mapping
from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ionto_ir import expression as terms
from ionto_ir.bind import bind_disarmed
from ionto_ir.constants import MovingCap
from ionto_ir.dataclass import replace
from ionto_ir.dry_run import Script, answer_to, run
from ionto_ir.events import Adjust, Event, Pause, Prompt, Resume, Stop
from ionto_ir.expression import Value
from ionto_ir.limits import LimitKind
from ionto_ir.plan import Branch, Course, IntegerDomain, Plan
from ionto_ir.state import Mode, State
from ionto_ir.trace import observe
from ionto_ir.wellformed import check
from ionto_verifier.decision import Unknown
from ionto_verifier.inquiry import Inquiry
from ionto_verifier.properties import Asked, Property
from ionto_verifier.sums import sum_claims
from tests import strategies
from tests.treatments import HERE, Treatment, limit, plan_of
from tests.verifier.sessions import dose_limit

BOUNDLESS = 2**60
FAR_APART = Course(2, None, 30 * 86_400_000, (), None, None, HERE)
RUNS = 3


def _for_these_values(plan: Plan, values: Mapping[str, Value]) -> Plan:
    """The plan with one value for every parameter that cannot be adjusted, and each choice already made."""
    variables = []
    for item in plan.variables:
        domain = item.domain
        if isinstance(domain, IntegerDomain) and not item.adjustable:
            value = int(values[item.name])
            domain = replace(domain, lo=value, hi=value, default=value)
        variables.append(replace(item, domain=domain))
    answers = {name: terms.Truth(value) for name, value in values.items() if isinstance(value, bool)}
    steps = tuple(
        replace(step, condition=terms.substitute(step.condition, answers))
        if isinstance(step, Branch)
        else step
        for step in plan.steps
    )
    return replace(plan, variables=tuple(variables), steps=steps)


def _bounds(plan: Plan, window_ms: int) -> tuple[int, int, int, int, int]:
    """Charge at worst and as set, pC, duration, ms, and both charges in any window of this length: the
    highest that any question speaks of.

    Where a person is waited for between two energised steps nothing is said, and BOUNDLESS stands for it.
    """
    limits = (
        dose_limit(BOUNDLESS),
        dose_limit(BOUNDLESS, nominal=True),
        limit(LimitKind.DURATION, BOUNDLESS, "min"),
        limit(LimitKind.DOSE, BOUNDLESS, "mA.min", window_ms=window_ms),
        limit(LimitKind.DOSE, BOUNDLESS, "mA.min", window_ms=window_ms, nominal=True),
    )
    inquiry = Inquiry(replace(plan, limits=limits, course=FAR_APART))
    worst, nominal, duration, within, within_nominal = (
        _highest(inquiry, asked) for asked in sum_claims(inquiry)
    )
    return worst, nominal, duration, within, within_nominal


def _highest(inquiry: Inquiry, asked: Asked) -> int:
    assert asked.claim.property in (Property.DOSE, Property.DURATION)
    found = [Fraction(0)]
    for question in asked.questions:
        if question.measure is None:
            assert isinstance(question.decided, Unknown), "only what is left open has no measure"
            return BOUNDLESS
        found.append(inquiry.environment.bounds(question.measure.value)[1])
    return int(max(found))


def _adversary(plan: Plan, seed: int) -> Script:
    """Somebody who pauses, adjusts and stops at bad moments."""
    chance = random.Random(seed)
    target, rate = chance.randrange(len(plan.steps)), chance.choice([0.3, 0.05, 0.01])
    late, stops = chance.random() < 0.4, chance.choice([0.0, 0.0, 0.002, 0.01])
    adjusts = chance.choice([0.0, 0.02, 0.1, 0.3])
    movable = [(item.name, item.domain) for item in plan.variables if item.adjustable]
    at_edges = chance.random() < 0.3
    paused, before = 0, -1

    def happens(state: State, prompt: Prompt | None) -> Event | None:
        nonlocal paused, before
        machine = state.machine
        changed, before = state.place.step != before, state.place.step
        if machine.mode is Mode.PAUSED:
            last = machine.pause_ms + 2 * plan.device.tick_ms > plan.interruptions.each_ms_max
            return Resume() if last or not late else None
        if machine.mode is Mode.ON and paused < plan.interruptions.count_max:
            here = changed if at_edges else state.place.step == target
            if chance.random() < (0.4 if here else rate / 4):
                paused += 1
                return Pause()
        if machine.mode is Mode.ON and movable and chance.random() < adjusts:
            name, domain = chance.choice(movable)
            assert isinstance(domain, IntegerDomain) and domain.step is not None
            steps = (domain.hi - domain.lo) // domain.step
            return Adjust(name, domain.lo + domain.step * chance.choice([0, steps, chance.randint(0, steps)]))
        if chance.random() < stops:
            return Stop()
        return answer_to(prompt, {})

    return happens


def _holds(treatment: Treatment, values: Mapping[str, Value], seed: int, *, adjustable: bool) -> None:
    plan = plan_of(treatment)
    if not adjustable:
        variables = tuple(replace(item, adjustable=False) for item in plan.variables)
        plan = replace(plan, variables=variables, requires=tuple(r for r in plan.requires if r != "adjust"))
    if check(plan):
        return
    window_ms = random.Random(seed).choice([300, 1_000, 4_950, 20_000, 60_000])
    worst, nominal, duration, *within = _bounds(_for_these_values(plan, values), window_ms)
    bound = bind_disarmed(plan, values)
    ticks = -(-window_ms // plan.device.tick_ms)
    windows = (MovingCap(ticks, within[0], False), MovingCap(ticks, within[1], True))
    constants = replace(
        bound.constants, cap_pc=worst, cap_nominal_pc=nominal, duration_cap_ms=duration, windows=windows
    )
    for turn in range(RUNS):
        seen = observe(plan, run(bound, _adversary(plan, seed + turn)).trace)
        assert seen.worst_pc <= worst
        assert seen.nominal_pc <= nominal
        assert seen.duration_ms <= duration
        armed = run(replace(bound, constants=constants), _adversary(plan, seed + turn))
        assert not {"F04", "F05"} & {alarm.code for alarm in armed.alarms}


@settings(max_examples=40)
@given(strategies.treatments(), strategies.values(), st.integers(0, 10**9))
def test_no_session_passes_the_bounds_of_its_values(
    treatment: Treatment, values: dict[str, Value], seed: int
) -> None:
    _holds(treatment, values, seed, adjustable=False)


@settings(max_examples=30)
@given(strategies.treatments(), strategies.values(), st.integers(0, 10**9))
def test_no_session_that_is_adjusted_at_any_moment_passes_the_bounds(
    treatment: Treatment, values: dict[str, Value], seed: int
) -> None:
    _holds(treatment, values, seed, adjustable=True)


@pytest.mark.soak
@settings(max_examples=3_000)
@given(strategies.treatments(), strategies.values(), st.integers(0, 10**9), st.booleans())
def test_no_session_passes_the_bounds_in_a_long_campaign(
    treatment: Treatment, values: dict[str, Value], seed: int, adjustable: bool
) -> None:
    _holds(treatment, values, seed, adjustable=adjustable)
