"""The world's disk: keeps what it was given and what of it is durable, and fails as it is told."""

from __future__ import annotations

import errno
from random import Random


class Disk:
    """A journal's file. `full`, `broken` and `short` strike once; `stalled` lasts until it is lifted."""

    def __init__(self) -> None:
        self.writes: list[bytes] = []
        self.durable = 0
        self.full = self.broken = self.short = self.stalled = False
        self.failed = False
        self.calls_after_failure = 0
        self.closed = False

    def write(self, data: bytes) -> int:
        self._called()
        if self.full:
            self.full, self.failed = False, True
            raise OSError(errno.ENOSPC, "No space left on device")
        if self.short:
            self.short, self.failed = False, True
            taken = len(data) // 2
            self.writes.append(data[:taken])
            return taken
        self.writes.append(data)
        return len(data)

    def sync(self) -> None:
        self._called()
        if self.broken:
            self.broken, self.failed = False, True
            raise OSError(errno.EIO, "Input/output error")
        if not self.stalled:
            self.durable = len(self.writes)

    def sync_soon(self) -> None:
        self.sync()

    def close(self) -> None:
        self.closed = True

    def _called(self) -> None:
        self.calls_after_failure += self.failed

    @property
    def data(self) -> bytes:
        """All that was written: what a killed program leaves."""
        return b"".join(self.writes)

    def after_power_loss(self, chance: Random) -> bytes:
        """What the disk may hold: the durable part, and any blocks of the rest."""
        kept = b"".join(self.writes[: self.durable])
        image = bytearray(self.data)
        block = chance.choice((512, 4096))
        start = len(kept)
        while start < len(image):
            end = min(len(image), start - start % block + block)
            if chance.random() < 0.5:
                image[start:end] = bytes(end - start)
            start = end
        return bytes(image[: chance.randint(len(kept), len(image))] if chance.random() < 0.5 else image)
