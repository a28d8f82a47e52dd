"""The server of simulated devices: a busy machine makes a device late, never its clock wrong."""

from __future__ import annotations

import os
import select as select_module

import pytest

from ionto_runtime.link.frames import Frame, encode
from ionto_runtime.link.messages import Hello, Off
from ionto_runtime.simulation.clock import VirtualClock
from ionto_runtime.simulation.ionlink_device import IonLinkDevice
from ionto_runtime.simulation.keithley import Keithley2400
from ionto_runtime.simulation.line import QUIET_MS
from ionto_runtime.simulation.line_faults import FaultyLine
from ionto_runtime.simulation.load import Load
from ionto_runtime.simulation.plant import Plant
from ionto_runtime.simulation.pty_server import PtyServer, step_all
from ionto_runtime.simulation.skin import UM2_PER_CM2, body_of
from ionto_runtime.simulation.stimjim import StimJim
from ionto_runtime.simulation.uart import Uart
from ionto_runtime.simulation.watchdog_relay import SimulatedRelay

SESSION = 0x2F00_BA42


class Recorder:
    """A device that writes down what happens to it, and answers each portion."""

    def __init__(self) -> None:
        self.happened: list[object] = []
        self._answer = b""
        self.due = 1

    def receive(self, data: bytes) -> None:
        """Bytes from the host."""
        self.happened.append(data)
        self._answer += b"heard"

    def transmit(self) -> bytes:
        """What it says."""
        said, self._answer = self._answer, b""
        return said

    def advance(self, ms: int) -> None:
        """Time."""
        self.happened.append(ms)

    def due_in_ms(self) -> int:
        """As the test says."""
        return self.due


def test_a_device_that_was_not_run_for_a_while_catches_up_before_it_hears_what_came_meanwhile() -> None:
    clock, device = VirtualClock(), Recorder()
    server = PtyServer(device, clock)
    host = os.open(server.path, os.O_RDWR | os.O_NOCTTY)
    try:
        os.write(host, b"question")
        clock.sleep_until(80)
        while b"question" not in device.happened:
            server.step()
        assert device.happened == [80, b"question"]
        assert os.read(host, 100) == b"heard"
    finally:
        os.close(host)
        server.unplug()


def test_bytes_wait_while_the_device_reads_nothing() -> None:
    device = Recorder()
    server = PtyServer(device, VirtualClock())
    host = os.open(server.path, os.O_RDWR | os.O_NOCTTY)
    try:
        server.reading = False
        os.write(host, b"question")
        server.step()
        assert device.happened == [0]
        server.reading = True
        while b"question" not in device.happened:
            server.step()
    finally:
        os.close(host)
        server.unplug()


def test_nobody_looks_while_nothing_is_due_and_bytes_are_heard_at_once(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A simulated device at rest takes nearly nothing of a processor, and is later by nothing."""
    waits: list[float] = []
    select = select_module.select

    def noting(ready: list[int], *others: object) -> object:
        waits.append(float(str(others[-1])))
        return select(ready, [], [], 0)

    monkeypatch.setattr(select_module, "select", noting)
    clock, first, second = VirtualClock(), Recorder(), Recorder()
    first.due, second.due = QUIET_MS, 7
    servers = PtyServer(first, clock), PtyServer(second, clock)
    host = os.open(servers[1].path, os.O_RDWR | os.O_NOCTTY)
    try:
        assert step_all(servers) == [] and waits == [0.007], "the first that is due"
        clock.sleep_until(3)
        second.due = QUIET_MS
        assert servers[0].due_in_ms() == QUIET_MS - 3
        assert step_all(servers) == [] and waits[-1] == (QUIET_MS - 3) / 1_000
        clock.sleep_until(3 + QUIET_MS + 5)
        assert servers[0].due_in_ms() == 0, "what is past is looked at without a wait"
        os.write(host, b"question")
        while b"question" not in second.happened:
            step_all(servers)
        assert os.read(host, 100) == b"heard" and b"question" not in first.happened
    finally:
        os.close(host)
        for server in servers:
            server.unplug()


def test_what_is_under_way_is_looked_at_every_millisecond_and_what_is_not_is_left_alone() -> None:
    """So a twin answers no later than its line does, and a lease ends in the device's own time."""
    twin = IonLinkDevice(Plant(body_of((UM2_PER_CM2, UM2_PER_CM2), 1), 1))
    line = FaultyLine(twin)
    assert line.due_in_ms() == QUIET_MS
    line.receive(encode(Frame(SESSION, 1, 0, Hello())))
    for _ in range(12):
        assert line.due_in_ms() == 1
        line.advance(1)
        if line.transmit():
            break
    while line.due_in_ms() == 1:
        line.advance(1)
        line.transmit()
    assert twin.session == SESSION
    line.to_device.delay, line.to_device.delay_ms = 1, 20
    line.receive(encode(Frame(SESSION, 2, 0, Off())))
    assert line.due_in_ms() == 20
    line.advance(15)
    assert line.due_in_ms() == 5
    line.to_host.noise_bytes_s = 1
    assert line.due_in_ms() == 1


def test_a_train_of_stimjim_that_ends_and_a_relay_that_opens_are_not_missed() -> None:
    board = StimJim(Load(body_of((UM2_PER_CM2, UM2_PER_CM2), 1)))
    uart = Uart(board, 115_200, 1_000)
    assert uart.due_in_ms() == 1, "it is starting"
    uart.advance(2_100)
    uart.transmit()
    assert uart.due_in_ms() == QUIET_MS
    board.line("S1,1,3,30000,45000;0,0,20")
    board.line("T1")
    board.answers()
    assert uart.due_in_ms() == 30
    uart.advance(10)
    assert uart.due_in_ms() == 20
    relay = SimulatedRelay(Keithley2400(Load(body_of((UM2_PER_CM2, UM2_PER_CM2), 1))))
    assert relay.due_in_ms() == QUIET_MS
    relay.receive(b"x")
    relay.advance(390)
    assert relay.due_in_ms() == 10
