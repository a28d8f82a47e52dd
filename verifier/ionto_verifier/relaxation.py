"""Linear relaxations: every monomial becomes a fresh unknown, and what is known about products is added.

Level 0 knows the range of each monomial and the facts; level 1 adds products of ranges that share a monomial
(McCormick's inequalities and their relatives) and facts multiplied by what they lack to reach a monomial.
A contradiction in the relaxation is one in truth, and its minimal core turns into exact multipliers; a
solution of the relaxation says nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeAlias

from ionto_ir.dataclass import dataclass
from ionto_verifier.certificate import Closed, Farkas, Known, Summand, is_contradictory
from ionto_verifier.farkas import multipliers
from ionto_verifier.linearise import Constraint, constraints
from ionto_verifier.obligation import disjunction, no, yes
from ionto_verifier.smt import Dialogue, Question, Unsatisfiable
from ionto_verifier.smtlib import formula_text, polynomial_text
from ionto_verifier.splitting import Undivided
from ionto_verifier.term import Monomial

Relaxed: TypeAlias = Closed | Farkas | Undivided | None
"""None: no contradiction found, which says nothing about the obligation."""


@dataclass(frozen=True, slots=True)
class _Choice:
    """Stands for a disjunction that is known under this name."""

    name: str


@dataclass(frozen=True, slots=True)
class _Answer:
    """Stands for the knowledge that this variable is 0 or 1."""

    name: str


_Meaning: TypeAlias = Constraint | _Choice | _Answer


def refute_relaxed(knowns: Sequence[Known], level: int, effort_max: int) -> list[Relaxed]:
    """For each state of knowledge, the contradiction in its relaxation, all read by the solver at once.

    The states should share most of their facts (one protocol, many goals). Raises TermTooLargeError.
    """
    text = _Text({}, {})
    meanings = [text.add(known, level) for known in knowns]
    dialogue = Dialogue(text.question(effort_max))
    return [
        Closed() if is_contradictory(known) else _contradiction(dialogue, own)
        for known, own in zip(knowns, meanings, strict=True)
    ]


@dataclass(frozen=True, slots=True)
class _Text:
    """The union of the relaxations of several states: unknowns by monomial, labels by formula."""

    symbols: dict[Monomial, str]
    labels: dict[str, str]

    def add(self, known: Known, level: int) -> dict[str, _Meaning]:
        """The labels to assume for one state, each with what it stands for there."""
        meanings: dict[str, _Meaning] = {}
        for constraint in constraints(known, level):
            text = polynomial_text(constraint.term, self._symbol)
            label = self._label(f"({'>' if constraint.positive else '>='} {text} 0)")
            meanings.setdefault(label, constraint)
        for name, choice in known.choices.items():
            meanings.setdefault(self._label(formula_text(choice, self._symbol)), _Choice(name))
        for name, variable in known.variables.items():
            low, high = known.box[name]
            if variable.is_answer and low < high and ((name, 1),) in self.symbols:
                whole = disjunction((no(name), yes(name)))
                meanings.setdefault(self._label(formula_text(whole, self._symbol)), _Answer(name))
        return meanings

    def question(self, effort_max: int) -> Question:
        """Everything that was added, as one question over the reals."""
        sorts = dict.fromkeys(self.symbols.values(), "Real")
        assumptions = {label: formula for formula, label in self.labels.items()}
        return Question(sorts, assumptions, effort_max, "QF_LRA", minimal=True)

    def _symbol(self, monomial: Monomial) -> str:
        return self.symbols.setdefault(monomial, f"w{len(self.symbols)}")

    def _label(self, formula: str) -> str:
        return self.labels.setdefault(formula, f"c{len(self.labels)}")


def _contradiction(dialogue: Dialogue, meanings: dict[str, _Meaning]) -> Relaxed:
    answer = dialogue.ask(tuple(meanings))
    if not isinstance(answer, Unsatisfiable):
        return None
    found = _explained([meanings[label] for label in answer.core])
    if found is not None:
        return found
    # The solver's core was not minimal: drop what can be dropped, one by one.
    core = answer.core
    for label in answer.core:
        smaller = tuple(other for other in core if other != label)
        reply = dialogue.ask(smaller) if smaller else None
        if isinstance(reply, Unsatisfiable):
            core = reply.core
    return _explained([meanings[label] for label in core])


def _explained(core: list[_Meaning]) -> Relaxed:
    choices = tuple(item.name for item in core if isinstance(item, _Choice))
    answers = tuple(item.name for item in core if isinstance(item, _Answer))
    held = [item for item in core if isinstance(item, Constraint)]
    if choices or answers:
        return Undivided(choices, answers, tuple(item.factors for item in held))
    weights = multipliers([item.term for item in held], [item.positive for item in held])
    if weights is None:
        return None
    pairs = zip(weights, held, strict=True)
    return Farkas(tuple(Summand(weight, constraint.factors) for weight, constraint in pairs))
