"""What may be entered or adjusted in a session: a value of its domain under which the plan still holds."""

from __future__ import annotations

from typing import assert_never

from ionto_ir.constants import Constants
from ionto_ir.expression import Environment, Expression, Undefined, Value, evaluate, references
from ionto_ir.plan import (
    BooleanDomain,
    Branch,
    ChoiceDomain,
    Classify,
    Confirm,
    Domain,
    Finish,
    ForTime,
    Hold,
    Instruct,
    IntegerDomain,
    Loop,
    Plan,
    Ramp,
    Record,
    Reverse,
    Slope,
    Step,
    UntilCharge,
    UntilTotal,
    Wait,
)


def objection(plan: Plan, constants: Constants, values: Environment, name: str, value: Value) -> str | None:
    """Why the variable may not take this value now, in words; None when it may."""
    declared = next((found for found in plan.variables if found.name == name), None)
    if declared is None:
        return f"there is no `{name}`"
    outside = outside_domain(declared.domain, value)
    if outside is not None:
        return f"`{name}` {outside}"
    changed = {**values, name: value}
    for requirement in plan.requirements:
        if evaluate(requirement.condition, changed) is False:
            return requirement.text
    for step in plan.steps:
        for expression in operands(step):
            if references(expression) <= changed.keys():
                found = evaluate(expression, changed)
                if isinstance(found, Undefined):
                    return found.reason
        unfit = _unfit_level(step, constants, changed)
        if unfit is not None:
            return unfit
    return None


def outside_domain(domain: Domain, value: Value) -> str | None:
    """Why a value is not of the domain, in words that follow its name; None when it is."""
    match domain:
        case BooleanDomain():
            return None if isinstance(value, bool) else "is answered by yes or no"
        case ChoiceDomain(labels):
            known = not isinstance(value, bool) and 0 <= value < len(labels)
            return None if known else f"is one of {', '.join(labels)}"
        case IntegerDomain(lo, hi, step):
            if isinstance(value, bool) or not lo <= value <= hi:
                return f"lies between {lo} and {hi}"
            if step is not None and (value - lo) % step:
                return f"moves from {lo} in steps of {step}"
            return None
        case _:
            assert_never(domain)


def operands(step: Step) -> tuple[Expression, ...]:
    """The expressions that a step evaluates when it is reached."""
    match step:
        case Ramp():
            return (step.target_na, *_of_slope(step.slope))
        case Hold(level, ForTime(duration)):
            return (level, duration)
        case Hold(level, UntilCharge(charge)) | Hold(level, UntilTotal(charge, None)):
            return (level, charge)
        case Hold(level, UntilTotal(charge, Slope() as descent)):
            return (level, charge, *_of_slope(descent))
        case Wait():
            return (step.duration_ms,)
        case Branch():
            return (step.condition,)
        case Loop():
            optional = (step.until, step.period_ms)
            return (step.count, *(expression for expression in optional if expression is not None))
        case Reverse() | Confirm() | Instruct() | Record() | Classify() | Finish() | Hold():
            return ()
        case _:
            assert_never(step)


def _of_slope(slope: Slope) -> tuple[Expression, Expression]:
    return (slope.delta_na, slope.over_ms)


def _unfit_level(step: Step, constants: Constants, values: Environment) -> str | None:
    """Why the device cannot be set to the step's level, if its level is known and cannot be set."""
    if not isinstance(step, Ramp | Hold):
        return None
    level = evaluate(step.target_na if isinstance(step, Ramp) else step.level_na, values)
    if isinstance(level, Undefined):
        return None
    cap_na = max(constants.current_cap_na, constants.current_cap_reversed_na)
    if not 0 <= level <= cap_na:
        return f"the current would be {level} nA, and at most {cap_na} nA is allowed"
    if level % constants.step_na:
        return f"the current would be {level} nA, and the device moves in steps of {constants.step_na} nA"
    return None
