"""Cuts text into tokens. Which keyword a word is, if any, is left to the parser, who knows what may stand
there.

The patterns of names, numbers, texts, units and hazards come from the grammar. A unit is looked for only
after a number and a hazard only after `hazard`: elsewhere the same letters are a word. Nothing here ever
fails: what fits no pattern becomes a token of kind UNKNOWN, one character long, and the parser says what is
wrong with it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

from ionto_ir.dataclass import dataclass
from ionto_ir.source import Span

WORD = "WORD"
UNKNOWN = "UNKNOWN"
OPEN_TEXT = "OPEN_TEXT"
END = "$END"

# Besides the blanks of the keyboard, those that word processors and PDF readers put between number and unit,
# and the byte order mark that may begin a file (anywhere else it has been refused before).
BLANKS = " \t\f\v\u00a0\u2009\u202f\ufeff"


class Token:
    """A piece of text and where it starts (counted from 1); `kind` is a terminal of the grammar or one of
    ours.

    Not a dataclass: tokens are made in the innermost loop, and nobody but the parser and formatter sees them.
    """

    __slots__ = ("column", "kind", "line", "text")

    def __init__(self, kind: str, text: str, line: int, column: int) -> None:
        self.kind = kind
        self.text = text
        self.line = line
        self.column = column

    @property
    def end_column(self) -> int:
        """The column after the token; no token spans lines."""
        return self.column + len(self.text)

    def span(self, file: str) -> Span:
        """Where it stands."""
        return Span(file, self.line, self.column, self.line, self.column + len(self.text))

    def touches(self, following: Token) -> bool:
        """Whether `following` begins where this token ends, without a blank between."""
        return self.line == following.line and self.end_column == following.column

    def __repr__(self) -> str:
        return f"Token({self.kind}, {self.text!r}, {self.line}:{self.column})"


@dataclass(frozen=True, slots=True)
class Cut:
    """The tokens of a text, the last of them END, and its comments (each from `#` to the end of its line)."""

    tokens: list[Token]
    comments: list[Token]


class Lexer:
    """Patterns made ready: `patterns` of NAME, NUMBER, STRING, UNIT and HAZARD, and the fixed spellings."""

    def __init__(
        self, patterns: Mapping[str, str], literals: Iterable[str], unit_words: frozenset[str]
    ) -> None:
        """`unit_words` are the keywords that are units after a number (`min`, `days`)."""
        words = [word for word in literals if word[0].isalpha()]
        signs = sorted((sign for sign in literals if not sign[0].isalpha()), key=len, reverse=True)
        self._keywords = frozenset(words)
        self._words_after_number = self._keywords - unit_words
        alternatives = (
            f"(?P<BLANK>[{BLANKS}]+)",
            "(?P<LINE>\n)",
            f"(?P<NAME>{patterns['NAME']})",
            f"(?P<NUMBER>{patterns['NUMBER']})",
            f"(?P<STRING>{patterns['STRING']})",
            f"(?P<SIGN>{'|'.join(re.escape(sign) for sign in signs)})",
            "(?P<COMMENT>#[^\n]*)",
            f'(?P<{OPEN_TEXT}>"[^\n]*)',
            f"(?P<{UNKNOWN}>.)",
        )
        self._main = re.compile("|".join(alternatives)).match
        self._unit = re.compile(patterns["UNIT"]).match
        self._hazard = re.compile(patterns["HAZARD"]).match
        self._name = re.compile(patterns["NAME"]).match

    def cut(self, text: str) -> Cut:
        """Cut a text whose lines end in LF."""
        tokens: list[Token] = []
        comments: list[Token] = []
        add, main, position, end, line, line_start = tokens.append, self._main, 0, len(text), 1, 0
        special = None
        while position < end:
            if special is not None and text[position] not in BLANKS and text[position] not in "\n#":
                token = special(text, position, line, position - line_start + 1)
                special = None
                if token is not None:
                    add(token)
                    position += len(token.text)
                    continue
            match = main(text, position)
            assert match is not None, "the last alternative takes any character"
            kind, start, position = match.lastgroup, position, match.end()
            if kind == "BLANK":
                continue
            if kind == "LINE":
                line, line_start = line + 1, position
            elif kind == "NAME":
                word = match.group()
                add(Token(WORD, word, line, start - line_start + 1))
                special = self._hazard_at if word == "hazard" else None
            elif kind == "SIGN":
                sign = match.group()
                add(Token(sign, sign, line, start - line_start + 1))
            elif kind == "COMMENT":
                comments.append(Token("COMMENT", match.group(), line, start - line_start + 1))
            else:
                assert kind is not None
                add(Token(kind, match.group(), line, start - line_start + 1))
                special = self._unit_at if kind == "NUMBER" else None
        add(Token(END, "", line, position - line_start + 1))
        return Cut(tokens, comments)

    def _unit_at(self, text: str, position: int, line: int, column: int) -> Token | None:
        """The unit after a number; a keyword there (`2 over`) is a word unless it is a unit too (`2 min`)."""
        word = self._name(text, position)
        if word is not None and word.group() in self._words_after_number:
            return None
        unit = self._unit(text, position)
        return None if unit is None else Token("UNIT", unit.group(), line, column)

    def _hazard_at(self, text: str, position: int, line: int, column: int) -> Token | None:
        found = self._hazard(text, position)
        return None if found is None else Token("HAZARD", found.group(), line, column)
