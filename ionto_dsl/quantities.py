"""The algebra of dimensions: exact quotients of integer expressions that know their scale and their
dimension.

Inside an expression any dimension may occur (`current / active.area`), so a value is kept as two integer
expressions and an exact scale instead of being divided: comparisons are cross-multiplied and stay exact. Only
where a value becomes an operand must it be a whole number of base units.
"""

from __future__ import annotations

from fractions import Fraction
from math import gcd, lcm

from ionto_dsl.bounds import Extents, extent_of
from ionto_ir.dataclass import dataclass
from ionto_ir.expression import (
    Constant,
    Expression,
    Operation,
    Operator,
    add,
    compare,
    divide_exactly,
    divide_floor,
    integer_reference,
    maximum,
    minimum,
    multiply,
    operation,
    subtract,
)
from ionto_ir.units import BASE_UNITS, Dimension, Unit


@dataclass(frozen=True, slots=True)
class Amount:
    """numerator / denominator * scale in the SI unit of `dimension`; the denominator is positive for all
    values.

    `unit` is the unit in which the author would speak of it, for messages.
    """

    numerator: Expression
    denominator: Expression
    scale: Fraction
    dimension: Dimension
    unit: str


@dataclass(frozen=True, slots=True)
class Ratio:
    """A value in base units as a quotient of two integer expressions, the second one positive."""

    numerator: Expression
    denominator: Expression


ONE = Constant(1)


def literal(value: Fraction, unit: Unit) -> Amount:
    """A number of a unit."""
    sign = 1 if value > 0 else -1 if value < 0 else 0
    return Amount(Constant(sign), ONE, abs(value) * unit.factor or unit.factor, unit.dimension, unit.text)


def named(name: str, dimension: Dimension, unit: str) -> Amount:
    """The value of a variable, which counts base units of its dimension."""
    return Amount(integer_reference(name), ONE, BASE_UNITS[dimension].factor, dimension, unit)


def in_base_units(expression: Expression, dimension: Dimension, unit: str) -> Amount:
    """An integer expression that counts base units."""
    return _normal(expression, ONE, BASE_UNITS[dimension].factor, dimension, unit)


def _normal(
    numerator: Expression, denominator: Expression, scale: Fraction, dimension: Dimension, unit: str
) -> Amount:
    """The amount with visible constant factors moved into its scale, so that they never grow in a product."""
    above, below = abs(coefficient_of(numerator)) or 1, abs(coefficient_of(denominator))
    return Amount(
        _divided(numerator, above), _divided(denominator, below), scale * above / below, dimension, unit
    )


def negative(amount: Amount) -> Amount:
    """The amount with the other sign."""
    numerator = product(Constant(-1), amount.numerator)
    return _normal(numerator, amount.denominator, amount.scale, amount.dimension, amount.unit)


def plus(left: Amount, right: Amount) -> Amount:
    """The sum of two amounts of one dimension."""
    first, second, denominator, scale = _together(left, right)
    return _normal(_total(first, second), denominator, scale, left.dimension, left.unit)


def minus(left: Amount, right: Amount) -> Amount:
    """The difference of two amounts of one dimension."""
    first, second, denominator, scale = _together(left, right)
    return _normal(subtract(first, second), denominator, scale, left.dimension, left.unit)


def least(left: Amount, right: Amount) -> Amount:
    """The smaller of two amounts of one dimension."""
    first, second, denominator, scale = _together(left, right)
    return _normal(minimum(first, second), denominator, scale, left.dimension, left.unit)


def greatest(left: Amount, right: Amount) -> Amount:
    """The larger of two amounts of one dimension."""
    first, second, denominator, scale = _together(left, right)
    return _normal(maximum(first, second), denominator, scale, left.dimension, left.unit)


def times(left: Amount, right: Amount) -> Amount:
    """The product; its unit is spelled only as far as one can read it."""
    return _normal(
        product(left.numerator, right.numerator),
        product(left.denominator, right.denominator),
        left.scale * right.scale,
        left.dimension * right.dimension,
        _joined(left.unit, ".", right.unit),
    )


def over(left: Amount, right: Amount, extents: Extents) -> Amount | None:
    """The quotient, or None when the divisor may be zero for some values."""
    divisor = extent_of(right.numerator, extents)
    if divisor is None or divisor.lo <= 0 <= divisor.hi:
        return None
    sign = 1 if divisor.lo > 0 else -1
    return _normal(
        product(Constant(sign), left.numerator, right.denominator),
        product(left.denominator, Constant(sign), right.numerator),
        left.scale / right.scale,
        left.dimension / right.dimension,
        _joined(left.unit, "/", right.unit),
    )


def comparison(operator: Operator, left: Amount, right: Amount) -> Expression:
    """The comparison of two amounts of one dimension, cross-multiplied and reduced."""
    first, second, _, _ = _together(left, right)
    first, second = _reduced(first, second)
    return compare(operator, first, second)


def ratio_of(amount: Amount, dimension: Dimension) -> Ratio:
    """The amount in base units of `dimension`, which has the same exponents."""
    factor = amount.scale / BASE_UNITS[dimension].factor
    numerator = product(Constant(factor.numerator), amount.numerator)
    denominator = product(Constant(factor.denominator), amount.denominator)
    return Ratio(*_reduced(numerator, denominator))


def exact_value(amount: Amount) -> Fraction | None:
    """The value in SI units when it is the same for all values of the variables."""
    if isinstance(amount.numerator, Constant) and isinstance(amount.denominator, Constant):
        return Fraction(amount.numerator.value, amount.denominator.value) * amount.scale
    return None


def exactly_whole(ratio: Ratio) -> Expression:
    """The quotient as an operand that is undefined, and therefore refused, where it does not come out
    exactly.
    """
    return divide_exactly(ratio.numerator, ratio.denominator)


def on_grid(ratio: Ratio, grid: int, rounded_down: bool, extents: Extents) -> Expression:
    """The quotient as a multiple of `grid`: rounded down when the author said so, else undefined off the
    grid.
    """
    if not rounded_down and ratio.denominator == ONE:
        extent = extent_of(ratio.numerator, extents)
        if grid == 1 or (extent is not None and extent.grid % grid == 0):
            return ratio.numerator
    numerator, denominator = _reduced(ratio.numerator, product(Constant(grid), ratio.denominator))
    divide = divide_floor if rounded_down else divide_exactly
    return product(Constant(grid), divide(numerator, denominator))


def product(*factors: Expression) -> Expression:
    """A product with nested products flattened and all constants gathered in front."""
    coefficient, others = 1, []
    pending = list(reversed(factors))
    while pending:
        factor = pending.pop()
        if isinstance(factor, Constant):
            coefficient *= factor.value
        elif isinstance(factor, Operation) and factor.operator is Operator.MULTIPLY:
            pending.extend(reversed(factor.operands))
        elif isinstance(factor, Operation) and factor.operator is Operator.NEGATE:
            coefficient = -coefficient
            pending.append(factor.operands[0])
        else:
            others.append(factor)
    if coefficient == -1 and len(others) == 1:
        return operation(Operator.NEGATE, others[0])
    return multiply(Constant(coefficient), *others)


def _total(*summands: Expression) -> Expression:
    """A sum with nested sums flattened, so that a long chain stays flat."""
    parts: list[Expression] = []
    for summand in summands:
        nested = isinstance(summand, Operation) and summand.operator is Operator.ADD
        parts += summand.operands if nested and isinstance(summand, Operation) else (summand,)
    return add(*parts)


def _joined(left: str, sign: str, right: str) -> str:
    if not right:
        return left
    return left + sign + right if left else ""


def _together(left: Amount, right: Amount) -> tuple[Expression, Expression, Expression, Fraction]:
    """Both numerators over one denominator and one scale."""
    assert left.dimension.agrees_with(right.dimension), "the caller compared the dimensions"
    scale = _common(left.scale, right.scale)
    first = product(Constant(int(left.scale / scale)), left.numerator)
    second = product(Constant(int(right.scale / scale)), right.numerator)
    if left.denominator == right.denominator:
        return first, second, left.denominator, scale
    return (
        product(first, right.denominator),
        product(second, left.denominator),
        product(left.denominator, right.denominator),
        scale,
    )


def _common(one: Fraction, other: Fraction) -> Fraction:
    """The largest fraction of which both are whole multiples."""
    return Fraction(gcd(one.numerator, other.numerator), lcm(one.denominator, other.denominator))


def coefficient_of(expression: Expression) -> int:
    """A number that visibly divides the expression: itself, or the constant in front of a product."""
    match expression:
        case Constant(value):
            return value
        case Operation(Operator.MULTIPLY, (Constant(value), *_)):
            return value
        case _:
            return 1


def _reduced(first: Expression, second: Expression) -> tuple[Expression, Expression]:
    """Both divided by what visibly divides both; a denominator of a quotient stays positive."""
    divisor = gcd(coefficient_of(first), coefficient_of(second))
    return (_divided(first, divisor), _divided(second, divisor)) if divisor > 1 else (first, second)


def _divided(expression: Expression, divisor: int) -> Expression:
    if divisor == 1:
        return expression
    match expression:
        case Constant(value):
            return Constant(value // divisor)
        case Operation(Operator.MULTIPLY, (Constant(value), *others)):
            return product(Constant(value // divisor), *others)
        case _:
            raise AssertionError("the divisor is a visible one")
