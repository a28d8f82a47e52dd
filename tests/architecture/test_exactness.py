"""Below the language and in the proofs every number is exact: no binary floating point gets in."""

from __future__ import annotations

import ast

from tests.architecture.tree import Module, modules, within

EXACT = {"ionto_ir", "ionto_dsl", "ionto_verifier"}

# Functions that may write `/`, because what they divide is a dimension or a Fraction and stays exact.
EXACT_DIVISIONS: set[tuple[str, str]] = set()

# What of `math` stays within the integers.
INTEGER_MATH = {"gcd", "lcm", "isqrt", "comb", "prod", "ceil", "floor"}


def _exact_modules() -> list[Module]:
    return [module for module in modules() if module.package in EXACT]


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


def test_true_division_happens_only_where_fractions_are_divided() -> None:
    found = {
        (module.name, place)
        for module in _exact_modules()
        for place, node in within(module.tree)
        if isinstance(node, ast.BinOp | ast.AugAssign) and isinstance(node.op, ast.Div)
    }
    assert found == EXACT_DIVISIONS


def test_only_the_integer_part_of_math_is_used() -> None:
    found = [
        f"{module.place}:{node.lineno}"
        for module in _exact_modules()
        for node in ast.walk(module.tree)
        if _is_inexact_math(node)
    ]
    assert found == []


def _is_inexact_math(node: ast.AST) -> bool:
    match node:
        case ast.Import(names=names):
            return any(alias.name in {"math", "cmath", "decimal", "statistics"} for alias in names)
        case ast.ImportFrom(module="math", names=names):
            return any(alias.name not in INTEGER_MATH for alias in names)
        case ast.ImportFrom(module="cmath" | "statistics"):
            return True
        case _:
            return False
