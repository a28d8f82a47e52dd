"""Who may be treated: values that a protocol admits, extremes first."""

from __future__ import annotations

from collections.abc import Mapping
from random import Random

from ionto_ir.bind_screening import condition_problems
from ionto_ir.bind_values import value_problems
from ionto_ir.bind_walk import way_through
from ionto_ir.dry_run import answer_to, usual_value
from ionto_ir.events import Event, Prompt
from ionto_ir.expression import Value
from ionto_ir.plan import (
    BooleanDomain,
    ChoiceDomain,
    Instruct,
    IntegerDomain,
    Plan,
    Record,
    VariableKind,
)
from ionto_ir.state import State
from ionto_ir.wellformed_bounds import domain_interval
from tests.differential.constructs import goes_on

TRIES_MAX = 40
"""Values that are drawn until some are found with which somebody may be treated."""


def people(plan: Plan, chance: Random, count: int) -> list[dict[str, Value]]:
    """Values with which somebody may be treated: extremes first, then any."""
    asked = [item for item in plan.variables if item.kind is not VariableKind.RECORD]
    found: list[dict[str, Value]] = []
    for number in range(TRIES_MAX):
        values: dict[str, Value] = {}
        for item in asked:
            low, high = domain_interval(item.domain)
            if isinstance(item.domain, BooleanDomain):
                values[item.name] = chance.random() < 0.5
            elif isinstance(item.domain, ChoiceDomain):
                values[item.name] = chance.randint(low, high)
            elif number < 2 or chance.random() < 0.3:
                step = item.domain.step or 1
                values[item.name] = low + (high - low) // step * step if number != 1 else low
            else:
                values[item.name] = anything(item.domain, chance)
        if values not in found and may_be_treated(plan, values):
            found.append(values)
        if len(found) == count:
            break
    return found


def anything(domain: IntegerDomain, chance: Random) -> int:
    step = domain.step or max(1, (domain.hi - domain.lo) // 7)
    return domain.lo + step * chance.randint(0, (domain.hi - domain.lo) // step)


def may_be_treated(plan: Plan, values: Mapping[str, Value]) -> bool:
    if value_problems(plan, values) or any(True for _ in condition_problems(plan, values)):
        return False
    # A level that the device cannot set still says what the protocol says; one without a value says nothing.
    fatal = ("I0930", "I0931", "I0942")
    recorded = [item for item in plan.variables if item.kind is VariableKind.RECORD]
    known = {**values, **{item.name: usual_value(item) for item in recorded}}
    return not any(item.code in fatal for item in way_through(plan, known).problems) if plan.steps else True


class Answering:
    """Somebody who enters what hurts most, or anything, and lets the time for an answer pass, or not."""

    def __init__(self, plan: Plan, draw: Random) -> None:
        self._plan, self._draw = plan, draw
        self._lateness = draw.choice((0, 0.3, 0.8))
        self._high = draw.choice((0.2, 0.9))
        self._recorded = [item for item in plan.variables if item.kind is VariableKind.RECORD]
        self._asked: int | None = None  # the step at which it was decided whether to be late
        self._late = False

    def answer(self, state: State, prompt: Prompt | None) -> Event | None:
        """What is said at an open prompt."""
        if prompt is None:
            self._asked = None
            return None
        number = state.place.step
        if self._asked != number:
            step = self._plan.steps[number]
            bounded = isinstance(step, Instruct | Record) and step.late is not None
            self._asked, self._late = number, bounded and self._draw.random() < self._lateness
        if self._late:
            return None
        self._asked = None
        return answer_to(prompt, {item.name: self._value(item.domain) for item in self._recorded})

    def _value(self, domain: object) -> Value:
        if not isinstance(domain, IntegerDomain):
            return self._draw.random() < self._high
        if self._draw.random() < 0.7:
            return domain.hi if self._draw.random() < self._high else domain.lo
        return anything(domain, self._draw)


def answering(plan: Plan, chance: Random) -> Answering | None:
    """Somebody for a plan in which it matters what is entered, or who is late; None for any other."""
    if not any(isinstance(step, Record) or goes_on(plan, step) for step in plan.steps):
        return None
    return Answering(plan, Random(chance.randrange(10**9)))
