"""Targets, rates and times of ramps and holds as operands for one device, each checked for all values at
once.
"""

from __future__ import annotations

from ionto_dsl import typed
from ionto_dsl.bounds import Extent, Extents, extent_of
from ionto_dsl.expressions import too_large
from ionto_dsl.quantities import Amount, Ratio, exactly_whole, negative, on_grid, ratio_of
from ionto_dsl.wording import base_in_unit, shown
from ionto_ir.dataclass import dataclass
from ionto_ir.diagnostic import Diagnostic, error
from ionto_ir.expression import ZERO, Constant, Expression, absolute, subtract
from ionto_ir.plan import Slope
from ionto_ir.source import Span
from ionto_ir.units import BASE_UNITS, CURRENT, SLEW, TIME, Dimension

SECOND_MS = 1000


@dataclass(frozen=True, slots=True)
class Grid:
    """The steps of a device's current, and how it is called in messages; 1 nA when no device was chosen.

    `return_na_s` is how fast a dose on demand comes back to the basal current: as slowly as a stop and a
    resume both move.
    """

    step_na: int
    device: str | None
    return_na_s: int = 1


@dataclass(frozen=True, slots=True)
class Target:
    """A current as magnitude in nA, and whether its author wrote it negative."""

    level_na: Expression
    reversed: bool


def target_of(ramp: typed.Ramp, grid: Grid, extents: Extents, found: list[Diagnostic]) -> Target | None:
    """The target of a ramp on the device's grid; None after an error."""
    if ramp.target is None:
        return None
    extent = extent_of(ratio_of(ramp.target, CURRENT).numerator, extents)
    if extent is None:
        return None
    if extent.lo == extent.hi == 0:
        return Target(ZERO, False)
    if extent.lo < 0 < extent.hi:
        found.append(_sign_unknown(ramp, extent))
        return None
    reversed_ = extent.lo < 0
    magnitude = ratio_of(negative(ramp.target) if reversed_ else ramp.target, CURRENT)
    if _off_grid(magnitude, ramp, grid, found):
        return None
    level = on_grid(magnitude, grid.step_na, ramp.rounded_down, extents)
    fault = too_large((level,), ramp.target_span)
    if fault is not None:
        found.append(fault)
        return None
    return Target(level, reversed_)


def _sign_unknown(ramp: typed.Ramp, extent: Extent) -> Diagnostic:
    return error(
        "I0430",
        "the direction of this current depends on values that are given later",
        ramp.target_span,
        "may be positive and may be negative",
        notes=("which electrode is the anode must be clear from the text",),
        help="ramp to a positive current, or write its negative after `reverse polarity`",
    )


def _off_grid(magnitude: Ratio, ramp: typed.Ramp, grid: Grid, found: list[Diagnostic]) -> bool:
    """Report a fixed current that the device cannot set, with those on either side that it can."""
    if not isinstance(magnitude.numerator, Constant) or not isinstance(magnitude.denominator, Constant):
        return False
    assert ramp.target is not None, "its magnitude is known"
    divisor = magnitude.denominator.value * grid.step_na
    rest = magnitude.numerator.value % divisor
    if not rest or ramp.rounded_down:
        return False
    below = (magnitude.numerator.value - rest) // divisor * grid.step_na
    unit = ramp.target.unit
    low, high = (base_in_unit(value, CURRENT, unit) for value in (below, below + grid.step_na))
    who = "a stimulator" if grid.device is None else f"the device `{grid.device}`"
    step = base_in_unit(grid.step_na, CURRENT, unit)
    found.append(
        error(
            "I0421",
            f"{who} sets its current in steps of {step}, and {shown(ramp.target)} lies between two of them",
            ramp.target_span,
            f"lies between {low} and {high}",
            help=f"write {low} or {high}, or add `rounded down`",
        )
    )
    return True


def operand(amount: Amount, dimension: Dimension, span: Span, found: list[Diagnostic]) -> Expression | None:
    """An amount in base units; None after an error."""
    ratio = ratio_of(amount, dimension)
    whole = exactly_whole(ratio)
    if isinstance(ratio.numerator, Constant) and not isinstance(whole, Constant):
        assert isinstance(ratio.denominator, Constant), "a constant has a constant denominator"
        below = ratio.numerator.value // ratio.denominator.value
        low, high = (base_in_unit(value, dimension, amount.unit) for value in (below, below + 1))
        symbol = BASE_UNITS[dimension].symbol
        message = "this is not a whole number" + (f" of {symbol}" if symbol else "")
        label = f"lies between {low} and {high}"
        found.append(error("I0302", message, span, label, help=f"write {low} or {high}"))
        return None
    fault = too_large((whole,), span)
    if fault is not None:
        found.append(fault)
        return None
    return whole


def above_zero(
    expression: Expression | None,
    what: str,
    span: Span,
    extents: Extents,
    found: list[Diagnostic],
    *,
    zero_allowed: bool = False,
) -> bool:
    """Whether an operand is above zero for all values (`zero_allowed`: for some it may be zero)."""
    extent = None if expression is None else extent_of(expression, extents)
    if extent is None:
        return False
    if extent.hi <= 0:
        found.append(
            error("I0440", f"{what} must be more than zero", span, "zero" if extent.hi == 0 else "negative")
        )
        return False
    if extent.lo < 0 or (extent.lo == 0 and not zero_allowed):
        label = "negative for some values" if extent.lo < 0 else "zero for some values"
        advice = "let the range of the values in it begin higher"
        found.append(
            error("I0440", f"{what} must be more than zero for all values", span, label, help=advice)
        )
        return False
    return True


def slope_of(
    ramp: typed.Ramp, start_na: Expression, target_na: Expression, extents: Extents, found: list[Diagnostic]
) -> Slope | None:
    """How fast a ramp moves: by time, |target - planned start| per that time; by rate, nA per second."""
    if ramp.by_time:
        over = None if ramp.over is None else operand(ramp.over, TIME, ramp.pace_span, found)
        if over is None or not above_zero(over, "the time of a ramp", ramp.pace_span, extents, found):
            return None
        return Slope(distance(start_na, target_na, extents), over)
    rate = None if ramp.rate is None else operand(ramp.rate, SLEW, ramp.pace_span, found)
    if rate is None or not above_zero(rate, "the rate of a ramp", ramp.pace_span, extents, found):
        return None
    return Slope(rate, Constant(SECOND_MS))


def distance(one: Expression, other: Expression, extents: Extents) -> Expression:
    """|one - other|, without the bars where it is clear which one is larger."""
    if one == ZERO:
        return other
    if other == ZERO:
        return one
    difference = subtract(other, one)
    extent = extent_of(difference, extents)
    if extent is not None and extent.lo >= 0:
        return difference
    return subtract(one, other) if extent is not None and extent.hi <= 0 else absolute(difference)


def ramp_charge_min(start_na: Expression, target_na: Expression, slope: Slope, extents: Extents) -> int:
    """A lower bound of what a ramp delivers, pC: the mean of its ends for as long as it takes at least."""
    parts = [extent_of(part, extents) for part in (start_na, target_na, slope.delta_na, slope.over_ms)]
    moved = extent_of(distance(start_na, target_na, extents), extents)
    start, target, delta, over = parts
    if start is None or target is None or delta is None or over is None or moved is None or delta.hi <= 0:
        return 0
    if slope.delta_na == distance(start_na, target_na, extents):
        time_ms_min = over.lo
    else:
        time_ms_min = max(0, moved.lo) * over.lo // delta.hi
    return max(0, start.lo + target.lo) * time_ms_min // 2
