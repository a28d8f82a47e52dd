"""The linear relaxations prove the hard families, with certificates, and claim nothing that is false."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from hypothesis import given

from ionto_verifier.certificate import Farkas, assumed, check
from ionto_verifier.linearise import constraints
from ionto_verifier.obligation import Obligation, Variable, at_most, never_above_zero
from ionto_verifier.relaxation import refute_relaxed
from ionto_verifier.splitting import Undivided
from ionto_verifier.term import evaluate, variable
from tests.verifier.solving_families import (
    charge_of_steps,
    conditional_steps,
    density_over_shared_area,
    doses_by_time,
    energy_under_voltage,
    guarded_loops,
    guarded_total,
)
from tests.verifier.solving_strategies import brute_force, obligations, points

EFFORT = 5_000_000

FAMILIES: list[tuple[Callable[..., Obligation], int, int]] = [
    (lambda size, slack=0: charge_of_steps(100, size, slack), 4, 0),
    (density_over_shared_area, 4, 1),
    (guarded_loops, 5, 0),
    (guarded_total, 10, 0),
    (energy_under_voltage, 3, 1),
    (conditional_steps, 6, 0),
    (doses_by_time, 6, 0),
]


@pytest.mark.parametrize(("family", "size", "level"), FAMILIES)
def test_each_family_is_proved_exactly_to_its_limit(
    family: Callable[..., Obligation], size: int, level: int
) -> None:
    obligation = family(size)
    proof = refute_relaxed([assumed(obligation)], level, EFFORT)[0]
    assert isinstance(proof, Farkas) and check(proof, obligation)
    beyond = family(size, -1)
    assert refute_relaxed([assumed(beyond)], level, EFFORT)[0] is None


@pytest.mark.parametrize(("family", "size"), [(density_over_shared_area, 3), (energy_under_voltage, 2)])
def test_products_are_what_level_one_adds(family: Callable[..., Obligation], size: int) -> None:
    assert refute_relaxed([assumed(family(size))], 0, EFFORT)[0] is None
    assert isinstance(refute_relaxed([assumed(family(size))], 1, EFFORT)[0], Farkas)


@given(obligations())
def test_every_row_of_a_relaxation_is_true_wherever_the_assumptions_are(obligation: Obligation) -> None:
    known = assumed(obligation)
    rows = constraints(known, 1)
    for point in points(obligation.variables):
        inside = all(known.box[name][0] <= value <= known.box[name][1] for name, value in point.items())
        facts = all(
            evaluate(atom.term, point) < 0 if atom.strict else evaluate(atom.term, point) <= 0
            for atom in known.facts.values()
        )
        if inside and facts:
            for row in rows:
                value = evaluate(row.term, point)
                assert value > 0 if row.positive else value >= 0


@given(obligations())
def test_a_contradiction_is_never_found_where_there_is_a_point(obligation: Obligation) -> None:
    witness = brute_force(obligation)
    for level in (0, 1):
        found = refute_relaxed([assumed(obligation)], level, EFFORT)[0]
        if found is not None:
            assert witness is None
        if isinstance(found, Farkas):
            assert check(found, obligation)


def test_several_goals_over_the_same_ground_are_read_together_and_answered_apart() -> None:
    x, y = variable("x"), variable("y")
    items = (Variable("x", 0, 10), Variable("y", 0, 10))
    goals = [x * y - limit for limit in (100, 99, 150)]
    made = [never_above_zero(f"o{index}", "p", items, (), goal) for index, goal in enumerate(goals)]
    found = refute_relaxed([assumed(item) for item in made], 0, EFFORT)
    assert [isinstance(item, Farkas) for item in found] == [True, False, True]


def test_a_contradiction_that_needs_whole_answers_says_so() -> None:
    obligation = conditional_steps(2)
    b, c = variable("b0"), variable("b1")
    whole = never_above_zero("o", "p", obligation.variables, (), 2 * b * c - b - c)
    assert isinstance(refute_relaxed([assumed(whole)], 1, EFFORT)[0], Farkas)
    needs_cases = Obligation("o", "p", obligation.variables, (), at_most(b - b * b, 0))
    assert isinstance(refute_relaxed([assumed(needs_cases)], 1, EFFORT)[0], Farkas | Undivided)


def test_without_effort_nothing_is_claimed() -> None:
    assert refute_relaxed([assumed(density_over_shared_area(4))], 1, 1) == [None]
