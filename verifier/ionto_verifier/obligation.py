"""What is to be proved: variables with bounds, guards that may be assumed, and a conclusion that must then
hold.

Formulas are kept in negation normal form by construction (an atom, a conjunction or a disjunction),
because the negation of `p <= 0` is the atom `-p < 0`. A yes/no answer is a variable with the values 0 and
1, so that a conditional step is written `b * charge` and every question is one about polynomials.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from fractions import Fraction
from typing import TypeAlias, assert_never

from ionto_ir.dataclass import dataclass, field
from ionto_verifier.term import (
    Number,
    Polynomial,
    constant,
    evaluate,
    plain,
    primitive,
    scaled_value,
    variables_of,
)
from ionto_verifier.term import variable as variable_term

Witness: TypeAlias = Mapping[str, Fraction]
"""One exact value for each variable of an obligation."""


@dataclass(frozen=True, slots=True)
class Variable:
    """A named value between `lo` and `hi`, both included, in the base unit of its dimension.

    `step` puts it on the grid lo, lo + step, ...: proofs may treat it as a real number, counterexamples
    may not. `integer` with no step is the grid of step 1. With neither, every real value is possible.
    `default` is the author's usual value, tried first when a readable counterexample is sought.
    """

    name: str
    lo: int
    hi: int
    step: int | None = None
    integer: bool = False
    default: int | None = None

    def __post_init__(self) -> None:
        assert self.name, "a variable has a name"
        assert self.step is None or self.step > 0, "a step is positive"

    @property
    def grid_step(self) -> int | None:
        """The distance of neighbouring values, or None for a continuous variable."""
        return self.step if self.step is not None else (1 if self.integer else None)

    @property
    def highest(self) -> int:
        """The greatest value on the grid that does not pass `hi`."""
        step = self.grid_step
        return self.hi if step is None else self.lo + (self.hi - self.lo) // step * step

    @property
    def is_answer(self) -> bool:
        """Whether the only values are 0 and 1."""
        return self.grid_step == 1 and self.lo == 0 and self.hi == 1

    def admits(self, value: Number) -> bool:
        """Whether the value is within the bounds and on the grid."""
        if not self.lo <= value <= self.hi:
            return False
        step = self.grid_step
        return step is None or (value - self.lo) % step == 0


def answer(name: str) -> Variable:
    """The variable of a yes/no answer or of a condition: 1 is yes."""
    return Variable(name, 0, 1, integer=True)


@dataclass(frozen=True, slots=True)
class Atom:
    """`term <= 0`, or `term < 0` when strict; the term is divided by its content."""

    term: Polynomial
    strict: bool = False


@dataclass(frozen=True, slots=True)
class And:
    """All parts hold; without parts, true."""

    parts: tuple[Formula, ...]


@dataclass(frozen=True, slots=True)
class Or:
    """At least one part holds; without parts, false."""

    parts: tuple[Formula, ...]


Formula: TypeAlias = Atom | And | Or

TRUE: Formula = And(())
FALSE: Formula = Or(())


def at_most(left: Polynomial | Number, right: Polynomial | Number = 0) -> Formula:
    """left <= right"""
    return _atom(_difference(left, right), strict=False)


def less(left: Polynomial | Number, right: Polynomial | Number = 0) -> Formula:
    """left < right"""
    return _atom(_difference(left, right), strict=True)


def at_least(left: Polynomial | Number, right: Polynomial | Number = 0) -> Formula:
    """left >= right"""
    return at_most(right, left)


def greater(left: Polynomial | Number, right: Polynomial | Number = 0) -> Formula:
    """left > right"""
    return less(right, left)


def equal(left: Polynomial | Number, right: Polynomial | Number = 0) -> Formula:
    """left = right"""
    return conjunction((at_most(left, right), at_least(left, right)))


def yes(name: str) -> Formula:
    """The answer `name` is 1."""
    return at_least(variable_term(name), 1)


def no(name: str) -> Formula:
    """The answer `name` is 0."""
    return at_most(variable_term(name), 0)


def conjunction(parts: Iterable[Formula]) -> Formula:
    """All parts, flattened, without repetition; false as soon as one part is false."""
    held: dict[Formula, None] = {}
    for part in parts:
        if isinstance(part, And):
            held.update(dict.fromkeys(part.parts))
        else:
            held[part] = None
    if FALSE in held:
        return FALSE
    return next(iter(held)) if len(held) == 1 else And(tuple(held))


def disjunction(parts: Iterable[Formula]) -> Formula:
    """Some part, flattened, without repetition; true as soon as one part is true."""
    held: dict[Formula, None] = {}
    for part in parts:
        if isinstance(part, Or):
            held.update(dict.fromkeys(part.parts))
        else:
            held[part] = None
    if TRUE in held:
        return TRUE
    return next(iter(held)) if len(held) == 1 else Or(tuple(held))


def negation(formula: Formula) -> Formula:
    """The formula that holds exactly where the given one does not."""
    match formula:
        case Atom(term, strict):
            return Atom(-term, not strict)
        case And(parts):
            return disjunction(negation(part) for part in parts)
        case Or(parts):
            return conjunction(negation(part) for part in parts)
    assert_never(formula)


def implies(condition: Formula, consequence: Formula) -> Formula:
    """If the condition holds, the consequence does."""
    return disjunction((negation(condition), consequence))


def holds(formula: Formula, values: Mapping[str, Number]) -> bool:
    """Whether the formula is true at a point, decided by exact arithmetic."""
    match formula:
        case Atom(term, strict):
            value = scaled_value(term, values)
            return value < 0 if strict else value <= 0
        case And(parts):
            return all(holds(part, values) for part in parts)
        case Or(parts):
            return any(holds(part, values) for part in parts)
    assert_never(formula)


def formula_variables(formula: Formula) -> frozenset[str]:
    """The names that occur in the formula."""
    match formula:
        case Atom(term, _):
            return variables_of(term)
        case And(parts) | Or(parts):
            return frozenset().union(*(formula_variables(part) for part in parts))
    assert_never(formula)


@dataclass(frozen=True, slots=True)
class Guard:
    """Something that may be assumed, with the name under which a core reports it (unique in its obligation).

    `label` belongs to whoever built the guard (a source span, a limit) and is never looked at here.
    """

    name: str
    formula: Formula
    label: object = field(default=None, compare=False)


@dataclass(frozen=True, slots=True)
class Obligation:
    """Within the variables' bounds and grids, wherever all guards hold, the conclusion holds.

    `labels` and `description` belong to whoever built it and are carried along untouched.
    """

    id: str
    property: str
    variables: tuple[Variable, ...]
    guards: tuple[Guard, ...]
    conclusion: Formula
    labels: tuple[object, ...] = field(default=(), compare=False)
    description: str = field(default="", compare=False)

    def __post_init__(self) -> None:
        names = {item.name for item in self.variables}
        guard_names = {item.name for item in self.guards}
        assert len(names) == len(self.variables), f"{self.id}: two variables share a name"
        assert len(guard_names) == len(self.guards), f"{self.id}: two guards share a name"
        assert formula_variables(self.conclusion) <= names, f"{self.id}: unknown variable in the conclusion"


def never_above_zero(
    name: str,
    about: str,
    variables: tuple[Variable, ...],
    guards: tuple[Guard, ...],
    goal: Polynomial,
    labels: tuple[object, ...] = (),
    description: str = "",
) -> Obligation:
    """The obligation with id `name` that the polynomial `goal` is <= 0 wherever the guards hold."""
    return Obligation(name, about, variables, guards, at_most(goal), labels, description)


def never_happens(
    name: str, about: str, variables: tuple[Variable, ...], guards: tuple[Guard, ...], description: str = ""
) -> Obligation:
    """The obligation with id `name` that the guards never hold together.

    It is also the question of reachability: `Refuted` brings a point where all guards hold, `Proved` says
    that there is none.
    """
    return Obligation(name, about, variables, guards, FALSE, (), description)


def is_witness(obligation: Obligation, values: Mapping[str, Number]) -> bool:
    """Whether the point refutes: inside all domains, all guards true, conclusion false. Exact."""
    inside = all(item.name in values and item.admits(values[item.name]) for item in obligation.variables)
    if not inside:
        return False
    point = {name: plain(value) for name, value in values.items()}
    return not holds(obligation.conclusion, point) and all(
        holds(guard.formula, point) for guard in obligation.guards
    )


def _difference(left: Polynomial | Number, right: Polynomial | Number) -> Polynomial:
    first = left if isinstance(left, Polynomial) else constant(left)
    second = right if isinstance(right, Polynomial) else constant(right)
    return first - second


def _atom(term: Polynomial, strict: bool) -> Formula:
    if not variables_of(term):
        value = evaluate(term, {})
        return TRUE if (value < 0 if strict else value <= 0) else FALSE
    return Atom(primitive(term), strict)
