"""Surface trees for tests: of a file, of one item, of one step; and expressions as text."""

from __future__ import annotations

from typing import Any

from ionto_dsl import surface
from ionto_dsl.parse import parse
from ionto_ir.source import SourceFile


def tree(text: str) -> surface.File:
    """The tree of a file without any problem."""
    file, problems = parse(SourceFile("t.ionto", text))
    assert problems == (), problems
    assert file is not None
    return file


def item(text: str) -> Any:
    """The tree of one item of a protocol."""
    declaration = tree(f"protocol p {{\n{text}\n}}").declarations[0]
    assert isinstance(declaration, surface.Protocol)
    assert len(declaration.items) == 1
    return declaration.items[0]


def step(text: str) -> Any:
    """The tree of one step of a session."""
    steps = item(f"session {{ {text} }}").steps
    assert len(steps) == 1
    return steps[0]


def line_of_course(text: str) -> Any:
    """The tree of one item of a course."""
    items = item(f"course {{ {text} }}").items
    assert len(items) == 1
    return items[0]


def said(node: Any) -> str:
    """An expression as text, with brackets around everything that has an operator."""
    match node:
        case surface.Number(text, _, unit, _):
            return text if unit is None else f"{text} {unit.text}"
        case surface.Reference():
            return node.dotted
        case surface.Truth(value, _):
            return "yes" if value else "no"
        case surface.Unary(operator, operand, _):
            return f"({operator} {said(operand)})"
        case surface.Binary(operator, left, right, _, _):
            return f"({said(left)} {operator} {said(right)})"
        case surface.Call(function, arguments, _):
            return f"{function.text}({', '.join(map(said, arguments))})"
        case surface.Range(low, high, _):
            return f"{said(low)} .. {said(high)}"
        case surface.Enumeration(labels, _):
            return " | ".join(label.text for label in labels)
        case surface.YesNo():
            return "yes/no"
        case None:
            return "-"
        case _:
            raise AssertionError(node)
