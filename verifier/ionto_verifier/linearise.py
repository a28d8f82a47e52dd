"""What is known, as polynomials that are not negative: the rows of the linear relaxations.

Each row remembers the product of which factors it is, so that a weighted sum of rows is a certificate.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import islice

from ionto_ir.dataclass import dataclass
from ionto_verifier.certificate import Fact, Factor, Known, Range
from ionto_verifier.interval import is_bound
from ionto_verifier.obligation import And, Formula, Or
from ionto_verifier.ranges import Ranges
from ionto_verifier.term import (
    ONE,
    Monomial,
    Polynomial,
    constant,
    monomial_degree,
    monomial_quotient,
    total,
)

PRODUCTS_MAX = 3_000
"""Beyond this the simplex tableau is slower than splitting the box; further products are left out."""


@dataclass(frozen=True, slots=True)
class Constraint:
    """A polynomial known to be >= 0 (> 0 when `positive`), and the product of which factors it is."""

    term: Polynomial
    positive: bool
    factors: tuple[Factor, ...]


def constraints(known: Known, level: int) -> list[Constraint]:
    """The facts, at level 1 the products too, and the range of every monomial that any of them names."""
    ranges = Ranges(known.box)
    rows = fact_rows(known)
    monomials = monomials_of(rows)
    monomials.update((monomial, None) for choice in known.choices.values() for monomial in _monomials(choice))
    if level > 0:
        products = product_rows(known, known.facts, ranges, monomials)
        monomials.update(monomials_of(products))
        rows += products
    for monomial in monomials:
        rows += [_row(known, ranges, (Range(monomial, upper),)) for upper in (True, False)]
    return rows


def fact_rows(known: Known, names: Iterable[str] | None = None) -> list[Constraint]:
    """The facts (all, or these) that say more than a bound of one variable, which the ranges know already."""
    return [
        Constraint(-known.facts[name].term, known.facts[name].strict, (Fact(name),))
        for name in (known.facts if names is None else names)
        if known.facts[name].strict or not is_bound(known.facts[name])
    ]


def monomials_of(rows: Iterable[Constraint]) -> dict[Monomial, None]:
    """The monomials that rows name, in order."""
    return {monomial: None for row in rows for monomial, _ in row.term.terms if monomial != ONE}


def product_rows(
    known: Known,
    facts: Iterable[str],
    ranges: Ranges,
    monomials: Iterable[Monomial],
    count_max: int = PRODUCTS_MAX,
) -> list[Constraint]:
    """Products of facts and ranges that speak of these monomials, at most so many."""
    products = _products(known, facts, list(monomials))
    return [_row(known, ranges, factors) for factors in islice(products, count_max)]


def _monomials(formula: Formula) -> Iterator[Monomial]:
    if isinstance(formula, And | Or):
        for part in formula.parts:
            yield from _monomials(part)
    else:
        yield from (monomial for monomial, _ in formula.term.terms if monomial != ONE)


def _products(known: Known, facts: Iterable[str], monomials: list[Monomial]) -> Iterator[tuple[Factor, ...]]:
    """Facts brought up to the monomials in use, then ranges of the two halves of each monomial."""
    for name in facts:
        atom = known.facts[name]
        if is_bound(atom):
            continue
        own = [monomial for monomial, _ in atom.term.terms if monomial != ONE]
        for rest in _quotients(monomials, own):
            for upper in (True, False):
                yield Fact(name), Range(rest, upper)
    for left, right in _halves(monomials):
        for first in (True, False):
            for second in (True, False):
                if left != right or first >= second:
                    yield Range(left, first), Range(right, second)


def _quotients(monomials: list[Monomial], divisors: list[Monomial]) -> dict[Monomial, None]:
    found: dict[Monomial, None] = {}
    for monomial in monomials:
        if monomial_degree(monomial) > 1:
            for divisor in divisors:
                rest = monomial_quotient(monomial, divisor)
                if rest:
                    found[rest] = None
    return found


def _halves(monomials: list[Monomial]) -> Iterator[tuple[Monomial, Monomial]]:
    """Each way to take one variable off a monomial, down to the single variables."""
    waiting = [monomial for monomial in monomials if monomial_degree(monomial) > 1]
    seen = set(waiting)
    pairs: set[frozenset[Monomial]] = set()
    while waiting:
        monomial = waiting.pop(0)
        for name, _ in monomial:
            single: Monomial = ((name, 1),)
            rest = monomial_quotient(monomial, single)
            assert rest, "a monomial of degree two or more leaves a rest"
            pair = frozenset((single, rest))
            if pair not in pairs:
                pairs.add(pair)
                yield single, rest
            if monomial_degree(rest) > 1 and rest not in seen:
                seen.add(rest)
                waiting.append(rest)


def _row(known: Known, ranges: Ranges, factors: tuple[Factor, ...]) -> Constraint:
    term = constant(1)
    positive = True
    for factor in factors:
        if isinstance(factor, Fact):
            atom = known.facts[factor.name]
            term, positive = term * -atom.term, positive and atom.strict
        else:
            low, high = ranges.of_monomial(factor.monomial)
            whole = Polynomial(((factor.monomial, 1),))
            term = term * (
                total((constant(high), -whole)) if factor.upper else total((whole, constant(-low)))
            )
            positive = False
    return Constraint(term, positive, factors)
