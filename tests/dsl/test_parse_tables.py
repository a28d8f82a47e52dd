"""The tables are lark's: in step with the grammar, and our walk does what lark's own parser does."""

from __future__ import annotations

import zlib

import lark
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ionto_dsl import parse as door
from ionto_dsl.automaton import Automaton, Rule, Stuck, read_tables
from ionto_dsl.lexer import END, Lexer, Token
from ionto_dsl.tree_builder import BUILDERS
from ionto_dsl.words import FREE, HOMES, RESERVED, UNIT_WORDS
from ionto_grammars import grammar_text, tables_text
from tests.dsl.sentences import derivation, grammar, sentence, terminals

TABLES = read_tables(tables_text())


def test_the_tables_are_what_lark_computes_from_the_grammar_now() -> None:
    assert tables_text() == door.tables_from_grammar(grammar_text()), "run grammars/write_tables.py"


def test_a_grammar_with_a_conflict_is_refused() -> None:
    ambiguous = 'start: a | b\na: "x" "y"?\nb: "x" "y"\n'
    with pytest.raises(lark.exceptions.GrammarError):
        door.tables_from_grammar(ambiguous)


def test_a_changed_grammar_is_not_parsed_with_old_tables(monkeypatch: pytest.MonkeyPatch) -> None:
    changed = grammar_text().replace('title: "title" STRING', 'title: "heading" STRING')
    assert zlib.crc32(changed.encode()) != int(TABLES.digest, 16)
    monkeypatch.setattr(door, "grammar_text", lambda: changed)
    _, automaton = door._ready.__wrapped__()
    assert "heading" in automaton.tables.literals
    assert "title" not in automaton.tables.literals


def test_every_rule_has_its_builder_and_every_builder_a_rule() -> None:
    assert {rule.build for rule in TABLES.rules if rule.kind == "node"} == set(BUILDERS)


def test_every_word_of_the_grammar_is_either_reserved_or_free() -> None:
    words = {literal for literal in TABLES.literals if literal[0].isalpha()}
    assert words <= RESERVED | FREE
    assert not RESERVED & FREE
    assert words >= FREE
    assert {word for word in RESERVED if word not in words} == {"nan", "inf", "infinity"}
    assert set(HOMES) <= words
    assert words >= UNIT_WORDS


def test_a_free_word_is_hardly_ever_a_keyword_where_a_name_could_stand() -> None:
    """Otherwise a parameter called `dose` would be something else in some places."""
    clashes = {
        word
        for state in range(TABLES.states)
        if "NAME" in TABLES.rows[state]
        for word in FREE & set(TABLES.rows[state])
    }
    # After `expect`, the record that is classified is named; its name cannot be one of the outcomes.
    outcomes = {"cautioned", "delivered", "duration", "finished", "peak", "refused", "safe", "stopped"}
    outcomes |= {"paused", "warned"}
    # After `channel upper` an event or an outcome follows, and of a channel no record is named.
    events = {"adjust", "away", "back", "current", "emergency_stop", "impedance", "lead_off", "link_back"}
    events |= {"link_lost", "press", "voltage"}
    # In place of a reading a `let` value may be named. After `as pulsed` a frequency may be a name. After
    # `for` an envelope names answers, of which none can be called `site`; after `ion` there is a number.
    of_waveforms = {"duty", "offset", "sine", "square"}
    assert clashes == outcomes | events | of_waveforms | {"missing", "normal", "site", "unknown"}


def _plain(rule: Rule) -> object:
    def build(_: object, parts: list[object]) -> object:
        return (rule.build, [part.text if isinstance(part, Token) else part for part in parts])

    return build


def _ours(words: list[str]) -> tuple[object, list[Token]]:
    """The parse as nested tuples, by our walk, with the tokens and their kinds."""
    builders = {rule.build: _plain(rule) for rule in TABLES.rules if rule.kind == "node"}
    automaton = Automaton(TABLES, builders)  # type: ignore[arg-type]
    tokens = Lexer(TABLES.patterns, TABLES.literals, UNIT_WORDS).cut(" ".join(words)).tokens
    found = automaton.walk(tokens, automaton.begin(), None)
    assert not isinstance(found, Stuck), (words, tokens[found.index])
    return found, tokens


def _larks(tokens: list[Token]) -> object:
    """The parse of the same tokens as nested tuples, by lark's own parser."""
    names = {kind: name for name, kind in terminals().items()}
    parser = grammar().parser.parser.parse_interactive(
        lark.lexer.LexerThread(grammar().parser.lexer, None), "start"
    )
    for token in tokens:
        if token.kind == END:
            return _tuples(parser.feed_eof())
        parser.feed_token(lark.Token(names[token.kind], token.text))
    raise AssertionError("the last token is the end")


def _tuples(tree: object) -> object:
    if isinstance(tree, lark.Tree):
        return (str(tree.data), [_tuples(child) for child in tree.children])
    return str(tree)


def test_the_random_files_use_every_rule_of_the_grammar() -> None:
    used = set().union(*(derivation(seed)[1] for seed in range(len(grammar().rules))))
    assert {str(rule) for rule in grammar().rules} - {str(rule) for rule in used} == set()


@given(st.integers(0, 2**32))
def test_our_walk_gives_the_tree_that_larks_parser_gives(seed: int) -> None:
    ours, tokens = _ours(sentence(seed))
    assert ours == _larks(tokens)


@given(st.integers(0, 2**32), st.randoms(use_true_random=False))
def test_our_walk_is_stuck_where_larks_parser_is(seed: int, chance: object) -> None:
    words = sentence(seed)
    if not words:
        return
    position = chance.randrange(len(words))  # type: ignore[attr-defined]
    words[position] = chance.choice(["}", "{", ",", "until", "7", '"text"', "=", "x"])  # type: ignore[attr-defined]
    automaton = Automaton(TABLES, BUILDERS_OF_NOTHING)
    tokens = Lexer(TABLES.patterns, TABLES.literals, UNIT_WORDS).cut(" ".join(words)).tokens
    found = automaton.walk(tokens, automaton.begin(), None)
    names = {kind: name for name, kind in terminals().items()} | {END: END}
    parser = grammar().parser.parser.parse_interactive(
        lark.lexer.LexerThread(grammar().parser.lexer, None), "start"
    )
    until = found.index if isinstance(found, Stuck) else len(tokens) - 1
    for token in tokens[:until]:
        parser.feed_token(lark.Token(names[token.kind], token.text))
    if isinstance(found, Stuck):
        acceptable = {names[kind] for kind in automaton.acceptable(found.stack.states)}
        assert acceptable == parser.accepts()
        kind = tokens[until].kind
        assert names.get("NAME" if kind == "WORD" else kind) not in acceptable or kind == "WORD"
    else:
        parser.feed_eof()


BUILDERS_OF_NOTHING = dict.fromkeys(BUILDERS, lambda _context, _parts: None)
