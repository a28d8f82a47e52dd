"""Below the language and in the proofs every number is exact: no binary floating point gets in.

What is written is read from the syntax trees. What is only computed (`1 / 3` is a float, `Fraction(1) / 3` is
not) is known to the type checker, so it is asked for the type of every expression.
"""

from __future__ import annotations

import ast

import pytest
from mypy import build
from mypy.find_sources import create_source_list
from mypy.nodes import CallExpr, Expression, MemberExpr, OpExpr
from mypy.options import Options
from mypy.types import AnyType, Instance, Type, UnionType, get_proper_type

from tests.architecture.tree import PACKAGES, Module, modules

EXACT = {"ionto_ir", "ionto_dsl", "ionto_verifier"}
INEXACT = {"builtins.float", "builtins.complex", "decimal.Decimal"}


@pytest.fixture(scope="module")
def typed() -> dict[Expression, Type]:
    """Every expression of the exact packages with its type (and, harmlessly, those of the stubs)."""
    options = Options()
    options.export_types = options.preserve_asts = options.ignore_missing_imports = True
    options.incremental = False
    options.follow_imports = "skip"
    options.python_version = (3, 11)
    folders = [str(PACKAGES[name]) for name in sorted(EXACT)]
    options.mypy_path = [str(folder.parent) for folder in PACKAGES.values()]
    return build.build(create_source_list(folders, options), options).types


def test_no_float_is_written() -> None:
    found = [
        f"{module.place}:{node.lineno}"
        for module in _exact_modules()
        for node in ast.walk(module.tree)
        if isinstance(node, ast.Constant) and isinstance(node.value, float | complex)
    ]
    assert found == []


def test_no_float_is_named() -> None:
    found = [
        f"{module.place}:{node.lineno}"
        for module in _exact_modules()
        for node in ast.walk(module.tree)
        if isinstance(node, ast.Name) and node.id in {"float", "complex"}
    ]
    assert found == []


def test_no_float_is_computed(typed: dict[Expression, Type]) -> None:
    found = [
        place
        for expression, type_ in typed.items()
        if isinstance(expression, OpExpr | CallExpr | MemberExpr) and _is_inexact(type_)
        for place in _places(expression)
    ]
    assert found == []


def test_nothing_is_divided_whose_type_is_not_known(typed: dict[Expression, Type]) -> None:
    found = [
        place
        for expression, type_ in typed.items()
        if isinstance(expression, OpExpr)
        and expression.op == "/"
        and isinstance(get_proper_type(type_), AnyType)
        for place in _places(expression)
    ]
    assert found == []


def test_the_type_checker_was_asked_about_every_division(typed: dict[Expression, Type]) -> None:
    asked = sum(isinstance(expression, OpExpr) and expression.op == "/" for expression in typed)
    written = sum(
        isinstance(node, ast.BinOp) and isinstance(node.op, ast.Div)
        for module in _exact_modules()
        for node in ast.walk(module.tree)
    )
    assert asked == written > 0


def _is_inexact(type_: Type) -> bool:
    proper = get_proper_type(type_)
    match proper:
        case Instance():
            return proper.type.fullname in INEXACT
        case UnionType():
            return any(_is_inexact(item) for item in proper.items)
        case _:
            return False


def _places(expression: Expression) -> list[str]:
    """Where an expression may stand: the type checker keeps its line and column, but not its file."""
    return [
        f"{module.place}:{node.lineno}"
        for module in _exact_modules()
        for node in ast.walk(module.tree)
        if isinstance(node, ast.expr)
        and (node.lineno, node.col_offset, node.end_lineno, node.end_col_offset)
        == (expression.line, expression.column, expression.end_line, expression.end_column)
    ]


def _exact_modules() -> list[Module]:
    return [module for module in modules() if module.package in EXACT]
