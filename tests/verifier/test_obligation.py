"""Formulas stay in negation normal form and mean what they say; witnesses are evaluated exactly."""

from __future__ import annotations

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ionto_verifier.obligation import (
    FALSE,
    TRUE,
    Formula,
    Guard,
    Obligation,
    Variable,
    Witness,
    answer,
    at_least,
    at_most,
    conjunction,
    disjunction,
    equal,
    formula_variables,
    greater,
    holds,
    implies,
    is_witness,
    less,
    negation,
    never_above_zero,
    no,
    yes,
)
from ionto_verifier.term import variable
from tests.verifier.solving_strategies import NAMES, formulas

x, y = variable("x"), variable("y")
some_points = st.fixed_dictionaries({name: st.integers(-4, 4).map(Fraction) for name in NAMES})


@given(formulas(NAMES, 2), some_points)
def test_a_negation_holds_exactly_where_the_formula_does_not(formula: Formula, point: Witness) -> None:
    assert holds(negation(formula), point) != holds(formula, point)
    assert negation(negation(formula)) == formula


@given(formulas(NAMES, 1), formulas(NAMES, 1), some_points)
def test_connectives_mean_what_they_say(left: Formula, right: Formula, point: Witness) -> None:
    first, second = holds(left, point), holds(right, point)
    assert holds(conjunction((left, right)), point) == (first and second)
    assert holds(disjunction((left, right)), point) == (first or second)
    assert holds(implies(left, right), point) == (not first or second)


@pytest.mark.parametrize(
    ("formula", "below", "at", "above"),
    [
        (at_most(x, 3), True, True, False),
        (less(x, 3), True, False, False),
        (at_least(x, 3), False, True, True),
        (greater(x, 3), False, False, True),
        (equal(x, 3), False, True, False),
    ],
)
def test_comparisons_differ_where_they_should(formula: Formula, below: bool, at: bool, above: bool) -> None:
    assert [holds(formula, {"x": value}) for value in (2, 3, 4)] == [below, at, above]


def test_an_answer_is_yes_or_no() -> None:
    assert holds(yes("b"), {"b": 1}) and not holds(yes("b"), {"b": 0})
    assert holds(no("b"), {"b": 0}) and not holds(no("b"), {"b": 1})
    assert answer("b").is_answer and not Variable("n", 0, 2, integer=True).is_answer


def test_comparisons_of_numbers_are_decided_at_once() -> None:
    assert at_most(3, 4) == TRUE and less(4, 4) == FALSE
    assert conjunction((at_most(x, 1), less(1, 0))) == FALSE
    assert disjunction((at_most(x, 1), at_most(0, 1))) == TRUE


def test_equal_formulas_written_differently_are_equal_values() -> None:
    assert at_most(2 * x, 6) == at_most(x * Fraction(1, 3), 1)
    assert conjunction((at_most(x, 1), conjunction((at_most(y, 1), at_most(x, 1))))) == conjunction(
        (at_most(x, 1), at_most(y, 1))
    )
    assert formula_variables(implies(yes("b"), equal(x, y))) == {"b", "x", "y"}


def test_a_grid_begins_at_its_lower_bound() -> None:
    stepped = Variable("x", 1, 10, step=4)
    assert stepped.highest == 9
    assert [value for value in range(12) if stepped.admits(Fraction(value))] == [1, 5, 9]
    assert not stepped.admits(Fraction(3, 2))
    assert Variable("x", 0, 1).admits(Fraction(1, 3))


def test_a_witness_is_inside_and_meets_the_guards_and_fails_the_conclusion() -> None:
    items = (Variable("x", 0, 10, step=2), Variable("y", 0, 10))
    obligation = never_above_zero("o", "p", items, (Guard("g", at_most(y, 5)),), x + y - 9)
    assert is_witness(obligation, {"x": Fraction(6), "y": Fraction(7, 2)})
    assert not is_witness(obligation, {"x": Fraction(6), "y": Fraction(3)}), "the conclusion holds"
    assert not is_witness(obligation, {"x": Fraction(5), "y": Fraction(5)}), "between grid values"
    assert not is_witness(obligation, {"x": Fraction(6), "y": Fraction(6)}), "a guard fails"
    assert not is_witness(obligation, {"x": Fraction(12), "y": Fraction(5)}), "out of bounds"
    assert not is_witness(obligation, {"x": Fraction(10)}), "a value is missing"


def test_an_obligation_that_contradicts_itself_trips_an_assertion() -> None:
    with pytest.raises(AssertionError, match="two variables"):
        Obligation("o", "p", (answer("b"), answer("b")), (), TRUE)
    with pytest.raises(AssertionError, match="two guards"):
        Obligation("o", "p", (answer("b"),), (Guard("g", yes("b")), Guard("g", no("b"))), TRUE)
    with pytest.raises(AssertionError, match="unknown variable"):
        Obligation("o", "p", (), (), at_most(x, 1))
