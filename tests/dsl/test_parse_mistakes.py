"""Typical mistakes: each is named, placed and answered with what to write, those of one file together."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ionto_dsl.parse import parse
from ionto_dsl.recovery import ERRORS_MAX
from ionto_ir.diagnostic import Diagnostic, Edit, Severity
from ionto_ir.source import SourceFile
from tests.dsl.sentences import laid_out, sentence


def problems(text: str) -> tuple[Diagnostic, ...]:
    """The diagnostics of a text that must have some; then there is no tree."""
    file, found = parse(SourceFile("t.ionto", text))
    assert file is None
    assert found
    return found


def only(text: str) -> Diagnostic:
    """The one diagnostic of a text."""
    (found,) = problems(text)
    return found


def in_session(text: str) -> str:
    """A protocol whose session has these steps on its third line."""
    return f"protocol p {{\nsession {{\n{text}\n}}\n}}\n"


def in_protocol(text: str) -> str:
    """A protocol with these items from its second line on."""
    return f"protocol p {{\n{text}\n}}\n"


STEPS = [
    ("ramp to 2 mA ovr 30 s", "I0101", 14, "`ovr` is not a word that can stand here", "did you mean `over`?"),
    ("ramp to 2 ovr 30 s", "I0101", 11, "`ovr` is neither a unit nor a word", "did you mean `over`?"),
    ("Ramp to 2 mA over 30 s", "I0101", 1, "`Ramp` is not a word", "did you mean `ramp`?"),
    ("hold for 10 min end", "I0101", 17, "`end` does not close anything", "blocks end with `}`"),
    ("limit current <= 4 mA", "I0101", 1, "`limit` cannot stand here", "`limit` belongs in an envelope"),
    ("hold total for 20 min", "I0101", 6, "`total` cannot stand here", "`hold for 10 min`"),
    ('wait 30 min "abc', "I0103", 13, "a text is not closed", 'close it with `"`'),
    ("let ramp = 3 mA", "I0104", 5, "`ramp` is a word of the language", "`ramp_1`"),
    ("ramp to \u22122 mA over 3 s", "I0105", 9, "`\u2212` is not used here", "write `-`"),
    ("confirm \u201cclean\u201d", "I0105", 9, "`\u201c` is not used here", "straight quotes"),
    ("if a \u2264 b { }", "I0105", 6, "`\u2264` is not used here", "write `<=`"),
    ("wait 3 s; wait 4 s", "I0105", 9, "`;` is not used here", "leave it out"),
    ("wait 3 s @", "I0105", 10, "the character `@` has no place", None),
    ("ramp to 0,5 mA over 30 s", "I0106", 9, "`0,5` is written with a comma", "write `0.5`"),
    ("hold for .5 min", "I0106", 10, "`.5` has nothing before its point", "write `0.5`"),
    ("hold for 5. min", "I0106", 10, "`5.` has nothing after its point", "write `5`"),
    ("hold for 1_000 s", "I0106", 10, "`1_000` is grouped", "write `1000`"),
    ("hold for 1 000 s", "I0106", 10, "two numbers in a row", None),
    ("hold for 1e3", "I0106", 10, "`1e3` is written with an exponent", "write the number out"),
    ("hold for nan", "I0106", 10, "`nan` is not a quantity", None),
    ("hold for Infinity", "I0106", 10, "`Infinity` is not a quantity", None),
    (f"hold for {'9' * 31} s", "I0106", 10, "a number of 31 digits", "larger or smaller unit"),
    ("hold until 40 mA min", "I0111", 12 + 3, "`mA min` is a unit in pieces", "write `mA.min`"),
    ("hold until 40 mA . min", "I0111", 12 + 3, "`mA . min` is a unit in pieces", "write `mA.min`"),
    ("hold for min", "I0111", 10, "`min` is a unit without a number", "`10 min`"),
    (r'wait 5 min "a\n"', "I0113", 14, r"`\n` means nothing inside a text", None),
    ("if a < b < c { }", "I0116", 10, "comparisons cannot be chained", "`a <= b and b <= c`"),
    ("if a == b { }", "I0117", 6, "`==` is not used", "write `=`"),
]


@pytest.mark.parametrize(("text", "code", "column", "message", "advice"), STEPS)
def test_a_mistake_in_a_step_is_named_and_answered(
    text: str, code: str, column: int, message: str, advice: str | None
) -> None:
    found = only(in_session(text))
    assert found.code == code
    assert found.severity is Severity.ERROR
    assert found.primary is not None
    assert (found.primary.span.line, found.primary.span.column) == (3, column)
    assert message in found.message
    assert advice is None or advice in (found.help or "")


ITEMS = [
    ("param x = 3 mA .. 4 mA", "I0117", "`=` where `:` belongs", "write `:`"),
    ("let y: 3", "I0117", "`:` where `=` belongs", "write `=`"),
    ("param session: 1 mA .. 2 mA", "I0104", "`session` is a word of the language", None),
    ("param x: 1 mA .. 2 mA step 1 mA step 2 mA", "I0112", "step is said twice", "keep the one"),
    ("param x: 1 mA .. 2 mA step 1 mA = 1 mA = 2 mA", "I0112", "default is said twice", "keep the one"),
    ('ask a: yes/no "one" "two"', "I0112", "the text of this line is said twice", None),
    ('active cathode patch on "a" on "b"', "I0112", "site is said twice", None),
    ('after "x"', "I0114", "`after` with a text belongs to a `prove` line", "prove never"),
    ("ramp to 2 mA over 3 s", "I0101", "`ramp` cannot stand here", "belongs in `session { ... }`"),
    ("refuse when a hazard burn", "I0118", "`burn` is not the name of a hazard", "`H-BURN`"),
    ("session { hold for 3 s }\n}", "I0102", "`}` closes nothing", "delete it"),
]


@pytest.mark.parametrize(("text", "code", "message", "advice"), ITEMS)
def test_a_mistake_in_an_item_is_named_and_answered(
    text: str, code: str, message: str, advice: str | None
) -> None:
    found = only(in_protocol(text))
    assert found.code == code
    assert message in found.message
    assert advice is None or advice in (found.help or "")


@pytest.mark.parametrize("sign", ["<", "=", ">=", ">"])
def test_a_limit_is_inclusive(sign: str) -> None:
    found = only(f"envelope e {{ limit current {sign} 4 mA }}")
    assert found.code == "I0115"
    assert found.edit is not None
    assert found.edit.replacement == "<="


def test_what_is_missing_at_the_end_of_a_line_is_said_there() -> None:
    found = only(in_session("ramp to 2 mA\nhold for 10 min"))
    assert found.message == "something is missing after `mA`"
    assert found.primary is not None
    assert found.primary.text == "expected `at` or `over`"
    assert "`ramp to 2 mA at 0.1 mA/s`" in (found.help or "")
    assert found.labels[0].text == "before `hold`"


def test_an_open_block_at_the_end_of_the_file_is_shown_where_it_was_opened() -> None:
    found = only("protocol p {\n  session {\n  }\n")
    assert found.code == "I0102"
    assert found.primary is not None
    assert (found.primary.span.line, found.primary.span.column) == (1, 12)


def test_a_forgotten_brace_is_seen_by_the_indentation() -> None:
    found = only('protocol p {\n  session {\n    hold for 3 s\n  after {\n    confirm "x"\n  }\n}\n')
    assert (found.code, found.message) == ("I0102", "a `}` is missing")
    assert found.labels[0].span.line == 2


def test_a_forgotten_brace_before_the_next_declaration_is_seen() -> None:
    found = only("device d {\n  tick 100 ms\n\nenvelope e {\n  limit current <= 4 mA\n}\n")
    assert (found.code, found.help) == ("I0102", "put `}` before `envelope`")


def test_the_mistakes_of_a_file_are_told_together_and_in_order() -> None:
    found = problems(
        "protocol p {\n"
        '  titel "a"\n'
        "  param x = 1 mA .. 2 mA\n"
        "  session {\n"
        "    ramp to 0,5 mA over 30 s\n"
        "    hold until 40 mA min\n"
        "    rampp to 2 mA over 3 s\n"
        "  }\n"
        "  course { every }\n"
        "}\n"
        "envelope e { limit current < 4 mA }\n"
    )
    assert [(one.code, one.primary.span.line if one.primary else 0) for one in found] == [
        ("I0101", 2),
        ("I0117", 3),
        ("I0106", 5),
        ("I0111", 6),
        ("I0101", 7),
        ("I0101", 9),
        ("I0115", 11),
    ]


def test_a_word_that_is_mended_in_thought_hides_nothing_behind_it() -> None:
    found = problems("protocol p {\n  sesion {\n    hold for 1e3 s\n    rmap to 2 mA over 3 s\n  }\n}\n")
    assert [one.help for one in found if one.code == "I0101" and one.primary and one.primary.text][:1] == [
        "did you mean `session`?"
    ]
    assert any("`ramp`" in (one.help or "") for one in found)


def test_reports_end_at_some_point() -> None:
    found = problems(in_session("\n".join("ramp to" for _ in range(200))))
    assert len(found) == ERRORS_MAX


def test_no_message_shows_the_parser_s_own_names() -> None:
    for text, *_ in STEPS:
        for one in problems(in_session(text)):
            said = " ".join([one.message, one.help or "", *(label.text for label in one.labels)])
            assert not any(
                word in said for word in ("NAME", "NUMBER", "STRING", "UNIT", "HAZARD", "$END", "WORD")
            )


@pytest.mark.parametrize(
    ("text", "column"),
    [
        ("ramp to 0,5 mA over 30 s", 9),
        ("ramp to 2 mA ovr 30 s", 14),
        ("hold until 40 mA min", 15),
        ("if a == b { }", 6),
    ],
)
def test_an_edit_mends_what_it_is_offered_for(text: str, column: int) -> None:
    source = in_session(text)
    edit = only(source).edit
    assert edit is not None
    assert edit.span.column == column
    file, found = parse(SourceFile("t.ionto", _applied(source, edit)))
    assert found == ()
    assert file is not None


def _applied(text: str, edit: Edit) -> str:
    lines = text.split("\n")
    line = lines[edit.span.line - 1]
    lines[edit.span.line - 1] = (
        line[: edit.span.column - 1] + edit.replacement + line[edit.span.end_column - 1 :]
    )
    return "\n".join(lines)


@given(st.text(max_size=200))
def test_any_text_has_a_tree_or_a_reason(text: str) -> None:
    file, found = parse(SourceFile("t.ionto", text))
    assert (file is None) == bool(found)


@given(st.integers(0, 2**32), st.integers(0, 2**32), st.text(max_size=4))
def test_a_damaged_file_has_a_tree_or_reasons_that_lie_inside_it(seed: int, place: int, damage: str) -> None:
    text = laid_out(sentence(seed), seed)
    at = place % (len(text) + 1)
    source = SourceFile("t.ionto", text[:at] + damage + text[at + 1 :])
    _, found = parse(source)
    lines = source.lines()
    for one in found:
        assert one.primary is not None
        for label in (one.primary, *one.labels):
            assert 1 <= label.span.line <= label.span.end_line <= len(lines)
            assert 1 <= label.span.column <= len(lines[label.span.line - 1]) + 1
            assert 1 <= label.span.end_column <= len(lines[label.span.end_line - 1]) + 1
