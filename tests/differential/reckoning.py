"""What the reference reckons with: the grid and accuracy of a device, lines, descents, and the reserve."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction

from ionto_ir.limits import Limit
from ionto_ir.plan import Hold, Plan, Ramp, successors
from ionto_ir.waveform import Curve, Form, Waveform

MILLION = 1_000_000


@dataclass(frozen=True, slots=True)
class Sample:
    """One tick: whether the output was on, the signed setpoint, and both ledgers at its end."""

    on: bool
    setpoint_na: int
    nominal_pc: int
    upper_pc: int


@dataclass(frozen=True, slots=True)
class Meaning:
    """What a plan means under some values and events."""

    samples: tuple[Sample, ...]
    ending: str


@dataclass(frozen=True, slots=True)
class Drive:
    """The tick is to be energised at this level, not yet floored."""

    level_na: int


@dataclass(frozen=True, slots=True)
class Off:
    """The tick is to pass with the output off."""


class Reckoning:
    """A plan's device, and what it does to levels."""

    def __init__(self, plan: Plan) -> None:
        self.plan = plan
        self.device = plan.device
        self.tick_ms = plan.device.tick_ms

    def floored(self, level_na: int) -> int:
        """The level as the device can set it."""
        return level_na - level_na % self.device.step_na

    def worst(self, set_na: int) -> int:
        """What the skin may receive while the output is on at this setpoint."""
        inaccuracy = Fraction(set_na * self.device.accuracy_ppm, MILLION)
        return set_na + inaccuracy.__ceil__() + self.device.accuracy_offset_na

    @property
    def fall_na(self) -> int:
        """What a stop takes off in a tick."""
        return max(1, Fraction(self.plan.stop_slew_na_s * self.tick_ms, 1000).__floor__())

    @property
    def resume_rate(self) -> Fraction:
        """nA per ms at which a hold is climbed to."""
        return Fraction(self.plan.resume_slew_na_s, 1000)

    def line(self, start_na: int, target_na: int, rate: Fraction, ticks: int) -> int:
        """The level after some ticks on the ideal line from start to target, in whole nA, never past the
        target.
        """
        moved_na = (rate * ticks * self.tick_ms).__floor__()
        if target_na >= start_na:
            return min(target_na, start_na + moved_na)
        return max(target_na, start_na - moved_na)

    def mean(self, set_na: int, waveform: Waveform | None) -> int:
        """What adds up of a setpoint."""
        return (set_na * share_of(waveform)).__ceil__()

    def descent(self, level_na: int, rate: Fraction, waveform: Waveform | None) -> int:
        """What a ramp to zero from here would emit."""
        total_pc, ticks = 0, 1
        while (left_na := self.line(level_na, 0, rate, ticks)) > 0:
            total_pc += self.mean(self.floored(left_na), waveform) * self.tick_ms
            ticks += 1
        return total_pc

    def may_flow_from(self, step: int) -> bool:
        """Whether from a step on anything can still flow."""
        seen: set[int] = set()
        pending = [step]
        while pending:
            index = pending.pop()
            if index not in seen:
                seen.add(index)
                pending.extend(successors(self.plan.steps[index]))
        return any(isinstance(self.plan.steps[index], Ramp | Hold) for index in seen)

    def reserve(self, level_na: int, set_na: int, before_na: int | None, waveform: Waveform | None) -> int:
        """Charge kept for the stop, and for a device that holds the higher of two means of |I| until its
        watchdog fires.

        The stop from I at d a tick, of which a share s adds up, rounded up to whole nA if it is not all:
        1e6 R >= (1e6 + p) s tick I (I + 2d) / 2d + tick (1e6 (offset + 1) + (1e6 + p) [s < 1]) (I + d) / d.
        """
        p, offset, d = self.device.accuracy_ppm, self.device.accuracy_offset_na, self.fall_na
        share = share_of(waveform)
        stop = (MILLION + p) * share * self.tick_ms * level_na * (level_na + 2 * d) / (2 * d)
        each = MILLION * (offset + 1) + (0 if share == 1 else MILLION + p)
        stop += Fraction(self.tick_ms * each * (level_na + d), d)
        held_na = self.worst(set_na)
        if before_na is not None:
            held_na = max(held_na, self.worst(before_na))
        return (stop / MILLION).__ceil__() + self.device.watchdog_ms * held_na

    def forgotten(self, limit: Limit, ticks: int, by_tick: Sequence[tuple[int, int]]) -> int:
        """What the ledger of a limit had counted before the window that ends with the tick began."""
        begins = 0 if limit.window_ms is None else ticks - whole_ticks(limit.window_ms, self.tick_ms)
        if begins <= 0:
            return 0
        nominal_pc, upper_pc = by_tick[begins]
        return nominal_pc if limit.nominal else upper_pc

    def nominal_reserve(self, level_na: int, waveform: Waveform | None) -> Fraction:
        """Set charge kept for the stop: the share of each level of it, and 1 nA for its rounding."""
        levels = range(level_na - self.fall_na, -1, -self.fall_na)
        share = share_of(waveform)
        return self.tick_ms * (share * sum(levels) + (0 if share == 1 else len(levels)))


def share_of(waveform: Waveform | None) -> Fraction:
    """The mean of |I| in its peak, in whole millionths from above; 2/pi and 4/pi to six digits for a sine."""
    if waveform is None:
        return Fraction(1)
    if waveform.form is Form.PULSED:
        return Fraction(waveform.duty_ppm, MILLION)
    direct = Fraction(waveform.offset_ppm, MILLION)
    if waveform.curve is Curve.SQUARE:
        return max(direct, 1 - direct)
    saved_ppm = (Fraction(273_239, MILLION) * waveform.offset_ppm).__floor__()
    return max(direct, Fraction(636_620 - saved_ppm, MILLION))


def whole_ticks(time_ms: int, tick_ms: int) -> int:
    """How many ticks a time takes: a part of a tick takes all of it."""
    return Fraction(time_ms, tick_ms).__ceil__()
