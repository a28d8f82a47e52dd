"""The watch on the readings themselves: impossible, frozen, of the wrong sign, or told by a wrong clock."""

from __future__ import annotations

from collections.abc import Iterator

from ionto_ir.device import Device
from ionto_runtime.accuracy import moved_na, zero_na
from ionto_runtime.stimulator import Measurement
from ionto_runtime.watching import Act, Finding, Sight

RANGE_PERCENT = 150
"""Readings up to this share of the device's range are believed; a converter that overflows shows far more."""

FROZEN_MS = 3_000
"""A reading that has stood still for this long, while it should have moved, is no reading (R34)."""

CLOCK_PPM = 10_000
"""How much faster or slower than the host's the device's clock may run: 1 % (R53)."""

CLOCK_SLACK_MS = 100
"""What a busy line may delay one answer against another."""

CLOCK_JUMP_MS = 500
"""Between two readings the device's clock may differ from the host's by this much, whatever the line does."""

CLOCK_SPAN_MS = 60_000
"""The rate is judged over a minute at most, so that an old error does not excuse a new one."""


class ReadingWatch:
    """Readings must be possible, alive, and of the sign that was set. `has_clock`: their time is real."""

    def __init__(self, device: Device, *, has_clock: bool) -> None:
        self._current_na_max = device.current_na_max * RANGE_PERCENT // 100
        self._voltage_mv_max = device.compliance_mv * RANGE_PERCENT // 100
        self._wrong_na = zero_na(device) + device.accuracy_offset_na
        self._moved_na = moved_na(device)
        self._has_clock = has_clock
        self._last: Measurement | None = None
        self._same_ms = self._stopped_ms = 0
        self._same_from_na = 0

    def believes(self, reading: Measurement) -> bool:
        """Whether the numbers can be what a device like this has measured."""
        current_na, voltage_mv = abs(reading.current_na), abs(reading.voltage_mv)
        return current_na <= self._current_na_max and voltage_mv <= self._voltage_mv_max

    def look(self, sight: Sight) -> Iterator[Finding]:
        """Sensor faults (R34) and a current that flows the wrong way (R35)."""
        reading = sight.reading
        if reading is None:
            return
        if not self.believes(reading):
            said = f"{reading.current_na} nA and {reading.voltage_mv} mV cannot be"
            yield Finding(Act.OPEN, said, "F38")
        yield from self._frozen(sight, reading)
        against = sight.set_na is not None and reading.current_na * sight.set_na < 0
        turned = sight.before_na is not None and reading.current_na * sight.before_na > 0
        if against and not turned and abs(reading.current_na) > self._wrong_na:
            said = f"{reading.current_na} nA flow where {sight.set_na} nA are set"
            yield Finding(Act.OPEN, said, "F39")

    def _frozen(self, sight: Sight, reading: Measurement) -> Iterator[Finding]:
        """The same values again prove nothing while nothing should move, unless the device has a clock."""
        last, self._last = self._last, reading
        set_na = abs(sight.set_na or 0)
        same = last is not None and (last.current_na, last.voltage_mv) == (
            reading.current_na,
            reading.voltage_mv,
        )
        if not same or sight.set_na is None:
            self._same_ms, self._same_from_na = 0, set_na
        else:
            self._same_ms += sight.passed_ms
        still = last is not None and last.device_ms == reading.device_ms and sight.passed_ms > 0
        self._stopped_ms = self._stopped_ms + sight.passed_ms if self._has_clock and still else 0
        moved = abs(set_na - self._same_from_na) >= self._moved_na
        if self._stopped_ms >= FROZEN_MS or (self._same_ms >= FROZEN_MS and (moved or not self._has_clock)):
            yield Finding(Act.OPEN, "the readings stand still", "F38")


class ClockWatch:
    """The device's clock runs forward and as fast as the host's (R53)."""

    def __init__(self) -> None:
        self._mark: tuple[int, int] | None = None
        self._last: tuple[int, int] | None = None
        self._host_ms = 0

    def look(self, sight: Sight) -> Iterator[Finding]:
        """Compare the two clocks since the last reading, and since the mark."""
        self._host_ms += sight.passed_ms
        if sight.reading is None:
            return
        now = (self._host_ms, sight.reading.device_ms)
        last, self._last = self._last, now
        if last is None or self._mark is None:
            self._mark = now
            return
        host_ms, device_ms = now[0] - last[0], now[1] - last[1]
        if device_ms < 0:
            yield Finding(Act.OPEN, f"the device's clock ran back by {-device_ms} ms", "F44")
            return
        if abs(device_ms - host_ms) > CLOCK_JUMP_MS and device_ms > 0:
            yield Finding(Act.OPEN, f"the device's clock jumped by {device_ms - host_ms} ms", "F44")
            return
        host_ms, device_ms = now[0] - self._mark[0], now[1] - self._mark[1]
        allowed_ms = host_ms * CLOCK_PPM // 1_000_000 + CLOCK_SLACK_MS
        if abs(device_ms - host_ms) > allowed_ms and sight.reading.device_ms != last[1]:
            said = f"the device's clock ran {device_ms} ms where the computer's ran {host_ms} ms"
            yield Finding(Act.OPEN, said, "F44")
        if host_ms >= CLOCK_SPAN_MS:
            self._mark = now
