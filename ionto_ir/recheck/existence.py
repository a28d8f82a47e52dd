"""Claims that somebody exists, shown by a person whom the record names: admitted, and led through the plan.

A person is a value for every variable, also for what will be recorded and remembered. Values do not change on
the way, and every round of a repetition goes the same way: one way that is open is all that is asked for.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from typing import TypeAlias, assert_never

from ionto_ir.expression import Expression, Undefined, Value, evaluate
from ionto_ir.plan import (
    BooleanDomain,
    Branch,
    ChoiceDomain,
    Classify,
    ClassRow,
    Demand,
    IntegerDomain,
    Loop,
    Plan,
    RuleKind,
    Variable,
    successors,
)
from ionto_ir.recheck.beside import part_of

Person: TypeAlias = Mapping[str, int]
"""A value for every variable of a plan, by its name; yes is 1, a choice counts by its label."""

BESIDE = re.compile(r"channels\[(\d+)\]\.(.+)")
STEP = re.compile(r"steps\[(\d+)\]")
ROW = re.compile(r"steps\[(\d+)\]\.rows\[(\d+)\]")


def shown(plan: Plan, claim: str, person: Person) -> bool:
    """Whether this person shows the claim. Total: a claim of another kind is shown by nobody."""
    values = _values(plan, person)
    if values is None or not _is_admitted(plan, values):
        return False
    beside = BESIDE.fullmatch(claim)
    if beside is not None and int(beside[1]) < len(plan.channels):
        plan, claim = part_of(plan, int(beside[1])), beside[2]
    if claim == "treatable":
        return True
    step, row = STEP.fullmatch(claim), ROW.fullmatch(claim)
    if step is not None:
        return int(step[1]) in reached(plan, values)
    if row is not None:
        return int(row[1]) in reached(plan, values) and _is_said(plan, int(row[1]), int(row[2]), values)
    condition = dict(_conditions(plan)).get(claim)
    return condition is not None and condition(values)


def _values(plan: Plan, person: Person) -> dict[str, Value] | None:
    """The person's values as the plan's operands read them; None where one is missing or out of its range."""
    if person.keys() != {item.name for item in plan.variables}:
        return None
    found: dict[str, Value] = {}
    for item in plan.variables:
        value = person[item.name]
        if not _is_in(item, value):
            return None
        found[item.name] = bool(value) if isinstance(item.domain, BooleanDomain) else value
    return found


def _is_in(item: Variable, value: int) -> bool:
    match item.domain:
        case IntegerDomain(lo, hi, step):
            return lo <= value <= hi and (step is None or (value - lo) % step == 0)
        case BooleanDomain():
            return value in (0, 1)
        case ChoiceDomain(labels):
            return 0 <= value < len(labels)
    assert_never(item.domain)


def _is_admitted(plan: Plan, values: Mapping[str, Value]) -> bool:
    """Nothing that is required fails, and nothing refuses."""
    refusals = (rule.condition for rule in plan.rules if rule.kind is RuleKind.REFUSE)
    return all(_holds(item.condition, values) is True for item in plan.requirements) and all(
        _holds(condition, values) is False for condition in refusals
    )


def _holds(condition: Expression, values: Mapping[str, Value]) -> bool | None:
    found = evaluate(condition, values)
    return None if isinstance(found, Undefined) else bool(found)


# --- the way through the plan -----------------------------------------------------------------------------


def reached(plan: Plan, values: Mapping[str, Value]) -> frozenset[int]:
    """The steps to which a session with these values may come, by one answer in time or late, one press or
    none.

    A place is a step and the repetitions of which a round is done: only those can be left again.
    """
    found: set[tuple[int, frozenset[int]]] = set()
    waiting = [(plan.entry, frozenset[int]())]
    while waiting:
        place = waiting.pop()
        if place not in found:
            found.add(place)
            waiting += _onwards(plan, values, *place)
    return frozenset(index for index, _ in found)


def _onwards(
    plan: Plan, values: Mapping[str, Value], index: int, done: frozenset[int]
) -> Iterator[tuple[int, frozenset[int]]]:
    step = plan.steps[index]
    match step:
        case Branch():
            chosen = _holds(step.condition, values)
            if chosen is not None:
                yield step.then if chosen else step.otherwise, done
        case Loop():
            count = evaluate(step.count, values)
            if isinstance(count, Undefined):
                return
            if index in done or count < 1:
                yield step.exit, done - {index}
            else:
                yield step.body, done | {index}
        case Demand():
            yield step.exit, done
            if _is_offered(plan, step, values):
                yield step.body, done
        case _:
            for target in successors(step):
                yield target, done


def _is_offered(plan: Plan, step: Demand, values: Mapping[str, Value]) -> bool:
    """Whether a first dose may be asked for: there is one to give, and time for a press."""
    counts = [evaluate(item, values) for item in (step.count, *(rule.count for rule in step.rules))]
    within = evaluate(step.within_ms, values)
    enough = all(not isinstance(item, Undefined) and item >= 1 for item in counts)
    return enough and not isinstance(within, Undefined) and within > 2 * plan.device.tick_ms


def _is_said(plan: Plan, index: int, number: int, values: Mapping[str, Value]) -> bool:
    """Whether this row of a table is the one that speaks of the recorded value."""
    table = plan.steps[index]
    if not isinstance(table, Classify) or number >= len(table.rows) or table.variable not in values:
        return False
    return _is_in_row(table.rows[number], int(values[table.variable]))


def _is_in_row(row: ClassRow, value: int) -> bool:
    above = row.lo is None or value > row.lo or (row.lo_included and value == row.lo)
    below = row.hi is None or value < row.hi or (row.hi_included and value == row.hi)
    return above and below


# --- the course -------------------------------------------------------------------------------------------

Test: TypeAlias = Callable[[Mapping[str, Value]], bool]


def _conditions(plan: Plan) -> Iterator[tuple[str, Test]]:
    """What ends a course or a phase, and every evaluation, passed and missed; by claim. Evaluations are
    counted through, the course's own first.
    """
    course = plan.course
    if course is None:
        return
    if course.stop_when is not None:
        yield "course.stop_when", _test(course.stop_when, True)
    gates = [("course", gate) for gate in course.gates]
    for number, phase in enumerate(course.phases):
        place = f"course.phases[{number}]"
        gates += [(place, gate) for gate in phase.gates]
        if phase.next_when is not None:
            yield f"{place}.next_when", _test(phase.next_when, True)
    for number, (place, gate) in enumerate(gates):
        yield f"{place}.gates[{number}].passed", _test(gate.condition, True)
        yield f"{place}.gates[{number}].missed", _test(gate.condition, False)


def _test(condition: Expression, wanted: bool) -> Test:
    return lambda values: _holds(condition, values) is wanted
