"""Monitors in a session on the simulated stimulator, and in its journal."""

from __future__ import annotations

from ionto_ir.dataclass import replace
from ionto_ir.events import Resume
from ionto_ir.monitor import MonitorAction
from ionto_ir.plan import Instruct, Section
from ionto_ir.state import Mode
from ionto_runtime.replay import rebound, replay
from ionto_runtime.simulation.stimulator import SimulatedStimulator
from ionto_runtime.stimulator import Measurement
from tests.ir.sessions import MA, SECOND, SPAN, bound_of, finish, plan_of, pulse, timed_plan
from tests.runtime.bedside import Bedside
from tests.runtime.short_sessions import check
from tests.treatments import Watch, monitor_of

PAUSE, STOP, WARN = MonitorAction


def watched(*watches: Watch) -> Bedside:
    """A minute at 2 mA that has begun, under these monitors."""
    plan = timed_plan(2 * MA, 20 * SECOND, 5 * SECOND, monitors=tuple(map(monitor_of, watches)))
    return Bedside(bound_of(plan)).begin()


def test_a_monitor_that_nothing_sets_off_changes_nothing() -> None:
    bedside = watched(Watch(PAUSE, "impedance", True, 10**6, SECOND, 10**5)).until_closed()
    assert bedside.session.completed
    assert bedside.codes() == []
    check(bedside)


def impedance_of(bedside: Bedside, ohm: int | None) -> None:
    """From now on the device reads this impedance while current flows."""
    real = SimulatedStimulator.measure

    def measure() -> Measurement | None:
        found = real(bedside.device)
        return found if found is None or not found.output_on else replace(found, impedance_ohm=ohm)

    bedside.device.measure = measure  # type: ignore[method-assign]


LOOSE = Watch(PAUSE, "impedance", True, 1_900, SECOND, 1_700)
"""Around the 1500 Ohm of this skin: a jump by more than twice is paused by the supervision of the device."""


def test_a_loose_contact_pauses_the_session_and_it_goes_on_when_it_is_mended() -> None:
    bedside = watched(LOOSE).tick(100)
    impedance_of(bedside, 2_400)
    bedside.tick(60)
    assert bedside.session.state.mode is Mode.PAUSED
    assert bedside.codes() == ["F12"]
    assert bedside.session.prompt is not None and "impedance watched" in bedside.session.prompt.text
    impedance_of(bedside, 1_500)
    bedside.session.feed(Resume())
    bedside.until_closed()
    assert bedside.session.completed
    assert bedside.session.state.machine.interruptions == 1
    check(bedside)


def test_one_that_is_not_mended_pauses_it_again() -> None:
    """The device tells no impedance at rest, so a person may resume, and the monitor stays alert."""
    bedside = watched(LOOSE).tick(100)
    impedance_of(bedside, 2_400)
    bedside.tick(60)
    impedance_of(bedside, 1_800)
    bedside.session.feed(Resume())
    bedside.tick(60)
    assert bedside.session.state.machine.interruptions == 2
    assert bedside.codes() == ["F12", "F12"]


def test_a_stop_by_a_monitor_is_in_the_record_with_its_words_and_replays() -> None:
    bedside = watched(
        Watch(WARN, "elapsed", True, 8 * SECOND, 0, None),
        Watch(STOP, "charge", True, 20 * MA * SECOND, 0, None),
    ).until_closed()
    assert bedside.session.end is not None
    assert bedside.session.end.reason == "stopped: charge watched"
    assert bedside.codes() == ["F14", "F13"]
    again = rebound(bedside.bound.plan, bedside.reading)
    assert again == bedside.bound
    report = replay(bedside.bound, bedside.reading)
    assert report.agrees
    assert report.final == bedside.session.state
    check(bedside)


def test_a_question_that_nobody_answers_in_time_is_open_no_more() -> None:
    look = Instruct("look", 4, Section.SESSION, SPAN, 2 * SECOND, 8)
    late = finish("nobody looked", completed=False)
    plan = plan_of((*pulse(0, 3), look, *pulse(4, 7), finish(), late))
    bedside = Bedside(bound_of(plan)).begin()
    bedside.answer = lambda: None  # type: ignore[method-assign]
    bedside.tick(90)
    assert bedside.session.end is not None
    assert bedside.session.end.reason == "nobody looked"
    assert bedside.session.prompt is None
