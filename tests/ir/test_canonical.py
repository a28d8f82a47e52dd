"""Canonical JSON: equal values have equal bytes, and nothing ambiguous is read or written."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ionto_ir.canonical import (
    DEPTH_MAX,
    INTEGER_MAX,
    JsonLike,
    JsonProblem,
    canonical,
    digest,
    read_json,
    unwritable,
)

TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=8)
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-INTEGER_MAX, INTEGER_MAX) | TEXTS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXTS, inner, max_size=4),
    max_leaves=12,
)


@given(VALUES)
def test_what_is_written_reads_back_as_the_same_value(value: JsonLike) -> None:
    assert read_json(canonical(value)) == value


@given(VALUES)
def test_writing_what_was_read_gives_the_same_bytes(value: JsonLike) -> None:
    written = canonical(value)
    read = read_json(written)
    assert not isinstance(read, JsonProblem)
    assert canonical(read) == written


@given(VALUES)
def test_layout_does_not_change_the_digest(value: JsonLike) -> None:
    read = read_json(json.dumps(value, indent=3).encode())
    assert not isinstance(read, JsonProblem)
    assert digest(read) == digest(value)


def test_keys_are_ordered_by_utf16_code_units_and_not_by_code_points() -> None:
    # U+1F600 is D83D DE00 in UTF-16, which is before U+FB33 although its code point is after it.
    written = canonical({"\ufb33": 1, "\U0001f600": 2, "\u20ac": 3, "1": 4, "\r": 5, "\u0080": 6})
    read = json.loads(written)
    assert list(read) == ["\r", "1", "\u0080", "\u20ac", "\U0001f600", "\ufb33"]


def test_strings_use_the_short_escapes_and_leave_all_else_alone() -> None:
    assert canonical('\u20ac$\u000f\nA\'B"\\\\"/\x7f\u2028') == (
        '"\u20ac$\\u000f\\nA\'B\\"\\\\\\\\\\"/\x7f\u2028"'.encode()
    )


def test_tuples_are_written_as_arrays() -> None:
    assert canonical({"a": (1, (True, None))}) == b'{"a":[1,[true,null]]}'


@pytest.mark.parametrize(
    ("value", "says"),
    [
        (0.5, "a float has no canonical form"),
        ({"a": [0, 1.0]}, "at `a[1]`: a float has no canonical form"),
        ({"a": {"b": 2**53}}, "at `a.b`: an integer is beyond 2^53 - 1"),
        ([-(2**53)], "at `[0]`: an integer is beyond 2^53 - 1"),
        ({"a": "\ud800"}, "at `a`: half of a surrogate pair is no character"),
        ({1: 2}, "a key is not a string"),
        (b"x", "a bytes has no canonical form"),
    ],
)
def test_what_cannot_be_written_is_named_with_its_place(value: object, says: str) -> None:
    assert unwritable(value) == says


def test_writing_the_unwritable_is_a_bug_and_says_so() -> None:
    with pytest.raises(AssertionError, match="a float has no canonical form"):
        canonical([0.1])  # type: ignore[list-item]


@pytest.mark.parametrize(
    ("data", "says"),
    [
        (b'{"a":1,"a":1}', "the key `a` stands twice in one object"),
        (b"1.0", "`1.0` is not an integer"),
        (b"1e3", "`1e3` is not an integer"),
        (b"NaN", "`NaN` is not an integer"),
        (b"-Infinity", "`-Infinity` is not an integer"),
        (b"-0", "`-0` is not written in canonical JSON"),
        (b"9007199254740992", "an integer is beyond 2^53 - 1"),
        (b"9" * 5000, "the number `" + "9" * 40 + "...` is beyond 2^53 - 1"),
        (b'"\\ud800"', "half of a surrogate pair is no character"),
        (b'{"a":', "it is not JSON"),
        (b"", "it is not JSON"),
        (b"{} {}", "it is not JSON"),
        (b"\xef\xbb\xbf{}", "it is not JSON"),
        (b'"\x01"', "it is not JSON"),
        (b'{"a\\u001b[2J":1,"a\\u001b[2J":1}', "the key `a?[2J` stands twice in one object"),
    ],
)
def test_what_two_readers_could_understand_differently_is_refused(data: bytes, says: str) -> None:
    read = read_json(data)
    assert isinstance(read, JsonProblem)
    assert read.text == says


def test_a_problem_names_its_line_and_column() -> None:
    assert read_json(b'{\n  "a": x}') == JsonProblem("it is not JSON", 2, 8)
    assert read_json(b'{\n  "\xff"}') == JsonProblem("it is not text in UTF-8", 2, 4)


@pytest.mark.parametrize("opening", [b"[", b'{"a":'])
def test_deep_nesting_is_refused_before_it_exhausts_the_stack(opening: bytes) -> None:
    read = read_json(opening * 100_000)
    assert isinstance(read, JsonProblem)
    assert "nests deeper" in read.text


def test_nesting_up_to_the_bound_is_read_and_written() -> None:
    data = b"[" * DEPTH_MAX + b"]" * DEPTH_MAX
    value = read_json(data)
    assert not isinstance(value, JsonProblem)
    assert canonical(value) == data
    too_deep = read_json(b"[" + data + b"]")
    assert isinstance(too_deep, JsonProblem)


def test_brackets_inside_strings_are_not_nesting() -> None:
    text = '\\"' + "[{" * DEPTH_MAX
    assert read_json(canonical([text])) == [text]
