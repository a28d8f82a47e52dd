"""What a certificate is about: domains, facts that may be assumed, and a goal that must then hold.

Formulas are atoms `p <= 0` or `p < 0`, conjunctions and disjunctions; there is no negation sign, because the
opposite of an atom is an atom. `all_of` and `any_of` flatten and drop repetitions, so that a formula has one
form and its parts have names that a certificate can use.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TypeAlias, assert_never

from ionto_ir.dataclass import dataclass
from ionto_ir.recheck.polynomial import (
    ONE,
    Number,
    Polynomial,
    minus,
    names_of,
    primitive,
    scaled,
)


@dataclass(frozen=True, slots=True)
class Domain:
    """The values lo, lo + step, ..., hi of a variable; every real number between when there is no step."""

    name: str
    lo: int
    hi: int
    step: int | None


@dataclass(frozen=True, slots=True)
class Atom:
    """`term <= 0`, or `term < 0` when strict."""

    term: Polynomial
    strict: bool


@dataclass(frozen=True, slots=True)
class All:
    """Every part holds; without parts, true."""

    parts: tuple[Formula, ...]


@dataclass(frozen=True, slots=True)
class Some:
    """At least one part holds; without parts, false."""

    parts: tuple[Formula, ...]


Formula: TypeAlias = Atom | All | Some

TRUE: Formula = All(())
FALSE: Formula = Some(())


@dataclass(frozen=True, slots=True)
class Fact:
    """Something that may be assumed, by name."""

    name: str
    formula: Formula


@dataclass(frozen=True, slots=True)
class Question:
    """Within the domains, wherever the facts hold, the goal holds.

    `claim` is the claim of the verification record to which it belongs; `id` is unique in a plan.
    """

    id: str
    claim: str
    domains: tuple[Domain, ...]
    facts: tuple[Fact, ...]
    goal: Formula


def at_most(left: Polynomial, right: Polynomial) -> Formula:
    """left <= right"""
    return _atom(minus(left, right), strict=False)


def below(left: Polynomial, right: Polynomial) -> Formula:
    """left < right"""
    return _atom(minus(left, right), strict=True)


def equal(left: Polynomial, right: Polynomial) -> Formula:
    """left = right"""
    return all_of((at_most(left, right), at_most(right, left)))


def all_of(parts: Iterable[Formula]) -> Formula:
    """All parts."""
    kept: list[Formula] = []
    for part in parts:
        for item in part.parts if isinstance(part, All) else (part,):
            if item not in kept:
                kept.append(item)
    if FALSE in kept:
        return FALSE
    return kept[0] if len(kept) == 1 else All(tuple(kept))


def any_of(parts: Iterable[Formula]) -> Formula:
    """Some part."""
    kept: list[Formula] = []
    for part in parts:
        for item in part.parts if isinstance(part, Some) else (part,):
            if item not in kept:
                kept.append(item)
    if TRUE in kept:
        return TRUE
    return kept[0] if len(kept) == 1 else Some(tuple(kept))


def opposite(formula: Formula) -> Formula:
    """The formula that holds exactly where the given one does not."""
    match formula:
        case Atom(term, strict):
            return Atom(scaled(term, -1), not strict)
        case All(parts):
            return any_of(opposite(part) for part in parts)
        case Some(parts):
            return all_of(opposite(part) for part in parts)
    assert_never(formula)


def names_in(formula: Formula) -> frozenset[str]:
    """The variables of a formula."""
    match formula:
        case Atom(term, _):
            return names_of(term)
        case All(parts) | Some(parts):
            return frozenset().union(*(names_in(part) for part in parts))
    assert_never(formula)


def _atom(term: Polynomial, strict: bool) -> Formula:
    if not names_of(term):
        value: Number = term.get(ONE, 0)
        return TRUE if (value < 0 if strict else value <= 0) else FALSE
    return Atom(primitive(term), strict)
