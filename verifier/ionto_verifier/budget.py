"""How hard the verifier tries, in units that do not depend on the machine or its load."""

from __future__ import annotations

from ionto_ir.dataclass import dataclass


@dataclass(frozen=True, slots=True)
class Budget:
    """Limits of one decision: z3's work units for each question, and numbers of case distinctions.

    The cases of `quick_cases` are closed by intervals alone; those of `split_cases` by linear relaxations,
    before the solver is asked; those of `relaxed_cases` likewise, after it was.
    """

    relaxation_effort: int = 5_000_000
    solver_effort: int = 3_000_000
    quick_cases: int = 64
    split_cases: int = 12
    relaxed_cases: int = 24


BUDGET = Budget()
"""Enough for every shipped protocol, with room; a question that needs more takes seconds and is refused."""
