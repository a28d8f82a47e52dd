"""The driver of IonLink devices when device or line go wrong, and how it ends."""

from __future__ import annotations

import pytest

from ionto_runtime.drivers.driver import Identity
from ionto_runtime.link.messages import Hello
from ionto_runtime.link.schema import Trip
from ionto_runtime.simulation.ionlink_device import IonLinkDevice
from ionto_runtime.stimulator import Accepted, Refusal, Refused
from tests.conformance.bench import Bench
from tests.conformance.sessions import (
    LEASE_MS,
    MA,
    SESSION_LIMITS,
    alarms,
    connected,
    read,
    running,
    tick,
)


# --- what goes wrong with device and line ----------------------------------------------------------------
@pytest.mark.requirement("R41")
@pytest.mark.parametrize("muted", ["to_device", "to_host", "both"])
def test_half_a_second_without_an_answer_is_an_alarm(bench: Bench, muted: str) -> None:
    driver = running(bench)
    for direction in ("to_device", "to_host") if muted == "both" else (muted,):
        getattr(bench.faults, direction).mute = True
    said: list[tuple[int, str]] = []
    start_ms = bench.clock.now_ms()
    while bench.clock.now_ms() < start_ms + 800:
        assert tick(bench, driver) is None
        said += [(bench.clock.now_ms() - start_ms, alarm) for alarm in alarms(driver.errors())]
    assert [alarm for _, alarm in said] == ["F30"]
    assert 500 < said[0][0] <= 800
    assert bench.plant.current_na == 0


@pytest.mark.requirement("R44")
def test_a_host_that_can_speak_but_not_hear_feeds_no_dead_man(bench: Bench) -> None:
    driver = running(bench)
    bench.faults.to_host.mute = True
    for seq in range(6, 30):
        tick(bench, driver)
        assert driver.set_current(MA, LEASE_MS, seq) is None
    assert bench.plant.current_na == 0


@pytest.mark.requirement("R47")
def test_an_unplugged_line_stays_dead_for_its_driver(bench: Bench) -> None:
    driver = running(bench)
    bench.line.unplug()
    assert driver.measure() is None
    assert driver.set_current(MA, LEASE_MS, 6) is None
    assert alarms(driver.errors()) == ["F30"]
    bench.wait(LEASE_MS)
    assert bench.plant.current_na == 0
    driver.close()


@pytest.mark.requirement("R48")
@pytest.mark.parametrize("cause", [Trip.NONE, Trip.WATCHDOG, Trip.BROWN_OUT])
def test_a_restarted_device_is_seen_and_this_session_is_over_for_it(bench: Bench, cause: Trip) -> None:
    driver = running(bench)
    before = read(bench, driver)
    bench.device.restart(cause)
    bench.wait(60)
    reading = read(bench, driver)
    assert reading.boot_count == before.boot_count + 1
    assert not reading.output_on
    assert alarms(driver.errors())[0] == "F31"
    assert driver.set_current(MA, LEASE_MS, 6) == Refused(6, Refusal.NOT_READY)
    assert bench.plant.current_na == 0


@pytest.mark.requirement("R28")
def test_after_a_restart_the_device_is_met_anew_and_prepared_anew(bench: Bench) -> None:
    driver = running(bench)
    bench.device.restart()
    bench.wait(60)
    read(bench, driver)
    assert isinstance(driver.connect(), Identity)
    assert driver.set_current(MA, LEASE_MS, 1) == Refused(1, Refusal.NOT_READY)
    assert driver.configure(SESSION_LIMITS) is None
    assert driver.arm() is None
    assert driver.set_current(MA, LEASE_MS, 1) == Accepted(1)
    assert driver.errors() == ()


@pytest.mark.requirement("R46")
def test_a_device_that_another_host_has_taken_is_lost_to_the_first(bench: Bench) -> None:
    driver = running(bench)
    bench.ask(Hello(), session=4711, sequence=1)
    read(bench, driver)
    assert alarms(driver.errors()) == ["F34"]
    assert driver.set_current(MA, LEASE_MS, 6) == Refused(6, Refusal.NOT_READY)


@pytest.mark.requirement("R49")
def test_a_flood_of_noise_costs_no_more_than_the_deadline(bench: Bench) -> None:
    driver = running(bench)
    bench.faults.to_host.noise_bytes_s = 1_000_000
    for _ in range(5):
        bench.wait(20)
        start_ms = bench.clock.now_ms()
        driver.measure()
        assert bench.clock.now_ms() - start_ms <= 85
    bench.faults.to_host.noise_bytes_s = 0
    tick(bench, driver)
    assert read(bench, driver).boot_count == 1
    assert "F35" in alarms(driver.errors())


@pytest.mark.requirement("R50")
def test_a_device_that_stops_reading_costs_no_more_than_the_deadline(bench: Bench) -> None:
    driver = running(bench)
    bench.line.reading = False
    start_ms = bench.clock.now_ms()
    assert driver.set_current(MA, LEASE_MS, 6) is None
    assert driver.measure() is None
    assert bench.clock.now_ms() - start_ms <= 110
    assert driver.output_off(7) is None


@pytest.mark.requirement("R51")
def test_a_line_that_keeps_damaging_frames_ends_the_session(bench: Bench) -> None:
    driver = running(bench)
    said: list[str] = []
    for seq in range(6, 60):
        bench.faults.to_host.flip = 1
        tick(bench, driver)
        driver.set_current(MA, LEASE_MS, seq)
        said += alarms(driver.errors())
    assert "F35" in said


@pytest.mark.requirement("R51")
def test_a_device_that_never_answers_is_asked_a_bounded_number_of_times(bench: Bench) -> None:
    driver = connected(bench)
    bench.device.silent = True
    start_ms = bench.clock.now_ms()
    assert driver.configure(SESSION_LIMITS) is not None
    assert driver.acknowledge() is not None
    assert bench.clock.now_ms() - start_ms < 400


@pytest.mark.requirement("R53")
@pytest.mark.parametrize("clock_ppm", [-100_000, 100_000, 20_000, -20_000])
def test_a_clock_that_runs_wrong_is_found(bench: Bench, clock_ppm: int) -> None:
    driver = running(bench)
    bench.device.clock_ppm = clock_ppm
    said: list[str] = []
    for seq in range(6, 60):
        read(bench, driver)
        driver.set_current(MA, LEASE_MS, seq)
        said += alarms(driver.errors())
        if said:
            break
    assert said == ["F32"]


@pytest.mark.requirement("R53")
def test_a_clock_that_goes_back_is_found_and_one_that_wraps_is_not() -> None:
    bench = Bench("twin")
    assert isinstance(bench.device, IonLinkDevice)
    bench.device.turn_back_clock(400)
    driver = running(bench)
    assert bench.device.device_ms < 1_000, "the clock went past its end during this session"
    assert driver.errors() == ()
    bench.device.turn_back_clock(30)
    read(bench, driver)
    assert alarms(driver.errors()) == ["F32"]


def test_a_clock_that_errs_as_quartzes_do_is_no_fault(bench: Bench) -> None:
    driver = running(bench)
    bench.device.clock_ppm = 500
    for seq in range(6, 40):
        read(bench, driver)
        assert driver.set_current(MA, LEASE_MS, seq) == Accepted(seq)
    assert driver.errors() == ()


# --- the end ---------------------------------------------------------------------------------------------
@pytest.mark.requirement("R24")
def test_an_output_that_cannot_be_seen_to_open_is_stopped_by_the_shortest_way(bench: Bench) -> None:
    driver = running(bench)
    bench.faults.to_host.mute = True
    assert driver.output_off(6) is None
    bench.wait(10)
    assert bench.plant.current_na == 0
    assert driver.output_off(6) is None
    bench.faults.to_host.mute = False
    read(bench, driver)
    assert alarms(driver.errors()) == ["F33"]


def test_closing_opens_the_output_and_gives_the_line_back(bench: Bench) -> None:
    driver = running(bench)
    driver.close()
    bench.wait(10)
    assert bench.plant.current_na == 0
    assert bench.line.failure == "the line is closed"
