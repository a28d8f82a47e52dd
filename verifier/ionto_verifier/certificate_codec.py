"""Certificates as JSON values and back: nested lists with the rule's name first.

    ["closed"]
    ["farkas", [[multiplier, [factor, ...]], ...]]     factor: ["fact", name] or ["hi" | "lo", [[variable,
    power], ...]] ["split", choice, [proof, ...]] ["cut", name, formula, proof without, proof having]
    ["corner", fact, [[variable, "hi" | "lo"], ...], name, proof] formula: ["le" | "lt", [[coefficient,
    [[variable, power], ...]], ...], denominator] or ["and" | "or", [formula, ...]]

Multipliers and coefficients are decimal strings, because JSON readers round large numbers.
"""

from __future__ import annotations

from typing import TypeAlias, assert_never

from ionto_verifier.certificate import (
    DEPTH_MAX,
    Closed,
    Corner,
    Cut,
    Fact,
    Factor,
    Farkas,
    Proof,
    Range,
    Split,
    Summand,
)
from ionto_verifier.obligation import And, Atom, Formula, Or
from ionto_verifier.term import Monomial, Polynomial, TermTooLargeError, polynomial

Json: TypeAlias = "list[Json] | str | int | None"

DIGITS_MAX = 4_000
"""Longer numbers come from no proof of ours; reading them takes time that grows with their square."""


def encode(proof: Proof) -> Json:
    """The proof as nested lists, strings and integers."""
    match proof:
        case Closed():
            return ["closed"]
        case Farkas(summands):
            return [
                "farkas",
                [[str(item.multiplier), [_factor(factor) for factor in item.factors]] for item in summands],
            ]
        case Split(choice, branches):
            return ["split", choice, [encode(branch) for branch in branches]]
        case Cut(name, lemma, without, having):
            return ["cut", name, formula_json(lemma), encode(without), encode(having)]
        case Corner(fact, moves, name, then):
            return [
                "corner",
                fact,
                [[variable, _end(upper)] for variable, upper in moves],
                name,
                encode(then),
            ]
    assert_never(proof)


def decode(value: object) -> Proof | None:
    """The proof that a JSON value stands for, or None when it is none. Not yet checked against anything."""
    try:
        return _read_proof(value, 0)
    except (_ForeignError, TermTooLargeError):
        return None


class _ForeignError(Exception):
    """The value is not a certificate; never leaves this module."""


def _factor(factor: Factor) -> Json:
    match factor:
        case Fact(name):
            return ["fact", name]
        case Range(monomial, upper):
            return [_end(upper), _monomial(monomial)]
    assert_never(factor)


def formula_json(formula: Formula) -> Json:
    """The formula as a lemma is written, and what a statement is made of."""
    match formula:
        case Atom(term, strict):
            return ["lt" if strict else "le", *polynomial_json(term)]
        case And(parts):
            return ["and", [formula_json(part) for part in parts]]
        case Or(parts):
            return ["or", [formula_json(part) for part in parts]]
    assert_never(formula)


def polynomial_json(term: Polynomial) -> list[Json]:
    """The polynomial's terms and its denominator."""
    return [[[str(number), _monomial(monomial)] for monomial, number in term.terms], str(term.denominator)]


def _monomial(monomial: Monomial) -> Json:
    return [[name, power] for name, power in monomial]


def _end(upper: bool) -> str:
    return "hi" if upper else "lo"


def _read_proof(value: object, depth: int) -> Proof:
    if depth > DEPTH_MAX:
        raise _ForeignError
    match value:
        case ["closed"]:
            return Closed()
        case ["farkas", list(summands)]:
            return Farkas(tuple(_read_summand(item) for item in summands))
        case ["split", str(choice), list(branches)]:
            return Split(choice, tuple(_read_proof(branch, depth + 1) for branch in branches))
        case ["cut", str(name), lemma, without, having]:
            cases = _read_proof(without, depth + 1), _read_proof(having, depth + 1)
            return Cut(name, _read_formula(lemma, depth + 1), *cases)
        case ["corner", str(fact), list(moves), str(name), then]:
            return Corner(fact, tuple(map(_read_move, moves)), name, _read_proof(then, depth + 1))
    raise _ForeignError


def _read_summand(value: object) -> Summand:
    match value:
        case [multiplier, list(factors)]:
            return Summand(_read_integer(multiplier), tuple(map(_read_factor, factors)))
    raise _ForeignError


def _read_factor(value: object) -> Factor:
    match value:
        case ["fact", str(name)]:
            return Fact(name)
        case ["hi" | "lo" as end, list(powers)]:
            return Range(_read_monomial(powers), end == "hi")
    raise _ForeignError


def _read_move(value: object) -> tuple[str, bool]:
    match value:
        case [str(variable), "hi" | "lo" as end]:
            return variable, end == "hi"
    raise _ForeignError


def _read_formula(value: object, depth: int) -> Formula:
    if depth > DEPTH_MAX:
        raise _ForeignError
    match value:
        case ["and", list(parts)]:
            return And(tuple(_read_formula(part, depth + 1) for part in parts))
        case ["or", list(parts)]:
            return Or(tuple(_read_formula(part, depth + 1) for part in parts))
        case ["le" | "lt" as relation, list(terms), denominator]:
            return Atom(_read_polynomial(terms, _read_integer(denominator)), relation == "lt")
    raise _ForeignError


def _read_polynomial(terms: list[object], denominator: int) -> Polynomial:
    coefficients: dict[Monomial, int] = {}
    for term in terms:
        match term:
            case [number, list(powers)]:
                coefficients[_read_monomial(powers)] = _read_integer(number)
            case _:
                raise _ForeignError
    if denominator <= 0:
        raise _ForeignError
    return polynomial(coefficients, denominator)


def _read_monomial(powers: list[object]) -> Monomial:
    found: list[tuple[str, int]] = []
    for item in powers:
        match item:
            case [str(name), int(power)] if name and power >= 1 and not isinstance(power, bool):
                found.append((name, power))
            case _:
                raise _ForeignError
    names = [name for name, _ in found]
    if names != sorted(set(names)):
        raise _ForeignError
    return tuple(found)


def _read_integer(value: object) -> int:
    digits = value.removeprefix("-") if isinstance(value, str) else ""
    if not digits.isascii() or not digits.isdecimal() or len(digits) > DIGITS_MAX:
        raise _ForeignError
    return int(str(value))
