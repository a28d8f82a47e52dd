"""Bounds are valid at every moment, exact where the relaxation is, and carry their own certificate."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction

import pytest
from hypothesis import assume, given

from ionto_verifier import simplex
from ionto_verifier.bounding import attack, best_bound, fits, point_of, refute_by_rows
from ionto_verifier.certificate import GOAL, Fact, Farkas, assumed, check
from ionto_verifier.obligation import (
    FALSE,
    Atom,
    Guard,
    Obligation,
    Variable,
    at_least,
    at_most,
    disjunction,
    equal,
    holds,
    less,
    never_above_zero,
    never_happens,
)
from ionto_verifier.simplex import Bound
from ionto_verifier.term import Polynomial, evaluate, variable
from tests.verifier.solving_families import (
    charge_of_steps,
    conditional_steps,
    density_over_shared_area,
    doses_by_time,
    energy_under_voltage,
    guarded_loops,
    guarded_total,
)
from tests.verifier.solving_strategies import obligations, points

x, y, z = variable("x"), variable("y"), variable("z")
BOTH = (Variable("x", 0, 10), Variable("y", 0, 10))

FAMILIES: list[Callable[..., Obligation]] = [
    lambda size, slack=0: charge_of_steps(50, size, slack),
    density_over_shared_area,
    guarded_loops,
    guarded_total,
    energy_under_voltage,
    conditional_steps,
    doses_by_time,
]


def bound_of(goal: Polynomial, *guards: Guard, items: tuple[Variable, ...] = BOTH) -> Bound:
    return best_bound(assumed(never_happens("o", "p", items, guards)), goal)


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize("size", [3, 5])
def test_each_family_is_bounded_exactly_by_its_limit(family: Callable[..., Obligation], size: int) -> None:
    obligation = family(size)
    assert isinstance(obligation.conclusion, Atom)
    known = assumed(Obligation("o", "p", obligation.variables, obligation.guards, FALSE))
    assert best_bound(known, obligation.conclusion.term).value == 0
    proof = attack(assumed(obligation), GOAL)
    assert isinstance(proof, Farkas) and check(proof, obligation)
    assert not isinstance(attack(assumed(family(size, -1)), GOAL), Farkas)


@given(obligations())
def test_no_allowed_point_passes_the_bound_and_the_certificate_says_so(obligation: Obligation) -> None:
    assume(isinstance(obligation.conclusion, Atom))
    assert isinstance(obligation.conclusion, Atom)
    goal = obligation.conclusion.term
    known = assumed(Obligation("o", "p", obligation.variables, obligation.guards, FALSE))
    assume(all(low <= high for low, high in known.box.values()))
    bound = best_bound(known, goal)
    allowed = [
        evaluate(goal, point)
        for point in points(obligation.variables)
        if all(holds(guard.formula, point) for guard in obligation.guards)
    ]
    if bound.contradictory:
        assert not allowed
        return
    assert all(value <= bound.value for value in allowed)
    claim = Obligation("o", "p", obligation.variables, obligation.guards, at_most(goal, bound.value))
    if isinstance(claim.conclusion, Atom):
        proof = attack(assumed(claim), GOAL)
        assert not isinstance(proof, dict) and check(proof, claim)


@given(obligations())
def test_stopping_at_any_moment_leaves_a_valid_bound(obligation: Obligation) -> None:
    assume(isinstance(obligation.conclusion, Atom))
    assert isinstance(obligation.conclusion, Atom)
    goal = obligation.conclusion.term
    known = assumed(Obligation("o", "p", obligation.variables, obligation.guards, FALSE))
    assume(all(low <= high for low, high in known.box.values()))
    seen: list[Fraction] = []

    def watch(bound: Bound) -> bool:
        seen.append(bound.value)
        return len(seen) >= 7

    best_bound(known, goal, watch)
    assert seen == sorted(seen, reverse=True), "the bound only falls"
    for point in points(obligation.variables):
        if all(holds(guard.formula, point) for guard in obligation.guards):
            assert evaluate(goal, point) <= seen[-1]


def test_products_of_ranges_bound_a_difference_that_intervals_do_not() -> None:
    assert bound_of(x * y - x * 5).value == 50
    assert bound_of((x - y) * (x - y)).value == 100
    assert bound_of(x * (10 - x)).value <= 50


def test_facts_are_weighed_and_multiplied() -> None:
    assert bound_of(3 * x + 2 * y, Guard("sum", at_most(x + y, 12))).value == 34
    assert bound_of(x * y, Guard("sum", at_most(x + y, 10))).value <= 25 * 2
    assert bound_of(x * y, Guard("less", at_most(x, y)), Guard("half", at_most(y, 5))).value == 25


def test_the_point_of_a_bound_is_where_the_relaxation_is_worst() -> None:
    bound = bound_of(3 * x + y, Guard("sum", at_most(x + y, 12)))
    assert point_of(bound) == {"x": 10, "y": 2}


def test_fractions_in_bounds_and_coefficients_are_exact() -> None:
    guards = (Guard("third", at_most(3 * x, 10)), Guard("seventh", at_most(7 * y + x, 9)))
    bound = bound_of(x * y * Fraction(1, 6) + y, *guards)
    assert Fraction(9, 7) <= bound.value <= Fraction(10, 3) * Fraction(9, 7) / 6 + Fraction(9, 7)
    touching = never_above_zero("o", "p", BOTH, guards, 7 * y + x - 9)
    proof = attack(assumed(touching), GOAL)
    assert isinstance(proof, Farkas) and check(proof, touching)


def test_rows_that_contradict_each_other_are_told_apart_from_a_bound() -> None:
    low, high = Guard("low", at_most(x + y, 3)), Guard("high", at_least(x + 2 * y, 17))
    assert bound_of(x, low, high).contradictory
    nothing = never_happens("o", "p", BOTH, (low, high))
    proof = refute_by_rows(assumed(nothing), ())
    assert isinstance(proof, Farkas) and check(proof, nothing)
    assert all(Fact(GOAL) not in item.factors for item in proof.summands)
    assert not bound_of(x, low, Guard("high", at_least(x + 2 * y, 5))).contradictory


def test_touching_counts_only_where_something_is_strict() -> None:
    three = (*BOTH, Variable("z", 0, 10))
    chain = [Guard("1", at_most(x, y)), Guard("2", at_most(y, z))]
    closed = never_happens("o", "p", three, (*chain, Guard("3", at_most(z, x))))
    assert refute_by_rows(assumed(closed), ()) is None
    strict = never_happens("o", "p", three, (*chain, Guard("3", less(z, x))))
    proof = refute_by_rows(assumed(strict), ())
    assert proof is not None and check(proof, strict)


def test_facts_about_other_variables_do_not_disturb() -> None:
    others = [Guard(f"other {index}", equal(variable(f"v{index}") * z, index)) for index in range(20)]
    items = (*BOTH, Variable("z", 0, 10), *(Variable(f"v{index}", 0, 50) for index in range(20)))
    bound = bound_of(x * y, Guard("dose", at_most(x * y, 40)), *others, items=items)
    assert bound.value == 40 and "z" not in point_of(bound)


def test_few_pivots_give_a_wider_but_valid_bound(monkeypatch: pytest.MonkeyPatch) -> None:
    obligation = density_over_shared_area(4)
    assert isinstance(obligation.conclusion, Atom)
    known = assumed(Obligation("o", "p", obligation.variables, obligation.guards, FALSE))
    monkeypatch.setattr(simplex, "PIVOTS_MAX", 2)
    assert best_bound(known, obligation.conclusion.term).value > 0


def test_many_combinations_of_choices_are_left_to_the_solver() -> None:
    either = [
        Guard(f"either {limit}", disjunction((at_most(x, limit), at_most(y, limit)))) for limit in range(1, 6)
    ]
    assert not fits(assumed(never_happens("o", "p", BOTH, tuple(either))))
    assert fits(assumed(never_happens("o", "p", BOTH, tuple(either[:2]))))
