"""What the plans of the campaign are made of."""

from __future__ import annotations

from collections import Counter

from ionto_ir import expression as terms
from ionto_ir.device import ALL
from ionto_ir.expression import references
from ionto_ir.plan import (
    Branch,
    Demand,
    Finish,
    ForTime,
    Hold,
    Instruct,
    Loop,
    Plan,
    Ramp,
    Record,
    Reverse,
    UntilCharge,
    UntilTotal,
    VariableKind,
    Wait,
)
from ionto_ir.waveform import Form
from tests.differential.cases import AREA, FAR_APART, LASTING, POLE


def constructs(plan: Plan) -> Counter[str]:
    """What a plan is made of, each construct once."""
    found: set[str] = set()
    steps = [*plan.steps, *(step for channel in plan.channels for step in channel.steps)]
    for step in steps:
        found |= _constructs_of(step)
    for monitor in plan.monitors:
        found.add(f"monitor that says {monitor.action.value}")
        found |= {"monitor with hysteresis"} if monitor.until is not None else set()
    course = plan.course
    if course is not None and course is not FAR_APART:
        found.add("course of several sessions")
        found |= {f"carried {memory.kind.value}" for memory in course.memories}
    rules = plan.interruptions
    marks = {
        "adjustable parameter": any(item.adjustable for item in plan.variables),
        "requirement": bool(plan.requirements),
        "refusal": bool(plan.rules),
        "pauses": rules.resume and rules.count_max > 0,
        "no resumption": not rules.resume,
        "several channels": bool(plan.channels),
        "split electrodes": any(item.split != ALL for item in plan.electrodes),
        "pole of the day": plan.pole == POLE,
        "area of the day": any(item.name == AREA for item in plan.variables),
        "time that is a parameter": any(item.name == LASTING for item in plan.variables),
        "soft limit": any(item.soft for item in plan.limits),
        "window": any(item.window_ms is not None for item in plan.limits),
        "prove line": bool(plan.properties),
        "level that is entered": bool(_entered_levels(plan)),
        "rounds while current flows": any(_is_within(plan, step) for step in plan.steps),
        "waveform that changes": any(_changes(plan, step) for step in plan.steps),
        "another way for who is late": any(goes_on(plan, step) for step in plan.steps),
    }
    return Counter(found | {name for name, holds in marks.items() if holds})


def _entered_levels(plan: Plan) -> set[str]:
    recorded = {item.name for item in plan.variables if item.kind is VariableKind.RECORD}
    levels = [step.target_na for step in plan.steps if isinstance(step, Ramp)]
    return {name for level in levels for name in references(level)} & recorded


def _is_within(plan: Plan, step: object) -> bool:
    return isinstance(step, Loop) and any(
        isinstance(other, Ramp | Hold) and plan.steps[other.next] is step and other.next != plan.entry
        for other in plan.steps
        if not (isinstance(other, Ramp) and other.target_na == terms.ZERO)
    )


def _changes(plan: Plan, step: object) -> bool:
    if not isinstance(step, Ramp | Hold):
        return False
    following = plan.steps[step.next]
    flows = isinstance(following, Ramp) and following.start_na != terms.ZERO
    return flows and isinstance(following, Ramp) and following.waveform != step.waveform


def goes_on(plan: Plan, step: object) -> bool:
    """Whether the session does not end where somebody is late."""
    if not isinstance(step, Instruct) or step.late is None:
        return False
    return not isinstance(plan.steps[step.late], Finish)


def _constructs_of(step: object) -> set[str]:
    match step:
        case Ramp(reversed=turned, waveform=waveform):
            found = {"ramp"} | ({"negative current"} if turned else set())
            forms = {Form.PULSED: "pulses", Form.AC: "alternating current"}
            return found if waveform is None else found | {forms[waveform.form]}
        case Hold(until=ForTime()):
            return {"hold for a time"}
        case Hold(until=UntilCharge()):
            return {"hold until a charge"}
        case Hold(until=UntilTotal()):
            return {"hold until a total"}
        case Loop(period_ms=period, within_ms=within):
            named = {"loop", *(["loop with a period"] if period is not None else [])}
            return named | ({"loop bounded by time"} if within is not None else set())
        case Demand(basal_na=basal, rules=rules):
            found = {"doses on demand", *(["doses with a cap in a window"] if rules else [])}
            return found | ({"basal current"} if basal != terms.ZERO else set())
        case Branch():
            return {"branch"}
        case Reverse():
            return {"reversal"}
        case Wait():
            return {"wait"}
        case Instruct(late=late):
            return {"person" if late is None else "person with a bound"}
        case Record(late=late):
            return {"value that is entered" if late is None else "value that is entered in time"}
        case _:
            return set()
