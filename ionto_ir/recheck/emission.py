"""What one stretch of a session emits at most, and how long it takes: ramps, stops, climbs and holds.

Every bound comes from one consideration: the machine moves once a tick, and the level at the end of a tick
stands for the whole tick. So a monotone stretch emits at most its integral and one tick of the whole change.
That is coarser than the prover's reckoning on purpose: it is another one.
"""

from __future__ import annotations

from fractions import Fraction

from ionto_ir.dataclass import dataclass
from ionto_ir.plan import Plan
from ionto_ir.recheck.derived import fall_na
from ionto_ir.recheck.polynomial import (
    Polynomial,
    constant,
    minus,
    names_of,
    plus,
    scaled,
    times,
)
from ionto_ir.recheck.sight import Sight
from ionto_ir.recheck.statement import all_of, any_of, at_most
from ionto_ir.recheck.waves import mean_most
from ionto_ir.waveform import Waveform

NOTHING: Polynomial = {}


@dataclass(frozen=True, slots=True)
class Spent:
    """At most: set charge pC, time with the output on ms, time since the first current ms."""

    nominal_pc: Polynomial
    on_ms: Polynomial
    elapsed_ms: Polynomial

    def and_then(self, other: Spent) -> Spent:
        """Both, one after the other."""
        return Spent(
            plus(self.nominal_pc, other.nominal_pc),
            plus(self.on_ms, other.on_ms),
            plus(self.elapsed_ms, other.elapsed_ms),
        )

    def waved(self, waveform: Waveform | None) -> Spent:
        """What adds up of it where its levels are peaks: the mean, in each tick rounded up to a whole nA."""
        if waveform is None:
            return self
        mean = scaled(self.nominal_pc, mean_most(waveform))
        return Spent(plus(mean, self.on_ms), self.on_ms, self.elapsed_ms)

    def repeated(self, count: Polynomial) -> Spent:
        """As often as that."""
        return Spent(times(self.nominal_pc, count), times(self.on_ms, count), times(self.elapsed_ms, count))


NONE = Spent(NOTHING, NOTHING, NOTHING)


@dataclass(frozen=True, slots=True)
class Rate:
    """delta_na per over_ms at a moment."""

    delta_na: Polynomial
    over_ms: Polynomial


class Emissions:
    """The bounds for one plan's device and slews."""

    def __init__(self, plan: Plan, sight: Sight) -> None:
        self.sight = sight
        self.tick_ms = plan.device.tick_ms
        self.step_na = plan.device.step_na
        self.fall_na = fall_na(plan)
        self.resume_na_s = plan.resume_slew_na_s

    def whole_ticks(self, time_ms: Polynomial) -> Polynomial:
        """The time, rounded up to ticks."""
        if self.sight.is_multiple(time_ms, self.tick_ms):
            return time_ms
        return plus(time_ms, constant(self.tick_ms))

    def glide(self, start_na: Polynomial, target_na: Polynomial, rate: Rate) -> Spent:
        """A ramp from one level to another."""
        way = minus(target_na, start_na)
        if not way:
            return NONE
        time_ms = self._time(self.sight.largest([way, scaled(way, -1)]), rate)
        on_ms = self.whole_ticks(time_ms)
        integral = scaled(times(plus(start_na, target_na), time_ms), Fraction(1, 2))
        change = self._change(way, start_na, target_na)
        # The last tick may reach beyond the ramp's time; a fall is up to a whole nA behind its line.
        last = NOTHING if on_ms == time_ms else self.sight.largest([start_na, target_na])
        behind = NOTHING if self._rises(way) else on_ms
        return Spent(plus(integral, scaled(plus(change, last), self.tick_ms), behind), on_ms, on_ms)

    def _rises(self, way: Polynomial) -> bool:
        return self.sight.range_of(way)[0] >= 0

    def _change(self, way: Polynomial, start_na: Polynomial, target_na: Polynomial) -> Polynomial:
        """What the end of a tick may be above its beginning, over all ticks: nothing on a fall."""
        if self._rises(way):
            return way
        return NOTHING if self.sight.range_of(way)[1] <= 0 else plus(start_na, target_na)

    def _time(self, distance_na: Polynomial, rate: Rate) -> Polynomial:
        """How long a distance takes; a rate that is none is the resume slew."""
        sight, delta, over = self.sight, rate.delta_na, rate.over_ms
        moves = sight.range_of(delta)[0] > 0 and sight.range_of(over)[0] > 0
        if moves and delta == distance_na:
            return over
        if moves and not names_of(delta):
            return scaled(times(distance_na, over), Fraction(1, delta[()]))
        if not delta or not over:
            return scaled(distance_na, Fraction(1000, self.resume_na_s))
        longest = Fraction(sight.range_of(times(distance_na, over))[1], max(1, sight.range_of(delta)[0]))
        again = scaled(distance_na, Fraction(1000, self.resume_na_s))
        most = max(Fraction(longest), Fraction(sight.range_of(again)[1]), Fraction(0))
        term, new = sight.fresh(("time", _key(distance_na), _key(delta), _key(over)), "time", (0, most), None)
        if new:
            own = at_most(times(term, delta), times(distance_na, over))
            one = constant(1)
            ramps = all_of((at_most(one, delta), at_most(one, over), own))
            stands = any_of((at_most(delta, NOTHING), at_most(over, NOTHING)))
            sight.define(term, any_of((ramps, all_of((stands, at_most(term, again))))))
        return term

    def fall(self, level_na: Polynomial) -> Spent:
        """A stop: after k ticks the level is k falls lower, so all ticks lie below a triangle."""
        triangle = scaled(times(level_na, level_na), Fraction(self.tick_ms, 2 * self.fall_na))
        on_ms = plus(scaled(level_na, Fraction(self.tick_ms, self.fall_na)), constant(self.tick_ms))
        return Spent(triangle, on_ms, on_ms) if level_na else NONE

    def climb(self, level_na: Polynomial) -> Spent:
        """The way back from zero to a level after a pause."""
        return self.glide(NOTHING, level_na, Rate(constant(self.resume_na_s), constant(1000)))

    def until(self, level_na: Polynomial, charge_pc: Polynomial, place: str) -> Polynomial:
        """How long a hold takes to emit a charge: each tick emits at least this level."""
        least = self.sight.range_of(level_na)[0]
        most = self.sight.range_of(charge_pc)[1]
        ends = (0, max(Fraction(0), Fraction(most) / max(least, Fraction(1))))
        term, new = self.sight.fresh(("until", place), "duration", ends, None)
        if new:
            self.sight.define(term, at_most(times(term, level_na), charge_pc))
        return term

    def is_gentle(self, rate: Rate) -> bool:
        """Whether a descent falls, in each tick, at least a device step less than a stop.

        Then what it still emits from any level is at least what a stop emits from there.
        """
        sight = self.sight
        if sight.range_of(rate.delta_na)[0] <= 0 or sight.range_of(rate.over_ms)[0] <= 0:
            return False
        spare = minus(scaled(rate.over_ms, self.fall_na - self.step_na), scaled(rate.delta_na, self.tick_ms))
        return sight.range_of(spare)[0] >= 0


def _key(term: Polynomial) -> object:
    return tuple(sorted(term.items()))
