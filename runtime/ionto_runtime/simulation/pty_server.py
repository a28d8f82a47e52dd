"""A simulated device at the end of a real line: a pseudo-terminal, paced by the machine's clock.

A host opens the path as it would open a serial port and never knows. Unplugging closes the line under it;
plugging in again opens another one, and the link that a host was given by name leads to it, as the names
under `/dev/serial/by-id` do.
"""

from __future__ import annotations

import contextlib
import os
import pty
import select
import tty
from collections.abc import Sequence
from pathlib import Path

from ionto_runtime.clock import Clock
from ionto_runtime.simulation.line import QUIET_MS, Peer

READ_BYTES_MAX = 4_096
UNSENT_BYTES_MAX = 65_536
"""What waits for a host that does not read; the rest is lost."""

ADVANCE_MS_MAX = 10_000
"""A machine that slept longer than this has not simulated what happened meanwhile; the device has long gone
off in a tenth of it.
"""


class PtyServer:
    """One device on one line. `path` is where a host finds it; `reading` whether the device takes bytes."""

    def __init__(self, peer: Peer, clock: Clock, link: Path | None = None) -> None:
        self._peer = peer
        self._clock = clock
        self._link = link
        self._told_ms = clock.now_ms()
        self._unsent = bytearray()
        self._ends: tuple[int, int] | None = None
        self.reading = True
        self.plug_in()

    @property
    def path(self) -> str:
        """The line's own name, or the link that leads to it."""
        return str(self._link) if self._link is not None else self._own_path()

    def plug_in(self) -> None:
        """Open a line, unless one is open."""
        if self._ends is not None:
            return
        device, host = pty.openpty()
        tty.setraw(host)
        os.set_blocking(device, False)
        # The host's end is held open here too: a host that comes and goes is not an unplugged cable.
        self._ends = device, host
        if self._link is not None:
            with contextlib.suppress(FileNotFoundError):
                self._link.unlink()
            self._link.symlink_to(self._own_path())

    def unplug(self) -> None:
        """Close the line under whoever has it open. The device lives on."""
        if self._ends is None:
            return
        for end in self._ends:
            os.close(end)
        self._ends = None
        self._unsent.clear()
        if self._link is not None:
            self._link.unlink(missing_ok=True)

    def step(self, also: tuple[int, ...] = ()) -> list[int]:
        """Wait for bytes, or until something is due; which of the descriptors in `also` have something to
        read.
        """
        return step_all((self,), also)

    @property
    def watched(self) -> list[int]:
        """What has to be read when it can be."""
        return [self._ends[0]] if self._ends is not None and self.reading else []

    def due_in_ms(self) -> int:
        """In how many milliseconds somebody has to look, whatever arrives; 0 when that is past."""
        if self._unsent:
            return 1
        return max(0, self._told_ms + self._peer.due_in_ms() - self._clock.now_ms())

    def attend(self, ready: Sequence[int]) -> None:
        """Let the time pass that has passed, take what has come, and give what there is."""
        device = self._ends[0] if self._ends is not None else None
        data = self._taken(device) if device is not None and device in ready else b""
        # The bytes are here, so for the device it is at least now: handed over before its time had caught up,
        # they would be answered with a time before they were sent, and its clock would seem to run wrong.
        now_ms = self._clock.now_ms()
        self._peer.advance(min(ADVANCE_MS_MAX, now_ms - self._told_ms))
        self._told_ms = now_ms
        if data:
            self._peer.receive(data)
        if device is not None:
            self._give(device)

    def _taken(self, device: int) -> bytes:
        try:
            return os.read(device, READ_BYTES_MAX)
        except OSError:
            return b""

    def _give(self, device: int) -> None:
        self._unsent += self._peer.transmit()
        del self._unsent[UNSENT_BYTES_MAX:]
        if not self._unsent:
            return
        try:
            taken = os.write(device, self._unsent)
        except OSError:  # full, or nobody there
            return
        del self._unsent[:taken]

    def _own_path(self) -> str:
        assert self._ends is not None, "an unplugged line has no name"
        return os.ttyname(self._ends[1])


def step_all(servers: Sequence[PtyServer], also: tuple[int, ...] = ()) -> list[int]:
    """Wait until any of the servers has bytes or something due; which of the descriptors in `also` have
    something to read.
    """
    watched = [device for server in servers for device in server.watched]
    wait_ms = min((server.due_in_ms() for server in servers), default=QUIET_MS)
    ready, _, _ = select.select([*watched, *also], [], [], wait_ms / 1_000)
    for server in servers:
        server.attend(ready)
    return [descriptor for descriptor in also if descriptor in ready]
