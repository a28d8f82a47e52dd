"""Formulas, monomials and whole numbers as they are written in JSON, read back or refused.

    monomial: [[variable, power], ...]     polynomial: [[coefficient, monomial], ...], denominator
    formula: ["le" | "lt", polynomial, denominator]  or  ["and" | "or", [formula, ...]]

Coefficients are decimal strings, because JSON readers round large numbers.
"""

from __future__ import annotations

from fractions import Fraction

from ionto_ir.canonical import Json
from ionto_ir.recheck.polynomial import DEGREE_MAX, MONOMIALS_MAX, Monomial, Number, Polynomial
from ionto_ir.recheck.statement import All, Atom, Formula, Some

DIGITS_MAX = 4_000
"""Longer numbers come from no proof of ours; reading them takes time that grows with their square."""

NESTING_MAX = 100
"""Formulas within formulas; ours have three levels."""


class ForeignError(Exception):
    """What is written is none of ours; never leaves this room."""


def read_formula(value: Json, depth: int = 0) -> Formula:
    """The formula. Raises ForeignError."""
    if depth > NESTING_MAX:
        raise ForeignError
    match value:
        case ["and", list(parts)]:
            return All(tuple(read_formula(part, depth + 1) for part in parts))
        case ["or", list(parts)]:
            return Some(tuple(read_formula(part, depth + 1) for part in parts))
        case ["le" | "lt" as relation, terms, denominator]:
            return Atom(read_polynomial([terms, denominator]), relation == "lt")
        case _:
            raise ForeignError


def read_polynomial(value: Json) -> Polynomial:
    """The polynomial. Raises ForeignError."""
    match value:
        case [list(terms), denominator] if len(terms) <= MONOMIALS_MAX:
            below = read_integer(denominator)
        case _:
            raise ForeignError
    if below <= 0:
        raise ForeignError
    found: dict[Monomial, Number] = {}
    for term in terms:
        match term:
            case [number, powers]:
                monomial = read_monomial(powers)
                if monomial in found:
                    raise ForeignError
                found[monomial] = Fraction(read_integer(number), below)
            case _:
                raise ForeignError
    return {monomial: number for monomial, number in found.items() if number}


def read_monomial(value: Json) -> Monomial:
    """The monomial, each variable once and in order. Raises ForeignError."""
    if not isinstance(value, list):
        raise ForeignError
    names: list[str] = []
    found: list[str] = []
    for item in value:
        match item:
            case [str(name), int(power)] if not isinstance(power, bool) and 1 <= power <= DEGREE_MAX:
                names.append(name)
                found += [name] * power
            case _:
                raise ForeignError
    if names != sorted(set(names)) or len(found) > DEGREE_MAX:
        raise ForeignError
    return tuple(found)


def read_integer(value: Json) -> int:
    """The whole number in a decimal string. Raises ForeignError."""
    digits = value.removeprefix("-") if isinstance(value, str) else ""
    if not digits.isascii() or not digits.isdecimal() or len(digits) > DIGITS_MAX:
        raise ForeignError
    return int(str(value))
