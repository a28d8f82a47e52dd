"""Channels at the bedside: the same ticks, a journal each, and nothing happens to one of them alone."""

from __future__ import annotations

import pytest

from ionto_ir.bind_together import bind_together_disarmed
from ionto_ir.dataclass import dataclass
from ionto_ir.dry_run import TICKS_MAX
from ionto_ir.events import DeviceFault, EmergencyStop, Event, FaultKind, Pause, Resume, Stop
from ionto_ir.ordinary import ordinary_values
from ionto_ir.state import Mode
from ionto_runtime.ensemble import Ensemble
from ionto_runtime.journal_reader import scan
from ionto_runtime.session import Session
from ionto_runtime.simulation.channels import SimulatedChannels
from ionto_runtime.simulation.stimulator import Fault
from tests.golden.everything import side_by_side
from tests.runtime.journals import MemoryFile, writer_on

MA = 1_000_000
PLAN = side_by_side()
VALUES = ordinary_values(PLAN, {"current": MA, "active.area": 10**9, "active.pole": 0})


@dataclass(frozen=True, slots=True)
class Bed:
    """Two channels on a simulated device, armed."""

    ensemble: Ensemble
    device: SimulatedChannels
    files: tuple[MemoryFile, ...]

    def pass_ticks(self, count: int) -> None:
        """Let ticks go by."""
        for _ in range(count):
            self.device.advance(100)
            self.ensemble.tick(100)

    def to_the_end(self) -> None:
        """Until both outputs were seen off."""
        for _ in range(TICKS_MAX):
            if self.ensemble.closed:
                break
            self.pass_ticks(1)
        self.ensemble.finish()

    @property
    def modes(self) -> list[Mode]:
        """The mode of each channel."""
        return [state.mode for state in self.ensemble.states]


def bed() -> Bed:
    """A session of two channels that has begun."""
    bound = bind_together_disarmed(PLAN, VALUES)
    device = SimulatedChannels(PLAN, VALUES, 1)
    files = (MemoryFile(), MemoryFile())
    sessions = [
        Session(part, output, writer_on(file))
        for part, output, file in zip(bound.channels, device.outputs, files, strict=True)
    ]
    assert [session.arm() for session in sessions] == [None, None]
    ensemble = Ensemble(sessions)
    ensemble.begin()
    return Bed(ensemble, device, files)


def test_both_channels_complete_and_both_skins_receive_about_what_was_set() -> None:
    made = bed()
    made.to_the_end()
    assert made.ensemble.completed
    for session, output in zip(made.ensemble.sessions, made.device.outputs, strict=True):
        assert session.nominal_pc > 0
        assert abs(output.received.total_pc - session.nominal_pc) < session.nominal_pc // 10
        assert output.received.total_pc <= session.upper_pc


def test_a_pause_is_one_of_both_and_nothing_resumes_before_both_are_at_zero() -> None:
    made = bed()
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
    made = bed()
    made.pass_ticks(60)
    made.device.outputs[1].faults.add(Fault.LEAD_OFF)
    for _ in range(20):
        made.pass_ticks(1)
        if made.modes[1] is not Mode.ON:
            break
    assert made.modes[1] is Mode.PAUSED and made.modes[0] in (Mode.PAUSING, Mode.PAUSED)


@pytest.mark.parametrize("event", [Stop(), EmergencyStop(), DeviceFault(FaultKind.INTERNAL)])
def test_what_ends_one_channel_ends_both(event: Event) -> None:
    made = bed()
    made.pass_ticks(60)
    made.ensemble.feed(event)
    made.to_the_end()
    assert made.ensemble.ended and not made.ensemble.completed
    assert all(session.seen_off for session in made.ensemble.sessions)


def test_a_bug_of_ours_opens_every_output() -> None:
    made = bed()
    made.pass_ticks(60)
    made.ensemble.trip("a bug")
    made.pass_ticks(1)
    readings = [output.measure() for output in made.device.outputs]
    assert [reading is not None and reading.output_on for reading in readings] == [False, False]


def test_the_journal_of_each_channel_is_whole() -> None:
    made = bed()
    made.to_the_end()
    for file in made.files:
        assert scan(file.data).records
