"""Questions in lines of text to instruments that number nothing: one answer at a time, or none.

Such an instrument cannot say which question an answer belongs to. So there is one open question at most, and
after a silence nothing is asked until the line was brought back to a known state by `settle` (R38, R40).
"""

from __future__ import annotations

from ionto_runtime.clock import Clock
from ionto_runtime.drivers.transport import Transport

LINE_BYTES_MAX = 512
"""No answer is longer; what comes without an end is noise, and is thrown away (R49)."""

WRITE_MS = 100
QUIET_MS = 30
"""Silence after which nothing more of an old answer comes: several bytes at 9600 baud."""

SETTLE_MS_MAX = 500


class TextLine:
    """A transport that speaks lines. `settled` is False after an answer stayed away; for `passed` see
    `settle`.
    """

    def __init__(self, line: Transport, clock: Clock, terminator: bytes) -> None:
        self._line = line
        self._clock = clock
        self._terminator = terminator
        self._pending = bytearray()
        self.settled = True
        self.passed = False

    @property
    def failure(self) -> str | None:
        """Why the line can no longer be used."""
        return self._line.failure

    def tell(self, text: str) -> bool:
        """Say something that has no answer; whether it went out whole."""
        if self._line.write(text.encode("ascii") + self._terminator, WRITE_MS):
            return True
        self.settled = False
        return False

    def ask(self, text: str, timeout_ms: int) -> str | None:
        """The answer, without its end; None when there was none in time."""
        if not self.settled:
            return None
        self._pending.clear()
        if not self.tell(text):
            return None
        found = self.hear(timeout_ms)
        if found is None:
            self.settled = False
        return found

    def hear(self, timeout_ms: int) -> str | None:
        """The next line that is not empty; None when none comes in time."""
        until_ms = self._clock.now_ms() + timeout_ms
        while True:
            found = self._whole_line()
            if found is not None:
                return found
            left_ms = until_ms - self._clock.now_ms()
            if left_ms <= 0 or self._line.failure is not None:
                return None
            self._pending += self._line.read(left_ms)
            if len(self._pending) > LINE_BYTES_MAX:
                del self._pending[:-LINE_BYTES_MAX]

    def settle(self, wake: bytes, watch: bytes = b"") -> bool:
        """Clear what is pending with `wake`, and wait for silence; whether there was silence. `passed` says
        afterwards whether `watch` was among what was cleared, which is then read and not dropped unseen.
        """
        if not watch:
            self._line.drop()
        seen, self.passed = bytes(self._pending), False
        if wake and not self._line.write(wake, WRITE_MS):
            return False
        until_ms = self._clock.now_ms() + SETTLE_MS_MAX
        while data := self._line.read(QUIET_MS):
            seen = (seen + data)[-LINE_BYTES_MAX - len(data) :]
            self.passed = self.passed or (bool(watch) and watch in seen)
            if self._clock.now_ms() > until_ms:
                return False
        self.passed = self.passed or (bool(watch) and watch in seen)
        self._pending.clear()
        self.settled = self._line.failure is None
        return self.settled

    def close(self) -> None:
        """Give the line back."""
        self._line.close()

    def _whole_line(self) -> str | None:
        while True:
            ends = [at for at, byte in enumerate(self._pending) if byte in b"\r\n"]
            if not ends:
                return None
            text = bytes(self._pending[: ends[0]])
            del self._pending[: ends[0] + 1]
            if text.strip():
                return text.decode("ascii", "replace").strip()
