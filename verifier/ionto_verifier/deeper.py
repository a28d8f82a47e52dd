"""The stages that need the solver: linear relaxations, the whole question, and cases closed by relaxations.

Certificates found here were made from a solver's answers, so each is checked before it is believed.
"""

from __future__ import annotations

from collections.abc import Sequence

from ionto_ir.dataclass import dataclass, replace
from ionto_verifier.between import smooth, with_grid_noted
from ionto_verifier.bounding import close_by_rows, fits
from ionto_verifier.budget import Budget
from ionto_verifier.certificate import GOAL, Fact, Known, Proof, check
from ionto_verifier.core import Sources, named, proved
from ionto_verifier.decision import Decision, Proved, Refuted, Stage, Unknown
from ionto_verifier.nonlinear import NoIdea, NoPoint, Point, among_reals, on_grid
from ionto_verifier.obligation import Obligation, Witness, is_witness
from ionto_verifier.relaxation import refute_relaxed
from ionto_verifier.splitting import Fuel, Search, Undivided
from ionto_verifier.term import TermTooLargeError
from ionto_verifier.witness import readable, repaired

LEVELS = (0, 1)

CERTIFYING_FACTOR = 3
"""How many times more cases are worth trying once the solver is sure that there is a proof."""


@dataclass(frozen=True, slots=True)
class Task:
    """An obligation that intervals left open, what its refutation may assume, and the facts to attack."""

    obligation: Obligation
    known: Known
    targets: tuple[str, ...]


def decide_with_solver(tasks: Sequence[Task], budget: Budget) -> list[Decision]:
    """Decide tasks that share their variables and guards; the relaxations of all are read at once."""
    decisions: list[Decision | None] = [None] * len(tasks)
    for level in LEVELS:
        # Relaxations that the exact method could take in were already tried by it.
        waiting = [
            index for index, task in enumerate(tasks) if decisions[index] is None and not fits(task.known)
        ]
        if waiting:
            found = _relaxed([tasks[index] for index in waiting], level, budget)
            for index, decision in zip(waiting, found, strict=True):
                decisions[index] = decision
    return [
        _on_the_whole(task, budget) if decision is None else decision
        for task, decision in zip(tasks, decisions, strict=True)
    ]


def _relaxed(tasks: list[Task], level: int, budget: Budget) -> list[Decision | None]:
    try:
        answers = refute_relaxed([task.known for task in tasks], level, budget.relaxation_effort)
    except TermTooLargeError:
        return [None] * len(tasks)
    decisions: list[Decision | None] = []
    for task, answer in zip(tasks, answers, strict=True):
        if isinstance(answer, Undivided):
            decisions.append(_divided(task, answer, budget))
        elif answer is None or not check(answer, task.obligation):
            decisions.append(None)
        else:
            decisions.append(proved(task.obligation, task.known, answer, Stage.RELAXATION))
    return decisions


def _divided(task: Task, answer: Undivided, budget: Budget) -> Proved:
    """The relaxation has no solution, but only by cases: spell them out where that is affordable."""
    proof = _by_cases(task, budget, budget.relaxed_cases, halves=False)
    if proof is not None:
        return proved(task.obligation, task.known, proof, Stage.RELAXATION)
    used = set(answer.choices)
    sources = Sources(task.known)
    for factor in (factor for product in answer.products for factor in product):
        used.update(
            (factor.name,) if isinstance(factor, Fact) else sources.of_range(factor.monomial, factor.upper)
        )
    core, goal_used = named(used, task.obligation)
    return Proved(Stage.RELAXATION, None, core, core_is_minimal=False, without_goal=not goal_used)


def _by_cases(task: Task, budget: Budget, cases: int, halves: bool) -> Proof | None:
    def close(known: Known, targets: tuple[str, ...]) -> Proof | Undivided | None:
        proof = close_by_rows(known, targets)
        if proof is not None or not known.choices:
            return proof
        for level in LEVELS:
            found = refute_relaxed([known], level, budget.relaxation_effort)[0]
            if found is not None:
                return found
        return None

    try:
        found = Search(close, Fuel(cases), halves).refute(task.known, task.targets)
    except TermTooLargeError:
        return None
    return found if found is not None and check(found, task.obligation) else None


def _on_the_whole(task: Task, budget: Budget) -> Decision:
    found = among_reals(task.obligation, budget.solver_effort)
    match found:
        case Point(values):
            witness = repaired(task.obligation, values)
            if witness is not None:
                return Refuted(Stage.SOLVER, readable(task.obligation, witness))
            between = _between(task.obligation, values)
            decision = _on_the_grid(
                task, budget, "it fails off the grid, and the grid itself was not settled"
            )
            if isinstance(decision, Refuted):
                return decision
            return replace(decision, unsafe_between=decision.unsafe_between or between)
        case NoPoint(used):
            return _certified(task, used, budget)
        case NoIdea(reason):
            return _on_the_grid(task, budget, reason)


def _on_the_grid(task: Task, budget: Budget, reason: str) -> Decision:
    """What is left when the real numbers did not settle it: the grid itself, by the solver and by cases."""
    found = on_grid(task.obligation, budget.solver_effort)
    if isinstance(found, Point):
        witness = repaired(task.obligation, found.values)
        if witness is not None:
            return Refuted(Stage.SOLVER, readable(task.obligation, witness))
    if isinstance(found, NoPoint):
        decision = _certified(task, found.used, budget)
        if decision.certificate is None:
            return replace(decision, grid_only=smooth(task.obligation) is not None)
        return decision
    proof = _by_cases(task, budget, budget.relaxed_cases, halves=True)
    if proof is not None:
        return _split(task, proof, budget)
    return Unknown(f"intervals, linear relaxations, the solver and cases did not settle it: {reason}")


def _certified(task: Task, used: tuple[str, ...], budget: Budget) -> Proved:
    """What the solver proved: by cases and from its core alone if that succeeds, else on its word."""
    few = replace(task, known=_only(task.known, used))
    proof = _by_cases(few, budget, CERTIFYING_FACTOR * budget.relaxed_cases, halves=True)
    if proof is not None:
        return _split(task, proof, budget)
    core, goal_used = named(used, task.obligation)
    return Proved(Stage.SOLVER, None, core, core_is_minimal=False, without_goal=not goal_used)


def _split(task: Task, proof: Proof, budget: Budget) -> Proved:
    found = proved(task.obligation, task.known, proof, Stage.SPLIT)
    return with_grid_noted(found, task.obligation, budget.split_cases)


def _only(known: Known, used: tuple[str, ...]) -> Known:
    """What is known without the facts and disjunctions that a core does not name; all bounds stay."""
    marks = tuple(name + mark for name in used for mark in "./")

    def named_there(name: str) -> bool:
        return name in used or name.startswith((GOAL, *marks))

    facts = {name: atom for name, atom in known.facts.items() if named_there(name)}
    choices = {name: choice for name, choice in known.choices.items() if named_there(name)}
    return replace(known, facts=facts, choices=choices)


def _between(obligation: Obligation, values: Witness) -> Witness | None:
    """The point itself, if it refutes exactly once the grids are forgotten."""
    wider = smooth(obligation)
    return values if wider is not None and is_witness(wider, values) else None
