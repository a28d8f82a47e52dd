"""Where ways meet: two states of the symbolic run become one that speaks of both."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction

from ionto_ir.dataclass import replace
from ionto_verifier.environment import Environment, Origin
from ionto_verifier.ledger import Ledger
from ionto_verifier.ledger import joined as joined_ledgers
from ionto_verifier.obligation import TRUE, Formula, Guard, at_least, at_most, conjunction, implies, negation
from ionto_verifier.state import NONE, Renaming, State
from ionto_verifier.term import Polynomial

YES, NO = "yes", "no"


def branch_guard(step: int, holds: bool, formula: Formula, origin: Origin) -> Guard:
    """What is known on one side of the branch at `step`."""
    return Guard(f"branch:{step}:{YES if holds else NO}", formula, origin)


def join(states: Sequence[State], place: str, environment: Environment) -> State:
    """The state at a place that stands for all the states in which it is reached.

    `place` names the step and the round that it belongs to: what way is taken here says nothing about the way
    at another place, or in another round. The two whose ways parted last are joined first, so that nested
    choices close in the order in which they opened.
    """
    left = list(states)
    while len(left) > 1:
        pairs = [(i, k) for i in range(len(left)) for k in range(i + 1, len(left))]
        first, second = max(pairs, key=lambda pair: len(_shared(left[pair[0]], left[pair[1]])))
        other, one = left.pop(second), left.pop(first)
        # Of three that come together two are joined first, and that is another choice than the second one.
        meeting = place if len(left) == 0 else f"{place} of {len(left) + 2}"
        left.append(_joined(one, other, meeting, environment))
    return left[0]


def _shared(one: State, other: State) -> tuple[Guard, ...]:
    count = 0
    for mine, theirs in zip(one.path, other.path, strict=False):
        if mine != theirs:
            break
        count += 1
    return one.path[:count]


def _joined(one: State, other: State, place: str, environment: Environment) -> State:
    common = _shared(one, other)
    mine, theirs = one.path[len(common) :], other.path[len(common) :]
    chosen, first, second = _parting(mine, theirs, place, environment)
    path = [*common]
    for name, condition, rest in (("one", first, mine), ("other", second, theirs)):
        extra = conjunction(guard.formula for guard in rest if guard.formula != condition)
        if extra != TRUE:
            path.append(Guard(f"joined:{place}:{len(path)}:{name}", implies(condition, extra), None))
    pending = one.pending if one.pending == other.pending else NONE
    ledgers = [state.ledger if state.pending == pending else overflowing(state) for state in (one, other)]
    return State(
        tuple(path),
        tuple(dict.fromkeys((*one.levels, *other.levels))),
        one.signs | other.signs,
        one.flips | other.flips,
        one.waveforms | other.waveforms,
        _records(one, other, place, environment),
        joined_ledgers(chosen, ledgers[0], ledgers[1], environment),
        pending,
    )


def either(one: State, other: State) -> State:
    """`one` where the current may also be as the other leaves it."""
    return replace(
        one,
        levels=tuple(dict.fromkeys((*one.levels, *other.levels))),
        signs=one.signs | other.signs,
        flips=one.flips | other.flips,
        waveforms=one.waveforms | other.waveforms,
    )


def overflowing(state: State) -> Ledger:
    """The ledger with what a pause may have emitted beyond a charge counted in full."""
    overflow = state.pending.overflow_pc
    ledger = state.ledger
    return ledger if overflow is None else replace(ledger, nominal_pc=ledger.nominal_pc + overflow)


def _parting(
    mine: tuple[Guard, ...], theirs: tuple[Guard, ...], place: str, environment: Environment
) -> tuple[Polynomial, Formula, Formula]:
    """A 0/1 variable that tells two ways apart, and what holds on each: the branch that parted them, if one
    did; else nobody knows which it was.
    """
    if mine and theirs and mine[0].formula == negation(theirs[0].formula):
        chosen = environment.indicator(mine[0].formula, f"way at {place}")
        return chosen, mine[0].formula, theirs[0].formula
    bounds = Fraction(0), Fraction(1)
    key = ("way", place, mine, theirs)
    chosen = environment.fresh(key, f"way at {place}", bounds, lambda _: (), integer=True)
    return chosen, at_least(chosen, 1), at_most(chosen, 0)


def _records(one: State, other: State, place: str, environment: Environment) -> Renaming:
    """A value that was recorded differently on the two ways is any value of its domain afterwards."""
    mine, theirs = dict(one.records), dict(other.records)
    found = {}
    for name in sorted(mine.keys() | theirs.keys()):
        same = mine.get(name) == theirs.get(name)
        found[name] = mine[name] if same else environment.copy(name, f"{place} joined", lambda: ())
    return tuple(found.items())
