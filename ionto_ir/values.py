"""What may be entered or adjusted in a session: a value of its domain under which the plan still holds."""

from __future__ import annotations

from typing import assert_never

from ionto_ir.bind_values import value_problem
from ionto_ir.constants import Constants
from ionto_ir.expression import Environment, Expression, Undefined, Value, evaluate, references
from ionto_ir.plan import (
    Branch,
    Classify,
    Confirm,
    Demand,
    Finish,
    ForTime,
    Hold,
    Instruct,
    Loop,
    Move,
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
from ionto_ir.wording import current_text


def objection(plan: Plan, constants: Constants, values: Environment, name: str, value: Value) -> str | None:
    """Why the variable may not take this value now, in words; None when it may."""
    declared = next((found for found in plan.variables if found.name == name), None)
    if declared is None:
        return f"there is no `{name}`"
    problem = value_problem(declared, value)
    if problem is not None:
        return problem.message if problem.help is None else f"{problem.message} ({problem.help})"
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
        unfit = _unfit_level(plan, step, constants, changed)
        if unfit is not None:
            return unfit
    return None


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
            optional = (step.until, step.period_ms, step.within_ms)
            return (step.count, *(expression for expression in optional if expression is not None))
        case Demand():
            rules = (part for rule in step.rules for part in (rule.count, rule.window_ms))
            return (step.basal_na, step.lockout_ms, step.count, step.within_ms, *rules)
        case Reverse() | Classify() | Finish() | Hold() | Confirm() | Instruct() | Record() | Move():
            return ()
        case _:
            assert_never(step)


def _of_slope(slope: Slope) -> tuple[Expression, Expression]:
    return (slope.delta_na, slope.over_ms)


def _unfit_level(plan: Plan, step: Step, constants: Constants, values: Environment) -> str | None:
    """Why the device cannot be set to the step's level, if its level is known and cannot be set."""
    match step:
        case Ramp():
            level = evaluate(step.target_na, values)
        case Hold():
            level = evaluate(step.level_na, values)
        case Demand():
            level = evaluate(step.basal_na, values)
        case _:
            return None
    if isinstance(level, Undefined):
        return None
    cap_na = max(constants.current_cap_na, constants.current_cap_reversed_na)
    if not 0 <= level <= cap_na:
        return (
            f"the current would be {current_text(plan, level)}, and at most {current_text(plan, cap_na)} fits"
        )
    if level % constants.step_na:
        step_text = current_text(plan, constants.step_na)
        return (
            f"the current would be {current_text(plan, level)}, and the device moves in steps of {step_text}"
        )
    return None
