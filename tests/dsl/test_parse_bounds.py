"""Files that are no text, hide something, or are beyond all bounds: refused with a reason, no crash."""

from __future__ import annotations

import pytest

from ionto_dsl.build_values import DEPTH_MAX
from ionto_dsl.parse import parse
from ionto_dsl.unreadable import CHARACTERS_MAX, LINES_MAX, NESTING_MAX, REPORTED_MAX, decode
from ionto_ir.diagnostic import Diagnostic
from ionto_ir.source import SourceFile


def only(text: str) -> Diagnostic:
    """The one diagnostic of a text."""
    file, found = parse(SourceFile("t.ionto", text))
    assert file is None
    assert len(found) == 1, found
    return found[0]


def test_bytes_that_are_utf8_become_text_without_their_byte_order_mark() -> None:
    assert decode("a", "title µ".encode()) == SourceFile("a", "title µ")
    assert decode("a", b"\xef\xbb\xbfimport x") == SourceFile("a", "import x")


def test_the_first_byte_that_is_no_text_is_shown() -> None:
    found = decode("a", b'title "x"\r\n# 40 \xb5A')
    assert isinstance(found, Diagnostic)
    assert found.code == "I0108"
    assert found.message == "this file is not UTF-8 text: byte 0xb5"
    assert found.primary is not None
    assert (found.primary.span.line, found.primary.span.column) == (2, 6)


@pytest.mark.parametrize("encoding", ["utf-16-le", "utf-16-be"])
def test_utf16_is_named(encoding: str) -> None:
    found = decode("a", "\ufeffimport x".encode(encoding))
    assert isinstance(found, Diagnostic)
    assert (found.code, found.message) == ("I0108", "this file is in UTF-16")


@pytest.mark.parametrize(
    "character", ["\x00", "\x1b", "\x7f", "\u200b", "\u202e", "\u2066", "\ufeff", "\u00ad"]
)
@pytest.mark.parametrize("place", ['title "a{}b"', "# a{}b", "param a{}b: 1 .. 2"])
def test_an_invisible_character_is_refused_everywhere(character: str, place: str) -> None:
    found = only("protocol p {\n" + place.format(character) + "\n}")
    assert found.code == "I0107"
    assert f"U+{ord(character):04X}" in found.message
    assert found.primary is not None
    assert found.primary.span.line == 2


def test_not_every_invisible_character_of_thousands_is_reported() -> None:
    _, found = parse(SourceFile("t", "\u200b" * 5000))
    assert len(found) == REPORTED_MAX


def test_a_million_lines_are_refused_at_once() -> None:
    found = only("\n" * 1_000_000)
    assert found.code == "I0109"
    assert found.message == "this file has 1,000,001 lines"


def test_the_bounds_themselves_are_allowed() -> None:
    file, found = parse(SourceFile("t", "#" * (CHARACTERS_MAX - LINES_MAX + 1) + "\n" * (LINES_MAX - 1)))
    assert found == ()
    assert file is not None
    assert only("#" * (CHARACTERS_MAX + 1)).code == "I0109"
    assert only("\r\n" * LINES_MAX).code == "I0109"


@pytest.mark.parametrize("depth", [NESTING_MAX, 10_000])
@pytest.mark.parametrize(
    ("opening", "closing"),
    [("repeat 2 times {", "}"), ("if a {", "}"), ("if a { } else {", "}"), ("let x = " + "(", ")")],
)
def test_nesting_has_a_bound(depth: int, opening: str, closing: str) -> None:
    head, bracket = (opening[:-1], "(") if closing == ")" else ("", opening)
    inner = "1 mA" if closing == ")" else "wait 1 s"
    found = only(f"protocol p {{ session {{ {head}{bracket * depth}{inner}{closing * depth} }} }}")
    assert found.code == "I0110"
    assert found.message == f"this is nested more than {NESTING_MAX} deep"


@pytest.mark.parametrize("count", [DEPTH_MAX + 2, 10_000])
@pytest.mark.parametrize("unit", ["1 + ", "- ", "not ", "a and ", "a = b or "])
def test_an_expression_has_a_bound(unit: str, count: int) -> None:
    found = only(f"protocol p {{ let x = {unit * count}a }}")
    assert found.code == "I0110"
    assert found.message == f"this is nested more than {DEPTH_MAX} deep"


def test_a_chain_of_choices_has_a_bound() -> None:
    chain = "if a { } else " * 10_000
    found = only(f"protocol p {{ session {{ {chain} if a {{ }} }} }}")
    assert (found.code, found.help) == ("I0110", "use fewer `else if`")


def test_an_expression_that_is_just_deep_enough_is_read() -> None:
    file, found = parse(SourceFile("t", f"protocol p {{ let x = {'1 + ' * DEPTH_MAX}1 }}"))
    assert found == ()
    assert file is not None


def test_a_long_flat_block_is_read() -> None:
    steps = "ramp to 2 mA over 30 s\n hold for 1 min\n" * 2_000
    file, found = parse(SourceFile("t", f"protocol p {{ session {{ {steps} }} }}"))
    assert found == ()
    assert file is not None
