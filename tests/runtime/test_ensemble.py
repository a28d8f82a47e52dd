"""Channels at the bedside: the same ticks, one journal, and nothing happens to one of them alone."""

from __future__ import annotations

import pytest

from ionto_ir.bind_together import BoundTogether, bind_together
from ionto_ir.events import Adjust, DeviceFault, EmergencyStop, Event, FaultKind, Pause, Resume, Stop
from ionto_ir.state import Mode
from ionto_runtime.accounting import account_of
from ionto_runtime.ensemble import out_of_step
from ionto_runtime.journal import JournalFailure
from ionto_runtime.journal_channels import parts_of
from ionto_runtime.journal_reader import Sealed
from ionto_runtime.loop import run_session
from ionto_runtime.messages import view_from_json, view_to_json
from ionto_runtime.planned import planned_together
from ionto_runtime.replay_channels import Replayed, rebound_parts, replay_parts
from ionto_runtime.simulation.clock import VirtualClock
from ionto_runtime.simulation.stimulator import Fault
from ionto_runtime.view import Facts
from ionto_runtime.view_together import facts_together
from tests.runtime.bedside import Script
from tests.runtime.channel_plans import two_sites
from tests.runtime.ensembles import PLAN, Bed


def test_both_channels_complete_and_both_skins_receive_about_what_was_set() -> None:
    made = Bed()
    made.to_the_end()
    assert made.ensemble.completed
    for session, output in zip(made.ensemble.sessions, made.device.outputs, strict=True):
        assert session.nominal_pc > 0
        assert abs(output.received.total_pc - session.nominal_pc) < session.nominal_pc // 10
        assert output.received.total_pc <= session.upper_pc


def test_a_pause_is_one_of_both_and_nothing_resumes_before_both_are_at_zero() -> None:
    made = Bed()
    made.pass_ticks(60)
    made.ensemble.feed(Pause())
    assert made.modes == [Mode.PAUSING, Mode.PAUSING]
    made.ensemble.feed(Resume())
    assert made.modes == [Mode.PAUSING, Mode.PAUSING]
    made.pass_ticks(40)
    assert made.modes == [Mode.PAUSED, Mode.PAUSED]
    made.ensemble.feed(Resume())
    made.to_the_end()
    assert made.ensemble.completed
    assert [state.machine.interruptions for state in made.ensemble.states] == [1, 1]


def test_an_electrode_that_comes_off_one_channel_ramps_the_other_down_in_the_same_tick() -> None:
    made = Bed()
    made.pass_ticks(60)
    made.device.outputs[1].faults.add(Fault.LEAD_OFF)
    for _ in range(20):
        made.pass_ticks(1)
        if made.modes[1] is not Mode.ON:
            break
    assert made.modes[1] is Mode.PAUSED and made.modes[0] in (Mode.PAUSING, Mode.PAUSED)


@pytest.mark.parametrize("event", [Stop(), EmergencyStop(), DeviceFault(FaultKind.INTERNAL)])
def test_what_ends_one_channel_ends_both(event: Event) -> None:
    made = Bed()
    made.pass_ticks(60)
    made.ensemble.feed(event)
    made.to_the_end()
    assert made.ensemble.ended and not made.ensemble.completed
    assert all(session.seen_off for session in made.ensemble.sessions)


def test_a_bug_of_ours_opens_every_output() -> None:
    made = Bed()
    made.pass_ticks(60)
    made.ensemble.trip("a bug")
    made.pass_ticks(1)
    readings = [output.measure() for output in made.device.outputs]
    assert [reading is not None and reading.output_on for reading in readings] == [False, False]


def test_the_journal_replays_channel_by_channel_and_in_step() -> None:
    made = Bed()
    made.pass_ticks(60)
    made.ensemble.feed(Pause())
    made.pass_ticks(40)
    made.ensemble.feed(Resume())
    reading = made.to_the_end().reading
    assert isinstance(reading.end, Sealed)
    parts = rebound_parts(PLAN, reading)
    assert not isinstance(parts, str) and [part.name for part in parts] == [None, "left", "right"]
    replayed = replay_parts(parts, reading)
    assert replayed.agrees and replayed.ticks > 200


def test_the_account_is_the_sum_of_the_channels() -> None:
    made = Bed().to_the_end()
    whole = account_of(made.reading)
    alone = [account_of(part.reading) for part in parts_of(made.reading)[1:]]
    assert not isinstance(whole, str) and whole.energised and whole.closed
    found = [item for item in alone if not isinstance(item, str)]
    assert len(found) == 2 and all(item.charge.lower_pc > 0 for item in found)
    assert whole.charge.upper_pc == sum(item.charge.upper_pc for item in found)
    assert whole.nominal_pc == sum(item.nominal_pc for item in found)
    skins = sum(output.received.total_pc for output in made.device.outputs)
    assert whole.charge.lower_pc <= skins <= whole.charge.upper_pc


def test_no_channel_begins_before_people_are_done_and_then_they_are_asked_what_comes_after() -> None:
    made = Bed(bind_two_sites(), answers={"skin": 0}, silent=True).pass_ticks(100)
    assert made.modes == [Mode.READY, Mode.READY] and not made.ensemble.elapsed_ms
    assert made.ensemble.prompt is not None and made.ensemble.prompt.text == "Skin is clean and dry"
    made.ensemble.feed(Pause())
    assert made.ensemble.refusal is not None
    made.silent = False
    made.to_the_end()
    assert made.ensemble.completed and made.ensemble.refusal is None
    assert [record.variable for record in made.ensemble.care.records] == ["skin"]


def test_what_was_stopped_is_over_for_people_too() -> None:
    made = Bed(bind_two_sites(), answers={"skin": 0}).pass_ticks(30)
    made.ensemble.feed(Stop())
    made.to_the_end()
    assert made.ensemble.care.records == []
    assert made.ensemble.end is not None and made.ensemble.end.reason == "stopped"


def test_a_pause_that_means_something_to_one_channel_is_no_refusal() -> None:
    made = Bed(bind_two_sites(wait_ms=5_000), answers={"skin": 0}).pass_ticks(20)
    assert made.modes == [Mode.ON, Mode.READY]
    made.ensemble.feed(Pause())
    assert made.ensemble.refusal is None and made.modes == [Mode.PAUSING, Mode.READY]
    made.pass_ticks(100)
    assert made.modes == [Mode.PAUSED, Mode.READY], "the channel at rest has waited"
    made.ensemble.feed(Resume())
    assert replay_of(made.to_the_end()).agrees


@pytest.mark.requirement("R31")
def test_a_device_that_restarts_opens_the_outputs_of_all() -> None:
    made = Bed().pass_ticks(60)
    made.device.outputs[1].reset()
    made.pass_ticks(2)
    assert made.modes == [Mode.ENDED, Mode.ENDED]
    assert [output.measure().output_on for output in made.device.outputs] == [False, False]  # type: ignore[union-attr]


def test_a_device_that_falls_silent_takes_the_others_down_and_nothing_goes_on_without_it() -> None:
    made = Bed().pass_ticks(60)
    made.device.outputs[0].faults.add(Fault.SILENT)
    made.pass_ticks(20)
    assert made.modes[0] is Mode.LOST and made.modes[1] in (Mode.PAUSING, Mode.PAUSED)
    made.pass_ticks(30)
    made.ensemble.feed(Resume())
    made.pass_ticks(20)
    assert made.modes == [Mode.LOST, Mode.READY], "it waits until the other one is there"
    made.device.outputs[0].faults.discard(Fault.SILENT)
    made.pass_ticks(20)
    made.ensemble.feed(Resume())
    assert replay_of(made.to_the_end()).agrees


def test_a_journal_that_cannot_be_written_stops_all_channels() -> None:
    made = Bed().pass_ticks(60)
    made.journal.failure = JournalFailure("write", "no space left")
    made.pass_ticks(1)
    assert set(made.modes) <= {Mode.STOPPING, Mode.ENDED}
    made.to_the_end()
    assert not made.journal.sealed and not made.ensemble.completed


def test_more_than_is_ever_allowed_in_all_channels_opens_all() -> None:
    made = Bed().pass_ticks(60)
    made.ensemble._ceiling_na = 1_500_000
    made.pass_ticks(1)
    assert made.modes == [Mode.ENDED, Mode.ENDED]
    assert "F69" in [alarm.code for alarm in made.ensemble.alarms]


def test_channels_that_are_out_of_step_are_opened() -> None:
    made = Bed().pass_ticks(60)
    made.ensemble.sessions[0].feed(Pause())  # not through the ensemble: as if it had been forgotten
    assert out_of_step(made.ensemble.states)
    made.pass_ticks(1)
    assert made.modes == [Mode.ENDED, Mode.ENDED]
    assert "F70" in [alarm.code for alarm in made.ensemble.alarms]


def test_an_adjustment_that_one_channel_refuses_happens_to_none() -> None:
    made = Bed().pass_ticks(60)
    made.ensemble.feed(Adjust("current", 10**9))
    assert made.ensemble.refusal is not None
    assert [state.values["current"] for state in made.ensemble.states] == [1_000_000, 1_000_000]


@pytest.mark.parametrize("wait_ms", [0, 1_000])
def test_the_loop_shows_each_channel_and_the_sum(wait_ms: int) -> None:
    bound = bind_two_sites((2_000, 3_000), wait_ms)
    made = Bed(bound, answers={"skin": 0}, begun=False)
    facts = facts_for_all(bound)
    console = Script(answers={"skin": 0})
    run_session(made.ensemble, console, facts, made.clock, made.device.advance, real_time=False)
    assert made.ensemble.completed
    for view in console.views:
        assert [channel.name for channel in view.channels] == ["upper", "lower"]
        assert view.setpoint_na == sum(abs(channel.setpoint_na) for channel in view.channels)
        assert view.upper_pc == sum(channel.upper_pc for channel in view.channels)
    assert max(view.setpoint_na for view in console.views) == 2_000_000
    assert console.views[-1].word == "DONE" and console.views[-1].closed
    assert "Channels at work: lower" in {view.step for view in console.views}
    again = view_from_json(facts, view_to_json(console.views[40], 1, 2, 3))
    assert again.channels == console.views[40].channels


@pytest.mark.parametrize("late_ms", [400, 2_000])
def test_a_computer_that_is_too_slow_stops_all_channels(late_ms: int) -> None:
    bound = bind_two_sites(holds_ms=(15_000, 15_000))
    made = Bed(bound, begun=False, clock=SlowClock(late_ms))
    facts = facts_for_all(bound)
    run_session(made.ensemble, Script(), facts, made.clock, made.device.advance, real_time=True)
    assert "F22" in [alarm.code for alarm in made.ensemble.alarms]
    assert made.modes == [Mode.ENDED, Mode.ENDED] and not made.ensemble.completed
    for part, output in zip(parts_of(made.reading)[1:], made.device.outputs, strict=True):
        account = account_of(part.reading)
        assert not isinstance(account, str)
        assert account.charge.lower_pc <= output.received.total_pc <= account.charge.upper_pc


class SlowClock(VirtualClock):
    """A clock that jumps once, five seconds after the beginning."""

    def __init__(self, late_ms: int) -> None:
        super().__init__()
        self._late_ms = late_ms

    def sleep_until(self, deadline_ms: int) -> None:
        if deadline_ms > 5_000 and self._late_ms:
            late_ms, self._late_ms = self._late_ms, 0
            deadline_ms += late_ms
        super().sleep_until(deadline_ms)


def bind_two_sites(holds_ms: tuple[int, int] = (3_000, 2_000), wait_ms: int = 1_000) -> BoundTogether:
    """The two sites of the bedside tests, bound."""
    bound = bind_together(two_sites(holds_ms, wait_ms), {}, rehearsing=True)
    assert isinstance(bound, BoundTogether)
    return bound


def facts_for_all(bound: BoundTogether) -> Facts:
    """Facts of a simulated session."""
    return facts_together(
        bound,
        planned_together(bound),
        ["one", "two"],
        patient=None,
        operator=None,
        device="two",
        simulated=True,
        speed=1,
    )


def replay_of(made: Bed) -> Replayed:
    """What comes of replaying its journal."""
    parts = rebound_parts(made.bound.plan, made.reading)
    assert not isinstance(parts, str)
    return replay_parts(parts, made.reading)
