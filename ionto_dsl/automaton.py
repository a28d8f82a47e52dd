"""The LALR automaton: reads the tables that lark computed from the grammar and walks them over tokens.

Only the walk is ours; states, actions and rules are lark's. The walk is here because importing lark costs as
much as importing the solver, and a start-up that is felt is a check that is not run. States are decoded when
they are first entered: a protocol visits a small part of them. See docs/adr/0003.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from ionto_dsl.lexer import END, WORD, Token
from ionto_ir.dataclass import dataclass

FORMAT = "ionto-tables-1"
NOTHING = "-"
"""How the row of the last state is written, from which nothing can follow."""


@dataclass(frozen=True, slots=True)
class Rule:
    """A production. `build` names what makes its value; `splice` are the positions whose values are lists.

    kind: "node" builds a value, "list" hands its children on as a list, "pass" hands on its only child.
    """

    origin: str
    size: int
    kind: str
    build: str
    splice: tuple[int, ...]


Row = dict[str, int]


class Rows(dict[int, Row]):
    """The actions of each state: n > 0 shifts (a nonterminal: goes) to state n - 1, n <= 0 reduces."""

    def __init__(self, encoded: Sequence[str], symbols: Sequence[str]) -> None:
        self._encoded = encoded
        self._symbols = symbols
        self.count = len(encoded)

    def __missing__(self, state: int) -> Row:
        symbols = self._symbols
        row: Row = {}
        encoded = self._encoded[state]
        for group in encoded.split(";") if encoded != NOTHING else ():
            action, _, listed = group.partition(":")
            number = int(action)
            for symbol in listed.split(","):
                row[symbols[int(symbol)]] = number
        self[state] = row
        return row


@dataclass(frozen=True, slots=True)
class Tables:
    """Everything that lark computed: `patterns` of the named terminals, other terminals, rules, rows."""

    digest: str
    patterns: dict[str, str]
    literals: tuple[str, ...]
    rules: tuple[Rule, ...]
    rows: Rows
    start: int
    end: int

    @property
    def states(self) -> int:
        """How many states there are, numbered from 0."""
        return self.rows.count

    @property
    def terminals(self) -> tuple[str, ...]:
        """Every kind of token."""
        return (*self.patterns, *self.literals, END)


def read_tables(text: str) -> Tables:
    """Decode the text of `ionto.tables`. Asserts its form: it is ours, and a test keeps it in step."""
    header, patterns, literals, nonterminals, rules, rows = text.rstrip("\n").split("\n\n")
    name, digest, start, end = header.split(" ")
    assert name == FORMAT, "tables of another version"
    named = dict(line.split(" ", 1) for line in patterns.split("\n"))
    fixed = tuple(literals.split("\n"))
    symbols = (END, *named, *fixed, *nonterminals.split("\n"))
    return Tables(
        digest,
        named,
        fixed,
        tuple(_rule(line) for line in rules.split("\n")),
        Rows(rows.split("\n"), symbols),
        int(start),
        int(end),
    )


def _rule(line: str) -> Rule:
    origin, size, kind, build, splice = line.split(" ")
    return Rule(origin, int(size), kind, build, tuple(map(int, splice.split(","))) if splice != "-" else ())


Build = Callable[[Any, list[Any]], object]
"""Makes the value of a rule from what the walk was given as context and the values of its children."""


@dataclass(slots=True)
class Stack:
    """Where the walk stands: the states entered and the values between them."""

    states: list[int]
    values: list[object]


@dataclass(frozen=True, slots=True)
class Stuck:
    """The walk met a token that cannot stand there; the stack is as before it.

    LALR would reduce what it can before it notices; then nobody would know any more what could have come.
    """

    index: int
    stack: Stack


class Automaton:
    """Tables and the functions that build the values of their rules."""

    def __init__(self, tables: Tables, builders: Mapping[str, Build]) -> None:
        self.tables = tables
        self._steps = [(rule.origin, rule.size, _make(rule, builders), rule.splice) for rule in tables.rules]

    def begin(self) -> Stack:
        """The stack before the first token."""
        return Stack([self.tables.start], [])

    def walk(self, tokens: Sequence[Token], stack: Stack, context: object, index: int = 0) -> object | Stuck:
        """Consume tokens from `index` on and give words their kind; the value of the whole at END."""
        rows, steps, end = self.tables.rows, self._steps, self.tables.end
        states, values = stack.states, stack.values
        while True:
            token = tokens[index]
            row = rows[states[-1]]
            kind = token.kind
            if kind == WORD:
                kind = token.text if token.text in row else "NAME"
            sure = False
            while True:
                action = row.get(kind)
                if action is None or (action <= 0 and not sure and not self.accepts(states, kind)):
                    return Stuck(index, stack)
                if action > 0:
                    states.append(action - 1)
                    values.append(token)
                    token.kind = kind
                    index += 1
                    break
                sure = True
                origin, size, make, splice = steps[-action]
                parts = values[-size:] if size else []
                if size:
                    del states[-size:]
                    del values[-size:]
                if splice:
                    parts = _spliced(parts, splice)
                values.append(parts if make is None else make(context, parts))
                row = rows[states[-1]]
                states.append(row[origin] - 1)
                row = rows[states[-1]]
                if states[-1] == end and kind == END:
                    return values[-1]

    def accepts(self, states: Sequence[int], kind: str) -> bool:
        """Whether a token of this kind could come next: the walk without values."""
        rows, steps, end = self.tables.rows, self._steps, self.tables.end
        states = list(states)
        while True:
            action = rows[states[-1]].get(kind)
            if action is None:
                return False
            if action > 0:
                return True
            origin, size, _, _ = steps[-action]
            if size:
                del states[-size:]
            states.append(rows[states[-1]][origin] - 1)
            if states[-1] == end and kind == END:
                return True

    def acceptable(self, states: Sequence[int]) -> list[str]:
        """Every kind of token that could come next, in the order of the grammar."""
        row = self.tables.rows[states[-1]]
        return [kind for kind in self.tables.terminals if kind in row and self.accepts(states, kind)]


def _spliced(parts: list[object], splice: tuple[int, ...]) -> list[object]:
    """The children with lists laid open; a leading list grows in place, so a long block costs its length."""
    if splice == (0,):
        first = parts[0]
        assert isinstance(first, list)
        first.extend(parts[1:])
        return first
    flat: list[object] = []
    for position, part in enumerate(parts):
        if position in splice:
            assert isinstance(part, list)
            flat.extend(part)
        else:
            flat.append(part)
    return flat


def _make(rule: Rule, builders: Mapping[str, Build]) -> Build | None:
    match rule.kind:
        case "list":
            return None
        case "pass":
            return _only
        case _:
            return builders[rule.build]


def _only(_: object, parts: list[object]) -> object:
    assert len(parts) == 1, "a rule that passes on has one child"
    return parts[0]
