"""The items of a declaration, sorted by what they say: each may be said once, and some must be said."""

from __future__ import annotations

from collections.abc import Sequence

from ionto_dsl import surface
from ionto_ir.diagnostic import Diagnostic, Label, error
from ionto_ir.source import Span


def only(items: Sequence[tuple[str, Span]], found: list[Diagnostic]) -> None:
    """Report everything that is said more than once; `items` gives what is said and where."""
    first: dict[str, Span] = {}
    for what, span in items:
        if what in first:
            found.append(
                error(
                    "I0402",
                    f"{what} is said twice",
                    span,
                    "again here",
                    labels=(Label(first[what], "first here"),),
                    help="keep one of them",
                )
            )
        first.setdefault(what, span)


def missing(what: str, owner: str, span: Span, advice: str, found: list[Diagnostic]) -> None:
    """Report the lack of something that must be said."""
    found.append(error("I0401", f"{owner} has no {what}", span, "missing", help=advice))


def title_of(items: Sequence[object], fallback: str) -> str:
    """The title, or the declaration's name."""
    titles = [item.text.value for item in items if isinstance(item, surface.Title)]
    return titles[0] if titles else fallback


def sources_of(items: Sequence[object]) -> tuple[str, ...]:
    """The sources of the whole declaration."""
    return tuple(item.text.value for item in items if isinstance(item, surface.Source))


def joined(sources: Sequence[str]) -> str | None:
    """Several sources in one text; None when there is none."""
    return "; ".join(sources) or None


def remark_sources(remarks: surface.Remarks) -> str | None:
    """The sources of one item."""
    return joined([source.value for source in remarks.sources])


def remark_text(remarks: surface.Remarks) -> str | None:
    """The text for people of one item."""
    return None if remarks.text is None else remarks.text.value


def remark_hazard(remarks: surface.Remarks) -> str | None:
    """The hazard of one item."""
    return None if remarks.hazard is None else remarks.hazard.text
