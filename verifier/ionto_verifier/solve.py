"""From an obligation to a decision: the stages in order, from the cheapest to the dearest.

Equal obligations are decided once. First come plain intervals, readable guesses and cases that intervals
close; then linear relaxations, solved exactly, and halves of the box closed by them. None of that loads the
solver. What is left is given to it: relaxations with disjunctions, then the whole question (see `deeper`).
Every witness was evaluated exactly on the grid; whatever is left is unknown, never proved.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeAlias

from ionto_ir.dataclass import dataclass, field
from ionto_verifier.between import with_grid_noted
from ionto_verifier.bounding import attack, close_by_rows, fits
from ionto_verifier.budget import BUDGET, Budget
from ionto_verifier.certificate import GOAL, Closed, Farkas, Known, is_contradictory, learn
from ionto_verifier.core import named, proved
from ionto_verifier.decision import Decision, Proved, Refuted, Stage
from ionto_verifier.ground import Ground, Grounds
from ionto_verifier.interval import contradiction, is_impossible, summands
from ionto_verifier.obligation import Atom, Formula, Obligation, negation
from ionto_verifier.splitting import Fuel, Search
from ionto_verifier.term import TermTooLargeError, degree, variables_of
from ionto_verifier.witness import first_guess, guess, readable, repaired

_Key: TypeAlias = tuple[int, Formula]


@dataclass(slots=True)
class _Problem:
    """One distinct obligation on its way through the stages."""

    obligation: Obligation
    ground: Ground
    known: Known = field(init=False)
    targets: tuple[str, ...] = field(init=False)
    decision: Decision | None = None

    def __post_init__(self) -> None:
        self.known = learn(self.ground.known, GOAL, negation(self.obligation.conclusion))
        self.targets = tuple(name for name in self.known.facts if name not in self.ground.known.facts)


def decide(obligation: Obligation, budget: Budget = BUDGET) -> Decision:
    """Decide one obligation."""
    return decide_all((obligation,), budget)[obligation.id]


def decide_all(
    obligations: Sequence[Obligation], budget: Budget = BUDGET, grounds: Grounds | None = None
) -> dict[str, Decision]:
    """Decide obligations, equal ones once; the decisions by id, in the given order. Ids must differ.

    `grounds` may know already what some of them have in common.
    """
    grounds = Grounds() if grounds is None else grounds
    decisions: dict[_Key, Decision] = {}
    open_problems: dict[_Key, _Problem] = {}
    keys: dict[str, _Key] = {}
    for obligation in obligations:
        assert obligation.id not in keys, f"two obligations are called {obligation.id}"
        ground = grounds.of(obligation)
        key = keys[obligation.id] = (ground.number, obligation.conclusion)
        if key in decisions or key in open_problems:
            continue
        quick = _at_a_glance(obligation, ground)
        if quick is not None:
            decisions[key] = quick
        else:
            open_problems[key] = _Problem(obligation, ground)
    _decide_open(list(open_problems.values()), budget)
    for key, problem in open_problems.items():
        assert problem.decision is not None, "every stage has had its turn"
        decisions[key] = problem.decision
    return {name: decisions[key] for name, key in keys.items()}


def _at_a_glance(obligation: Obligation, ground: Ground) -> Decision | None:
    """A polynomial bound that plain intervals settle, without any work of its own but the sum."""
    if ground.contradictory:
        return proved(obligation, ground.known, Closed(), Stage.INTERVAL)
    if not isinstance(obligation.conclusion, Atom):
        return None
    denied = negation(obligation.conclusion)
    assert isinstance(denied, Atom), "the negation of an atom is an atom"
    if not is_impossible(denied, ground.ranges):
        return None
    used = {GOAL}
    for monomial, number in denied.term.terms:
        used.update(ground.sources.of_range(monomial, number < 0) if monomial else ())
    core, _ = named(used, obligation)
    if degree(denied.term) == 1 and len(variables_of(denied.term)) == 1:
        # Such a fact moves the bound of its variable, and mostly leaves it without any value.
        known = learn(ground.known, GOAL, denied)
        if is_contradictory(known):
            return Proved(Stage.INTERVAL, Closed(), core)
    return Proved(Stage.INTERVAL, Farkas(tuple(summands(GOAL, denied.term))), core)


def _decide_open(problems: list[_Problem], budget: Budget) -> None:
    for problem in problems:
        problem.decision = _without_solver(problem, budget)
    groups: dict[int, list[_Problem]] = {}
    for problem in problems:
        if problem.decision is None:
            groups.setdefault(problem.ground.number, []).append(problem)
    if not groups:
        return
    # From here on the solver is needed; until here it was not even loaded.
    from ionto_verifier.deeper import Task, decide_with_solver

    for group in groups.values():
        tasks = [Task(item.obligation, item.known, item.targets) for item in group]
        for problem, decision in zip(group, decide_with_solver(tasks, budget), strict=True):
            problem.decision = decision


def _without_solver(problem: _Problem, budget: Budget) -> Decision | None:
    obligation, known, targets = problem.obligation, problem.known, problem.targets
    try:
        proof = contradiction(known, targets)
        if proof is not None:
            return proved(obligation, known, proof, Stage.INTERVAL)
        witness = first_guess(obligation, known)
        if witness is not None:
            return Refuted(Stage.INTERVAL, readable(obligation, witness))
        return _by_rows(problem) or _by_guesses(problem) or _by_cases(problem, budget)
    except TermTooLargeError:
        return None


def _by_rows(problem: _Problem) -> Decision | None:
    """Weigh facts and products against a polynomial goal, and look where they think that it fails."""
    obligation, known = problem.obligation, problem.known
    if GOAL not in known.facts:
        return None
    found = attack(known, GOAL)
    if not isinstance(found, dict):
        return proved(obligation, known, found, Stage.RELAXATION)
    likely = {item.name: found.get(item.name, known.box[item.name][0]) for item in obligation.variables}
    witness = repaired(obligation, likely)
    return None if witness is None else Refuted(Stage.RELAXATION, readable(obligation, witness))


def _by_guesses(problem: _Problem) -> Decision | None:
    witness = guess(problem.obligation, problem.known)
    return None if witness is None else Refuted(Stage.INTERVAL, readable(problem.obligation, witness))


def _by_cases(problem: _Problem, budget: Budget) -> Decision | None:
    obligation, known, targets = problem.obligation, problem.known, problem.targets
    proof = Search(contradiction, Fuel(budget.quick_cases), halves=False).refute(known, targets)
    if proof is not None:
        return proved(obligation, known, proof, Stage.INTERVAL)
    if not fits(known):
        return None
    proof = Search(close_by_rows, Fuel(budget.split_cases), halves=True).refute(known, targets)
    if proof is None:
        return None
    if isinstance(proof, Farkas):
        return proved(obligation, known, proof, Stage.RELAXATION)
    return with_grid_noted(proved(obligation, known, proof, Stage.SPLIT), obligation, budget.split_cases)
