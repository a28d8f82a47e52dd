"""What to say about a token that cannot stand where it stands: the typical mistakes first, then what was
expected.

The parser's own state tells what could have come instead; nothing here parses. Each function looks at one
kind of mistake and returns None when it is another.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from ionto_dsl.build_values import exponent, no_number
from ionto_dsl.expected import example, expectation
from ionto_dsl.lexer import END, OPEN_TEXT, UNKNOWN, WORD, Token
from ionto_dsl.suggest import nearest
from ionto_dsl.words import HOMES
from ionto_ir.dataclass import dataclass
from ionto_ir.diagnostic import Diagnostic, Edit, Label, error
from ionto_ir.source import Span
from ionto_ir.units import parse_unit


@dataclass(frozen=True, slots=True)
class Spot:
    """Where the parser is stuck: at `tokens[index]`, where any of `acceptable` could have come."""

    file: str
    tokens: Sequence[Token]
    index: int
    acceptable: Sequence[str]

    @property
    def here(self) -> Token:
        """The token that cannot stand here."""
        return self.tokens[self.index]

    @property
    def span(self) -> Span:
        """Where it is."""
        return self.here.span(self.file)

    def token(self, offset: int) -> Token:
        """A neighbour; the last token, which is the end of the file, when there is none."""
        index = self.index + offset
        return self.tokens[index] if 0 <= index < len(self.tokens) else self.tokens[-1]


def explain(spot: Spot) -> Diagnostic:
    """The one message for this place."""
    for look in _LOOKS:
        found = look(spot)
        if found is not None:
            return found
    return _unexpected(spot)


# Characters and texts

# Signs that look like ours and come along with copied text; as escapes, because nobody sees the difference.
_QUOTES = "\u201c\u201d\u201e\u201f\u00ab\u00bb\u2018\u2019'\uff02"
_OTHER_SIGNS = dict.fromkeys(_QUOTES, '"') | {
    "\u2212": "-",  # minus
    "\u2010": "-",  # hyphen
    "\u2011": "-",  # hyphen without a break
    "\u2013": "..",  # en dash, as in 1-4
    "\u2014": "..",  # em dash
    "\u2026": "..",  # ellipsis
    "\u2264": "<=",
    "\u2265": ">=",
    "\u2260": "!=",
    "\u00d7": "*",
    "\u00f7": "/",
    "\u2044": "/",  # fraction slash
    "\uff1a": ":",
    "\uff0c": ",",
    "\uff08": "(",
    "\uff09": ")",
    ";": "",
    "[": "{",
    "]": "}",
}


def _strange_character(spot: Spot) -> Diagnostic | None:
    here = spot.here
    if here.kind != UNKNOWN:
        return None
    meant = _OTHER_SIGNS.get(here.text)
    if meant is None:
        what = f"the character `{here.text}` has no place outside a text"
        return error("I0105", what, spot.span, "nothing is written with this")
    if meant == '"':
        advice = 'texts are written between straight quotes: `"..."`'
    elif meant == "":
        advice = "leave it out: nothing separates lines but the words that begin them"
    else:
        advice = f"write `{meant}`"
    edit = Edit(spot.span, meant)
    return error("I0105", f"`{here.text}` is not used here", spot.span, "this sign", help=advice, edit=edit)


def _open_text(spot: Spot) -> Diagnostic | None:
    if spot.here.kind != OPEN_TEXT:
        return None
    return error(
        "I0103",
        "a text is not closed",
        spot.span,
        "it begins here and the line ends inside it",
        help='close it with `"`; a text stays on one line',
    )


# Numbers and units


def _number(spot: Spot) -> Diagnostic | None:
    before, here, following = spot.token(-1), spot.here, spot.token(1)
    unfinished = no_number(spot.file, before) or exponent(spot.file, spot.token(-2), before)
    if unfinished is not None:
        return unfinished
    if (before.kind, here.kind, following.kind) == ("NUMBER", ",", "NUMBER") and before.touches(here):
        written, meant = f"{before.text},{following.text}", f"{before.text}.{following.text}"
        where = before.span(spot.file).to(following.span(spot.file))
        return _number_problem(f"`{written}` is written with a comma", where, f"write `{meant}`", meant)
    if (before.kind, here.kind, following.kind) == ("NUMBER", ":", "NUMBER") and before.touches(here):
        written = f"{before.text}:{following.text}"
        where = before.span(spot.file).to(following.span(spot.file))
        advice = f"a time is a number with its unit: write `{before.text} min` or `{before.text} h`"
        return error("I0106", f"`{written}` is written with a colon", where, "no clock time", help=advice)
    if before.text == "version" and here.kind == "NUMBER":
        advice = 'write for instance `version "1.0.0"`'
        return error("I0106", "a version is a text", spot.span, "expected a text in quotes", help=advice)
    if here.kind == "." and following.kind == "NUMBER" and before.kind != "NUMBER":
        meant = f"0.{following.text}"
        where = spot.span.to(following.span(spot.file))
        return _number_problem(
            f"`.{following.text}` has nothing before its point", where, f"write `{meant}`", meant
        )
    if before.kind == "NUMBER" and here.kind == "." and before.touches(here):
        where = before.span(spot.file).to(spot.span)
        return _number_problem(
            f"`{before.text}.` has nothing after its point", where, f"write `{before.text}`", before.text
        )
    if before.kind == "NUMBER" and before.touches(here) and here.text.startswith("_"):
        meant = before.text + here.text.replace("_", "")
        where = before.span(spot.file).to(spot.span)
        return _number_problem(
            f"`{before.text}{here.text}` is grouped by `_`", where, f"write `{meant}`", meant
        )
    if before.kind == "NUMBER" and here.kind == "NUMBER":
        where = before.span(spot.file).to(spot.span)
        return _number_problem("two numbers in a row", where, "write one number, without blanks in it", None)
    return None


def _number_problem(message: str, where: Span, advice: str, meant: str | None) -> Diagnostic:
    edit = None if meant is None else Edit(where, meant)
    return error("I0106", message, where, "not how numbers are written", help=advice, edit=edit)


def _unit_in_pieces(spot: Spot) -> Diagnostic | None:
    before, here, following = spot.token(-1), spot.here, spot.token(1)
    if before.kind != "UNIT":
        return None
    second = following if here.text in ("·", "×", "⋅", ".", "*") else here
    meant = f"{before.text}.{second.text}"
    if second.kind == WORD and parse_unit(second.text) is not None and parse_unit(meant) is not None:
        where = before.span(spot.file).to(second.span(spot.file))
        return error(
            "I0111",
            f"`{spot_text(spot, before, second)}` is a unit in pieces",
            where,
            "one unit is written without blanks",
            help=f"write `{meant}`",
            edit=Edit(where, meant),
        )
    return None


def spot_text(spot: Spot, first: Token, last: Token) -> str:
    """The tokens from `first` to `last` with one blank between them."""
    start, end = spot.tokens.index(first), spot.tokens.index(last)
    return " ".join(token.text for token in spot.tokens[start : end + 1])


def _unit_without_number(spot: Spot) -> Diagnostic | None:
    before, here = spot.token(-1), spot.here
    unit = here
    if here.kind == WORD and parse_unit(here.text) is not None and "NUMBER" in spot.acceptable:
        unit = here
    elif before.kind == "min" and here.kind != "(":
        unit = before
    else:
        return None
    return error(
        "I0111",
        f"`{unit.text}` is a unit without a number",
        unit.span(spot.file),
        "expected a number before it",
        help=f"write for instance `10 {unit.text}`",
    )


# Signs in the wrong place

_COMPARISONS = ("<", "<=", ">", ">=", "=", "!=")


def _sign(spot: Spot) -> Diagnostic | None:
    before, here, following = spot.token(-1), spot.here, spot.token(1)
    if here.kind == "/" and following.kind in ("/", "*") and here.touches(following):
        where = spot.span.to(following.span(spot.file))
        text = f"{here.text}{following.text}"
        return error(
            "I0105", f"`{text}` begins no comment", where, "this sign", help="a comment begins with `#`"
        )
    if here.text == "is" and before.kind == "NAME":
        return error(
            "I0117",
            "`is` compares nothing",
            spot.span,
            "expected `=`",
            help="write `=`, as in `when skin = erythema`",
            edit=Edit(spot.span, "="),
        )
    if here.kind == "=" and before.kind == "=" and before.touches(here):
        where = before.span(spot.file).to(spot.span)
        return error(
            "I0117", "`==` is not used", where, "one `=` is enough", help="write `=`", edit=Edit(where, "=")
        )
    if here.kind in ("=", ":") and len(spot.acceptable) == 1 and spot.acceptable[0] in ("=", ":"):
        meant = spot.acceptable[0]
        why = "a range or a choice of values follows a colon" if meant == ":" else "a value follows `=`"
        return error(
            "I0117",
            f"`{here.text}` where `{meant}` belongs",
            spot.span,
            f"expected `{meant}`",
            notes=(why,),
            help=f"write `{meant}`",
            edit=Edit(spot.span, meant),
        )
    if here.kind in ("<", "=", ">", ">=") and "<=" in spot.acceptable and "<" not in spot.acceptable:
        return error(
            "I0115",
            f"a limit is written with `<=`, not with `{here.text}`",
            spot.span,
            "expected `<=`",
            notes=("limits are inclusive everywhere, so that the number in the source is the number here",),
            help="write `<=`",
            edit=Edit(spot.span, "<="),
        )
    return None


def _chain(spot: Spot) -> Diagnostic | None:
    here = spot.here
    if here.kind not in _COMPARISONS or "and" not in spot.acceptable:
        return None
    return error(
        "I0116",
        "comparisons cannot be chained",
        spot.span,
        "a second comparison",
        help="say both and join them: `a <= b and b <= c`",
    )


# Braces, words and the rest


def open_braces(tokens: Sequence[Token]) -> list[Token]:
    """The braces and brackets that are open after these tokens, the outermost first."""
    found: list[Token] = []
    for token in tokens:
        if token.kind in ("{", "("):
            found.append(token)
        elif token.kind in ("}", ")") and found:
            found.pop()
    return found


def _end_of_file(spot: Spot) -> Diagnostic | None:
    if spot.here.kind != END:
        return None
    last = spot.token(-1).span(spot.file).end() if spot.index else spot.span
    unclosed = open_braces(spot.tokens[: spot.index])
    if not unclosed:
        expected = expectation(spot.acceptable, spot.token(-1))
        return error("I0102", "the file ends in the middle of something", last, f"expected {expected}")
    brace = unclosed[-1]
    closing = "}" if brace.kind == "{" else ")"
    return error(
        "I0102",
        f"`{brace.text}` is never closed",
        brace.span(spot.file),
        "opened here",
        labels=(Label(last, "and the file ends here"),),
        help=f"put `{closing}` where it ends",
    )


_ENDINGS = frozenset({"end", "fi", "done", "endif", "endprotocol", "End", "END"})


def _end_for_brace(spot: Spot) -> Diagnostic | None:
    if spot.here.text not in _ENDINGS or "}" not in spot.acceptable:
        return None
    return error(
        "I0101",
        f"`{spot.here.text}` does not close anything",
        spot.span,
        "expected `}`",
        help="blocks end with `}`",
        edit=Edit(spot.span, "}"),
    )


def _surplus_brace(spot: Spot) -> Diagnostic | None:
    if spot.here.kind not in ("}", ")") or open_braces(spot.tokens[: spot.index]):
        return None
    return error(
        "I0102", f"`{spot.here.text}` closes nothing", spot.span, "nothing is open here", help="delete it"
    )


def _misspelt(spot: Spot) -> Diagnostic | None:
    meant = misspelt_keyword(spot)
    if meant is None:
        return None
    return error(
        "I0101",
        f"`{spot.here.text}` is not a word that can stand here",
        spot.span,
        "not known here",
        help=f"did you mean `{meant}`?",
        edit=Edit(spot.span, meant),
    )


def _word_for_a_unit(spot: Spot) -> Diagnostic | None:
    """`ramp to 2 ovr 30 s`: behind a number any word passes for a unit, until something cannot follow it."""
    unit = spot.token(-1)
    if unit.kind != "UNIT" or parse_unit(unit.text) is not None:
        return None
    meant = nearest(unit.text, [kind for kind in spot.acceptable if kind[0].islower()])
    if meant is None:
        return None
    where = unit.span(spot.file)
    return error(
        "I0101",
        f"`{unit.text}` is neither a unit nor a word that can stand here",
        where,
        "not known here",
        help=f"did you mean `{meant}`?",
        edit=Edit(where, meant),
    )


def misspelt_keyword(spot: Spot) -> str | None:
    """The keyword that was probably meant by the word at this place."""
    here = spot.here
    if here.kind != WORD or here.text in HOMES:
        return None
    return nearest(here.text, [kind for kind in spot.acceptable if kind[0].islower()])


def _elsewhere(spot: Spot) -> Diagnostic | None:
    home = HOMES.get(spot.here.text)
    if home is None or spot.here.kind != WORD or "}" not in spot.acceptable:
        return None
    return error(
        "I0101",
        f"`{spot.here.text}` cannot stand here",
        spot.span,
        f"expected {expectation(spot.acceptable, spot.token(-1))}",
        help=f"`{spot.here.text}` belongs in {home}",
    )


def _unexpected(spot: Spot) -> Diagnostic:
    here, before = spot.here, spot.token(-1)
    expected = f"expected {expectation(spot.acceptable, before)}"
    shown = example(spot.acceptable)
    advice = None if shown is None else f"write for instance {shown}"
    if here.line > before.line and here.kind == WORD and "}" in spot.acceptable:
        # The line before is whole: this word begins nothing that is known.
        text = f"`{_shown(here)}` begins nothing that can stand here"
        return error("I0101", text, spot.span, expected, help=advice)
    if here.line > before.line and spot.index:
        # The line before is what lacks something, and that is where one has to look.
        return error(
            "I0101",
            f"something is missing after `{_shown(before)}`",
            before.span(spot.file),
            expected,
            labels=(Label(spot.span, f"before `{_shown(here)}`"),),
            help=advice,
        )
    return error("I0101", f"`{_shown(here)}` cannot stand here", spot.span, expected, help=advice)


_SHOWN_MAX = 40


def _shown(token: Token) -> str:
    text = token.text
    return text if len(text) <= _SHOWN_MAX else text[:_SHOWN_MAX] + "…"


_LOOKS: tuple[Callable[[Spot], Diagnostic | None], ...] = (
    _open_text,
    _number,
    _unit_in_pieces,
    _strange_character,
    _end_of_file,
    _surplus_brace,
    _sign,
    _chain,
    _end_for_brace,
    _word_for_a_unit,
    _misspelt,
    _unit_without_number,
    _elsewhere,
)
