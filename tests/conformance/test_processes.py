"""Device and host as processes on a real pseudo-terminal, in real time: no more than that it works there too.

What happens when is asserted in virtual time, in the other files of this folder; here nothing depends on how
busy the machine is.
"""

from __future__ import annotations

import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from ionto_runtime.clock import RealClock
from ionto_runtime.drivers.driver import Problem
from ionto_runtime.drivers.serial_port import SerialPort, open_port
from ionto_runtime.drivers.transport import LineSettings
from tests.conformance.processes import DeviceProcess, HostProcess
from tests.conformance.sessions import ATTEMPTS, LEASE_MS, MA, alarms, prepared

pytestmark = pytest.mark.realtime

SETTINGS = LineSettings(baud=115_200)


@pytest.fixture(params=["twin", "firmware"])
def device(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[DeviceProcess]:
    """A device in its own process."""
    with DeviceProcess(request.param, tmp_path / "line") as process:
        yield process


def opened(device: DeviceProcess) -> SerialPort:
    """Its line."""
    line = open_port(str(device.link), SETTINGS)
    assert isinstance(line, SerialPort)
    return line


def test_a_session_in_real_time(device: DeviceProcess) -> None:
    clock = RealClock()
    driver = prepared(opened(device), clock)
    reading = None
    for seq in range(1, ATTEMPTS):
        reading = driver.measure() or reading
        if reading is not None and reading.current_na >= 950_000:
            break
        driver.set_current(MA, LEASE_MS, seq)
        clock.sleep_until(clock.now_ms() + 20)
    assert reading is not None and reading.current_na == pytest.approx(MA, rel=0.03)
    driver.close()
    device.wait_for_current(0, 0)


@pytest.mark.requirement("R42")
@pytest.mark.parametrize("end", [signal.SIGKILL, signal.SIGSTOP])
def test_a_host_that_dies_or_freezes_leaves_no_current_behind(
    device: DeviceProcess, end: signal.Signals
) -> None:
    with HostProcess(device.link) as host:
        device.wait_for_current(950_000, 1_050_000)
        host.process.send_signal(end)
        device.wait_for_current(0, 0)


@pytest.mark.requirement("R46")
def test_a_second_host_cannot_open_the_line_and_the_first_one_goes_on(device: DeviceProcess) -> None:
    with HostProcess(device.link):
        device.wait_for_current(950_000, 1_050_000)
        second = open_port(str(device.link), SETTINGS)
        assert isinstance(second, Problem) and "in use by another session" in second.text
        device.wait_for_current(950_000, 1_050_000)


@pytest.mark.requirement("R47")
def test_unplugged_and_plugged_in_again_it_is_a_stranger_from_zero(device: DeviceProcess) -> None:
    driver = prepared(opened(device), RealClock())
    driver.set_current(MA, LEASE_MS, 1)
    device.do("unplug")
    for _ in range(3):
        assert driver.measure() is None
    assert alarms(driver.errors()) == ["F30"]
    device.wait_for_current(0, 0)
    device.do("replug")
    assert driver.measure() is None
    assert driver.set_current(MA, LEASE_MS, 2) is None
    driver.close()
    other = prepared(opened(device), RealClock())
    reading = other.measure()
    assert reading is None or (reading.output_on, reading.setpoint_na) == (False, 0)
    other.close()


@pytest.mark.requirement("R50")
def test_a_device_that_stops_reading_hangs_nobody(device: DeviceProcess) -> None:
    driver = prepared(opened(device), RealClock())
    device.do("line reading off")
    assert [driver.measure() for _ in range(5)] == [None] * 5
    device.do("line reading on")
    driver.close()


@pytest.mark.requirement("R49")
def test_a_megabyte_a_second_of_noise_hangs_nobody_and_is_forgotten(device: DeviceProcess) -> None:
    driver = prepared(opened(device), RealClock())
    device.do("line to_host noise_bytes_s 1000000")
    for _ in range(5):
        driver.measure()
    device.do("line to_host noise_bytes_s 0")
    assert any(driver.measure() is not None for _ in range(ATTEMPTS))
    assert "F35" in alarms(driver.errors())
    driver.close()


def test_the_fault_port_says_what_it_does_not_know(device: DeviceProcess) -> None:
    assert device.do("plant nonsense on").startswith("no: ")
    assert device.do("device restart sideways").startswith("no: ")
    assert device.do("line to_host drop many") == "no: `many` is not a whole number"
    assert device.do("whatever").startswith("no: ")
