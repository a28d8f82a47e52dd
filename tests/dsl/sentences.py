"""Random files of the language, drawn from the grammar itself, and texts laid out at random."""

from __future__ import annotations

import random
from collections.abc import Sequence
from functools import cache

import lark

from ionto_grammars import grammar_text

NAMES = ("x", "dose_2", "current", "area", "tap_water", "left")
NUMBERS = ("0", "4", "0.1", "20.25", "007", "1000")
UNITS = ("mA", "mA.min", "mA/cm2", "%", "µA", "min", "weeks", "kΩ", "mg/mL", "mA·min")
TEXTS = ('""', '"Skin is clean"', '"say \\"now\\""', '"# no comment"', '"µ { } Ω"')
HAZARDS = ("H-BURN", "H-PAIN-2")
BLANKS = (
    " ",
    "  ",
    "\n",
    "\t",
    " \n\n\n ",
    "\r\n",
    " # a comment\n",
    "\n# one { line\n  # another\n",
    "\u00a0",
)


@cache
def grammar() -> lark.Lark:
    """The grammar as lark itself reads it, with lark's own parser over our kinds of tokens."""

    class NoLexer(lark.lexer.Lexer):
        def __init__(self, _: object) -> None:
            return

        def lex(self, lexer_state: object, parser_state: object) -> object:
            raise AssertionError("tokens are fed one by one")

    return lark.Lark(
        grammar_text(), parser="lalr", lexer=NoLexer, keep_all_tokens=True, maybe_placeholders=False
    )


@cache
def terminals() -> dict[str, str]:
    """Lark's names of the terminals to our kinds of tokens."""
    return {
        terminal.name: terminal.name
        if isinstance(terminal.pattern, lark.lexer.PatternRE)
        else terminal.pattern.value
        for terminal in grammar().terminals
    }


@cache
def _costs() -> dict[str, int]:
    """The depth of the shallowest derivation of each nonterminal."""
    costs: dict[str, int] = {}
    changed = True
    while changed:
        changed = False
        for rule in grammar().rules:
            parts = [costs.get(part.name) for part in rule.expansion if not part.is_term]
            if None not in parts:
                cost = 1 + max((part for part in parts if part is not None), default=0)
                if cost < costs.get(rule.origin.name, 10**9):
                    costs[rule.origin.name] = cost
                    changed = True
    return costs


def sentence(seed: int, depth: int = 14) -> list[str]:
    """The words of one random file. The same seed gives the same file."""
    chance = random.Random(seed)
    words: list[str] = []
    _derive("start", depth, chance, words)
    return words


def _derive(symbol: str, depth: int, chance: random.Random, words: list[str]) -> None:
    rules = [rule for rule in grammar().rules if rule.origin.name == symbol]
    costs = _costs()
    affordable = [rule for rule in rules if _cost(rule, costs) <= depth]
    cheapest = min(_cost(rule, costs) for rule in rules)
    rule = chance.choice(affordable or [rule for rule in rules if _cost(rule, costs) == cheapest])
    for part in rule.expansion:
        if part.is_term:
            words.append(_word(part.name, chance))
        else:
            _derive(part.name, depth - 1, chance, words)


def _cost(rule: lark.grammar.Rule, costs: dict[str, int]) -> int:
    return 1 + max((costs[part.name] for part in rule.expansion if not part.is_term), default=0)


def _word(terminal: str, chance: random.Random) -> str:
    match terminal:
        case "NAME":
            return chance.choice(NAMES)
        case "NUMBER":
            return chance.choice(NUMBERS)
        case "UNIT":
            return chance.choice(UNITS)
        case "STRING":
            return chance.choice(TEXTS)
        case "HAZARD":
            return chance.choice(HAZARDS)
        case _:
            return terminals()[terminal]


def laid_out(words: Sequence[str], seed: int) -> str:
    """The words with random blanks, line ends and comments between them."""
    chance = random.Random(seed)
    return "".join(word + chance.choice(BLANKS) for word in words)
