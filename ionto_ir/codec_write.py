"""Writing: a value of the plan's dataclasses as JSON, following its shape."""

from __future__ import annotations

from enum import Enum
from typing import assert_never

from ionto_ir.canonical import Json
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
    record_shape,
)
from ionto_ir.expression import Constant, Expression, Operation, Reference, Truth
from ionto_ir.source import Span


def write(shape: Shape, value: object) -> Json:
    """The JSON of a value that has this shape; a value of another shape is a bug and asserts."""
    match shape:
        case IntegerShape():
            assert type(value) is int, f"not an integer: {value!r}"
            return value
        case TextShape():
            assert isinstance(value, str), f"not a text: {value!r}"
            return value
        case TruthShape():
            assert isinstance(value, bool), f"not a truth value: {value!r}"
            return value
        case ValueShape():
            assert isinstance(value, int), f"not a value: {value!r}"
            return value
        case ExpressionShape():
            assert isinstance(value, Constant | Truth | Reference | Operation), f"no expression: {value!r}"
            return write_expression(value)
        case SpanShape():
            assert isinstance(value, Span), f"not a span: {value!r}"
            return [value.file, value.line, value.column, value.end_line, value.end_column]
        case EnumShape(enumeration):
            assert isinstance(value, enumeration), f"not one of {enumeration}: {value!r}"
            return _enum_value(value)
        case OptionalShape(inner):
            return None if value is None else write(inner, value)
        case ListShape() | RowShape() | RecordShape() | SumShape():
            return _write_composite(shape, value)
        case _:
            assert_never(shape)


def _write_composite(shape: ListShape | RowShape | RecordShape | SumShape, value: object) -> Json:
    match shape:
        case ListShape(inner):
            assert isinstance(value, tuple), f"not a tuple: {value!r}"
            return [write(inner, item) for item in value]
        case RowShape(items):
            assert isinstance(value, tuple), f"not a tuple: {value!r}"
            return [write(item_shape, item) for item_shape, item in zip(items, value, strict=True)]
        case RecordShape(made, kind, fields, defaults):
            assert isinstance(value, made), f"not a {made.__name__}: {value!r}"
            tag: dict[str, Json] = {} if kind is None else {"kind": kind}
            said = [(name, inner, getattr(value, name)) for name, inner in fields]
            return tag | {
                name: write(inner, item)
                for name, inner, item in said
                if name not in defaults or item != defaults[name]
            }
        case SumShape(alternatives):
            chosen = record_shape(type(value))
            assert chosen in alternatives, f"not an alternative: {value!r}"
            return write(chosen, value)
        case _:
            assert_never(shape)


def _enum_value(value: Enum) -> str:
    spelled = value.value
    assert isinstance(spelled, str), "enumerations are spelled in words"
    return spelled


def write_expression(expression: Expression) -> Json:
    """4, true, "current", ["+", left, right]: the compact form."""
    match expression:
        case Constant(value):
            return value
        case Truth(value):
            return value
        case Reference(name, _):
            return name
        case Operation(operator, operands):
            return [operator.value, *(write_expression(operand) for operand in operands)]
        case _:
            assert_never(expression)
