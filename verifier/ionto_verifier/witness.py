"""Points that refute: readable guesses first, repairs of near misses, and only points that were re-evaluated.

A point from a solver may be irrational, between grid values or ugly. Here every candidate is put on the
grid, moved until everything that must hold does, and then pulled towards defaults and declared bounds.
Nothing here needs to be complete: what is not found is left to the solver.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from fractions import Fraction
from math import ceil, floor
from typing import TypeAlias

from ionto_verifier.certificate import Known
from ionto_verifier.interval import corner_moves
from ionto_verifier.obligation import (
    And,
    Atom,
    Formula,
    Obligation,
    Or,
    Variable,
    Witness,
    formula_variables,
    holds,
    is_witness,
    negation,
)
from ionto_verifier.ranges import Ranges
from ionto_verifier.term import (
    Number,
    Polynomial,
    plain,
    scaled_value,
    variables_of,
)

Point: TypeAlias = dict[str, Number]
"""A candidate: whole values as integers, because most of the work here is evaluating polynomials."""

REPAIRS_MAX = 12
"""Moves of one variable each; what is not repaired by then is left to the solver."""

CLIMBS_MAX = 12
"""Moves of one variable each; the summit need not be reached, the proof will tell how far it is."""

COARSE_WIDTH_MIN = 10_000
"""Ranges wider than this are searched on whole numbers, also where fractions are possible."""

HALVINGS_MAX = 30
"""Points tried on the way between a point that is allowed and one that fails: enough for any device grid."""


def first_guess(obligation: Obligation, known: Known) -> Witness | None:
    """A witness at the worst corner of the box or near it, or None.

    `known` is the start of the refutation, whose box the guards have already narrowed.
    """
    return repaired(obligation, next(_starts(obligation, known)))


def guess(obligation: Obligation, known: Known) -> Witness | None:
    """A witness among the other points where one would look, or on the way from them to the worst corner."""
    worst, *others = _starts(obligation, known)
    for start in others:
        found = repaired(obligation, start)
        if found is not None:
            return found
    for start in others:
        found = repaired(obligation, _where_it_turns(obligation, start, worst))
        if found is not None:
            return found
    return None


def repaired(obligation: Obligation, near: Mapping[str, Number]) -> Witness | None:
    """A witness near a point: on the grid, with single variables moved until all demands hold. Or None."""
    if any(item.highest < item.lo for item in obligation.variables):
        return None
    point = {item.name: _on_grid(item, near[item.name]) for item in obligation.variables}
    demands = _Demands((negation(obligation.conclusion), *(guard.formula for guard in obligation.guards)))
    seen = {tuple(point.values())}
    for _ in range(REPAIRS_MAX):
        failing = demands.failing(point)
        if not failing:
            return _exact(point) if is_witness(obligation, point) else None
        better = _better(obligation, point, demands, failing, seen)
        if better is None:
            return None
        point = better
        seen.add(tuple(point.values()))
    return None


def readable(obligation: Obligation, witness: Witness) -> Witness:
    """A witness with as many variables as possible at their default or at a declared bound."""
    point: Point = {name: plain(value) for name, value in witness.items()}
    for item in obligation.variables:
        for value in _favourites(item):
            if point[item.name] == value:
                break
            trial = {**point, item.name: value}
            if is_witness(obligation, trial):
                point = trial
                break
    return _exact(point)


def climbed(obligation: Obligation, goal: Polynomial, start: Witness) -> Witness:
    """A witness at which the polynomial is no less than at `start`, by moving single variables uphill."""
    point: Point = {name: plain(value) for name, value in start.items()}
    highest = scaled_value(goal, point)
    atoms = [atom for guard in obligation.guards for atom in _atoms(guard.formula)]
    for _ in range(CLIMBS_MAX):
        best: Point | None = None
        for name, value in _uphill_moves(obligation, point, goal, atoms):
            trial = {**point, name: value}
            reached = scaled_value(goal, trial)
            if reached > highest and is_witness(obligation, trial):
                highest, best = reached, trial
        if best is None:
            break
        point = best
    return _exact(point)


def _exact(point: Point) -> Witness:
    return {name: Fraction(value) for name, value in point.items()}


def _favourites(item: Variable) -> list[int]:
    usual = [] if item.default is None else [item.default]
    return [*usual, item.lo, item.highest]


def _starts(obligation: Obligation, known: Known) -> Iterator[Point]:
    """The worst corner of a polynomial goal (or any corner), then defaults, lower bounds and upper bounds."""
    usual: Point = {}
    for item in obligation.variables:
        low, high = known.box[item.name]
        usual[item.name] = low
        if item.default is not None and low <= item.default <= high:
            usual[item.name] = item.default
    if isinstance(obligation.conclusion, Atom):
        _, moves = corner_moves(-obligation.conclusion.term, Ranges(known.box))
        yield usual | {name: known.box[name][1 if upper else 0] for name, upper in moves}
    else:
        yield {name: high for name, (_, high) in known.box.items()}
    yield usual
    yield {name: high for name, (_, high) in known.box.items()}
    yield {name: low for name, (low, _) in known.box.items()}


def _where_it_turns(obligation: Obligation, allowed: Point, worst: Point) -> Point:
    """The last point found, on the straight way from one to the other, at which all guards hold."""
    near, far = Fraction(0), Fraction(1)
    best = allowed
    for _ in range(HALVINGS_MAX):
        middle = (near + far) / 2
        trial: Point = {}
        for item in obligation.variables:
            start = allowed[item.name]
            value = start + middle * (worst[item.name] - start)
            coarse = item.hi - item.lo > COARSE_WIDTH_MIN
            trial[item.name] = _on_grid(item, floor(value) if coarse else value)
        if all(holds(guard.formula, trial) for guard in obligation.guards):
            near, best = middle, trial
            if not holds(obligation.conclusion, trial):
                break
        else:
            far = middle
    return best


class _Demands:
    """Formulas that must all hold, indexed by variable: a move of one variable concerns only a few."""

    def __init__(self, formulas: tuple[Formula, ...]) -> None:
        self.formulas = formulas
        self._by_name: dict[str, list[int]] = {}
        for index, formula in enumerate(formulas):
            for name in formula_variables(formula):
                self._by_name.setdefault(name, []).append(index)

    def failing(self, point: Point) -> list[int]:
        """Which demands do not hold at a point."""
        return [index for index, formula in enumerate(self.formulas) if not holds(formula, point)]

    def still_failing(self, before: list[int], name: str, moved: Point) -> int:
        """How many demands fail once the variable `name` has moved."""
        concerned = self._by_name.get(name, [])
        untouched = sum(index not in concerned for index in before)
        return untouched + sum(not holds(self.formulas[index], moved) for index in concerned)


def _better(
    obligation: Obligation,
    point: Point,
    demands: _Demands,
    failing: list[int],
    seen: set[tuple[Number, ...]],
) -> Point | None:
    """The point after the first move of one variable that mends more than it breaks, if there is one."""
    sideways: Point | None = None
    first = demands.formulas[failing[0]]
    for atom in _atoms(first):
        for name, value in _mending_moves(obligation, point, atom):
            trial = {**point, name: value}
            left = demands.still_failing(failing, name, trial)
            if left > len(failing) or tuple(trial.values()) in seen:
                continue
            if left < len(failing):
                return trial
            if sideways is None and holds(first, trial):
                sideways = trial
    return sideways


def _uphill_moves(
    obligation: Obligation, point: Point, goal: Polynomial, atoms: list[Atom]
) -> Iterator[tuple[str, Number]]:
    """Values of the goal's variables at their bounds, or where a guard just holds."""
    names = variables_of(goal)
    for item in obligation.variables:
        if item.name in names:
            yield from ((item.name, value) for value in _favourites(item))
    for atom in atoms:
        yield from _mending_moves(obligation, point, atom)


def _mending_moves(obligation: Obligation, point: Point, atom: Atom) -> Iterator[tuple[str, Number]]:
    """Values of single variables at which the atom just holds, or which are easy to read."""
    names = variables_of(atom.term)
    slopes = _slopes(atom.term, point)
    value = scaled_value(atom.term, point)
    for item in obligation.variables:
        if item.name not in names:
            continue
        slope = slopes.get(item.name, 0)
        if slope:
            limit = point[item.name] - Fraction(value) / slope
            yield item.name, _on_grid(item, limit, beyond=atom.strict, upward=slope < 0)
        yield from ((item.name, favourite) for favourite in _favourites(item))


def _slopes(term: Polynomial, point: Point) -> dict[str, Number]:
    """How the term (times its denominator) changes with each variable in which it is linear."""
    slopes: dict[str, Number] = {}
    curved: set[str] = set()
    for monomial, number in term.terms:
        for name, power in monomial:
            if power > 1:
                curved.add(name)
                continue
            slope: Number = number
            for other, other_power in monomial:
                if other != name:
                    slope *= point[other] ** other_power
            slopes[name] = slopes.get(name, 0) + slope
    return {name: slope for name, slope in slopes.items() if name not in curved}


def _atoms(formula: Formula) -> Iterator[Atom]:
    if isinstance(formula, And | Or):
        for part in formula.parts:
            yield from _atoms(part)
    else:
        yield formula


def _on_grid(item: Variable, value: Number, beyond: bool = False, upward: bool = False) -> Number:
    """The nearest admissible value on the side asked for (below, or upward), a whole step on if `beyond`."""
    step = item.grid_step
    if step is None:
        return plain(min(max(value, item.lo), item.hi))
    steps = Fraction(value - item.lo) / step
    if upward:
        whole = floor(steps) + 1 if beyond else ceil(steps)
    else:
        whole = ceil(steps) - 1 if beyond else floor(steps)
    last = (item.hi - item.lo) // step
    return item.lo + step * min(max(whole, 0), last)
