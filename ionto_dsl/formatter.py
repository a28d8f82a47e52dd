"""Lays out a file: one item a line, blocks indented, neighbours in columns. Nothing but blanks and line ends
changes.

The layout works on the tokens and comments of the file; the tree only says where items begin. What comes out
is cut again and compared, token by token and comment by comment, so that nothing can ever be lost.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from ionto_dsl import columns, surface
from ionto_dsl.columns import Line, Split
from ionto_dsl.lexer import END, Cut, Token
from ionto_dsl.parse import Parsed, cut_text, parse_with_tokens
from ionto_ir.dataclass import dataclass
from ionto_ir.diagnostic import Diagnostic
from ionto_ir.source import SourceFile

FLAT_WIDTH_MAX = 110
"""A test that fits into this many columns stays in one line."""


def format_source(source: SourceFile) -> str | tuple[Diagnostic, ...]:
    """The file laid out, ending in one line end, or its syntax errors. Formatting twice changes nothing."""
    parsed, problems = parse_with_tokens(source)
    if parsed is None:
        return problems
    text = "".join(line + "\n" for line in columns.set_in_columns(_lines(parsed)))
    assert _content(cut_text(text)) == _content(parsed.cut), "formatting loses nothing"
    return text


def _content(cut: Cut) -> tuple[list[str], list[str]]:
    return [token.text for token in cut.tokens], [comment.text.rstrip() for comment in cut.comments]


# What the tree and the comments say about the tokens

_KINDS: dict[type, tuple[str, Split]] = {
    surface.Title: ("head", columns.first_word),
    surface.Indication: ("head", columns.first_word),
    surface.Source: ("head", columns.first_word),
    surface.Use: ("use", columns.first_word),
    surface.Tell: ("value", columns.first_word),
    surface.Placement: ("placement", columns.placement),
    surface.Variable: ("value", columns.value),
    surface.Let: ("let", columns.let),
    surface.Rule: ("rule", columns.rule),
    surface.Limit: ("limit", columns.limit),
    surface.Setting: ("setting", columns.setting),
    surface.CurrentRange: ("setting", columns.setting),
    surface.Row: ("row", columns.row),
    surface.Test: ("test", columns.flat_test),
}
_NESTED = ("imports", "declarations", "items", "steps", "then", "otherwise", "rows", "lines", "channels")


@dataclass(frozen=True, slots=True)
class _Layout:
    """By the index of a token: the item that begins there, whether it lies inside a test that stays in one
    line, the comment after it, and the comments on lines of their own before it."""

    tokens: Sequence[Token]
    items: dict[int, object]
    flat: set[int]
    trailing: dict[int, Token]
    leading: dict[int, list[Token]]


def _layout(parsed: Parsed) -> _Layout:
    tokens = parsed.cut.tokens
    index_at = {(token.line, token.column): index for index, token in enumerate(tokens)}
    items = {index_at[item.span.line, item.span.column]: item for item in _items(parsed.file)}
    trailing: dict[int, Token] = {}
    leading: dict[int, list[Token]] = {}
    index = 0
    for comment in parsed.cut.comments:
        place = (comment.line, comment.column)
        while tokens[index].kind != END and (tokens[index].line, tokens[index].column) < place:
            index += 1
        if index and tokens[index - 1].line == comment.line:
            trailing[index - 1] = comment
        else:
            leading.setdefault(index, []).append(comment)
    flat: set[int] = set()
    for first, item in items.items():
        if isinstance(item, surface.Test):
            last = index_at[item.span.end_line, item.span.end_column - 1]
            commented = any(i in trailing or i + 1 in leading for i in range(first, last))
            inside = set(range(first + 1, last + 1))
            tried = _Layout(tokens, items, inside, trailing, leading)
            if not commented and len(columns.INDENT + _joined(tried, first, last + 1)) <= FLAT_WIDTH_MAX:
                flat |= inside
    return _Layout(tokens, items, flat, trailing, leading)


def _items(node: object) -> Iterator[Any]:
    """Every item below a node that begins a line; `given` begins its line by its word, it may hold two."""
    for name in _NESTED:
        for child in getattr(node, name, ()):
            if not isinstance(child, surface.Given):
                yield child
            yield from _items(child)


# From tokens to lines

_DECLARATIONS = (
    surface.Protocol,
    surface.Envelope,
    surface.Device,
    surface.Drug,
    surface.Electrode,
    surface.Screening,
)


def _lines(parsed: Parsed) -> list[Line]:
    layout = _layout(parsed)
    tokens = layout.tokens
    lines: list[Line] = []
    depth, start, above = 0, 0, 0
    for index in range(len(tokens)):
        if index and (tokens[index].kind == END or _begins_line(layout, index)):
            chunk = tokens[start:index]
            line = _line(layout, start, index, depth)
            line.blank_before = _gap(layout, start, chunk[0], above)
            if isinstance(layout.items.get(start), _DECLARATIONS):
                _set_apart(lines, line)
            lines.append(line)
            depth += sum((token.kind == "{") - (token.kind == "}") for token in chunk)
            start, above = index, chunk[-1].line
        for comment in layout.leading.get(index, ()):
            indent = depth if _is_whole(layout, index) else depth + 2
            gap = _gap(layout, index, comment, above)
            lines.append(Line(indent, comment=comment.text.rstrip(), blank_before=gap))
            above = comment.line
    return lines


def _begins_line(layout: _Layout, index: int) -> bool:
    token, before = layout.tokens[index], layout.tokens[index - 1]
    if index - 1 in layout.trailing or index in layout.leading:
        return True
    if index in layout.flat or (before.kind, token.kind) == ("{", "}"):
        return False
    return _is_whole(layout, index) and token.kind != "else" and before.kind != "else"


def _is_whole(layout: _Layout, index: int) -> bool:
    """Whether a line that begins here is a line of its own, not the rest of the one before."""
    token = layout.tokens[index]
    return index in layout.items or token.kind in ("}", "given", "else", END)


def _gap(layout: _Layout, index: int, piece: Token, above: int) -> bool:
    """Whether a blank line stays before a piece at this index; none does at the edge of a block."""
    if not above or not _is_whole(layout, index) or piece.kind == "}":
        return False
    after_opening = layout.tokens[index - 1].kind == "{" and layout.tokens[index - 1].line == above
    return piece.line > above + 1 and not after_opening


def _set_apart(lines: Sequence[Line], line: Line) -> None:
    """A blank line before a declaration, or before the comments that stand right above it."""
    first, rest = line, list(lines)
    while rest and rest[-1].is_comment and not first.blank_before:
        first = rest.pop()
    first.blank_before = first.blank_before or bool(rest)


def _line(layout: _Layout, start: int, end: int, depth: int) -> Line:
    tokens = layout.tokens[start:end]
    comment = layout.trailing.get(end - 1)
    item = layout.items.get(start)
    group, split = _KINDS.get(type(item), ("", columns.single))
    if isinstance(item, surface.Test) and start + 1 not in layout.flat:
        group, split = "", columns.single
    if isinstance(item, surface.Variable) and item.adjustable:
        group, split = "adjustable", columns.adjustable
    begins = [(column, first) for column, first in split(tokens).items() if first < len(tokens)]
    ends = [first for _, first in begins[1:]] + [len(tokens)]
    cells = {
        column: _joined(layout, start + first, start + last)
        for (column, first), last in zip(begins, ends, strict=True)
    }
    indent = depth - 1 if tokens[0].kind == "}" else depth if _is_whole(layout, start) else depth + 2
    return Line(indent, group, cells, None if comment is None else comment.text.rstrip())


# From tokens to text

_VALUE_ENDS = frozenset({"NUMBER", "UNIT", "NAME", ")"})


def _joined(layout: _Layout, start: int, end: int) -> str:
    text = layout.tokens[start].text
    for index in range(start + 1, end):
        text += _blank(layout, index) + layout.tokens[index].text
    return text


def _blank(layout: _Layout, index: int) -> str:
    """What stands between a token and the one before it."""
    token, before = layout.tokens[index], layout.tokens[index - 1]
    earlier = layout.tokens[index - 2] if index > 1 else before
    if token.kind in (",", ":", ")", ".") or before.kind in ("(", "."):
        return ""
    if before.kind in ("+", "-") and earlier.kind not in _VALUE_ENDS:
        return ""
    if (before.kind, token.kind) == ("yes", "/") or (earlier.kind, before.kind) == ("yes", "/"):
        return ""
    if token.kind == "(" and before.kind in ("min", "max"):
        return ""
    # In a test on one line two blanks set its parts apart.
    return (
        "  " if index in layout.flat and _is_whole(layout, index) and not _inner_edge(layout, index) else " "
    )


def _inner_edge(layout: _Layout, index: int) -> bool:
    return layout.tokens[index - 1].kind == "{" or layout.tokens[index].kind == "}"
