"""Values for an ordinary session: defaults, and the answers of somebody who may be treated.

Tests and examples speak of one thing and leave the rest open. Whoever treats a person must never use this:
there every value is asked for.
"""

from __future__ import annotations

from collections.abc import Mapping

from ionto_ir.bind_values import default_values
from ionto_ir.expression import Undefined, Value, evaluate
from ionto_ir.plan import BooleanDomain, ChoiceDomain, IntegerDomain, Plan, RuleKind, Variable, VariableKind

ROUNDS_MAX = 3
"""Passes over the open variables: a requirement seldom couples more than two of them."""


def ordinary_values(plan: Plan, given: Mapping[str, Value]) -> dict[str, Value]:
    """A value for everything but records: what is given, else defaults, else the first that offends nobody.

    Nothing is remembered: it is a first session.

    For each open variable its candidates are tried in turn (no before yes; the middle of a range, then its
    ends), and the one that meets the fewest refusals, exclusions, unmet requirements and cautions is kept.
    """
    memories = () if plan.course is None else plan.course.memories
    first: dict[str, Value] = {memory.variable: memory.first for memory in memories}
    values: dict[str, Value] = default_values(plan) | first | dict(given)
    open_ones = [
        item for item in plan.variables if item.kind is not VariableKind.RECORD and item.name not in values
    ]
    for item in open_ones:
        values[item.name] = _candidates(item)[0]
    for _ in range(ROUNDS_MAX):
        before = dict(values)
        for item in open_ones:
            values[item.name] = min(_candidates(item), key=lambda value: _offence(plan, values, item, value))
        if values == before:
            break
    return values


def _candidates(item: Variable) -> tuple[Value, ...]:
    match item.domain:
        case BooleanDomain():
            return (False, True)
        case ChoiceDomain(labels):
            return tuple(range(len(labels)))
        case IntegerDomain(lo, hi, step):
            middle = lo + (hi - lo) // 2
            if step is not None:
                middle -= (middle - lo) % step
            return (middle, lo, hi)


def _offence(plan: Plan, values: Mapping[str, Value], item: Variable, value: Value) -> tuple[int, int]:
    """How many conditions stand against these values: those that forbid, then those that only caution."""
    tried = {**values, item.name: value}
    forbidding = [rule.condition for rule in plan.rules if rule.kind is RuleKind.REFUSE]
    forbidding += [exclusion.condition for exclusion in plan.exclusions]
    unmet = sum(evaluate(requirement.condition, tried) is not True for requirement in plan.requirements)
    cautioning = [rule.condition for rule in plan.rules if rule.kind is RuleKind.CAUTION]
    return (
        unmet + sum(_stands(evaluate(condition, tried)) for condition in forbidding),
        sum(_stands(evaluate(condition, tried)) for condition in cautioning),
    )


def _stands(found: Value | Undefined) -> bool:
    return found is not False
