"""The third stage: the whole question to the solver, over the reals for proofs, over the grid for points.

Over the reals every variable may lie between its grid values, which is sound for proofs; answers stay 0 or
1. Two methods are tried there: z3's general core, which names what it used, and its method for conjunctions
of polynomials, which does not but decides other questions.
"""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction
from typing import TypeAlias

from ionto_ir.dataclass import dataclass
from ionto_verifier.certificate import GOAL
from ionto_verifier.core import bound_name
from ionto_verifier.obligation import Obligation, Variable, negation
from ionto_verifier.smt import Answer, Question, Satisfiable, Unsatisfiable, Value, ask
from ionto_verifier.smtlib import Symbol, formula_text, integer_text, product_of


@dataclass(frozen=True, slots=True)
class Point:
    """A point that the solver believes to refute; it may be cut off or lie between grid values."""

    values: Mapping[str, Fraction]


@dataclass(frozen=True, slots=True)
class NoPoint:
    """The solver is sure that there is none; `used` names the facts and bounds of its core."""

    used: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class NoIdea:
    """The solver gave up."""

    reason: str


Found: TypeAlias = Point | NoPoint | NoIdea


def among_reals(obligation: Obligation, effort_max: int) -> Found:
    """Look for a refuting point with every variable real, answers 0 or 1."""
    text = _Text(obligation, whole=False)
    found = text.found(ask(text.question(effort_max, ""), text.wanted))
    if isinstance(found, NoIdea):
        return text.found(ask(text.question(effort_max, "QF_NRA"), text.wanted))
    return found


def on_grid(obligation: Obligation, effort_max: int) -> Found:
    """Look for a refuting point with every variable on its grid."""
    text = _Text(obligation, whole=True)
    return text.found(ask(text.question(effort_max, ""), text.wanted))


def real_question(obligation: Obligation, effort_max: int) -> Question:
    """The negated obligation over the reals, as `among_reals` asks it."""
    return _Text(obligation, whole=False).question(effort_max, "")


def grid_question(obligation: Obligation, effort_max: int) -> Question:
    """The negated obligation over the grid, as `on_grid` asks it."""
    return _Text(obligation, whole=True).question(effort_max, "")


class _Text:
    """One obligation as a question: solver names for variables, and what each label stands for."""

    def __init__(self, obligation: Obligation, whole: bool) -> None:
        self._obligation = obligation
        self._symbols = {item.name: f"x{index}" for index, item in enumerate(obligation.variables)}
        self._sorts: dict[str, str] = {}
        self._formulas: dict[str, str] = {}
        self._meaning: dict[str, str] = {}
        for item in obligation.variables:
            self._declare(item, whole)
        symbol: Symbol = product_of(self._symbols)
        for guard in obligation.guards:
            self._assume(f"guard:{guard.name}", formula_text(guard.formula, symbol))
        self._assume(GOAL, formula_text(negation(obligation.conclusion), symbol))

    @property
    def wanted(self) -> tuple[str, ...]:
        """The constants whose values make a point."""
        return tuple(self._symbols.values())

    def question(self, effort_max: int, logic: str) -> Question:
        """The question for one of z3's methods."""
        return Question(self._sorts, self._formulas, effort_max, logic)

    def found(self, answer: Answer) -> Found:
        """The solver's answer in the obligation's own names."""
        match answer:
            case Satisfiable(values):
                return self._point(values)
            case Unsatisfiable(core):
                used = tuple(self._meaning[label] for label in core if label in self._meaning)
                return NoPoint(used) if used else NoIdea("the solver named nothing that its proof rests on")
            case _:
                return NoIdea(answer.reason)

    def _point(self, values: Mapping[str, Value]) -> Found:
        names = {symbol: name for name, symbol in self._symbols.items()}
        if not names.keys() <= values.keys():
            return NoIdea("the solver found a point but could not print it")
        return Point({name: values[symbol].number for symbol, name in names.items()})

    def _declare(self, item: Variable, whole: bool) -> None:
        symbol = self._symbols[item.name]
        step = item.grid_step
        self._sorts[symbol] = "Int" if whole and step is not None else "Real"
        self._assume(bound_name((item.name, False)), f"(>= {symbol} {integer_text(item.lo)})")
        self._assume(bound_name((item.name, True)), f"(<= {symbol} {integer_text(item.highest)})")
        if item.is_answer and not whole:
            self._assume("", f"(or (= {symbol} 0) (= {symbol} 1))")
        if whole and step is not None and step > 1:
            count = f"k{symbol}"
            self._sorts[count] = "Int"
            place = f"(= {symbol} (+ {integer_text(item.lo)} (* {step} {count})))"
            self._assume("", place)

    def _assume(self, meaning: str, formula: str) -> None:
        label = f"c{len(self._formulas)}"
        self._formulas[label] = formula
        if meaning:
            self._meaning[label] = meaning
