"""What a block of doses on demand adds up to, whenever its button is pressed.

How many doses there are is one whole number between nothing and the most that count, rules and lockout allow;
what each of them does is what one round of its steps does. The basal current flows for the time of the block,
less the doses that are surely over before the block is: all but the last one.
"""

from __future__ import annotations

from fractions import Fraction
from math import ceil

from ionto_ir.dataclass import dataclass, replace
from ionto_ir.expression import ZERO as NO_CURRENT
from ionto_ir.expression import Expression
from ionto_ir.plan import Demand
from ionto_verifier.environment import Origin
from ionto_verifier.ledger import Ledger, PauseCost
from ionto_verifier.motion import Motion, Mover
from ionto_verifier.obligation import TRUE, Guard, at_least, at_most
from ionto_verifier.state import State
from ionto_verifier.term import ZERO, Polynomial, constant


@dataclass(frozen=True, slots=True)
class Block:
    """A block at a place: `basal_na`, the time within which doses may begin (whole ticks), and how many
    there are.
    """

    index: int
    step: Demand
    basal_na: Polynomial
    within_ms: Polynomial
    doses: Polynomial
    given: tuple[Guard, ...]

    @property
    def has_basal(self) -> bool:
        """Whether the output is on between doses."""
        return self.step.basal_na != NO_CURRENT


def block_of(mover: Mover, index: int, step: Demand, state: State, dose: Ledger) -> Block:
    """The block that is reached in this state, each dose of which adds at most `dose`."""

    def term(expression: Expression) -> Polynomial:
        return mover.encoding.term(expression, mover.scope(state, f"{index}", expression))

    count = term(step.count)
    within_ms = mover.arithmetic.whole_ticks(term(step.within_ms))
    environment = mover.environment
    longest_ms = environment.bounds(within_ms)[1]
    most = Fraction(doses_within(mover, step, longest_ms, dose.sure_ms))
    doses = environment.fresh(
        ("doses", index, count, dose.sure_ms),
        f"doses of {index}",
        (Fraction(0), most),
        lambda value: [at_most(value, count)],
        integer=True,
    )
    formula = at_least(doses, 1)
    given = (
        () if formula == TRUE else (Guard(f"dose:{index}", formula, Origin("a dose is given", step.span)),)
    )
    return Block(index, step, term(step.basal_na), within_ms, doses, given)


def doses_within(mover: Mover, step: Demand, span_ms: Fraction, dose_ms: Polynomial) -> int:
    """The most doses that may begin in any half-open time of this length."""
    environment, encoding = mover.environment, mover.encoding

    def bounds(expression: Expression) -> tuple[Fraction, Fraction]:
        return environment.bounds(encoding.term(expression, mover.scope(State(), "", expression)))

    found = [int(bounds(step.count)[1])]
    for rule in step.rules:
        window_ms = bounds(rule.window_ms)[0]
        if window_ms > 0:
            found.append(int(bounds(rule.count)[1]) * ceil(span_ms / window_ms))
    lasts_ms = environment.bounds(dose_ms)[0]
    lockout_ms = bounds(step.lockout_ms)[0]
    apart_ms = lockout_ms + lasts_ms if step.from_end else max(lockout_ms, lasts_ms)
    if apart_ms > 0:
        found.append(ceil(span_ms / apart_ms))
    return max(0, min(found))


def standing_by(mover: Mover, block: Block, state: State) -> Motion | None:
    """The current while nobody asks; None where the output is off."""
    if not block.has_basal:
        return None
    level = block.basal_na
    orientations = frozenset(sign != flip for sign in state.signs for flip in state.flips)
    arithmetic = mover.arithmetic
    return Motion(
        level,
        level,
        level,
        None,
        orientations,
        mover.reserve(level, None),
        arithmetic.stop_nominal(level, None),
        arithmetic.stop_line_ms(level),
    )


def silent(mover: Mover, block: Block, motion: Motion | None) -> tuple[Block, Motion | None]:
    """The same block where its basal current does not count, but for the offset near zero."""
    if motion is not None:
        motion = replace(motion, braking_pc=mover.arithmetic.stop_near_zero_pc, braking_nominal_pc=ZERO)
    return replace(block, basal_na=ZERO), motion


def ledger_of(
    mover: Mover, block: Block, before: Ledger, dose: Ledger, doses: Polynomial, *, over: bool
) -> Ledger:
    """The ledger after this many doses, when the block is `over`; else when its last dose is about to begin.

    The last dose may outlast the block. A pause while nobody asks takes none of the time from it, but the
    last one may end after it.
    """
    surely_given = doses - 1 if over else doses
    last = dose if over else Ledger()
    basal_ms, on_ms = ZERO, dose.on_ms * doses
    if block.has_basal:
        basal_ms = block.within_ms - dose.sure_ms * surely_given
        on_ms = block.within_ms + last.on_ms
    after = replace(
        before,
        nominal_pc=before.nominal_pc + block.basal_na * basal_ms + dose.nominal_pc * doses,
        on_ms=before.on_ms + on_ms,
        elapsed_ms=before.elapsed_ms + block.within_ms + last.elapsed_ms,
        sure_ms=before.sure_ms,
        pauses=tuple(dict.fromkeys((*before.pauses, *dose.pauses))),
        started=before.started or block.has_basal or dose.started,
    )
    if not mover.pauses:
        return after
    fall = mover.arithmetic.fall(block.basal_na)
    length_ms = mover.environment.upper((constant(mover.pause_ms), fall.on_ms), "length of a pause")
    return after.paused(PauseCost(fall.nominal_pc, fall.on_ms, length_ms, block.index), mover.environment)
