"""Coasting through steady ticks leads to the same session as taking each of them."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ionto_ir.bind import bind_disarmed
from ionto_ir.bind_constants import NO_HISTORY, constants_of
from ionto_ir.bound import UNLIMITED, BoundPlan
from ionto_ir.coast import coast
from ionto_ir.constants import MovingCap
from ionto_ir.dataclass import replace
from ionto_ir.dry_run import Run, for_ever, obliging, run
from ionto_ir.events import Begin, Tick
from ionto_ir.executor import start, step
from ionto_ir.expression import Value
from ionto_ir.plan import Hold, Plan
from ionto_ir.rehearse import Timeline
from ionto_ir.scenario import Occurrence, Scenario
from ionto_ir.state import Phase
from tests import strategies
from tests.treatments import Fixed, Keep, Leg, Move, Over, Treatment, plan_of


def _sessions(bound: BoundPlan, timeline: tuple[Occurrence, ...]) -> tuple[Run, Run]:
    """The same session, tick by tick and coasting."""
    plain, coasting = (Timeline(Scenario("", (), timeline, (), None), {}) for _ in range(2))
    return (
        run(bound, plain.happens, 60_000),
        run(bound, coasting.happens, 60_000, silence=coasting.silence_ms),
    )


@given(strategies.plans(), strategies.values(), strategies.timelines())
def test_a_session_that_coasts_is_the_session_tick_by_tick(
    plan: Plan, values: dict[str, Value], timeline: tuple[Occurrence, ...]
) -> None:
    plain, coasted = _sessions(bind_disarmed(plan, values), timeline)
    assert coasted == plain


@settings(max_examples=40)
@given(
    strategies.plans(),
    strategies.values(),
    strategies.timelines(),
    st.integers(1, 200) | st.integers(200, 4_000),
    st.integers(50, 6_000),
)
def test_caps_trip_in_the_same_tick(
    plan: Plan, values: dict[str, Value], timeline: tuple[Occurrence, ...], cap: int, duration: int
) -> None:
    constants = constants_of(plan, values, NO_HISTORY, UNLIMITED, screened=True)
    capped = replace(constants, cap_pc=cap * 10**8, duration_cap_ms=duration * 100)
    plain, coasted = _sessions(BoundPlan(plan, values, capped, 1), timeline)
    assert coasted == plain


@settings(max_examples=40)
@given(
    strategies.plans(),
    strategies.values(),
    strategies.timelines(),
    st.lists(st.tuples(st.integers(1, 400), st.integers(1, 4_000_000)), min_size=1, max_size=2),
    st.lists(st.tuples(st.integers(1, 300), st.integers(1, 10**11)), max_size=2),
)
def test_moving_windows_trip_in_the_same_tick(
    plan: Plan,
    values: dict[str, Value],
    timeline: tuple[Occurrence, ...],
    windows: list[tuple[int, int]],
    earlier: list[tuple[int, int]],
) -> None:
    constants = constants_of(plan, values, NO_HISTORY, UNLIMITED, screened=True)
    moving = tuple(
        MovingCap(ticks, mean_na * ticks * 100, False, tuple(earlier)) for ticks, mean_na in windows
    )
    plain, coasted = _sessions(BoundPlan(plan, values, replace(constants, windows=moving), 1), timeline)
    assert coasted == plain


def _long_plan(hold: Keep) -> Plan:
    leg = Leg(Move(Fixed(100_000), Over(4_000)), (hold,), Over(4_000), False)
    return plan_of(Treatment((leg,), (), (), 0, 10_000, True, None, 1_000_000, 1_000_000))


@pytest.mark.parametrize("hold", [Keep("time", 86_400_000), Keep("charge", 8_640_000_000_000)])
def test_a_day_is_followed_in_few_steps(hold: Keep) -> None:
    bound = bind_disarmed(_long_plan(hold), {})
    state, _ = step(bound, start(bound), Begin())
    while not (state.place.phase is Phase.HOLD and state.machine.level_na == 100_000):
        state, _ = step(bound, state, Tick())
    state, first = coast(bound, state, 10_000_000)
    state, rest = coast(bound, state, 10_000_000)
    assert first + rest >= 863_000
    assert isinstance(bound.route.steps[state.place.step], Hold)
    done = run(bound, obliging({}), silence=for_ever)
    assert done.ending is not None and done.ending.completed
    assert done.trace.end_ms in range(86_400_000, 86_420_000)


def test_nothing_is_coasted_through_in_a_ramp() -> None:
    bound = bind_disarmed(_long_plan(Keep("time", 1_000)), {})
    state, _ = step(bound, start(bound), Begin())
    state, _ = step(bound, state, Tick())
    assert coast(bound, state, 100) == (state, 0)
