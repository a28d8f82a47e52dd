"""What a proof rests on: the guards and declared bounds that its certificate really uses.

A range of a product may need only some of the bounds of its variables (I * T <= hi * hi needs no lower bound
of I once T is not negative): bounds are dropped one by one for as long as the step still holds.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TypeAlias, assert_never

from ionto_verifier.certificate import (
    GOAL,
    Closed,
    Corner,
    Cut,
    Fact,
    Farkas,
    Known,
    Proof,
    Split,
    bound_in,
    is_false,
    learn,
)
from ionto_verifier.decision import BoundUsed, CoreItem, GuardUsed, Proved, Stage
from ionto_verifier.obligation import Atom, Obligation, negation
from ionto_verifier.term import Monomial, Number, Polynomial, derivative, substitute, variables_of

End: TypeAlias = tuple[int, Number]
"""The number n as (0, n), or minus or plus infinity as (-1, 0) and (1, 0): they compare as they should."""

Ends: TypeAlias = tuple[End, End]
"""Least and greatest value, which may be infinite."""

Side: TypeAlias = tuple[str, bool]
"""A variable and whether its upper bound is meant."""


def proved(obligation: Obligation, known: Known, proof: Proof, stage: Stage) -> Proved:
    """The decision that a valid certificate stands for; `known` is the start of the refutation."""
    core, goal_used = core_of(proof, obligation, known)
    minimal = isinstance(proof, Farkas | Closed | Corner)
    return Proved(stage, proof, core, minimal, without_goal=not goal_used)


def core_of(proof: Proof, obligation: Obligation, known: Known) -> tuple[tuple[CoreItem, ...], bool]:
    """The guards and bounds that a valid proof uses, in declared order, and whether it used the conclusion.

    `known` is the start of the refutation, `certificate.assumed(obligation)`.
    """
    used: set[str] = set()
    _collect(proof, known, used)
    return named(used, obligation)


def named(used: Iterable[str], obligation: Obligation) -> tuple[tuple[CoreItem, ...], bool]:
    """Names of facts and bounds as core items, in declared order; and whether the conclusion is among
    them.
    """
    held = set(used)
    origins = {_origin(name, obligation) for name in held}
    items: list[CoreItem] = [GuardUsed(guard.name) for guard in obligation.guards if guard.name in origins]
    for variable in obligation.variables:
        items += [
            BoundUsed(variable.name, upper)
            for upper in (False, True)
            if bound_name((variable.name, upper)) in held
        ]
    return tuple(items), any(
        name == GOAL or name.startswith((GOAL + ".", GOAL + "/", GOAL + "|")) for name in held
    )


def bound_name(side: Side) -> str:
    """How a declared bound is called among the names of facts."""
    return f"bound:{side[0]}:{'hi' if side[1] else 'lo'}"


class Sources:
    """Where the bounds in force at one place of a proof come from; each question is answered once."""

    __slots__ = ("_bounds", "_known", "_ranges")

    def __init__(self, known: Known) -> None:
        self._known = known
        self._bounds: dict[Side, str] = {}
        self._ranges: dict[tuple[Monomial, bool], tuple[str, ...]] = {}

    def of_bound(self, side: Side) -> str:
        """The name of the fact that set this bound, or of the declared bound itself."""
        if side not in self._bounds:
            self._bounds[side] = self._found(side)
        return self._bounds[side]

    def of_range(self, monomial: Monomial, upper: bool) -> tuple[str, ...]:
        """What the greatest (upper) or least value of a monomial rests on."""
        if (monomial, upper) not in self._ranges:
            term = Polynomial(((monomial, 1),))
            end = 1 if upper else 0
            whole = _ends(term, self._known, frozenset())[end]
            self._ranges[monomial, upper] = self._needed(
                term, lambda dropped: _ends(term, self._known, dropped)[end] == whole
            )
        return self._ranges[monomial, upper]

    def of_sign(self, term: Polynomial, positive: bool) -> tuple[str, ...]:
        """What the polynomial's being >= 0 (positive) or <= 0 in the whole box rests on."""

        def holds(dropped: frozenset[Side]) -> bool:
            low, high = _ends(term, self._known, dropped)
            return low >= (0, 0) if positive else high <= (0, 0)

        return self._needed(term, holds)

    def _needed(self, term: Polynomial, holds: Callable[[frozenset[Side]], bool]) -> tuple[str, ...]:
        sides = [(name, upper) for name in sorted(variables_of(term)) for upper in (False, True)]
        dropped: frozenset[Side] = frozenset()
        for side in sides:
            if holds(dropped | {side}):
                dropped |= {side}
        return tuple(self.of_bound(side) for side in sides if side not in dropped)

    def _found(self, side: Side) -> str:
        name, upper = side
        declared = self._known.variables[name]
        value = self._known.box[name][1 if upper else 0]
        if value == (declared.highest if upper else declared.lo):
            return bound_name(side)
        for fact, atom in self._known.facts.items():
            if bound_in(atom, self._known.variables) == (name, upper, value):
                return fact
        raise AssertionError(f"the bound of {name} comes from nowhere")


def _collect(proof: Proof, known: Known, used: set[str]) -> None:
    sources = Sources(known)
    match proof:
        case Closed():
            used.update(_why_closed(known, sources))
        case Farkas(summands):
            for factor in (factor for summand in summands for factor in summand.factors):
                if isinstance(factor, Fact):
                    used.add(factor.name)
                else:
                    used.update(sources.of_range(factor.monomial, factor.upper))
        case Split(choice, branches):
            used.add(choice)
            for index, branch in enumerate(branches):
                _collect(branch, learn(known, f"{choice}/{index}", known.choices[choice].parts[index]), used)
        case Cut(name, lemma, without, having):
            _collect(without, learn(known, name, negation(lemma)), used)
            _collect(having, learn(known, name, lemma), used)
        case Corner(fact, moves, name, then):
            used.add(fact)
            term = known.facts[fact].term
            for variable, upper in moves:
                used.update(
                    (
                        sources.of_bound((variable, upper)),
                        *sources.of_sign(derivative(term, variable), not upper),
                    )
                )
                term = substitute(term, {variable: known.box[variable][1 if upper else 0]})
            _collect(then, learn(known, name, Atom(term, known.facts[fact].strict)), used)
        case _:
            assert_never(proof)


def _why_closed(known: Known, sources: Sources) -> tuple[str, ...]:
    for name, (low, high) in known.box.items():
        if low > high:
            return sources.of_bound((name, False)), sources.of_bound((name, True))
    false = [name for name, atom in known.facts.items() if is_false(atom)]
    empty = [name for name, choice in known.choices.items() if not choice.parts]
    return ((false + empty)[0],)


def _origin(name: str, obligation: Obligation) -> str | None:
    """The guard that a fact is part of; the longest name wins where one guard's name begins like
    another's.
    """
    if not name.startswith("guard:"):
        return None
    rest = name.removeprefix("guard:")
    fitting = [
        guard.name
        for guard in obligation.guards
        if rest == guard.name or rest.startswith(tuple(guard.name + mark for mark in "./|"))
    ]
    return max(fitting, key=len, default=None)


def _ends(term: Polynomial, known: Known, dropped: frozenset[Side]) -> Ends:
    """Bounds of a polynomial (times its denominator) with some bounds of variables taken away."""
    low: End = (0, 0)
    high: End = (0, 0)
    for monomial, number in term.terms:
        ends: Ends = ((0, number), (0, number))
        for name, power in monomial:
            box = known.box[name]
            start: End = (-1, 0) if (name, False) in dropped else (0, box[0])
            end: End = (1, 0) if (name, True) in dropped else (0, box[1])
            ends = _times(ends, _raised((start, end), power))
        low, high = _plus(low, ends[0]), _plus(high, ends[1])
    return low, high


def _raised(ends: Ends, power: int) -> Ends:
    low, high = _power(ends[0], power), _power(ends[1], power)
    if power % 2 == 0 and ends[0] < (0, 0) < ends[1]:
        return (0, 0), max(low, high)
    return min(low, high), max(low, high)


def _power(end: End, power: int) -> End:
    if end[0] == 0:
        return 0, end[1] ** power
    return (1 if power % 2 == 0 else end[0]), 0


def _times(left: Ends, right: Ends) -> Ends:
    products = [_product(first, second) for first in left for second in right]
    return min(products), max(products)


def _product(left: End, right: End) -> End:
    if left[0] == 0 and right[0] == 0:
        return 0, left[1] * right[1]
    return _sign(left) * _sign(right), 0


def _sign(end: End) -> int:
    return end[0] or (end[1] > 0) - (end[1] < 0)


def _plus(left: End, right: End) -> End:
    """The sum; lower ends never meet plus infinity here, nor upper ends minus infinity."""
    if left[0] == 0 and right[0] == 0:
        return 0, left[1] + right[1]
    return left[0] or right[0], 0
