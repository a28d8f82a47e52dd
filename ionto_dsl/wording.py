"""How the front end speaks: values in the author's unit, expressions as written, dimensions by name."""

from __future__ import annotations

from fractions import Fraction
from typing import assert_never

from ionto_dsl import surface
from ionto_dsl.quantities import Amount, exact_value
from ionto_dsl.typed import Choice, Condition, Poison, Value
from ionto_ir.units import (
    AREA,
    BASE_UNITS,
    CHARGE,
    CURRENT,
    DENSITY,
    DIMENSIONLESS,
    FRACTION,
    SLEW,
    TIME,
    VOLTAGE,
    VOLUME,
    Dimension,
    dimension_name,
    format_number,
    parse_unit,
)

EXAMPLE_UNITS: dict[Dimension, str] = {
    CURRENT: "mA",
    TIME: "min",
    CHARGE: "mA.min",
    DENSITY: "mA/cm2",
    AREA: "cm2",
    SLEW: "mA/s",
    VOLTAGE: "V",
    VOLUME: "mL",
}
"""The unit that a message proposes for a number that has none."""

_SHOWN_MAX = 60
"""Characters of an expression that a message repeats; the span shows the rest."""


def a(noun: str) -> str:
    """The noun with its indefinite article."""
    return f"{'an' if noun[:1] in 'aeiou' else 'a'} {noun}"


def kind_of(dimension: Dimension) -> str:
    """`a charge`, `a plain number`, `a quantity in m.s`."""
    return a(dimension_name(dimension))


def value_kind(value: Value) -> str:
    """What a value is, for a label."""
    match value:
        case Amount():
            return kind_of(value.dimension)
        case Condition():
            return "a condition"
        case Choice(_, labels, _):
            return "one of " + ", ".join(f"`{label}`" for label in labels)
        case Poison():
            return "unknown"
        case _:
            assert_never(value)


def shown(amount: Amount) -> str:
    """A constant amount in its author's unit; an empty text when it depends on a variable."""
    value = exact_value(amount)
    return "" if value is None else in_unit(value, amount.dimension, amount.unit)


def in_unit(si_value: Fraction, dimension: Dimension, unit_text: str) -> str:
    """A value given in SI units, in the author's unit or else in the base unit."""
    unit = parse_unit(unit_text)
    if unit is not None and unit.dimension.agrees_with(dimension):
        number, symbol = si_value / unit.factor, unit_text
    elif dimension in BASE_UNITS:
        number, symbol = si_value / BASE_UNITS[dimension].factor, BASE_UNITS[dimension].symbol
    else:
        number, symbol = si_value, "in SI units"
    return f"{format_number(number)} {symbol}".rstrip()


def base_in_unit(value: int | Fraction, dimension: Dimension, unit_text: str) -> str:
    """A value given in base units, in the author's unit."""
    return in_unit(Fraction(value) * BASE_UNITS[dimension].factor, dimension, unit_text)


def written(expression: surface.Expression | surface.Range) -> str:
    """The expression as its author wrote it, up to spaces; shortened when it is long."""
    text = _written(expression)
    return text if len(text) <= _SHOWN_MAX else text[: _SHOWN_MAX - 1] + "…"


def _written(expression: surface.Expression | surface.Range) -> str:
    match expression:
        case surface.Number(text, _, unit):
            return text if unit is None else f"{text} {unit.text}"
        case surface.Reference():
            return expression.dotted
        case surface.Truth(value):
            return "yes" if value else "no"
        case surface.Unary(operator, operand):
            return operator + (" " if operator == "not" else "") + _grouped(operand)
        case surface.Binary(operator, left, right):
            return f"{_grouped(left)} {operator} {_grouped(right)}"
        case surface.Call(function, arguments):
            return f"{function.text}({', '.join(_written(argument) for argument in arguments)})"
        case surface.Range(low, high):
            return f"{_written(low)} .. {_written(high)}"
        case _:
            assert_never(expression)


def _grouped(expression: surface.Expression) -> str:
    text = _written(expression)
    return f"({text})" if isinstance(expression, surface.Binary) else text


def unit_in_words(unit_text: str) -> str | None:
    """`mA.min is a current multiplied by a time`, for units made of two factors."""
    for sign, words in ((".", "multiplied by"), ("·", "multiplied by"), ("/", "divided by")):
        if unit_text.count(sign) == 1:
            left, right = (parse_unit(part) for part in unit_text.split(sign))
            if left is not None and right is not None:
                return f"{unit_text} is {kind_of(left.dimension)} {words} {kind_of(right.dimension)}"
    return None


def is_number(dimension: Dimension) -> bool:
    """Whether it is a number without a unit."""
    return dimension in (DIMENSIONLESS, FRACTION)


def listed(names: list[str]) -> str:
    """`a`, `b` and `c`."""
    quoted = [f"`{name}`" for name in names]
    return quoted[0] if len(quoted) == 1 else ", ".join(quoted[:-1]) + " and " + quoted[-1]
