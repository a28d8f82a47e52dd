"""The first stage: contradictions seen by exact interval arithmetic alone, each with its certificate.

A fact q <= 0 is contradicted when the least value of q over the box is above zero. If plain intervals do not
show that, variables in which q only rises or only falls are put at the bound where q is least, and guards
that share a monomial with q are added to it as long as its least value rises. No solver is loaded here.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from fractions import Fraction
from itertools import islice
from math import lcm
from typing import TypeAlias

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
    Monomial,
    Number,
    Polynomial,
    coefficient,
    degree,
    derivative,
    substitute,
    total,
    variables_of,
)

Helpers: TypeAlias = dict[Monomial, list[tuple[str, Polynomial]]]
"""Facts by each monomial that they contain."""

ADDITIONS_MAX = 200
"""Guards added to one fact; each addition must raise its least value, but progress could be tiny."""


def contradiction(known: Known, targets: Iterable[str]) -> Proof | None:
    """A proof that what is known cannot all hold, if one is seen; most is tried on the target facts."""
    if is_contradictory(known):
        return Closed()
    ranges = Ranges(known.box)
    for name, atom in known.facts.items():
        if is_impossible(atom, ranges):
            return Farkas(tuple(summands(name, atom.term)))
    helpers = _helpers(known)
    for name in targets:
        atom = known.facts[name]
        if is_bound(atom):
            continue
        proof = _by_corners(known, name, atom, ranges) or _by_guards(known, name, atom, helpers, ranges)
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


def _by_guards(known: Known, name: str, atom: Atom, helpers: Helpers, ranges: Ranges) -> Proof | None:
    """Add multiples of other facts, each chosen to cancel one monomial, while the least value rises."""
    sum_so_far: dict[Monomial, Number] = {
        monomial: Fraction(number, atom.term.denominator) for monomial, number in atom.term.terms
    }
    weights: dict[str, Fraction] = {name: Fraction(1)}
    lowest = Fraction(sum(_least(monomial, number, ranges) for monomial, number in sum_so_far.items()))
    waiting = [monomial for monomial in sum_so_far if monomial in helpers]
    for monomial in islice(_drained(waiting), ADDITIONS_MAX):
        for helper, term in helpers.get(monomial, ()):
            present = Fraction(sum_so_far.get(monomial, 0))
            weight = -present / coefficient(term, monomial)
            gain = _gain(sum_so_far, term, weight, ranges) if weight > 0 else 0
            if gain <= 0:
                continue
            lowest += gain
            weights[helper] = weights.get(helper, Fraction(0)) + weight
            for other, number in term.terms:
                sum_so_far[other] = sum_so_far.get(other, 0) + weight * Fraction(number, term.denominator)
                if sum_so_far[other] and other in helpers and other not in waiting:
                    waiting.append(other)
            if lowest > 0 or (lowest == 0 and atom.strict):
                return _weighted(_without_needless(known, name, weights, ranges))
            break
    return None


def _without_needless(
    known: Known, name: str, weights: dict[str, Fraction], ranges: Ranges
) -> tuple[dict[str, Fraction], Polynomial]:
    """The facts that the contradiction cannot do without, and their weighted sum."""
    strict = known.facts[name].strict
    whole = total(known.facts[fact].term * weight for fact, weight in weights.items())
    for helper in [fact for fact in weights if fact != name]:
        smaller = whole - known.facts[helper].term * weights[helper]
        if is_impossible(Atom(smaller, strict), ranges):
            del weights[helper]
            whole = smaller
    return weights, whole


def _helpers(known: Known) -> Helpers:
    """The facts that say more than a bound of one variable, by each monomial that they contain."""
    found: Helpers = {}
    for helper, atom in known.facts.items():
        if not is_bound(atom):
            for monomial, _ in atom.term.terms:
                if monomial != ONE:
                    found.setdefault(monomial, []).append((helper, atom.term))
    return found


def _drained(waiting: list[Monomial]) -> Iterator[Monomial]:
    while waiting:
        yield waiting.pop(0)


def _gain(present: Mapping[Monomial, Number], term: Polynomial, weight: Number, ranges: Ranges) -> Number:
    """How much the least value of the sum rises when the term is added with this weight."""
    gain: Number = 0
    for monomial, number in term.terms:
        old = present.get(monomial, 0)
        added = weight * Fraction(number, term.denominator)
        gain += _least(monomial, old + added, ranges) - _least(monomial, old, ranges)
    return gain


def _least(monomial: Monomial, number: Number, ranges: Ranges) -> Number:
    low, high = ranges.of_monomial(monomial)
    return number * low if number > 0 else number * high


def _weighted(weights_and_sum: tuple[Mapping[str, Fraction], Polynomial]) -> Farkas:
    """The facts with their weights and the ranges of what is left of them, over one denominator."""
    weights, rest = weights_and_sum
    scale = lcm(rest.denominator, *(weight.denominator for weight in weights.values()))
    facts = [Summand(int(weight * scale), (Fact(name),)) for name, weight in weights.items()]
    times = scale // rest.denominator
    return Farkas(
        (*facts, *(Summand(item.multiplier * times, item.factors) for item in range_summands(rest)))
    )
