"""Typed integer and boolean expressions: the one language of operands, guards and machine rules.

Every number in a plan is an exact integer in the base unit of its dimension, so an expression needs no
units and no floating point. Expressions are inert data: the executor evaluates them, the verifier encodes
them, the codec writes them down. They are built only through the factory functions below, which refuse
an ill-sorted term at once (an assertion: a wrong term is our bug, never the user's).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from enum import Enum

from ionto_ir.dataclass import dataclass

EXPRESSION_DEPTH_MAX = 64
"""Nesting of an expression: authors write a few levels, and whoever walks expressions recurses this deep."""


class Sort(Enum):
    """What an expression evaluates to."""

    INTEGER = "integer"
    BOOLEAN = "boolean"


class Operator(Enum):
    """Operators; the value is the spelling in the plan's JSON."""

    ADD = "+"
    SUBTRACT = "-"
    MULTIPLY = "*"
    DIVIDE_EXACTLY = "/"
    DIVIDE_FLOOR = "floor/"
    DIVIDE_CEILING = "ceil/"
    NEGATE = "neg"
    ABSOLUTE = "abs"
    MINIMUM = "min"
    MAXIMUM = "max"
    IF = "if"
    EQUAL = "=="
    NOT_EQUAL = "!="
    LESS = "<"
    LESS_EQUAL = "<="
    GREATER = ">"
    GREATER_EQUAL = ">="
    AND = "and"
    OR = "or"
    NOT = "not"


ARITHMETIC = frozenset(
    {
        Operator.ADD,
        Operator.SUBTRACT,
        Operator.MULTIPLY,
        Operator.DIVIDE_EXACTLY,
        Operator.DIVIDE_FLOOR,
        Operator.DIVIDE_CEILING,
        Operator.NEGATE,
        Operator.ABSOLUTE,
        Operator.MINIMUM,
        Operator.MAXIMUM,
    }
)
COMPARISONS = frozenset(
    {
        Operator.EQUAL,
        Operator.NOT_EQUAL,
        Operator.LESS,
        Operator.LESS_EQUAL,
        Operator.GREATER,
        Operator.GREATER_EQUAL,
    }
)
CONNECTIVES = frozenset({Operator.AND, Operator.OR, Operator.NOT})
DIVISIONS = frozenset({Operator.DIVIDE_EXACTLY, Operator.DIVIDE_FLOOR, Operator.DIVIDE_CEILING})


@dataclass(frozen=True, slots=True)
class Constant:
    """An exact integer."""

    value: int


@dataclass(frozen=True, slots=True)
class Truth:
    """A boolean constant."""

    value: bool


@dataclass(frozen=True, slots=True)
class Reference:
    """A variable of the plan (parameter, answer, record, geometry) or of the machine, by its full name."""

    name: str
    sort: Sort


@dataclass(frozen=True, slots=True)
class Operation:
    """An operator applied to its operands."""

    operator: Operator
    operands: tuple[Expression, ...]


Expression = Constant | Truth | Reference | Operation
Value = int | bool
Environment = Mapping[str, Value]


@dataclass(frozen=True, slots=True)
class Undefined:
    """An expression has no value: `reason` is in plain words, `culprit` is the smallest such part."""

    reason: str
    culprit: Expression


def sort_of(expression: Expression) -> Sort:
    """The sort of a well-formed expression."""
    match expression:
        case Constant():
            return Sort.INTEGER
        case Truth():
            return Sort.BOOLEAN
        case Reference(_, sort):
            return sort
        case Operation(Operator.IF, operands):
            return sort_of(operands[1])
        case Operation(operator, _):
            return Sort.INTEGER if operator in ARITHMETIC else Sort.BOOLEAN


def integer(value: int) -> Constant:
    """An integer constant; refuses a bool, which Python would let pass."""
    assert type(value) is int, f"not an integer: {value!r}"
    return Constant(value)


def integer_reference(name: str) -> Reference:
    """A reference to an integer variable."""
    return Reference(name, Sort.INTEGER)


def boolean_reference(name: str) -> Reference:
    """A reference to a boolean variable."""
    return Reference(name, Sort.BOOLEAN)


TRUE = Truth(True)
FALSE = Truth(False)
ZERO = Constant(0)


def operation(operator: Operator, *operands: Expression) -> Expression:
    """Build a well-sorted operation; an operation on constants alone is folded when it has a value."""
    problem = ill_sorted(operator, tuple(sort_of(operand) for operand in operands))
    assert problem is None, f"{operator.value}: {problem}"
    built = Operation(operator, operands)
    if all(isinstance(operand, Constant | Truth) for operand in operands):
        value = evaluate(built, {})
        if not isinstance(value, Undefined):
            return Truth(value) if isinstance(value, bool) else Constant(value)
    return built


def ill_sorted(operator: Operator, sorts: tuple[Sort, ...]) -> str | None:
    """What the operator takes, when operands of these sorts are not that; None when they are."""
    integers = all(sort is Sort.INTEGER for sort in sorts)
    match operator:
        case Operator.IF:
            fits = len(sorts) == 3 and sorts[0] is Sort.BOOLEAN and sorts[1] is sorts[2]
            return None if fits else "takes a boolean and two of one sort"
        case Operator.NOT:
            return None if sorts == (Sort.BOOLEAN,) else "takes one boolean"
        case Operator.AND | Operator.OR:
            return None if all(sort is Sort.BOOLEAN for sort in sorts) else "takes booleans"
        case Operator.NEGATE | Operator.ABSOLUTE:
            return None if sorts == (Sort.INTEGER,) else "takes one integer"
        case Operator.EQUAL | Operator.NOT_EQUAL:
            return None if len(sorts) == 2 and sorts[0] is sorts[1] else "takes two of one sort"
        case Operator.ADD | Operator.MULTIPLY | Operator.MINIMUM | Operator.MAXIMUM:
            return None if sorts and integers else "takes integers"
        case _:
            return None if len(sorts) == 2 and integers else "takes two integers"


def add(*operands: Expression) -> Expression:
    """Sum of integers; drops zeros."""
    kept = tuple(operand for operand in operands if operand != ZERO)
    if len(kept) < 2:
        return kept[0] if kept else ZERO
    return operation(Operator.ADD, *kept)


def subtract(left: Expression, right: Expression) -> Expression:
    """Difference of two integers."""
    return left if right == ZERO else operation(Operator.SUBTRACT, left, right)


def multiply(*operands: Expression) -> Expression:
    """Product of integers; drops ones."""
    kept = tuple(operand for operand in operands if operand != Constant(1))
    if any(operand == ZERO for operand in kept):
        return ZERO
    if len(kept) < 2:
        return kept[0] if kept else Constant(1)
    return operation(Operator.MULTIPLY, *kept)


def absolute(operand: Expression) -> Expression:
    """Magnitude of an integer."""
    return operation(Operator.ABSOLUTE, operand)


def minimum(*operands: Expression) -> Expression:
    """Smallest of the operands."""
    return operands[0] if len(operands) == 1 else operation(Operator.MINIMUM, *operands)


def maximum(*operands: Expression) -> Expression:
    """Largest of the operands."""
    return operands[0] if len(operands) == 1 else operation(Operator.MAXIMUM, *operands)


def divide_exactly(left: Expression, right: Expression) -> Expression:
    """A quotient that must come out exactly; otherwise the expression is undefined and the value refused."""
    return left if right == Constant(1) else operation(Operator.DIVIDE_EXACTLY, left, right)


def divide_floor(left: Expression, right: Expression) -> Expression:
    """A quotient rounded towards minus infinity, because the author asked for it."""
    return left if right == Constant(1) else operation(Operator.DIVIDE_FLOOR, left, right)


def divide_ceiling(left: Expression, right: Expression) -> Expression:
    """A quotient rounded towards plus infinity."""
    return left if right == Constant(1) else operation(Operator.DIVIDE_CEILING, left, right)


def compare(operator: Operator, left: Expression, right: Expression) -> Expression:
    """A comparison of two integers (or an equality of two booleans)."""
    assert operator in COMPARISONS, operator
    return operation(operator, left, right)


def less_equal(left: Expression, right: Expression) -> Expression:
    """left <= right."""
    return compare(Operator.LESS_EQUAL, left, right)


def equal(left: Expression, right: Expression) -> Expression:
    """left == right."""
    return compare(Operator.EQUAL, left, right)


def conjunction(*operands: Expression) -> Expression:
    """All of the operands; true when there are none."""
    kept = tuple(operand for operand in operands if operand != TRUE)
    if any(operand == FALSE for operand in kept):
        return FALSE
    if len(kept) < 2:
        return kept[0] if kept else TRUE
    return operation(Operator.AND, *kept)


def disjunction(*operands: Expression) -> Expression:
    """Any of the operands; false when there are none."""
    kept = tuple(operand for operand in operands if operand != FALSE)
    if any(operand == TRUE for operand in kept):
        return TRUE
    if len(kept) < 2:
        return kept[0] if kept else FALSE
    return operation(Operator.OR, *kept)


def negation(operand: Expression) -> Expression:
    """Not the operand; a double negation cancels."""
    if isinstance(operand, Operation) and operand.operator is Operator.NOT:
        return operand.operands[0]
    return operation(Operator.NOT, operand)


def choose(condition: Expression, when_true: Expression, when_false: Expression) -> Expression:
    """`when_true` if the condition holds, else `when_false`."""
    if condition == TRUE or when_true == when_false:
        return when_true
    if condition == FALSE:
        return when_false
    return operation(Operator.IF, condition, when_true, when_false)


def occurs(part: Expression, expression: Expression) -> bool:
    """Whether one expression is the other, or a part of it."""
    if part == expression:
        return True
    return isinstance(expression, Operation) and any(occurs(part, item) for item in expression.operands)


def references(expression: Expression) -> frozenset[str]:
    """Names of all variables that occur in the expression."""
    found: set[str] = set()
    pending = [expression]
    while pending:
        part = pending.pop()
        if isinstance(part, Reference):
            found.add(part.name)
        elif isinstance(part, Operation):
            pending.extend(part.operands)
    return frozenset(found)


def substitute(expression: Expression, replacements: Mapping[str, Expression]) -> Expression:
    """The expression with variables replaced and constants folded again."""
    match expression:
        case Reference(name, _):
            return replacements.get(name, expression)
        case Operation(operator, operands):
            return operation(operator, *(substitute(operand, replacements) for operand in operands))
        case _:
            return expression


def evaluate(expression: Expression, environment: Environment) -> Value | Undefined:
    """The exact value, or Undefined: total for every well-formed expression and every environment."""
    match expression:
        case Constant(value):
            return value
        case Truth(value):
            return value
        case Reference(name, _):
            if name in environment:
                return environment[name]
            return Undefined(f"`{name}` has no value", expression)
        case Operation(Operator.IF, operands):
            condition = evaluate(operands[0], environment)
            if isinstance(condition, Undefined):
                return condition
            return evaluate(operands[1] if condition else operands[2], environment)
        case Operation(operator, operands):
            values: list[int] = []
            for operand in operands:
                found = evaluate(operand, environment)
                if isinstance(found, Undefined):
                    return found
                values.append(found)
            return _apply(operator, values, expression)


def _apply(operator: Operator, values: list[int], whole: Expression) -> Value | Undefined:
    if operator in DIVISIONS:
        dividend, divisor = values
        if divisor == 0:
            return Undefined("it divides by zero", whole)
        if operator is Operator.DIVIDE_EXACTLY and dividend % divisor:
            return Undefined(f"{dividend} / {divisor} does not come out exactly", whole)
        return -(-dividend // divisor) if operator is Operator.DIVIDE_CEILING else dividend // divisor
    return _TOTAL[operator](values)


def _product(values: list[int]) -> int:
    result = 1
    for value in values:
        result *= value
    return result


_TOTAL: dict[Operator, Callable[[list[int]], Value]] = {
    Operator.ADD: sum,
    Operator.SUBTRACT: lambda v: v[0] - v[1],
    Operator.MULTIPLY: _product,
    Operator.NEGATE: lambda v: -v[0],
    Operator.ABSOLUTE: lambda v: abs(v[0]),
    Operator.MINIMUM: min,
    Operator.MAXIMUM: max,
    Operator.EQUAL: lambda v: v[0] == v[1],
    Operator.NOT_EQUAL: lambda v: v[0] != v[1],
    Operator.LESS: lambda v: v[0] < v[1],
    Operator.LESS_EQUAL: lambda v: v[0] <= v[1],
    Operator.GREATER: lambda v: v[0] > v[1],
    Operator.GREATER_EQUAL: lambda v: v[0] >= v[1],
    Operator.AND: all,
    Operator.OR: any,
    Operator.NOT: lambda v: not v[0],
}
