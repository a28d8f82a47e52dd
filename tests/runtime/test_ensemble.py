"""Channels at the bedside: the same ticks, one journal, and nothing happens to one of them alone."""

from __future__ import annotations

import pytest

from ionto_ir.events import DeviceFault, EmergencyStop, Event, FaultKind, Pause, Resume, Stop
from ionto_ir.state import Mode
from ionto_runtime.accounting import account_of
from ionto_runtime.journal_channels import parts_of
from ionto_runtime.journal_reader import Sealed
from ionto_runtime.replay_channels import rebound_parts, replay_parts
from ionto_runtime.simulation.stimulator import Fault
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
