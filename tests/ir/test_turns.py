"""Channels that take turns: which flow together, when the next part begins, and what each may have."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from ionto_ir.bind import Refusal
from ionto_ir.bind_together import BoundTogether, bind_together, bind_together_disarmed
from ionto_ir.dataclass import replace
from ionto_ir.events import Begin, Event, Pause, Resume, Stop, Tick
from ionto_ir.executor import start, step
from ionto_ir.features import features_of
from ionto_ir.limits import LimitKind, Role
from ionto_ir.ordinary import ordinary_values
from ionto_ir.parts import among, flowing_together, parts_count, parts_in, turns_of
from ionto_ir.plan import Plan
from ionto_ir.state import State
from ionto_ir.together import TogetherRun, run_together
from ionto_ir.turns import is_off, may_go_on, stands
from ionto_ir.wellformed import check
from tests.golden.everything import side_by_side
from tests.treatments import limit
from tests.turns import in_parts

MA = 1_000_000
VALUES = ordinary_values(side_by_side(), {"current": MA, "active.area": 10**9, "active.pole": 0})
ONE_AT_A_TIME = (
    limit(LimitKind.CURRENT, 1_200_000, "mA"),
    limit(LimitKind.CURRENT, MA, "mA", nominal=True, role=Role.ANODE),
)


def turned(parts: Sequence[int] = (0, 1), **changes: object) -> Plan:
    """Two channels at 1 mA, in these parts of the session."""
    plan = in_parts(replace(side_by_side(), **changes), parts)  # type: ignore[arg-type]
    assert check(plan) == (), check(plan)
    return plan


def ran(plan: Plan, events: Sequence[tuple[int, Event]] = ()) -> TogetherRun:
    """The disarmed channels, with events at times of the session."""
    pending = list(events)

    def happens(clock_ms: int, _: Sequence[State]) -> Event | None:
        return pending.pop(0)[1] if pending and clock_ms > 0 and pending[0][0] <= clock_ms else None

    return run_together(bind_together_disarmed(plan, VALUES).channels, happens)


def flowing_ms(done: TogetherRun, channel: int) -> tuple[int, int]:
    """When current first and last flowed in a channel."""
    on = [point.at_ms for point in done.traces[channel].points if point.on]
    return on[0], on[-1]


def test_the_part_of_a_step_is_how_often_all_were_waited_for_before() -> None:
    plan = turned()
    steps = plan.channels[1].steps
    assert turns_of(steps) == (0,) and parts_count(plan) == 2
    assert parts_in(steps) == (0, *(1 for _ in steps[1:]))
    assert parts_in(plan.channels[0].steps) == (*(0 for _ in plan.channels[0].steps[:-1]), 1)
    assert "turns" in plan.requires and "turns" not in side_by_side().requires


def test_only_channels_of_the_same_part_flow_together() -> None:
    assert flowing_together(side_by_side()) == ((0, 1),)
    assert flowing_together(turned((0, 1))) == ((0,), (1,))
    assert flowing_together(turned((1, 1))) == ((0, 1),)
    assert among(turned((0, 1)), (1,)) == ((1,),)
    assert among(side_by_side(), (0,)) == ((0,),)


@pytest.mark.parametrize("parts", [(0, 1), (1, 0)])
def test_the_second_begins_when_the_first_is_seen_off_and_not_before(parts: tuple[int, int]) -> None:
    done = ran(turned(parts))
    first, second = (flowing_ms(done, channel) for channel in sorted((0, 1), key=lambda item: parts[item]))
    assert done.finished and first[0] == 0
    assert first[1] < second[0] <= first[1] + 400


def test_however_long_a_pause_holds_the_first_the_second_waits() -> None:
    done = ran(turned(), [(3_000, Pause()), (60_000, Resume())])
    first, second = flowing_ms(done, 0), flowing_ms(done, 1)
    assert done.finished and 60_000 < first[1] < second[0]


def test_a_stop_in_the_first_part_ends_the_second_before_it_began() -> None:
    done = ran(turned(), [(3_000, Stop())])
    assert not done.finished and all(ending is not None for ending in done.endings)
    assert not any(point.on for point in done.traces[1].points)


def test_a_channel_whose_output_was_not_seen_off_keeps_the_next_part_waiting() -> None:
    bounds = bind_together_disarmed(turned(), VALUES).channels
    states = [step(bound, start(bound), Begin())[0] for bound in bounds]
    flown = False
    for _ in range(10_000):
        states[0], _ = step(bounds[0], states[0], Tick())
        flown = flown or states[0].machine.level_na > 0
        if stands(bounds[0], states[0]):
            break
    assert flown and stands(bounds[1], states[1])
    for _ in range(20):  # at rest, and nothing says so
        states[0], _ = step(bounds[0], states[0], Tick(acknowledged=False))
        assert stands(bounds[0], states[0]) and not is_off(states[0])
        assert not may_go_on(bounds, states)
    states[0], _ = step(bounds[0], states[0], Tick())
    assert may_go_on(bounds, states)


def test_in_turns_each_channel_may_have_all_of_a_limit_and_side_by_side_it_may_not() -> None:
    limits = (*ONE_AT_A_TIME, *side_by_side().limits[:3])
    refused = bind_together(turned((0, 0), limits=limits), VALUES)
    assert isinstance(refused, Refusal) and "I0940" in {item.code for item in refused.diagnostics}
    bound = bind_together(turned((0, 1), limits=limits), VALUES)
    assert isinstance(bound, BoundTogether), bound
    assert [item.constants.current_cap_na for item in bound.channels] == [MA, MA]
    done = run_together(bound.channels)
    assert done.finished and not done.alarms


def test_charges_are_handed_out_over_all_parts() -> None:
    need = limit(LimitKind.DOSE, 10**9, "mA.min")
    refused = bind_together(turned((0, 1), limits=(need, *side_by_side().limits[:3])), VALUES)
    assert isinstance(refused, Refusal) and "I0940" in {item.code for item in refused.diagnostics}


@pytest.mark.parametrize("kind", ["count", "late"])
def test_turns_that_a_channel_does_not_take_are_no_plan(kind: str) -> None:
    plan = turned()
    first, second = plan.channels
    turn = second.steps[0]
    assert not hasattr(turn, "late") or turn.late is None
    if kind == "count":
        second = replace(second, steps=side_by_side().channels[1].steps)
    else:
        late = replace(turn, within_ms=1_000, late=1)  # type: ignore[call-arg]
        second = replace(second, steps=(late, *second.steps[1:]))
    spoilt = replace(plan, channels=(first, second))
    spoilt = replace(spoilt, requires=features_of(spoilt))
    assert "I0827" in {problem.code for problem in check(spoilt)}
