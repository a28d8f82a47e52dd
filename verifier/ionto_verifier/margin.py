"""How close the worst case comes to a limit, and how far a parameter may go: numbers that are proved.

A report may say `0.396 of 0.5 mA/cm2` only if the one value was reached and cannot be passed, so both are
given: `attained` at a point that was evaluated exactly, and `bound` by proof.
"""

from __future__ import annotations

from fractions import Fraction
from math import floor

from ionto_ir.dataclass import dataclass, replace
from ionto_verifier.budget import Budget
from ionto_verifier.decision import Proved, Refuted, SafeRange, Supremum
from ionto_verifier.ground import Grounds
from ionto_verifier.obligation import (
    Guard,
    Obligation,
    Variable,
    never_happens,
)
from ionto_verifier.solve import decide
from ionto_verifier.summit import Summit
from ionto_verifier.term import Polynomial

MARGIN_BUDGET = Budget(
    relaxation_effort=1_000_000, solver_effort=500_000, quick_cases=16, split_cases=8, relaxed_cases=8
)
"""A safe range asks many questions, and one that is a little too narrow is still a safe one."""


def supremum(
    goal: Polynomial,
    variables: tuple[Variable, ...],
    guards: tuple[Guard, ...],
    grounds: Grounds | None = None,
) -> Supremum:
    """The greatest value of a polynomial where all guards hold: a proved bound and the best value found.

    All three parts are None when the guards are found to contradict each other. Raises TermTooLargeError.
    """
    reaching = never_happens("reach", "margin", variables, guards)
    ground = (Grounds() if grounds is None else grounds).of(reaching)
    return Summit(goal, reaching).found(ground.known)


def safe_range(obligation: Obligation, name: str, budget: Budget = MARGIN_BUDGET) -> SafeRange:
    """The wider of the two safe ranges of one variable that begin at an end of its declared range.

    Safe means that the obligation holds whatever the other variables are; a range in which the guards can
    never hold is not called safe. A continuous variable is searched on whole numbers of its unit.
    """
    item = next(item for item in obligation.variables if item.name == name)
    if isinstance(decide(obligation, budget), Proved):
        return SafeRange(item.lo, item.highest, exact=True)
    found = [
        safe
        for upward in (True, False)
        if (safe := _safe_from_end(_Line(obligation, item, upward, budget))) is not None
    ]
    return max(found, key=_width, default=SafeRange(None, None, exact=True))


def _width(safe: SafeRange) -> int:
    return 0 if safe.lo is None or safe.hi is None else safe.hi - safe.lo


@dataclass(frozen=True, slots=True)
class _Line:
    """The values of one variable, counted in steps from one end of its range."""

    obligation: Obligation
    item: Variable
    upward: bool
    budget: Budget

    @property
    def step(self) -> int:
        """The distance of neighbouring values."""
        return self.item.grid_step or 1

    @property
    def last(self) -> int:
        """The number of steps from one end to the other."""
        return (self.item.hi - self.item.lo) // self.step

    def up_to(self, steps: int) -> tuple[int, int]:
        """The range that reaches so many steps from the end."""
        if self.upward:
            return self.item.lo, self.item.lo + steps * self.step
        return self.item.lo + (self.last - steps) * self.step, self.item.highest

    def within(self, steps: int, obligation: Obligation) -> Obligation:
        """An obligation over the same variables, with this one kept in that range."""
        low, high = self.up_to(steps)
        narrow = replace(self.item, lo=low, hi=high)
        variables = tuple(narrow if item.name == narrow.name else item for item in obligation.variables)
        return replace(obligation, variables=variables)

    def steps_to(self, value: Fraction) -> int:
        """The steps from the end to a value, rounded away from the end."""
        way = (value - self.item.lo) if self.upward else (self.item.highest - value)
        return -floor(-way / self.step)


def _safe_from_end(line: _Line) -> SafeRange | None:
    """The longest range from this end that is proved safe and not empty, by halving."""
    safe, unsafe, refuted = -1, line.last + 1, True
    while unsafe - safe > 1:
        steps = (safe + unsafe) // 2
        answer = decide(line.within(steps, line.obligation), line.budget)
        if isinstance(answer, Proved):
            safe = steps
        else:
            refuted = isinstance(answer, Refuted)
            unsafe = steps
            if isinstance(answer, Refuted):
                # The longest safe range ends before the first value at which it is known to fail.
                unsafe = min(unsafe, line.steps_to(answer.witness[line.item.name]))
    if safe < 0:
        return None
    reaching = never_happens("reach", "margin", line.obligation.variables, line.obligation.guards)
    if isinstance(decide(line.within(safe, reaching), line.budget), Proved):
        return None
    low, high = line.up_to(safe)
    return SafeRange(low, high, exact=refuted)
