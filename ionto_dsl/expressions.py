"""From a surface expression to a typed value: names looked up, units read, dimensions followed."""

from __future__ import annotations

from typing import assert_never

from ionto_dsl import surface
from ionto_dsl.quantities import (
    Amount,
    comparison,
    exact_value,
    greatest,
    in_base_units,
    least,
    literal,
    minus,
    negative,
    over,
    plus,
    times,
)
from ionto_dsl.scope import Scope
from ionto_dsl.suggest import nearest
from ionto_dsl.typed import POISON, Choice, Condition, Poison, Value
from ionto_dsl.wording import kind_of, unit_in_words, value_kind, written
from ionto_ir.canonical import INTEGER_MAX
from ionto_ir.diagnostic import Diagnostic, Label, error
from ionto_ir.expression import (
    FALSE,
    TRUE,
    Constant,
    Expression,
    Operation,
    Operator,
    compare,
    conjunction,
    disjunction,
    integer,
    integer_reference,
    negation,
)
from ionto_ir.source import Span
from ionto_ir.unit_advice import unit_advice
from ionto_ir.units import CHARGE, CURRENT, PLAIN, RESISTANCE, TIME, VOLTAGE, Dimension, parse_unit

NESTING_MAX = 50
"""Levels of an expression as written: people write a few, and the functions below recurse this deep."""
PARTS_MAX = 300
"""Numbers, names and operators of one expression as written: a page of it nobody can review."""
DEPTH_MAX = 48
"""Levels of an expression in the plan, which allows 64: what lowering puts around it must fit too."""
SIZE_MAX = 1_000
"""Nodes of an expression in the plan. `let` can double a size line by line, so the sum must be bounded."""

_OBSERVED: dict[str, tuple[Dimension, str]] = {
    "output.current": (CURRENT, "mA"),
    "output.charge": (CHARGE, "mA.min"),
    "output.elapsed": (TIME, "min"),
    "measured.current": (CURRENT, "mA"),
    "measured.voltage": (VOLTAGE, "V"),
    "measured.impedance": (RESISTANCE, "kOhm"),
}
"""What may be spoken of besides declared values, in `prove` lines and monitors, with a unit for messages."""

_COMPARISONS = {
    "=": Operator.EQUAL,
    "!=": Operator.NOT_EQUAL,
    "<": Operator.LESS,
    "<=": Operator.LESS_EQUAL,
    ">": Operator.GREATER,
    ">=": Operator.GREATER_EQUAL,
}


def type_expression(expression: surface.Expression, scope: Scope) -> Value:
    """The value of an expression; POISON when it has an error, which is then in `scope.found`."""
    if not _readable(expression):
        _refuse(
            scope,
            "I0311",
            "this expression is too large to review",
            expression.span,
            f"more than {NESTING_MAX} levels or {PARTS_MAX} parts",
            advice="give its parts names with `let`, or simplify it",
        )
        return POISON
    value = _typed(expression, scope)
    return POISON if _oversized(value, expression.span, scope) else value


def _readable(expression: surface.Expression) -> bool:
    pending = [(expression, 1)]
    count = 0
    while pending:
        part, depth = pending.pop()
        count += 1
        if depth > NESTING_MAX or count > PARTS_MAX:
            return False
        match part:
            case surface.Unary(_, operand):
                pending.append((operand, depth + 1))
            case surface.Binary(_, left, right):
                pending += [(left, depth + 1), (right, depth + 1)]
            case surface.Call(_, arguments):
                pending += [(argument, depth + 1) for argument in arguments]
            case _:
                pass
    return True


def _oversized(value: Value, span: Span, scope: Scope) -> bool:
    parts: tuple[Expression, ...]
    match value:
        case Amount(numerator, denominator):
            parts = (numerator, denominator)
        case Condition(expression) | Choice(expression):
            parts = (expression,)
        case _:
            return False
    fault = too_large(parts, span)
    if fault is None:
        return False
    scope.found.append(fault)
    return True


def too_large(parts: tuple[Expression, ...], span: Span) -> Diagnostic | None:
    """Why expressions cannot stand in a plan: too deep, too many parts, or a number too large to be exact."""
    fault = _fault_of(parts)
    if fault is None:
        return None
    message, advice = fault
    return error("I0311", message, span, "here", help=advice)


def _fault_of(parts: tuple[Expression, ...]) -> tuple[str, str] | None:
    pending = [(part, 1) for part in parts]
    count = 0
    while pending:
        part, depth = pending.pop()
        count += 1
        if depth > DEPTH_MAX or count > SIZE_MAX:
            return "this expression is too large to review", "the `let` values in it count in full: simplify"
        if isinstance(part, Constant) and abs(part.value) > INTEGER_MAX:
            return (
                "this number is too large, or too finely divided, to be exact in every part of the system",
                "values must stay within 9007199254740991 base units",
            )
        if isinstance(part, Operation):
            pending += [(operand, depth + 1) for operand in part.operands]
    return None


def _typed(expression: surface.Expression, scope: Scope) -> Value:
    match expression:
        case surface.Number():
            return _number(expression, scope)
        case surface.Reference():
            return _reference(expression, scope)
        case surface.Truth(value):
            return Condition(TRUE if value else FALSE)
        case surface.Unary():
            return _unary(expression, scope)
        case surface.Binary(operator):
            return _CONNECTIVE.get(operator, _arithmetic)(expression, scope)
        case surface.Call():
            return _call(expression, scope)
        case _:
            assert_never(expression)


def _number(number: surface.Number, scope: Scope) -> Value:
    if number.unit is None:
        return literal(number.value, PLAIN)
    unit = parse_unit(number.unit.text)
    if unit is not None:
        return literal(number.value, unit)
    _refuse(
        scope,
        "I0309",
        f"there is no unit `{number.unit.text}`",
        number.unit.span,
        "not a unit",
        advice=unit_advice(number.unit.text)
        or "units are spelled as in UCUM: `mA`, `mA.min`, `mA/cm2`, `kOhm`, `min`",
    )
    return POISON


def _reference(reference: surface.Reference, scope: Scope) -> Value:
    name = reference.dotted
    full = next((item for item in scope.observed if item == name), None)
    if full is None and name not in scope.entries:
        full = next((item for item in scope.observed if item.endswith(f".{name}")), None)
    if full is not None:
        dimension, unit = _OBSERVED[full]
        return in_base_units(integer_reference(full), dimension, unit)
    if name in _OBSERVED:
        place = "monitors" if name.startswith("measured.") else "`prove` lines and monitors"
        _refuse(
            scope,
            "I0201",
            f"`{name}` is known only in {place}",
            reference.span,
            "not known here",
            advice="a protocol acts on parameters, answers and records; what flows is what it makes flow",
        )
        return POISON
    if name.startswith(("previous.", "course.")) and name not in scope.entries:
        return _not_remembered(name, reference.span, scope)
    return scope.look_up(name, reference.span)


def _not_remembered(name: str, span: Span, scope: Scope) -> Value:
    """A name that speaks of earlier sessions, and nothing is kept of them under it."""
    of_course, _, inner = name.partition(".")
    message, advice = (
        f"nothing is remembered as `{name}`",
        "a session knows `course.session` and `course.phase`",
    )
    if of_course == "previous":
        advice = f"carry it, and say what holds before: `carry {inner} from previous session first ...`"
    _refuse(scope, "I0201", message, span, "not known", advice=advice)
    return POISON


def _unary(expression: surface.Unary, scope: Scope) -> Value:
    value = _typed(expression.operand, scope)
    if isinstance(value, Poison):
        return POISON
    if expression.operator == "not":
        inner = as_condition(value, expression.operand, scope)
        return POISON if inner is None else Condition(negation(inner))
    if not isinstance(value, Amount):
        return _not_a_quantity(value, expression.operand, expression.operator, scope)
    return negative(value) if expression.operator == "-" else value


def _connected(expression: surface.Binary, scope: Scope) -> Value:
    left = as_condition(_typed(expression.left, scope), expression.left, scope)
    right = as_condition(_typed(expression.right, scope), expression.right, scope)
    if left is None or right is None:
        return POISON
    operator = Operator.AND if expression.operator == "and" else Operator.OR
    parts = (*_parts(left, operator), *_parts(right, operator))
    return Condition(conjunction(*parts) if operator is Operator.AND else disjunction(*parts))


def _parts(expression: Expression, operator: Operator) -> tuple[Expression, ...]:
    """The operands of a chain, so that a long one stays flat."""
    if isinstance(expression, Operation) and expression.operator is operator:
        return expression.operands
    return (expression,)


def _compared(expression: surface.Binary, scope: Scope) -> Value:
    left = _typed(expression.left, scope)
    if isinstance(left, Choice):
        return _label_compared(left, expression, scope)
    if isinstance(left, Poison) and isinstance(expression.right, surface.Reference):
        return POISON  # the right side may be a label of what is not known
    right = _typed(expression.right, scope)
    if isinstance(left, Poison) or isinstance(right, Poison):
        return POISON
    operator = _COMPARISONS[expression.operator]
    if isinstance(left, Amount) and isinstance(right, Amount):
        if not _agree(left, right, expression, scope):
            return POISON
        return Condition(comparison(operator, left, right))
    if isinstance(left, Condition) and isinstance(right, Condition):
        if operator in (Operator.EQUAL, Operator.NOT_EQUAL):
            return Condition(_same_truth(left.expression, right.expression, operator))
        return _unordered(expression, scope)
    _refuse(
        scope,
        "I0305",
        f"`{written(expression.left)}` and `{written(expression.right)}` cannot be compared",
        expression.operator_span,
        "two different kinds of value",
        Label(expression.left.span, value_kind(left)),
        Label(expression.right.span, value_kind(right)),
    )
    return POISON


def _same_truth(left: Expression, right: Expression, operator: Operator) -> Expression:
    for one, other in ((left, right), (right, left)):
        if other in (TRUE, FALSE):
            return one if (other == TRUE) is (operator is Operator.EQUAL) else negation(one)
    return compare(operator, left, right)


def _unordered(expression: surface.Binary, scope: Scope) -> Value:
    _refuse(
        scope,
        "I0305",
        f"`{expression.operator}` compares quantities",
        expression.operator_span,
        "these have no order",
        advice="compare them with `=` or `!=`, joined by `or`",
    )
    return POISON


def _label_compared(choice: Choice, expression: surface.Binary, scope: Scope) -> Value:
    """`skin = blister`: the right side is one of the labels of the left side."""
    operator = _COMPARISONS[expression.operator]
    if operator not in (Operator.EQUAL, Operator.NOT_EQUAL):
        return _unordered(expression, scope)
    right = expression.right
    label = right.dotted if isinstance(right, surface.Reference) else written(right)
    if label in choice.labels:
        return Condition(compare(operator, choice.expression, integer(choice.labels.index(label))))
    near = nearest(label, choice.labels)
    known = ", ".join(f"`{known}`" for known in choice.labels)
    _refuse(
        scope,
        "I0306",
        f"`{label}` is not one of the labels of `{choice.name}`",
        right.span,
        "not a label",
        advice=f"did you mean `{near}`?" if near is not None else f"its labels are {known}",
    )
    return POISON


def _arithmetic(expression: surface.Binary, scope: Scope) -> Value:
    left, right = _typed(expression.left, scope), _typed(expression.right, scope)
    for value, part in ((left, expression.left), (right, expression.right)):
        if not isinstance(value, Amount | Poison):
            return _not_a_quantity(value, part, expression.operator, scope)
    if not isinstance(left, Amount) or not isinstance(right, Amount):
        return POISON
    match expression.operator:
        case "*":
            return times(left, right)
        case "/":
            return _quotient(left, right, expression, scope)
        case _ if not _agree(left, right, expression, scope):
            return POISON
        case "+":
            return plus(left, right)
        case _:
            return minus(left, right)


def _quotient(left: Amount, right: Amount, expression: surface.Binary, scope: Scope) -> Value:
    quotient = over(left, right, scope.extents)
    if quotient is not None:
        return quotient
    zero = exact_value(right) == 0
    _refuse(
        scope,
        "I0307",
        f"`{written(expression.right)}` {'is' if zero else 'may be'} zero",
        expression.right.span,
        "a division by zero has no value",
        advice=None if zero else "let its range begin above zero",
    )
    return POISON


def _call(expression: surface.Call, scope: Scope) -> Value:
    values = [_typed(argument, scope) for argument in expression.arguments]
    name = expression.function.text
    for value, argument in zip(values, expression.arguments, strict=True):
        if not isinstance(value, Amount | Poison):
            return _not_a_quantity(value, argument, name, scope)
    combine = least if name == "min" else greatest
    result: Value = values[0]
    for value, argument in zip(values[1:], expression.arguments[1:], strict=True):
        if not isinstance(result, Amount) or not isinstance(value, Amount):
            return POISON
        if not result.dimension.agrees_with(value.dimension):
            first = expression.arguments[0]
            _disagree(result, value, first, argument, f"`{name}` compares its values", argument.span, scope)
            return POISON
        result = combine(result, value)
    return result


def _agree(left: Amount, right: Amount, expression: surface.Binary, scope: Scope) -> bool:
    if left.dimension.agrees_with(right.dimension):
        return True
    adds = expression.operator in "+-"
    verb = {"+": "added", "-": "subtracted"}[expression.operator] if adds else "compared"
    message = f"{kind_of(left.dimension)} and {kind_of(right.dimension)} cannot be {verb}"
    _disagree(left, right, expression.left, expression.right, message, expression.operator_span, scope)
    return False


def _disagree(
    left: Amount,
    right: Amount,
    left_part: surface.Expression,
    right_part: surface.Expression,
    message: str,
    span: Span,
    scope: Scope,
) -> None:
    notes = tuple(note for note in (unit_in_words(left.unit), unit_in_words(right.unit)) if note is not None)
    plain = right.dimension.is_plain or left.dimension.is_plain
    _refuse(
        scope,
        "I0301",
        message,
        span,
        "the dimensions differ",
        Label(left_part.span, kind_of(left.dimension)),
        Label(right_part.span, kind_of(right.dimension)),
        notes=notes,
        advice="a number needs its unit, for example `2 mA`" if plain else None,
    )


def as_condition(value: Value, expression: surface.Expression, scope: Scope) -> Expression | None:
    """The boolean expression of a condition; None (and a diagnostic) for anything else."""
    if isinstance(value, Condition):
        return value.expression
    if not isinstance(value, Poison):
        text = written(expression)
        advice = (
            f"compare it, for example `{text} = {value.labels[0]}`" if isinstance(value, Choice) else None
        )
        if isinstance(value, Amount):
            advice = f"say what it is compared with: `{text} <= ...`"
        _refuse(
            scope,
            "I0305",
            f"`{text}` is {value_kind(value)}, and a condition is expected",
            expression.span,
            "neither true nor false",
            advice=advice,
        )
    return None


def _not_a_quantity(value: Value, expression: surface.Expression, operator: str, scope: Scope) -> Value:
    _refuse(
        scope,
        "I0305",
        f"`{operator}` takes quantities, and `{written(expression)}` is {value_kind(value)}",
        expression.span,
        "not a quantity",
    )
    return POISON


def _refuse(
    scope: Scope,
    code: str,
    message: str,
    span: Span,
    text: str,
    *labels: Label,
    notes: tuple[str, ...] = (),
    advice: str | None = None,
) -> None:
    scope.found.append(error(code, message, span, text, labels=labels, notes=notes, help=advice))


_CONNECTIVE = {"and": _connected, "or": _connected} | dict.fromkeys(_COMPARISONS, _compared)
