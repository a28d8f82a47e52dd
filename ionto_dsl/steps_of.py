"""Steps: from the surface to typed steps, each operand with the dimension that its place expects."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import assert_never

from ionto_dsl import surface, typed
from ionto_dsl.operands import amount, condition, positive
from ionto_dsl.quantities import Amount, in_base_units, plus, times
from ionto_dsl.scope import Scope
from ionto_dsl.tables import classify_rows
from ionto_dsl.typed import POISON
from ionto_dsl.variables_of import declare_let, declare_variable
from ionto_dsl.waveforms import waveform_of
from ionto_dsl.wording import written
from ionto_ir.dataclass import dataclass, replace
from ionto_ir.diagnostic import error
from ionto_ir.expression import Constant
from ionto_ir.plan import IntegerDomain, Variable
from ionto_ir.units import (
    AREA,
    CHARGE,
    CURRENT,
    DENSITY,
    DIMENSIONLESS,
    SLEW,
    TIME,
)

NESTING_MAX = 20
"""Blocks within blocks. More cannot be reviewed, and the functions below recurse this deep."""


@dataclass(frozen=True, slots=True)
class OnDemandAround:
    """The block on demand around a step, and its basal current."""

    basal: Amount | None


@dataclass(frozen=True, slots=True)
class Around:
    """What a step needs to know besides names: the section, the active area, the declared records, and the
    block on demand that it is in.
    """

    section: str
    records: dict[str, Variable]
    active_areas: int
    on_demand: OnDemandAround | None = None


def recorded(steps: Sequence[surface.Step]) -> Iterator[surface.Variable]:
    """All `record` steps, also nested ones, in the order in which they are written."""
    for step in _all(steps):
        if isinstance(step, surface.Variable) and step.role == "record":
            yield step


def classified(steps: Sequence[surface.Step]) -> Iterator[surface.Classify]:
    """All tables, also nested ones."""
    for step in _all(steps):
        if isinstance(step, surface.Classify):
            yield step


def _all(steps: Sequence[surface.Step], depth: int = 1) -> Iterator[surface.Step]:
    """Each step, with those that stand in it after it, as deep as blocks may be nested."""
    for step in steps if depth <= NESTING_MAX else ():
        yield step
        match step:
            case surface.If():
                yield from _all((*step.then, *step.otherwise), depth + 1)
            case surface.Repeat() | surface.OnDemand():
                yield from _all(step.steps, depth + 1)
            case _:
                pass


def declare_records(steps: Sequence[surface.Step], scope: Scope) -> Iterator[Variable]:
    """The variables of all `record` steps."""
    for step in recorded(steps):
        variable = declare_variable(step, scope)
        if variable is not None:
            yield variable


def type_steps(
    steps: Sequence[surface.Step], scope: Scope, around: Around, depth: int = 1
) -> tuple[typed.Step, ...]:
    """The typed steps of a block; steps that are refused as a whole are left out."""
    if depth > NESTING_MAX and steps:
        message = f"blocks are nested more than {NESTING_MAX} deep"
        advice = "a treatment that deep cannot be reviewed: flatten it"
        scope.found.append(error("I0461", message, steps[0].span, "too deep", help=advice))
        return ()
    result: list[typed.Step] = []
    for step in steps:
        made = _step(step, scope, around, depth)
        if made is not None:
            result.append(made)
    return tuple(result)


def _step(step: surface.Step, scope: Scope, around: Around, depth: int) -> typed.Step | None:
    match step:
        case surface.Ramp():
            return _ramp(step, scope, around)
        case surface.Hold():
            return _hold(step, scope)
        case surface.Deliver():
            return _deliver(step, scope, around)
        case surface.Wait():
            text = _text(step.label)
            duration = amount(step.duration, (TIME,), scope, "`wait` takes a time")
            return typed.Wait(duration, text, step.duration.span, step.span)
        case surface.Reverse():
            despite = step.remarks.despite
            return typed.Reverse(None if despite is None else despite.value, step.span)
        case surface.Repeat():
            return _repeat(step, scope, around, depth)
        case surface.If():
            holds = condition(step.condition, scope)
            then = type_steps(step.then, scope, around, depth + 1)
            otherwise = type_steps(step.otherwise, scope, around, depth + 1)
            return typed.If(holds, then, otherwise, step.condition.span, step.span)
        case surface.Tell():
            waiting = waiting_of(step.waiting, scope)
            return typed.Tell(step.mode == "confirm", step.text.value, waiting, step.span)
        case surface.Move():
            return typed.Move(step.place, step.site.value, waiting_of(step.waiting, scope), step.span)
        case surface.Variable():
            return _variable(step, scope, around)
        case surface.Classify():
            return classify_step(step, scope, around.records)
        case surface.Require():
            return _gate(step, scope, around)
        case surface.Let():
            declare_let(step, scope)
            return None
        case surface.OnDemand():
            return _on_demand(step, scope, around, depth)
        case _:
            assert_never(step)


def current_of(expression: surface.Expression, scope: Scope, around: Around, place: str) -> Amount | None:
    """A current; a density is multiplied by the active area."""
    found = amount(expression, (CURRENT, DENSITY), scope, f"{place} a current or a current density")
    if found is None or found.dimension == CURRENT:
        return found
    area = _active_area(expression, scope, around)
    return None if area is None else _in_milliamperes(times(found, area))


def _in_milliamperes(found: Amount) -> Amount:
    return Amount(found.numerator, found.denominator, found.scale, found.dimension, "mA")


def _active_area(expression: surface.Expression, scope: Scope, around: Around) -> Amount | None:
    if around.active_areas == 1 and "active.area" in scope.entries:
        value = scope.entries["active.area"].value
        return value if isinstance(value, Amount) and value.dimension == AREA else None
    if around.active_areas > 1:
        scope.found.append(
            error(
                "I0453",
                f"`{written(expression)}` is a density, and several electrodes are active",
                expression.span,
                "times which area?",
                help="write the current: each patch is assumed to take all of it",
            )
        )
    return None


def _ramp(step: surface.Ramp, scope: Scope, around: Around) -> typed.Ramp:
    target = current_of(step.target, scope, around, "`ramp to` takes")
    if step.above_basal:
        target = _above_basal(target, step, scope, around)
    time = rate = None
    if step.over is not None:
        time = amount(step.over, (TIME,), scope, "`over` takes a time")
        pace = step.over
    else:
        assert step.rate is not None, "the grammar asks for a time or a rate"
        pace = step.rate
        rate = _rate(step.rate, scope, around)
    spans = (step.target.span, pace.span, step.span)
    by_time, text = step.over is not None, _text(step.label)
    waveform = waveform_of(step.waveform, scope)
    return typed.Ramp(target, step.rounded_down, by_time, time, rate, *spans, text, waveform)


def _text(label: surface.Text | None) -> str:
    return "" if label is None else label.value


def _above_basal(target: Amount | None, step: surface.Ramp, scope: Scope, around: Around) -> Amount | None:
    block = around.on_demand
    if block is None or block.basal is None:
        message = "`above basal` adds to a basal current, and here is none"
        advice = (
            "write the total current" if block is None else "add `basal 0.1 mA` to the block, or leave it out"
        )
        scope.found.append(error("I0471", message, step.span, "above what?", help=advice))
        return None
    return None if target is None else plus(target, block.basal)


def _rate(expression: surface.Expression, scope: Scope, around: Around) -> Amount | None:
    found = amount(expression, (SLEW, DENSITY / TIME), scope, "`at` takes a current per time")
    if found is None or found.dimension == SLEW:
        return found
    area = _active_area(expression, scope, around)
    return None if area is None else times(found, area)


def _hold(step: surface.Hold, scope: Scope) -> typed.HoldFor | typed.HoldUntil:
    keeps, waveform = step.waveform is None, waveform_of(step.waveform, scope)
    if step.mode == "for":
        duration = amount(step.amount, (TIME,), scope, "`hold for` takes a time")
        spans = (step.amount.span, step.span)
        return typed.HoldFor(duration, *spans, _text(step.label), keeps, waveform)
    charge = amount(step.amount, (CHARGE,), scope, f"`hold {step.mode}` takes a charge")
    total = step.mode == "until total"
    return typed.HoldUntil(charge, total, step.amount.span, step.span, _text(step.label), keeps, waveform)


def _deliver(step: surface.Deliver, scope: Scope, around: Around) -> typed.Deliver:
    waveform = waveform_of(step.waveform, scope)
    charge = amount(step.dose, (CHARGE,), scope, "`deliver` takes a charge")
    current = current_of(step.current, scope, around, "`at` takes")
    time = amount(step.ramping, (TIME,), scope, "`ramping` takes a time")
    zero = in_base_units(Constant(0), CURRENT, "mA")
    at, pace = step.current.span, step.ramping.span
    text = _text(step.label)
    up = typed.Ramp(current, step.rounded_down, True, time, None, at, pace, step.span, text, waveform)
    down = typed.Ramp(zero, False, True, time, None, pace, pace, step.span, text, waveform)
    hold = typed.HoldUntil(charge, True, step.dose.span, step.span, text)
    return typed.Deliver(up, hold, down, step.span)


def _repeat(step: surface.Repeat, scope: Scope, around: Around, depth: int) -> typed.Repeat | None:
    count_part = step.count if step.count is not None else step.bound
    assert count_part is not None, "the grammar asks for a count or a bound"
    count = within = None
    if step.count is None and not step.bound_is_count:
        within = amount(count_part, (TIME,), scope, "without `times`, `at most` takes a time")
    else:
        count = amount(count_part, (DIMENSIONLESS,), scope, "a repetition takes a number of times")
    period = None
    if step.period is not None:
        period = amount(step.period, (TIME,), scope, "`every` takes a time")
    if all(isinstance(inner, surface.Let) for inner in step.steps):
        message = "this repetition repeats nothing"
        scope.found.append(error("I0412", message, step.span, "no steps in it", help="leave it out"))
        return None
    body = type_steps(step.steps, scope, around, depth + 1)
    until = None if step.until is None else condition(step.until, scope)
    return typed.Repeat(
        count,
        within,
        until,
        period,
        body,
        count_part.span,
        step.span if step.until is None else step.until.span,
        step.span if step.period is None else step.period.span,
        step.span,
    )


def _on_demand(step: surface.OnDemand, scope: Scope, around: Around, depth: int) -> typed.OnDemand | None:
    whole = [part for part in step.counts if not part.sliding]
    if len(whole) != 1:
        message = "a block on demand says once how many doses there are at most, and within what time"
        label = "says it twice" if whole else "does not say it"
        advice = "write for example `at most 80 times within 24 h`"
        scope.found.append(error("I0470", message, step.label.span, label, help=advice))
        return None
    basal = None if step.basal is None else current_of(step.basal, scope, around, "`basal` takes")
    lockout = None
    if step.lockout is not None:
        lockout = amount(step.lockout, (TIME,), scope, "`lockout` takes a time")
    inside = replace(around, on_demand=OnDemandAround(basal))
    body = type_steps(step.steps, scope, inside, depth + 1)
    return typed.OnDemand(
        step.label.value,
        basal,
        step.span if step.basal is None else step.basal.span,
        lockout,
        step.span if step.lockout is None else step.lockout.span,
        step.lockout_from == "end",
        tuple(_dose_rule(part, scope) for part in step.counts if part.sliding),
        _dose_rule(whole[0], scope),
        body,
        step.span,
    )


def _dose_rule(part: surface.DoseCount, scope: Scope) -> typed.DoseRule:
    count = amount(part.count_max, (DIMENSIONLESS,), scope, "`at most` takes a number of doses")
    window = amount(part.window, (TIME,), scope, "doses are counted within a time")
    return typed.DoseRule(count, window, part.count_max.span, part.window.span)


def _variable(step: surface.Variable, scope: Scope, around: Around) -> typed.Record | None:
    if step.role == "record":
        return typed.Record(step.name.text, waiting_of(step.waiting, scope), step.span)
    message = f"`{step.role}` stands among the steps, and every answer is known before the first of them"
    advice = "ask at the top of the protocol, or `record` what is seen during the session"
    scope.found.append(error("I0410", message, step.span, "too late here", help=advice))
    return None


def waiting_of(waiting: surface.Waiting | None, scope: Scope) -> typed.Waiting | None:
    """The bound on how long a person is waited for; None when there is none, and after an error."""
    if waiting is None:
        return None
    place = "`waiting at most` takes a time"
    within_ms = positive(waiting.duration_max, TIME, scope, place)
    return None if within_ms is None else typed.Waiting(within_ms, waiting.finish.value, waiting.span)


def _gate(step: surface.Require, scope: Scope, around: Around) -> typed.Gate | None:
    holds = condition(step.condition, scope)
    if step.finish is not None:
        return typed.Gate(holds, step.finish.value, step.condition.span, step.span)
    message = "among the steps, `require` must say what happens otherwise"
    advice = (
        'write `require ... else finish "reason"` here, or move the requirement to the top of the protocol'
    )
    scope.found.append(error("I0410", message, step.span, "and otherwise?", help=advice))
    return None


def classify_step(
    item: surface.Classify, scope: Scope, records: dict[str, Variable]
) -> typed.Classify | None:
    """A table over a variable with a range."""
    value = scope.look_up(item.subject.text, item.subject.span)
    variable = records.get(item.subject.text)
    if value is POISON:
        return None
    if variable is None or not isinstance(variable.domain, IntegerDomain):
        message = f"`{item.subject.text}` cannot be classified"
        advice = "a table gives a meaning to a recorded number: `record chloride: 0 mmol/L .. 160 mmol/L`"
        scope.found.append(error("I0443", message, item.subject.span, "not a recorded number", help=advice))
        return None
    rows = classify_rows(item, variable.domain, scope)
    return None if rows is None else typed.Classify(item.subject.text, rows, item.span)
