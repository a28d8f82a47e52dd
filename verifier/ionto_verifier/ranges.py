"""Exact interval arithmetic over a box: the least and greatest value of monomials, and bounds of
polynomials.
"""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction
from typing import TypeAlias

from ionto_verifier.term import Monomial, Number, Polynomial, plain

Interval: TypeAlias = tuple[Number, Number]
"""Least and greatest value, both included."""


class Ranges:
    """Ranges over one box, each monomial computed once; bounds are kept as integers wherever they are."""

    __slots__ = ("_monomials", "box")

    def __init__(self, box: Mapping[str, Interval]) -> None:
        self.box: dict[str, Interval] = {name: (plain(low), plain(high)) for name, (low, high) in box.items()}
        self._monomials: dict[Monomial, Interval] = {(): (1, 1)}

    def of_monomial(self, monomial: Monomial) -> Interval:
        """The exact range of a monomial, every variable being independent of the others."""
        found = self._monomials.get(monomial)
        if found is None:
            name, power = monomial[-1]
            found = times(self.of_monomial(monomial[:-1]), raised(self.box[name], power))
            self._monomials[monomial] = found
        return found

    def of_polynomial(self, term: Polynomial) -> Interval:
        """Bounds of a polynomial: exact when no variable occurs in two monomials, else possibly too wide."""
        lowest: Number = 0
        highest: Number = 0
        for monomial, number in term.terms:
            low, high = self.of_monomial(monomial)
            if number > 0:
                lowest, highest = lowest + number * low, highest + number * high
            else:
                lowest, highest = lowest + number * high, highest + number * low
        if term.denominator == 1:
            return lowest, highest
        return Fraction(lowest) / term.denominator, Fraction(highest) / term.denominator


def raised(ends: Interval, power: int) -> Interval:
    """The range of a power of something with the given range."""
    if power == 1:
        return ends
    low, high = ends[0] ** power, ends[1] ** power
    if power % 2 == 0 and ends[0] < 0 < ends[1]:
        return 0, max(low, high)
    return (low, high) if low <= high else (high, low)


def times(left: Interval, right: Interval) -> Interval:
    """The range of the product of two independent values."""
    if left[0] >= 0 and right[0] >= 0:
        return left[0] * right[0], left[1] * right[1]
    products = [first * second for first in left for second in right]
    return min(products), max(products)
