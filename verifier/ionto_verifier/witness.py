"""Points that refute: readable guesses first, repairs of near misses, and only points that were re-evaluated.

A point from a solver may be irrational, between grid values or ugly. Here every candidate is put on the
grid, moved until everything that must hold does, and then pulled towards defaults and declared bounds.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from fractions import Fraction
from math import ceil, floor

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
    holds,
    is_witness,
    negation,
)
from ionto_verifier.ranges import Ranges
from ionto_verifier.term import Number, coefficient, constant, degree, substitute, variables_of

REPAIRS_MAX = 12
"""Moves of one variable each; what is not repaired by then is left to the solver."""


def guess(obligation: Obligation, known: Known) -> Witness | None:
    """A witness among the points where one would look first, or None.

    `known` is the start of the refutation, whose box the guards have already narrowed.
    """
    if any(low > high for low, high in known.box.values()):
        return None
    for start in _starts(obligation, known):
        found = repaired(obligation, start)
        if found is not None:
            return found
    return None


def repaired(obligation: Obligation, near: Mapping[str, Number]) -> Witness | None:
    """A witness near a point: on the grid, with single variables moved until all demands hold. Or None."""
    point = {item.name: _on_grid(item, Fraction(near[item.name])) for item in obligation.variables}
    demands = [negation(obligation.conclusion), *(guard.formula for guard in obligation.guards)]
    failing = [demand for demand in demands if not holds(demand, point)]
    seen = {tuple(point.values())}
    for _ in range(REPAIRS_MAX):
        if not failing:
            return point if is_witness(obligation, point) else None
        better = _better(obligation, point, demands, len(failing), failing[0], seen)
        if better is None:
            return None
        point = better
        seen.add(tuple(point.values()))
        failing = [demand for demand in demands if not holds(demand, point)]
    return None


def readable(obligation: Obligation, witness: Witness) -> Witness:
    """A witness with as many variables as possible at their default or at a declared bound."""
    point = dict(witness)
    for item in obligation.variables:
        for value in _favourites(item):
            trial = {**point, item.name: Fraction(value)}
            if point[item.name] == value:
                break
            if is_witness(obligation, trial):
                point = trial
                break
    return point


def _favourites(item: Variable) -> list[int]:
    usual = [] if item.default is None else [item.default]
    return [*usual, item.lo, item.highest]


def _starts(obligation: Obligation, known: Known) -> Iterator[dict[str, Number]]:
    """The worst corner of a polynomial goal, then defaults, lower bounds and upper bounds."""
    usual: dict[str, Number] = {}
    for item in obligation.variables:
        low, high = known.box[item.name]
        usual[item.name] = min(max(Fraction(item.default), low), high) if item.default is not None else low
    if isinstance(obligation.conclusion, Atom):
        _, moves = corner_moves(-obligation.conclusion.term, Ranges(known.box))
        yield usual | {name: known.box[name][1 if upper else 0] for name, upper in moves}
    yield usual
    yield {name: high for name, (_, high) in known.box.items()}
    yield {name: low for name, (low, _) in known.box.items()}


def _better(
    obligation: Obligation,
    point: dict[str, Fraction],
    demands: list[Formula],
    count: int,
    first: Formula,
    seen: set[tuple[Fraction, ...]],
) -> dict[str, Fraction] | None:
    """The point after the best move of one variable that mends the first failing demand, if any helps."""
    sideways: dict[str, Fraction] | None = None
    for atom in _atoms(first):
        for name, value in _mending_moves(obligation, point, atom):
            trial = {**point, name: value}
            if tuple(trial.values()) in seen:
                continue
            left = sum(not holds(demand, trial) for demand in demands)
            if left < count:
                return trial
            if sideways is None and left == count and holds(first, trial):
                sideways = trial
    return sideways


def _mending_moves(
    obligation: Obligation, point: Mapping[str, Fraction], atom: Atom
) -> Iterator[tuple[str, Fraction]]:
    """Values of single variables at which the atom just holds, or where its term is least."""
    for item in obligation.variables:
        if item.name not in variables_of(atom.term):
            continue
        others = {name: constant(value) for name, value in point.items() if name != item.name}
        line = substitute(atom.term, others)
        slope = coefficient(line, ((item.name, 1),))
        if degree(line) == 1 and slope:
            limit = -coefficient(line, ()) / slope
            yield item.name, _on_grid(item, limit, beyond=atom.strict, upward=slope < 0)
        for value in _favourites(item):
            yield item.name, Fraction(value)


def _atoms(formula: Formula) -> Iterator[Atom]:
    if isinstance(formula, And | Or):
        for part in formula.parts:
            yield from _atoms(part)
    else:
        yield formula


def _on_grid(item: Variable, value: Fraction, beyond: bool = False, upward: bool = False) -> Fraction:
    """The nearest admissible value on the side asked for (below, or upward), a whole step on if `beyond`."""
    step = item.grid_step
    if step is None:
        return min(max(value, Fraction(item.lo)), Fraction(item.hi))
    steps = (value - item.lo) / step
    if upward:
        whole = floor(steps) + 1 if beyond else ceil(steps)
    else:
        whole = ceil(steps) - 1 if beyond else floor(steps)
    last = (item.hi - item.lo) // step
    return Fraction(item.lo + step * min(max(whole, 0), last))
