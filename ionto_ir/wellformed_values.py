"""The plan's values: variables and their domains, and every expression with what it may refer to."""

from __future__ import annotations

from collections.abc import Iterator
from typing import assert_never

from ionto_ir.canonical import INTEGER_MAX
from ionto_ir.dataclass import dataclass
from ionto_ir.diagnostic import Diagnostic, error
from ionto_ir.expression import (
    EXPRESSION_DEPTH_MAX,
    Constant,
    Expression,
    Operation,
    Reference,
    Sort,
    Truth,
    ill_sorted,
    sort_of,
)
from ionto_ir.monitor import DELIVERED, MEASURED
from ionto_ir.plan import (
    BooleanDomain,
    Branch,
    ChoiceDomain,
    Classify,
    Course,
    Demand,
    Domain,
    ForTime,
    Hold,
    IntegerDomain,
    Loop,
    Plan,
    Ramp,
    Record,
    Slope,
    Step,
    UntilCharge,
    UntilTotal,
    Variable,
    VariableKind,
    Wait,
)
from ionto_ir.source import Span
from ionto_ir.units import BASE_UNITS

OBSERVABLES = ("output.current", "output.charge", "output.elapsed")
"""What `prove` lines may speak of besides the plan's own variables; all integers."""

BEFORE_SESSION = frozenset(
    {VariableKind.PARAMETER, VariableKind.ANSWER, VariableKind.GEOMETRY, VariableKind.MEMORY}
)
"""Kinds of variables that have a value before anything flows."""

EVERYWHERE = frozenset(VariableKind)

_DIMENSIONS = frozenset(base.noun for base in BASE_UNITS.values())


@dataclass(frozen=True, slots=True)
class Operand:
    """An expression of the plan: what it is for, the sort it must have, and what it may refer to."""

    purpose: str
    expression: Expression
    sort: Sort
    kinds: frozenset[VariableKind]
    span: Span
    observes: tuple[str, ...] = ()


def domain_sort(domain: Domain) -> Sort:
    """The sort of a reference to a variable with this domain; a choice counts by its label's index."""
    return Sort.BOOLEAN if isinstance(domain, BooleanDomain) else Sort.INTEGER


def operands_of(step: Step) -> tuple[Operand, ...]:
    """Every expression of a step."""

    def of(purpose: str, expression: Expression, sort: Sort = Sort.INTEGER) -> Operand:
        return Operand(purpose, expression, sort, EVERYWHERE, step.span)

    def slope(purpose: str, found: Slope) -> tuple[Operand, ...]:
        return (of(f"rise of {purpose}", found.delta_na), of(f"time of {purpose}", found.over_ms))

    match step:
        case Ramp():
            ends = (of("target", step.target_na), of("planned start", step.start_na))
            return ends + slope("the ramp", step.slope)
        case Hold(level_na, ForTime(duration_ms)):
            return (of("level", level_na), of("time", duration_ms))
        case Hold(level_na, UntilCharge(charge_pc)):
            return (of("level", level_na), of("charge", charge_pc))
        case Hold(level_na, UntilTotal(charge_pc, descent)):
            held = (of("level", level_na), of("total", charge_pc))
            return held if descent is None else held + slope("the descent", descent)
        case Wait():
            return (of("time", step.duration_ms),)
        case Branch():
            return (of("condition", step.condition, Sort.BOOLEAN),)
        case Loop():
            found = [of("count", step.count)]
            if step.until is not None:
                found.append(of("condition", step.until, Sort.BOOLEAN))
            if step.period_ms is not None:
                found.append(of("period", step.period_ms))
            if step.within_ms is not None:
                found.append(of("time of the repetition", step.within_ms))
            return tuple(found)
        case Demand():
            rules = (
                of(purpose, part)
                for rule in step.rules
                for purpose, part in (("number of doses", rule.count), ("window", rule.window_ms))
            )
            return (
                of("basal current", step.basal_na),
                of("lockout", step.lockout_ms),
                of("number of doses", step.count),
                of("time for doses", step.within_ms),
                *rules,
            )
        case _:
            return ()


def all_operands(plan: Plan) -> Iterator[Operand]:
    """Every expression of the plan, with what it may refer to."""
    for electrode in plan.electrodes:
        area = electrode.area_um2
        yield Operand("area", area, Sort.INTEGER, frozenset({VariableKind.GEOMETRY}), electrode.span)
    for requirement in plan.requirements:
        condition = requirement.condition
        yield Operand("requirement", condition, Sort.BOOLEAN, BEFORE_SESSION, requirement.span)
    for rule in plan.rules:
        yield Operand("screening rule", rule.condition, Sort.BOOLEAN, BEFORE_SESSION, rule.span)
    for exclusion in plan.exclusions:
        yield Operand("exclusion", exclusion.condition, Sort.BOOLEAN, BEFORE_SESSION, exclusion.span)
    for step in plan.steps:
        yield from operands_of(step)
    for item in plan.properties:
        if item.condition is not None:
            yield Operand("property", item.condition, Sort.BOOLEAN, EVERYWHERE, item.span, OBSERVABLES)
    watched = (*MEASURED, *DELIVERED)
    for monitor in plan.monitors:
        until = () if monitor.until is None else (monitor.until,)
        for condition in (monitor.condition, *until):
            yield Operand("monitor", condition, Sort.BOOLEAN, EVERYWHERE, monitor.span, watched)
    if plan.course is not None:
        yield from _operands_of_course(plan.course)


def _operands_of_course(course: Course) -> Iterator[Operand]:
    def of(purpose: str, condition: Expression | None, span: Span) -> Iterator[Operand]:
        if condition is not None:
            yield Operand(purpose, condition, Sort.BOOLEAN, EVERYWHERE, span)

    yield from of("stop of the course", course.stop_when, course.span)
    for phase in course.phases:
        yield from of("end of the phase", phase.next_when, phase.span)
    for gate in (*course.gates, *(gate for phase in course.phases for gate in phase.gates)):
        yield from of("evaluation", gate.condition, gate.span)
    for memory in course.memories:
        yield from of("change of polarity", memory.swap_when, memory.span)


def value_problems(plan: Plan) -> tuple[Diagnostic, ...]:
    """What is wrong with variables (I0824) and expressions (I0825)."""
    found = list(_variable_problems(plan))
    table = {item.name: item for item in plan.variables}
    for operand in all_operands(plan):
        problem = _expression_problem(operand, table)
        if problem is not None:
            found.append(error("I0825", f"the {operand.purpose} {problem}", operand.span))
    for step in plan.steps:
        if isinstance(step, Record | Classify):
            variable = table.get(step.variable)
            if variable is None:
                found.append(error("I0825", f"the variable `{step.variable}` is not declared", step.span))
            elif isinstance(step, Record) and variable.kind is not VariableKind.RECORD:
                found.append(error("I0825", f"the variable `{step.variable}` is not recorded", step.span))
    return tuple(found)


def _variable_problems(plan: Plan) -> Iterator[Diagnostic]:
    seen: set[str] = set()
    for item in plan.variables:
        problem = _domain_problem(item.domain) or _kind_problem(item)
        if item.name in seen:
            problem = "is declared twice"
        elif not item.name or item.name.startswith(("output.", "measured.")):
            problem = "has a name that is not free"
        if problem is not None:
            yield error("I0824", f"the variable `{item.name}` {problem}", item.span)
        seen.add(item.name)


def _domain_problem(domain: Domain) -> str | None:
    match domain:
        case IntegerDomain(lo, hi, step, default, dimension):
            if lo > hi:
                return "has an empty range"
            if step is not None and (step <= 0 or (hi - lo) % step):
                return "has a step that does not lead from the lowest to the highest value"
            if default is not None and not lo <= default <= hi:
                return "has a default outside its range"
            if default is not None and step is not None and (default - lo) % step:
                return "has a default that is not on a step"
            return None if dimension in _DIMENSIONS else f"has the unknown dimension `{dimension}`"
        case ChoiceDomain(labels):
            return (
                None
                if labels and len(set(labels)) == len(labels)
                else "has no distinct labels to choose from"
            )
        case BooleanDomain():
            return None
        case _:
            assert_never(domain)


def _kind_problem(item: Variable) -> str | None:
    if item.adjustable and item.kind is not VariableKind.PARAMETER:
        return "is adjustable but no parameter"
    if item.adjustable and not isinstance(item.domain, IntegerDomain):
        return "is adjustable but no quantity"
    if item.kind is VariableKind.GEOMETRY and not (
        isinstance(item.domain, IntegerDomain) and item.domain.lo > 0
    ):
        return "is a geometry but not a positive quantity"
    return None


def _expression_problem(operand: Operand, table: dict[str, Variable]) -> str | None:
    """Walks without recursion: an expression made in memory may be deeper than any stack."""
    pending = [(operand.expression, 1)]
    while pending:
        part, depth = pending.pop()
        if depth > EXPRESSION_DEPTH_MAX:
            return f"nests deeper than {EXPRESSION_DEPTH_MAX} levels"
        problem = _part_problem(part, operand, table)
        if problem is not None:
            return problem
        if isinstance(part, Operation):
            pending.extend((inner, depth + 1) for inner in part.operands)
    wrong = _sort_problem(operand.expression)  # only now: it recurses, and asking for a sort does too
    if wrong is None and sort_of(operand.expression) is not operand.sort:
        return f"is no {'condition' if operand.sort is Sort.BOOLEAN else 'number'}"
    return wrong


def _sort_problem(expression: Expression) -> str | None:
    if not isinstance(expression, Operation):
        return None
    for part in expression.operands:
        problem = _sort_problem(part)
        if problem is not None:
            return problem
    wrong = ill_sorted(expression.operator, tuple(sort_of(part) for part in expression.operands))
    return None if wrong is None else f"uses `{expression.operator.value}`, which {wrong}"


def _part_problem(part: Expression, operand: Operand, table: dict[str, Variable]) -> str | None:
    match part:
        case Constant(value):
            return None if abs(value) <= INTEGER_MAX else "has a number beyond 2^53 - 1"
        case Reference(name, sort):
            return _reference_problem(name, sort, operand, table)
        case Operation() | Truth():
            return None
        case _:
            assert_never(part)


def _reference_problem(name: str, sort: Sort, operand: Operand, table: dict[str, Variable]) -> str | None:
    if name in operand.observes:
        return None if sort is Sort.INTEGER else f"takes `{name}` for a condition"
    item = table.get(name)
    if item is None:
        return f"refers to `{name}`, which is not declared"
    if sort is not domain_sort(item.domain):
        return f"refers to `{name}` as another sort than it is"
    if item.kind not in operand.kinds:
        return f"refers to `{name}`, which is not known there"
    return None
