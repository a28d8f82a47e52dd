"""Shapes: what the plan's dataclasses look like in JSON, worked out from their annotations once.

The writer, the reader and the published JSON Schema all walk the same shapes, so they cannot disagree. What
is not read off the annotations is written here by hand: the name of every alternative of a sum, and the two
compact forms (expressions and spans).
"""

from __future__ import annotations

import types
import typing
from collections.abc import Mapping
from enum import Enum

from ionto_ir.dataclass import MISSING, dataclass, field, fields, is_dataclass
from ionto_ir.expression import Expression, Value
from ionto_ir.plan import (
    BooleanDomain,
    Branch,
    ChoiceDomain,
    Classify,
    Confirm,
    Demand,
    Finish,
    ForTime,
    Hold,
    Instruct,
    IntegerDomain,
    Loop,
    Move,
    Ramp,
    Record,
    Reverse,
    UntilCharge,
    UntilTotal,
    Wait,
)
from ionto_ir.source import Span

KINDS: dict[type, str] = {
    Ramp: "ramp",
    Hold: "hold",
    Wait: "wait",
    Reverse: "reverse",
    Confirm: "confirm",
    Instruct: "instruct",
    Record: "record",
    Move: "move",
    Branch: "branch",
    Loop: "loop",
    Demand: "demand",
    Classify: "classify",
    Finish: "finish",
    ForTime: "time",
    UntilCharge: "charge",
    UntilTotal: "total",
    IntegerDomain: "integer",
    BooleanDomain: "yes/no",
    ChoiceDomain: "choice",
}
"""The `kind` that tells the alternatives of a sum apart. A name is never reused for something else."""


@dataclass(frozen=True, slots=True)
class IntegerShape:
    """An exact integer."""


@dataclass(frozen=True, slots=True)
class TextShape:
    """A string."""


@dataclass(frozen=True, slots=True)
class TruthShape:
    """true or false."""


@dataclass(frozen=True, slots=True)
class ValueShape:
    """A value of a variable: an integer, or true or false."""


@dataclass(frozen=True, slots=True)
class ExpressionShape:
    """The compact form of an expression: 4, true, "current", ["+", ...]."""


@dataclass(frozen=True, slots=True)
class SpanShape:
    """[file, line, column, end line, end column]."""


@dataclass(frozen=True, slots=True)
class EnumShape:
    """One of the values of an enumeration."""

    enumeration: type[Enum]


@dataclass(frozen=True, slots=True)
class OptionalShape:
    """null or something."""

    inner: Shape


@dataclass(frozen=True, slots=True)
class ListShape:
    """An array of any length, all items alike."""

    inner: Shape


@dataclass(frozen=True, slots=True)
class RowShape:
    """An array of a fixed length."""

    items: tuple[Shape, ...]


@dataclass(frozen=True, slots=True)
class RecordShape:
    """An object with exactly these keys, and `kind` when it is an alternative of a sum.

    `defaults` holds the fields that joined the record after plans of it were sealed. Such a field is left out
    when it has its default, so that an old plan still is what it was, byte for byte.
    """

    made: type
    kind: str | None
    fields: tuple[tuple[str, Shape], ...]
    defaults: Mapping[str, object] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class SumShape:
    """One of several objects, told apart by `kind`."""

    alternatives: tuple[RecordShape, ...]


Shape = (
    IntegerShape
    | TextShape
    | TruthShape
    | ValueShape
    | ExpressionShape
    | SpanShape
    | EnumShape
    | OptionalShape
    | ListShape
    | RowShape
    | RecordShape
    | SumShape
)

_records: dict[type, RecordShape] = {}
_ATOMS: dict[object, Shape] = {
    int: IntegerShape(),
    str: TextShape(),
    bool: TruthShape(),
    Span: SpanShape(),
    Expression: ExpressionShape(),
    Value: ValueShape(),
}


def record_shape(made: type) -> RecordShape:
    """The shape of a dataclass; an annotation that has no JSON form is a bug and asserts."""
    assert is_dataclass(made), f"not a dataclass: {made}"
    if made not in _records:
        _records[made] = _record_shape(made)
    return _records[made]


def _record_shape(made: type) -> RecordShape:
    hints = typing.get_type_hints(made)
    assert is_dataclass(made), f"not a dataclass: {made}"
    shapes = tuple((field.name, shape_of(hints[field.name])) for field in fields(made))
    defaults = {item.name: item.default for item in fields(made) if item.default is not MISSING}
    return RecordShape(made, KINDS.get(made), shapes, defaults)


def shape_of(annotation: object) -> Shape:
    """The shape that an annotation stands for."""
    if annotation in _ATOMS:
        return _ATOMS[annotation]
    if isinstance(annotation, type) and issubclass(annotation, Enum):
        return EnumShape(annotation)
    if isinstance(annotation, type) and is_dataclass(annotation):
        return record_shape(annotation)
    arguments = typing.get_args(annotation)
    if typing.get_origin(annotation) is tuple:
        if arguments[-1] is Ellipsis:
            return ListShape(shape_of(arguments[0]))
        return RowShape(tuple(shape_of(argument) for argument in arguments))
    if isinstance(annotation, types.UnionType) or typing.get_origin(annotation) is typing.Union:
        return _union(arguments)
    raise AssertionError(f"no JSON form for {annotation}")


def _union(arguments: tuple[object, ...]) -> Shape:
    """`X | None`, an atom that is a union itself, or a sum whose alternatives all have a kind."""
    some = [argument for argument in arguments if argument is not types.NoneType]
    if len(some) < len(arguments):
        return OptionalShape(shape_of(some[0]) if len(some) == 1 else _union(tuple(some)))
    for atom, shape in _ATOMS.items():
        # Compared by members: `A | B | None` forgets that `A | B` had a name.
        if set(some) == set(typing.get_args(atom)):
            return shape
    alternatives = []
    for argument in some:
        assert isinstance(argument, type) and argument in KINDS, f"an alternative without a kind: {argument}"
        alternatives.append(record_shape(argument))
    return SumShape(tuple(alternatives))
