"""Reading: JSON back into the plan's dataclasses, following their shapes and believing nothing.

Every key must be there and no other may be; integers are integers and within what canonical JSON keeps
exactly; lists, texts and expressions are bounded. All problems are collected, each with its place
(`steps[3].until.kind`).
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import Enum
from typing import assert_never

from ionto_ir.canonical import INTEGER_MAX, Json
from ionto_ir.codec_shape import (
    EnumShape,
    ExpressionShape,
    IntegerShape,
    ListShape,
    OptionalShape,
    RecordShape,
    RowShape,
    Shape,
    SpanShape,
    SumShape,
    TextShape,
    TruthShape,
    ValueShape,
)
from ionto_ir.dataclass import dataclass, field
from ionto_ir.expression import (
    EXPRESSION_DEPTH_MAX,
    Constant,
    Expression,
    Operation,
    Operator,
    Reference,
    Sort,
    Truth,
    ill_sorted,
    sort_of,
)
from ionto_ir.source import Span

LIST_LENGTH_MAX = 20_000
"""Items of one list: twenty times the longest protocol that the speed goals speak of."""
TEXT_LENGTH_MAX = 10_000
"""Characters of one text: several printed pages, more than anybody reads at a bedside."""
PROBLEMS_MAX = 50
"""Problems that are told of one file; behind fifty the file is simply not a plan."""


class Missing(Enum):
    """Stands for a value that could not be read; the reason is among the problems."""

    VALUE = "missing"


@dataclass(frozen=True, slots=True)
class Problem:
    """What is wrong at a place inside the JSON; the place is empty for the whole."""

    place: str
    text: str


@dataclass(slots=True)
class Reader:
    """Collects problems while shapes are read; `sorts` says what each name in an expression stands for."""

    sorts: Mapping[str, Sort]
    problems: list[Problem] = field(default_factory=list)

    def refuse(self, place: str, text: str) -> Missing:
        """Note a problem and stand in for the value."""
        if len(self.problems) < PROBLEMS_MAX:
            self.problems.append(Problem(place, text))
        return Missing.VALUE

    def read(self, shape: Shape, found: Json, place: str) -> object:
        """The value that has this shape, or Missing after the reason was noted."""
        match shape:
            case IntegerShape():
                return self._integer(found, place)
            case TextShape():
                return self._text(found, place)
            case TruthShape():
                return self._truth(found, place)
            case ValueShape():
                return found if isinstance(found, bool) else self._integer(found, place)
            case ExpressionShape():
                return self.expression(found, place, 1)
            case SpanShape():
                return self._span(found, place)
            case EnumShape(enumeration):
                return self._enum(enumeration, found, place)
            case OptionalShape(inner):
                return None if found is None else self.read(inner, found, place)
            case ListShape(inner):
                return self._list(inner, found, place)
            case RowShape(items):
                return self._row(items, found, place)
            case RecordShape():
                return self._record(shape, found, place)
            case SumShape(alternatives):
                return self._sum(alternatives, found, place)
            case _:
                assert_never(shape)

    def _integer(self, found: Json, place: str) -> int | Missing:
        if type(found) is not int:
            return self.refuse(place, _expected("an integer", found))
        if abs(found) > INTEGER_MAX:
            return self.refuse(place, "the integer is beyond 2^53 - 1")
        return found

    def _truth(self, found: Json, place: str) -> bool | Missing:
        return found if isinstance(found, bool) else self.refuse(place, _expected("true or false", found))

    def _text(self, found: Json, place: str) -> str | Missing:
        if not isinstance(found, str):
            return self.refuse(place, _expected("a string", found))
        if len(found) > TEXT_LENGTH_MAX:
            return self.refuse(place, f"the text is longer than {TEXT_LENGTH_MAX} characters")
        return found

    def _enum(self, enumeration: type[Enum], found: Json, place: str) -> Enum | Missing:
        for member in enumeration:
            if member.value == found and isinstance(found, str):
                return member
        known = ", ".join(str(member.value) for member in enumeration)
        return self.refuse(place, f"{_shown(found)} is not known; expected one of {known}")

    def _span(self, found: Json, place: str) -> Span | Missing:
        if not isinstance(found, list) or len(found) != 5:
            return self.refuse(place, "expected [file, line, column, end line, end column]")
        file = self._text(found[0], f"{place}[0]")
        numbers = [self._integer(item, f"{place}[{index}]") for index, item in enumerate(found) if index]
        line, column, end_line, end_column = numbers
        if (
            isinstance(file, Missing)
            or isinstance(line, Missing)
            or isinstance(column, Missing)
            or isinstance(end_line, Missing)
            or isinstance(end_column, Missing)
        ):
            return Missing.VALUE
        if line < 1 or column < 1 or (end_line, end_column) < (line, column):
            return self.refuse(place, "the span ends before it begins")
        return Span(file, line, column, end_line, end_column)

    def _list(self, inner: Shape, found: Json, place: str) -> object:
        if not isinstance(found, list):
            return self.refuse(place, _expected("an array", found))
        if len(found) > LIST_LENGTH_MAX:
            return self.refuse(place, f"the array has more than {LIST_LENGTH_MAX} items")
        items = tuple(self.read(inner, item, f"{place}[{index}]") for index, item in enumerate(found))
        return Missing.VALUE if Missing.VALUE in items else items

    def _row(self, shapes: tuple[Shape, ...], found: Json, place: str) -> object:
        if not isinstance(found, list) or len(found) != len(shapes):
            return self.refuse(place, f"expected an array of {len(shapes)} items")
        items = tuple(
            self.read(shape, item, f"{place}[{index}]")
            for index, (shape, item) in enumerate(zip(shapes, found, strict=True))
        )
        return Missing.VALUE if Missing.VALUE in items else items

    def _record(self, shape: RecordShape, found: Json, place: str) -> object:
        if not isinstance(found, dict):
            return self.refuse(place, _expected("an object", found))
        expected = {name for name, _ in shape.fields} | (set() if shape.kind is None else {"kind"})
        for unknown in sorted(set(found) - expected):
            self.refuse(place, f"the field {_shown(unknown)} is not known")
        values: list[object] = []
        for name, inner in shape.fields:
            inner_place = f"{place}.{name}" if place else name
            if name in found:
                value = self.read(inner, found[name], inner_place)
                if name in shape.defaults and value == shape.defaults[name]:
                    value = self.refuse(inner_place, "this field is left out when it says nothing")
                values.append(value)
            elif name in shape.defaults:
                values.append(shape.defaults[name])
            else:
                values.append(self.refuse(inner_place, "this field is missing"))
        if Missing.VALUE in values or set(found) - expected:
            return Missing.VALUE
        made: object = shape.made(*values)
        return made

    def _sum(self, alternatives: tuple[RecordShape, ...], found: Json, place: str) -> object:
        if not isinstance(found, dict):
            return self.refuse(place, _expected("an object", found))
        for alternative in alternatives:
            if found.get("kind") == alternative.kind:
                return self._record(alternative, found, place)
        known = ", ".join(str(alternative.kind) for alternative in alternatives)
        return self.refuse(
            place, f"the kind {_shown(found.get('kind'))} is not known; expected one of {known}"
        )

    def expression(self, found: Json, place: str, depth: int) -> Expression | Missing:
        """The expression that the compact form stands for."""
        if depth > EXPRESSION_DEPTH_MAX:
            return self.refuse(place, f"the expression nests deeper than {EXPRESSION_DEPTH_MAX} levels")
        if isinstance(found, bool):
            return Truth(found)
        if isinstance(found, int):
            number = self._integer(found, place)
            return number if isinstance(number, Missing) else Constant(number)
        if isinstance(found, str):
            if found not in self.sorts:
                return self.refuse(place, f"the variable {_shown(found)} is not declared")
            return Reference(found, self.sorts[found])
        if isinstance(found, list):
            return self._operation(found, place, depth)
        return self.refuse(place, _expected("an expression", found))

    def _operation(self, found: list[Json], place: str, depth: int) -> Expression | Missing:
        name = found[0] if found else None
        operator = next((known for known in Operator if known.value == name and isinstance(name, str)), None)
        if operator is None:
            return self.refuse(place, f"the operator {_shown(name)} is not known")
        if len(found) > LIST_LENGTH_MAX:
            return self.refuse(place, f"the operation has more than {LIST_LENGTH_MAX} operands")
        operands: list[Expression] = []
        for index, item in enumerate(found[1:], 1):
            operand = self.expression(item, f"{place}[{index}]", depth + 1)
            if not isinstance(operand, Missing):
                operands.append(operand)
        if len(operands) < len(found) - 1:
            return Missing.VALUE
        problem = ill_sorted(operator, tuple(sort_of(operand) for operand in operands))
        if problem is not None:
            return self.refuse(place, f"the operator {_shown(operator.value)} {problem}")
        return Operation(operator, tuple(operands))


def _expected(what: str, found: Json) -> str:
    return f"expected {what}, found {_noun(found)}"


def _noun(found: Json) -> str:
    match found:
        case None:
            return "null"
        case bool():
            return "true or false"
        case int():
            return "an integer"
        case str():
            return "a string"
        case list():
            return "an array"
        case _:
            return "an object"


def _shown(found: object) -> str:
    """What the file says, in backticks, cut and with nothing that a terminal would obey."""
    text = str(found) if isinstance(found, str) else "nothing" if found is None else "something else"
    printable = "".join(character if character.isprintable() else "?" for character in text)
    return f"`{printable[:40]}`" if isinstance(found, str) else printable
