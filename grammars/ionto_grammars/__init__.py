"""The grammar of the language, and the parser's tables that lark computed from it, as package data."""

from __future__ import annotations

GRAMMAR = "ionto.lark"
TABLES = "ionto.tables"


def grammar_text() -> str:
    """The grammar, in lark's notation."""
    return _read(GRAMMAR)


def tables_text() -> str:
    """The tables computed from the grammar, in the form that `ionto_dsl.automaton` reads."""
    return _read(TABLES)


def _read(name: str) -> str:
    # The module's own loader reads a neighbour wherever the package lies (folder or zip) and costs nothing to
    # import; importlib.resources would cost more than parsing does.
    assert __spec__ is not None
    assert __spec__.loader is not None
    path = __file__.removesuffix("__init__.py") + name
    data: bytes = __spec__.loader.get_data(path)  # type: ignore[attr-defined]
    return data.decode("utf-8").replace("\r\n", "\n")
