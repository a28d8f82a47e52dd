"""Limits on the charge in a moving window that is shorter than a session: what a part of a session can hold.

For any current b, what flows in a window is at most b for all of it, and what flows above b. The first is the
window's; the second adds up step by step, and only over steps that can share a window at all: those between
which no more time must pass than the window has. A round of a repetition counts as often as its rounds fit
into the window, a dose on demand as often as the block lets doses begin in it. Whatever b is chosen, this is
a bound; b is chosen so that intervals make it small. With b = 0 it is the charge of the steps themselves,
with the highest current it is that current for the time of the window.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from fractions import Fraction
from math import ceil

from ionto_ir.dataclass import dataclass
from ionto_ir.expression import Constant, Expression
from ionto_ir.limits import Limit
from ionto_ir.plan import Demand, Hold, Loop, Ramp, Record, Reverse, UntilTotal, Wait
from ionto_verifier.charge import Emission
from ionto_verifier.demand import doses_within
from ionto_verifier.inquiry import Inquiry, Place
from ionto_verifier.motion import Motion, Mover
from ionto_verifier.obligation import Guard, negation
from ionto_verifier.paths import Visit
from ionto_verifier.properties import Provocation
from ionto_verifier.rounds import may_differ
from ionto_verifier.state import State
from ionto_verifier.term import ZERO, Polynomial, constant, variables_of
from ionto_verifier.ways import Ways

BASES_MAX = 8
"""Currents that are tried as b: levels of the plan, the usual ones first."""

MANY = 1_000_000
"""Stands for a number of rounds that nothing bounds."""


@dataclass(frozen=True, slots=True)
class Held:
    """What a window that ends in a step may hold: `value` in pC, as the limit counts it."""

    value: Polynomial
    place: Place


@dataclass(frozen=True, slots=True)
class _Unit:
    """A visit, and how often at most a window meets it."""

    visit: Visit
    times: int


def held_in_window(
    inquiry: Inquiry, limit: Limit, sessions: int | None, pauses: int, visits: tuple[Visit, ...]
) -> tuple[Held, ...]:
    """Bounds for each step in which a window may end; empty where nothing is known.

    At most so many sessions reach into one window; None: any number, which is bounded only by their current.
    """
    assert limit.window_ms is not None, "a window limit has a window"
    window = _Window(inquiry, limit, limit.window_ms, pauses, visits)
    best: tuple[Fraction, tuple[Held, ...]] | None = None
    for base in window.bases():
        held = window.held(base, sessions)
        if held is None:
            continue
        highest = max((inquiry.environment.bounds(item.value)[1] for item in held), default=Fraction(0))
        if best is None or highest < best[0]:
            best = highest, held
    return () if best is None else best[1]


class _Window:
    """One window limit of a plan."""

    def __init__(
        self, inquiry: Inquiry, limit: Limit, window_ms: int, pauses: int, visits: tuple[Visit, ...]
    ) -> None:
        self.inquiry, self.limit = inquiry, limit
        self.environment, self.arithmetic = inquiry.environment, inquiry.arithmetic
        self.mover = Mover(inquiry.encoding)
        self.pauses = pauses
        # The machine counts whole ticks, so a window may cut off a part of one at its beginning.
        self.window_ms = window_ms
        self.counted_ms = constant(-(-window_ms // self.arithmetic.tick_ms) * self.arithmetic.tick_ms)
        self.counted_ms += self.arithmetic.tick_ms
        self._ways = Ways(inquiry.plan)
        self._around = self._ways.around
        self._heads = {visit.step: visit for visit in visits if visit.round is not None}
        self.units = tuple(_Unit(visit, self._times(visit)) for visit in visits)

    # --- how often ----------------------------------------------------------------------------------

    def _times(self, visit: Visit) -> int:
        """How often at most a window meets the step: the product over the repetitions around it."""
        times = 1
        around = [head for head in self._around.get(visit.step, ()) if head != visit.step]
        for head in around:
            times *= self._rounds(head, visit if len(around) == 1 else None)
        return times

    def _rounds(self, head: int, visit: Visit | None) -> int:
        """How many rounds, or doses, a window meets at most, counted in whole ones.

        `visit` is the only step of theirs that counts, if it is one. Where all go alike, at each age of them
        no more are met than begin in one window. One that was paused, or adjusted, may come on top; but then
        still the time between two of them passes. Not where a value is recorded in them: of one round a long
        end may go with a short beginning, and of the next it is the other way round.
        """
        bounds, step, body = self.environment.bounds, self.inquiry.plan.steps[head], self._heads[head].round
        assert body is not None, "a head knows what a round adds"
        differ = may_differ(self.inquiry.encoding, self._body(head))
        alike = not self.pauses and not differ
        span_ms, lasts_ms = Fraction(self.window_ms), bounds(body.sure_ms)[0]
        if isinstance(step, Demand):
            begun = doses_within(self.mover, step, span_ms, body.sure_ms)
            gap_ms = self._bounds_of(step.lockout_ms)[0] if step.from_end else Fraction(0)
            return begun if alike else min(begun + 1, _met(span_ms, gap_ms, lasts_ms))
        assert isinstance(step, Loop), "a round belongs to a repetition"
        found = [max(0, int(self._bounds_of(step.count)[1]))]
        period_ms = Fraction(0) if step.period_ms is None else self._bounds_of(step.period_ms)[0]
        apart_ms = max(lasts_ms, period_ms)
        if apart_ms > 0:
            found.append(ceil(span_ms / apart_ms) + 1)
            if self._regular(head):
                found.append(ceil((span_ms + self._delay_ms()) / apart_ms))
        if visit is not None and not self._records(head):
            own_ms = bounds(visit.after.sure_ms - visit.before.sure_ms)[0]
            found.append(_met(span_ms, lasts_ms - own_ms, own_ms))
            if alike and lasts_ms > 0:
                found.append(ceil(span_ms / lasts_ms))
        return min(found)

    def _regular(self, head: int) -> bool:
        """Whether all rounds go alike, but for pauses: they begin at zero, and nothing in them is chosen,
        recorded, waited for, or the less the more flowed before.
        """
        loop = self.inquiry.plan.steps[head]
        assert isinstance(loop, Loop), "asked of a repetition"
        first, *others = (self.inquiry.plan.steps[step] for step in (loop.body, *self._body(head)))
        plain = all(
            isinstance(step, Ramp | Wait | Reverse)
            or (isinstance(step, Hold) and not isinstance(step.until, UntilTotal))
            for step in others
        )
        at_zero = isinstance(first, Wait) or (isinstance(first, Ramp) and first.start_na == Constant(0))
        return plain and at_zero and not self.inquiry.encoding.adjustable

    def _body(self, head: int) -> list[int]:
        """The steps of a repetition, or of a block on demand."""
        return [step for step, heads in self._around.items() if head in heads and step != head]

    def _records(self, head: int) -> bool:
        """Whether a value is entered in its rounds."""
        return any(isinstance(self.inquiry.plan.steps[step], Record) for step in self._body(head))

    def _delay_ms(self) -> Fraction:
        """How much later than in an undisturbed round anything may flow: all pauses, each with its way back.

        In rounds that go alike every part has an age, and of one age no more are met than begin in a window
        that is longer by this.
        """
        if not self.pauses:
            return Fraction(0)
        plan, tick_ms = self.inquiry.plan, self.arithmetic.tick_ms
        highest = max(
            (abs(end) for level in self.inquiry.levels for end in self.environment.bounds(level.na)),
            default=Fraction(0),
        )
        back_ms = highest * 1000 / plan.resume_slew_na_s
        return self.pauses * (plan.interruptions.each_ms_max + back_ms + 3 * tick_ms)

    def _bounds_of(self, expression: Expression) -> tuple[Fraction, Fraction]:
        scope = self.mover.scope(State(), "", expression)
        return self.environment.bounds(self.inquiry.encoding.term(expression, scope))

    # --- how much above a current --------------------------------------------------------------------

    def bases(self) -> Iterator[Polynomial]:
        """Currents to compare with: nothing, and the means of the levels that are held."""
        seen: dict[Polynomial, None] = {ZERO: None}
        for unit in self.units:
            motion = unit.visit.motion
            if motion is None or motion.incline is not None:
                continue
            mean = self._mean(motion, motion.higher_na)
            if variables_of(mean) & self.environment.copies.keys() or self.inquiry.encoding.adjustable:
                mean = constant(self.environment.bounds(mean)[1])
            seen[mean] = None
        highest = max((self.environment.bounds(mean)[1] for mean in seen), default=Fraction(0))
        yield from list(seen)[: BASES_MAX - 1]
        yield constant(highest)

    def _mean(self, motion: Motion, level: Polynomial) -> Polynomial:
        return self.arithmetic.mean_charge(level, constant(1), motion.waveform)

    def _above(self, level: Polynomial, base: Polynomial) -> Polynomial:
        return self.environment.upper((level - base, ZERO), "current above")

    def _excess(self, unit: _Unit, base: Polynomial) -> Polynomial:
        """What flows above `base` in a step each time it is met, pC."""
        visit, motion = unit.visit, unit.visit.motion
        if motion is None:
            return ZERO
        high = self._above(self._mean(motion, motion.higher_na), base)
        if high == ZERO:
            return ZERO
        if visit.standby_ms is not None:
            return high * visit.standby_ms
        on_ms = visit.after.on_ms - visit.before.on_ms
        if motion.incline is None or self.inquiry.encoding.adjustable:
            return high * on_ms
        # On a straight line what is above the base is at most the mean of both ends; a tick and a half at the
        # higher end, and one nA, for its steps.
        start = self._above(self._mean(motion, motion.start_na), base)
        end = self._above(self._mean(motion, motion.target_na), base)
        slack = high * Fraction(3 * self.arithmetic.tick_ms, 2) + on_ms
        return (start + end) * on_ms * Fraction(1, 2) + slack

    def _pause_excess(self, visit: Visit, base: Polynomial) -> Polynomial:
        """What the pauses so far may have added above `base`: the way down and back at the highest level."""
        if not self.pauses or not visit.after.pauses:
            return ZERO
        high = self._above(self.highest(), base)
        on_ms = self.environment.upper([cost.on_ms for cost in visit.after.pauses], "longest pause current")
        return high * on_ms * self.pauses if high != ZERO else ZERO

    def highest(self) -> Polynomial:
        """The highest mean current of the session."""
        means = [
            self._mean(unit.visit.motion, unit.visit.motion.higher_na)
            for unit in self.units
            if unit.visit.motion is not None
        ]
        return self.environment.upper((*means, ZERO), "highest current")

    # --- which steps share a window ------------------------------------------------------------------

    def held(self, base: Polynomial, sessions: int | None) -> tuple[Held, ...] | None:
        """What a window may hold, for each step in which it may end."""
        excesses = [self._excess(unit, base) * unit.times for unit in self.units]
        others = self._other_sessions(base, excesses, sessions)
        if others is None:
            return None
        found: dict[Polynomial, Held] = {}
        for position, unit in enumerate(self.units):
            motion = unit.visit.motion
            if motion is None:
                continue
            near = [excesses[place] for place in self._sharing(position)]
            above = sum(near, self._pause_excess(unit.visit, base)) + others
            value = base * self.counted_ms + above
            if not self.limit.nominal:
                value = self.arithmetic.worst_charge(Emission(value, self._on_ms(unit)))
            value += self._braking(motion)
            how = Provocation.PAUSES if self.pauses and base != ZERO else Provocation.STOP
            step = unit.visit.step
            place = Place(step, unit.visit.path, how, step, unit.visit.after.elapsed_ms)
            found.setdefault(value, Held(value, place))
        return tuple(found.values())

    def _braking(self, motion: Motion) -> Polynomial:
        """What the machine keeps for a stop in the step: all of it, because nothing of a descent that is
        still to come counts in a window already.
        """
        if motion.braking_pc == self.arithmetic.stop_near_zero_pc:  # a step whose current does not count
            return ZERO if self.limit.nominal else motion.braking_pc
        if self.limit.nominal:
            return self.arithmetic.stop_nominal(motion.higher_na, motion.waveform)
        return self.mover.reserve(motion.higher_na, motion.waveform)

    def _other_sessions(
        self, base: Polynomial, excesses: Sequence[Polynomial], sessions: int | None
    ) -> Polynomial | None:
        """What the other sessions of a window add above `base`; None when nothing bounds it."""
        whole = sum(excesses, ZERO)
        high = self._above(self.highest(), base)
        if high == ZERO:
            return ZERO
        if sessions is None:
            return None
        fall = self.arithmetic.fall(self.highest())
        last = [self._pause_excess(unit.visit, base) for unit in self.units if unit.visit.motion is not None]
        paused = self.environment.upper((*last, ZERO), "pauses of a session")
        return (whole + paused + high * fall.on_ms) * (sessions - 1)

    def _on_ms(self, unit: _Unit) -> Polynomial:
        """The time with the output on: at most the window, and at most that of the session."""
        whole = unit.visit.after.on_ms
        costs = [cost.on_ms for cost in unit.visit.after.pauses]
        whole += self.environment.upper((*costs, ZERO), "longest pause current") * self.pauses
        shorter = self.environment.never_negative(self.counted_ms - whole)
        return whole if shorter else self.counted_ms

    def _sharing(self, last: int) -> Iterator[int]:
        """The steps that can be met by a window that ends in this one, this one first."""
        end = self.units[last].visit
        yield last
        passed_ms = Fraction(0)
        inside = set(self._around.get(end.step, ()))
        for position in range(last - 1, -1, -1):
            visit = self.units[position].visit
            if self._exclude(visit, end):
                continue
            if passed_ms < self.window_ms:
                yield position
            # Time that surely passes between the two: that of whole steps outside of repetitions.
            if not inside and self._ways.was_at(visit, end):
                passed_ms += self.environment.bounds(visit.after.sure_ms - visit.before.sure_ms)[0]
        # Steps that are written later came earlier where they are of a round before this one.
        for position in range(last + 1, len(self.units)):
            if inside & set(self._around.get(self.units[position].visit.step, ())):
                yield position

    def _exclude(self, one: Visit, other: Visit) -> bool:
        """Whether a session that comes to one of them never comes to the other, by a choice made once."""
        theirs = {guard.formula for guard in other.path if self._is_made_once(guard)}
        return any(negation(guard.formula) in theirs for guard in one.path if self._is_made_once(guard))

    def _is_made_once(self, guard: Guard) -> bool:
        kind, _, rest = guard.name.partition(":")
        index = rest.partition(":")[0]
        return kind == "branch" and index.isdigit() and not self._around.get(int(index))


def _met(span_ms: Fraction, gap_ms: Fraction, lasts_ms: Fraction) -> int:
    """How many things a window meets of which each lasts so long and is over so long before the next begins.

    Of m of them the first and the last may be cut, so (m - 1) gaps and m - 2 whole ones lie within it.
    """
    if gap_ms <= 0:
        return MANY
    return max(1, ceil((span_ms + 2 * lasts_ms + gap_ms) / (gap_ms + lasts_ms)) - 1)
