"""Suggestions: what is close is found, what is not close is not, and nothing takes long."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ionto_dsl.suggest import CANDIDATES_MAX, WORD_LENGTH_MAX, near, nearest, slips

WORDS = ["session", "screen", "source", "current", "ramp", "repeat", "record", "hold"]


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("sesion", "session"),
        ("sessoin", "session"),
        ("Session", "session"),
        ("RAMP", "ramp"),
        ("rmap", "ramp"),
        ("holdd", "hold"),
        ("curent", "current"),
        ("xyzzy", None),
        ("ho", None),
        ("", None),
        ("session", None),
    ],
)
def test_the_closest_word_is_found_or_none(written: str, meant: str | None) -> None:
    assert nearest(written, [word for word in WORDS if word != written]) == meant


def test_closer_words_come_first_and_equal_ones_by_alphabet() -> None:
    assert near("recor", ["recors", "record", "recorded"]) == ("record", "recors", "recorded")[:2]
    assert near("Ab_c", ["AB_C", "ab_c", "Ab_d"], most=2) == ("ab_c", "AB_C")


def test_very_long_words_and_very_many_candidates_cost_nothing() -> None:
    assert near("a" * (WORD_LENGTH_MAX + 1), ["a" * WORD_LENGTH_MAX]) == ()
    many = [f"name_{index}" for index in range(CANDIDATES_MAX)]
    assert near("nome_x", [*many, "nome_y"]) != ("nome_y",)


@given(st.text(max_size=8), st.text(max_size=8))
def test_slips_are_counted_alike_in_both_directions(left: str, right: str) -> None:
    distance = slips(left, right, 20)
    assert distance == slips(right, left, 20)
    assert (distance == 0) == (left == right)
    assert abs(len(left) - len(right)) <= distance <= max(len(left), len(right))
    for most in range(4):
        assert slips(left, right, most) == min(distance, most + 1)


@given(st.text(alphabet="abc", max_size=6), st.integers(0, 5))
def test_one_slip_is_one_slip(word: str, place: int) -> None:
    at = place % (len(word) + 1)
    assert slips(word, word[:at] + "x" + word[at:], 9) == 1
    if len(word) >= 2:
        at = place % (len(word) - 1)
        swapped = word[:at] + word[at + 1] + word[at] + word[at + 2 :]
        assert slips(word, swapped, 9) == (swapped != word)
