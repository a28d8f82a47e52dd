"""The executor and the reference emit the same current and count the same charge, in every tick."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import pytest
from hypothesis import event as note
from hypothesis import given, settings
from hypothesis import strategies as st

from ionto_ir.bind_constants import NO_HISTORY, constants_of
from ionto_ir.bound import UNLIMITED, BoundPlan
from ionto_ir.dataclass import replace
from ionto_ir.events import (
    Begin,
    Command,
    Confirm,
    Enter,
    Event,
    OutputOff,
    Prompt,
    PromptKind,
    Refused,
    Resume,
    SetCurrent,
    Tick,
)
from ionto_ir.executor import start, step
from ionto_ir.expression import Value
from ionto_ir.limits import LimitKind
from ionto_ir.plan import Plan
from ionto_ir.rehearse import Timeline
from ionto_ir.scenario import Happening, Occurrence, Scenario
from ionto_ir.state import Phase
from ionto_ir.terminals import terminals_of
from ionto_ir.waveform import Waveform
from tests.differential.reckoning import Meaning, Sample
from tests.differential.reference import UNENDING_TICKS, meaning_of
from tests.strategies import plans, timelines, values
from tests.treatments import (
    BENCH,
    At,
    Fixed,
    Keep,
    Leg,
    Move,
    Over,
    Repeat,
    Rest,
    Treatment,
    Turn,
    limit,
    plan_of,
)


def executed(plan: Plan, given_values: Mapping[str, Value], events: Sequence[Occurrence]) -> Meaning:
    """What the executor does, tick by tick, once something has flowed."""
    constants = constants_of(plan, given_values, NO_HISTORY, UNLIMITED, screened=True)
    bound = BoundPlan(plan, given_values, constants, 1)
    terminals = terminals_of(plan)
    timeline = Timeline(Scenario("", (), tuple(events), (), None), {}, terminals)
    samples: list[Sample] = []
    output: tuple[bool, int] = (False, 0)
    waveform: Waveform | None = None
    prompt: Prompt | None = None
    state, ticks = start(bound), 0
    pending: Event | None = Begin()
    while not state.ended and ticks < UNENDING_TICKS:
        event = pending or timeline.happens(state, prompt)
        if event is None:
            event = terminals.tick(output[1], waveform) if plan.monitors else Tick()
        pending = None
        ticks += isinstance(event, Tick)
        state, commands = step(bound, state, event)
        prompt = _open_prompt(prompt, event, commands)
        if (
            state.place.phase is not Phase.PROMPT
            and prompt is not None
            and prompt.kind is not PromptKind.RESUME
        ):
            prompt = None  # it was waited for long enough
        for command in commands:
            if isinstance(command, SetCurrent):
                output, waveform = (True, command.current_na), command.waveform
            elif isinstance(command, OutputOff):
                output, waveform = (False, 0), None
        if isinstance(event, Tick) and state.machine.elapsed_ms > 0:
            samples.append(Sample(*output, state.machine.nominal_pc, state.machine.upper_pc))
    return Meaning(tuple(samples), str(state.machine.reason))


def _open_prompt(prompt: Prompt | None, event: Event, commands: tuple[Command, ...]) -> Prompt | None:
    asked = [command for command in commands if isinstance(command, Prompt)]
    if asked:
        return asked[-1]
    refused = any(isinstance(command, Refused) for command in commands)
    return None if isinstance(event, Confirm | Enter | Resume) and not refused else prompt


def assert_same(plan: Plan, given_values: Mapping[str, Value], events: Sequence[Occurrence]) -> str:
    """Compare tick by tick, and give how it ended; a difference is shown with what led to it."""
    expected, found = meaning_of(plan, given_values, events), executed(plan, given_values, events)
    for index, (right, seen) in enumerate(zip(expected.samples, found.samples, strict=False)):
        before = expected.samples[max(0, index - 2) : index]
        assert seen == right, f"tick {index}, after {before}"
    assert len(found.samples) == len(expected.samples)
    return expected.ending


@given(plans(), values())
def test_an_undisturbed_session_means_the_same_to_both(plan: Plan, given_values: dict[str, Value]) -> None:
    note(assert_same(plan, given_values, ()))


@settings(max_examples=max(200, settings().max_examples))
@given(plans(), values(), timelines())
def test_a_disturbed_session_means_the_same_to_both(
    plan: Plan, given_values: dict[str, Value], events: tuple[Occurrence, ...]
) -> None:
    note(assert_same(plan, given_values, events))


@st.composite
def windowed(draw: st.DrawFn) -> Plan:
    """A plan under windows of any length, so narrow that many a session ends early."""
    plan = draw(plans())
    windows = []
    for window_ms in draw(st.lists(st.integers(1, 60_000), min_size=1, max_size=3)):
        bound = draw(st.integers(1, 4_000_000)) * window_ms
        nominal = draw(st.booleans())
        windows.append(limit(LimitKind.DOSE, bound, "mA.min", window_ms=window_ms, nominal=nominal))
    return replace(plan, limits=(*plan.limits, *windows))


@settings(max_examples=max(60, settings().max_examples // 2))
@given(windowed(), values(), timelines())
def test_moving_windows_end_a_session_in_the_same_tick(
    plan: Plan, given_values: dict[str, Value], events: tuple[Occurrence, ...]
) -> None:
    note(assert_same(plan, given_values, events))


def interruption(how: Happening, at_ms: int, length_ms: int) -> tuple[Occurrence, Occurrence]:
    """An interruption that is resumed."""
    back = Occurrence(at_ms + length_ms, Happening.RESUME, None, None, None)
    return Occurrence(at_ms, how, None, None, None), back


MA = 1_000_000
TOTAL = Leg(Move(Fixed(2 * MA), Over(5_000)), (Keep("total", 24_000_000_000),), At(400_000))
LEGS = {
    "a total with a slow descent": TOTAL,
    "a charge": Leg(Move(Fixed(2 * MA), At(500_000)), (Keep("charge", 10_000_000_000),), Over(4_000)),
    "a time": Leg(Move(Fixed(2 * MA), Over(4_050)), (Keep("time", 4_950),), Over(4_000)),
}


@pytest.mark.parametrize("name", LEGS)
@pytest.mark.parametrize("how", [Happening.PAUSE, Happening.LEAD_OFF])
def test_an_interruption_at_any_moment_means_the_same_to_both(name: str, how: Happening) -> None:
    plan = plan_of(Treatment((LEGS[name],), ramp_na_s=MA, stop_na_s=700_000))
    for at_ms in range(100, 20_000, 500):
        assert_same(plan, {}, interruption(how, at_ms, 6_000))


@pytest.mark.parametrize("nominal", [False, True])
def test_a_cap_of_any_size_trips_in_the_same_tick_for_both(nominal: bool) -> None:
    session = (TOTAL, Leg(Move(Fixed(3 * MA), Over(4_000)), (Keep("time", 3_000),), Over(20_000)))
    plan = plan_of(Treatment(session, ramp_na_s=MA, stop_na_s=300_000))
    endings = set()
    for cap_pc in range(10_000_000_000, 80_000_000_000, 1_300_000_000):
        capped = replace(
            plan, limits=(*plan.limits, limit(LimitKind.DOSE, cap_pc, "mA.min", nominal=nominal))
        )
        assert_same(capped, {}, ())
        endings.add(meaning_of(capped, {}).ending)
    assert endings == {"trip", "finished"}


@pytest.mark.parametrize("period_ms", [None, 1, 12_000, 15_050, 40_000])
def test_rounds_begin_at_the_same_time_for_both(period_ms: int | None) -> None:
    body = (Leg(Move(Fixed(MA), Over(2_000)), (Keep("time", 1_000),), Over(2_000)), Turn(), Rest(950))
    plan = plan_of(Treatment((Repeat(3, period_ms, body),), ramp_na_s=MA))
    assert_same(plan, {}, ())
    pause = (
        Occurrence(9_000, Happening.PAUSE, None, None, None),
        Occurrence(14_000, Happening.RESUME, None, None, None),
    )
    assert_same(plan, {}, pause)


@pytest.mark.parametrize(("tick_ms", "step_na"), [(70, 30_000), (100, 1_000), (250, 7_000), (1_000, 100_000)])
def test_another_grid_of_time_and_current_means_the_same_to_both(tick_ms: int, step_na: int) -> None:
    top_na = 2 * MA - 2 * MA % step_na
    device = replace(BENCH, tick_ms=tick_ms, step_na=step_na, current_na_max=2 * top_na, watchdog_ms=2_000)
    leg = Leg(
        Move(Fixed(top_na), Over(4_321)), (Keep("time", 1_234), Keep("total", 12_345_678_901)), Over(5_432)
    )
    plan = plan_of(Treatment((leg, Turn(), leg), ramp_na_s=MA, stop_na_s=654_321), device)
    assert_same(plan, {}, ())
    for at_ms in range(100, 12_000, 700):
        assert_same(plan, {}, interruption(Happening.PAUSE, at_ms, 7_000))
