"""What the tree builder works with: the pieces that a rule of the grammar hands it, and ways to take them."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

from ionto_dsl import surface
from ionto_dsl.lexer import Token
from ionto_dsl.words import RESERVED
from ionto_ir.dataclass import dataclass, field
from ionto_ir.diagnostic import Diagnostic, Label, error
from ionto_ir.source import Span

Parts = list[Any]
"""The children of a rule: tokens, parts, and nodes of the surface tree."""


@dataclass(frozen=True, slots=True)
class Part:
    """A clause on its way into an item: `over 30 s` is tagged `over` and holds the 30 s."""

    tag: str
    value: Any
    span: Span


@dataclass(slots=True)
class Context:
    """The file being parsed, the problems found in it, and what has been computed once."""

    file: str
    problems: list[Diagnostic] = field(default_factory=list)
    numbers: dict[str, Fraction] = field(default_factory=dict)
    depths: dict[int, tuple[int, object]] = field(default_factory=dict)
    """How deep an expression or `else if` is, by identity; the node is kept so that this stays its own."""


def span_of(context: Context, parts: Parts) -> Span:
    """From the first piece to the last. `parts` is not empty."""
    first, last = parts[0], parts[-1]
    if type(first) is Token:
        line, column = first.line, first.column
    else:
        line, column = first.span.line, first.span.column
    if type(last) is Token:
        return Span(context.file, line, column, last.line, last.column + len(last.text))
    return Span(context.file, line, column, last.span.end_line, last.span.end_column)


def name(context: Context, token: Token) -> surface.Name:
    """A name that is used."""
    return surface.Name(token.text, token.span(context.file))


def declared(context: Context, token: Token) -> surface.Name:
    """A name that is given to something; a word of the language cannot be one."""
    if token.text in RESERVED:
        context.problems.append(
            error(
                "I0104",
                f"`{token.text}` is a word of the language and cannot be a name",
                token.span(context.file),
                "this needs another name",
                help=f"write for instance `{token.text}_1`, or better, say which one it is",
            )
        )
    return name(context, token)


_ESCAPES = {'\\"': '"', "\\\\": "\\"}


def text(context: Context, token: Token) -> surface.Text:
    """What stands between the quotes."""
    span = token.span(context.file)
    body = token.text[1:-1]
    if "\\" not in body:
        return surface.Text(body, span)
    value, index = "", 0
    while index < len(body):
        pair = body[index : index + 2]
        if body[index] != "\\":
            value += body[index]
            index += 1
        else:
            if pair not in _ESCAPES:
                context.problems.append(_unknown_escape(context, token, pair, index))
            value += _ESCAPES.get(pair, pair)
            index += 2
    return surface.Text(value, span)


def _unknown_escape(context: Context, token: Token, pair: str, index: int) -> Diagnostic:
    column = token.column + 1 + index
    return error(
        "I0113",
        f"`{pair}` means nothing inside a text",
        Span(context.file, token.line, column, token.line, column + len(pair)),
        "a backslash here",
        help='only `\\"` and `\\\\` begin with a backslash; for a backslash itself write `\\\\`',
    )


def optional_text(context: Context, parts: Parts) -> surface.Text | None:
    """The text among the pieces, if there is one."""
    for part in parts:
        if type(part) is Token and part.kind == "STRING":
            return text(context, part)
    return None


def nodes(parts: Parts) -> Parts:
    """The pieces that are neither tokens nor clauses: expressions and items, in order."""
    return [part for part in parts if type(part) is not Token and type(part) is not Part]


def tokens(parts: Parts, kind: str) -> list[Token]:
    """The tokens of one kind, in order."""
    return [part for part in parts if type(part) is Token and part.kind == kind]


def clauses(context: Context, parts: Parts, *, repeatable: frozenset[str] = frozenset()) -> dict[str, Part]:
    """The clauses by their tag. One that is given twice is a problem, unless it is `repeatable`."""
    found: dict[str, Part] = {}
    for part in parts:
        if type(part) is Part and part.tag not in repeatable:
            if part.tag in found:
                context.problems.append(_twice(part.tag.replace("_", " "), found[part.tag].span, part.span))
            else:
                found[part.tag] = part
    return found


def value(found: dict[str, Part], tag: str) -> Any:
    """The value of a clause, or None."""
    part = found.get(tag)
    return None if part is None else part.value


def _twice(what: str, first: Span, second: Span) -> Diagnostic:
    return error(
        "I0112",
        f"{what} is said twice",
        second,
        "said again here",
        labels=(Label(first, "first said here"),),
        help="keep the one that is meant",
    )


def remarks(context: Context, parts: Parts) -> surface.Remarks:
    """Gather sources, hazard, codes, `despite` and the text from among the pieces of an item."""
    texts = tokens(parts, "STRING")
    found = [part for part in parts if type(part) is Part and part.tag in _REMARKS]
    if not texts and not found:
        return NO_REMARKS
    single = clauses(context, found, repeatable=frozenset({"source", "code"}))
    for again in texts[1:]:
        first = texts[0].span(context.file)
        context.problems.append(_twice("the text of this line", first, again.span(context.file)))
    return surface.Remarks(
        text(context, texts[0]) if texts else None,
        tuple(part.value for part in found if part.tag == "source"),
        value(single, "hazard"),
        tuple(part.value for part in found if part.tag == "code"),
        value(single, "despite"),
    )


_REMARKS = frozenset({"source", "hazard", "code", "despite"})
NO_REMARKS = surface.Remarks()
