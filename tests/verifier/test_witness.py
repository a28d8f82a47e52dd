"""Witnesses are found at readable places, repaired from near misses, and always valid."""

from __future__ import annotations

from fractions import Fraction

from hypothesis import given

from ionto_verifier.certificate import assumed
from ionto_verifier.obligation import (
    Guard,
    Obligation,
    Variable,
    Witness,
    answer,
    at_least,
    at_most,
    equal,
    implies,
    is_witness,
    never_above_zero,
    never_happens,
    no,
    yes,
)
from ionto_verifier.term import evaluate, variable
from ionto_verifier.witness import climbed, first_guess, guess, readable, repaired
from tests.verifier.solving_families import density_over_shared_area, guarded_total
from tests.verifier.solving_strategies import obligations, points

x, y = variable("x"), variable("y")
BOTH = (Variable("x", 0, 10, step=2, default=6), Variable("y", 0, 10, default=3))


def found(obligation: Obligation) -> Witness | None:
    known = assumed(obligation)
    witness = first_guess(obligation, known) or guess(obligation, known)
    assert witness is None or is_witness(obligation, witness)
    return witness


def test_the_worst_corner_is_tried_first() -> None:
    assert found(never_above_zero("o", "p", BOTH, (), x - y)) == {"x": 10, "y": 0}


def test_variables_that_do_not_matter_keep_their_default() -> None:
    assert found(never_above_zero("o", "p", BOTH, (), x - 8)) == {"x": 10, "y": 3}


def test_a_corner_that_breaks_a_guard_is_moved_back_to_where_the_guard_just_holds() -> None:
    guard = Guard("sum", at_most(x + y, 13))
    assert found(never_above_zero("o", "p", BOTH, (guard,), x + y - 12)) is not None
    assert found(never_above_zero("o", "p", BOTH, (guard,), x + y - 13)) is None


def test_one_guard_over_many_groups_is_met_somewhere_on_the_way_from_the_lowest_to_the_worst() -> None:
    assert found(guarded_total(30, slack=-1000)) is not None
    assert found(density_over_shared_area(10, slack=-1)) is not None


def test_answers_are_flipped_until_the_guards_hold() -> None:
    items = (answer("a"), answer("b"), answer("c"))
    guards = (
        Guard("1", implies(yes("a"), no("b"))),
        Guard("2", yes("c")),
        Guard("3", implies(yes("c"), yes("a"))),
    )
    assert found(never_happens("o", "p", items, guards)) == {"a": 1, "b": 0, "c": 1}


def test_a_point_between_grid_values_is_repaired_towards_failing() -> None:
    obligation = never_above_zero("o", "p", BOTH, (), 2 * x + y - 21)
    witness = repaired(obligation, {"x": Fraction(21, 4), "y": Fraction(999, 100)})
    assert witness is not None and is_witness(obligation, witness)


def test_ugly_values_are_pulled_to_defaults_and_bounds() -> None:
    obligation = never_above_zero("o", "p", BOTH, (Guard("g", at_least(y, 1)),), x - 7)
    ugly = {"x": Fraction(8), "y": Fraction(31415, 10000)}
    assert readable(obligation, ugly) == {"x": 10, "y": 3}


def test_nothing_is_found_in_an_empty_domain() -> None:
    assert found(never_happens("o", "p", (Variable("x", 3, 2),), ())) is None
    assert found(never_happens("o", "p", BOTH, (Guard("g", equal(x, 5)),))) is None


def test_climbing_ends_at_a_guard_or_a_bound() -> None:
    obligation = never_happens("o", "p", BOTH, (Guard("g", at_most(x * y, 30)),))
    top = climbed(obligation, x * y + y, {"x": Fraction(0), "y": Fraction(0)})
    assert is_witness(obligation, top) and evaluate(x * y + y, top) >= 30


@given(obligations())
def test_every_guess_and_every_repair_is_valid(obligation: Obligation) -> None:
    found(obligation)
    for start in list(points(obligation.variables))[:5]:
        witness = repaired(obligation, start)
        if witness is not None:
            assert is_witness(obligation, witness)
            assert is_witness(obligation, readable(obligation, witness))
