"""What the architecture tests look at: the source files of this repository, parsed, never imported."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]

# Where each package lies. The layers test holds this against pyproject.toml.
PACKAGES = {
    "ionto_ir": ROOT / "ionto_ir",
    "ionto_dsl": ROOT / "ionto_dsl",
    "ionto_grammars": ROOT / "grammars" / "ionto_grammars",
    "ionto_protocols": ROOT / "protocols" / "ionto_protocols",
    "ionto_verifier": ROOT / "verifier" / "ionto_verifier",
    "ionto_runtime": ROOT / "runtime" / "ionto_runtime",
    "ionto_cli": ROOT / "ionto_cli",
}


@dataclass(frozen=True)
class Module:
    """One module: its dotted name, its file and its syntax tree."""

    name: str
    path: Path
    tree: ast.Module

    @property
    def package(self) -> str:
        """The package it belongs to."""
        return self.name.partition(".")[0]

    @property
    def place(self) -> str:
        """Its file, as one would name it in this repository."""
        return self.path.relative_to(ROOT).as_posix()


@cache
def modules() -> tuple[Module, ...]:
    """Every module of every package."""
    return tuple(
        Module(_dotted(package, folder, path), path, ast.parse(path.read_text(encoding="utf-8"), path.name))
        for package, folder in PACKAGES.items()
        for path in sorted(folder.rglob("*.py"))
    )


@cache
def scripts() -> tuple[Module, ...]:
    """Every Python file outside the packages: tests and the generators of the manual."""
    return tuple(
        Module(
            path.relative_to(ROOT).as_posix(), path, ast.parse(path.read_text(encoding="utf-8"), path.name)
        )
        for folder in ("tests", "docs")
        for path in sorted((ROOT / folder).rglob("*.py"))
    )


def imports(module: Module) -> Iterator[tuple[str, ast.AST]]:
    """Every dotted name that the module imports, wherever in it, with the node; relative ones resolved."""
    for node in ast.walk(module.tree):
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield alias.name, node
        elif isinstance(node, ast.ImportFrom):
            base = node.module or ""
            if node.level:
                above = module.name.split(".")[: -node.level]
                base = ".".join([*above, base]).rstrip(".")
            yield base, node
            for alias in node.names:
                yield f"{base}.{alias.name}", node
        elif (
            isinstance(node, ast.Call) and _called(node.func) in {"import_module", "__import__"} and node.args
        ):
            match node.args[0]:
                case ast.Constant(value=str(name)):
                    yield name, node


def functions(tree: ast.AST) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
    """Every function and method, nested ones too."""
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield node


def within(tree: ast.Module) -> Iterator[tuple[str, ast.AST]]:
    """Every node with the name of the outermost function or class around it (`<module>` at the top level)."""
    for top in tree.body:
        match top:
            case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name) | ast.ClassDef(name=name):
                place = name
            case _:
                place = "<module>"
        for node in ast.walk(top):
            yield place, node


def _called(function: ast.expr) -> str:
    match function:
        case ast.Name(id=name) | ast.Attribute(attr=name):
            return name
        case _:
            return ""


def _dotted(package: str, folder: Path, path: Path) -> str:
    parts = path.relative_to(folder).with_suffix("").parts
    return ".".join([package, *(part for part in parts if part != "__init__")])
