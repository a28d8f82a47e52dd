"""Integer polynomials over named variables: the only arithmetic that an obligation may contain.

A polynomial is kept in one canonical form (sorted monomials, no zero coefficient, integer coefficients
over one common denominator in lowest terms), so that equal polynomials are equal values: a charge over a
thousand steps collapses to a few dozen monomials, and equal obligations are found by comparing keys.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from fractions import Fraction
from functools import lru_cache
from math import gcd, lcm
from typing import TypeAlias

from ionto_ir.dataclass import dataclass, field

Monomial: TypeAlias = tuple[tuple[str, int], ...]
"""Variables with their powers (>= 1), sorted by name; the empty tuple is the constant monomial."""

Number: TypeAlias = int | Fraction

DEGREE_MAX = 16
"""Our deepest product is count * count * current^2 * time * impedance; beyond this a plan is not a plan."""

MONOMIALS_MAX = 5_000
"""Products of sums grow fast; past this size no proof comes back in useful time, so we say so at once."""

ONE: Monomial = ()


class TermTooLargeError(Exception):
    """A polynomial would pass DEGREE_MAX or MONOMIALS_MAX; callers inside this package report `undecided`."""


@dataclass(frozen=True, slots=True)
class Polynomial:
    """The sum of coefficient * monomial over `terms`, divided by `denominator`.

    Build it with `constant`, `variable`, `polynomial` and the operators below: they keep the form canonical.
    Its hash and its variables are asked for again and again, and worked out when they first are.
    """

    terms: tuple[tuple[Monomial, int], ...]
    denominator: int = 1
    _hash: int = field(init=False, compare=False, repr=False)
    _names: frozenset[str] = field(init=False, compare=False, repr=False)

    def __post_init__(self) -> None:
        assert self.denominator > 0, "a denominator is positive"

    def __hash__(self) -> int:
        try:
            return self._hash
        except AttributeError:
            found = hash((self.terms, self.denominator))
            object.__setattr__(self, "_hash", found)
            return found

    def __reduce__(self) -> tuple[object, ...]:
        """Another process has other hashes: it gets what the polynomial is made of."""
        return Polynomial, (self.terms, self.denominator)

    def __add__(self, other: Polynomial | Number) -> Polynomial:
        return _sum(self, _lift(other), 1)

    def __radd__(self, other: Number) -> Polynomial:
        return _sum(self, _lift(other), 1)

    def __neg__(self) -> Polynomial:
        return Polynomial(tuple([(monomial, -number) for monomial, number in self.terms]), self.denominator)

    def __sub__(self, other: Polynomial | Number) -> Polynomial:
        return _sum(self, _lift(other), -1)

    def __rsub__(self, other: Number) -> Polynomial:
        return _sum(_lift(other), self, -1)

    def __mul__(self, other: Polynomial | Number) -> Polynomial:
        return _product(self, other) if isinstance(other, Polynomial) else _multiple(self, other)

    def __rmul__(self, other: Number) -> Polynomial:
        return _multiple(self, other)

    def __pow__(self, exponent: int) -> Polynomial:
        assert 0 <= exponent <= DEGREE_MAX, "powers are small and not negative"
        result = constant(1)
        for _ in range(exponent):
            result = result * self
        return result

    def __str__(self) -> str:
        return text(self)


def constant(value: Number) -> Polynomial:
    """The polynomial with one fixed value."""
    if value == 0:
        return ZERO
    return Polynomial(((ONE, value.numerator),), value.denominator)


def variable(name: str) -> Polynomial:
    """The polynomial that is just the variable `name`."""
    assert name, "a variable has a name"
    return Polynomial(((((name, 1),), 1),))


def polynomial(coefficients: Mapping[Monomial, int], denominator: int = 1) -> Polynomial:
    """The canonical polynomial with these integer coefficients over one denominator (not zero).

    Monomials must be sorted by name with powers >= 1. Raises TermTooLargeError.
    """
    assert denominator != 0, "a denominator is not zero"
    for monomial in coefficients:
        names = [name for name, _ in monomial]
        assert names == sorted(set(names)), "a monomial names each variable once, in order"
        assert all(power >= 1 for _, power in monomial), "powers are at least one"
    if denominator < 0:
        return _canonical({monomial: -number for monomial, number in coefficients.items()}, -denominator)
    return _canonical(coefficients, denominator)


def total(parts: Iterable[Polynomial]) -> Polynomial:
    """The sum of all parts, much faster than adding them one by one."""
    held = tuple(parts)
    denominator = lcm(*(part.denominator for part in held))
    coefficients: dict[Monomial, int] = {}
    for part in held:
        scale = denominator // part.denominator
        for monomial, number in part.terms:
            coefficients[monomial] = coefficients.get(monomial, 0) + number * scale
    return _canonical(coefficients, denominator)


def primitive(term: Polynomial) -> Polynomial:
    """The polynomial divided by its positive content: same sign everywhere, integer coefficients, no
    common factor.
    """
    content = gcd(*(number for _, number in term.terms))
    if content in (0, 1):
        return term if term.denominator == 1 else Polynomial(term.terms)
    return Polynomial(tuple((monomial, number // content) for monomial, number in term.terms))


def substitute(term: Polynomial, values: Mapping[str, Polynomial | Number]) -> Polynomial:
    """The polynomial with each named variable replaced by a polynomial or a number. Raises
    TermTooLargeError.
    """
    parts: list[Polynomial] = []
    for monomial, number in term.terms:
        part = Polynomial(((tuple(item for item in monomial if item[0] not in values), number),))
        for name, power in monomial:
            if name in values:
                part = part * _lift(values[name]) ** power
        parts.append(part)
    return total(parts) * Fraction(1, term.denominator)


def evaluate(term: Polynomial, values: Mapping[str, Number]) -> Fraction:
    """The exact value at a point; every variable of the polynomial must have a value."""
    return Fraction(scaled_value(term, values)) / term.denominator


def scaled_value(term: Polynomial, values: Mapping[str, Number]) -> Number:
    """The value times the denominator: the same sign, and an integer wherever the point is one."""
    result: Number = 0
    for monomial, number in term.terms:
        part: Number = number
        for name, power in monomial:
            part *= values[name] if power == 1 else values[name] ** power
        result += part
    return result


def plain(value: Number) -> Number:
    """The same number, as an integer if it is one: integers are many times faster."""
    return value.numerator if value.denominator == 1 else value


def derivative(term: Polynomial, name: str) -> Polynomial:
    """The partial derivative by the variable `name`."""
    coefficients: dict[Monomial, int] = {}
    for monomial, number in term.terms:
        power = dict(monomial).get(name, 0)
        if power:
            rest = tuple(
                (other, old - 1 if other == name else old)
                for other, old in monomial
                if other != name or old > 1
            )
            coefficients[rest] = coefficients.get(rest, 0) + number * power
    return _canonical(coefficients, term.denominator)


def coefficient(term: Polynomial, monomial: Monomial) -> Fraction:
    """The coefficient of one monomial, zero when absent."""
    for held, number in term.terms:
        if held == monomial:
            return Fraction(number, term.denominator)
    return Fraction(0)


def variables_of(term: Polynomial) -> frozenset[str]:
    """The names that occur in the polynomial."""
    try:
        return term._names
    except AttributeError:
        found = frozenset([name for monomial, _ in term.terms for name, _ in monomial])
        object.__setattr__(term, "_names", found)
        return found


def degree(term: Polynomial) -> int:
    """The largest sum of powers of one monomial; zero for constants."""
    return max((monomial_degree(monomial) for monomial, _ in term.terms), default=0)


def monomial_degree(monomial: Monomial) -> int:
    """The sum of the powers of a monomial."""
    return sum(power for _, power in monomial)


@lru_cache(maxsize=65_536)
def monomial_product(left: Monomial, right: Monomial) -> Monomial:
    """The product of two monomials. Raises TermTooLargeError."""
    powers = dict(left)
    for name, power in right:
        powers[name] = powers.get(name, 0) + power
    if sum(powers.values()) > DEGREE_MAX:
        raise TermTooLargeError(f"a product of degree {sum(powers.values())}")
    return tuple(sorted(powers.items()))


def monomial_quotient(monomial: Monomial, divisor: Monomial) -> Monomial | None:
    """What the divisor lacks to become the monomial, or None when it does not divide it."""
    powers = dict(monomial)
    for name, power in divisor:
        rest = powers.get(name, 0) - power
        if rest < 0:
            return None
        powers[name] = rest
    return tuple((name, power) for name, power in powers.items() if power)


def text(term: Polynomial) -> str:
    """The polynomial in ordinary notation, for reports and error messages."""
    if not term.terms:
        return "0"
    shown = ""
    for monomial, number in term.terms:
        factors = [name if power == 1 else f"{name}^{power}" for name, power in monomial]
        if abs(number) != 1 or not factors:
            factors.insert(0, str(abs(number)))
        sign = " - " if number < 0 else " + "
        shown += (sign if shown else sign.strip().replace("+", "")) + "*".join(factors)
    return shown if term.denominator == 1 else f"({shown})/{term.denominator}"


def _lift(value: Polynomial | Number) -> Polynomial:
    return value if isinstance(value, Polynomial) else constant(value)


def _multiple(term: Polynomial, factor: Number) -> Polynomial:
    """The term times a number: its monomials keep their order, so nothing has to be sorted again."""
    if factor == 0:
        return ZERO
    numbers = [number * factor.numerator for _, number in term.terms]
    denominator = term.denominator * factor.denominator
    common = gcd(denominator, *numbers)
    kept = zip(term.terms, numbers, strict=True)
    return Polynomial(tuple([(held[0], number // common) for held, number in kept]), denominator // common)


def _sum(left: Polynomial, right: Polynomial, sign: int) -> Polynomial:
    """left + sign * right. Where one has no monomial that the other lacks, nothing has to be sorted again."""
    if not right.terms:
        return left
    if not left.terms:
        return right if sign > 0 else -right
    denominator = left.denominator
    one, other = 1, sign
    if right.denominator != denominator:
        denominator = lcm(denominator, right.denominator)
        one, other = denominator // left.denominator, sign * (denominator // right.denominator)
    if len(right.terms) > len(left.terms):
        left, one, right, other = right, other, left, one
    coefficients = dict(left.terms)
    if one != 1:
        for monomial in coefficients:
            coefficients[monomial] *= one
    for monomial, number in right.terms:
        coefficients[monomial] = coefficients.get(monomial, 0) + number * other
    return _canonical(coefficients, denominator, in_order=len(coefficients) == len(left.terms))


def _product(left: Polynomial, right: Polynomial) -> Polynomial:
    coefficients: dict[Monomial, int] = {}
    for first, number in left.terms:
        for second, other in right.terms:
            monomial = monomial_product(first, second)
            coefficients[monomial] = coefficients.get(monomial, 0) + number * other
    return _canonical(coefficients, left.denominator * right.denominator)


def _canonical(
    coefficients: Mapping[Monomial, int], denominator: int, *, in_order: bool = False
) -> Polynomial:
    terms = [item for item in coefficients.items() if item[1]]
    if not in_order:
        terms.sort()
    if len(terms) > MONOMIALS_MAX:
        raise TermTooLargeError(f"{len(terms)} monomials")
    if denominator == 1:
        return Polynomial(tuple(terms))
    common = gcd(denominator, *[number for _, number in terms])
    if common == 1:
        return Polynomial(tuple(terms), denominator)
    return Polynomial(
        tuple([(monomial, number // common) for monomial, number in terms]), denominator // common
    )


ZERO = Polynomial(())
