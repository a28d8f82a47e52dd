"""Source files: lines as editors count them, spans, and what they cover."""

from __future__ import annotations

from ionto_ir.source import SourceFile, Span


def test_lines_end_in_lf_crlf_or_cr_and_in_nothing_else() -> None:
    source = SourceFile("a.ionto", "one\r\ntwo\rthree\nfour\u2028still four")
    assert source.lines() == ["one", "two", "three", "four\u2028still four"]
    assert source.line(3) == "three"
    assert source.line(0) == ""
    assert source.line(5) == ""


def test_a_span_covers_what_it_says() -> None:
    source = SourceFile("a.ionto", "ramp to 2 mA\nover 30 s\n")
    assert source.text_at(Span("a.ionto", 1, 9, 1, 13)) == "2 mA"
    assert source.text_at(Span("a.ionto", 1, 9, 2, 5)) == "2 mA\nover"
    assert source.text_at(Span("a.ionto", 9, 1, 9, 5)) == ""


def test_spans_join_and_have_ends() -> None:
    first, last = Span("a", 1, 2, 1, 5), Span("a", 3, 1, 3, 9)
    assert first.to(last) == Span("a", 1, 2, 3, 9)
    assert first.start() == Span("a", 1, 2, 1, 2)
    assert last.end() == Span("a", 3, 9, 3, 9)
    assert str(first) == "a:1:2"


def test_the_digest_is_that_of_the_text_in_utf8() -> None:
    assert SourceFile("a", "").digest() == "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
    assert SourceFile("a", "µ").digest() != SourceFile("a", "u").digest()
    assert SourceFile("a", "x").whole() == Span("a", 1, 1, 1, 2)
