"""How hard the verifier tries, in units that do not depend on the machine or its load."""

from __future__ import annotations

from ionto_ir.dataclass import dataclass


@dataclass(frozen=True, slots=True)
class Budget:
    """Limits of one decision: z3's work units for each question, and numbers of case distinctions.

    The cases of `quick_cases` are closed by intervals alone, those of `relaxed_cases` by linear relaxations.
    """

    relaxation_effort: int = 5_000_000
    solver_effort: int = 3_000_000
    quick_cases: int = 64
    relaxed_cases: int = 48


BUDGET = Budget()
"""Enough for every shipped protocol, with room; a question that needs more takes seconds and is refused."""
