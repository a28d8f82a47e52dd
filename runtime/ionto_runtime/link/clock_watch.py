"""Whether a device's clock runs as the host's does (R53), judged so that a slow line is never called a bad
clock.

A device time that came with an answer was read somewhere between the question and the answer. Two such
readings bound how much time has passed on either side; only what no delay of the line can explain is a fault.
"""

from __future__ import annotations

from collections import deque

from ionto_ir.dataclass import dataclass

RATE_PPM_MAX = 10_000
"""One percent: far more than any quartz errs, far less than a broken one."""

SLACK_MS = 2
"""Both clocks count whole milliseconds."""

ANCHOR_MS = 10_000
ANCHORS_MAX = 6
"""Readings to compare with lie up to a minute back, so that a rate that is a little wrong is found too."""


@dataclass(frozen=True, slots=True)
class Seen:
    """A device time, and the host's times before and after."""

    asked_ms: int
    answered_ms: int
    device_ms: int


class ClockWatch:
    """Watches one device from its start; `wrap_ms` is where its clock begins anew."""

    def __init__(self, wrap_ms: int) -> None:
        self._wrap_ms = wrap_ms
        self._anchors: deque[Seen] = deque(maxlen=ANCHORS_MAX)
        self._last: Seen | None = None

    def see(self, asked_ms: int, answered_ms: int, device_ms: int) -> str | None:
        """Take a reading in; what is wrong with the clock, or None."""
        seen = Seen(asked_ms, answered_ms, device_ms)
        compared = [*self._anchors, *([self._last] if self._last is not None else [])]
        self._last = seen
        if not self._anchors or asked_ms - self._anchors[-1].asked_ms >= ANCHOR_MS:
            self._anchors.append(seen)
        return next((said for earlier in compared if (said := self._compare(earlier, seen))), None)

    def _compare(self, earlier: Seen, later: Seen) -> str | None:
        passed_ms = (later.device_ms - earlier.device_ms) % self._wrap_ms
        if passed_ms > self._wrap_ms // 2:
            passed_ms -= self._wrap_ms
        least_ms = later.asked_ms - earlier.answered_ms
        most_ms = later.answered_ms - earlier.asked_ms
        if passed_ms < 0:
            return f"its clock went back by {-passed_ms} ms"
        if passed_ms < least_ms * (1_000_000 - RATE_PPM_MAX) // 1_000_000 - SLACK_MS:
            return f"its clock counted {passed_ms} ms while at least {least_ms} ms passed"
        if passed_ms > most_ms * (1_000_000 + RATE_PPM_MAX) // 1_000_000 + SLACK_MS:
            return f"its clock counted {passed_ms} ms while at most {most_ms} ms passed"
        return None
