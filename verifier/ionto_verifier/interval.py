"""The first stage: contradictions seen by exact interval arithmetic alone, each with its certificate.

A fact q <= 0 is contradicted when the least value of q over the box is above zero. If plain intervals do not
show that, variables in which q only rises or only falls are put at the bound where q is least.
"""

from __future__ import annotations

from collections.abc import Iterable

from ionto_verifier.certificate import (
    Closed,
    Corner,
    Fact,
    Farkas,
    Known,
    Proof,
    Range,
    Summand,
    is_contradictory,
)
from ionto_verifier.obligation import Atom
from ionto_verifier.ranges import Ranges
from ionto_verifier.term import (
    ONE,
    Polynomial,
    degree,
    derivative,
    substitute,
    variables_of,
)


def contradiction(known: Known, targets: Iterable[str]) -> Proof | None:
    """A proof that what is known cannot all hold, if one is seen; most is tried on the target facts."""
    if is_contradictory(known):
        return Closed()
    ranges = Ranges(known.box)
    for name, atom in known.facts.items():
        if is_impossible(atom, ranges):
            return Farkas(tuple(summands(name, atom.term)))
    for name in targets:
        atom = known.facts[name]
        if is_bound(atom):
            continue
        proof = _by_corners(known, name, atom, ranges)
        if proof is not None:
            return proof
    return None


def is_impossible(atom: Atom, ranges: Ranges) -> bool:
    """Whether the atom fails everywhere in the box, as far as plain intervals can tell."""
    low, _ = ranges.of_polynomial(atom.term)
    return low >= 0 if atom.strict else low > 0


def is_bound(atom: Atom) -> bool:
    """Whether the fact speaks of one variable, linearly: it is then in the box already."""
    return len(atom.term.terms) <= 2 and degree(atom.term) <= 1 and len(variables_of(atom.term)) <= 1


def summands(name: str, term: Polynomial) -> list[Summand]:
    """The fact q <= 0 called `name` and the ranges of its monomials, adding up to minus the least value of
    q.
    """
    return [Summand(term.denominator, (Fact(name),)), *range_summands(term)]


def range_summands(term: Polynomial) -> list[Summand]:
    """The ranges that bound each monomial of q (times its denominator) from below."""
    return [
        Summand(abs(number), (Range(monomial, number < 0),))
        for monomial, number in term.terms
        if monomial != ONE
    ]


def corner_moves(term: Polynomial, ranges: Ranges) -> tuple[Polynomial, list[tuple[str, bool]]]:
    """The polynomial with each monotone variable at the bound where it is least, and those moves in order.

    A move is a variable and whether it went to its upper bound. Exact: the least value over the box is kept.
    """
    moves: list[tuple[str, bool]] = []
    progress = True
    while progress:
        progress = False
        for name in sorted(variables_of(term)):
            low, high = ranges.of_polynomial(derivative(term, name))
            if low >= 0 or high <= 0:
                upper = low < 0
                term = substitute(term, {name: ranges.box[name][1 if upper else 0]})
                moves.append((name, upper))
                progress = True
    return term, moves


def _by_corners(known: Known, name: str, atom: Atom, ranges: Ranges) -> Proof | None:
    term, moves = corner_moves(atom.term, ranges)
    if not moves or not is_impossible(Atom(term, atom.strict), ranges):
        return None
    moved = f"{name}|corner"
    then: Proof = Farkas(tuple(summands(moved, term))) if variables_of(term) else Closed()
    return Corner(name, tuple(moves), moved, then)
