"""Polynomials with exact coefficients, as plain tables: all the algebra that a certificate needs.

A monomial lists its variables, each as often as its power says, in alphabetical order. This is written apart
from the verifier's own algebra on purpose: a mistake in one of the two shows as a certificate that does not
check.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from fractions import Fraction
from itertools import groupby
from math import gcd, lcm, prod
from typing import TypeAlias

Number: TypeAlias = int | Fraction
Monomial: TypeAlias = tuple[str, ...]
Polynomial: TypeAlias = Mapping[Monomial, Number]
Interval: TypeAlias = tuple[Number, Number]
Box: TypeAlias = Mapping[str, Interval]

ONE: Monomial = ()

DEGREE_MAX = 16
MONOMIALS_MAX = 5_000
"""Beyond these sizes nothing is certified, so nothing is rechecked."""


class BeyondError(Exception):
    """A question grows beyond what is rechecked; never leaves this room."""


def constant(value: Number) -> Polynomial:
    """The polynomial with one value."""
    return {ONE: value} if value else {}


def variable(name: str) -> Polynomial:
    """The polynomial that is one variable."""
    return {(name,): 1}


def plus(*parts: Polynomial) -> Polynomial:
    """The sum. Raises BeyondError."""
    found: dict[Monomial, Number] = {}
    for part in parts:
        for monomial, number in part.items():
            found[monomial] = found.get(monomial, 0) + number
    kept = {monomial: number for monomial, number in found.items() if number}
    if len(kept) > MONOMIALS_MAX:
        raise BeyondError("a polynomial with too many terms")
    return kept


def scaled(part: Polynomial, factor: Number) -> Polynomial:
    """The polynomial times a number."""
    return {monomial: number * factor for monomial, number in part.items()} if factor else {}


def minus(left: Polynomial, right: Polynomial) -> Polynomial:
    """The difference."""
    return plus(left, scaled(right, -1))


def times(left: Polynomial, right: Polynomial) -> Polynomial:
    """The product. Raises BeyondError."""
    found: dict[Monomial, Number] = {}
    for one, number in left.items():
        for other, factor in right.items():
            monomial = tuple(sorted(one + other))
            if len(monomial) > DEGREE_MAX:
                raise BeyondError("a product of too many factors")
            found[monomial] = found.get(monomial, 0) + number * factor
    return plus(found)


def names_of(part: Polynomial) -> frozenset[str]:
    """The variables that occur."""
    return frozenset(name for monomial in part for name in monomial)


def primitive(part: Polynomial) -> Polynomial:
    """The same sign everywhere, with whole coefficients that have no common factor."""
    common = lcm(*(Fraction(number).denominator for number in part.values()))
    whole = {monomial: int(number * common) for monomial, number in part.items()}
    content = gcd(*whole.values()) or 1
    return {monomial: number // content for monomial, number in whole.items()}


def with_whole_coefficients(parts: Sequence[Polynomial]) -> list[Polynomial]:
    """All of them times the same number, which makes their coefficients whole."""
    common = lcm(*(Fraction(number).denominator for part in parts for number in part.values()))
    return [{monomial: int(number * common) for monomial, number in part.items()} for part in parts]


def is_whole(part: Polynomial) -> bool:
    """Whether every coefficient is an integer."""
    return all(Fraction(number).denominator == 1 for number in part.values())


def derivative(part: Polynomial, name: str) -> Polynomial:
    """The partial derivative."""
    found: dict[Monomial, Number] = {}
    for monomial, number in part.items():
        power = monomial.count(name)
        if power:
            place = monomial.index(name)
            rest = monomial[:place] + monomial[place + 1 :]
            found[rest] = found.get(rest, 0) + number * power
    return plus(found)


def at(part: Polynomial, name: str, value: Number) -> Polynomial:
    """The polynomial with one variable put at a value."""
    found: dict[Monomial, Number] = {}
    for monomial, number in part.items():
        rest = tuple(other for other in monomial if other != name)
        found[rest] = found.get(rest, 0) + number * value ** (len(monomial) - len(rest))
    return plus(found)


def value_at(part: Polynomial, point: Mapping[str, Number]) -> Number:
    """The value at a point that says something of every variable."""
    return sum(number * prod(point[name] for name in monomial) for monomial, number in part.items())


def range_of_monomial(monomial: Monomial, box: Box) -> Interval:
    """Least and greatest value that interval arithmetic finds, a power at a time."""
    low: Number = 1
    high: Number = 1
    for name, same in groupby(monomial):
        ends = _power(box[name], len(tuple(same)))
        corners = (low * ends[0], low * ends[1], high * ends[0], high * ends[1])
        low, high = min(corners), max(corners)
    return low, high


def range_of(part: Polynomial, box: Box) -> Interval:
    """Bounds of a polynomial by interval arithmetic, a monomial at a time."""
    lowest: Number = 0
    highest: Number = 0
    for monomial, number in part.items():
        low, high = range_of_monomial(monomial, box)
        ends = (number * low, number * high)
        lowest, highest = lowest + min(ends), highest + max(ends)
    return lowest, highest


def _power(ends: Interval, power: int) -> Interval:
    low, high = ends[0] ** power, ends[1] ** power
    if power % 2 == 0 and ends[0] < 0 < ends[1]:
        return 0, max(low, high)
    return min(low, high), max(low, high)
