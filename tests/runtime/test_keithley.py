"""The driver of the 2400 family against its byte-level simulator: its traps and its faults."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from ionto_runtime.drivers.driver import DeadMan, Identity, Problem
from ionto_runtime.simulation.keithley import MISSING, Keithley2400
from ionto_runtime.simulation.load import LoadFault
from ionto_runtime.simulation.watchdog_relay import SimulatedRelay
from ionto_runtime.stimulator import Accepted, Refusal, Refused
from tests.runtime.instrument_bench import LEASE_MS, LIMITS, InstrumentBench, keithley

MA = 1_000_000


def device_of(bench: InstrumentBench) -> Keithley2400:
    """The instrument itself."""
    assert isinstance(bench.device, Keithley2400)
    return bench.device


@pytest.mark.parametrize("terminator", [b"\r", b"\n", b"\r\n", b"\n\r"])
def test_every_terminator_of_its_menu_is_understood(terminator: bytes) -> None:
    identity = keithley(terminator=terminator).driver.connect()
    assert isinstance(identity, Identity)
    assert (identity.model, identity.serial) == ("Model 2400", "1234567")


def test_at_the_factory_baud_rate_it_still_answers() -> None:
    assert isinstance(keithley(baud=9_600).driver.connect(), Identity)


@pytest.mark.requirement("R8")
def test_the_first_act_is_output_off() -> None:
    bench = keithley()
    device_of(bench).function, device_of(bench).level_na = "CURR", 5 * MA
    device_of(bench).press_output()
    assert isinstance(bench.driver.connect(), Identity)
    assert device_of(bench).heard[0] == ":OUTP OFF"
    assert not device_of(bench).output_on


def test_it_is_silent_when_nobody_is_there_or_somebody_else_is() -> None:
    bench = keithley()
    bench.uart.silent = True
    found = bench.driver.connect()
    assert isinstance(found, Problem)
    assert found.code == "I0915"


@pytest.mark.requirement("R11")
def test_limits_are_read_back_and_a_reset_in_mid_run_is_seen() -> None:
    bench = keithley().ready()
    assert device_of(bench).compliance_mv == LIMITS.compliance_mv
    assert bench.driver.verify_limits() is None
    device_of(bench).power_cycle()
    found = bench.driver.verify_limits()
    assert isinstance(found, Problem)
    assert found.code == "I0916"


@pytest.mark.requirement("R12")
def test_output_goes_on_at_zero_and_no_query_turns_it_on() -> None:
    bench = keithley().ready()
    assert not device_of(bench).output_on
    assert bench.driver.measure() is not None
    assert not device_of(bench).output_on
    assert isinstance(bench.set(1 * MA), Accepted)
    heard = device_of(bench).heard
    on = heard.index(":OUTP ON")
    assert ":SOUR:CURR 0" in heard[:on]
    assert heard[on + 1 :].index(":SOUR:CURR 0.001000000") >= 0
    bench.driver.measure()
    bench.off()
    bench.driver.close()
    assert not [said for said in device_of(bench).heard if "MEAS" in said or said.startswith(":INIT")]
    assert "SOUR:CLE:AUTO OFF" in " ".join(device_of(bench).heard)


def test_the_simulated_trap_is_a_trap() -> None:
    """`:MEAS?` turns the output on, and so does `:READ?` with automatic output-off: or no test above means
    anything.
    """
    for setting in (":MEAS?", ":SOUR:CLE:AUTO ON;:READ?"):
        device = device_of(keithley())
        device.line(setting)
        assert device.output_on


def test_a_current_is_set_read_back_and_measured() -> None:
    bench = keithley().ready()
    assert isinstance(bench.set(2 * MA), Accepted)
    bench.wait(100)
    reading = bench.driver.measure()
    assert reading is not None
    assert abs(reading.current_na - 2 * MA) < 10_000
    assert (reading.setpoint_na, reading.output_on, reading.seq) == (2 * MA, True, bench.seq)
    assert reading.impedance_ohm is not None


def test_a_level_between_two_steps_of_the_range_or_beyond_the_limits_is_refused() -> None:
    bench = keithley().ready()
    assert bench.set(1_000_100) == Refused(1, Refusal.NOT_ON_STEP)
    assert bench.set(4 * MA) == Refused(2, Refusal.OUT_OF_RANGE)
    assert bench.set(1 * MA, 5_000) == Refused(3, Refusal.LEASE)
    assert device_of(bench).level_na == 0


@pytest.mark.requirement("R38")
def test_a_lost_answer_is_unknown_and_is_settled_by_looking() -> None:
    bench = keithley().ready()
    bench.set(1 * MA)
    bench.uart.silent = True
    assert bench.set(2 * MA) is None
    bench.uart.silent = False
    reading = bench.driver.measure()
    assert reading is not None
    assert (reading.setpoint_na, reading.seq) == (2 * MA, bench.seq)
    assert [said for said in device_of(bench).heard if said == ":SOUR:CURR 0.002000000"] == [
        ":SOUR:CURR 0.002000000"
    ]


@pytest.mark.requirement("R38")
def test_a_lost_command_is_seen_not_to_have_been_taken() -> None:
    bench = keithley().ready()
    bench.set(1 * MA)
    bench.uart.deaf = True
    assert bench.set(2 * MA) is None
    bench.uart.deaf = False
    reading = bench.driver.measure()
    assert reading is not None
    assert (reading.setpoint_na, reading.seq) == (1 * MA, bench.seq - 1)


@pytest.mark.requirement("R40")
def test_a_late_answer_is_not_taken_for_the_next() -> None:
    bench = keithley().ready()
    bench.set(1 * MA)
    device_of(bench).nplc = device_of(bench).nplc * 100
    assert bench.driver.measure() is None
    device_of(bench).nplc = device_of(bench).nplc / 100
    reading = bench.driver.measure()
    assert reading is not None
    assert reading.setpoint_na == 1 * MA


@pytest.mark.requirement("R24")
def test_off_does_not_wait_behind_a_measurement() -> None:
    bench = keithley().ready()
    bench.set(1 * MA)
    device_of(bench).nplc = device_of(bench).nplc * 1000
    bench.driver.measure()
    asked_ms = bench.clock.now_ms()
    assert isinstance(bench.off(), Accepted)
    assert bench.clock.now_ms() - asked_ms < 200
    assert not device_of(bench).output_on


@pytest.mark.requirement("R52")
@pytest.mark.parametrize("error", [(-222, "range"), (802, "blocked"), (803, "off")])
def test_what_stands_in_the_error_queue_is_a_complaint(error: tuple[int, str]) -> None:
    bench = keithley().ready()
    bench.set(1 * MA)
    device_of(bench)._fail(*error)
    for _ in range(12):
        bench.driver.measure()
    complaints = bench.driver.errors()
    assert [item.alarm for item in complaints] == ["F55"]
    assert str(error[0]).lstrip("+") in complaints[0].text


def test_a_blocked_output_enable_is_said() -> None:
    bench = keithley().ready()
    assert bench.relay is not None
    cut(bench.relay)
    assert bench.set(1 * MA) is None
    assert any("802" in item.text for item in bench.driver.errors())


@pytest.mark.requirement("R34")
def test_overflow_is_no_reading() -> None:
    bench = keithley().ready()
    bench.set(1 * MA)
    device_of(bench).stuck_reading = ",".join([MISSING] * 4)
    assert bench.driver.measure() is None
    assert "F56" in {item.alarm for item in bench.driver.errors()}


@pytest.mark.requirement("R35")
def test_keys_at_the_front_panel_show_in_the_next_reading() -> None:
    bench = keithley().ready()
    bench.set(1 * MA)
    device_of(bench).turn_knob(3 * MA)
    reading = bench.driver.measure()
    assert reading is not None
    assert reading.setpoint_na == 3 * MA
    device_of(bench).press_output()
    reading = bench.driver.measure()
    assert reading is not None
    assert not reading.output_on


@pytest.mark.requirement("R48")
def test_a_power_cycle_is_a_new_start_and_a_wrap_of_the_clock_is_none() -> None:
    bench = keithley().ready()
    bench.set(1 * MA)
    first = bench.driver.measure()
    device_of(bench)._clock_us = 99_999_900 * 1000
    second = bench.driver.measure()
    bench.wait(300)
    third = bench.driver.measure()
    assert first is not None
    assert second is not None
    assert third is not None
    assert second.boot_count == third.boot_count == 1
    assert 300 <= third.device_ms - second.device_ms < 400
    device_of(bench).power_cycle()
    bench.wait(50)
    fourth = bench.driver.measure()
    assert fourth is not None
    assert fourth.boot_count == 2
    assert not fourth.output_on


def test_a_lease_that_is_over_is_ended_by_the_driver() -> None:
    bench = keithley().ready()
    bench.set(1 * MA, 200)
    bench.wait(300)
    reading = bench.driver.measure()
    assert reading is not None
    assert reading.expired
    assert not reading.output_on


def test_a_lead_that_came_off_is_seen() -> None:
    bench = keithley().ready()
    bench.set(1 * MA)
    bench.device.load.faults.add(LoadFault.LEAD_OFF)
    bench.wait(50)
    reading = bench.driver.measure()
    assert reading is not None
    assert reading.lead_off
    assert reading.at_compliance


@pytest.mark.requirement("R45")
def test_without_a_relay_it_says_that_nothing_ends_its_output() -> None:
    bench = keithley(relay=False).ready()
    found = bench.driver.prove_dead_man()
    assert isinstance(found, Problem)
    assert found.code == "I0917"
    assert bench.driver.capabilities.dead_man is DeadMan.NONE
    assert isinstance(bench.set(1 * MA), Accepted)
    bench.wait(20_000)
    assert device_of(bench).output_on, "which is true of the instrument"


@pytest.mark.requirement("R42")
@pytest.mark.requirement("R45")
@pytest.mark.parametrize("ticks", [1, 2, 5])
def test_with_a_relay_the_output_ends_within_the_lease_of_the_last_setpoint(ticks: int) -> None:
    bench = keithley().ready()
    assert bench.driver.capabilities.dead_man is DeadMan.EXTERNAL_RELAY
    for _ in range(ticks):
        assert isinstance(bench.set(2 * MA), Accepted)
        assert bench.driver.measure() is not None
        bench.wait(60)
    assert device_of(bench).output_on
    flowed_pc, lived_ms = bench.device.load.received.total_pc, 0
    while device_of(bench).output_on:
        bench.wait(1)
        lived_ms += 1
        assert lived_ms <= LEASE_MS
    flowed_pc = bench.device.load.received.total_pc
    bench.wait(2_000)
    assert bench.device.load.received.total_pc == flowed_pc
    reading = bench.driver.measure()
    assert reading is not None
    assert reading.expired and not reading.output_on


@pytest.mark.requirement("R10")
def test_the_relay_is_proven_with_the_output_off() -> None:
    bench = keithley().ready()
    took_ms = bench.driver.prove_dead_man()
    assert isinstance(took_ms, int) and 400 <= took_ms <= LEASE_MS
    assert not [said for said in device_of(bench).heard if said.startswith(":OUTP ON")]
    assert bench.driver.arm() is None
    assert isinstance(bench.set(1 * MA), Accepted)


def stuck(relay: SimulatedRelay) -> None:
    """Its contact has welded."""
    relay.stuck = True


def cut(relay: SimulatedRelay) -> None:
    """It is not wired to this instrument."""
    relay.cut = True


def slow(relay: SimulatedRelay) -> None:
    """It opens too late."""
    relay.opens_after_ms = 3 * LEASE_MS


@pytest.mark.requirement("R10")
@pytest.mark.parametrize(
    ("broken", "text"), [(stuck, "is not fed"), (cut, "not enabled"), (slow, "still enables")]
)
def test_a_relay_that_does_not_act_is_found_out(broken: Callable[[SimulatedRelay], None], text: str) -> None:
    bench = keithley().ready()
    assert bench.relay is not None
    broken(bench.relay)
    found = bench.driver.prove_dead_man()
    assert isinstance(found, Problem) and found.code == "I0917"
    assert text in found.text


@pytest.mark.requirement("R43")
def test_only_a_setpoint_feeds_the_relay() -> None:
    bench = keithley().ready()
    assert isinstance(bench.set(1 * MA), Accepted)
    for _ in range(10):
        bench.driver.measure()
        bench.driver.verify_limits()
        bench.driver.errors()
        bench.wait(40)
    assert not device_of(bench).output_on


def test_a_relay_whose_line_is_gone_is_an_alarm_and_its_output_ends() -> None:
    bench = keithley().ready()
    assert isinstance(bench.set(1 * MA), Accepted)
    relay = bench.driver._relay  # type: ignore[union-attr]
    assert relay is not None
    relay.close()
    assert bench.set(1 * MA) is None
    assert {item.alarm for item in bench.driver.errors()} == {"F30"}
    bench.wait(LEASE_MS)
    assert not device_of(bench).output_on


@pytest.mark.requirement("R11")
def test_an_instrument_that_forgets_to_look_at_its_line_is_not_run() -> None:
    bench = keithley().ready()
    device_of(bench).enable_needed = False
    found = bench.driver.verify_limits()
    assert isinstance(found, Problem) and found.code == "I0916"


def test_bytes_that_come_too_fast_overrun_its_queue() -> None:
    bench = keithley()
    bench.device._busy_ms = 1_000
    bench.uart.receive(b"x" * 400)
    bench.wait(200)
    assert device_of(bench)._next_error().startswith("-363")
