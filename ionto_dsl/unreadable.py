"""What is refused before parsing: bytes that are no text, characters nobody can see, files beyond bounds."""

from __future__ import annotations

import re

from ionto_dsl.lexer import Token
from ionto_ir.diagnostic import Diagnostic, error
from ionto_ir.source import SourceFile, Span

CHARACTERS_MAX = 2_000_000
"""Characters of a file. The longest shipped one has some 4,000; two million are read in a few seconds."""
LINES_MAX = 20_000
"""Lines of a file: ten times a protocol of a thousand steps with a comment on each."""
NESTING_MAX = 64
"""How deep blocks and brackets may be nested, so that no later pass runs out of stack."""
REPORTED_MAX = 10
"""Invisible characters that are reported one by one."""

# Control characters, characters of no width, and those that turn the direction of text: what is shown would
# not be what is read. Tab, the line ends and the form feed are visible enough. A byte order mark may begin a
# file.
_INVISIBLE = re.compile(
    "[\x00-\x08\x0e-\x1f\x7f-\x84\x86-\x9f\u00ad\u061c\u180e"
    "\u200b-\u200f\u202a-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb]"
)
BYTE_ORDER_MARK = "\ufeff"


def decode(name: str, data: bytes) -> SourceFile | Diagnostic:
    """The text of a file from its bytes, which must be UTF-8; a byte order mark at its start is dropped."""
    if data.startswith((b"\xff\xfe", b"\xfe\xff")):
        return _not_text(name, Span(name, 1, 1, 1, 1), "this file is in UTF-16")
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError as problem:
        before = data[: problem.start].decode("utf-8").replace("\r\n", "\n").replace("\r", "\n")
        line, column = before.count("\n") + 1, len(before) - (before.rfind("\n") + 1) + 1
        where = Span(name, line, column, line, column + 1)
        return _not_text(name, where, f"this file is not UTF-8 text: byte {data[problem.start]:#04x}")
    return SourceFile(name, text.removeprefix(BYTE_ORDER_MARK))


def _not_text(name: str, where: Span, message: str) -> Diagnostic:
    return error(
        "I0108",
        message,
        where,
        f"in `{name}`",
        help="save the file with the encoding UTF-8",
    )


def unreadable(source: SourceFile) -> tuple[Diagnostic, ...]:
    """Why the text cannot be looked at any further; empty when it can."""
    if len(source.text) > CHARACTERS_MAX:
        return (_too_large(source, f"{len(source.text):,} characters", f"{CHARACTERS_MAX:,}"),)
    lines = source.text.count("\n") + source.text.count("\r") - source.text.count("\r\n") + 1
    if lines > LINES_MAX:
        return (_too_large(source, f"{lines:,} lines", f"{LINES_MAX:,}"),)
    if (
        _INVISIBLE.search(source.text, 1) is None
        and _INVISIBLE.match(source.text[:1].strip(BYTE_ORDER_MARK)) is None
    ):
        return ()
    return tuple(_invisible(source))


def _too_large(source: SourceFile, found: str, allowed: str) -> Diagnostic:
    return error(
        "I0109",
        f"this file has {found}",
        Span(source.name, 1, 1, 1, 1),
        f"at most {allowed} are read",
        notes=("a protocol is read and approved by people",),
        help="split it into files that are imported",
    )


def _invisible(source: SourceFile) -> list[Diagnostic]:
    from unicodedata import name as character_name  # only needed when there is something to complain about

    problems: list[Diagnostic] = []
    for number, line in enumerate(source.lines(), 1):
        for match in _INVISIBLE.finditer(line):
            if (number, match.start(), match.group()) == (1, 0, BYTE_ORDER_MARK):
                continue
            if len(problems) == REPORTED_MAX:
                return problems
            column = match.start() + 1
            what = character_name(match.group(), "a control character").lower()
            problems.append(
                error(
                    "I0107",
                    f"an invisible character: U+{ord(match.group()):04X}",
                    Span(source.name, number, column, number, column + 1),
                    what,
                    notes=("what a reviewer sees must be what is executed",),
                    help="delete it; it often comes along when text is copied from elsewhere",
                )
            )
    return problems


def too_deep(file: str, tokens: list[Token]) -> tuple[Diagnostic, ...]:
    """The first bracket or brace that is nested too deeply, if any."""
    depth = 0
    for token in tokens:
        if token.kind in ("{", "("):
            depth += 1
            if depth > NESTING_MAX:
                return (
                    error(
                        "I0110",
                        f"this is nested more than {NESTING_MAX} deep",
                        token.span(file),
                        "too deep from here on",
                        help="give parts of it names with `let`, or split the file",
                    ),
                )
        elif token.kind in ("}", ")"):
            depth = max(0, depth - 1)
    return ()
