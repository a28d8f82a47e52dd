"""Preparation: each check before a session, when it fails, keeps the device from being armed."""

from __future__ import annotations

import shutil
from collections import namedtuple
from collections.abc import Callable
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

import pytest

from ionto_ir.dataclass import replace
from ionto_ir.diagnostic import Diagnostic
from ionto_ir.trace import observe
from ionto_runtime.drivers import registry
from ionto_runtime.drivers.driver import Complaint, DeadMan, Driver, Identity, Problem
from ionto_runtime.journal import JournalFailure
from ionto_runtime.preparation import Check, Surroundings, checks, limits_of, met
from ionto_runtime.session import Session
from ionto_runtime.simulation.clock import VirtualClock
from ionto_runtime.simulation.driver import SimulatedDriver, open_driver
from ionto_runtime.simulation.stimulator import Fault
from ionto_runtime.stimulator import Accepted, Refused
from ionto_runtime.view import undisturbed
from tests.ir.sessions import MA
from tests.runtime.broken import LONG, Broken, broken_bedside

PLANNED = observe(LONG.plan, undisturbed(LONG))
Usage = namedtuple("Usage", "total used free")


@dataclass
class Desk:
    """What a preparation looks at, all of it sound until a test breaks something."""

    folder: Path

    def __post_init__(self) -> None:
        self.bedside, self.broken = broken_bedside()
        self.file = self.folder / "heel.plan.json"
        self.file.write_bytes(b"plan")
        self.seen = True
        clock = VirtualClock(self.bedside.device.advance)
        self.around = Surroundings(
            clock, self.folder, ((self.file, sha256(b"plan").hexdigest()),), lambda: self.seen, PLANNED
        )

    def run(self) -> list[Check]:
        """The checks, as far as they come."""
        return list(checks(self.broken, LONG, self.bedside.journal, self.around))

    def failed(self) -> str:
        """The check that failed; the device must not be armed then."""
        found = self.run()
        assert found[-1].problem is not None and all(check.problem is None for check in found[:-1])
        assert "arm" not in self.broken.calls or found[-1].name == "armed"
        return found[-1].name


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    return Desk(tmp_path)


def test_a_sound_device_is_checked_in_order_and_armed_last(desk: Desk) -> None:
    names = [check.name for check in desk.run()]
    assert names == [
        "output",
        "limits",
        "errors",
        "clock",
        "journal",
        "disk",
        "files",
        "alarms",
        "dead-man",
        "output",
        "armed",
    ]
    assert desk.broken.calls == ["configure", "prove_dead_man", "arm"]
    assert desk.broken.limits == limits_of(LONG, PLANNED)


@pytest.mark.requirement("R42")
@pytest.mark.requirement("R2")
def test_what_a_device_is_given_to_keep_is_what_the_plan_and_the_ceilings_allow() -> None:
    """Above all its longest lease: the plan's watchdog time, after which the proofs let nothing flow."""
    given, own = limits_of(LONG, PLANNED), LONG.constants
    assert given.lease_ms_max == own.watchdog_ms == LONG.plan.device.watchdog_ms
    assert given.current_na_max <= max(own.current_cap_na, own.current_cap_reversed_na)
    assert given.current_na_max <= LONG.plan.device.current_na_max
    assert given.compliance_mv <= LONG.plan.device.compliance_mv


def output_on(desk: Desk) -> None:
    desk.broken.bend = lambda found: replace(found, output_on=True)


def off_ignored(desk: Desk) -> None:
    desk.bedside.device.set_current(100_000, 500, 5)
    desk.bedside.device.inject(Fault.STUCK_OUTPUT)


def offset(desk: Desk) -> None:
    desk.broken.bend = lambda found: replace(found, current_na=50_000)


@pytest.mark.requirement("R8")
@pytest.mark.parametrize("fault", [output_on, off_ignored, offset])
def test_a_device_that_is_not_off_is_refused(desk: Desk, fault: Callable[[Desk], None]) -> None:
    fault(desk)
    assert desk.failed() == "output"


@pytest.mark.requirement("R8")
def test_the_first_thing_that_is_done_to_a_device_is_to_switch_it_off(desk: Desk) -> None:
    desk.bedside.device.set_current(100_000, 500, 5)
    assert isinstance(met(desk.broken, LONG.plan, None, VirtualClock()), Identity)
    assert desk.broken.calls == ["connect"]
    reading = desk.bedside.device.measure()
    assert reading is not None and not reading.output_on


def slow_clock(desk: Desk) -> None:
    desk.broken.bend = lambda found: replace(found, device_ms=found.device_ms * 9 // 10)


def no_space(desk: Desk) -> None:
    desk.around = replace(desk.around, folder=desk.folder / "nowhere")


def changed_file(desk: Desk) -> None:
    desk.file.write_bytes(b"another plan")


def no_journal(desk: Desk) -> None:
    desk.bedside.journal.failure = JournalFailure("sync", "input/output error")


def nobody_sees(desk: Desk) -> None:
    desk.seen = False


def complains(desk: Desk) -> None:
    desk.broken.complaints.append(Complaint("F45", "-113"))


SELF_TESTS: dict[str, Callable[[Desk], None]] = {
    "clock": slow_clock,
    "journal": no_journal,
    "disk": no_space,
    "files": changed_file,
    "alarms": nobody_sees,
    "errors": complains,
}


@pytest.mark.requirement("R9")
@pytest.mark.parametrize("name", SELF_TESTS)
def test_each_part_of_the_self_test_can_fail_and_then_nothing_is_armed(desk: Desk, name: str) -> None:
    SELF_TESTS[name](desk)
    assert desk.failed() == name


@pytest.mark.requirement("R9")
def test_a_disk_that_is_nearly_full_is_found_out(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shutil, "disk_usage", lambda path: Usage(10**12, 10**12, 10**7))
    assert desk.failed() == "disk"


@pytest.mark.requirement("R1")
@pytest.mark.requirement("R7")
def test_files_are_looked_at_again_right_before_the_device_is_armed(desk: Desk) -> None:
    changed_file(desk)
    assert desk.failed() == "files"


@pytest.mark.requirement("R10")
def test_a_dead_man_that_does_not_trip_or_too_late_is_found_out(desk: Desk) -> None:
    desk.broken.trips_after_ms = 1_200
    assert desk.failed() == "dead-man"
    desk.broken.refuses["prove_dead_man"] = Problem("I0925", "the output is still on")
    assert desk.failed() == "dead-man"


@pytest.mark.requirement("R10")
def test_a_device_that_takes_the_lease_but_never_starts_its_timer_is_found_out() -> None:
    clock = VirtualClock()
    driver = open_driver("simulated", LONG.plan.device, clock)
    assert isinstance(driver, SimulatedDriver)
    assert isinstance(driver.connect(), Identity)
    assert driver.configure(limits_of(LONG, PLANNED)) is None
    took = driver.prove_dead_man()
    assert isinstance(took, int) and 500 <= took <= 540
    driver.device.inject(Fault.STUCK_OUTPUT)
    driver.device.clear(Fault.STUCK_OUTPUT)
    driver.device._pass = lambda ms: None  # type: ignore[method-assign, assignment, return-value]
    assert isinstance(driver.prove_dead_man(), Problem)


@pytest.mark.requirement("R11")
def test_limits_that_are_not_read_back_keep_the_device_from_being_armed(desk: Desk) -> None:
    desk.broken.refuses["configure"] = Problem("I0925", "the compliance was clipped to 20 V")
    assert desk.failed() == "limits"


@pytest.mark.requirement("R12")
def test_nothing_that_is_asked_before_arming_switches_the_output_on() -> None:
    clock = VirtualClock()
    driver = open_driver("simulated", LONG.plan.device, clock)
    assert isinstance(driver, SimulatedDriver)
    assert isinstance(driver.set_current(0, 500, 1), Refused)
    assert isinstance(driver.connect(), Identity)
    assert isinstance(driver.set_current(0, 500, 2), Refused), "met is not armed"
    assert isinstance(driver.arm(), Problem), "no limits yet"
    assert driver.configure(limits_of(LONG, PLANNED)) is None
    assert isinstance(driver.set_current(MA, 500, 3), Refused), "configured is not armed"
    driver.measure()
    driver.verify_limits()
    found = driver.measure()
    assert found is not None and not found.output_on
    assert driver.arm() is None
    assert isinstance(driver.set_current(0, 500, 4), Accepted)
    driver.device.set_current(MA, 500, 5)
    assert isinstance(driver.arm(), Problem), "not at setpoint zero"


@pytest.mark.requirement("R44")
def test_a_message_that_is_replayed_does_not_feed_the_dead_man() -> None:
    bedside, broken = broken_bedside()
    bedside.begin().tick(60)
    reading = broken.measure()
    assert reading is not None
    last = (reading.setpoint_na, 500, reading.seq)
    for _ in range(9):
        bedside.pass_ms(100)
        bedside.device.set_current(*last)
    after = bedside.device.measure()
    assert after is not None and after.expired and not after.output_on


@pytest.mark.requirement("R5")
def test_a_driver_that_cannot_do_what_is_needed_is_not_even_connected(desk: Desk) -> None:
    desk.broken.capabilities = replace(desk.broken.capabilities, dead_man=DeadMan.BOUNDED_PROGRAM)
    found = met(desk.broken, LONG.plan, None, VirtualClock())
    assert not isinstance(found, Identity) and desk.broken.calls == []


# --- the drivers ------------------------------------------------------------------------------------------
def test_every_driver_has_its_row_and_an_unknown_one_is_refused() -> None:
    assert "simulated" in registry.driver_names()
    for name in registry.driver_names():
        row = registry.capabilities_of(name)
        assert not isinstance(row, Diagnostic) and row.driver == name
    unknown = registry.capabilities_of("bench_supply")
    assert isinstance(unknown, Diagnostic) and unknown.code == "I0929"
    assert isinstance(registry.open_driver("simulated", "/dev/ttyX", None, VirtualClock()), Diagnostic)


def test_the_test_double_is_a_driver_and_the_simulated_one_too() -> None:
    bedside, broken = broken_bedside()
    driver: Driver = broken
    assert isinstance(bedside.session, Session) and isinstance(broken, Broken)
    simulated: Driver = SimulatedDriver(LONG.plan.device, bedside.device.body, 1, VirtualClock())
    assert driver.capabilities == simulated.capabilities
