"""Cores name the guards and bounds that a proof uses, and none that it does not."""

from __future__ import annotations

from hypothesis import assume, given

from ionto_ir.dataclass import replace
from ionto_verifier.decision import BoundUsed, CoreItem, GuardUsed, Proved
from ionto_verifier.obligation import (
    FALSE,
    Guard,
    Obligation,
    Variable,
    at_least,
    at_most,
    disjunction,
    never_above_zero,
    never_happens,
)
from ionto_verifier.solve import decide
from ionto_verifier.term import variable
from tests.verifier.solving_families import density_over_shared_area
from tests.verifier.solving_strategies import brute_force, obligations

x, y = variable("x"), variable("y")
BOTH = (Variable("x", 0, 10), Variable("y", 0, 10))
LOW_X, HIGH_X, LOW_Y, HIGH_Y = (BoundUsed(name, upper) for name in "xy" for upper in (False, True))


def core(obligation: Obligation) -> tuple[CoreItem, ...]:
    decision = decide(obligation)
    assert isinstance(decision, Proved)
    return decision.core


def test_a_sum_needs_only_the_upper_bounds() -> None:
    assert core(never_above_zero("o", "p", BOTH, (), x + y - 20)) == (HIGH_X, HIGH_Y)


def test_a_product_needs_one_sign_too() -> None:
    assert core(never_above_zero("o", "p", BOTH, (), x * y - 100)) == (HIGH_X, LOW_Y, HIGH_Y)


def test_a_guard_takes_the_place_of_the_bound_it_narrows() -> None:
    guards = (Guard("limit.x", at_most(x, 3)), Guard("limit", at_most(y, 50)))
    assert core(never_above_zero("o", "p", BOTH, guards, x - 3)) == (GuardUsed("limit.x"),)
    assert core(never_above_zero("o", "p", BOTH, guards, x + y - 13)) == (GuardUsed("limit.x"), HIGH_Y)


def test_guards_that_a_proof_can_do_without_are_not_named() -> None:
    guards = tuple(Guard(f"g{limit}", at_most(x * y, limit)) for limit in (60, 40, 80))
    assert core(never_above_zero("o", "p", BOTH, guards, x * y - 40)) == (GuardUsed("g40"),)


def test_part_of_a_disjunction_counts_as_the_guard() -> None:
    guard = Guard("either", disjunction((at_most(x, 2), at_most(x, 3))))
    assert core(never_above_zero("o", "p", BOTH, (guard,), x - 3)) == (GuardUsed("either"),)


def test_a_proof_of_nothing_happening_says_that_it_never_looked_at_the_conclusion() -> None:
    guards = (Guard("low", at_most(x, 3)), Guard("high", at_least(x, 5)), Guard("idle", at_most(y, 5)))
    decision = decide(never_above_zero("o", "p", BOTH, guards, x * y - 1))
    assert isinstance(decision, Proved) and decision.without_goal
    assert decision.core == (GuardUsed("low"), GuardUsed("high"))
    ordinary = decide(never_above_zero("o", "p", BOTH, guards[:1], x - 3))
    assert isinstance(ordinary, Proved) and not ordinary.without_goal


def test_an_empty_range_is_named_by_its_two_bounds() -> None:
    decision = decide(never_happens("o", "p", (Variable("x", 5, 4),), ()))
    assert isinstance(decision, Proved) and decision.core == (LOW_X, HIGH_X)


def test_the_density_family_rests_on_every_density_guard() -> None:
    decision = decide(density_over_shared_area(3))
    assert isinstance(decision, Proved) and decision.core_is_minimal
    assert {item.name for item in decision.core if isinstance(item, GuardUsed)} == {
        f"density {index}" for index in range(3)
    }


@given(obligations())
def test_the_named_guards_alone_are_enough(obligation: Obligation) -> None:
    decision = decide(obligation)
    assume(isinstance(decision, Proved))
    assert isinstance(decision, Proved)
    names = {item.name for item in decision.core if isinstance(item, GuardUsed)}
    fewer = replace(obligation, guards=tuple(guard for guard in obligation.guards if guard.name in names))
    assert brute_force(fewer) is None
    if decision.without_goal:
        assert brute_force(replace(fewer, conclusion=FALSE)) is None
