"""What an energised step does to the current and to the ledger: ramps, the three kinds of hold, and pauses
in them.
"""

from __future__ import annotations

from fractions import Fraction
from typing import assert_never

from ionto_ir.dataclass import dataclass, replace
from ionto_ir.expression import ZERO as NO_CURRENT
from ionto_ir.expression import Expression
from ionto_ir.plan import ForTime, Hold, Ramp, Slope, UntilCharge, UntilTotal
from ionto_ir.waveform import Waveform, alternates
from ionto_verifier.charge import Arithmetic, Emission, Incline, share_of
from ionto_verifier.encode import Encoding, Scope
from ionto_verifier.joining import overflowing
from ionto_verifier.ledger import Ledger, PauseCost
from ionto_verifier.obligation import Formula, at_least, at_most, conjunction, disjunction, equal
from ionto_verifier.state import NONE, Pending, State
from ionto_verifier.term import ZERO, Polynomial, constant


@dataclass(frozen=True, slots=True)
class Motion:
    """Where the current goes during one step, magnitudes in nA, and what a stop in it may still add.

    `orientations`: whether current may flow opposite to the declared polarity. `braking_pc` is kept back
    for the worst case beyond the ledger after the step, `braking_nominal_pc` for set values, `braking_ms`
    in time. `turns`: a ramp away from the sign that the current may have. `changes`: a ramp that takes over a
    current of another waveform. `room_pc`: what a total leaves to its hold.
    """

    start_na: Polynomial
    target_na: Polynomial
    higher_na: Polynomial
    incline: Incline | None
    orientations: frozenset[bool]
    braking_pc: Polynomial
    braking_nominal_pc: Polynomial
    braking_ms: Polynomial
    turns: bool = False
    changes: bool = False
    room_pc: Polynomial | None = None
    waveform: Waveform | None = None

    def flows(self, turned: bool) -> bool:
        """Whether current may flow against the declared polarity (True), or along it: AC flows both ways."""
        return turned in self.orientations or alternates(self.waveform)


@dataclass(frozen=True, slots=True)
class _Way:
    """A ramp: what it emits as a whole, and what it emits `again` from zero after a pause.

    `moves`: somebody may have adjusted where it begins or ends, so that only upper bounds are known.
    """

    start_na: Polynomial
    target_na: Polynomial
    incline: Incline
    higher_na: Polynomial
    whole: Emission
    again: Emission
    moves: bool
    waveform: Waveform | None


@dataclass(frozen=True, slots=True)
class _Descent:
    """The ramp to zero after a hold until a total: what it emits at least and at most, pC.

    `moves`: somebody may adjust it, and then nothing is sure to be kept for it.
    """

    incline: Incline
    least_pc: Polynomial
    most_pc: Polynomial
    moves: bool


class Mover:
    """Moves a state through ramps and holds."""

    def __init__(self, encoding: Encoding) -> None:
        self.encoding = encoding
        self.environment = encoding.environment
        self.arithmetic = Arithmetic(encoding.plan, encoding.environment)
        rules = encoding.plan.interruptions
        self.pauses = rules.count_max if rules.resume else 0
        self.pause_ms = rules.each_ms_max
        moving = (step for step in encoding.plan.steps if isinstance(step, Ramp | Hold))
        self.highest_share = max((share_of(step.waveform) for step in moving), default=Fraction(1))
        self.apart = ""

    # --- the current ------------------------------------------------------------------------------

    def scope(self, state: State, suffix: str, *expressions: Expression) -> Scope:
        """The values that expressions see at a step: recorded ones as of now, adjustable ones as of then.

        `apart` is the round that a step belongs to, where it must not be taken for the same step of another.
        """
        return self.encoding.moving(dict(state.records), suffix + self.apart, *expressions)

    def level(self, state: State, suffix: str) -> Polynomial:
        """The current, nA, at which a step begins."""
        scope = self.scope(state, suffix, *state.levels)
        terms = [self.encoding.term(level, scope) for level in state.levels]
        if len(terms) == 1:
            return terms[0]
        ranges = [self.environment.bounds(term) for term in terms]
        bounds = min(low for low, _ in ranges), max(high for _, high in ranges)

        def define(value: Polynomial) -> list[Formula]:
            return [disjunction(equal(value, term) for term in terms)]

        key = ("level", frozenset(terms), suffix, self.apart)
        return self.environment.fresh(key, f"level at {suffix}", bounds, define)

    def _orientations(self, state: State, signs: frozenset[bool]) -> frozenset[bool]:
        return frozenset(sign != flip for sign in signs for flip in state.flips)

    def moves(self, *expressions: Expression) -> bool:
        """Whether somebody may adjust what these expressions say."""
        return any(self.encoding.adjustable & self.encoding.references(item) for item in expressions)

    def surely(self, duration: Expression, exact: Polynomial) -> Polynomial:
        """A lower bound of a time: the time itself unless somebody may adjust it."""
        return constant(self.environment.bounds(exact)[0]) if self.moves(duration) else exact

    # --- ramps ------------------------------------------------------------------------------------

    def ramp(self, index: int, step: Ramp, state: State) -> tuple[State, Motion]:
        """Through a ramp."""
        start = self.level(state, f"{index} start")
        scope = self.scope(state, f"{index}", step.target_na, step.slope.delta_na, step.slope.over_ms)
        target, incline = self.encoding.term(step.target_na, scope), self.incline(step.slope, scope)
        moves = self.moves(step.target_na, step.slope.delta_na, step.slope.over_ms, *state.levels)
        higher = self.environment.upper((start, target), "higher end")
        waveform = step.waveform
        whole = self._glide(start, target, incline, waveform)
        again = self._glide(ZERO, target, incline, waveform)
        if self.moves(step.target_na):
            # Lowered on the way, the level turns once and falls to its new target at the same rate.
            turned = self._glide(higher, ZERO, incline, waveform)
            whole = Emission(whole.nominal_pc + turned.nominal_pc, whole.on_ms + turned.on_ms)
        way = _Way(start, target, incline, higher, whole, again, moves, waveform)
        ledger = self._through_ramp(state, way)
        ledger = self._paused_in_ramp(index, ledger, way, state.pending)
        signs = frozenset({step.reversed})
        turns = step.target_na != NO_CURRENT and bool(state.signs - signs)
        changes = bool(state.waveforms - {waveform})
        motion = self._ramp_motion(way, self._orientations(state, signs))
        left = _waveforms(step.target_na, waveform)
        after = replace(state, levels=(step.target_na,), signs=signs, waveforms=left)
        return replace(after, ledger=ledger, pending=NONE), replace(motion, turns=turns, changes=changes)

    def incline(self, slope: Slope, scope: Scope) -> Incline:
        """A slope at a place."""
        return Incline(self.encoding.term(slope.delta_na, scope), self.encoding.term(slope.over_ms, scope))

    def _glide(
        self, start: Polynomial, target: Polynomial, incline: Incline, waveform: Waveform | None
    ) -> Emission:
        time_ms = self.arithmetic.glide_ms(start, target, incline)
        return self.arithmetic.of_waveform(self.arithmetic.glide(start, target, time_ms), waveform)

    def _fall(self, level_na: Polynomial, waveform: Waveform | None) -> Emission:
        """What a stop emits: it keeps the waveform."""
        return self.arithmetic.of_waveform(self.arithmetic.fall(level_na), waveform)

    def _through_ramp(self, state: State, way: _Way) -> Ledger:
        before, pending = state.ledger, state.pending
        charge = way.whole.nominal_pc
        ends_gently = way.target_na == ZERO and self.arithmetic.gentle(way.incline)
        if pending.overflow_pc is not None and not ends_gently:
            # A pause at the end of the hold: its fall, and this ramp from zero instead of from the hold's
            # level.
            charge = self.environment.upper((charge, pending.overflow_pc + way.again.nominal_pc), "charge")
        least = sure_ms = ZERO
        if not way.moves:
            time_ms = self.arithmetic.glide_ms(way.start_na, way.target_na, way.incline)
            # A ramp down that is paused may be shorter: a stop is steeper, and it goes on from zero.
            rises = self.environment.never_below(way.target_na, way.start_na)
            sure_ms = time_ms if rises or not self.pauses else ZERO
            least = self.arithmetic.least_glide(way.start_na, way.target_na, time_ms) * share_of(way.waveform)
        nominal = before.nominal_pc + charge
        if pending.total_pc is not None and pending.before_pc is not None:
            most = pending.total_pc + self._excess(way)
            nominal = self.environment.upper((most, pending.before_pc + charge), "charge at the total")
        return replace(
            before,
            nominal_pc=nominal,
            least_pc=before.least_pc + self.environment.largest((least, ZERO), "least charge"),
            on_ms=before.on_ms + way.whole.on_ms,
            elapsed_ms=before.elapsed_ms + way.whole.on_ms,
            sure_ms=before.sure_ms + sure_ms,
            started=True,
        )

    def _excess(self, way: _Way) -> Polynomial:
        """What a stop during the descent that completes a total may emit beyond it: nothing, if it is
        steeper.
        """
        if self.arithmetic.gentle(way.incline):
            return ZERO
        time_ms = self.arithmetic.glide_ms(way.start_na, ZERO, way.incline)
        planned = self.arithmetic.least_glide(way.start_na, ZERO, time_ms) * share_of(way.waveform)
        excess = self._fall(way.start_na, way.waveform).nominal_pc - planned
        return self.environment.upper((excess, ZERO), "excess of a stop")

    def _paused_in_ramp(self, index: int, ledger: Ledger, way: _Way, pending: Pending) -> Ledger:
        """A pause on the way costs the fall from there and the ramp from zero, at its own rate."""
        if not self.pauses:
            return ledger
        fall = self._fall(way.higher_na, way.waveform)
        absorbed = pending.total_pc is not None
        cost = PauseCost(
            ZERO if absorbed else fall.nominal_pc + way.again.nominal_pc,
            fall.on_ms + way.again.on_ms,
            way.again.on_ms + self._pause_ms(fall),
            index,
        )
        return ledger.paused(cost, self.environment)

    def _ramp_motion(self, way: _Way, orientations: frozenset[bool]) -> Motion:
        braking = self.reserve(way.higher_na, way.waveform)
        nominal = self.arithmetic.stop_nominal(way.higher_na, way.waveform)
        time_ms = self.arithmetic.stop_line_ms(way.higher_na)
        if way.higher_na == way.start_na and self.arithmetic.gentle(way.incline):
            ends = (way.start_na, way.target_na)
            braking = self.arithmetic.reserve_on_descent(*ends, way.waveform, self.highest_share)
            nominal = self.arithmetic.stop_nominal(way.target_na, way.waveform)
            if way.waveform is not None:
                nominal += self.arithmetic.fall_ms(way.start_na)
            time_ms = self.arithmetic.stop_line_ms(way.target_na)
        return Motion(
            way.start_na,
            way.target_na,
            way.higher_na,
            way.incline,
            orientations,
            braking,
            nominal,
            time_ms,
            waveform=way.waveform,
        )

    def reserve(self, level_na: Polynomial, waveform: Waveform | None) -> Polynomial:
        """What the interlock keeps back for a stop from a level, whatever flowed a tick ago, pC."""
        return self.arithmetic.reserve(level_na, waveform, self.highest_share)

    # --- holds ------------------------------------------------------------------------------------

    def hold(self, index: int, step: Hold, state: State) -> tuple[State, Motion]:
        """Through a hold."""
        scope = self.scope(state, f"{index}", step.level_na)
        level = self.encoding.term(step.level_na, scope)
        state = replace(state, ledger=overflowing(state), pending=NONE)
        motion = Motion(
            level,
            level,
            level,
            None,
            self._orientations(state, state.signs),
            self.reserve(level, step.waveform),
            self.arithmetic.stop_nominal(level, step.waveform),
            self.arithmetic.stop_line_ms(level),
            waveform=step.waveform,
        )
        match step.until:
            case ForTime(duration_ms):
                ledger, pending = self._for_time(index, step, state, level, duration_ms), NONE
            case UntilCharge(charge_pc):
                ledger, pending = self._until_charge(index, step, state, level, charge_pc)
            case UntilTotal(charge_pc, descent):
                goal = self.encoding.term(charge_pc, self.scope(state, f"{index} charge", charge_pc))
                way_down = self._descent(index, step, state, level, descent)
                ledger, pending = self._until_total(index, step, state, level, goal, way_down)
                motion = self._before_descent(motion, state, goal, way_down)
            case _:
                assert_never(step.until)
        left = _waveforms(step.level_na, step.waveform)
        return replace(state, waveforms=left, ledger=ledger, pending=pending), motion

    def _for_time(
        self, index: int, step: Hold, state: State, level: Polynomial, duration: Expression
    ) -> Ledger:
        scope = self.scope(state, f"{index} time", duration)
        exact = self.encoding.term(duration, scope)
        on_ms = self.arithmetic.whole_ticks(exact)
        before = state.ledger
        least = ZERO
        if not self.moves(*state.levels):
            least = (level - self.arithmetic.step_na) * exact * share_of(step.waveform)
        ledger = replace(
            before,
            nominal_pc=before.nominal_pc + self.arithmetic.mean_charge(level * on_ms, on_ms, step.waveform),
            least_pc=before.least_pc + least,
            on_ms=before.on_ms + on_ms,
            elapsed_ms=before.elapsed_ms + on_ms,
            sure_ms=before.sure_ms + self.surely(duration, exact),
            started=True,
        )
        return self._paused_in_hold(index, step, ledger, level, absorbed=False)

    def _until_charge(
        self, index: int, step: Hold, state: State, level: Polynomial, charge: Expression
    ) -> tuple[Ledger, Pending]:
        goal = self.encoding.term(charge, self.scope(state, f"{index} charge", charge))
        before = state.ledger
        on_ms = self._time_for(index, step, state, goal)
        least = self.environment.largest((goal - level * self.arithmetic.tick_ms, ZERO), "least charge")
        ledger = replace(
            before,
            nominal_pc=before.nominal_pc + goal,
            least_pc=before.least_pc + (ZERO if self.moves(*state.levels) else least),
            on_ms=before.on_ms + on_ms,
            elapsed_ms=before.elapsed_ms + on_ms,
            started=True,
        )
        ledger = self._paused_in_hold(index, step, ledger, level, absorbed=True)
        overflow = self._fall(level, step.waveform).nominal_pc if self.pauses else None
        return ledger, Pending(overflow_pc=overflow)

    def _descent(
        self, index: int, step: Hold, state: State, level: Polynomial, descent: Slope | None
    ) -> _Descent | None:
        """The ramp to zero for which a hold until a total keeps room."""
        if descent is None:
            return None
        scope = self.scope(state, f"{index}", step.level_na, descent.delta_na, descent.over_ms)
        incline = self.incline(descent, scope)
        time_ms = self.arithmetic.glide_ms(level, ZERO, incline)
        following = self.encoding.plan.steps[step.next]
        assert isinstance(following, Ramp), "a descent is a ramp"
        waveform = following.waveform
        least = self.arithmetic.least_glide(level, ZERO, time_ms) * share_of(waveform)
        # Of a descent that adds up to less than a stop in the hold does, nothing is sure to be kept for it.
        moves = self.moves(step.level_na, descent.delta_na, descent.over_ms)
        moves = moves or share_of(step.waveform) > share_of(waveform)
        kept = ZERO if moves else self.environment.largest((least, ZERO), "least of the descent")
        most = self._glide(level, ZERO, incline, waveform).nominal_pc
        return _Descent(incline, kept, most, moves)

    def _until_total(
        self,
        index: int,
        step: Hold,
        state: State,
        level: Polynomial,
        total_pc: Polynomial,
        descent: _Descent | None,
    ) -> tuple[Ledger, Pending]:
        """The machine emits a tick only while the total has room for it and for the descent from there.

        So pauses before and in the hold are absorbed, and what was emitted is at most the total, unless it
        was more before the hold began. At full level room is kept for the whole descent; after a pause near
        the end the current rises less far, and less is kept.
        """
        before = state.ledger
        kept = ZERO if descent is None else descent.least_pc
        owed = self.environment.upper((total_pc - before.least_pc - kept, ZERO), "owed")
        on_ms = self._time_for(index, step, state, owed)
        disturbed = before.nominal_pc + self.dearest_nominal(before) * self.pauses
        ledger = replace(
            before,
            nominal_pc=self.environment.upper((total_pc, disturbed), "charge of the hold"),
            on_ms=before.on_ms + on_ms,
            elapsed_ms=before.elapsed_ms + on_ms,
            pauses=tuple(dict.fromkeys(replace(cost, nominal_pc=ZERO) for cost in before.pauses)),
            started=True,
            absorbed=before.absorbed + 1,
        )
        ledger = self._paused_in_hold(index, step, ledger, level, absorbed=True)
        if descent is None:
            overflow = self._fall(level, step.waveform).nominal_pc if self.pauses else None
            return ledger, Pending(overflow_pc=overflow)
        if descent.moves:
            return ledger, NONE  # the descent may be adjusted: it is not the one that room was kept for
        return ledger, Pending(total_pc=total_pc, before_pc=disturbed)

    def _before_descent(
        self, motion: Motion, state: State, total_pc: Polynomial, descent: _Descent | None
    ) -> Motion:
        """A hold until a total is counted as if the descent had been emitted already: a stop adds only the
        rest.

        From a level x the descent's share was kept, so a stop adds what it emits more than the descent
        would. That is worst at the full level if a stop is flatter than the descent, and the reserve's line
        if it is steeper.
        """
        before = state.ledger.nominal_pc
        if descent is None:
            return replace(motion, room_pc=total_pc - before)
        # A mean is rounded up at each tick of a stop, and the reserve counts that.
        rounded = ZERO if motion.waveform is None else self.arithmetic.fall_ms(motion.target_na)
        if descent.moves or not self.arithmetic.gentle(descent.incline):
            line = self.arithmetic.reserve_on_descent(motion.target_na, ZERO)
            flatter = motion.braking_pc - descent.least_pc * self.arithmetic.share
            braking = self.environment.upper((flatter, line), "stop instead of the descent")
            steeper = motion.braking_nominal_pc - descent.least_pc
            nominal = self.environment.upper((steeper, rounded), "stop instead of the descent, as set")
        else:
            ends = (motion.target_na, ZERO)
            braking = self.arithmetic.reserve_on_descent(*ends, motion.waveform, self.highest_share)
            nominal = rounded
        room = total_pc - before - descent.most_pc
        return replace(motion, braking_pc=braking, braking_nominal_pc=nominal, room_pc=room)

    def dearest_nominal(self, ledger: Ledger) -> Polynomial:
        """The nominal charge of the worst pause so far."""
        costs = [cost.nominal_pc for cost in ledger.pauses]
        return self.environment.upper((*costs, ZERO), "dearest pause")

    def _time_for(self, index: int, step: Hold, state: State, charge: Polynomial) -> Polynomial:
        """The time, ms, that the hold is on: at each tick it emits at least the smallest level that it may
        have.
        """
        scope = self.scope(state, f"{index} slowest", step.level_na)
        level = self.encoding.term(step.level_na, scope)
        most = self.environment.bounds(charge)[1]
        share = share_of(step.waveform)
        smallest = max(Fraction(self.arithmetic.step_na), self.environment.bounds(level)[0]) * share
        return self.environment.fresh(
            ("time for", charge, level, share),
            f"time of step {index}",
            (Fraction(0), max(Fraction(0), most / smallest)),
            lambda time_ms: [self._emits(time_ms, level, charge, share)],
        )

    def _emits(self, time_ms: Polynomial, level: Polynomial, charge: Polynomial, share: Fraction) -> Formula:
        """At a level that is not zero the time is bounded by the charge; at zero the hold ends at once."""
        bounded = at_most(time_ms * level * share, charge)
        step_na = self.arithmetic.step_na
        if self.environment.never_negative(level - step_na):
            return bounded
        return disjunction((at_most(time_ms), conjunction((bounded, at_least(level, step_na)))))

    def _paused_in_hold(
        self, index: int, step: Hold, ledger: Ledger, level: Polynomial, *, absorbed: bool
    ) -> Ledger:
        """A pause in a hold costs the fall and the way back; in a hold until a charge both count towards
        it.
        """
        if not self.pauses:
            return ledger
        fall = self._fall(level, step.waveform)
        climb = self.arithmetic.of_waveform(self.arithmetic.climb(level), step.waveform)
        cost = PauseCost(
            ZERO if absorbed else fall.nominal_pc + climb.nominal_pc,
            fall.on_ms + climb.on_ms,
            climb.on_ms + self._pause_ms(fall),
            index,
        )
        return ledger.paused(cost, self.environment)

    def _pause_ms(self, fall: Emission) -> Polynomial:
        """How long a pause may last: as the protocol says, but never shorter than the way down."""
        return self.environment.upper((constant(self.pause_ms), fall.on_ms), "length of a pause")


def _waveforms(level_na: Expression, waveform: Waveform | None) -> frozenset[Waveform | None]:
    """What flows in a waveform at a level; nothing at zero."""
    return frozenset() if level_na == NO_CURRENT else frozenset({waveform})
