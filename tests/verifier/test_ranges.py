"""Interval arithmetic: no value of the box lies outside, and single products are exact."""

from __future__ import annotations

from fractions import Fraction
from itertools import product

from hypothesis import given
from hypothesis import strategies as st

from ionto_verifier.ranges import Ranges
from ionto_verifier.term import Polynomial, evaluate, variable
from tests.verifier.solving_strategies import NAMES, polynomials

x, y = variable("x"), variable("y")
boxes = st.fixed_dictionaries(
    {
        name: st.tuples(st.integers(-3, 3), st.integers(0, 3)).map(lambda ends: (ends[0], ends[0] + ends[1]))
        for name in NAMES
    }
)


@given(polynomials(NAMES, 3, 5), boxes)
def test_no_value_of_the_box_lies_outside_the_bounds(
    term: Polynomial, box: dict[str, tuple[int, int]]
) -> None:
    low, high = Ranges(box).of_polynomial(term)
    for corner in product(*box.values()):
        assert low <= evaluate(term, dict(zip(box, corner, strict=True))) <= high


def test_single_products_are_exact_whatever_the_signs() -> None:
    ranges = Ranges({"x": (-2, 3), "y": (-5, -1), "z": (Fraction(1, 2), Fraction(2))})
    assert ranges.of_monomial((("x", 1), ("y", 1))) == (-15, 10)
    assert ranges.of_monomial((("x", 2),)) == (0, 9)
    assert ranges.of_monomial((("x", 3),)) == (-8, 27)
    assert ranges.of_monomial((("y", 2), ("z", 1))) == (Fraction(1, 2), 50)


def test_denominators_are_divided_out() -> None:
    assert Ranges({"x": (0, 3)}).of_polynomial((x - 1) * Fraction(1, 2)) == (Fraction(-1, 2), 1)


def test_whole_bounds_stay_integers() -> None:
    low, high = Ranges({"x": (Fraction(0), Fraction(4)), "y": (0, 2)}).of_polynomial(3 * x * y)
    assert type(low) is int and type(high) is int
