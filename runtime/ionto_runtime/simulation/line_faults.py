"""A line that damages what it carries: dropped, late, doubled, cut, flipped, drowned in noise, mute.

Stands between a host and a simulated device, in either direction, and is itself the other end of a line. One
portion is what the host writes in one go, or what the device sends up to and with `ending`.
"""

from __future__ import annotations

from random import Random

from ionto_ir.dataclass import dataclass
from ionto_runtime.simulation.line import Peer

NOISE_BYTES_MAX = 65_536
"""What one step of time brings at most, however long it is."""


@dataclass(slots=True)
class Disturbance:
    """What happens in one direction. Counts are of portions still to be treated so; `noise_bytes_s` of random
    bytes come by themselves.
    """

    mute: bool = False
    drop: int = 0
    duplicate: int = 0
    truncate: int = 0
    flip: int = 0
    delay: int = 0
    delay_ms: int = 0
    noise_bytes_s: int = 0


class FaultyLine:
    """See `Peer`. `to_device` and `to_host` can be changed at any moment."""

    def __init__(self, peer: Peer, seed: int = 1, ending: bytes = b"\0") -> None:
        self.peer = peer
        self._ending = ending
        self._unended = bytearray()
        self.to_device = Disturbance()
        self.to_host = Disturbance()
        self._random = Random(f"{seed}/line")
        self._now_ms = 0
        self._late: list[tuple[int, bool, bytes]] = []
        self._out = bytearray()

    def receive(self, data: bytes) -> None:
        for portion in self._disturb(self.to_device, data, towards_device=True):
            self.peer.receive(portion)

    def transmit(self) -> bytes:
        self._collect()
        sent = bytes(self._out)
        self._out.clear()
        return sent

    def advance(self, ms: int) -> None:
        self.peer.advance(ms)
        self._now_ms += ms
        due = [late for late in self._late if late[0] <= self._now_ms]
        self._late = [late for late in self._late if late[0] > self._now_ms]
        self._collect()
        for _, towards_device, portion in due:
            if towards_device:
                self.peer.receive(portion)
            else:
                self._out += portion
        if self.to_device.noise_bytes_s:
            self.peer.receive(self._noise(self.to_device, ms))
        if self.to_host.noise_bytes_s:
            self._out += self._noise(self.to_host, ms)

    def due_in_ms(self) -> int:
        if self._out or self.to_device.noise_bytes_s or self.to_host.noise_bytes_s:
            return 1
        late_ms = [at_ms - self._now_ms for at_ms, _, _ in self._late]
        return max(1, min([self.peer.due_in_ms(), *late_ms]))

    def _collect(self) -> None:
        self._unended += self.peer.transmit()
        *ended, rest = bytes(self._unended).split(self._ending)
        self._unended = bytearray(rest)
        for part in ended:
            # An ending alone, as before each frame of IonLink, is no portion to be counted.
            whole = (
                [part] if not part else self._disturb(self.to_host, part + self._ending, towards_device=False)
            )
            for portion in whole:
                self._out += portion or self._ending

    def _disturb(self, how: Disturbance, data: bytes, *, towards_device: bool) -> list[bytes]:
        """What arrives of a portion now: nothing, or it, or twice it, or something like it."""
        if how.mute:
            return []
        if how.drop > 0:
            how.drop -= 1
            return []
        if how.delay > 0:
            how.delay -= 1
            self._late.append((self._now_ms + how.delay_ms, towards_device, data))
            return []
        if how.truncate > 0 and data:
            how.truncate -= 1
            data = data[: self._random.randrange(len(data))]
        if how.flip > 0 and data:
            how.flip -= 1
            bit = self._random.randrange(len(data) * 8)
            flipped = int.from_bytes(data, "big") ^ (1 << bit)
            data = flipped.to_bytes(len(data), "big")
        if how.duplicate > 0:
            how.duplicate -= 1
            return [data, data]
        return [data]

    def _noise(self, how: Disturbance, ms: int) -> bytes:
        return self._random.randbytes(min(NOISE_BYTES_MAX, how.noise_bytes_s * ms // 1_000))
