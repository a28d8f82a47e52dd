"""Whether a reading is of this tick: made after the last command that was taken, and not told before.

Upon an old reading nothing is set: what it says may have ended since, by a restart of the device for one.
"""

from __future__ import annotations

from ionto_runtime.drivers.driver import Driver
from ionto_runtime.stimulator import Measurement
from ionto_runtime.supervision import Held


class Freshness:
    """Compares readings with what was sent and with the device's own clock. `driver` is None without a real
    device; a device without a clock is believed where its number says nothing, because it is only read by
    asking.
    """

    def __init__(self, tick_ms: int, driver: Driver | None) -> None:
        self._tick_ms = tick_ms
        self._has_clock = driver is None or driver.capabilities.clock
        self._taken = -1
        self._since_ms = 0
        self._device_ms: int | None = None

    def look(self, reading: Measurement | None, held: Held, passed_ms: int, *, spoken: bool = True) -> bool:
        """Whether this is a fresh reading; none is not. `spoken` says that something was sent since the last
        look: only then is its number news.
        """
        self._since_ms += passed_ms
        if held.confirmed:
            self._taken = max(self._taken, held.sequence)
        if reading is None or not self._is_fresh(reading, held, spoken):
            return False
        self._taken = max(self._taken, min(reading.seq, held.sequence))
        self._since_ms, self._device_ms = 0, reading.device_ms
        return True

    def _is_fresh(self, reading: Measurement, held: Held, spoken: bool) -> bool:
        if reading.seq < self._taken:
            return False  # it is old, or the device has forgotten what it took
        if held.na is None or (spoken and reading.seq >= held.sequence):
            return True
        # The last command may have been lost, or nothing was sent: then an old answer lags a tick behind.
        if not self._has_clock or self._device_ms is None:
            return True
        return self._since_ms - (reading.device_ms - self._device_ms) < self._tick_ms
