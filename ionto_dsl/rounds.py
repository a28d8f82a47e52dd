"""How many rounds a repetition has: as it says, or as many as fit into its time.

A repetition that is bounded by a time begins no round once the time is over. Each round takes some time at
least, so their number is bounded too; a plan says both, and every proof that knows only the number holds.
"""

from __future__ import annotations

from collections.abc import Sequence

from ionto_dsl import typed
from ionto_dsl.assembler import Assembler
from ionto_dsl.bounds import Extents, extent_of
from ionto_dsl.currents import above_zero, operand
from ionto_dsl.quantities import Amount
from ionto_ir.diagnostic import Diagnostic
from ionto_ir.expression import Constant, Expression, divide_ceiling, references
from ionto_ir.source import Span
from ionto_ir.units import DIMENSIONLESS, TIME

ROUNDS_MAX = 10_000
"""Rounds of a repetition; a day of one-second pulses by hand would be more, and no treatment is."""


def count_of(a: Assembler, step: typed.Repeat, within: Expression | None) -> Expression | None:
    """The most rounds that there may be; None after an error."""
    if within is not None:
        count = _fitting(a, step, within)
    elif step.count is None:
        return None
    else:
        count = operand(step.count, DIMENSIONLESS, step.count_span, a.found)
    extent = None if count is None else extent_of(count, a.extents)
    if count is None or extent is None:
        return None
    a.recorded(references(count), step.count_span)
    if extent.hi <= 0 or extent.lo < 0:
        message = "a repetition takes place at least once"
        label = "never" if extent.hi <= 0 else "a negative number of times for some values"
        a.refuse("I0412", message, step.count_span, label)
        return None
    if extent.hi > ROUNDS_MAX:
        message = f"this repetition may take place {extent.hi} times"
        a.refuse("I0412", message, step.count_span, f"at most {ROUNDS_MAX} rounds are allowed")
        return None
    return count


def within_of(a: Assembler, step: typed.Repeat) -> Expression | None:
    """The time in which rounds may begin; None when a number bounds them, or after an error."""
    if step.within is None:
        return None
    within = operand(step.within, TIME, step.count_span, a.found)
    fits = above_zero(within, "the time of a repetition", step.count_span, a.extents, a.found)
    return within if fits else None


def _fitting(a: Assembler, step: typed.Repeat, within: Expression) -> Expression | None:
    """The round number k begins after k - 1 others, each of which takes some time at least."""
    period_ms = _shortest(step.period, a.extents)
    round_ms = max(period_ms, least_ms(step.body, a.extents))
    if round_ms <= 0:
        a.refuse(
            "I0492",
            "a repetition is bounded by a time, and its rounds may take none",
            step.count_span,
            "how many rounds are that?",
            advice="say how often a round begins (`every 5 min`), or bound it by a count: `at most 4 times`",
        )
        return None
    return divide_ceiling(within, Constant(round_ms))


def least_ms(steps: Sequence[typed.Step], extents: Extents) -> int:
    """A lower bound of the time that steps take: holds and waits by time, whatever is chosen."""
    total_ms = 0
    for step in steps:
        match step:
            case typed.HoldFor(duration) | typed.Wait(duration):
                total_ms += _shortest(duration, extents)
            case typed.If(_, then, otherwise):
                total_ms += min(least_ms(then, extents), least_ms(otherwise, extents))
            case typed.Repeat(count=count) if count is None or _shortest_count(count, extents) >= 1:
                total_ms += least_ms(step.body, extents)
            case _:
                pass
    return total_ms


def _shortest_count(count: Amount, extents: Extents) -> int:
    exact = operand(count, DIMENSIONLESS, _NOWHERE, [])
    extent = None if exact is None else extent_of(exact, extents)
    return 0 if extent is None else extent.lo


def _shortest(time: Amount | None, extents: Extents) -> int:
    nowhere: list[Diagnostic] = []  # the time is looked at in its own place, where its errors are told
    exact = None if time is None else operand(time, TIME, _NOWHERE, nowhere)
    extent = None if exact is None else extent_of(exact, extents)
    return 0 if extent is None else max(0, extent.lo)


_NOWHERE = Span("", 1, 1, 1, 1)
