"""Virtual time at a multiple of real time: a simulated session that one can watch without waiting for it."""

from __future__ import annotations

from ionto_runtime.clock import Clock


class PacedClock:
    """Time jumps from deadline to deadline, and each jump takes its share of real time.

    Only a simulation may use it: a machine that cannot keep up makes the session slower, never a tick late.
    """

    def __init__(self, real: Clock, speed: int) -> None:
        assert speed >= 1, "time is not slowed down"
        self._real = real
        self._speed = speed
        self._real_start_ms = real.now_ms()
        self._wall_start_ms = real.wall_ms()
        self._now_ms = 0

    def now_ns(self) -> int:
        return self._now_ms * 1_000_000

    def now_ms(self) -> int:
        return self._now_ms

    def wall_ms(self) -> int:
        return self._wall_start_ms + self._now_ms

    def sleep_until(self, at_ms: int) -> None:
        """Time jumps to `at_ms` when its share of real time is over."""
        if at_ms > self._now_ms:
            self._real.sleep_until(self._real_start_ms + at_ms // self._speed)
            self._now_ms = at_ms
