"""Conditions on what a device reads, one beside the other: which of them holds whenever another one does.

A reading that stays away counts as one under which a condition holds. That the same readings are missing to
both conditions, and that neither names one twice, keeps what is implied for all readings implied without it.
"""

from __future__ import annotations

from ionto_ir.expression import Expression, Operation, Operator, Reference, references
from ionto_ir.monitor import MEASURED


def reads_alike(one: Expression, other: Expression) -> bool:
    """Whether what `other` implies for all readings it implies also where some of them are missing."""
    known = references(one) <= references(other)
    return known and _reads_once(one) and _reads_once(other)


def _reads_once(condition: Expression) -> bool:
    """Whether no reading is named twice, and none together with another one in a comparison."""
    read = [name for name in names_in(condition) if name in MEASURED]
    return len(read) == len(set(read)) and _apart(condition)


def _apart(condition: Expression) -> bool:
    if not isinstance(condition, Operation):
        return True
    if condition.operator in (Operator.AND, Operator.OR, Operator.NOT):
        return all(_apart(operand) for operand in condition.operands)
    return len(references(condition) & set(MEASURED)) <= 1


def names_in(expression: Expression) -> list[str]:
    """The names in an expression, each as often as it stands there."""
    match expression:
        case Reference(name, _):
            return [name]
        case Operation(_, operands):
            return [name for operand in operands for name in names_in(operand)]
        case _:
            return []
