"""The driver of IonLink devices against twin and firmware: what a session can rely on."""

from __future__ import annotations

from dataclasses import replace

import pytest

from ionto_ir.waveform import Form, Waveform
from ionto_runtime.drivers.driver import Complaint, Identity, Problem
from ionto_runtime.drivers.ionlink import IonLinkDriver
from ionto_runtime.link.schema import LEASE_TAIL_MS
from ionto_runtime.simulation.ionlink_device import IonLinkDevice
from ionto_runtime.simulation.load import LoadFault
from ionto_runtime.stimulator import Accepted, Refusal, Refused
from tests.conformance.bench import Bench
from tests.conformance.sessions import (
    LEASE_MS,
    MA,
    SESSION_LIMITS,
    connected,
    read,
    running,
    tick,
)


# --- before a session ------------------------------------------------------------------------------------
@pytest.mark.requirement("R4")
def test_a_device_is_met_by_its_own_account(bench: Bench) -> None:
    firmware = "twin-1.0" if bench.kind == "twin" else "ref-1.0"
    assert bench.driver().connect() == Identity("ionlink-4ma", "SIM-0001", firmware, None, simulated=True)


@pytest.mark.requirement("R47")
def test_another_serial_number_is_another_device(bench: Bench) -> None:
    problem = bench.driver(expected_serial="SIM-0002").connect()
    assert problem == Problem("I0912", "device `SIM-0001` answers where `SIM-0002` is expected")


def test_a_line_on_which_nobody_answers_is_a_problem(bench: Bench) -> None:
    bench.device.silent = True
    found = bench.driver().connect()
    assert isinstance(found, Problem)
    assert (found.code, found.text) == ("I0912", "nothing that speaks IonLink answers on this line")
    assert found.help is not None and "ionto doctor" in found.help


@pytest.mark.requirement("R8")
def test_the_first_act_opens_an_output_that_somebody_left_on(bench: Bench) -> None:
    bench.run(MA)
    connected(bench)
    assert bench.plant.current_na == 0


@pytest.mark.requirement("R8")
def test_a_device_whose_output_does_not_open_is_refused(bench: Bench) -> None:
    bench.run(MA)
    bench.plant.load.faults.add(LoadFault.STUCK_OUTPUT)
    problem = bench.driver().connect()
    assert isinstance(problem, Problem) and problem.code == "I0914"
    assert "µA with its output open" in problem.text


@pytest.mark.requirement("R8")
def test_a_device_that_measures_current_at_rest_is_refused(bench: Bench) -> None:
    bench.plant.reading_offset_na = 45_000
    problem = bench.driver().connect()
    assert isinstance(problem, Problem) and problem.code == "I0914"


def test_a_device_that_tripped_over_itself_is_refused_until_somebody_acknowledges(bench: Bench) -> None:
    bench.run(MA)
    bench.plant.gain_ppm = 1_000_000
    bench.hold(MA, 300)
    bench.plant.gain_ppm = 0
    driver = bench.driver()
    assert driver.connect() == Problem("I0914", "the device has tripped: more current than was set")
    assert driver.acknowledge() is None
    assert isinstance(driver.connect(), Identity)


@pytest.mark.requirement("R28")
def test_after_a_host_that_died_a_new_session_begins_from_zero_and_locked(bench: Bench) -> None:
    running(bench)
    bench.wait(1_000)
    driver = IonLinkDriver(bench.line, bench.clock)
    assert isinstance(driver.connect(), Identity)
    assert driver.set_current(MA, LEASE_MS, 1) == Refused(1, Refusal.NOT_READY)
    assert bench.plant.current_na == 0


@pytest.mark.requirement("R11")
def test_the_device_holds_the_limits_of_the_session_and_says_so_again(bench: Bench) -> None:
    driver = connected(bench)
    assert driver.verify_limits() is not None
    assert driver.configure(SESSION_LIMITS) is None
    assert driver.verify_limits() is None
    bench.device.restart()
    bench.wait(60)
    assert driver.verify_limits() is not None


@pytest.mark.requirement("R2")
def test_limits_that_the_device_does_not_have_are_refused_not_lowered(bench: Bench) -> None:
    driver = connected(bench)
    for over in (
        replace(SESSION_LIMITS, current_na_max=4 * MA + 1),
        replace(SESSION_LIMITS, charge_pc_max=9),
        replace(SESSION_LIMITS, compliance_mv=80_001),
    ):
        problem = driver.configure(over)
        assert isinstance(problem, Problem) and problem.code == "I0914"
    assert driver.arm() is not None


@pytest.mark.requirement("R7")
def test_limits_are_given_once(bench: Bench) -> None:
    driver = connected(bench)
    assert driver.configure(SESSION_LIMITS) is None
    again = driver.configure(replace(SESSION_LIMITS, current_na_max=MA))
    assert isinstance(again, Problem)
    assert driver.verify_limits() is None


@pytest.mark.requirement("R10")
def test_the_dead_man_is_seen_to_act_at_zero_current(bench: Bench) -> None:
    driver = connected(bench)
    assert driver.configure(SESSION_LIMITS) is None
    took_ms = driver.prove_dead_man()
    assert isinstance(took_ms, int)
    assert 280 <= took_ms <= 300 + LEASE_TAIL_MS + 40
    assert bench.plant.received.total_pc == 0
    assert driver.errors() == ()
    assert driver.arm() is None


@pytest.mark.requirement("R10")
def test_the_dead_man_is_proven_within_a_short_lease_too(bench: Bench) -> None:
    driver = connected(bench)
    assert driver.configure(replace(SESSION_LIMITS, lease_ms_max=200)) is None
    took_ms = driver.prove_dead_man()
    assert isinstance(took_ms, int)
    assert 180 <= took_ms <= 200 + LEASE_TAIL_MS + 40
    assert driver.arm() is None
    assert driver.set_current(MA, 200, 1) == Accepted(1)


@pytest.mark.requirement("R10")
def test_a_device_that_takes_the_timeout_and_never_starts_its_timer_is_found() -> None:
    bench = Bench("twin")
    assert isinstance(bench.device, IonLinkDevice)
    bench.device.lease_never_ends = True
    driver = connected(bench)
    assert driver.configure(SESSION_LIMITS) is None
    problem = driver.prove_dead_man()
    assert isinstance(problem, Problem) and problem.code == "I0913"
    assert "the output is still on" in problem.text
    assert driver.arm() is not None
    assert bench.plant.on_ms < 1_000
    bench.wait(100)
    assert not bench.look().flags & 1


@pytest.mark.requirement("R10")
def test_a_device_that_goes_off_for_another_reason_has_proven_nothing(bench: Bench) -> None:
    driver = connected(bench)
    assert driver.configure(replace(SESSION_LIMITS, on_time_ms_max=200)) is None
    problem = driver.prove_dead_man()
    assert problem == Problem("I0913", "the device tripped: the time of the session is used up")


# --- in a session ----------------------------------------------------------------------------------------
@pytest.mark.requirement("R12")
def test_nothing_is_driven_before_the_device_is_armed(bench: Bench) -> None:
    driver = connected(bench)
    assert driver.configure(SESSION_LIMITS) is None
    assert driver.set_current(0, LEASE_MS, 1) == Refused(1, Refusal.NOT_READY)
    assert bench.plant.on_ms == 0


def test_a_setpoint_is_taken_driven_and_read_back(bench: Bench) -> None:
    driver = running(bench)
    reading = read(bench, driver)
    assert (reading.setpoint_na, reading.seq, reading.output_on) == (MA, 5, True)
    assert reading.current_na == pytest.approx(bench.plant.current_na, abs=10_000)
    assert reading.impedance_ohm == pytest.approx(bench.plant.body.resistance_ohm, rel=0.15)
    assert driver.output_off(6) == Accepted(6)
    after = read(bench, driver)
    assert (after.setpoint_na, after.seq, after.output_on, after.current_na) == (0, 6, False, 0)
    assert driver.set_current(MA, LEASE_MS, 7) == Accepted(7)
    assert read(bench, driver).output_on
    assert driver.errors() == ()


def test_what_a_setpoint_may_not_be_is_said_without_asking_the_device(bench: Bench) -> None:
    driver = running(bench)
    assert driver.set_current(3 * MA, LEASE_MS, 6) == Refused(6, Refusal.OUT_OF_RANGE)
    assert driver.set_current(1_500, LEASE_MS, 6) == Refused(6, Refusal.NOT_ON_STEP)
    assert driver.set_current(MA, LEASE_TAIL_MS, 6) == Refused(6, Refusal.LEASE)
    assert driver.set_current(MA, LEASE_MS, 4) == Refused(4, Refusal.STALE)
    assert driver.set_current(MA, LEASE_MS, 6, Waveform(Form.PULSED, 1_000)) == Refused(6, Refusal.WAVEFORM)
    assert driver.set_current(-MA, LEASE_MS, 6) == Refused(6, Refusal.POLARITY)
    assert driver.set_current(MA, LEASE_MS, 5) == Accepted(5)


@pytest.mark.requirement("R42")
def test_a_lease_is_over_when_the_session_says_so_ramp_included(bench: Bench) -> None:
    driver = running(bench)
    assert read(bench, driver).output_on
    assert driver.set_current(MA, LEASE_MS, 6) == Accepted(6)
    flowed = bench.silence(LEASE_MS + 50)
    assert {current for ms, current in flowed if ms >= LEASE_MS} == {0}
    assert read(bench, driver).expired


@pytest.mark.requirement("R43")
def test_a_session_that_only_looks_keeps_nothing_alive(bench: Bench) -> None:
    driver = running(bench)
    for _ in range(7):
        read(bench, driver)
    assert bench.plant.current_na == 0
    assert read(bench, driver).expired


def test_after_a_lease_that_ran_out_the_next_setpoint_begins_from_zero(bench: Bench) -> None:
    driver = running(bench)
    bench.wait(900)
    assert read(bench, driver).expired
    assert driver.output_off(6) == Accepted(6)
    assert driver.set_current(MA, LEASE_MS, 7) == Accepted(7)
    reading = read(bench, driver)
    assert (reading.expired, reading.setpoint_na, reading.seq) == (False, MA, 7)


@pytest.mark.requirement("R38")
def test_a_lost_acknowledgement_is_unknown_and_the_next_reading_tells(bench: Bench) -> None:
    driver = running(bench)
    read(bench, driver)
    bench.faults.to_host.drop = 1
    assert driver.set_current(2 * MA, LEASE_MS, 6) is None
    reading = read(bench, driver)
    assert (reading.seq, reading.setpoint_na) == (6, 2 * MA)


@pytest.mark.requirement("R38")
def test_a_lost_command_is_unknown_and_the_next_reading_tells(bench: Bench) -> None:
    driver = running(bench)
    read(bench, driver)
    bench.faults.to_device.drop = 1
    assert driver.set_current(2 * MA, LEASE_MS, 6) is None
    reading = read(bench, driver)
    assert (reading.seq, reading.setpoint_na) == (5, MA)
    assert driver.set_current(2 * MA, LEASE_MS, 7) == Accepted(7)


@pytest.mark.requirement("R38")
def test_a_doubled_command_is_taken_once(bench: Bench) -> None:
    driver = running(bench)
    read(bench, driver)
    bench.faults.to_device.duplicate = 1
    assert driver.set_current(2 * MA, LEASE_MS, 6) == Accepted(6)
    reading = read(bench, driver)
    assert (reading.seq, reading.setpoint_na) == (6, 2 * MA)
    assert driver.errors() == ()


@pytest.mark.requirement("R39")
def test_a_fault_is_an_answer_and_not_a_lost_acknowledgement(bench: Bench) -> None:
    driver = running(bench)
    read(bench, driver)
    bench.device.stop_line = True
    bench.wait(20)
    assert driver.set_current(MA, LEASE_MS, 6) == Refused(6, Refusal.TRIPPED)
    assert read(bench, driver).seq == 5
    assert driver.errors() == (Complaint("F33", "the device has tripped: it was stopped"),)
    assert driver.errors() == ()


@pytest.mark.requirement("R40")
def test_an_answer_that_comes_too_late_belongs_to_no_later_question(bench: Bench) -> None:
    driver = running(bench)
    bench.faults.to_host.delay, bench.faults.to_host.delay_ms = 1, 150
    before = bench.clock.now_ms()
    assert driver.measure() is None
    assert driver.set_current(2 * MA, LEASE_MS, 6) == Accepted(6)
    bench.clock.sleep_until(before + 150)
    reading = driver.measure()
    assert reading is not None
    assert (reading.setpoint_na, reading.seq) == (2 * MA, 6)
    assert driver.errors() == ()


@pytest.mark.requirement("R37")
def test_damaged_frames_in_either_direction_are_silence(bench: Bench) -> None:
    driver = running(bench)
    for how in ("flip", "truncate"):
        for direction in (bench.faults.to_device, bench.faults.to_host):
            setattr(direction, how, 1)
            assert tick(bench, driver) is None
            assert tick(bench, driver) is not None
            setattr(direction, how, 0)
