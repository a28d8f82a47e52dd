"""The guard of a session: all its watches, and what may be sent of what the machine wishes.

The machine may wish for more than a guard lets through: more than a probe before a closed circuit was seen,
or the other polarity before zero was seen for long enough. Then the machine is told that the device has not
confirmed, and waits; where what flows already is too little to see a closed circuit by, the probe is sent in
place of its wish. So a wait ends with what a sound device shows; one that never shows it, the session ends.
"""

from __future__ import annotations

from ionto_ir.bound import BoundPlan
from ionto_ir.waveform import PPM
from ionto_runtime.accuracy import probe_na, zero_na
from ionto_runtime.ceilings import ceilings_of
from ionto_runtime.drivers.driver import Driver
from ionto_runtime.surely import LeastCharge
from ionto_runtime.watch_contact import ContactWatch
from ionto_runtime.watch_current import CurrentWatch
from ionto_runtime.watch_device import DeviceWatch
from ionto_runtime.watch_readings import ClockWatch, ReadingWatch
from ionto_runtime.watching import Act, Finding, Sight, Watch

TURN_MS = 2_000
"""How long zero is seen before the polarity turns (R17)."""


class Guard:
    """Everything that looks after a session beside the machine. `driver` is None without a real device.

    `planned_pc` is the charge of the undisturbed session, None where nobody has worked it out. `zero_na` is
    the highest reading that is zero with the output open.
    """

    def __init__(self, bound: BoundPlan, planned_pc: int | None, driver: Driver | None) -> None:
        device = bound.plan.device
        has_clock = driver is None or driver.capabilities.clock
        self.current = CurrentWatch(bound, planned_pc)
        self.contact = ContactWatch(
            device,
            may_saturate=bound.plan.may_saturate,
            voltage_step_mv=1 if driver is None else driver.capabilities.voltage_step_mv,
        )
        self.readings = ReadingWatch(device, has_clock=has_clock)
        watches: list[Watch] = [self.readings, self.current, self.contact]
        if has_clock:
            watches.append(ClockWatch())
        if driver is not None:
            watches.append(DeviceWatch(driver))
        self._watches = tuple(watches)
        self.least = LeastCharge(bound.constants)
        self._step_na = bound.constants.step_na
        self._probe_na = probe_na(device)
        self.zero_na = zero_na(device)
        # A sound device that is set to zero may give what it is stated to be wrong by.
        self._turning_na = max(self.zero_na, device.accuracy_offset_na)
        step_na = device.step_na
        self._ceiling_na = ceilings_of(bound.plan).current_na_max // step_na * step_na
        self._too_high_na = 0
        self._sign = 0
        self._zero_ms = TURN_MS

    def look(self, sight: Sight) -> tuple[Finding, ...]:
        """What the watches find, the gravest first."""
        quiet = not sight.set_na and not sight.before_na
        seen = sight.reading is not None and abs(sight.reading.current_na) <= self._turning_na
        self._zero_ms = self._zero_ms + sight.passed_ms if quiet and seen else 0
        found = [finding for watch in self._watches for finding in watch.look(sight)]
        reading = sight.reading
        self.least.take(sight, reading if reading is not None and self.readings.believes(reading) else None)
        if self._too_high_na:
            found.append(Finding(Act.OPEN, f"{self._too_high_na} nA are above the hard ceiling", "F49"))
        return tuple(sorted(found, key=lambda finding: -finding.act)) if found else ()

    def lets_all_through(self, held_na: int | None) -> bool:
        """Whether nothing has to be kept back while the output is at `held_na`."""
        return self.contact.closed and bool(held_na)

    def may_begin(self, wished_na: int, held_mean_na: int | None, share_ppm: int = PPM) -> bool:
        """Whether the machine may be let rise to `wished_na`; at least a probe is tried, unless what flows
        already tells whether the circuit is closed.
        """
        let_na = self.lets_through(wished_na, share_ppm)
        return let_na == wished_na or (let_na != 0 and not self.contact.is_told_by(held_mean_na or 0))

    def lets_through(self, wished_na: int, share_ppm: int = PPM) -> int:
        """What may be sent of a wish: all of it, or less of the same sign.

        What is sent is a peak and `share_ppm` of it the mean, which is measured: there a probe must show.
        """
        sign = (wished_na > 0) - (wished_na < 0)
        if sign == 0:
            return 0
        if sign == -self._sign and self._zero_ms < TURN_MS:
            return 0
        peak_na = self._probe_na
        if share_ppm < PPM:
            peak_na = -(-peak_na * PPM // (share_ppm * self._step_na)) * self._step_na
        if not self.contact.closed and abs(wished_na) > peak_na:
            return sign * peak_na
        if abs(wished_na) > self._ceiling_na:
            self._too_high_na = max(self._too_high_na, abs(wished_na))
            return sign * self._ceiling_na
        return wished_na

    def sent(self, current_na: int) -> None:
        """The output was told to go to `current_na`."""
        if current_na:
            self._sign = 1 if current_na > 0 else -1
