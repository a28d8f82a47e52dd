"""The least bound on a polynomial that known rows can prove: an exact simplex method for small relaxations.

Wanted are weights >= 0 such that objective + sum of weight * row is a constant, and that constant as small as
it gets: since no row is ever negative, the objective never passes it, and the weights are the certificate.
The method starts from plain interval arithmetic (each monomial at the bound that hurts), so it can be stopped
at any time with a valid bound. Its current point gives every monomial a value; a row that is negative there
is what the bound does not know yet, and is the next to come in. No solver is loaded, and every number is an
integer over a common denominator: fractions would take ten times as long.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from fractions import Fraction
from math import gcd, lcm
from typing import TypeAlias

from ionto_ir.dataclass import dataclass
from ionto_verifier.certificate import Factor, Range, Summand
from ionto_verifier.linearise import Constraint
from ionto_verifier.ranges import Ranges
from ionto_verifier.term import ONE, Monomial, Polynomial, constant, total

PIVOTS_MAX = 250
"""Each pivot lets one more row in; relaxations of the size given to this method need a few dozen."""

STALLS_MAX = 12
"""Pivots without progress before rows come in by age: depth alone could run in circles."""

Vector: TypeAlias = dict[Monomial, int]
"""Integers by monomial, zeros left out."""


@dataclass(slots=True)
class _Row:
    """A row known to be >= 0, times its denominator: its coefficients, and how much it can vary in the
    box.
    """

    constraint: Constraint
    offset: int
    slopes: Vector
    swing: int


@dataclass(slots=True)
class _Basic:
    """A row in use, with its line of the inverse of the matrix of all rows in use, over `denominator`.

    The entry of the constant monomial is the row's weight.
    """

    row: _Row
    line: Vector
    denominator: int


class Bound:
    """An upper bound on an objective, improved as far as the rows added so far allow."""

    def __init__(self, objective: Polynomial, ranges: Ranges) -> None:
        self._ranges = ranges
        self._objective = objective
        self._rows: list[_Row] = []
        self._basics: list[_Basic] = []
        self._in_line: dict[Monomial, set[int]] = {}
        # The point: its numerators by monomial (1 for the constant one) over one denominator.
        self._point: Vector = {}
        self._over = 1
        self._contradiction: list[tuple[_Row, int]] | None = None
        for monomial, number in objective.terms:
            if monomial != ONE:
                self._enter(monomial, number, high=number > 0)

    @property
    def value(self) -> Fraction:
        """The bound."""
        reached = sum(
            number * (self._over if monomial == ONE else self._point[monomial])
            for monomial, number in self._objective.terms
        )
        return Fraction(reached, self._over * self._objective.denominator)

    @property
    def point(self) -> dict[Monomial, Fraction]:
        """The value of each monomial in play where the objective reaches the bound, as far as rows know."""
        return {monomial: Fraction(number, self._over) for monomial, number in self._point.items()}

    @property
    def contradictory(self) -> bool:
        """Whether the rows were found to contradict each other, whatever the objective is."""
        return self._contradiction is not None

    @property
    def uses_positive(self) -> bool:
        """Whether a row that is never zero has a part in the bound."""
        return any(item.line.get(ONE, 0) and item.row.constraint.positive for item in self._basics)

    def add(self, constraints: Iterable[Constraint]) -> None:
        """Make more rows known; monomials that come into play with them start where the row is greatest."""
        for constraint in constraints:
            for monomial, number in constraint.term.terms:
                if monomial != ONE and monomial not in self._point:
                    self._enter(monomial, 0, high=number > 0)
            self._know(constraint)

    def improve(self, until: Callable[[Bound], bool]) -> None:
        """Let rows in until the bound is good enough, or no row helps, or PIVOTS_MAX is reached."""
        stalls = 0
        for _ in range(PIVOTS_MAX):
            if self.contradictory or until(self):
                return
            entering = self._negative(oldest=stalls > STALLS_MAX)
            if entering is None:
                return
            stalls = 0 if self._let_in(*entering) else stalls + 1

    def summands(self, objective: tuple[Factor, ...]) -> tuple[Summand, ...]:
        """The certificate of the bound, or of the rows' own contradiction if there is one."""
        if self._contradiction is not None:
            pairs = [(row.constraint, Fraction(weight)) for row, weight in self._contradiction]
            shares = []
        else:
            pairs = [
                (item.row.constraint, Fraction(item.line.get(ONE, 0), item.denominator))
                for item in self._basics
            ]
            shares = [(objective, Fraction(self._objective.denominator))]
        shares += [(held.factors, weight * held.term.denominator) for held, weight in pairs if weight]
        scale = lcm(*(weight.denominator for _, weight in shares))
        return tuple(Summand(int(weight * scale), factors) for factors, weight in shares)

    def _enter(self, monomial: Monomial, share: int, high: bool) -> None:
        """Bring a monomial into play at one end of its range, which then bounds its share of the
        objective.
        """
        low_end, high_end = self._ranges.of_monomial(monomial)
        self._set_point(monomial, Fraction(high_end if high else low_end))
        for side in (True, False):
            term = Polynomial(((monomial, -1 if side else 1),))
            ends = total((constant(high_end if side else -low_end), term))
            row = self._know(Constraint(ends, False, (Range(monomial, side),)))
            if side == high:
                self._in_line[monomial] = {len(self._basics)}
                line = {monomial: -1 if side else 1} | ({ONE: abs(share)} if share else {})
                self._basics.append(_Basic(row, line, ends.denominator))

    def _set_point(self, monomial: Monomial, value: Fraction) -> None:
        if self._over % value.denominator:
            times = value.denominator // gcd(self._over, value.denominator)
            self._over *= times
            self._point = {old: number * times for old, number in self._point.items()}
        self._point[monomial] = value.numerator * (self._over // value.denominator)

    def _know(self, constraint: Constraint) -> _Row:
        offset = 0
        slopes: Vector = {}
        swing: Fraction | int = 1
        for monomial, number in constraint.term.terms:
            if monomial == ONE:
                offset = number
                continue
            slopes[monomial] = number
            low, high = self._ranges.of_monomial(monomial)
            swing += abs(number) * (high - low)
        self._rows.append(_Row(constraint, offset, slopes, int(swing)))
        return self._rows[-1]

    def _negative(self, oldest: bool) -> tuple[_Row, int] | None:
        """The row that is most negative at the point for its size, or the oldest that is; and its value."""
        best: tuple[_Row, int] | None = None
        point, over = self._point, self._over
        for row in self._rows:
            value = row.offset * over
            for monomial, slope in row.slopes.items():
                value += slope * point[monomial]
            if value < 0 and (best is None or value * best[0].swing < best[1] * row.swing):
                best = row, value
                if oldest:
                    break
        return best

    def _let_in(self, row: _Row, value: int) -> bool:
        """Let a row in, in place of the one whose weight it first brings to zero. Whether the bound fell."""
        shares: dict[int, int] = {}
        for monomial, slope in row.slopes.items():
            for index in self._in_line[monomial]:
                shares[index] = shares.get(index, 0) + slope * self._basics[index].line[monomial]
        place: int | None = None
        for index in sorted(index for index, share in shares.items() if share > 0):
            weight = self._basics[index].line.get(ONE, 0)
            if place is None or weight * shares[place] < self._basics[place].line.get(ONE, 0) * shares[index]:
                place = index
        if place is None:
            self._contradiction = self._opposed(row, shares)
            return True
        falls = ONE in self._basics[place].line
        self._exchange(row, place, shares)
        self._move(self._basics[place], value)
        return falls

    def _opposed(self, row: _Row, shares: dict[int, int]) -> list[tuple[_Row, int]]:
        """The row with the multiples of rows in use that leave nothing of it but a number below zero."""
        common = lcm(*(self._basics[index].denominator for index in shares))
        others = [
            (self._basics[index].row, -share * (common // self._basics[index].denominator))
            for index, share in shares.items()
            if share
        ]
        return [(row, common), *others]

    def _exchange(self, row: _Row, place: int, shares: dict[int, int]) -> None:
        leaving = self._basics[place]
        pivot = shares[place]
        for index, share in shares.items():
            if share and index != place:
                self._subtract(index, leaving.line, share, pivot)
        self._basics[place] = _reduced(row, leaving.line, pivot)

    def _subtract(self, index: int, line: Vector, share: int, pivot: int) -> None:
        """own / d - (share / d) / (pivot / e) * (line / e), over the denominator d * pivot."""
        common = gcd(share, pivot)
        share, pivot = share // common, pivot // common
        old = self._basics[index]
        own = {monomial: number * pivot for monomial, number in old.line.items()}
        for monomial, number in line.items():
            rest = own.get(monomial, 0) - share * number
            if rest:
                own[monomial] = rest
                if monomial != ONE:
                    self._in_line[monomial].add(index)
            else:
                own.pop(monomial, None)
                if monomial != ONE:
                    self._in_line[monomial].discard(index)
        self._basics[index] = _reduced(old.row, own, old.denominator * pivot)

    def _move(self, entered: _Basic, value: int) -> None:
        """Move the point so that the row that came in is zero there."""
        times = entered.denominator
        moved = {monomial: number * times for monomial, number in self._point.items()}
        for monomial, number in entered.line.items():
            if monomial != ONE:
                moved[monomial] -= value * number
        over = self._over * times
        common = gcd(over, *moved.values())
        self._over = over // common
        self._point = {monomial: number // common for monomial, number in moved.items()}


def _reduced(row: _Row, line: Vector, denominator: int) -> _Basic:
    common = gcd(denominator, *line.values())
    if common == 1:
        return _Basic(row, line, denominator)
    return _Basic(
        row, {monomial: number // common for monomial, number in line.items()}, denominator // common
    )
