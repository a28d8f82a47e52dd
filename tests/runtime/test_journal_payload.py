"""The short way to read a payload accepts exactly what the long way accepts."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ionto_ir.canonical import canonical, read_json
from ionto_runtime.journal_format import read_payload

SCALARS = st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.text(max_size=6)
VALUES = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
)


def the_long_way(text: bytes) -> object:
    """What the strict reader and the canonical form say."""
    read = read_json(text)
    return read if isinstance(read, dict) and canonical(read) == text else None


@given(st.dictionaries(st.text(max_size=4), VALUES, max_size=4))
def test_what_is_written_canonically_is_read(payload: dict[str, object]) -> None:
    try:
        text = canonical(payload)  # type: ignore[arg-type]
    except AssertionError:
        return  # an integer beyond what canonical JSON can say
    assert read_payload(text) == payload


@pytest.mark.parametrize(
    "text",
    [
        b"",
        b"{",
        b"[]",
        b"1",
        b'"a"',
        b"null",
        b'{"a": 1}',
        b'{"b":1,"a":2}',
        b'{"a":1,"a":1}',
        b'{"a":1,"a":2}',
        b'{"a":1.5}',
        b'{"a":1e2}',
        b'{"a":-0}',
        b'{"a":01}',
        b'{"a":NaN}',
        b'{"a":Infinity}',
        b'{"a":9007199254740992}',
        b'{"a":9007199254740991}',
        b'{"a":99999999999999999999999999}',
        b'{"a":"\\u0041"}',
        b'{"a":"\\n"}',
        b'{"a":"\\ud800"}',
        b'{"a":"\x7f"}',
        '{"a":"µ"}'.encode(),
        '{"\U0001f600":1,"\ufb33":2}'.encode(),
        b'{"a":"\xff"}',
        b'{"a":' + b"[" * 400 + b"]" * 400 + b"}",
        b'{"a":' + b"[" * 100_000,
        b"\xef\xbb\xbf{}",
        b'{"a":1} ',
    ],
)
def test_both_ways_agree_on_what_is_odd(text: bytes) -> None:
    assert read_payload(text) == the_long_way(text)


@given(st.binary(max_size=30) | st.text('{}[]":,0123456789.-eEaNtrufls \\', max_size=30).map(str.encode))
def test_both_ways_agree_on_anything(text: bytes) -> None:
    assert read_payload(text) == the_long_way(text)
