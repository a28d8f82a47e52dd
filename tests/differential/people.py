"""Who may be treated: values that a protocol admits, extremes first."""

from __future__ import annotations

from collections.abc import Mapping
from random import Random

from ionto_ir.bind_screening import condition_problems
from ionto_ir.bind_values import value_problems
from ionto_ir.bind_walk import way_through
from ionto_ir.expression import Value
from ionto_ir.plan import BooleanDomain, ChoiceDomain, IntegerDomain, Plan, VariableKind
from ionto_ir.wellformed_bounds import domain_interval

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
    return not any(item.code in fatal for item in way_through(plan, values).problems) if plan.steps else True
