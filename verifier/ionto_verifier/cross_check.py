"""A second opinion: every question that was decided is put to another solver, in the words that z3 is given.

Also what intervals, relaxations and cases settled is asked: the negated obligation must have no solution.
Silence is never agreement: a solver that gives up, or is killed, is counted apart.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from enum import Enum
from typing import TypeAlias, assert_never

from ionto_ir.dataclass import dataclass
from ionto_verifier.decision import Decision, Proved, Refuted, Unknown
from ionto_verifier.nonlinear import grid_question, real_question
from ionto_verifier.obligation import Obligation
from ionto_verifier.report import Answered
from ionto_verifier.smt import script

EFFORT_UNUSED = 0
"""z3's work units, which a script for other solvers does not name."""


class Said(Enum):
    """What a solver says of a script."""

    UNSAT = "unsat"
    SAT = "sat"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Opinion:
    """What the second solver says, and why it does not say more."""

    said: Said
    reason: str = ""


Ask: TypeAlias = Callable[[str], Opinion]
"""An SMT-LIB script in, an opinion out."""

Progress: TypeAlias = Callable[[int, int], None]
"""How many questions are done, of how many."""


class Agreement(Enum):
    """How two decisions of one question go together."""

    AGREED = "agreed"
    UNKNOWN = "unknown"  # the second solver does not say
    OPEN = "open"  # the verifier itself left it undecided: there is nothing to agree with
    NOT_ASKED = "not asked"  # decided by trying values: there is no text that asks it
    CONTRADICTED = "contradicted"


@dataclass(frozen=True, slots=True)
class CrossCheck:
    """How the second solver, by name, sees each question, by the id of its obligation."""

    solver: str
    found: tuple[tuple[str, Agreement], ...]

    def count(self, agreement: Agreement) -> int:
        """How many questions came to this."""
        return sum(found is agreement for _, found in self.found)

    @property
    def contradicted(self) -> tuple[str, ...]:
        """The obligations over which the two disagree."""
        return tuple(name for name, found in self.found if found is Agreement.CONTRADICTED)


def cross_check(answers: Sequence[Answered], ask: Ask, progress: Progress) -> list[tuple[str, Agreement]]:
    """Put every question to the second solver, the same text once."""
    opinions: dict[str, Opinion] = {}

    def ask_once(text: str) -> Opinion:
        if text not in opinions:
            opinions[text] = ask(text)
        return opinions[text]

    found = []
    for number, item in enumerate(answers):
        progress(number, len(answers))
        asked = item.question.decided is None
        obligation = item.question.obligation
        agreed = agreement(obligation, item.decision, ask_once) if asked else Agreement.NOT_ASKED
        found.append((obligation.id, agreed))
    progress(len(answers), len(answers))
    return found


def agreement(obligation: Obligation, decision: Decision, ask: Ask) -> Agreement:
    """How the second solver's opinion goes with a decision."""
    match decision:
        case Proved():
            return _of_proof(obligation, ask)
        case Refuted():
            return _of_refutation(obligation, ask)
        case Unknown():
            return Agreement.OPEN
    assert_never(decision)


def real_script(obligation: Obligation) -> str:
    """The negated obligation over the reals."""
    return script(real_question(obligation, EFFORT_UNUSED))


def grid_script(obligation: Obligation) -> str:
    """The negated obligation over the grid."""
    return script(grid_question(obligation, EFFORT_UNUSED))


def _of_proof(obligation: Obligation, ask: Ask) -> Agreement:
    """No real point refutes; or, where one between grid values does, no point of the grid."""
    if ask(real_script(obligation)).said is Said.UNSAT:
        return Agreement.AGREED
    match ask(grid_script(obligation)).said:
        case Said.UNSAT:
            return Agreement.AGREED
        case Said.SAT:
            return Agreement.CONTRADICTED
        case Said.UNKNOWN:
            return Agreement.UNKNOWN


def _of_refutation(obligation: Obligation, ask: Ask) -> Agreement:
    """A point of the grid refutes. That there is none among the reals contradicts it as well."""
    match ask(grid_script(obligation)).said:
        case Said.SAT:
            return Agreement.AGREED
        case Said.UNSAT:
            return Agreement.CONTRADICTED
        case Said.UNKNOWN:
            real = ask(real_script(obligation)).said
            return Agreement.CONTRADICTED if real is Said.UNSAT else Agreement.UNKNOWN
