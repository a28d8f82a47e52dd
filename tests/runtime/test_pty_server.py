"""The server of simulated devices: a busy machine makes a device late, never its clock wrong."""

from __future__ import annotations

import os

from ionto_runtime.simulation.clock import VirtualClock
from ionto_runtime.simulation.pty_server import PtyServer


class Recorder:
    """A device that writes down what happens to it, and answers each portion."""

    def __init__(self) -> None:
        self.happened: list[object] = []
        self._answer = b""

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
