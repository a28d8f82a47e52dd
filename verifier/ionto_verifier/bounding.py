"""The second stage: the best bound that the facts and their products prove, without any solver.

Level 0 takes the facts as they are, level 1 their products with ranges too (see `linearise`); the simplex
method goes on from the one to the other. Only facts that are connected with the question through shared
variables take part.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

from ionto_verifier.certificate import GOAL, Closed, Fact, Farkas, Known, Proof, is_contradictory
from ionto_verifier.interval import contradiction, is_bound
from ionto_verifier.linearise import fact_rows, monomials_of, product_rows
from ionto_verifier.ranges import Ranges
from ionto_verifier.simplex import Bound
from ionto_verifier.term import ONE, Monomial, Number, Polynomial, monomial_degree, variables_of

ROWS_MAX = 600
"""Rows of one relaxation; the exact method is quadratic in them, and beyond this the solver is faster."""

FACTS_MAX = 150
"""Facts beyond which the solver's relaxations are tried too."""

CASES_MAX = 8
"""Combinations of disjunctions beyond which the solver finds out first which of them matter."""


def refute_by_rows(known: Known, targets: Iterable[str]) -> Proof | None:
    """A proof that what is known cannot all hold, by weighing facts and products.

    One attack settles everything that is connected with the fact attacked, so each connected group needs
    only one: on a target if it has any. Raises TermTooLargeError.
    """
    several = [name for name, atom in known.facts.items() if not is_bound(atom)]
    tried: set[str] = set()
    for name in (*targets, *several):
        if name in tried or (is_bound(known.facts[name]) and not name.startswith(GOAL)):
            continue
        found = attack(known, name)
        if not isinstance(found, dict):
            return found
        tried.update(_connected(known, known.facts[name].term))
    return None


def close_by_rows(known: Known, targets: tuple[str, ...]) -> Proof | None:
    """Close one case by intervals; or, once no disjunction is left to follow, by weighing rows."""
    return contradiction(known, targets) or (None if known.choices else refute_by_rows(known, targets))


def attack(known: Known, name: str) -> Proof | dict[str, Number]:
    """A proof that the fact cannot hold, or the point at which the relaxation thinks that it does.

    The point has no value for variables that the question does not touch. Raises TermTooLargeError.
    """
    if is_contradictory(known):
        return Closed()
    atom = known.facts[name]

    def impossible(bound: Bound) -> bool:
        touching = bound.value == 0 and (atom.strict or bound.uses_positive)
        return bound.contradictory or bound.value < 0 or touching

    bound = best_bound(known, -atom.term, impossible, without=name)
    if impossible(bound):
        return Farkas(bound.summands((Fact(name),)))
    return point_of(bound)


def point_of(bound: Bound) -> dict[str, Number]:
    """The values of the variables at the point of a bound."""
    return {
        monomial[0][0]: value for monomial, value in bound.point.items() if monomial_degree(monomial) == 1
    }


def fits(known: Known) -> bool:
    """Whether cases closed by the exact method here are likely to settle the question without the solver."""
    cases = 1
    for choice in known.choices.values():
        cases *= max(len(choice.parts), 1)
    return cases <= CASES_MAX and len(known.facts) <= FACTS_MAX


def best_bound(
    known: Known, objective: Polynomial, good_enough: Callable[[Bound], bool] | None = None, without: str = ""
) -> Bound:
    """The best upper bound found, or the first that is good enough; the fact `without` takes no part.

    What is known may not be plainly contradictory: its ranges would mean nothing. Raises TermTooLargeError.
    """
    assert all(low <= high for low, high in known.box.values()), "every variable has a value left"
    until = good_enough or _never
    ranges = Ranges(known.box)
    bound = Bound(objective, ranges)
    names = [name for name in _connected(known, objective) if name != without]
    rows = fact_rows(known, names)[:ROWS_MAX]
    bound.add(rows)
    bound.improve(until)
    if bound.contradictory or until(bound):
        return bound
    monomials: dict[Monomial, None] = {monomial: None for monomial, _ in objective.terms if monomial != ONE}
    monomials.update(monomials_of(rows))
    bound.add(product_rows(known, names, ranges, monomials, ROWS_MAX - len(rows)))
    bound.improve(until)
    return bound


def _never(_bound: Bound) -> bool:
    return False


def _connected(known: Known, objective: Polynomial) -> list[str]:
    """The facts that share variables with the objective, directly or through other facts."""
    reached = set(variables_of(objective))
    waiting = {name: variables_of(atom.term) for name, atom in known.facts.items()}
    found: list[str] = []
    grown = True
    while grown:
        grown = False
        for name, names in list(waiting.items()):
            if names & reached:
                reached |= names
                found.append(name)
                del waiting[name]
                grown = True
    return found
