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

EXPRESSIONS = {"condition", "sum", "operand", "conjunction", "negation", "comparison", "product", "signed"}
EXPRESSION_DEPTH = 5
"""How much deeper than its simplest form an expression may be, lest it eat all the rest."""
DEPTH = 12

Rule = lark.grammar.Rule
Route = tuple[tuple[Rule, int], ...]
"""The way from a nonterminal to another: at each station the rule to take and the part to go on with."""


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


def sentence(seed: int) -> list[str]:
    """The words of one random file. The same seed gives the same file."""
    return derivation(seed)[0]


def derivation(seed: int) -> tuple[list[str], set[Rule]]:
    """The words of one random file, and the rules of the grammar that it uses.

    Each seed leads to another rule of the grammar, which is certainly used; the rest is chance.
    """
    target = grammar().rules[seed % len(grammar().rules)]
    words: list[str] = []
    used: set[Rule] = set()
    _derive("start", DEPTH, random.Random(seed), (*_routes()[target.origin.name], (target, 0)), words, used)
    return words, used


@cache
def _rules(symbol: str) -> tuple[Rule, ...]:
    return tuple(rule for rule in grammar().rules if rule.origin.name == symbol)


@cache
def _routes() -> dict[str, Route]:
    """The shortest way from the start to each nonterminal."""
    routes: dict[str, Route] = {"start": ()}
    queue = ["start"]
    for symbol in queue:
        for rule in _rules(symbol):
            for index, part in enumerate(rule.expansion):
                if not part.is_term and part.name not in routes:
                    routes[part.name] = (*routes[symbol], (rule, index))
                    queue.append(part.name)
    return routes


def _derive(
    symbol: str, depth: int, chance: random.Random, route: Route, words: list[str], used: set[Rule]
) -> None:
    costs = _costs()
    if route:
        (rule, onward), further = route[0], route[1:]
    else:
        cheapest = min(_cost(rule, costs) for rule in _rules(symbol))
        rules = [rule for rule in _rules(symbol) if _cost(rule, costs) <= max(depth, cheapest)]
        # Long alternatives are the interesting ones: lists that go on, options that are taken.
        rule = chance.choices(rules, [1 + 2 * len(rule.expansion) for rule in rules])[0]
        onward, further = 0, ()
    used.add(rule)
    for index, part in enumerate(rule.expansion):
        if part.is_term:
            words.append(_word(part.name, chance))
            continue
        # A list does not grow deeper by growing longer.
        below = depth if part.name == symbol and symbol.startswith("__") else depth - 1
        if part.name in EXPRESSIONS and symbol not in EXPRESSIONS:
            below = costs[part.name] + chance.randrange(EXPRESSION_DEPTH)
        _derive(part.name, below, chance, further if index == onward else (), words, used)


def _cost(rule: Rule, costs: dict[str, int]) -> int:
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
