"""Turns the machine's table into plain Python functions, one for each row, by generating their text.

A tick has microseconds, and walking expression trees would take fifty times as long. The text is made from
the table alone: no word of a user, a plan or a file ever enters it. A test runs rows both ways and compares.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from types import CodeType

from ionto_ir.constants import Constants
from ionto_ir.dataclass import dataclass, fields
from ionto_ir.expression import Constant, Expression, Operation, Operator, Reference, Truth, references
from ionto_ir.machine import TABLE
from ionto_ir.machine_table import Case, Row
from ionto_ir.machine_terms import DEFINITIONS, INPUTS, EventKind
from ionto_ir.state import Machine, Mode

Outcome = tuple[Machine, Case]
Rule = Callable[..., Outcome]
"""(machine, *inputs of its event in the order of INPUTS) -> (machine, case that applied)."""

CONSTANT_NAMES = tuple(field.name for field in fields(Constants))
VARIABLE_NAMES = Machine._fields[1:]

_INFIX = {
    Operator.ADD: " + ",
    Operator.SUBTRACT: " - ",
    Operator.MULTIPLY: " * ",
    Operator.DIVIDE_FLOOR: " // ",
    Operator.EQUAL: " == ",
    Operator.NOT_EQUAL: " != ",
    Operator.LESS: " < ",
    Operator.LESS_EQUAL: " <= ",
    Operator.GREATER: " > ",
    Operator.GREATER_EQUAL: " >= ",
    Operator.AND: " and ",
    Operator.OR: " or ",
}
_CALL = {Operator.ABSOLUTE: "abs", Operator.MINIMUM: "min", Operator.MAXIMUM: "max"}


@dataclass(frozen=True, slots=True)
class Rules:
    """The compiled table with its constants filled in: `rules.of[mode][event](machine, *inputs)`."""

    of: tuple[tuple[Rule, ...], ...]


def python_of(expression: Expression) -> str:
    """The expression as Python text over local names of the same spelling."""
    match expression:
        case Constant(value):
            return str(value)
        case Truth(value):
            return str(value)
        case Reference(name, _):
            return name
        case Operation(Operator.IF, (condition, when_true, when_false)):
            return f"({python_of(when_true)} if {python_of(condition)} else {python_of(when_false)})"
        case Operation(Operator.NOT, (operand,)):
            return f"(not {python_of(operand)})"
        case Operation(Operator.NEGATE, (operand,)):
            return f"(-{python_of(operand)})"
        case Operation(Operator.MAXIMUM, (Reference(left, _), Reference(right, _))):
            return f"({left} if {left} >= {right} else {right})"
        case Operation(Operator.DIVIDE_CEILING, (left, right)):
            return f"(-(-{python_of(left)} // {python_of(right)}))"
        case Operation(operator, operands):
            parts = [python_of(operand) for operand in operands]
            if operator in _CALL:
                return f"{_CALL[operator]}({', '.join(parts)})"
            return f"({_INFIX[operator].join(parts)})"


def source_of(rows: tuple[Row, ...]) -> str:
    """The generated module: a factory that takes the constants and returns one function for each row."""
    lines = [f"def make(Machine, new, modes, cases, {', '.join(CONSTANT_NAMES)}):"]
    for number, row in enumerate(rows):
        lines += [f"    {line}" for line in _function(number, row)]
    names = "".join(f"row_{number}, " for number in range(len(rows)))
    lines.append(f"    return ({names})")
    return "\n".join(lines) + "\n"


def _function(number: int, row: Row) -> list[str]:
    arguments = "".join(f", {name}" for name in INPUTS.get(row.event, ()))
    lines = [
        f"def row_{number}(machine{arguments}):",
        f"    mode, {', '.join(VARIABLE_NAMES)} = machine",
    ]
    known: set[str] = set()
    for index, case in enumerate(row.cases):
        lines += _definitions(case.condition, known, "    ")
        indent = "    "
        if python_of(case.condition) != "True":
            lines.append(f"    if {python_of(case.condition)}:")
            indent = "        "
        lines += _result(number, index, case, set(known), indent)
    return lines


def _result(number: int, index: int, case: Case, known: set[str], indent: str) -> list[str]:
    if not case.updates and case.target is None:
        return [f"{indent}return machine, cases[{number}][{index}]"]
    lines = []
    for update in case.updates.values():
        lines += _definitions(update, known, indent)
    mode = "mode" if case.target is None else f"modes[{case.target.value}]"
    values = (python_of(case.updates[name]) if name in case.updates else name for name in VARIABLE_NAMES)
    lines.append(f"{indent}return new(Machine, ({mode}, {', '.join(values)})), cases[{number}][{index}]")
    return lines


def _definitions(expression: Expression, known: set[str], indent: str) -> list[str]:
    """Assignments of the definitions that the expression needs and that are not known yet, in order."""
    needed: set[str] = set()
    pending = [expression]
    while pending:
        for name in references(pending.pop()):
            if name in DEFINITIONS and name not in known and name not in needed:
                needed.add(name)
                pending.append(DEFINITIONS[name])
    known |= needed
    return [f"{indent}{name} = {python_of(DEFINITIONS[name])}" for name in DEFINITIONS if name in needed]


@cache
def _code() -> CodeType:
    return compile(source_of(TABLE), "<machine table>", "exec")


def rules_for(constants: Constants) -> Rules:
    """The table's functions for these constants."""
    space: dict[str, Callable[..., tuple[Rule, ...]]] = {}
    exec(_code(), {}, space)
    cases = tuple(row.cases for row in TABLE)
    values = [getattr(constants, name) for name in CONSTANT_NAMES]
    functions = space["make"](Machine, tuple.__new__, tuple(Mode), cases, *values)
    found = {
        (mode, row.event): function
        for row, function in zip(TABLE, functions, strict=True)
        for mode in row.modes
    }
    return Rules(tuple(tuple(found[mode, event] for event in EventKind) for mode in Mode))
