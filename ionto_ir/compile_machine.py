"""Turns the machine's table into plain Python functions, one for each row, by generating their text.

A tick has microseconds, and walking expression trees would take fifty times as long. The text is made from
the table alone: no word of a user, a plan or a file ever enters it. A test runs rows both ways and compares.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cache
from types import CodeType

from ionto_ir.constants import Constants
from ionto_ir.dataclass import dataclass, fields
from ionto_ir.expression import TRUE, Constant, Expression, Operation, Operator, Reference, Truth, references
from ionto_ir.machine import TABLE
from ionto_ir.machine_table import Case, Row
from ionto_ir.machine_terms import DEFINITIONS, INPUTS, EventKind
from ionto_ir.state import Machine, Mode

Outcome = tuple[Machine, Case]
Rule = Callable[..., Outcome]
"""(machine, *inputs of its event in the order of INPUTS) -> (machine, case that applied)."""

TOLD_AT_TICKS = ("duration_apart_cap_ms", "windows")
"""Constants of caps that move: the table is told at each tick what they come to."""

CONSTANT_NAMES = tuple(field.name for field in fields(Constants) if field.name not in TOLD_AT_TICKS)
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


Folded = dict[str, str]
"""Terms over constants alone, each with the name under which it is worked out once."""


def python_of(expression: Expression, folded: Folded) -> str:
    """The expression as Python text over local names of the same spelling."""
    if isinstance(expression, Operation):
        if expression.operator in (Operator.ADD, Operator.MULTIPLY):
            expression = _gathered(expression)
        if _is_fixed(expression):
            text = _plain(expression, folded)
            return folded.setdefault(text, f"fixed_{len(folded)}")
    return _plain(expression, folded)


def _is_fixed(expression: Expression) -> bool:
    """Whether it says the same at every tick."""
    return references(expression) <= set(CONSTANT_NAMES)


def _gathered(expression: Operation) -> Expression:
    """The same sum or product with what is fixed in it put together, so that it is worked out once."""
    fixed = [part for part in expression.operands if _is_fixed(part)]
    others = [part for part in expression.operands if not _is_fixed(part)]
    if len(fixed) < 2 or not others:
        return expression
    return Operation(expression.operator, (Operation(expression.operator, tuple(fixed)), *others))


def _plain(expression: Expression, folded: Folded) -> str:
    def text(part: Expression) -> str:
        return python_of(part, folded)

    match expression:
        case Constant(value):
            return str(value)
        case Truth(value):
            return str(value)
        case Reference(name, _):
            return name
        case Operation(Operator.IF, (condition, when_true, when_false)):
            return f"({text(when_true)} if {text(condition)} else {text(when_false)})"
        case Operation(Operator.NOT, (operand,)):
            return f"(not {text(operand)})"
        case Operation(Operator.NEGATE, (operand,)):
            return f"(-{text(operand)})"
        case Operation(Operator.MAXIMUM, (Reference(left, _), Reference(right, _))):
            return f"({left} if {left} >= {right} else {right})"
        case Operation(Operator.MINIMUM, (Reference(left, _), Reference(right, _))):
            return f"({left} if {left} <= {right} else {right})"
        case Operation(Operator.DIVIDE_CEILING, (dividend, divisor)):
            return f"(-(-{text(dividend)} // {text(divisor)}))"
        case Operation(operator, operands):
            parts = [text(operand) for operand in operands]
            if operator in _CALL:
                return f"{_CALL[operator]}({', '.join(parts)})"
            return f"({_INFIX[operator].join(parts)})"


def source_of(rows: tuple[Row, ...], definitions: Mapping[str, Expression] = DEFINITIONS) -> str:
    """The generated module: a factory that takes the constants and returns one function for each row."""
    folded: Folded = {}
    functions = [
        line for number, row in enumerate(rows) for line in _function(number, row, definitions, folded)
    ]
    names = "".join(f"row_{number}, " for number in range(len(rows)))
    lines = [
        f"def make(Machine, new, modes, cases, {', '.join(CONSTANT_NAMES)}):",
        *(f"    {name} = {text}" for text, name in folded.items()),
        *(f"    {line}" for line in functions),
        f"    return ({names})",
    ]
    return "\n".join(lines) + "\n"


def _function(number: int, row: Row, definitions: Mapping[str, Expression], folded: Folded) -> list[str]:
    arguments = "".join(f", {name}" for name in INPUTS.get(row.event, ()))
    lines = [
        f"def row_{number}(machine{arguments}):",
        f"    mode, {', '.join(VARIABLE_NAMES)} = machine",
    ]
    known: set[str] = set()
    for index, case in enumerate(row.cases):
        lines += _definitions(case.condition, definitions, known, "    ", folded)
        indent = "    "
        if case.condition != TRUE:
            lines.append(f"    if {python_of(case.condition, folded)}:")
            indent = "        "
        lines += _result(number, index, case, definitions, set(known), indent, folded)
    return lines


def _result(
    number: int,
    index: int,
    case: Case,
    definitions: Mapping[str, Expression],
    known: set[str],
    indent: str,
    folded: Folded,
) -> list[str]:
    if not case.updates and case.target is None:
        return [f"{indent}return machine, cases[{number}][{index}]"]
    lines = []
    for update in case.updates.values():
        lines += _definitions(update, definitions, known, indent, folded)
    mode = "mode" if case.target is None else f"modes[{case.target.value}]"
    values = (
        python_of(case.updates[name], folded) if name in case.updates else name for name in VARIABLE_NAMES
    )
    lines.append(f"{indent}return new(Machine, ({mode}, {', '.join(values)})), cases[{number}][{index}]")
    return lines


def _definitions(
    expression: Expression,
    definitions: Mapping[str, Expression],
    known: set[str],
    indent: str,
    folded: Folded,
) -> list[str]:
    """Assignments of the definitions that the expression needs and that are not known yet, in order."""
    needed: set[str] = set()
    pending = [expression]
    while pending:
        for name in references(pending.pop()):
            if name in definitions and name not in known and name not in needed:
                needed.add(name)
                pending.append(definitions[name])
    known |= needed
    return [
        f"{indent}{name} = {python_of(definitions[name], folded)}" for name in definitions if name in needed
    ]


@cache
def _code() -> CodeType:
    return code_of(TABLE, DEFINITIONS)


def code_of(table: tuple[Row, ...], definitions: Mapping[str, Expression]) -> CodeType:
    """The compiled text of a table."""
    return compile(source_of(table, definitions), "<machine table>", "exec")


def rules_for(constants: Constants, table: tuple[Row, ...] = TABLE, code: CodeType | None = None) -> Rules:
    """The table's functions for these constants (another table with its code serves to test mutants)."""
    space: dict[str, Callable[..., tuple[Rule, ...]]] = {}
    exec(code or _code(), {}, space)
    cases = tuple(row.cases for row in table)
    values = [getattr(constants, name) for name in CONSTANT_NAMES]
    functions = space["make"](Machine, tuple.__new__, tuple(Mode), cases, *values)
    found = {
        (mode, row.event): function
        for row, function in zip(table, functions, strict=True)
        for mode in row.modes
    }
    return Rules(tuple(tuple(found[mode, event] for event in EventKind) for mode in Mode))
