"""A condition of a plan in its author's words, as far as it can be told from the plan alone."""

from __future__ import annotations

from ionto_ir.expression import COMPARISONS, Constant, Expression, Operation, Operator, Reference
from ionto_ir.plan import Plan, Variable
from ionto_ir.units import CHARGE, CURRENT, RESISTANCE, TIME, VOLTAGE, Dimension, format_quantity
from ionto_ir.wording import value_text

OBSERVED: dict[str, tuple[str, Dimension, str]] = {
    "measured.current": ("current", CURRENT, "mA"),
    "measured.voltage": ("voltage", VOLTAGE, "V"),
    "measured.impedance": ("impedance", RESISTANCE, "kOhm"),
    "output.charge": ("charge", CHARGE, "mA.min"),
    "output.elapsed": ("elapsed", TIME, "min"),
}
"""What monitors and `prove` lines may refer to, and the unit in which most people write it."""

_OPPOSITE = {
    Operator.LESS: Operator.GREATER,
    Operator.LESS_EQUAL: Operator.GREATER_EQUAL,
    Operator.GREATER: Operator.LESS,
    Operator.GREATER_EQUAL: Operator.LESS_EQUAL,
}

_SIGNS = {Operator.EQUAL: "="}
"""Where the language writes another sign than a plan."""


def condition_text(plan: Plan, condition: Expression) -> str | None:
    """Comparisons of a value with a number, answers, and what `and`, `or`, `not` make of them; else None."""
    match condition:
        case Reference(name, _):
            return name
        case Operation(Operator.NOT, (operand,)):
            inner = condition_text(plan, operand)
            return None if inner is None else f"not {_bracketed(operand, inner)}"
        case Operation(Operator.AND | Operator.OR as operator, operands):
            parts = [(operand, condition_text(plan, operand)) for operand in operands]
            told = [_bracketed(operand, text) for operand, text in parts if text is not None]
            return f" {operator.value} ".join(told) if len(told) == len(parts) else None
        case Operation(operator, (Reference(name, _), Constant(value))) if operator in COMPARISONS:
            return _compared(plan, name, operator, value)
        case Operation(operator, (Constant(value), Reference(name, _))) if operator in COMPARISONS:
            return _compared(plan, name, _OPPOSITE.get(operator, operator), value)
        case _:
            return None


def _bracketed(expression: Expression, text: str) -> str:
    joined = isinstance(expression, Operation) and expression.operator in (Operator.AND, Operator.OR)
    return f"({text})" if joined else text


def _compared(plan: Plan, name: str, operator: Operator, value: int) -> str | None:
    if name in OBSERVED:
        word, dimension, unit = OBSERVED[name]
        return f"{word} {operator.value} {format_quantity(value, dimension, unit)}"
    found: Variable | None = next((item for item in plan.variables if item.name == name), None)
    if found is None:
        return None
    return f"{name} {_SIGNS.get(operator, operator.value)} {value_text(found, value)}"
