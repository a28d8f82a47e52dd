"""A line in memory: a `Transport` whose other end is a simulated device, in virtual time.

Waiting for a byte lets virtual time pass, and with it the device at the other end, so that a driver with its
timeouts runs in a test as fast as it can be computed, and the same on every run.
"""

from __future__ import annotations

from typing import Protocol

from ionto_runtime.clock import Clock
from ionto_runtime.drivers.transport import READ_BYTES_MAX, PortIdentity

PENDING_BYTES_MAX = 65_536
"""What a line holds for a host that does not read; what comes beyond it is lost, as on a real one."""

QUIET_MS = 50
"""The longest that a simulated device is left to itself: what it then has to catch up with is no delay."""

HERE = PortIdentity("memory", "simulated line", None, None, None)


class Peer(Protocol):
    """The other end of a line. Time passes for it only in `advance`, whoever calls that."""

    def receive(self, data: bytes) -> None:
        """Bytes from the host."""
        ...

    def transmit(self) -> bytes:
        """The bytes that have been sent to the host since the last call."""
        ...

    def advance(self, ms: int) -> None:
        """Let time pass."""
        ...

    def due_in_ms(self) -> int:
        """How long nothing can come of it by itself, if no byte arrives: until then nobody need look, because
        whoever comes lets the time pass first. At least 1; `QUIET_MS` where nothing is under way.
        """
        ...


class MemoryLine:
    """See `Transport`. The clock is the one whose passing advances the peer.

    `unplug` and `stop_reading` do what their names say, until the line is opened anew or reading resumes.
    """

    def __init__(self, peer: Peer, clock: Clock, identity: PortIdentity = HERE) -> None:
        self._peer = peer
        self._clock = clock
        self._identity = identity
        self._failure: str | None = None
        self._pending = bytearray()
        self.reading = True

    @property
    def identity(self) -> PortIdentity:
        return self._identity

    @property
    def failure(self) -> str | None:
        return self._failure

    def unplug(self) -> None:
        """The cable is pulled: nothing arrives any more, in either direction."""
        self._failure = "the line `memory` is gone: the device was unplugged"

    def write(self, data: bytes, timeout_ms: int) -> bool:
        if self._failure is not None:
            return False
        if not self.reading:
            self._clock.sleep_until(self._clock.now_ms() + timeout_ms)
            return False
        self._peer.receive(data)
        return True

    def read(self, timeout_ms: int) -> bytes:
        if self._failure is not None:
            return b""
        until_ms = self._clock.now_ms() + timeout_ms
        self._collect()
        while not self._pending and self._clock.now_ms() < until_ms:
            self._clock.sleep_until(self._clock.now_ms() + 1)
            self._collect()
        taken = bytes(self._pending[:READ_BYTES_MAX])
        del self._pending[:READ_BYTES_MAX]
        return taken

    def drop(self) -> None:
        self._collect()
        self._pending.clear()

    def close(self) -> None:
        self._failure = self._failure or "the line is closed"

    def _collect(self) -> None:
        self._pending += self._peer.transmit()
        del self._pending[PENDING_BYTES_MAX:]
