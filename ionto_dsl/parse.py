"""Text to surface tree, and the only door to lark, which computes the parser's tables from the grammar."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import cache
from typing import TYPE_CHECKING, Any
from zlib import crc32

from ionto_dsl import surface
from ionto_dsl.automaton import FORMAT, NOTHING, Automaton, Stuck, read_tables
from ionto_dsl.lexer import END, Cut, Lexer
from ionto_dsl.pieces import Context
from ionto_dsl.tree_builder import BUILDERS
from ionto_dsl.unreadable import too_deep, unreadable
from ionto_dsl.words import UNIT_WORDS
from ionto_grammars import grammar_text, tables_text
from ionto_ir.dataclass import dataclass
from ionto_ir.diagnostic import Diagnostic, has_errors, in_reading_order
from ionto_ir.source import SourceFile

if TYPE_CHECKING:
    from lark.grammar import Rule as LarkRule


def parse(source: SourceFile) -> tuple[surface.File | None, tuple[Diagnostic, ...]]:
    """The surface tree of a file, or None and every syntax error in it, in reading order."""
    parsed, problems = parse_with_tokens(source)
    return (None if parsed is None else parsed.file), problems


@dataclass(frozen=True, slots=True)
class Parsed:
    """A file that was understood: its tree, and its tokens and comments as they stood."""

    file: surface.File
    cut: Cut


def parse_with_tokens(source: SourceFile) -> tuple[Parsed | None, tuple[Diagnostic, ...]]:
    """As `parse`, with the tokens and comments that the formatter needs."""
    refused = unreadable(source)
    if refused:
        return None, refused
    lexer, automaton = _ready()
    cut = lexer.cut("\n".join(source.lines()))
    refused = too_deep(source.name, cut.tokens)
    if refused:
        return None, refused
    context = Context(source.name)
    found = automaton.walk(cut.tokens, automaton.begin(), context)
    if isinstance(found, Stuck):
        from ionto_dsl.recovery import recover  # most files have no syntax error and need none of it

        recover(automaton, cut.tokens, found, context)
        found = None
    problems = in_reading_order(context.problems)
    if found is None or has_errors(problems):
        return None, problems
    assert isinstance(found, surface.File)
    return Parsed(found, cut), problems


def cut_text(text: str) -> Cut:
    """The tokens and comments of a text whose lines end in LF."""
    lexer, _ = _ready()
    return lexer.cut(text)


@cache
def _ready() -> tuple[Lexer, Automaton]:
    """The lexer and the automaton; from the grammar itself if it has changed since the tables were made."""
    tables = read_tables(tables_text())
    grammar = grammar_text()
    if tables.digest != digest_of(grammar):
        tables = read_tables(tables_from_grammar(grammar))
    return Lexer(tables.patterns, tables.literals, UNIT_WORDS), Automaton(tables, BUILDERS)


def digest_of(grammar: str) -> str:
    """What ties tables to the grammar that they were computed from."""
    return f"{crc32(grammar.encode()):08x}"


def tables_from_grammar(grammar: str) -> str:
    """Let lark compute the LALR tables of a grammar, and write them as `ionto_dsl.automaton` reads them.

    Raises lark's GrammarError when the grammar is not LALR(1): strict, so that no conflict is resolved
    silently. The numbering is ours (breadth first from the start), because lark's differs from run to run.
    """
    import lark

    class NoLexer(lark.lexer.Lexer):
        """We cut the text ourselves; with its own lexer lark's strict mode would want one more library."""

        def __init__(self, _: object) -> None:
            return

        def lex(self, lexer_state: object, parser_state: object) -> Iterator[lark.Token]:
            raise AssertionError("tables are computed, nothing is parsed")

    parser = lark.Lark(
        grammar, parser="lalr", lexer=NoLexer, strict=True, keep_all_tokens=True, maybe_placeholders=False
    )
    table = parser.parser.parser._parse_table
    named = {t.name: t.pattern.value for t in parser.terminals if isinstance(t.pattern, lark.lexer.PatternRE)}
    literal = {t.name: t.pattern.value for t in parser.terminals if t.name not in named}
    spelling = {END: END} | {name: name for name in named} | literal
    used = dict.fromkeys(rule.origin.name for rule in parser.rules)
    symbols = [END, *named, *sorted(literal.values()), *(f"<{name}>" for name in used)]
    number = {symbol: index for index, symbol in enumerate(symbols)}
    rules = {rule: index for index, rule in enumerate(parser.rules)}

    def code(name: str) -> int:
        return number[spelling.get(name, f"<{name}>")]

    order = _breadth_first(table.states, table.start_states["start"], code)
    start, end = order[table.start_states["start"]], order[table.end_states["start"]]
    rows = []
    for state in order:
        groups: dict[int, list[int]] = {}
        for name, (action, target) in table.states[state].items():
            shifts = str(action) == "Shift"
            groups.setdefault(order[target] + 1 if shifts else -rules[target], []).append(code(name))
        rows.append(
            ";".join(f"{act}:{','.join(map(str, sorted(groups[act])))}" for act in sorted(groups)) or NOTHING
        )
    parts = (
        [f"{FORMAT} {digest_of(grammar)} {start} {end}"],
        [f"{name} {_one_line(pattern)}" for name, pattern in named.items()],
        sorted(literal.values()),
        [f"<{name}>" for name in used],
        [_written(rule) for rule in parser.rules],
        rows,
    )
    return "\n\n".join("\n".join(part) for part in parts) + "\n"


def _breadth_first(states: Any, start: Any, code: Callable[[str], int]) -> dict[Any, int]:
    order = {start: 0}
    queue = [start]
    for state in queue:
        moves = [
            (code(name), target) for name, (action, target) in states[state].items() if str(action) == "Shift"
        ]
        for _, target in sorted(moves):
            if target not in order and target in states:
                order[target] = len(order)
                queue.append(target)
    return order


def _one_line(pattern: str) -> str:
    return pattern.replace("\n", "\\n")


def _written(rule: LarkRule) -> str:
    origin = str(rule.origin.name)
    splice = [
        str(i)
        for i, symbol in enumerate(rule.expansion)
        if symbol.name.startswith("_") and not symbol.is_term
    ]
    if rule.alias:
        kind, build = "node", rule.alias
    elif origin.startswith("_"):
        kind, build = "list", "-"
    elif rule.options.expand1 and len(rule.expansion) == 1 and not splice:
        kind, build = "pass", "-"
    else:
        kind, build = "node", origin
    return f"<{origin}> {len(rule.expansion)} {kind} {build} {','.join(splice) or '-'}"
