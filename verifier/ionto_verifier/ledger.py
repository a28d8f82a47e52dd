"""What a session has added up to when it reaches a place: charge, time with the output on, time, and what
pauses cost.

All are upper bounds over everything that the protocol admits before that place. A pause is counted apart:
what one pause in a step adds is remembered once per step, and the worst of them counts as often as a
session may be paused.
"""

from __future__ import annotations

from collections.abc import Iterable

from ionto_ir.dataclass import dataclass, replace
from ionto_verifier.environment import Environment
from ionto_verifier.term import ZERO, Polynomial

PAUSES_APART_MAX = 8
"""Pause costs that no interval tells apart; beyond this one fresh variable stands for the largest of them."""

ASKED_APART_MAX = 3
"""Pause costs about which separate questions are asked; a question about one is the easier one."""


@dataclass(frozen=True, slots=True)
class PauseCost:
    """What one pause during a step adds, beyond the step itself."""

    nominal_pc: Polynomial
    on_ms: Polynomial
    elapsed_ms: Polynomial
    step: int


@dataclass(frozen=True, slots=True)
class Ledger:
    """nominal_pc: charge of the set values, pauses apart. least_pc: a lower bound of it.

    on_ms: time with the output on. sure_ms: a lower bound of the time that the steps so far took. elapsed_ms:
    time since the first energised step began, without the time that people take. `pauses` holds what a pause
    may have cost so far, `humans` the steps at which a person was waited for since then; `started` says
    whether anything may have been energised. `absorbed` counts the totals that made up for what pauses had
    cost. `asked_ms` is the part of `elapsed_ms` in which people were waited for with a bound.
    """

    nominal_pc: Polynomial = ZERO
    least_pc: Polynomial = ZERO
    on_ms: Polynomial = ZERO
    elapsed_ms: Polynomial = ZERO
    pauses: tuple[PauseCost, ...] = ()
    humans: tuple[int, ...] = ()
    started: bool = False
    absorbed: int = 0
    sure_ms: Polynomial = ZERO
    asked_ms: Polynomial = ZERO

    def plus(self, other: Ledger, times: Polynomial) -> Ledger:
        """This ledger and then `times` rounds of another one, which began from nothing."""
        return Ledger(
            self.nominal_pc + other.nominal_pc * times,
            self.least_pc + other.least_pc * times,
            self.on_ms + other.on_ms * times,
            self.elapsed_ms + other.elapsed_ms * times,
            tuple(dict.fromkeys((*self.pauses, *other.pauses))),
            tuple(dict.fromkeys((*self.humans, *other.humans))),
            self.started or other.started,
            self.absorbed + other.absorbed,
            self.sure_ms + other.sure_ms * times,
            self.asked_ms + other.asked_ms * times,
        )

    def from_now(self) -> Ledger:
        """The same with time counted from here: what is over took none."""
        pauses = (replace(cost, elapsed_ms=ZERO) for cost in self.pauses)
        return replace(self, elapsed_ms=ZERO, asked_ms=ZERO, pauses=tuple(dict.fromkeys(pauses)), humans=())

    def paused(self, cost: PauseCost, environment: Environment) -> Ledger:
        """The same with one more way in which a pause may have cost something, unless a known one costs no
        less.

        When there are many, one stands for all of them that costs at most as much as the dearest in each
        respect.
        """
        if any(_covers(old, cost, environment) for old in self.pauses):
            return self
        kept = (*(old for old in self.pauses if not _covers(cost, old, environment)), cost)
        return replace(
            self, pauses=(_dearest_of(kept, environment),) if len(kept) > PAUSES_APART_MAX else kept
        )


def _dearest_of(costs: tuple[PauseCost, ...], environment: Environment) -> PauseCost:
    return PauseCost(
        environment.upper([cost.nominal_pc for cost in costs], "dearest pause"),
        environment.upper([cost.on_ms for cost in costs], "longest pause current"),
        environment.upper([cost.elapsed_ms for cost in costs], "longest pause"),
        costs[-1].step,
    )


NOTHING = Ledger()


def _covers(one: PauseCost, other: PauseCost, environment: Environment) -> bool:
    return (
        environment.never_below(one.nominal_pc, other.nominal_pc)
        and environment.never_below(one.on_ms, other.on_ms)
        and environment.never_below(one.elapsed_ms, other.elapsed_ms)
    )


def joined(chosen: Polynomial, one: Ledger, other: Ledger, environment: Environment) -> Ledger:
    """`one` where the 0/1 variable is 1, `other` where it is 0."""

    def mixed(left: Polynomial, right: Polynomial) -> Polynomial:
        return right if left == right else environment.once(chosen * (left - right) + right)

    common = set(one.pauses) & set(other.pauses)
    pauses = [cost for cost in one.pauses if cost in common]
    pauses += [_only(cost, chosen, environment) for cost in one.pauses if cost not in common]
    pauses += [_only(cost, 1 - chosen, environment) for cost in other.pauses if cost not in common]
    return Ledger(
        mixed(one.nominal_pc, other.nominal_pc),
        mixed(one.least_pc, other.least_pc),
        mixed(one.on_ms, other.on_ms),
        mixed(one.elapsed_ms, other.elapsed_ms),
        tuple(dict.fromkeys(pauses)),
        tuple(dict.fromkeys((*one.humans, *other.humans))),
        one.started or other.started,
        max(one.absorbed, other.absorbed),
        mixed(one.sure_ms, other.sure_ms),
        mixed(one.asked_ms, other.asked_ms),
    )


def _only(cost: PauseCost, chosen: Polynomial, environment: Environment) -> PauseCost:
    return PauseCost(
        environment.once(cost.nominal_pc * chosen),
        environment.once(cost.on_ms * chosen),
        environment.once(cost.elapsed_ms * chosen),
        cost.step,
    )


def dearest(
    costs: Iterable[tuple[Polynomial, int]], environment: Environment
) -> tuple[tuple[Polynomial, tuple[tuple[Polynomial, int], ...]], ...]:
    """The costs that intervals cannot tell to be below another one, each with the steps that it may belong
    to.

    When there are more than a few, one fresh variable that equals the largest stands for them all.
    """
    steps: dict[Polynomial, int] = {}
    for cost, step in costs:
        steps.setdefault(cost, step)
    if not steps:
        return ()
    kept = environment.undominated(steps)
    if len(kept) <= ASKED_APART_MAX:
        return tuple((cost, ((cost, steps[cost]),)) for cost in kept)
    largest = environment.upper(kept, "dearest pause")
    return ((largest, tuple((cost, steps[cost]) for cost in kept)),)
