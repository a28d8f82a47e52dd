"""What a place in the language expects of an expression: its dimension, a whole number of base units, a
condition.

`place` begins the message and says what is expected there: "`hold for` takes a time".
"""

from __future__ import annotations

from fractions import Fraction

from ionto_dsl import surface
from ionto_dsl.expressions import as_condition, type_expression
from ionto_dsl.quantities import Amount, Ratio, exact_value, exactly_whole, ratio_of
from ionto_dsl.scope import Entry, Scope
from ionto_dsl.typed import Poison, Value
from ionto_dsl.wording import (
    EXAMPLE_UNITS,
    base_in_unit,
    kind_of,
    shown,
    unit_in_words,
    value_kind,
    written,
)
from ionto_ir.canonical import INTEGER_MAX
from ionto_ir.diagnostic import Edit, Label, error
from ionto_ir.expression import Constant, Expression
from ionto_ir.units import (
    AREA,
    BASE_UNITS,
    CHARGE,
    CURRENT,
    DENSITY,
    LENGTH,
    SLEW,
    TIME,
    Dimension,
    approximate,
)


def condition(expression: surface.Expression, scope: Scope) -> Expression | None:
    """The condition; None after an error."""
    return as_condition(type_expression(expression, scope), expression, scope)


def amount(
    expression: surface.Expression, expected: tuple[Dimension, ...], scope: Scope, place: str
) -> Amount | None:
    """The amount, of one of the expected dimensions; None after an error."""
    value = type_expression(expression, scope)
    if isinstance(value, Poison):
        return None
    if isinstance(value, Amount):
        if any(value.dimension.agrees_with(dimension) for dimension in expected):
            return value
        if exact_value(value) == 0 and value.dimension.is_plain and not expected[0].is_plain:
            _bare_number(value, expression, expected, scope, place)
            return None
    _unexpected(value, expression, expected, scope, place)
    return None


def whole(
    expression: surface.Expression, dimension: Dimension, scope: Scope, place: str
) -> Expression | None:
    """The value in base units as an operand; None after an error."""
    found = amount(expression, (dimension,), scope, place)
    return None if found is None else whole_amount(found, dimension, expression, scope)


def whole_amount(
    found: Amount, dimension: Dimension, expression: surface.Expression, scope: Scope
) -> Expression | None:
    """An amount as a whole number of base units: refused here when it never is, at bind time when it may not
    be.
    """
    ratio = ratio_of(found, dimension)
    if isinstance(ratio.numerator, Constant) and isinstance(ratio.denominator, Constant):
        return _whole_constant(ratio, found, dimension, expression, scope)
    return exactly_whole(ratio)


def _whole_constant(
    ratio: Ratio, found: Amount, dimension: Dimension, expression: surface.Expression, scope: Scope
) -> Expression | None:
    assert isinstance(ratio.numerator, Constant) and isinstance(ratio.denominator, Constant)
    value = Fraction(ratio.numerator.value, ratio.denominator.value)
    if value.denominator != 1:
        below = value.numerator // value.denominator
        low, high = (base_in_unit(near, dimension, found.unit) for near in (below, below + 1))
        base = BASE_UNITS[dimension]
        scope.found.append(
            error(
                "I0302",
                f"`{written(expression)}` is not a whole number of {base.symbol or 'units'}",
                expression.span,
                f"lies between {low} and {high}",
                notes=(
                    f"below the language {kind_of(dimension)} is counted in {base.symbol or 'ones'}, exactly",
                ),
                help=f"write {low} or {high}",
            )
        )
        return None
    if abs(value) > INTEGER_MAX:
        scope.found.append(
            error(
                "I0311",
                f"`{written(expression)}` is too large",
                expression.span,
                "beyond what the system counts exactly",
                notes=(f"the largest is {base_in_unit(INTEGER_MAX, dimension, found.unit)}",),
            )
        )
        return None
    return Constant(value.numerator)


def constant(expression: surface.Expression, dimension: Dimension, scope: Scope, place: str) -> int | None:
    """A value that is the same in every session, in base units; None after an error."""
    found = amount(expression, (dimension,), scope, place)
    if found is None:
        return None
    if exact_value(found) is None:
        scope.found.append(
            error(
                "I0308",
                f"`{written(expression)}` depends on a value that is given later, and must be fixed",
                expression.span,
                "not fixed",
                help="write the number; conditions on parameters and answers belong into `require` or `if`",
            )
        )
        return None
    operand = whole_amount(found, dimension, expression, scope)
    return operand.value if isinstance(operand, Constant) else None


def at_least(
    value: int | None, least: int, expression: surface.Expression, scope: Scope, place: str
) -> int | None:
    """The value unless it is below `least` base units (0 or 1 of them: negative, or not positive)."""
    if value is None or value >= least:
        return value
    scope.found.append(
        error(
            "I0312",
            f"{place}, and `{written(expression)}` is {'zero' if value == 0 else 'negative'}",
            expression.span,
            "expected more than zero" if least > 0 else "expected zero or more",
        )
    )
    return None


def positive(expression: surface.Expression, dimension: Dimension, scope: Scope, place: str) -> int | None:
    """A constant above zero."""
    return at_least(constant(expression, dimension, scope, place), 1, expression, scope, place)


def unit_of(expression: surface.Expression, scope: Scope) -> str:
    """The first unit that the author wrote in an expression, for messages and reports."""
    match expression:
        case surface.Number(_, _, unit):
            return "" if unit is None else unit.text
        case surface.Unary(_, operand):
            return unit_of(operand, scope)
        case surface.Binary(_, left, right):
            return unit_of(left, scope) or unit_of(right, scope)
        case surface.Call(_, arguments):
            return next((text for part in arguments if (text := unit_of(part, scope))), "")
        case surface.Reference():
            entry = scope.entries.get(expression.dotted)
            return entry.value.unit if entry is not None and isinstance(entry.value, Amount) else ""
        case _:
            return ""


# What to say when a place expected something else


def _bare_number(
    value: Amount,
    expression: surface.Expression,
    expected: tuple[Dimension, ...],
    scope: Scope,
    place: str,
) -> None:
    unit = EXAMPLE_UNITS.get(expected[0])
    text = written(expression)
    edit = None
    if value.dimension.share:
        message = f"{place}, and `{text}` is a share of something"
        scope.found.append(error("I0304", message, expression.span, f"expected {kind_of(expected[0])}"))
        return
    if unit is not None and isinstance(expression, surface.Number):
        edit = Edit(expression.span, f"{text} {unit}")
    scope.found.append(
        error(
            "I0310",
            f"{place}, and `{text}` has no unit",
            expression.span,
            f"expected {kind_of(expected[0])}",
            help=None if unit is None else f"say of what, for example `{text} {unit}`",
            edit=edit,
        )
    )


def _unexpected(
    value: Value, expression: surface.Expression, expected: tuple[Dimension, ...], scope: Scope, place: str
) -> None:
    text = written(expression)
    if not isinstance(value, Amount):
        scope.found.append(
            error(
                "I0305",
                f"{place}, and `{text}` is {value_kind(value)}",
                expression.span,
                f"expected {kind_of(expected[0])}",
            )
        )
        return
    if value.dimension.is_plain:
        _bare_number(value, expression, expected, scope, place)
        return
    note = unit_in_words(value.unit)
    advice, edit = _advice(value, expression, expected)
    scope.found.append(
        error(
            "I0304",
            f"{place}, and `{text}` is {kind_of(value.dimension)}",
            expression.span,
            f"expected {kind_of(expected[0])}",
            labels=_decided(value, expression, scope),
            notes=() if note is None else (note,),
            help=advice,
            edit=edit,
        )
    )


def _decided(value: Amount, expression: surface.Expression, scope: Scope) -> tuple[Label, ...]:
    """Where the dimension of a name was decided."""
    if not isinstance(expression, surface.Reference):
        return ()
    entry: Entry | None = scope.entries.get(expression.dotted)
    if entry is None:
        return ()
    known = shown(value)
    return (Label(entry.span, kind_of(value.dimension) + (f", {known}" if known else "")),)


DISC = Fraction(355, 452)
"""A quarter of pi, for reading."""


def _advice(
    value: Amount, expression: surface.Expression, expected: tuple[Dimension, ...]
) -> tuple[str | None, Edit | None]:
    """What was probably meant, for the confusions that published protocols really contain."""
    text = written(expression)
    wanted, got = expected[0], value.dimension
    if wanted == CHARGE and got == SLEW and value.unit.count("/") == 1:
        unit = value.unit.replace("/", ".")
        if not isinstance(expression, surface.Number):
            return f"a dose is a current multiplied by a time: where `{text}` is said, write `{unit}`", None
        meant = text.replace(value.unit, unit)
        return f"a dose is a current multiplied by a time: write `{meant}`", Edit(expression.span, meant)
    if wanted == CHARGE and got == CURRENT:
        if isinstance(expression, surface.Number) and value.unit:
            meant = f"{text}.min"
            return f"a dose is a current multiplied by a time, for example `{meant}`", Edit(
                expression.span, meant
            )
        return "a dose is a current multiplied by a time, for example `40 mA.min`", None
    if wanted == AREA and got == LENGTH and (across := exact_value(value)) is not None:
        disc = approximate(across * across * DISC / BASE_UNITS[AREA].factor, AREA, "cm2")
        return f"an area is a length times a length: a disc {text} across has {disc}", None
    return _ADVICE.get((wanted, got), "").replace("@", text) or None, None


_ADVICE: dict[tuple[Dimension, Dimension], str] = {
    (CHARGE, TIME): "to hold for a time, write `hold for @`",
    (TIME, CHARGE): "to hold until a charge is delivered, write `hold until @` or `hold until total @`",
    (TIME, CURRENT): "to change the current, write `ramp to @ over 30 s`",
    (CURRENT, CHARGE): "to deliver this charge, ramp to a current and write `hold until total @`",
    (CURRENT, SLEW): "a rate of change follows `at`: `ramp to 2 mA at @`",
    (TIME, SLEW): "a rate of change follows `at`: `ramp to 2 mA at @`",
    (SLEW, TIME): "a time follows `over`: `ramp to 2 mA over @`",
    (SLEW, CURRENT): "a rate is a current per time, for example `@/s`",
    (CHARGE, DENSITY): "a dose is a current multiplied by a time, for example `40 mA.min`",
}
