"""The loop: deadlines are never caught up, there are two ways to stop, no failure leaves the output on."""

from __future__ import annotations

import signal
from collections.abc import Callable, Sequence
from itertools import pairwise

import pytest

from ionto_ir.dataclass import replace
from ionto_ir.events import EmergencyStop, Event, Pause, Resume
from ionto_runtime.journal_reader import Sealed, Unsealed
from ionto_runtime.loop import run_session
from ionto_runtime.replay import replay
from ionto_runtime.simulation.clock import VirtualClock
from ionto_runtime.simulation.paced import PacedClock
from ionto_runtime.simulation.stimulator import Fault
from ionto_runtime.view import View
from tests.ir.sessions import SECOND, bound_of, timed_plan
from tests.runtime.bedside import Bedside, Script, facts_for, run_through, settings_of

BOUND = bound_of(timed_plan(hold_ms=6 * SECOND, ramp_ms=4 * SECOND))


class LateClock(VirtualClock):
    """A clock on which some sleeps take longer: by how much, by the deadline that is slept for."""

    def __init__(self, late: Callable[[int], int]) -> None:
        super().__init__()
        self._late = late

    def sleep_until(self, at_ms: int) -> None:
        super().sleep_until(at_ms + self._late(at_ms))


def late_session(late: Callable[[int], int]) -> Bedside:
    """A session in real time on a machine that is late."""
    return run_through(Bedside(BOUND, clock=LateClock(late)), Script(), real_time=True)


class Acting(Script):
    """A script that does something at one look."""

    def __init__(self, at: int, act: Callable[[], None]) -> None:
        super().__init__()
        self.at = at
        self.act = act

    def poll(self, view: View) -> Sequence[Event]:
        events = super().poll(view)
        if self.looks == self.at:
            self.act()
        return events


def off(bedside: Bedside) -> bool:
    """Whether the device's output is open."""
    reading = bedside.device.measure()
    return reading is not None and not reading.output_on


def test_a_session_runs_by_itself_from_begin_to_seal() -> None:
    script = Script()
    bedside = run_through(Bedside(BOUND), script)
    assert bedside.session.completed
    assert isinstance(bedside.reading.end, Sealed)
    assert replay(BOUND, bedside.reading).agrees
    words = list(dict.fromkeys(view.word for view in script.views))
    assert words == ["RAMP UP", "RUNNING", "RAMP DOWN", "DONE"]
    assert script.views[-1].closed


def test_people_are_heard() -> None:
    script = Script({80: [Pause()], 140: [Resume()]})
    bedside = run_through(Bedside(BOUND), script)
    assert bedside.session.completed
    assert {"PAUSING", "PAUSED"} <= {view.word for view in script.views}
    assert bedside.session.state.machine.interruptions == 1


def test_in_real_time_people_are_heard_between_two_ticks() -> None:
    script = Script({81: [EmergencyStop()]})
    bedside = run_through(Bedside(BOUND), script, real_time=True)
    sent = [record for record in bedside.reading.records if record.payload.get("event") == "emergency_stop"]
    assert sent[0].monotonic_ns // 1_000_000 % 100 == 50
    assert off(bedside)


# --- time -------------------------------------------------------------------------------------------------
def test_small_delays_do_not_add_up() -> None:
    bedside = late_session(lambda at_ms: 30 if at_ms % 100 == 0 else 0)
    assert bedside.session.completed
    assert bedside.codes() == []
    ticks = [
        record.monotonic_ns // 1_000_000
        for record in bedside.reading.records
        if "passed_ms" in record.payload
    ]
    assert all(at_ms % 100 == 30 for at_ms in ticks)
    assert len(ticks) == ticks[-1] // 100


@pytest.mark.requirement("R54")
def test_a_tick_that_was_missed_is_not_caught_up() -> None:
    bedside = late_session(lambda at_ms: 120 if at_ms in (1_000, 2_000) else 0)
    assert bedside.session.completed
    assert bedside.codes() == ["F26"]
    settings = settings_of(bedside.reading)
    assert all(abs(after - before) <= 60_000 for before, after in pairwise(settings))
    passed = [
        record.payload["passed_ms"] for record in bedside.reading.records if "passed_ms" in record.payload
    ]
    assert sorted(passed)[:2] == [80, 80] and sorted(passed)[-2:] == [220, 220]


@pytest.mark.requirement("R54")
@pytest.mark.parametrize("late_ms", [251, 400, 800, 5_000])
def test_a_tick_that_is_much_too_late_stops_the_session(late_ms: int) -> None:
    bedside = late_session(lambda at_ms: late_ms if at_ms == 7_000 else 0)
    assert "F22" in bedside.codes()
    assert not bedside.session.completed
    assert off(bedside)
    settings = settings_of(bedside.reading)
    assert all(abs(after - before) <= 60_000 for before, after in pairwise(settings))
    assert bedside.device.received.total_pc <= bedside.session.upper_pc


@pytest.mark.requirement("R54")
def test_a_tick_that_is_much_too_late_stops_a_session_on_a_patient_device_too() -> None:
    plan = timed_plan(hold_ms=6 * SECOND, ramp_ms=4 * SECOND)
    device = replace(plan.device, host_gap_ms=2_000, watchdog_ms=3_000)
    clock = LateClock(lambda at_ms: 300 if at_ms == 7_000 else 0)
    bedside = run_through(
        Bedside(bound_of(replace(plan, device=device)), clock=clock), Script(), real_time=True
    )
    assert bedside.codes() == ["F22"]
    assert not bedside.session.completed


@pytest.mark.requirement("R54")
def test_many_missed_ticks_together_stop_the_session() -> None:
    bedside = late_session(lambda at_ms: 110 if at_ms % 1_000 == 0 and at_ms >= 3_000 else 0)
    assert bedside.codes() == ["F26", "F22"]
    assert not bedside.session.completed
    assert bedside.device.received.total_pc <= bedside.session.upper_pc


def test_out_of_real_time_nothing_is_too_late() -> None:
    clock = PacedClock(LateClock(lambda at_ms: 10_000), 20)
    bedside = run_through(Bedside(BOUND, clock=clock), Script())
    assert bedside.session.completed and bedside.codes() == []


def test_paced_time_is_virtual_time_at_a_multiple_of_real_time() -> None:
    real = VirtualClock()
    real.sleep_until(500)
    clock = PacedClock(real, 20)
    wall = clock.wall_ms()
    clock.sleep_until(2_000)
    assert (clock.now_ms(), clock.now_ns()) == (2_000, 2_000_000_000)
    assert real.now_ms() == 500 + 100
    assert clock.wall_ms() == wall + 2_000
    clock.sleep_until(1_000)
    assert clock.now_ms() == 2_000


# --- signals ----------------------------------------------------------------------------------------------
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_signal_is_a_controlled_stop(number: signal.Signals) -> None:
    before = signal.getsignal(number)
    bedside = run_through(Bedside(BOUND), Acting(60, lambda: signal.raise_signal(number)))
    assert bedside.session.end is not None and bedside.session.end.reason == "stopped"
    causes = [record.payload.get("cause") for record in bedside.reading.records]
    assert number.name in causes
    settings = settings_of(bedside.reading)
    assert settings[-1] <= 50_000
    assert signal.getsignal(number) is before


def test_a_second_signal_is_an_emergency_stop() -> None:
    def twice() -> None:
        signal.raise_signal(signal.SIGTERM)
        signal.raise_signal(signal.SIGTERM)

    bedside = run_through(Bedside(BOUND), Acting(60, twice))
    assert bedside.session.end is not None and bedside.session.end.reason == "emergency stop"
    assert bedside.codes() == ["F09"]


# --- failures ---------------------------------------------------------------------------------------------
class Broken(Script):
    """A console that raises at its n-th look, or at its n-th picture."""

    def __init__(self, at_look: int = 0, at_picture: int = 0) -> None:
        super().__init__()
        self.at_look = at_look
        self.at_picture = at_picture

    def poll(self, view: View) -> Sequence[Event]:
        super().poll(view)
        if self.looks == self.at_look:
            raise BrokenPipeError("nobody reads")
        return ()

    def show(self, view: View) -> None:
        super().show(view)
        if len(self.views) == self.at_picture:
            raise ValueError("no such colour")


@pytest.mark.parametrize("console", [Broken(at_look=70), Broken(at_picture=1), Broken(at_picture=75)])
def test_a_console_that_fails_stops_the_session_and_is_not_asked_again(console: Broken) -> None:
    console.looks = 0
    console.views.clear()
    bedside = run_through(Bedside(BOUND), console)
    assert bedside.codes() == ["F23"]
    assert bedside.session.end is not None and bedside.session.end.reason == "stopped"
    assert not bedside.session.completed
    assert off(bedside)
    assert isinstance(bedside.reading.end, Sealed)
    assert console.looks <= 76


def test_a_bug_of_ours_opens_the_output_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    bedside = Bedside(BOUND)
    before = bedside.session.tick

    def tick(passed_ms: int) -> None:
        if bedside.clock.now_ms() == 6_000:
            raise ZeroDivisionError("a bug")
        before(passed_ms)

    monkeypatch.setattr(bedside.session, "tick", tick)
    run_through(bedside, Script())
    assert off(bedside)
    assert "F24" in bedside.codes()
    assert not bedside.session.completed
    assert isinstance(bedside.reading.end, Unsealed)
    details = [record.payload.get("detail") for record in bedside.reading.records]
    assert "ZeroDivisionError: a bug" in details


def test_a_device_that_never_answers_again_ends_the_loop() -> None:
    bedside = Bedside(BOUND)
    script = Acting(60, lambda: bedside.device.inject(Fault.SILENT))
    bound_pause = bedside.bound.constants.pause_ms_max
    run_through(bedside, script)
    assert bedside.session.closed and not bedside.session.completed
    assert bedside.clock.now_ms() <= 6_000 + bound_pause + 15_000


def test_two_sessions_one_after_the_other_share_nothing() -> None:
    first, second = Bedside(BOUND), Bedside(BOUND)
    facts = facts_for(BOUND)
    for bedside in (first, second):
        assert bedside.session.arm() is None
        run_session(bedside.session, Script(), facts, bedside.clock, bedside.device.advance, real_time=False)
    assert first.session.state == second.session.state
