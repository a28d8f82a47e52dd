"""What could have come next, in words: a list that a person can take in, never the parser's own."""

from __future__ import annotations

from collections.abc import Sequence

from ionto_dsl.lexer import END, Token
from ionto_dsl.words import HOMES, in_words

_VALUE = frozenset(
    {
        "NUMBER",
        "NAME",
        "(",
        "-",
        "+",
        "min",
        "max",
        "active",
        "return",
        "previous",
        "course",
        "yes",
        "no",
        "not",
    }
)
_CALCULATION = frozenset({"+", "-", "*", "/"})
_JOINING = frozenset({"and", "or", "=", "!=", "<", "<=", ">", ">="})
_REMARKS = frozenset(
    {
        "source",
        "hazard",
        "STRING",
        "icd10",
        "icd10cm",
        "icd10gm",
        "icd11",
        "snomed",
        "loinc",
        "atc",
        "rxnorm",
        "udi",
    }
)
_BETWEEN = frozenset({"rounded", "above"})
_ALSO_ITEMS = frozenset(
    {"no", "pause", "resume", "stop", "at", "on", "during", "slew", "NUMBER", "area", "current"}
)
SHOWN_MAX = 6
"""Alternatives that a message lists. More than six are not read."""
ITEMS_MIN = 3
"""From so many beginnings of items on, they are called `the next line` together."""


def expectation(acceptable: Sequence[str], before: Token) -> str:
    """`a`, `b` or `c`: what the parser could have gone on with after `before`."""
    kinds = set(acceptable)
    said: list[str] = []
    if {"NUMBER", "NAME", "("} <= kinds:
        kinds -= _VALUE
        said.append("a value")
    elif {"NUMBER", "("} <= kinds:
        kinds -= _VALUE
        said.append("a number")
    kinds -= _remarks_if_not_alone(kinds)
    if sum(kind in HOMES for kind in kinds) >= ITEMS_MIN:
        kinds = {kind for kind in kinds if kind not in HOMES and kind not in _ALSO_ITEMS}
        said.append("the next line")
    if "UNIT" in kinds and before.kind == "NUMBER":
        kinds -= {"UNIT"}
        said.insert(0, "a unit")
    said += [in_words(kind) for kind in acceptable if kind in kinds and kind not in _REMARKS | {END}]
    said += [in_words(kind) for kind in acceptable if kind in kinds and kind in {*_REMARKS, END}]
    said = list(dict.fromkeys(said)) or ["something else"]
    if len(said) > SHOWN_MAX:
        said = [*said[: SHOWN_MAX - 1], "another word"]
    return said[0] if len(said) == 1 else f"{', '.join(said[:-1])} or {said[-1]}"


def _remarks_if_not_alone(kinds: set[str]) -> set[str]:
    """What may always be added (a calculation, a remark) is not what is missing, if anything else can be."""
    optional = kinds & (_CALCULATION | _JOINING | _REMARKS | _BETWEEN)
    return optional if kinds - optional - {"UNIT"} else set()


_EXAMPLES: dict[frozenset[str], str] = {
    frozenset({"at", "over"}): "`ramp to 2 mA over 30 s` or `ramp to 2 mA at 0.1 mA/s`",
    frozenset({"for", "until"}): "`hold for 10 min`, `hold until 20 mA.min` or `hold until total 40 mA.min`; "
    "what is held is the current that the ramp before it reached",
    frozenset({"active", "return"}): '`active cathode medium_patch on "heel"`',
    frozenset({"cathode", "anode"}): '`active cathode medium_patch on "heel"`',
    frozenset({"never", "always", "finished"}): "`prove never output.current > 0 mA` or "
    "`prove finished within 45 min`",
}


def example(acceptable: Sequence[str]) -> str | None:
    """How a line goes on of which just these words are missing."""
    kinds = frozenset(acceptable)
    return _EXAMPLES.get(kinds - _remarks_if_not_alone(set(kinds)))
