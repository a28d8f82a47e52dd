"""How close the worst case comes to a limit, and how far a parameter may go: numbers that are proved.

A report may say `0.396 of 0.5 mA/cm2` only if the one value was reached and cannot be passed, so both are
given: `attained` at a point that was evaluated exactly, and `bound` by proof. They agree whenever the worst
corner meets the guards; otherwise the gap is closed by asking the decision procedure.
"""

from __future__ import annotations

from fractions import Fraction
from math import floor

from ionto_ir.dataclass import dataclass, replace
from ionto_verifier.budget import Budget
from ionto_verifier.decision import Proved, Refuted, SafeRange, Supremum
from ionto_verifier.ground import Ground, Grounds
from ionto_verifier.interval import corner_moves
from ionto_verifier.obligation import (
    Guard,
    Obligation,
    Variable,
    Witness,
    is_witness,
    never_above_zero,
    never_happens,
)
from ionto_verifier.solve import decide
from ionto_verifier.term import Polynomial, evaluate
from ionto_verifier.witness import climbed

MARGIN_BUDGET = Budget(relaxation_effort=1_000_000, solver_effort=500_000, quick_cases=16, relaxed_cases=8)
"""A margin asks many questions, and a bound that is a little too wide is still a true one."""

QUESTIONS_MAX = 24
"""Questions for one supremum: twice what halving a gap down to PRECISION takes."""

SUMMITS_MAX = 3
"""How often the best value found is tried as the bound itself, which makes the answer exact."""

PRECISION = Fraction(1, 1000)
"""How far, relative to their size, the proved bound and the attained value may stay apart."""


def supremum(
    goal: Polynomial,
    variables: tuple[Variable, ...],
    guards: tuple[Guard, ...],
    budget: Budget = MARGIN_BUDGET,
) -> Supremum:
    """The greatest value of a polynomial where all guards hold: a proved bound and the best value found.

    All three parts are None when the guards contradict each other. Raises TermTooLargeError.
    """
    reaching = never_happens("reach", "margin", variables, guards)
    ground = Grounds().of(reaching)
    if ground.contradictory:
        return Supremum(None, None, None)
    rest, moves = corner_moves(-goal, ground.ranges)
    bound = -Fraction(ground.ranges.of_polynomial(rest)[0])
    corner = _corner(ground, dict(moves))
    if is_witness(reaching, corner) and evaluate(goal, corner) == bound:
        return Supremum(bound, bound, corner)
    reached = decide(reaching, budget)
    if isinstance(reached, Proved):
        return Supremum(None, None, None)
    if not isinstance(reached, Refuted):
        return Supremum(bound, None, None)
    summit = climbed(reaching, goal, reached.witness)
    return _narrowed(goal, reaching, Supremum(bound, evaluate(goal, summit), summit), budget)


def safe_range(obligation: Obligation, name: str, budget: Budget = MARGIN_BUDGET) -> SafeRange:
    """The wider of the two safe ranges of one variable that begin at an end of its declared range.

    Safe means that the obligation holds whatever the other variables are; a range in which the guards can
    never hold is not called safe. A continuous variable is searched on whole numbers of its unit.
    """
    item = next(item for item in obligation.variables if item.name == name)
    found = [
        safe
        for upward in (True, False)
        if (safe := _safe_from_end(_Line(obligation, item, upward, budget))) is not None
    ]
    return max(found, key=_width, default=SafeRange(None, None, exact=True))


def _corner(ground: Ground, moves: dict[str, bool]) -> Witness:
    box = ground.ranges.box
    return {name: Fraction(box[name][1 if moves.get(name, False) else 0]) for name in box}


def _narrowed(goal: Polynomial, reaching: Obligation, found: Supremum, budget: Budget) -> Supremum:
    """Close the gap: ask first whether the best value found is the bound, then halve what is open."""
    bound, attained, witness = found.bound, found.attained, found.witness
    assert bound is not None and attained is not None and witness is not None, "the search has begun"
    unproved = attained
    summits = SUMMITS_MAX
    for _ in range(QUESTIONS_MAX):
        if bound - unproved <= PRECISION * max(abs(bound), abs(unproved)):
            break
        at_summit = unproved == attained and summits > 0
        claim = attained if at_summit else _between(unproved, bound)
        summits -= at_summit
        asked = never_above_zero("claim", "margin", reaching.variables, reaching.guards, goal - claim)
        answer = decide(asked, budget)
        if isinstance(answer, Proved):
            bound = claim
        elif isinstance(answer, Refuted):
            witness = climbed(reaching, goal, answer.witness)
            attained = unproved = evaluate(goal, witness)
        else:
            unproved, summits = claim, 0
    return Supremum(bound, attained, witness)


def _between(low: Fraction, high: Fraction) -> Fraction:
    middle = (low + high) / 2
    return Fraction(floor(middle)) if floor(middle) > low else middle


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
