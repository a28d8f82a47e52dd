"""A clock that stands still until somebody sleeps on it: twenty minutes pass as fast as they can be
computed.
"""

from __future__ import annotations

from collections.abc import Callable

WALL_START_MS = 1_767_225_600_000
"""2026-01-01 00:00 UTC: a fixed calendar, so that a simulated session is the same on every day."""


class VirtualClock:
    """Virtual time. `passing` is told how many milliseconds go by, before they are shown on the clock."""

    def __init__(self, passing: Callable[[int], None] | None = None) -> None:
        self._now_ms = 0
        self._passing = passing

    def now_ns(self) -> int:
        return self._now_ms * 1_000_000

    def now_ms(self) -> int:
        return self._now_ms

    def wall_ms(self) -> int:
        return WALL_START_MS + self._now_ms

    def sleep_until(self, at_ms: int) -> None:
        """Time jumps to `at_ms`; it never jumps back."""
        passed_ms = at_ms - self._now_ms
        if passed_ms <= 0:
            return
        if self._passing is not None:
            self._passing(passed_ms)
        self._now_ms = at_ms
