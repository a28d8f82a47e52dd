"""Lines of standard input, taken one at a time, with or without waiting for them."""

from __future__ import annotations

import os
import select

LINE_BYTES_MAX = 4_096
"""No answer is longer; what is longer is cut, so that hostile input costs neither time nor memory."""


class Lines:
    """The lines that arrive at a descriptor; one reader for a whole run, so that none is lost between."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor
        self._held = b""
        self.ended = False

    def wait(self) -> str | None:
        """The next line, whenever it comes; None when there will be no more."""
        while True:
            line = self._next()
            if line is not None or self.ended:
                return line
            self._fill()

    def ready(self) -> str | None:
        """The next line if it is there now; it stays there until `drop`."""
        if b"\n" not in self._held and not self.ended:
            readable, _, _ = select.select([self._descriptor], [], [], 0)
            if readable:
                self._fill()
        line, found, _ = self._held.partition(b"\n")
        return _text(line) if found or (self.ended and line) else None

    def drop(self) -> None:
        """Take away the line that `ready` gave."""
        _, _, self._held = self._held.partition(b"\n")

    def _next(self) -> str | None:
        line, found, rest = self._held.partition(b"\n")
        if not found and not (self.ended and line):
            return None
        self._held = rest
        return _text(line)

    def _fill(self) -> None:
        data = os.read(self._descriptor, LINE_BYTES_MAX)
        if not data:
            self.ended = True
        self._held += data
        if len(self._held) > LINE_BYTES_MAX and b"\n" not in self._held:
            self._held = self._held[:LINE_BYTES_MAX]


def _text(line: bytes) -> str:
    return line[:LINE_BYTES_MAX].decode("utf-8", "replace").rstrip("\r")
