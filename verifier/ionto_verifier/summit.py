"""The search for the greatest value of a polynomial: bound each part of the box, climb in it, cut the
highest.

Two numbers meet: what no point can pass (corners and relaxations prove it) and what some point reaches (found
by climbing from where the relaxation thinks that the summit is). No solver is loaded.
"""

from __future__ import annotations

from fractions import Fraction

from ionto_ir.dataclass import dataclass
from ionto_verifier.bounding import best_bound, point_of
from ionto_verifier.certificate import Known, is_contradictory
from ionto_verifier.decision import Supremum
from ionto_verifier.interval import corner_moves
from ionto_verifier.obligation import Obligation, Witness, is_witness
from ionto_verifier.ranges import Ranges
from ionto_verifier.splitting import parts_of
from ionto_verifier.term import Number, Polynomial, evaluate, variables_of
from ionto_verifier.witness import climbed, first_guess, guess, repaired

CASES_MAX = 24
"""Parts of the box into which the search for a supremum may cut it."""

SIZE_MAX = 36
"""With more facts and variables than these, relaxing and climbing take seconds and gain little: with eleven
parameters the bound stayed at twice what any point reached. There the corners of the whole box are the bound.
"""

PRECISION = Fraction(1, 1000)
"""How far, relative to their size, the proved bound and the attained value may stay apart."""


@dataclass(slots=True)
class _Case:
    """A part of the box: what is known there, the bound there, and a point that may reach it."""

    known: Known
    bound: Fraction
    point: dict[str, Number]


class Summit:
    """The search for the greatest value of a goal over the points that refute `reaching`."""

    def __init__(self, goal: Polynomial, reaching: Obligation) -> None:
        self._goal = goal
        self._reaching = reaching
        self._large = False
        self._attained: Fraction | None = None
        self._witness: Witness | None = None

    def found(self, known: Known) -> Supremum:
        """Search the whole box."""
        self._large = len(known.facts) + len(known.box) > SIZE_MAX
        cases = self._opened([known])
        for _ in range(0 if self._large else CASES_MAX):
            highest = max(cases, key=lambda case: case.bound, default=None)
            if highest is None:
                break
            parts = None if self._near(highest.bound) else parts_of(highest.known, variables_of(self._goal))
            if parts is None:
                break
            cases.remove(highest)
            cases += self._opened(parts)
        if not cases and self._attained is None:
            return Supremum(None, None, None)
        bounds = [case.bound for case in cases]
        # Cases that were closed lie below what was reached elsewhere, or hold nothing at all.
        bound = max([*bounds, *([] if self._attained is None else [self._attained])])
        return Supremum(bound, self._attained, self._witness)

    def _opened(self, parts: list[Known]) -> list[_Case]:
        """The parts in which the best value so far may still be passed, each with its bound."""
        opened: list[_Case] = []
        for known in parts:
            if is_contradictory(known):
                continue
            case = self._bounded(known)
            if case is not None:
                self._climb_from(case)
                opened.append(case)
        return [case for case in opened if self._attained is None or case.bound > self._attained]

    def _bounded(self, known: Known) -> _Case | None:
        ranges = Ranges(known.box)
        rest, moves = corner_moves(-self._goal, ranges)
        corner_bound = -Fraction(ranges.of_polynomial(rest)[0])
        point = {name: low for name, (low, _) in known.box.items()}
        if not variables_of(rest):
            corner = point | {name: known.box[name][1 if upper else 0] for name, upper in moves}
            if is_witness(self._reaching, corner):
                return _Case(known, corner_bound, corner)
        if self._large:
            return _Case(known, corner_bound, point | {name: known.box[name][upper] for name, upper in moves})
        bound = best_bound(known, self._goal)
        if bound.contradictory:
            return None
        return _Case(known, min(corner_bound, bound.value), point | point_of(bound))

    def _climb_from(self, case: _Case) -> None:
        start = repaired(self._reaching, case.point)
        if start is None and self._attained is None:
            start = first_guess(self._reaching, case.known) or guess(self._reaching, case.known)
        if start is None:
            return
        summit = start if self._large else climbed(self._reaching, self._goal, start)
        height = evaluate(self._goal, summit)
        if self._attained is None or height > self._attained:
            self._attained, self._witness = height, summit

    def _near(self, bound: Fraction) -> bool:
        attained = self._attained
        return attained is not None and bound - attained <= PRECISION * max(abs(bound), abs(attained))
