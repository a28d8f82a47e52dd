"""Channels: taken apart into plans, run in lockstep, bound under caps that add up to no more than a limit."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from ionto_ir.bind import Acknowledgement, Refusal, bind
from ionto_ir.bind_together import (
    BoundTogether,
    bind_together,
    bind_together_disarmed,
    ended_by_a_pause,
)
from ionto_ir.channels import care_plan, channel_plans, gathering
from ionto_ir.dataclass import replace
from ionto_ir.events import (
    Adjust,
    Begin,
    DeviceFault,
    EmergencyStop,
    Event,
    FaultKind,
    Pause,
    Refused,
    Resume,
    Stop,
)
from ionto_ir.executor import start
from ionto_ir.expression import Constant
from ionto_ir.features import features_of
from ionto_ir.limits import LimitKind, Role
from ionto_ir.observer_together import violations_together
from ionto_ir.ordinary import ordinary_values
from ionto_ir.plan import Channel, Confirm, ForTime, Plan, Wait
from ionto_ir.rehearse import rehearse
from ionto_ir.scenario import Happening, Occurrence, Scenario
from ionto_ir.state import Mode, State
from ionto_ir.together import TogetherRun, deliver, run_together
from ionto_ir.wellformed import check
from tests.golden.everything import side_by_side
from tests.treatments import HERE, limit

MA = 1_000_000


def two(limits: tuple[object, ...] = (), late_ms: int = 0) -> Plan:
    """Two channels at 1 mA; the second begins `late_ms` later."""
    plan = side_by_side()
    first, second = plan.channels
    if late_ms:
        shifted = tuple(
            replace(step, next=step.next + 1) if hasattr(step, "next") else step for step in second.steps
        )
        wait = Wait(Constant(late_ms), "later", 1, shifted[0].section, HERE)
        second = Channel(second.name, second.electrodes, (wait, *shifted), 0, HERE)
    plan = replace(plan, channels=(first, second), limits=(*limits, *plan.limits[:3]))  # type: ignore[arg-type]
    return replace(plan, requires=features_of(plan))


VALUES = ordinary_values(side_by_side(), {"current": MA, "active.area": 10**9, "active.pole": 0})


def ran(plan: Plan, events: Sequence[tuple[int, Event]]) -> TogetherRun:
    """The disarmed channels, with events at times of the session."""
    pending = list(events)

    def happens(clock_ms: int, states: Sequence[State]) -> Event | None:
        return pending.pop(0)[1] if pending and clock_ms > 0 and pending[0][0] <= clock_ms else None

    return run_together(bind_together_disarmed(plan, VALUES).channels, happens)


def test_a_plan_with_channels_comes_apart_into_well_formed_plans() -> None:
    plan = two()
    assert check(plan) == ()
    assert isinstance(care_plan(plan).steps[gathering(plan)], Confirm)
    for part in (care_plan(plan), *channel_plans(plan)):
        assert not part.channels and check(part) == ()


@pytest.mark.parametrize(
    "spoilt",
    [
        {"device": replace(side_by_side().device, channels=1)},
        {"steps": side_by_side().steps[1:]},
        {"channels": (side_by_side().channels[0], side_by_side().channels[0])},
        {"channels": side_by_side().channels[:1]},
        {"channels": (replace(side_by_side().channels[0], electrodes=(0, 7)), side_by_side().channels[1])},
        {"channels": tuple(replace(item, electrodes=(0, 2)) for item in side_by_side().channels)},
    ],
)
def test_channels_that_do_not_go_together_are_no_plan(spoilt: dict[str, object]) -> None:
    plan = replace(side_by_side(), **spoilt)  # type: ignore[arg-type]
    assert {problem.code for problem in check(replace(plan, requires=features_of(plan)))} >= {"I0827"}


def test_what_is_for_one_channel_refuses_several_by_name() -> None:
    refused = bind(two(), VALUES)
    assert isinstance(refused, Refusal) and [item.code for item in refused.diagnostics] == ["I0464"]
    told = Occurrence(1_000, Happening.IMPEDANCE, None, 90_000, None)
    outcome = rehearse(two(), Scenario("dry", tuple(VALUES.items()), (told,), (), None))
    assert isinstance(outcome, Refusal) and [item.code for item in outcome.diagnostics] == ["I0464"]


def test_a_pause_of_all_holds_back_a_channel_in_which_nothing_has_flowed_yet() -> None:
    calm = ran(two(late_ms=6_000), [])
    paused = ran(two(late_ms=6_000), [(3_000, Pause()), (20_000, Resume())])
    began = [next(point.at_ms for point in done.traces[1].points if point.on) for done in (calm, paused)]
    assert began[0] == 6_000 and began[1] > 20_000
    assert paused.finished


@pytest.mark.parametrize(
    ("event", "mode"),
    [
        (Stop(), "stopped"),
        (EmergencyStop(), "emergency"),
        (DeviceFault(FaultKind.OVER_CURRENT), "fault"),
    ],
)
def test_what_ends_one_channel_ends_the_others_in_the_same_tick(event: Event, mode: str) -> None:
    done = ran(two(), [(6_000, event)])
    assert not done.finished and all(ending is not None for ending in done.endings)
    last = [max(point.at_ms for point in trace.points) for trace in done.traces]
    assert abs(last[0] - last[1]) <= 100, mode


def test_a_lead_that_came_off_one_channel_pauses_the_other_and_both_go_on() -> None:
    done = ran(two(), [(6_000, DeviceFault(FaultKind.LEAD_OFF)), (20_000, Resume())])
    assert done.finished
    assert [final.machine.interruptions for final in done.finals] == [1, 1]


def test_a_limit_holds_for_the_sum_where_channels_share_it() -> None:
    bounds = (
        limit(LimitKind.CURRENT, 2 * MA - 1, "mA", nominal=True),
        limit(LimitKind.CURRENT, 2 * MA - 1, "mA", nominal=True, role=Role.CATHODE),
        limit(LimitKind.CURRENT, 2 * MA - 1, "mA", nominal=True, role=Role.ANODE),
    )
    plan = two(bounds)
    done = run_together(bind_together_disarmed(plan, VALUES).channels)
    broken = [(item.limit.role, item.electrode) for item in violations_together(plan, VALUES, done.traces)]
    assert broken == [(None, None), (Role.CATHODE, 2)]


def test_caps_of_channels_add_up_to_no_more_than_the_limit_that_they_share() -> None:
    bounds = (
        limit(LimitKind.CURRENT, 3 * MA, "mA"),
        limit(LimitKind.DOSE, 60_000_000_000, "mA.min"),
    )
    plan = replace(two(bounds), may_saturate=True)
    bound = bind_together(plan, VALUES)
    assert isinstance(bound, BoundTogether), bound
    rules = [channel.constants for channel in bound.channels]
    assert (
        sum(channel.interlock.worst_na(channel.constants.current_cap_na) for channel in bound.channels)
        <= 3 * MA
    )
    assert sum(item.cap_pc for item in rules) <= 60_000_000_000
    assert run_together(bound.channels).finished


def test_channels_that_need_more_than_they_share_are_not_bound() -> None:
    plan = two((limit(LimitKind.DOSE, 17_000_000_000, "mA.min"),))
    refused = bind_together(plan, VALUES)
    assert isinstance(refused, Refusal)
    assert {item.code for item in refused.diagnostics} == {"I0940"}


def test_an_adjustment_that_one_channel_refuses_happens_to_none() -> None:
    plan = two()
    bounds = bind_together_disarmed(plan, VALUES).channels
    states = [start(bound) for bound in bounds]
    for _ in deliver(bounds, states, Begin()):
        pass
    refused = [*deliver(bounds, states, Adjust("current", 5 * MA))]
    assert len(refused) == 1 and any(isinstance(item, Refused) for item in refused[0].commands)
    assert {state.values["current"] for state in states} == {MA}
    assert len([*deliver(bounds, states, Adjust("current", 2 * MA))]) == 2
    assert {state.values["current"] for state in states} == {2 * MA}


def test_a_soft_limit_that_only_the_sum_passes_needs_a_person() -> None:
    plan = two((limit(LimitKind.CURRENT, 3 * MA // 2, "mA", nominal=True, soft=True),))
    plan = replace(plan, may_saturate=True)
    refused = bind_together(plan, VALUES)
    assert isinstance(refused, Refusal) and refused.only_needs_acknowledgement
    given = [Acknowledgement(item.subject, "Dr A", "both sites at once") for item in refused.needed]
    assert isinstance(bind_together(plan, VALUES, given), BoundTogether)


def test_a_wait_in_one_channel_does_not_stop_the_other() -> None:
    done = ran(two(late_ms=6_000), [])
    assert done.finished and Mode.ENDED in {final.mode for final in done.finals}
    assert isinstance(two().channels[0].steps[1].until, ForTime)  # type: ignore[union-attr]


def test_only_a_pause_that_lasts_too_long_is_an_end_without_harm() -> None:
    late = "interrupted for longer than is allowed"
    assert ended_by_a_pause({late}) and ended_by_a_pause({late, "stopped"})
    for other in ("a limit would have been passed", "machine and interlock disagree", "it does not end"):
        assert not ended_by_a_pause({late, other})
    assert not ended_by_a_pause({"stopped"})
