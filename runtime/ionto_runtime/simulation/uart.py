"""The serial side of a simulated instrument: bytes at the pace of a baud rate, a queue that can overrun.

An instrument works on lines of text; this turns bytes into lines and answers into bytes, in simulated time.
"""

from __future__ import annotations

from collections import deque
from typing import Protocol

BITS_A_BYTE = 10
"""A start bit, eight bits, a stop bit."""


class Instrument(Protocol):
    """What stands behind the line. Time passes for it only in `advance`."""

    terminators: bytes
    """Bytes that end a line for this instrument."""

    urgent: bytes
    """Bytes that are acted on as they come in, whatever waits."""

    @property
    def busy(self) -> bool:
        """Whether it is at work and looks at no further line."""
        ...

    def line(self, text: str) -> None:
        """A whole line, without its terminator."""
        ...

    def interrupt(self, byte: int) -> None:
        """One of the urgent bytes."""
        ...

    def overrun(self) -> None:
        """Bytes were lost because the queue was full."""
        ...

    def answers(self) -> bytes:
        """What it has to say since the last call."""
        ...

    def advance(self, ms: int) -> None:
        """Let time pass."""
        ...

    def due_in_ms(self) -> int:
        """How long it says nothing by itself; see `simulation.line.Peer`."""
        ...

    def has_started(self) -> bool:
        """Whether it has started since this was asked last: what was under way then is lost."""
        ...


class Uart:
    """See `simulation.line.Peer`. `queue_max` bytes wait for an instrument at most."""

    def __init__(self, instrument: Instrument, baud: int, queue_max: int) -> None:
        self.instrument = instrument
        self.silent = False
        self.deaf = False
        self._bytes_a_second = baud // BITS_A_BYTE
        self._queue_max = queue_max
        self._arriving: deque[int] = deque()
        self._queue = bytearray()
        self._leaving = bytearray()
        self._arrival_debt = self._departure_debt = 0
        self._out = bytearray()

    def receive(self, data: bytes) -> None:
        if not self.deaf:
            self._arriving.extend(data)

    def transmit(self) -> bytes:
        sent = bytes(self._out)
        self._out.clear()
        return b"" if self.silent else sent

    def advance(self, ms: int) -> None:
        for _ in range(ms):
            self._take_in()
            if self.instrument.has_started():
                for lost in (self._arriving, self._queue, self._leaving, self._out):
                    lost.clear()
            self._serve()
            self.instrument.advance(1)
            self._serve()
            self._give_out()

    def due_in_ms(self) -> int:
        under_way = self._arriving or self._queue or self._leaving or self._out
        return 1 if under_way or self.instrument.busy else self.instrument.due_in_ms()

    def _take_in(self) -> None:
        """The bytes of one millisecond; a part of a byte is carried over."""
        self._arrival_debt += self._bytes_a_second
        count, self._arrival_debt = divmod(self._arrival_debt, 1000)
        if not self._arriving:
            self._arrival_debt = 0
        for _ in range(min(count, len(self._arriving))):
            byte = self._arriving.popleft()
            if byte in self.instrument.urgent:
                self._queue.clear()
                self._leaving.clear()
                self.instrument.interrupt(byte)
            elif len(self._queue) >= self._queue_max:
                self.instrument.overrun()
            else:
                self._queue.append(byte)

    def _serve(self) -> None:
        while not self.instrument.busy:
            ends = [at for at, byte in enumerate(self._queue) if byte in self.instrument.terminators]
            if not ends:
                break
            text = bytes(self._queue[: ends[0]]).decode("latin-1")
            del self._queue[: ends[0] + 1]
            self.instrument.line(text)
        self._leaving += self.instrument.answers()

    def _give_out(self) -> None:
        self._departure_debt += self._bytes_a_second
        count, self._departure_debt = divmod(self._departure_debt, 1000)
        if not self._leaving:
            self._departure_debt = 0
        self._out += self._leaving[:count]
        del self._leaving[:count]
