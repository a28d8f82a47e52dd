"""What values an expression can take: exact integer intervals and common divisors over the ranges of
variables.

The front end asks this to decide, once and for all values, whether a denominator can be zero, which sign a
current has, and whether a current lies on a device's grid. It never guesses: what intervals cannot settle is
None.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from math import gcd

from ionto_ir.dataclass import dataclass
from ionto_ir.expression import (
    Constant,
    Expression,
    Operation,
    Operator,
    Reference,
    Truth,
)


@dataclass(frozen=True, slots=True)
class Extent:
    """The integers from `lo` to `hi`, both included, that `grid` divides (0 when only zero occurs)."""

    lo: int
    hi: int
    grid: int


Extents = Mapping[str, Extent]


def exactly(value: int) -> Extent:
    """The extent of a constant."""
    return Extent(value, value, abs(value))


def extent_of(expression: Expression, extents: Extents) -> Extent | None:
    """Bounds on an integer expression; None when a variable is unknown or a divisor may be zero."""
    match expression:
        case Constant(value):
            return exactly(value)
        case Reference(name, _):
            return extents.get(name)
        case Operation(Operator.IF, (condition, when_true, when_false)):
            return _choice(decide(condition, extents), when_true, when_false, extents)
        case Operation(operator, operands):
            found = [extent_of(operand, extents) for operand in operands]
            known = [extent for extent in found if extent is not None]
            combine = _COMBINE.get(operator)
            return None if combine is None or len(known) < len(found) else combine(known)
        case _:
            return None


def decide(condition: Expression, extents: Extents) -> bool | None:
    """Whether a condition holds for all values (True), for none (False), or intervals cannot tell (None)."""
    match condition:
        case Truth(value):
            return value
        case Operation(Operator.NOT, (operand,)):
            inner = decide(operand, extents)
            return None if inner is None else not inner
        case Operation(Operator.AND, operands):
            return _all([decide(operand, extents) for operand in operands])
        case Operation(Operator.OR, operands):
            opposite = _all([_not(decide(operand, extents)) for operand in operands])
            return _not(opposite)
        case Operation(operator, (left, right)):
            first, second = extent_of(left, extents), extent_of(right, extents)
            return None if first is None or second is None else _compare(operator, first, second)
        case _:
            return None


def _all(parts: list[bool | None]) -> bool | None:
    if any(part is False for part in parts):
        return False
    return True if all(part is True for part in parts) else None


def _not(part: bool | None) -> bool | None:
    return None if part is None else not part


def _compare(operator: Operator, left: Extent, right: Extent) -> bool | None:
    match operator:
        case Operator.LESS_EQUAL:
            return _order(left.hi <= right.lo, left.lo > right.hi)
        case Operator.LESS:
            return _order(left.hi < right.lo, left.lo >= right.hi)
        case Operator.GREATER_EQUAL:
            return _order(left.lo >= right.hi, left.hi < right.lo)
        case Operator.GREATER:
            return _order(left.lo > right.hi, left.hi <= right.lo)
        case Operator.EQUAL:
            return _order(
                left.lo == left.hi == right.lo == right.hi, left.hi < right.lo or right.hi < left.lo
            )
        case Operator.NOT_EQUAL:
            return _not(_compare(Operator.EQUAL, left, right))
        case _:
            return None


def _order(always: bool, never: bool) -> bool | None:
    if always:
        return True
    return False if never else None


def _choice(
    decided: bool | None, when_true: Expression, when_false: Expression, extents: Extents
) -> Extent | None:
    first = extent_of(when_true, extents) if decided is not False else None
    second = extent_of(when_false, extents) if decided is not True else None
    if decided is not None:
        return first if decided else second
    if first is None or second is None:
        return None
    return Extent(min(first.lo, second.lo), max(first.hi, second.hi), gcd(first.grid, second.grid))


def _sum(parts: list[Extent]) -> Extent:
    return Extent(
        sum(part.lo for part in parts),
        sum(part.hi for part in parts),
        gcd(*(part.grid for part in parts)),
    )


def _negative(part: Extent) -> Extent:
    return Extent(-part.hi, -part.lo, part.grid)


def _product(parts: list[Extent]) -> Extent:
    whole = parts[0]
    for part in parts[1:]:
        corners = [a * b for a in (whole.lo, whole.hi) for b in (part.lo, part.hi)]
        whole = Extent(min(corners), max(corners), whole.grid * part.grid)
    return whole


def _absolute(part: Extent) -> Extent:
    if part.lo >= 0:
        return part
    if part.hi <= 0:
        return _negative(part)
    return Extent(0, max(-part.lo, part.hi), part.grid)


def _minimum(parts: list[Extent]) -> Extent:
    return Extent(
        min(part.lo for part in parts), min(part.hi for part in parts), gcd(*(part.grid for part in parts))
    )


def _maximum(parts: list[Extent]) -> Extent:
    return Extent(
        max(part.lo for part in parts), max(part.hi for part in parts), gcd(*(part.grid for part in parts))
    )


def _quotient(parts: list[Extent]) -> Extent | None:
    """Bounds on a quotient however it is rounded; its grid is known only for a constant divisor."""
    dividend, divisor = parts
    if divisor.lo <= 0 <= divisor.hi:
        return None
    corners = [(a, b) for a in (dividend.lo, dividend.hi) for b in (divisor.lo, divisor.hi)]
    lo = min(a // b for a, b in corners)
    hi = max(-(-a // b) for a, b in corners)
    constant = divisor.lo == divisor.hi
    exact = constant and dividend.grid % divisor.lo == 0
    return Extent(lo, hi, dividend.grid // abs(divisor.lo) if exact else 1)


_COMBINE: dict[Operator, Callable[[list[Extent]], Extent | None]] = {
    Operator.ADD: _sum,
    Operator.SUBTRACT: lambda parts: _sum([parts[0], _negative(parts[1])]),
    Operator.MULTIPLY: _product,
    Operator.NEGATE: lambda parts: _negative(parts[0]),
    Operator.ABSOLUTE: lambda parts: _absolute(parts[0]),
    Operator.MINIMUM: _minimum,
    Operator.MAXIMUM: _maximum,
    Operator.DIVIDE_EXACTLY: _quotient,
    Operator.DIVIDE_FLOOR: _quotient,
    Operator.DIVIDE_CEILING: _quotient,
}
