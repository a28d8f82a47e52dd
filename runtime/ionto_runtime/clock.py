"""What time it is: one protocol, and the machine's own clock behind it.

No other module of the runtime asks the system for the time.
"""

from __future__ import annotations

import time
from typing import Protocol


class Clock(Protocol):
    """A clock that only runs forward, and the calendar beside it.

    Sessions are timed by the first. The calendar may be set back by a person or a server at any moment,
    so it is only ever written down.
    """

    def now_ns(self) -> int:
        """Nanoseconds on the forward clock; its zero has no meaning."""
        ...

    def now_ms(self) -> int:
        """Whole milliseconds on the forward clock, rounded down."""
        ...

    def wall_ms(self) -> int:
        """Milliseconds of calendar time since 1970-01-01 00:00 UTC."""
        ...

    def sleep_until(self, at_ms: int) -> None:
        """Return when `now_ms()` is at least `at_ms`; at once when it already is."""
        ...


class RealClock:
    """The machine's clock, or that clock run faster: `speed` simulated seconds pass in each real one.

    Only a simulation may use a speed other than 1. Time in which the machine was suspended counts where the
    system can say so (Linux), because the current does not stop for a sleeping laptop.
    """

    def __init__(self, speed: int = 1) -> None:
        assert speed >= 1, "time is not slowed down"
        self.speed = speed
        self._start_ns = _forward_ns()
        self._start_wall_ms = time.time_ns() // 1_000_000

    def now_ns(self) -> int:
        return self._start_ns + (_forward_ns() - self._start_ns) * self.speed

    def now_ms(self) -> int:
        return self.now_ns() // 1_000_000

    def wall_ms(self) -> int:
        if self.speed == 1:
            return time.time_ns() // 1_000_000
        return self._start_wall_ms + (self.now_ns() - self._start_ns) // 1_000_000

    def sleep_until(self, at_ms: int) -> None:
        # Asked again after each sleep: the system may return early, and rounding must never make it early.
        while (missing_ns := at_ms * 1_000_000 - self.now_ns()) > 0:
            time.sleep(missing_ns / self.speed / 1_000_000_000)


def _forward_ns() -> int:
    if hasattr(time, "CLOCK_BOOTTIME"):
        return time.clock_gettime_ns(time.CLOCK_BOOTTIME)
    return time.monotonic_ns()
