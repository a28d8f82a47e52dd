"""Find the number in a line of source that a message speaks of, so that a tool can put another in its place.

A plan knows numbers and lines, not where in a line a number stands. The line is read again: where exactly one
number of it has the value that is looked for, in whatever unit, that is the one. Where there are several, or
none, there is no edit, and the help says in words what to write.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from fractions import Fraction

from ionto_ir.dataclass import dataclass
from ionto_ir.diagnostic import Edit
from ionto_ir.source import SourceFile, Span
from ionto_ir.units import DIMENSIONLESS, Dimension, Quantity, format_quantity, parse_unit, to_base

_NUMBER = re.compile(r"(?<![\w.])(\d+(?:\.\d+)?)(?:\s*((?:[A-Za-zµμΩ%°][\w.·²/µμΩ%-]*)))?")
"""A number and the word behind it, which may be a unit."""


@dataclass(frozen=True, slots=True)
class NumberChange:
    """In the lines of `span` the amount `old` of a dimension, in its base unit, becomes `new`.

    Where `upper` is set, it is the upper end of a range that is meant.
    """

    span: Span
    dimension: Dimension
    old: int
    new: int
    upper: bool | None = None


@dataclass(frozen=True, slots=True)
class _Token:
    """A number with its unit, and where both stand in a text."""

    start: int
    end: int
    value: int
    unit: str


def edit_of(change: NumberChange, files: Mapping[str, SourceFile]) -> Edit | None:
    """The edit of the source, if it is clear which number is meant."""
    source = files.get(change.span.file)
    if source is None:
        return None
    text = source.text_at(change.span)
    found = [token for token in _tokens(text, change.dimension) if token.value == change.old]
    if change.upper is not None:
        found = [token for token in found if _is_end(text, token, upper=change.upper)]
    if len(found) != 1:
        return None
    token = found[0]
    written = _written(change.new, change.dimension, token.unit)
    return Edit(_span_in(change.span, text, token), written)


def _written(value: int, dimension: Dimension, unit: str) -> str:
    return str(value) if dimension == DIMENSIONLESS else format_quantity(value, dimension, unit)


def _tokens(text: str, dimension: Dimension) -> Iterator[_Token]:
    for match in _NUMBER.finditer(_without_texts(text)):
        number, word = Fraction(match.group(1)), match.group(2)
        unit = parse_unit(word) if word else None
        if dimension == DIMENSIONLESS:
            if unit is None and number.denominator == 1:
                yield _Token(match.start(1), match.end(1), int(number), "")
        elif unit is not None and unit.dimension == dimension:
            value = to_base(Quantity(number, unit))
            if isinstance(value, int):
                yield _Token(match.start(1), match.end(2), value, word)


def _without_texts(text: str) -> str:
    """The same characters, with what stands in quotes or in a comment blanked out."""
    return re.sub(r'"[^"\n]*"|#[^\n]*', lambda match: " " * len(match.group()), text)


def _is_end(text: str, token: _Token, *, upper: bool) -> bool:
    """Whether a number stands behind, or before, the two dots of a range."""
    if upper:
        return text[: token.start].rstrip().endswith("..")
    return text[token.end :].lstrip().startswith("..")


def _span_in(span: Span, text: str, token: _Token) -> Span:
    line, column = _place(span, text, token.start)
    end_line, end_column = _place(span, text, token.end)
    return Span(span.file, line, column, end_line, end_column)


def _place(span: Span, text: str, at: int) -> tuple[int, int]:
    before = text[:at]
    lines = before.count("\n")
    column = at + span.column if lines == 0 else at - before.rindex("\n")
    return span.line + lines, column
