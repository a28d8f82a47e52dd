"""The checker accepts proofs and nothing else: every rule, every way to forge it, and random mutations."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from hypothesis import assume, given

from ionto_ir.dataclass import replace
from ionto_verifier.certificate import (
    DEPTH_MAX,
    GOAL,
    Closed,
    Corner,
    Cut,
    Fact,
    Farkas,
    Proof,
    Range,
    Split,
    Summand,
    check,
)
from ionto_verifier.decision import Proved
from ionto_verifier.obligation import (
    FALSE,
    Atom,
    Formula,
    Guard,
    Obligation,
    Variable,
    answer,
    at_least,
    at_most,
    disjunction,
    less,
    never_above_zero,
    never_happens,
    no,
    yes,
)
from ionto_verifier.solve import decide
from ionto_verifier.term import DEGREE_MAX, variable
from tests.verifier.solving_families import density_over_shared_area, energy_under_voltage, guarded_loops
from tests.verifier.solving_strategies import brute_force, obligations

x, y = variable("x"), variable("y")
BOTH = (Variable("x", 0, 10), Variable("y", 0, 10))
XY = (("x", 1), ("y", 1))


def bound(limit: int, *guards: Guard, items: tuple[Variable, ...] = BOTH) -> Obligation:
    return never_above_zero("o", "p", items, guards, x * y - limit)


Factors = tuple[Fact | Range, ...]


def farkas(*summands: tuple[int, *Factors]) -> Farkas:
    return Farkas(tuple(Summand(multiplier, tuple(factors)) for multiplier, *factors in summands))


def test_a_sum_that_cancels_to_a_number_below_zero_is_a_proof() -> None:
    proof = farkas((1, Fact(GOAL)), (1, Range(XY, True)))
    assert check(proof, bound(101))
    assert check(proof, bound(100)), "zero is enough because the negated goal is strict"
    assert not check(proof, bound(99))


def test_products_of_ranges_are_not_negative() -> None:
    # x (10 - y) >= 0 and 10 (10 - x) >= 0 add up to 100 - x y.
    proof = farkas(
        (1, Fact(GOAL)),
        (1, Range((("x", 1),), False), Range((("y", 1),), True)),
        (10, Range((("x", 1),), True)),
    )
    assert check(proof, bound(100))
    assert not check(proof, bound(99))


def test_guards_may_be_multiplied_and_added() -> None:
    guard = Guard("half", at_most(x, y))
    # x y <= y^2 from (y - x) y >= 0, and y^2 <= 100.
    proof = farkas(
        (1, Fact(GOAL)), (1, Fact("guard:half"), Range((("y", 1),), False)), (1, Range((("y", 2),), True))
    )
    assert check(proof, bound(100, guard))
    assert not check(proof, bound(100)), "the guard is not there"


@pytest.mark.parametrize(
    "forged",
    [
        farkas((1, Fact(GOAL))),
        farkas((1, Range(XY, True))),
        farkas((2, Fact(GOAL)), (1, Range(XY, True))),
        farkas((1, Fact(GOAL)), (-1, Range(XY, False))),
        farkas((1, Fact(GOAL)), (0, Range(XY, True))),
        farkas((1, Fact(GOAL)), (1, Range(XY, False))),
        farkas((1, Fact("guard:none")), (1, Range(XY, True))),
        farkas((1, Fact(GOAL)), (1, Range((("z", 1),), True))),
        farkas((1, Fact(GOAL)), (1, Range((), True))),
        farkas((1,)),
        farkas((1, Fact(GOAL)), (1, *[Range(XY, True)] * DEGREE_MAX)),
        Farkas(()),
        Closed(),
        Split(GOAL, ()),
        Split("guard:none", (Closed(),)),
        Corner(GOAL, (("x", True),), "moved", Closed()),
        Corner(GOAL, (("z", True),), "moved", Closed()),
        Corner("guard:none", (("x", True),), "moved", Closed()),
        Cut("lemma", at_most(x, 5), Closed(), Closed()),
        Cut("lemma", at_most(variable("z"), 5), Closed(), Closed()),
    ],
)
def test_forged_proofs_are_rejected(forged: Proof) -> None:
    assert not check(forged, bound(100))


def test_a_corner_is_taken_only_where_the_fact_is_weakest() -> None:
    right = Corner(GOAL, (("x", True), ("y", True)), "worst", Closed())
    assert check(right, bound(100))
    assert not check(right, bound(99))
    assert not check(Corner(GOAL, (("x", False), ("y", True)), "worst", Closed()), bound(100))
    crossing = (Variable("x", -10, 10), Variable("y", -10, 10))
    assert not check(right, bound(100, items=crossing)), "the product falls in y where x is negative"


def test_a_case_split_needs_every_case_closed() -> None:
    choice = Guard("one", disjunction((at_most(x, 1), at_most(y, 1))))
    branch = farkas((1, Fact(GOAL)), (1, Range(XY, True)))
    assert check(Split("guard:one", (branch, branch)), bound(10, choice))
    assert not check(Split("guard:one", (branch, branch)), bound(9, choice))
    assert not check(Split("guard:one", (branch,)), bound(10, choice))
    assert not check(Split("guard:one", (branch, branch, branch)), bound(10, choice))


def test_a_cut_needs_the_lemma_and_its_opposite_refuted() -> None:
    # Below x + y <= 10 the product reaches 25, at x = y = 5: (x - 5)^2 >= 0 is a product of ranges only
    # once the box has been cut at 5.
    guard = Guard("sum", at_most(x + y, 10))
    one: Factors = (Range((("x", 1),), False),)
    upper = farkas((1, Fact(GOAL)), (1, Fact("guard:sum"), *one), (5, Fact("guard:sum")), (1, *one, *one))
    top: Factors = (Range((("x", 1),), True),)
    lower = farkas((1, Fact(GOAL)), (1, Fact("guard:sum"), *one), (1, *top, *top))
    assert check(Cut("half", at_most(x, 5), upper, lower), bound(25, guard))
    assert not check(Cut("half", at_most(x, 5), upper, lower), bound(24, guard))
    assert not check(Cut("half", at_most(x, 5), lower, lower), bound(25, guard))
    assert not check(Cut("half", at_most(x, 4), upper, lower), bound(25, guard))


def test_an_empty_grid_closes_everything() -> None:
    items = (Variable("x", 0, 10, step=4), Variable("y", 0, 10))
    between = (Guard("above", at_least(x, 5)), Guard("below", at_most(x, 7)))
    assert check(Closed(), never_happens("o", "p", items, between))
    assert not check(Closed(), never_happens("o", "p", BOTH, between))


def test_strict_bounds_matter_only_where_they_should() -> None:
    real = Variable("x", 0, 10)
    whole = Variable("x", 0, 10, integer=True)
    guards = (Guard("above", less(4, x)), Guard("below", less(x, 5)))
    assert check(Closed(), never_happens("o", "p", (whole,), guards))
    assert not check(Closed(), never_happens("o", "p", (real,), guards))
    touching = (Guard("above", less(4, x)), Guard("below", at_most(x, 4)))
    proof = farkas((1, Fact("guard:above")), (1, Fact("guard:below")))
    assert check(proof, never_happens("o", "p", (real,), touching))
    both_closed = (Guard("above", at_least(x, 4)), Guard("below", at_most(x, 4)))
    assert not check(proof, never_happens("o", "p", (real,), both_closed))


def test_answers_are_whole() -> None:
    guards = (Guard("either", disjunction((yes("a"), yes("b")))), Guard("a", no("a")), Guard("b", no("b")))
    obligation = Obligation("o", "p", (answer("a"), answer("b")), guards, FALSE)
    assert check(Split("guard:either", (Closed(), Closed())), obligation)
    assert not check(Split("guard:either", (Closed(), Closed())), replace(obligation, guards=guards[:2]))


def test_a_proof_deeper_than_any_of_ours_is_rejected_instead_of_exhausting_the_stack() -> None:
    proof: Proof = farkas((1, Fact(GOAL)), (1, Range(XY, True)))
    for index in range(DEPTH_MAX + 5):
        proof = Corner(GOAL, (), f"again {index}", proof)
    assert not check(proof, bound(100))


@pytest.mark.parametrize(
    "obligation",
    [density_over_shared_area(3), energy_under_voltage(2), guarded_loops(4)],
    ids=lambda item: item.id,
)
def test_no_mutation_of_a_real_certificate_survives(obligation: Obligation) -> None:
    decision = decide(obligation)
    assert isinstance(decision, Proved)
    proof = decision.certificate
    assert isinstance(proof, Farkas) and check(proof, obligation)
    mutations = list(mutated(proof))
    assert len(mutations) > 10
    for mutation in mutations:
        assert not check(mutation, obligation), mutation
    goal = obligation.conclusion
    assert not check(proof, replace(obligation, conclusion=tightened(goal))), "the limits are exactly reached"


@given(obligations(), obligations())
def test_a_certificate_for_one_obligation_never_proves_a_false_one(
    first: Obligation, second: Obligation
) -> None:
    decision = decide(first)
    assume(isinstance(decision, Proved))
    assert isinstance(decision, Proved) and decision.certificate is not None
    if check(decision.certificate, second):
        assert brute_force(second) is None


def tightened(goal: Formula) -> Formula:
    assert isinstance(goal, Atom)
    return at_most(goal.term + 1)


def mutated(proof: Farkas) -> Iterator[Farkas]:
    """One multiplier changed, one summand dropped, one factor dropped or turned round."""
    for index, item in enumerate(proof.summands):
        before, after = proof.summands[:index], proof.summands[index + 1 :]
        yield Farkas(before + after)
        yield Farkas((*before, replace(item, multiplier=item.multiplier + 1), *after))
        yield Farkas((*before, replace(item, multiplier=-item.multiplier), *after))
        if len(item.factors) > 1:
            yield Farkas((*before, replace(item, factors=item.factors[1:]), *after))
        for place, factor in enumerate(item.factors):
            if isinstance(factor, Range):
                turned = replace(factor, upper=not factor.upper)
                factors = (*item.factors[:place], turned, *item.factors[place + 1 :])
                yield Farkas((*before, replace(item, factors=factors), *after))
