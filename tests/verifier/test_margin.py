"""Margins are proved from above and reached from below; safe ranges end where the obligation does."""

from __future__ import annotations

from fractions import Fraction

import pytest
from hypothesis import given

from ionto_verifier.decision import SafeRange
from ionto_verifier.margin import safe_range, supremum
from ionto_verifier.obligation import (
    Atom,
    Guard,
    Obligation,
    Variable,
    at_least,
    at_most,
    equal,
    holds,
    is_witness,
    never_above_zero,
    never_happens,
)
from ionto_verifier.summit import PRECISION
from ionto_verifier.term import Polynomial, evaluate, variable
from tests.verifier.solving_families import density_over_shared_area, energy_under_voltage, guarded_loops
from tests.verifier.solving_strategies import brute_force, obligations, points

x, y = variable("x"), variable("y")
BOTH = (Variable("x", 0, 10, step=2), Variable("y", 0, 10, integer=True))


def test_the_greatest_value_at_a_corner_is_exact_and_named() -> None:
    found = supremum(x * y - x, BOTH, ())
    assert found.exact and found.bound == 90
    assert found.witness == {"x": 10, "y": 10}


def test_a_guard_that_cuts_the_corner_off_is_respected() -> None:
    found = supremum(x * y, BOTH, (Guard("sum", at_most(x + y, 12)),))
    assert found.attained == 36 and found.bound is not None and found.bound >= 36
    assert found.bound - 36 <= 36 * PRECISION


def test_a_guard_that_is_the_bound_gives_an_exact_margin() -> None:
    assert supremum(x * y, BOTH, (Guard("dose", at_most(x * y, 40)),)).exact
    density = density_over_shared_area(3)
    assert isinstance(density.conclusion, Atom)
    found = supremum(density.conclusion.term, density.variables, density.guards)
    assert found.exact and found.bound == 0


def test_contradictory_guards_have_no_greatest_value() -> None:
    guards = (Guard("low", at_most(x, 3)), Guard("high", at_least(x, 5)))
    assert supremum(x, BOTH, guards).bound is None
    coupled = (Guard("sum", at_most(x + y, 3)), Guard("more", at_least(x + y, 4)))
    found = supremum(x, BOTH, coupled)
    assert found.bound is None and found.attained is None and not found.exact


@given(obligations())
def test_no_value_passes_the_bound_and_the_attained_one_is_real(obligation: Obligation) -> None:
    goal = goal_of(obligation)
    found = supremum(goal, obligation.variables, obligation.guards)
    values = [
        evaluate(goal, point)
        for point in points(obligation.variables)
        if all(holds(guard.formula, point) for guard in obligation.guards)
    ]
    if found.bound is None:
        assert not values
        return
    assert all(value <= found.bound for value in values)
    if found.attained is not None:
        assert found.witness is not None and evaluate(goal, found.witness) == found.attained
        assert found.attained in values
        assert is_witness(never_happens("r", "p", obligation.variables, obligation.guards), found.witness)


def goal_of(obligation: Obligation) -> Polynomial:
    if isinstance(obligation.conclusion, Atom):
        return obligation.conclusion.term
    return variable(obligation.variables[0].name)


def test_the_largest_safe_value_is_on_the_grid_and_the_next_is_not_safe() -> None:
    obligation = never_above_zero("o", "p", BOTH, (), x * y - 65)
    assert safe_range(obligation, "x") == SafeRange(0, 6, exact=True)
    assert safe_range(obligation, "y") == SafeRange(0, 6, exact=True)


def test_a_variable_that_helps_is_safe_from_some_value_up() -> None:
    obligation = never_above_zero("o", "p", BOTH, (Guard("x", at_most(x, 7)),), x - y)
    assert safe_range(obligation, "y") == SafeRange(6, 10, exact=True)


def test_an_obligation_that_holds_is_safe_everywhere() -> None:
    assert safe_range(never_above_zero("o", "p", BOTH, (), x - 10), "x") == SafeRange(0, 10, exact=True)


def test_a_variable_that_cannot_help_has_no_safe_range() -> None:
    assert safe_range(never_above_zero("o", "p", BOTH, (), x - 5), "y") == SafeRange(None, None, exact=True)


def test_a_range_in_which_nothing_can_happen_is_not_called_safe() -> None:
    obligation = never_above_zero("o", "p", BOTH, (Guard("y", at_least(y, 4)),), x - 5)
    assert safe_range(obligation, "y") == SafeRange(None, None, exact=True)


def test_a_continuous_variable_is_safe_up_to_a_whole_number() -> None:
    items = (Variable("x", 0, 1000), Variable("y", 0, 7))
    assert safe_range(never_above_zero("o", "p", items, (), x * y - 100), "x") == SafeRange(0, 14, exact=True)


@pytest.mark.parametrize("name", ["n0", "I0", "T0"])
def test_hard_families_have_safe_ranges_too(name: str) -> None:
    obligation = guarded_loops(2, slack=-500_000)
    found = safe_range(obligation, name)
    if found.hi is not None:
        assert found.lo is not None and found.exact


def test_a_lower_limit_shortens_the_safe_time() -> None:
    obligation = energy_under_voltage(1, slack=-1_200_000)
    assert safe_range(obligation, "T0") == SafeRange(10, 500, exact=True)


@given(obligations())
def test_safe_ranges_are_safe_at_every_point(obligation: Obligation) -> None:
    name = obligation.variables[0].name
    found = safe_range(obligation, name)
    if found.lo is None or found.hi is None:
        return
    lo, hi = found.lo, found.hi
    narrow = tuple(
        Variable(item.name, lo, hi, item.step, item.integer) if item.name == name else item
        for item in obligation.variables
    )
    assert brute_force(Obligation("o", "p", narrow, obligation.guards, obligation.conclusion)) is None


def test_margins_of_equalities_are_exact() -> None:
    found = supremum(x + y, BOTH, (Guard("fixed", equal(x + y, 7)),))
    assert found.exact and found.bound == Fraction(7)
