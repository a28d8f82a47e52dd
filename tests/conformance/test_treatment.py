"""A whole session through driver, line and device: it is given, and what was counted bounds what flowed.

The session is the one that a patient gets; the devices are twin and firmware; time is virtual, and the line
loses what the test wants it to lose.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from random import Random

import pytest

from ionto_ir.events import EmergencyStop, Pause, Resume
from ionto_ir.state import Mode
from ionto_runtime.accounting import account_of
from ionto_runtime.drivers.driver import Identity, SessionLimits
from ionto_runtime.drivers.ionlink import IonLinkDriver
from ionto_runtime.journal import Durability, JournalWriter, Written
from ionto_runtime.journal_reader import scan
from ionto_runtime.replay import replay
from ionto_runtime.session import Session
from ionto_runtime.simulation.load import LoadFault
from tests.conformance.bench import Bench
from tests.ir.sessions import SECOND, bound_of, timed_plan
from tests.runtime.bedside import header_of
from tests.runtime.journals import MemoryFile

MA = 1_000_000
BOUND = bound_of(timed_plan(hold_ms=3 * SECOND, ramp_ms=2 * SECOND))
"""Up to 2 mA in 2 s, 3 s of hold, down in 2 s."""

GIVE_UP_TICK = 100
"""Then somebody ends a session that waits for a link or for a person."""

TICKS_MAX = 400


class Treatment:
    """A session on a bench, ticked at absolute deadlines."""

    def __init__(self, bench: Bench) -> None:
        self.bench = bench
        self.file = MemoryFile()
        self.driver = IonLinkDriver(bench.line, bench.clock)
        assert isinstance(self.driver.connect(), Identity)
        device = BOUND.plan.device
        limits = SessionLimits(device.current_na_max, 10 * MA, 60_000, 10**13, 1_800_000, device.watchdog_ms)
        assert self.driver.configure(limits) is None
        assert isinstance(self.driver.prove_dead_man(), int)
        assert self.driver.arm() is None
        journal = JournalWriter(self.file, bench.clock, Durability.SYNCED)
        assert isinstance(journal.begin(header_of(BOUND)), Written)
        self.session = Session(BOUND, self.driver, journal)

    def give(self, happenings: Mapping[int, Callable[[Treatment], object]] | None = None) -> Treatment:
        """From the first step to the sealed journal."""
        session, clock = self.session, self.bench.clock
        assert session.arm() is None
        session.begin()
        deadline_ms = before_ms = clock.now_ms()
        for number in range(TICKS_MAX):
            if session.closed:
                break
            if number >= GIVE_UP_TICK and session.state.mode in (Mode.LOST, Mode.PAUSED):
                session.stop("nobody resumes")
            if happenings and number in happenings:
                happenings[number](self)
            deadline_ms += BOUND.constants.tick_ms
            clock.sleep_until(deadline_ms)
            now_ms = clock.now_ms()
            session.tick(now_ms - before_ms)
            before_ms = now_ms
            deadline_ms += max(0, clock.now_ms() - deadline_ms) // BOUND.constants.tick_ms * 100
        assert session.closed, "the session does not end"
        session.finish()
        return self

    def check(self) -> None:
        """What holds of every session that has ended: the journal gives it again, its bounds are bounds."""
        reading = scan(self.file.data)
        report = replay(BOUND, reading)
        assert report.difference is None
        account = account_of(reading)
        assert not isinstance(account, str)
        received_pc = self.bench.plant.received.total_pc
        assert account.charge.lower_pc <= received_pc <= account.charge.upper_pc
        assert self.bench.plant.current_na == 0
        assert self.bench.plant.received.peak_na <= 2 * MA * 1.02 + 10_000


def test_an_undisturbed_session_is_given_as_written(bench: Bench) -> None:
    treatment = Treatment(bench).give()
    treatment.check()
    assert treatment.session.completed
    assert treatment.session.alarms == []
    assert treatment.driver.errors() == ()
    # 2 mA for 3 s, and two ramps of 2 s.
    assert bench.plant.received.total_pc == pytest.approx(10 * 10**9, rel=0.03)


@pytest.mark.requirement("R20")
@pytest.mark.requirement("R38")
@pytest.mark.parametrize(("kind", "seed"), [("firmware", 0), *(("twin", seed) for seed in range(8))])
def test_whatever_is_lost_on_the_way_the_bounds_hold(kind: str, seed: int) -> None:
    _assert_bounds_hold(kind, seed)


@pytest.mark.soak
@pytest.mark.requirement("R38")
@pytest.mark.parametrize("hundred", range(20))
def test_whatever_is_lost_in_thousands_of_sessions_the_bounds_hold(hundred: int) -> None:
    for seed in range(100):
        _assert_bounds_hold("twin", 1_000 + 100 * hundred + seed)


def _assert_bounds_hold(kind: str, seed: int) -> None:
    random = Random(seed)
    bench = Bench(kind)

    def lose(treatment: Treatment) -> None:
        direction = random.choice((bench.faults.to_device, bench.faults.to_host))
        name = random.choice(("drop", "duplicate", "truncate", "flip"))
        setattr(direction, name, random.randint(1, 3))

    try:
        treatment = Treatment(bench).give(dict.fromkeys(random.sample(range(5, 70), 12), lose))
        treatment.check()
    finally:
        bench.device.close()


@pytest.mark.requirement("R48")
def test_a_device_that_restarts_in_the_middle_ends_the_session_and_the_bounds_hold(bench: Bench) -> None:
    treatment = Treatment(bench).give({35: lambda treatment: treatment.bench.device.restart()})
    treatment.check()
    assert not treatment.session.completed


@pytest.mark.requirement("R41")
@pytest.mark.requirement("R42")
def test_a_line_that_dies_in_the_middle_ends_the_current_and_the_bounds_hold() -> None:
    bench = Bench("twin")
    treatment = Treatment(bench).give({30: lambda treatment: treatment.bench.line.unplug()})
    assert not treatment.session.completed
    assert not treatment.session.seen_off
    bench.wait(1_000)
    treatment.check()


def test_a_link_that_comes_back_goes_on_from_zero_when_a_person_resumes() -> None:
    bench = Bench("twin")

    def mute(treatment: Treatment, muted: bool) -> None:
        treatment.bench.faults.to_device.mute = treatment.bench.faults.to_host.mute = muted

    treatment = Treatment(bench).give(
        {
            25: lambda treatment: mute(treatment, True),
            40: lambda treatment: mute(treatment, False),
            60: lambda treatment: treatment.session.feed(Resume()),
        }
    )
    treatment.check()
    assert treatment.session.completed


def test_a_pause_and_an_emergency_stop_reach_the_device(bench: Bench) -> None:
    seen: list[Mode] = []
    treatment = Treatment(bench).give(
        {
            25: lambda treatment: treatment.session.feed(Pause()),
            70: lambda treatment: seen.append(treatment.session.state.mode),
            71: lambda treatment: treatment.session.feed(Resume()),
            90: lambda treatment: treatment.session.feed(EmergencyStop()),
        }
    )
    treatment.check()
    assert seen == [Mode.PAUSED]
    assert not treatment.session.completed


@pytest.mark.requirement("R15")
def test_an_output_that_gives_more_than_it_is_told_ends_the_session(bench: Bench) -> None:
    treatment = Treatment(bench).give(
        {30: lambda treatment: setattr(treatment.bench.plant, "gain_ppm", 300_000)}
    )
    assert not treatment.session.completed
    assert bench.plant.current_na == 0


@pytest.mark.requirement("R22")
def test_an_output_that_does_not_open_is_the_loudest_alarm() -> None:
    bench = Bench("twin")
    treatment = Treatment(bench).give(
        {40: lambda treatment: treatment.bench.plant.load.faults.add(LoadFault.STUCK_OUTPUT)}
    )
    assert "F20" in [alarm.code for alarm in treatment.session.alarms]
    assert not treatment.session.seen_off
