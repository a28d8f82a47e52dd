"""The serial line on real pseudo-terminals: nothing hangs, nothing raises, nothing grows without bound."""

from __future__ import annotations

import os
import pty
import subprocess
import sys
import threading
import tty
from collections.abc import Iterator
from dataclasses import dataclass

import pytest
import serial
from serial.tools.list_ports_common import ListPortInfo

from ionto_runtime.drivers import serial_port
from ionto_runtime.drivers.driver import Problem
from ionto_runtime.drivers.serial_port import SerialPort, open_port
from ionto_runtime.drivers.transport import READ_BYTES_MAX, LineSettings

pytestmark = pytest.mark.realtime

SETTINGS = LineSettings(baud=115_200)


@dataclass
class Pair:
    """Both ends of a line: what a driver holds, and the descriptor at which a device would sit."""

    path: str
    device: int
    slave: int
    port: SerialPort

    def unplug(self) -> None:
        """The device's end goes away."""
        os.close(self.device)
        os.close(self.slave)
        self.device = -1


@pytest.fixture
def pair() -> Iterator[Pair]:
    """A line that is open at both ends."""
    device, slave = pty.openpty()
    tty.setraw(slave)
    path = os.ttyname(slave)
    port = open_port(path, SETTINGS)
    assert isinstance(port, SerialPort)
    line = Pair(path, device, slave, port)
    yield line
    port.close()
    if line.device >= 0:
        line.unplug()


def test_bytes_arrive_in_both_directions(pair: Pair) -> None:
    assert pair.port.write(b"\x00host", 100)
    assert os.read(pair.device, 100) == b"\x00host"
    os.write(pair.device, b"device\x00")
    assert pair.port.read(1_000) == b"device\x00"
    assert pair.port.read(0) == b""
    assert pair.port.failure is None


@pytest.mark.requirement("R46")
def test_a_line_in_use_cannot_be_opened_a_second_time_and_loses_nothing(pair: Pair) -> None:
    os.write(pair.device, b"waiting")
    second = open_port(pair.path, SETTINGS)
    assert isinstance(second, Problem)
    assert (second.code, second.text) == ("I0911", f"the line `{pair.path}` is in use by another session")
    assert second.help is not None and "one session at a time" in second.help
    assert pair.port.read(1_000) == b"waiting"


@pytest.mark.requirement("R46")
def test_another_process_cannot_open_a_line_in_use_either(pair: Pair) -> None:
    code = (
        "import sys; from ionto_runtime.drivers.serial_port import open_port;"
        "from ionto_runtime.drivers.transport import LineSettings;"
        "print(open_port(sys.argv[1], LineSettings(115200)).text)"
    )
    ran = subprocess.run([sys.executable, "-c", code, pair.path], capture_output=True, text=True, check=False)
    assert ran.stdout == f"the line `{pair.path}` is in use by another session\n"


@pytest.mark.requirement("R46")
def test_a_line_that_was_closed_can_be_opened_again(pair: Pair) -> None:
    pair.port.close()
    pair.port.close()
    again = open_port(pair.path, SETTINGS)
    assert isinstance(again, SerialPort)
    again.close()


def test_a_line_that_does_not_exist_is_a_problem_in_words() -> None:
    problem = open_port("/dev/no-such-line", SETTINGS)
    assert isinstance(problem, Problem)
    assert problem.text == "`/dev/no-such-line` cannot be opened: there is nothing of this name"
    assert problem.help is not None


@pytest.mark.requirement("R47")
@pytest.mark.parametrize("first", ["read", "write", "drop"])
def test_a_line_that_is_unplugged_stays_failed_and_never_raises(pair: Pair, first: str) -> None:
    pair.unplug()
    calls = {
        "read": lambda: pair.port.read(10),
        "write": lambda: pair.port.write(b"x", 10),
        "drop": pair.port.drop,
    }
    calls[first]()
    for call in calls.values():
        assert not call()
    for call in calls.values():
        assert not call()
    assert pair.port.failure is not None
    assert "is gone" in pair.port.failure


@pytest.mark.requirement("R50")
def test_a_peer_that_stops_reading_costs_no_more_than_the_deadline(pair: Pair) -> None:
    portion = bytes(1_000)
    taken = [pair.port.write(portion, 20) for _ in range(100)]
    assert taken[0] and not taken[-1]
    assert pair.port.failure is None


@pytest.mark.requirement("R50")
def test_a_line_with_unread_bytes_is_closed_at_once(pair: Pair) -> None:
    while pair.port.write(bytes(1_000), 10):
        pass
    pair.port.close()
    assert not pair.port.write(b"x", 10)


@pytest.mark.requirement("R49")
def test_a_flood_is_taken_in_bounded_portions(pair: Pair) -> None:
    stop = threading.Event()

    def flood() -> None:
        while not stop.is_set():
            os.write(pair.device, b"\xff" * 512)

    noise = threading.Thread(target=flood)
    noise.start()
    try:
        sizes = [len(pair.port.read(1_000)) for _ in range(500)]
    finally:
        stop.set()
        while noise.is_alive():
            pair.port.read(10)
            noise.join(0.001)
    assert min(sizes) > 0
    assert max(sizes) <= READ_BYTES_MAX


def test_dropping_forgets_what_waits(pair: Pair) -> None:
    os.write(pair.device, b"old")
    assert pair.port.read(1_000)[:1] == b"o"
    os.write(pair.device, b"older")
    while pair.port._port.in_waiting < 5:
        pass
    pair.port.drop()
    assert pair.port.read(0) == b""


def test_the_lines_ready_signal_is_low_before_it_opens_and_kept_when_it_closes(
    pair: Pair, monkeypatch: pytest.MonkeyPatch
) -> None:
    pair.port.close()
    seen: list[bool] = []
    really_open = serial.Serial.open

    def opening(port: serial.Serial) -> None:
        seen.append(port.dtr or port.rts or not port.exclusive)
        really_open(port)

    monkeypatch.setattr(serial.Serial, "open", opening)
    again = open_port(pair.path, SETTINGS)
    assert isinstance(again, SerialPort)
    assert seen == [False]
    assert not serial_port.termios.tcgetattr(again._port.fileno())[2] & serial_port.termios.HUPCL
    again.close()


def test_the_lines_of_this_computer_are_listed_in_order_and_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    def found() -> list[ListPortInfo]:
        ports = [ListPortInfo(f"/dev/ttyUSB{number:03}") for number in reversed(range(300))]
        ports[-1].vid, ports[-1].pid, ports[-1].serial_number = 0x0403, 0x6001, "A16"
        return ports

    monkeypatch.setattr(serial_port.serial_ports, "comports", found)
    listed = serial_port.list_ports()
    assert len(listed) == serial_port.PORTS_MAX
    assert (listed[0].path, listed[0].serial_number, listed[0].vendor_id) == ("/dev/ttyUSB000", "A16", 0x0403)
    assert [port.path for port in listed] == sorted(port.path for port in listed)


def test_a_system_that_cannot_list_its_lines_has_none(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse() -> list[ListPortInfo]:
        raise PermissionError

    monkeypatch.setattr(serial_port.serial_ports, "comports", refuse)
    assert serial_port.list_ports() == ()
