"""The published JSON Schema of the plan, made from the same shapes that the codec reads and writes by.

The schema says what a plan looks like; `wellformed` says what else must hold. Anyone may check a plan against
it without our code: `docs/reference/plan.schema.json` is this, written down.
"""

from __future__ import annotations

from typing import assert_never

from ionto_ir.canonical import INTEGER_MAX, Json
from ionto_ir.codec_read import LIST_LENGTH_MAX, TEXT_LENGTH_MAX
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
from ionto_ir.expression import Operator
from ionto_ir.features import KNOWN_FEATURES
from ionto_ir.plan import SCHEMA, Plan
from ionto_ir.scenario import Scenario

_INTEGER: dict[str, Json] = {"type": "integer", "minimum": -INTEGER_MAX, "maximum": INTEGER_MAX}
_TEXT: dict[str, Json] = {"type": "string", "maxLength": TEXT_LENGTH_MAX}


def plan_schema() -> dict[str, Json]:
    """The JSON Schema (draft 2020-12) of a plan."""
    schema = _document(record_shape(Plan), "ionto step plan", f"urn:{SCHEMA.replace('/', ':')}")
    definitions = schema["$defs"]
    assert isinstance(definitions, dict)
    plan = definitions["Plan"]
    assert isinstance(plan, dict)
    properties = plan["properties"]
    assert isinstance(properties, dict)
    properties["schema"] = {"const": SCHEMA}
    features: list[Json] = [*sorted(KNOWN_FEATURES)]
    properties["requires"] = {"type": "array", "items": {"enum": features}, "uniqueItems": True}
    return schema


def scenario_schema() -> dict[str, Json]:
    """The JSON Schema of a scenario: an in-file test, or a counterexample."""
    return _document(record_shape(Scenario), "ionto scenario", "urn:ionto.scenario:1")


def _document(root: RecordShape, title: str, identifier: str) -> dict[str, Json]:
    definitions: dict[str, Json] = {}
    reference = _schema(root, definitions)
    ordered: dict[str, Json] = {name: definitions[name] for name in sorted(definitions)}
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": identifier,
        "title": title,
        **reference,
        "$defs": ordered,
    }


def _schema(shape: Shape, definitions: dict[str, Json]) -> dict[str, Json]:
    match shape:
        case IntegerShape():
            return dict(_INTEGER)
        case TextShape():
            return dict(_TEXT)
        case TruthShape():
            return {"type": "boolean"}
        case ValueShape():
            return {"anyOf": [dict(_INTEGER), {"type": "boolean"}]}
        case ExpressionShape():
            definitions["Expression"] = _expression()
            return {"$ref": "#/$defs/Expression"}
        case SpanShape():
            definitions["Span"] = _span()
            return {"$ref": "#/$defs/Span"}
        case EnumShape(enumeration):
            return {"enum": [str(member.value) for member in enumeration]}
        case OptionalShape(inner):
            return {"anyOf": [_schema(inner, definitions), {"type": "null"}]}
        case ListShape(inner):
            return {"type": "array", "items": _schema(inner, definitions), "maxItems": LIST_LENGTH_MAX}
        case RowShape(items):
            return _tuple([_schema(item, definitions) for item in items])
        case RecordShape():
            return _record(shape, definitions)
        case SumShape(alternatives):
            return {"oneOf": [_record(alternative, definitions) for alternative in alternatives]}
        case _:
            assert_never(shape)


def _record(shape: RecordShape, definitions: dict[str, Json]) -> dict[str, Json]:
    """Put the record among the definitions and refer to it; its first docstring line is its description."""
    name = shape.made.__name__
    if name not in definitions:
        properties: dict[str, Json] = {} if shape.kind is None else {"kind": {"const": shape.kind}}
        definitions[name] = {}  # taken before its fields are walked: two records may refer to each other
        for field_name, inner in shape.fields:
            properties[field_name] = _schema(inner, definitions)
        required: list[Json] = [name for name in properties if name not in shape.defaults]
        definitions[name] = {
            "description": " ".join((shape.made.__doc__ or "").split("\n\n")[0].split()),
            "type": "object",
            "properties": properties,
            "required": required,
            "additionalProperties": False,
        }
    return {"$ref": f"#/$defs/{name}"}


def _tuple(items: list[dict[str, Json]]) -> dict[str, Json]:
    listed: list[Json] = [*items]
    return {"type": "array", "prefixItems": listed, "items": False, "minItems": len(items)}


def _span() -> dict[str, Json]:
    position: dict[str, Json] = {"type": "integer", "minimum": 1, "maximum": INTEGER_MAX}
    schema = _tuple([dict(_TEXT), *(dict(position) for _ in range(4))])
    return {"description": "file, line, column, end line, end column; they count from 1", **schema}


def _expression() -> dict[str, Json]:
    operators: list[Json] = [operator.value for operator in Operator]
    return {
        "description": "an integer, a truth value, the name of a variable, or an operator and its operands",
        "anyOf": [
            dict(_INTEGER),
            {"type": "boolean"},
            dict(_TEXT),
            {
                "type": "array",
                "prefixItems": [{"enum": operators}],
                "items": {"$ref": "#/$defs/Expression"},
                "minItems": 1,
                "maxItems": LIST_LENGTH_MAX,
            },
        ],
    }
