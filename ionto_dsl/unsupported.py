"""Constructs that the language has and this version cannot prove: refused by name, never ignored."""

from __future__ import annotations

from ionto_ir.diagnostic import Diagnostic, error
from ionto_ir.source import Span


def unsupported(what: str, span: Span, found: list[Diagnostic], advice: str | None = None) -> None:
    """Refuse a construct whose meaning this version cannot prove."""
    found.append(
        error(
            "I0406",
            f"{what} is not supported yet",
            span,
            "this version cannot prove it, so it refuses it",
            help=advice,
        )
    )
