"""Exact multipliers for a contradictory set of linear inequalities, by elimination over the integers.

When the set is minimal (dropping any one leaves a solvable rest), the multipliers are unique up to scale:
all that is needed is the one-dimensional null space of a sparse integer matrix. Nothing that a solver said
is believed here.
"""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from math import gcd, lcm
from typing import TypeAlias

from ionto_verifier.term import ONE, Monomial, Polynomial

Row: TypeAlias = dict[int, int]
"""One equation `sum of coefficient * unknown = 0`, without zero coefficients."""


def multipliers(terms: Sequence[Polynomial], positive: Sequence[bool]) -> tuple[int, ...] | None:
    """Integers > 0, one for each term (>= 0, or > 0 where `positive`), whose weighted sum refutes them.

    That sum is a constant below zero, or zero with a positive term in it. None when the null space has
    another dimension than one or the signs are mixed: the set was then not minimal, or not contradictory.
    """
    common = lcm(*(term.denominator for term in terms))
    solution = _null_vector(_equations(terms, common), len(terms))
    if solution is None:
        return None
    if all(weight < 0 for weight in solution):
        solution = tuple(-weight for weight in solution)
    if not all(weight > 0 for weight in solution):
        return None
    constants = (dict(term.terms).get(ONE, 0) * (common // term.denominator) for term in terms)
    rest = sum(weight * number for weight, number in zip(solution, constants, strict=True))
    return solution if rest < 0 or (rest == 0 and any(positive)) else None


def _equations(terms: Sequence[Polynomial], common: int) -> list[Row]:
    """For each non-constant monomial: its coefficients in the weighted sum must cancel."""
    rows: dict[Monomial, Row] = {}
    for index, term in enumerate(terms):
        scale = common // term.denominator
        for monomial, number in term.terms:
            if monomial != ONE:
                rows.setdefault(monomial, {})[index] = number * scale
    return list(rows.values())


def _null_vector(rows: list[Row], unknowns: int) -> tuple[int, ...] | None:
    """The only direction that solves all equations, as integers without common factor; else None."""
    pivots: dict[int, Row] = {}
    for row in sorted(rows, key=len):
        reduced = _reduced(row, pivots)
        if reduced:
            pivots[min(reduced, key=lambda index: (abs(reduced[index]), index))] = reduced
    free = [index for index in range(unknowns) if index not in pivots]
    if len(free) != 1:
        return None
    values = {free[0]: Fraction(1)}
    # A pivot row may still mention pivots found after it, never ones found before it.
    for pivot, row in reversed(pivots.items()):
        others = sum(number * values[index] for index, number in row.items() if index != pivot)
        values[pivot] = -Fraction(others) / row[pivot]
    scale = lcm(*(value.denominator for value in values.values()))
    whole = [int(values[index] * scale) for index in range(unknowns)]
    content = gcd(*whole)
    return tuple(value // content for value in whole)


def _reduced(row: Row, pivots: dict[int, Row]) -> Row:
    """The equation with every known pivot eliminated, oldest first, divided by its content."""
    row = dict(row)
    for pivot, known in pivots.items():
        if pivot not in row:
            continue
        common = gcd(row[pivot], known[pivot])
        mine, theirs = known[pivot] // common, row[pivot] // common
        row = {index: number * mine for index, number in row.items()}
        for index, number in known.items():
            value = row.get(index, 0) - number * theirs
            if value:
                row[index] = value
            else:
                row.pop(index, None)
    content = gcd(*row.values())
    return {index: number // content for index, number in row.items()} if content > 1 else row
