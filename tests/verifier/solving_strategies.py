"""Random small obligations that can also be decided by trying every point."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from itertools import product

from hypothesis import strategies as st

from ionto_verifier.obligation import (
    Formula,
    Guard,
    Obligation,
    Variable,
    Witness,
    answer,
    at_most,
    conjunction,
    disjunction,
    holds,
    is_witness,
    less,
)
from ionto_verifier.term import Polynomial, constant, evaluate, total, variable

NAMES = ("a", "b", "c", "d")


@st.composite
def variables(draw: st.DrawFn) -> tuple[Variable, ...]:
    """One to four variables on small grids: answers, counts, stepped values, some with negative bounds."""
    items: list[Variable] = []
    for name in NAMES[: draw(st.integers(1, 4))]:
        if draw(st.integers(0, 3)) == 0:
            items.append(answer(name))
            continue
        lo, width = draw(st.integers(-3, 3)), draw(st.integers(0, 6))
        step = draw(st.sampled_from((1, 1, 2, 3)))
        items.append(Variable(name, lo, lo + width, step=step, integer=draw(st.booleans())))
    return tuple(items)


@st.composite
def polynomials(draw: st.DrawFn, names: tuple[str, ...], degree: int, terms: int) -> Polynomial:
    """Sums of up to `terms` products of small numbers and up to `degree` variables."""
    parts: list[Polynomial] = []
    for _ in range(draw(st.integers(1, terms))):
        part = constant(draw(st.integers(-6, 6)))
        for name in draw(st.lists(st.sampled_from(names), max_size=degree)):
            part = part * variable(name)
        parts.append(part)
    return total(parts)


@st.composite
def formulas(draw: st.DrawFn, names: tuple[str, ...], depth: int) -> Formula:
    """Atoms of degree two, and nested conjunctions and disjunctions of them."""
    if depth == 0 or draw(st.booleans()):
        relation = draw(st.sampled_from((at_most, at_most, less)))
        return relation(draw(polynomials(names, 2, 3)), draw(st.integers(-3, 12)))
    parts = draw(st.lists(formulas(names, depth - 1), min_size=2, max_size=3))
    return conjunction(parts) if draw(st.booleans()) else disjunction(parts)


@st.composite
def obligations(draw: st.DrawFn) -> Obligation:
    """A polynomial bound near its true greatest value, or any formula, under up to three guards."""
    items = draw(variables())
    names = tuple(item.name for item in items)
    guards = tuple(
        Guard(f"guard {index}", draw(formulas(names, draw(st.integers(0, 2)))))
        for index in range(draw(st.integers(0, 3)))
    )
    if draw(st.integers(0, 4)) == 0:
        return Obligation("random", "any", items, guards, draw(formulas(names, 2)))
    goal = draw(polynomials(names, 3, 8))
    values = [
        evaluate(goal, point) for point in points(items) if all(holds(g.formula, point) for g in guards)
    ]
    limit = max(values, default=Fraction(0)) + draw(st.sampled_from((-1, 0, 0, 0, 1, 3)))
    return Obligation("random", "bound", items, guards, at_most(goal, limit))


def points(items: tuple[Variable, ...]) -> Iterator[Witness]:
    """Every point of the grid."""
    grids = [range(item.lo, item.hi + 1, item.grid_step or 1) for item in items]
    for values in product(*grids):
        yield {item.name: Fraction(value) for item, value in zip(items, values, strict=True)}


def brute_force(obligation: Obligation) -> Witness | None:
    """Some refuting point, found by trying all of them."""
    return next((point for point in points(obligation.variables) if is_witness(obligation, point)), None)
