"""The first stage closes ordinary obligations with a certificate and without the solver."""

from __future__ import annotations

from hypothesis import given

from ionto_verifier.certificate import Closed, Corner, Farkas, assumed, check
from ionto_verifier.interval import contradiction, corner_moves
from ionto_verifier.obligation import (
    Guard,
    Obligation,
    Variable,
    at_least,
    at_most,
    equal,
    never_above_zero,
)
from ionto_verifier.ranges import Ranges
from ionto_verifier.term import Polynomial, variable, variables_of
from tests.verifier.solving_families import charge_of_steps
from tests.verifier.solving_strategies import brute_force, obligations

x, y = variable("x"), variable("y")
BOTH = (Variable("x", 0, 10), Variable("y", 0, 10))


def closes(obligation: Obligation) -> bool:
    known = assumed(obligation)
    proof = contradiction(known, tuple(known.facts))
    assert proof is None or check(proof, obligation)
    return proof is not None


def bound(goal: Polynomial, *guards: Guard) -> Obligation:
    return never_above_zero("o", "p", BOTH, guards, goal)


def test_sums_of_products_are_bounded_by_their_ranges() -> None:
    assert closes(charge_of_steps(1000, 5, 0))
    assert not closes(charge_of_steps(1000, 5, -1))


def test_a_variable_that_helps_and_harms_is_put_at_its_worst_bound() -> None:
    # Plain intervals take x at 10 in one product and at 0 in the other.
    assert closes(bound(x * y - x - 90))
    assert not closes(bound(x * y - x - 89))
    assert closes(bound(x * y - 5 * x * y + x - 10))


def test_guards_narrow_the_box() -> None:
    assert closes(bound(x * y - 30, Guard("x", at_most(2 * x, 7)), Guard("y", at_most(y, 8))))
    assert closes(bound(x - y, Guard("x", at_most(x, 4)), Guard("y", at_least(y, 4))))
    assert not closes(bound(x - y, Guard("x", at_most(x, 4)), Guard("y", at_least(y, 3))))


def test_contradictory_guards_close_any_obligation() -> None:
    guards = Guard("x", at_most(x, 4)), Guard("more", at_least(x, 5))
    known = assumed(bound(x * y - 1, *guards))
    assert contradiction(known, ("goal",)) == Closed()
    assert closes(bound(x * y - 1, Guard("sum", equal(x + y, 30))))


def test_the_kinds_of_proof_are_the_expected_ones() -> None:
    assert isinstance(contradiction(assumed(bound(x * y - 100)), ("goal",)), Farkas)
    assert isinstance(contradiction(assumed(bound(x * y - x - 90)), ("goal",)), Corner)


@given(obligations())
def test_nothing_is_closed_that_has_a_refuting_point(obligation: Obligation) -> None:
    if closes(obligation):
        assert brute_force(obligation) is None


def test_corner_moves_keep_the_least_value() -> None:
    ranges = Ranges({"x": (1, 4), "y": (-2, 3)})
    rest, moves = corner_moves(x * y + 5 * y - x * x, ranges)
    assert not variables_of(rest) and dict(moves) == {"x": True, "y": False}
    assert ranges.of_polynomial(rest)[0] == 4 * -2 + 5 * -2 - 16
