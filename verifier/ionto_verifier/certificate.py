"""Proofs that anyone can check with exact arithmetic, and the checker, which trusts nobody.

A proof is a refutation: assume the guards and the negated conclusion, and reach a contradiction. Five
rules are enough. `Farkas` adds up products of things known to be >= 0 and gets a number below zero;
`Split` follows every part of a disjunction; `Cut` proves a lemma and goes on with it (a case split is a
cut too); `Corner` puts a variable at the bound where a fact is weakest; `Closed` points at an empty domain
or a false fact. The checker imports only what defines the question: terms and obligations.
"""

from __future__ import annotations

from fractions import Fraction
from math import ceil, floor
from typing import TypeAlias, assert_never

from ionto_ir.dataclass import dataclass
from ionto_verifier.obligation import And, Atom, Formula, Obligation, Or, Variable, negation
from ionto_verifier.term import (
    ONE,
    Monomial,
    Number,
    Polynomial,
    TermTooLargeError,
    coefficient,
    constant,
    degree,
    derivative,
    plain,
    substitute,
    total,
    variables_of,
)

DEPTH_MAX = 200
"""Nesting of rules; deeper certificates come from no generator of ours and would exhaust the stack."""

Interval: TypeAlias = tuple[Number, Number]
"""Least and greatest value, both included; whole numbers are kept as integers."""

GOAL = "goal"
"""The name of the negated conclusion among the facts."""


@dataclass(frozen=True, slots=True)
class Range:
    """hi - monomial (upper) or monomial - lo: never negative, with lo and hi from the variables' bounds."""

    monomial: Monomial
    upper: bool


@dataclass(frozen=True, slots=True)
class Fact:
    """-q for the known atom q <= 0 (or q < 0) called `name`: never negative (or positive)."""

    name: str


Factor: TypeAlias = Range | Fact


@dataclass(frozen=True, slots=True)
class Summand:
    """`multiplier` (> 0) times the product of the factors."""

    multiplier: int
    factors: tuple[Factor, ...]


@dataclass(frozen=True, slots=True)
class Closed:
    """Some variable has no value left, or some fact is plainly false."""


@dataclass(frozen=True, slots=True)
class Farkas:
    """The summands add up to a number below zero, or to zero with one of them strictly positive."""

    summands: tuple[Summand, ...]


@dataclass(frozen=True, slots=True)
class Split:
    """The disjunction called `choice` holds, and each of its parts, in order, leads to a contradiction.

    In branch i the part is known as `choice/i`.
    """

    choice: str
    branches: tuple[Proof, ...]


@dataclass(frozen=True, slots=True)
class Cut:
    """A lemma fails (refuted by `without`) or holds (refuted by `having`); both know it as `name`."""

    name: str
    lemma: Formula
    without: Proof
    having: Proof


@dataclass(frozen=True, slots=True)
class Corner:
    """The fact `fact` still holds, as `name`, with variables put at bounds, one move after the other.

    A move is a variable and whether it goes to its upper bound: valid where q never rises (upper) or never
    falls (lower) in that variable, anywhere within the bounds, after the moves before it.
    """

    fact: str
    moves: tuple[tuple[str, bool], ...]
    name: str
    then: Proof


Proof: TypeAlias = Closed | Farkas | Split | Cut | Corner


@dataclass(frozen=True, slots=True)
class Known:
    """What may be used at one place of a proof: bounds, atoms and disjunctions by name."""

    variables: dict[str, Variable]
    box: dict[str, Interval]
    facts: dict[str, Atom]
    choices: dict[str, Or]


def check(proof: Proof, obligation: Obligation) -> bool:
    """Whether the proof shows that the obligation holds. Total: a wrong or foreign proof gives False."""
    try:
        return _refutes(proof, assumed(obligation), 0)
    except TermTooLargeError:
        return False


def assumed(obligation: Obligation) -> Known:
    """The start of a refutation: bounds, guards (`guard:NAME`) and the negated conclusion (`goal`)."""
    variables = {item.name: item for item in obligation.variables}
    box: dict[str, Interval] = {item.name: (item.lo, item.highest) for item in obligation.variables}
    known = Known(variables, box, {}, {})
    for guard in obligation.guards:
        _absorb(known, f"guard:{guard.name}", guard.formula)
    _absorb(known, GOAL, negation(obligation.conclusion))
    return known


def learn(known: Known, name: str, formula: Formula) -> Known:
    """What is known once the formula is; parts of a conjunction are `name.0`, `name.1`, ..."""
    more = Known(known.variables, dict(known.box), dict(known.facts), dict(known.choices))
    _absorb(more, name, formula)
    return more


def is_contradictory(known: Known) -> bool:
    """Whether a variable has no value left, a fact is plainly false, or a disjunction has no part."""
    return (
        any(low > high for low, high in known.box.values())
        or any(is_false(atom) for atom in known.facts.values())
        or any(not choice.parts for choice in known.choices.values())
    )


def sharpened(atom: Atom, variables: dict[str, Variable]) -> Atom:
    """p < 0 as p + 1 <= 0 where p has whole values only; any other atom unchanged."""
    whole = all(variables[name].grid_step is not None for name in variables_of(atom.term))
    if not (atom.strict and whole and atom.term.denominator == 1):
        return atom
    return Atom(total((atom.term, constant(1))), strict=False)


def _absorb(known: Known, name: str, formula: Formula) -> None:
    match formula:
        case Atom():
            atom = sharpened(formula, known.variables)
            known.facts[name] = atom
            _tighten(known, atom)
        case And(parts):
            for index, part in enumerate(parts):
                _absorb(known, f"{name}.{index}", part)
        case Or():
            known.choices[name] = formula
        case _:
            assert_never(formula)


def is_false(atom: Atom) -> bool:
    """Whether the atom has no variable and does not hold."""
    value = coefficient(atom.term, ())
    return not variables_of(atom.term) and (value >= 0 if atom.strict else value > 0)


def _refutes(proof: Proof, known: Known, depth: int) -> bool:
    if depth > DEPTH_MAX:
        return False
    match proof:
        case Closed():
            return is_contradictory(known)
        case Farkas(summands):
            return _contradicts(summands, known)
        case Split(choice, branches):
            offered = known.choices.get(choice, Or(()))
            return len(branches) == len(offered.parts) > 0 and all(
                _refutes(branch, learn(known, f"{choice}/{index}", part), depth + 1)
                for index, (branch, part) in enumerate(zip(branches, offered.parts, strict=True))
            )
        case Cut(name, lemma, without, having):
            return (
                _speaks_of(lemma, known)
                and _refutes(without, learn(known, name, negation(lemma)), depth + 1)
                and _refutes(having, learn(known, name, lemma), depth + 1)
            )
        case Corner(fact, moves, name, then):
            moved = _moved(known, fact, moves)
            return moved is not None and _refutes(then, learn(known, name, moved), depth + 1)
    assert_never(proof)


def _speaks_of(formula: Formula, known: Known) -> bool:
    match formula:
        case Atom(term, _):
            return variables_of(term) <= known.variables.keys()
        case And(parts) | Or(parts):
            return all(_speaks_of(part, known) for part in parts)
    assert_never(formula)


def _moved(known: Known, fact: str, moves: tuple[tuple[str, bool], ...]) -> Atom | None:
    if fact not in known.facts:
        return None
    term = known.facts[fact].term
    for variable, upper in moves:
        if variable not in known.box:
            return None
        lowest, highest = _range_of(derivative(term, variable), known)
        if highest > 0 if upper else lowest < 0:
            return None
        term = substitute(term, {variable: known.box[variable][1 if upper else 0]})
    return Atom(term, known.facts[fact].strict)


def _contradicts(summands: tuple[Summand, ...], known: Known) -> bool:
    added: dict[Monomial, Number] = {}
    strictly = False
    for summand in summands:
        product: Polynomial | None = None
        positive = True
        for factor in summand.factors:
            value = _factor_value(factor, known)
            if value is None:
                return False
            product = value if product is None else product * value
            positive = positive and isinstance(factor, Fact) and known.facts[factor.name].strict
        if product is None or summand.multiplier <= 0:
            return False
        strictly = strictly or positive
        weight = plain(Fraction(summand.multiplier, product.denominator))
        for monomial, number in product.terms:
            added[monomial] = added.get(monomial, 0) + weight * number
    constant_part = added.pop(ONE, 0)
    if any(added.values()):
        return False
    return constant_part < 0 or (constant_part == 0 and strictly)


def _factor_value(factor: Factor, known: Known) -> Polynomial | None:
    match factor:
        case Fact(name):
            return -known.facts[name].term if name in known.facts else None
        case Range(monomial, upper):
            if not monomial or any(name not in known.box for name, _ in monomial):
                return None
            lowest, highest = _range_of_monomial(monomial, known)
            term = Polynomial(((monomial, -1 if upper else 1),))
            return total((constant(highest if upper else -lowest), term))
    assert_never(factor)


def _range_of(term: Polynomial, known: Known) -> Interval:
    """Bounds of a polynomial (times its denominator) by interval arithmetic, one monomial at a time."""
    lowest: Number = 0
    highest: Number = 0
    for monomial, number in term.terms:
        ends = _times((number, number), _range_of_monomial(monomial, known))
        lowest, highest = lowest + ends[0], highest + ends[1]
    return lowest, highest


def _range_of_monomial(monomial: Monomial, known: Known) -> Interval:
    ends: Interval = (1, 1)
    for name, power in monomial:
        ends = _times(ends, _power(known.box[name], power))
    return ends


def _power(ends: Interval, power: int) -> Interval:
    low, high = ends[0] ** power, ends[1] ** power
    if power % 2 == 0 and ends[0] < 0 < ends[1]:
        return 0, max(low, high)
    return min(low, high), max(low, high)


def _times(left: Interval, right: Interval) -> Interval:
    products = [first * second for first in left for second in right]
    return min(products), max(products)


def bound_in(atom: Atom, variables: dict[str, Variable]) -> tuple[str, bool, Number] | None:
    """The bound that a linear fact about one variable is: the variable, whether upper, and the value.

    On a grid the value is the last grid value that the fact admits. None for every other fact.
    """
    names = variables_of(atom.term)
    if len(names) != 1 or degree(atom.term) > 1:
        return None
    (name,) = names
    slope = coefficient(atom.term, ((name, 1),))
    limit = -coefficient(atom.term, ()) / slope
    if slope > 0:
        return name, True, _grid_below(variables[name], limit, atom.strict)
    return name, False, _grid_above(variables[name], limit, atom.strict)


def _tighten(known: Known, atom: Atom) -> None:
    bound = bound_in(atom, known.variables)
    if bound is None:
        return
    name, upper, value = bound
    low, high = known.box[name]
    known.box[name] = (low, min(high, value)) if upper else (max(low, value), high)


def _grid_below(variable: Variable, limit: Fraction, strict: bool) -> Number:
    step = variable.grid_step
    if step is None:
        return plain(limit)
    steps = (limit - variable.lo) / step
    return variable.lo + step * (ceil(steps) - 1 if strict else floor(steps))


def _grid_above(variable: Variable, limit: Fraction, strict: bool) -> Number:
    step = variable.grid_step
    if step is None:
        return plain(limit)
    steps = (limit - variable.lo) / step
    return variable.lo + step * (floor(steps) + 1 if strict else ceil(steps))
