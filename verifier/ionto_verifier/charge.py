"""What one step can emit and how long it can take: upper bounds on the machine's arithmetic, as polynomials.

The machine moves once a tick. A glide needs as many ticks as its level needs and emits, in each, the level
at the end of that tick; a time is rounded up to whole ticks; setpoints are floored to the device's step.
Every bound here is at least what these rules emit for any values, and it is exact where nothing has to be
rounded.
"""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from math import gcd
from typing import Any, TypeVar

from ionto_ir.bound import fall_per_tick_na
from ionto_ir.dataclass import dataclass
from ionto_ir.plan import Hold, Plan, Ramp
from ionto_ir.waveform import Waveform, mean_share_ppm
from ionto_verifier.environment import Environment
from ionto_verifier.obligation import Formula, at_least, at_most, conjunction, disjunction
from ionto_verifier.term import ZERO, Polynomial, coefficient, constant, variables_of

PPM = 1_000_000

_Found = TypeVar("_Found")


@dataclass(frozen=True, slots=True)
class Emission:
    """Nominal charge pC (set values), time with the output on ms; both are upper bounds."""

    nominal_pc: Polynomial
    on_ms: Polynomial


@dataclass(frozen=True, slots=True)
class Incline:
    """A slope at a place: delta_na per over_ms."""

    delta_na: Polynomial
    over_ms: Polynomial


class Arithmetic:
    """The numbers of one plan's device and slews, and the bounds that follow from them."""

    def __init__(self, plan: Plan, environment: Environment) -> None:
        device = plan.device
        self.environment = environment
        self.tick_ms = device.tick_ms
        self.step_na = device.step_na
        self.fall_na = fall_per_tick_na(plan.stop_slew_na_s, device.tick_ms)
        self.resume_na_s = plan.resume_slew_na_s
        self.resuming = Incline(constant(plan.resume_slew_na_s), constant(1000))
        self.watchdog_ms = device.watchdog_ms
        self.device_offset_na = device.accuracy_offset_na
        self.share = 1 + Fraction(device.accuracy_ppm, PPM)
        # The accuracy's share is rounded up where it is no whole: of a setpoint, which is a multiple of the
        # step, seldom; of the mean of a waveform, which is any number of nA, mostly.
        self.offset_na = device.accuracy_offset_na + _rounding(device.step_na, device.accuracy_ppm)
        self.mean_offset_na = device.accuracy_offset_na + _rounding(_grain_na(plan), device.accuracy_ppm)
        self._known: dict[object, Any] = {}

    def _once(self, make: Callable[..., _Found], *given: object) -> _Found:
        """Many steps move between few levels at few rates: what follows from them is worked out once."""
        key = (make.__name__, *given)
        if key not in self._known:
            self._known[key] = make(*given)
        found: _Found = self._known[key]
        return found

    def worst(self, level_na: Polynomial) -> Polynomial:
        """The highest current, nA, that the skin may receive at this setpoint."""
        return level_na * self.share + self.offset_na

    def worst_mean(self, mean_na: Polynomial) -> Polynomial:
        """The same of a mean of |I|, which need not be a multiple of the device's step."""
        return mean_na * self.share + self.mean_offset_na

    def worst_charge(self, emission: Emission) -> Polynomial:
        """The charge, pC, that the skin may have received."""
        return emission.nominal_pc * self.share + emission.on_ms * self.mean_offset_na

    def of_waveform(self, emission: Emission, waveform: Waveform | None) -> Emission:
        """What is emitted of a charge at the peak: the mean of |I|, rounded up to whole nA at each tick."""
        if waveform is None:
            return emission
        return Emission(self.mean_charge(emission.nominal_pc, emission.on_ms, waveform), emission.on_ms)

    def mean_charge(self, peak_pc: Polynomial, on_ms: Polynomial, waveform: Waveform | None) -> Polynomial:
        """The same as a number: `peak_pc` emitted in `on_ms`."""
        if waveform is None:
            return peak_pc
        slack = ZERO if self.mean_is_exact(waveform) else on_ms
        return peak_pc * Fraction(mean_share_ppm(waveform), PPM) + slack

    @property
    def rounds_means(self) -> bool:
        """Whether the accuracy's share of a mean is rounded up to a whole nA."""
        return self.mean_offset_na != self.device_offset_na

    def mean_is_exact(self, waveform: Waveform | None) -> bool:
        """Whether the mean of |I| is a whole number of nA at every setpoint, as the machine counts it."""
        return waveform is None or self.step_na * mean_share_ppm(waveform) % PPM == 0

    def whole_ticks(self, time_ms: Polynomial) -> Polynomial:
        """The time rounded up to whole ticks, from above."""
        if self.environment.is_multiple(time_ms, self.tick_ms):
            return time_ms
        slack = self.tick_ms - 1 if self.environment.is_multiple(time_ms, 1) else self.tick_ms
        return time_ms + slack

    def glide_ms(self, start_na: Polynomial, target_na: Polynomial, incline: Incline) -> Polynomial:
        """The exact time that a glide needs, before it is rounded to ticks."""
        return self._once(self._glide_ms, start_na, target_na, incline)

    def _glide_ms(self, start_na: Polynomial, target_na: Polynomial, incline: Incline) -> Polynomial:
        way = target_na - start_na
        if way == ZERO:
            return ZERO
        distance = self.environment.magnitude(way)
        bounds = self.environment.bounds
        takes_time = bounds(incline.over_ms)[0] > 0
        if incline.delta_na == distance and takes_time:
            return incline.over_ms
        if not variables_of(incline.delta_na) and takes_time:
            rate = coefficient(incline.delta_na, ())
            if rate > 0:
                return distance * incline.over_ms * (1 / rate)
            return distance * Fraction(1000, self.resume_na_s)
        return self._fresh_glide_ms(distance, incline)

    def _fresh_glide_ms(self, distance: Polynomial, incline: Incline) -> Polynomial:
        """A slope that was planned without a difference has no rate of its own: the machine re-ramps."""
        bounds = self.environment.bounds
        # A rate that is not zero is at least as large as the grid that it is on.
        grain = self.environment.grain(incline.delta_na) or Fraction(1)
        slowest = max(Fraction(1), grain, bounds(incline.delta_na)[0])
        longest = max(
            bounds(distance * incline.over_ms)[1] / slowest, bounds(distance)[1] * 1000 / self.resume_na_s
        )

        def define(time_ms: Polynomial) -> list[Formula]:
            own = at_most(time_ms * incline.delta_na, distance * incline.over_ms)
            if bounds(incline.delta_na)[0] > 0 and bounds(incline.over_ms)[0] > 0:
                return [own]
            again = at_most(time_ms * self.resume_na_s, distance * 1000)
            moves = conjunction((at_least(incline.delta_na, 1), at_least(incline.over_ms, 1), own))
            stands = disjunction((at_most(incline.delta_na), at_most(incline.over_ms)))
            return [disjunction((moves, conjunction((stands, again))))]

        longest = max(Fraction(0), longest)
        return self.environment.fresh(
            ("glide", distance, incline), "glide time", (Fraction(0), longest), define
        )

    def glide(self, start_na: Polynomial, target_na: Polynomial, time_ms: Polynomial) -> Emission:
        """What a glide that needs `time_ms` emits.

        The level at the end of each tick stands for the whole tick: that adds at most half a tick of the
        way up, and, where the time is no whole number of ticks, a tick at the higher end. Downwards the
        level is a whole number of nA rounded up.
        """
        return self._once(self._glide, start_na, target_na, time_ms)

    def _glide(self, start_na: Polynomial, target_na: Polynomial, time_ms: Polynomial) -> Emission:
        if time_ms == ZERO:
            return Emission(ZERO, ZERO)
        on_ms = self.whole_ticks(time_ms)
        ideal = (start_na + target_na) * time_ms * Fraction(1, 2)
        rises = self.environment.never_below(target_na, start_na)
        falls = self.environment.never_below(start_na, target_na)
        higher = target_na if rises else start_na if falls else start_na + target_na
        if on_ms == time_ms:
            up = (target_na - start_na) * Fraction(self.tick_ms, 2)
            rounding = up if rises else ZERO if falls else higher * Fraction(self.tick_ms, 2)
        else:
            rounding = higher * Fraction(3 * self.tick_ms, 2)
        return Emission(ideal + rounding + (ZERO if rises else on_ms), on_ms)

    def least_glide(self, start_na: Polynomial, target_na: Polynomial, time_ms: Polynomial) -> Polynomial:
        """A lower bound of the nominal charge of a glide, pC: setpoints are floored, and the last tick may
        be zero.
        """
        if time_ms == ZERO:
            return ZERO
        ideal = (start_na + target_na) * time_ms * Fraction(1, 2)
        return ideal - start_na * self.tick_ms - (time_ms + self.tick_ms) * (self.step_na + 1)

    def climb(self, level_na: Polynomial) -> Emission:
        """What the way back from zero to a level emits after a resume."""
        return self.glide(ZERO, level_na, self.glide_ms(ZERO, level_na, self.resuming))

    def fall(self, level_na: Polynomial) -> Emission:
        """What a stop from a level emits: each tick falls by `fall_na`, so it lies below the triangle."""
        return self._once(self._fall, level_na)

    def _fall(self, level_na: Polynomial) -> Emission:
        if level_na == ZERO:
            return Emission(ZERO, ZERO)
        triangle = level_na * level_na * Fraction(self.tick_ms, 2 * self.fall_na)
        return Emission(triangle, self.fall_ms(level_na))

    def fall_ms(self, level_na: Polynomial) -> Polynomial:
        """How long a stop from a level takes, from above."""
        if level_na == ZERO:
            return ZERO
        slack = 0 if self.environment.is_multiple(level_na, self.fall_na) else self.tick_ms
        return level_na * Fraction(self.tick_ms, self.fall_na) + slack

    def stop_line_ms(self, level_na: Polynomial) -> Polynomial:
        """The time of a stop as the interlock reckons it: tick * I / d, not rounded."""
        return level_na * Fraction(self.tick_ms, self.fall_na)

    def gentle(self, incline: Incline) -> bool:
        """Whether a descent is so slow that at each tick a stop would have come at least a device step
        further down.

        Then what is still to come on the descent is at least what a stop from there would emit, even though
        its setpoints are floored: the end of the descent is the worst moment for a stop on it.
        """
        bounds = self.environment.bounds
        own = bounds(incline.delta_na)[0] > 0 and bounds(incline.over_ms)[0] > 0
        return self._spares(incline) and (own or self._spares(self.resuming))

    def _spares(self, incline: Incline) -> bool:
        spare = incline.over_ms * (self.fall_na - self.step_na) - incline.delta_na * self.tick_ms
        return self.environment.never_negative(spare)

    def stop_nominal(self, level_na: Polynomial, waveform: Waveform | None) -> Polynomial:
        """What is kept back of set charge for a stop: as `machine_terms.nominal_braking_of` reckons it."""
        if level_na == ZERO:
            return ZERO
        triangle = self.fall(level_na).nominal_pc * share_of(waveform)
        return triangle if waveform is None else triangle + self.fall_ms(level_na)

    def reserve(
        self, level_na: Polynomial, waveform: Waveform | None = None, highest: Fraction = Fraction(1)
    ) -> Polynomial:
        """What the interlock keeps back for coming down from a level, pC, watchdog included.

        tick ((1e6 + p) s I (I + 2d) + 2e6 (1e6 (offset + 1) + (1e6 + p) r) (I + d)) / (2e12 d)
        and watchdog * worst(mean of I), as in `ionto_ir.machine_terms.braking_of`. What flowed a tick ago
        counts for the watchdog too: of its level no more than the share `highest`.
        """
        return self._once(self._reserve, level_na, waveform, highest)

    def _reserve(self, level_na: Polynomial, waveform: Waveform | None, highest: Fraction) -> Polynomial:
        linear = level_na * (self.share * self.tick_ms * share_of(waveform))
        return self._square(level_na, waveform) + linear + self._line(level_na, waveform, highest)

    def reserve_on_descent(
        self,
        start_na: Polynomial,
        target_na: Polynomial,
        waveform: Waveform | None = None,
        highest: Fraction = Fraction(1),
    ) -> Polynomial:
        """What must be kept back beyond the end of a gentle descent so that the interlock is content all
        the way.

        From a level x on the way, the rest of the descent and a stop from its target emit at least what a
        stop from x does, which is the square of x less half a tick of it; the previous setpoint counts in
        the watchdog's share, and it is at most the start. Under a waveform all of it is the same share.
        """
        return (
            self._square(target_na, waveform)
            + start_na * (self.share * Fraction(3 * self.tick_ms, 2) * share_of(waveform))
            + self._line(start_na, waveform, highest)
        )

    @property
    def stop_near_zero_pc(self) -> Polynomial:
        """What the offset adds in a stop while the setpoint is zero: below one step of the device."""
        return ZERO + self.offset_na * (self.step_na // self.fall_na + 2) * self.tick_ms

    def _square(self, level_na: Polynomial, waveform: Waveform | None) -> Polynomial:
        per_na = self.share * Fraction(self.tick_ms, 2 * self.fall_na)
        return level_na * level_na * (per_na * share_of(waveform))

    def _line(self, level_na: Polynomial, waveform: Waveform | None, highest: Fraction) -> Polynomial:
        each = self.device_offset_na + 1 + (0 if waveform is None else self.share)
        mean_na = level_na * max(highest, share_of(waveform)) + (0 if waveform is None else 1)
        stop = (level_na + self.fall_na) * (each * Fraction(self.tick_ms, self.fall_na))
        return stop + self.worst_mean(mean_na) * self.watchdog_ms


def _grain_na(plan: Plan) -> int:
    """What every mean of |I| of a plan is a multiple of, as the machine counts it."""
    steps = (*plan.steps, *(step for channel in plan.channels for step in channel.steps))
    grain_na = plan.device.step_na
    for waveform in {step.waveform for step in steps if isinstance(step, Ramp | Hold)}:
        mean_na, rest = divmod(plan.device.step_na * mean_share_ppm(waveform), PPM)
        if rest:
            return 1
        grain_na = gcd(grain_na, mean_na)
    return grain_na


def _rounding(grain_na: int, accuracy_ppm: int) -> Fraction:
    """What rounding the accuracy's share up to a whole nA adds at most, of multiples of `grain_na`."""
    return Fraction(0) if grain_na * accuracy_ppm % PPM == 0 else Fraction(PPM - 1, PPM)


def share_of(waveform: Waveform | None) -> Fraction:
    """The part of the peak that adds up."""
    return Fraction(mean_share_ppm(waveform), PPM)
