"""Polynomials are canonical, exact and bounded."""

from __future__ import annotations

import pickle
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ionto_verifier.term import (
    DEGREE_MAX,
    ONE,
    ZERO,
    Polynomial,
    TermTooLargeError,
    coefficient,
    constant,
    degree,
    derivative,
    evaluate,
    monomial_quotient,
    polynomial,
    primitive,
    substitute,
    text,
    total,
    variable,
    variables_of,
)
from tests.verifier.solving_strategies import NAMES, polynomials

x, y = variable("x"), variable("y")
some_points = st.fixed_dictionaries({name: st.fractions(-5, 5, max_denominator=6) for name in NAMES})


@given(polynomials(NAMES, 3, 6), polynomials(NAMES, 3, 6), some_points)
def test_arithmetic_on_polynomials_is_arithmetic_on_their_values(
    left: Polynomial, right: Polynomial, point: dict[str, Fraction]
) -> None:
    first, second = evaluate(left, point), evaluate(right, point)
    assert evaluate(left + right, point) == first + second
    assert evaluate(left - right, point) == first - second
    assert evaluate(left * right, point) == first * second
    assert evaluate(left * Fraction(2, 3) + 1, point) == first * Fraction(2, 3) + 1
    assert evaluate(-left, point) == -first


@given(polynomials(NAMES, 2, 5), polynomials(NAMES, 2, 3), some_points)
def test_substitution_is_evaluation_at_the_substituted_value(
    outer: Polynomial, inner: Polynomial, point: dict[str, Fraction]
) -> None:
    replaced = evaluate(substitute(outer, {"a": inner, "b": Fraction(1, 2)}), point)
    assert replaced == evaluate(outer, {**point, "a": evaluate(inner, point), "b": Fraction(1, 2)})


def test_equal_polynomials_written_differently_are_equal_values() -> None:
    assert (x + y) * (x - y) == x * x - y * y
    assert hash((x + 1) ** 2) == hash(x * x + 2 * x + 1)
    assert x - x == ZERO
    assert (x * 6) * Fraction(1, 4) == (x * 3) * Fraction(1, 2)


def test_a_charge_over_a_thousand_steps_collapses_to_one_monomial() -> None:
    assert total(x * y for _ in range(1000)) == 1000 * x * y


def test_primitive_keeps_the_sign_and_drops_the_content() -> None:
    assert primitive((6 * x - 4) * Fraction(1, 3)) == 3 * x - 2
    assert primitive(-6 * x) == -x
    assert primitive(ZERO) == ZERO


def test_derivatives_follow_the_power_rule() -> None:
    assert derivative(x**3 * y + 5 * x + y, "x") == 3 * x * x * y + 5
    assert derivative(constant(7), "x") == ZERO


def test_parts_of_a_polynomial_can_be_asked_for() -> None:
    term = (3 * x * y - 5) * Fraction(1, 2)
    assert coefficient(term, (("x", 1), ("y", 1))) == Fraction(3, 2)
    assert coefficient(term, ONE) == Fraction(-5, 2)
    assert coefficient(term, (("z", 1),)) == 0
    assert (degree(term), degree(ZERO)) == (2, 0)
    assert variables_of(term) == {"x", "y"}
    assert monomial_quotient((("x", 2), ("y", 1)), (("x", 1),)) == (("x", 1), ("y", 1))
    assert monomial_quotient((("x", 1),), (("y", 1),)) is None


@pytest.mark.parametrize(
    ("term", "shown"),
    [
        (ZERO, "0"),
        (constant(-3), "-3"),
        (x * x * y - 2 * x + 1, "1 - 2*x + x^2*y"),
        (-x, "-x"),
        ((x + 3) * Fraction(1, 2), "(3 + x)/2"),
    ],
)
def test_polynomials_print_in_ordinary_notation(term: Polynomial, shown: str) -> None:
    assert text(term) == str(term) == shown


def test_a_polynomial_beyond_the_bounds_is_refused_at_once() -> None:
    with pytest.raises(TermTooLargeError):
        x**DEGREE_MAX * x
    wide = total(variable(f"v{index}") for index in range(100))
    with pytest.raises(TermTooLargeError):
        wide * wide


@given(polynomials(NAMES, 3, 6), polynomials(NAMES, 3, 6))
def test_a_polynomial_is_canonical_whatever_it_was_made_by(left: Polynomial, right: Polynomial) -> None:
    hash(left)
    for made in (
        left + right,
        left - right,
        right - left,
        left * right,
        left * -2,
        total((left, right, left)),
    ):
        assert made == polynomial(dict(made.terms), made.denominator)
        assert all(number for _, number in made.terms)
        assert pickle.loads(pickle.dumps(made)) == made
    assert left + right - right == left
    assert left + right == total((right, left)) and left - right == total((left, -right))


def test_malformed_parts_are_our_own_bug_and_trip_an_assertion() -> None:
    with pytest.raises(AssertionError):
        polynomial({(("y", 1), ("x", 1)): 1})
    with pytest.raises(AssertionError):
        polynomial({(("x", 0),): 1})
    with pytest.raises(AssertionError):
        Polynomial(((ONE, 1),), 0)
    assert polynomial({(("x", 1),): 2}, -4) == x * Fraction(-1, 2)
