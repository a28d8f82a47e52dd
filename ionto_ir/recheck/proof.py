"""Does a certificate prove its question? Five rules, exact arithmetic, and nobody is trusted.

A certificate is a refutation: from the facts and the opposite of the goal it reaches a contradiction.

    ["closed"]                                    a domain is empty, or a fact plainly false
    ["farkas", [[multiplier, [factor, ...]], ...]]  products of what is not negative add up to less than zero
    ["split", choice, [proof, ...]]               every part of a disjunction leads to a contradiction
    ["cut", name, formula, proof, proof]          a lemma: so does its opposite, and so does it
    ["corner", fact, [[variable, end], ...], name, proof]   a fact where it is weakest

A factor is `["fact", name]`, or `["hi" | "lo", monomial]` for what a monomial is away from the end of its
range. Whatever is written in any other way proves nothing.
"""

from __future__ import annotations

from fractions import Fraction
from math import ceil, floor
from typing import assert_never

from ionto_ir.canonical import Json
from ionto_ir.dataclass import dataclass
from ionto_ir.recheck.formulas import ForeignError, read_formula, read_integer, read_monomial
from ionto_ir.recheck.polynomial import (
    ONE,
    BeyondError,
    Interval,
    Number,
    Polynomial,
    at,
    constant,
    derivative,
    is_whole,
    minus,
    names_of,
    plus,
    range_of,
    range_of_monomial,
    scaled,
    times,
)
from ionto_ir.recheck.statement import All, Atom, Domain, Formula, Question, Some, names_in, opposite

DEPTH_MAX = 100
"""Nesting of rules: a certificate that is deeper would exhaust the stack, and no generator writes it."""


@dataclass(frozen=True, slots=True)
class Known:
    """What may be used at one place of a refutation."""

    domains: dict[str, Domain]
    box: dict[str, Interval]
    facts: dict[str, Atom]
    choices: dict[str, Some]


def proves(proof: Json, question: Question) -> bool:
    """Whether the certificate shows that the question's goal holds. Total: a wrong one gives False."""
    known = Known({}, {}, {}, {})
    for domain in question.domains:
        known.domains[domain.name] = domain
        known.box[domain.name] = (domain.lo, domain.hi)
    try:
        for fact in question.facts:
            _absorb(known, f"guard:{fact.name}", fact.formula)
        _absorb(known, "goal", opposite(question.goal))
        return _refutes(proof, known, 0)
    except (ForeignError, BeyondError):
        return False


def _absorb(known: Known, name: str, formula: Formula) -> None:
    match formula:
        case Atom():
            atom = _sharpened(formula, known)
            known.facts[name] = atom
            _narrow(known, atom)
        case All(parts):
            for index, part in enumerate(parts):
                _absorb(known, f"{name}.{index}", part)
        case Some():
            known.choices[name] = formula
        case _:
            assert_never(formula)


def _with(known: Known, name: str, formula: Formula) -> Known:
    more = Known(known.domains, dict(known.box), dict(known.facts), dict(known.choices))
    _absorb(more, name, formula)
    return more


def _sharpened(atom: Atom, known: Known) -> Atom:
    """p < 0 is p + 1 <= 0 where p has whole values only."""
    stepped = all(known.domains[name].step is not None for name in names_of(atom.term))
    if atom.strict and stepped and is_whole(atom.term):
        return Atom(plus(atom.term, constant(1)), strict=False)
    return atom


def _narrow(known: Known, atom: Atom) -> None:
    """A linear fact about one variable is a bound of it, taken to the last value of its grid."""
    names = names_of(atom.term)
    if len(names) != 1 or any(len(monomial) > 1 for monomial in atom.term):
        return
    (name,) = names
    slope = atom.term[(name,)]
    limit = -Fraction(atom.term.get(ONE, 0), slope)
    low, high = known.box[name]
    if slope > 0:
        known.box[name] = (low, min(high, _last(known.domains[name], limit, atom.strict)))
    else:
        known.box[name] = (max(low, _first(known.domains[name], limit, atom.strict)), high)


def _last(domain: Domain, limit: Fraction, strict: bool) -> Number:
    if domain.step is None:
        return limit
    steps = (limit - domain.lo) / domain.step
    return domain.lo + domain.step * (ceil(steps) - 1 if strict else floor(steps))


def _first(domain: Domain, limit: Fraction, strict: bool) -> Number:
    if domain.step is None:
        return limit
    steps = (limit - domain.lo) / domain.step
    return domain.lo + domain.step * (floor(steps) + 1 if strict else ceil(steps))


# --- the rules ----------------------------------------------------------------------------------------------


def _refutes(proof: Json, known: Known, depth: int) -> bool:
    if depth > DEPTH_MAX:
        return False
    match proof:
        case ["closed"]:
            return _is_closed(known)
        case ["farkas", list(summands)]:
            return _adds_up(summands, known)
        case ["split", str(choice), list(branches)]:
            parts = known.choices[choice].parts if choice in known.choices else ()
            return len(branches) == len(parts) > 0 and all(
                _refutes(branch, _with(known, f"{choice}/{index}", part), depth + 1)
                for index, (branch, part) in enumerate(zip(branches, parts, strict=True))
            )
        case ["cut", str(name), written, without, having]:
            lemma = read_formula(written)
            return (
                names_in(lemma) <= known.domains.keys()
                and _refutes(without, _with(known, name, opposite(lemma)), depth + 1)
                and _refutes(having, _with(known, name, lemma), depth + 1)
            )
        case ["corner", str(fact), list(moves), str(name), then]:
            moved = _moved(known, fact, moves)
            return moved is not None and _refutes(then, _with(known, name, moved), depth + 1)
        case _:
            return False


def _is_closed(known: Known) -> bool:
    return (
        any(low > high for low, high in known.box.values())
        or any(_is_false(atom) for atom in known.facts.values())
        or any(not choice.parts for choice in known.choices.values())
    )


def _is_false(atom: Atom) -> bool:
    value = atom.term.get(ONE, 0)
    return not names_of(atom.term) and (value >= 0 if atom.strict else value > 0)


def _adds_up(summands: list[Json], known: Known) -> bool:
    """Each summand is positive times a product of what is not negative; together they are below zero."""
    added: Polynomial = {}
    strictly = False
    for summand in summands:
        match summand:
            case [written, [_, *_] as factors]:
                multiplier = read_integer(written)
            case _:
                return False
        if multiplier <= 0:
            return False
        product = constant(1)
        strict = True
        for factor in factors:
            found = _factor(factor, known)
            if found is None:
                return False
            product, strict = times(product, found[0]), strict and found[1]
        strictly = strictly or strict
        added = plus(added, scaled(product, multiplier))
    value = added.get(ONE, 0)
    return not names_of(added) and (value < 0 or (value == 0 and strictly))


def _factor(factor: Json, known: Known) -> tuple[Polynomial, bool] | None:
    """What is not negative, and whether it is even positive."""
    match factor:
        case ["fact", str(name)]:
            if name not in known.facts:
                return None
            return scaled(known.facts[name].term, -1), known.facts[name].strict
        case ["hi" | "lo" as end, written]:
            monomial = read_monomial(written)
            if not monomial or not known.box.keys() >= set(monomial):
                return None
            low, high = range_of_monomial(monomial, known.box)
            whole: Polynomial = {monomial: 1}
            return (minus(constant(high), whole) if end == "hi" else minus(whole, constant(low))), False
        case _:
            return None


def _moved(known: Known, fact: str, moves: list[Json]) -> Atom | None:
    """A fact with variables put, one after the other, where it is weakest: it still holds there."""
    if fact not in known.facts:
        return None
    term = known.facts[fact].term
    for move in moves:
        match move:
            case [str(name), "hi" | "lo" as end] if name in known.box:
                lowest, highest = range_of(derivative(term, name), known.box)
                if highest > 0 if end == "hi" else lowest < 0:
                    return None
                term = at(term, name, known.box[name][1 if end == "hi" else 0])
            case _:
                return None
    return Atom(term, known.facts[fact].strict)
