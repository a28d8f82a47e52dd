"""The way through the plan under given values, without time: which steps run, and with which operands.

Branches and loops look at values only, never at the clock or the charge, so the way is known before the
session.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from ionto_ir.dataclass import dataclass
from ionto_ir.diagnostic import Diagnostic, error
from ionto_ir.expression import Undefined, Value, evaluate
from ionto_ir.plan import (
    Branch,
    Confirm,
    Demand,
    Finish,
    Hold,
    Instruct,
    Loop,
    Move,
    Plan,
    Ramp,
    Record,
    Step,
    UntilCharge,
    UntilTotal,
    successors,
)
from ionto_ir.waveform import Waveform, whole_periods
from ionto_ir.wellformed_values import Operand, operands_of
from ionto_ir.wording import current_text

VISITS_MAX = 1_000_000
"""Steps of one way: far more than a session of a day has ticks, so that a huge count ends in words."""


@dataclass(frozen=True, slots=True)
class Way:
    """The steps that run, each once, in the order of their first visit; and what is wrong with them."""

    steps: tuple[int, ...]
    problems: tuple[Diagnostic, ...]


def way_through(plan: Plan, environment: Mapping[str, Value]) -> Way:
    """Follow the plan from its entry to its end; stops where something has no value (I0942)."""
    visited: dict[int, None] = {}
    problems: list[Diagnostic] = []
    counters = [0] * plan.counters
    asked: set[int] = set()
    index, visits = plan.entry, 0
    while True:
        step = plan.steps[index]
        visits += 1
        if visits > VISITS_MAX:
            text = f"the session goes through more than {VISITS_MAX} steps"
            problems.append(error("I0942", text, step.span))
            break
        if index not in visited:
            visited[index] = None
            problems.extend(_step_problems(plan, step, environment))
        if isinstance(step, Finish) or any(problem.code == "I0942" for problem in problems):
            break
        if isinstance(step, Demand) and index not in asked:
            asked.add(index)  # one dose stands for all
            index = step.body
        else:
            index = _following(step, environment, counters)
    return Way(tuple(visited), tuple(problems))


def _following(step: Step, environment: Mapping[str, Value], counters: list[int]) -> int:
    """The step after this one; its operands have values."""
    match step:
        case Branch(condition, then, otherwise):
            return then if evaluate(condition, environment) else otherwise
        case Loop():
            done = counters[step.counter]
            ended = step.until is not None and done > 0 and bool(evaluate(step.until, environment))
            count = evaluate(step.count, environment)
            assert not isinstance(count, Undefined), "the step was looked at before"
            if ended or done >= count:
                counters[step.counter] = 0
                return step.exit
            counters[step.counter] = done + 1
            return step.body
        case Demand():
            return step.exit
        case Confirm() | Instruct() | Record() | Move():
            return step.next
        case _:
            (following,) = successors(step)
            return following


def _step_problems(plan: Plan, step: Step, environment: Mapping[str, Value]) -> Iterator[Diagnostic]:
    """Operands without a value or with a negative one (I0942), levels that the device cannot set (I0934)."""
    undefined = False
    for operand in operands_of(step):
        problem = _operand_problem(operand, environment)
        if problem is not None:
            undefined = True
            yield error("I0942", problem, step.span)
    if undefined:
        return
    if isinstance(step, Ramp | Hold):
        unable = _waveform_problem(plan, step.waveform)
        if unable is not None:
            yield error("I0934", unable, step.span)
    if isinstance(step, Ramp):
        target = evaluate(step.target_na, environment)
        unfit = _level_problem(plan, target) or _rate_problem(step, environment)
        if unfit is not None:
            yield error("I0934", unfit[0], step.span, help=unfit[1])
    if isinstance(step, Hold) and isinstance(step.until, UntilCharge | UntilTotal):
        level, charge = evaluate(step.level_na, environment), evaluate(step.until.charge_pc, environment)
        if level == 0 and charge != 0:
            text = "a charge is waited for at 0 mA, where it never comes"
            yield error("I0942", text, step.span)


def _operand_problem(operand: Operand, environment: Mapping[str, Value]) -> str | None:
    found = evaluate(operand.expression, environment)
    if isinstance(found, Undefined):
        return f"the {operand.purpose} has no value: {found.reason}"
    return f"the {operand.purpose} is negative" if not isinstance(found, bool) and found < 0 else None


def _level_problem(plan: Plan, level: Value | Undefined) -> tuple[str, str] | None:
    """A level is a whole number of the device's steps and within its range; zero always is."""
    assert not isinstance(level, Undefined), "the operands were looked at before"
    device = plan.device
    shown = current_text(plan, level)
    if level > device.current_na_max or 0 < level < device.current_na_min:
        low, high = current_text(plan, device.current_na_min), current_text(plan, device.current_na_max)
        return f"`{device.name}` cannot set {shown}", f"it sets {low} to {high}"
    if level % device.step_na:
        below = level - level % device.step_na
        nearest = f"{current_text(plan, below)} and {current_text(plan, below + device.step_na)}"
        return f"{shown} is between two steps of `{device.name}`", f"the nearest values are {nearest}"
    return None


def _waveform_problem(plan: Plan, waveform: Waveform | None) -> str | None:
    """A device gives only the waveforms of its profile, and a tick holds whole periods of them."""
    device = plan.device
    form = "dc" if waveform is None else waveform.form.value
    if form not in device.waveforms:
        return f"`{device.name}` does not have the waveform `{form}`"
    if waveform is not None and not whole_periods(waveform, device.tick_ms):
        return f"a tick of `{device.name}` does not hold a whole number of periods"
    return None


def _rate_problem(step: Ramp, environment: Mapping[str, Value]) -> tuple[str, str] | None:
    target, start = evaluate(step.target_na, environment), evaluate(step.start_na, environment)
    rise, over = evaluate(step.slope.delta_na, environment), evaluate(step.slope.over_ms, environment)
    if target != start and 0 in (rise, over):
        return "the ramp has no rate at which it would arrive", "give it a time or a rate above zero"
    return None
