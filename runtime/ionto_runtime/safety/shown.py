"""What consoles draw of a bound plan beside its words: electrodes, voltage, what can be moved or pressed."""

from __future__ import annotations

from ionto_ir.bound import BoundPlan
from ionto_ir.canonical import Json
from ionto_ir.entry import expected
from ionto_ir.plan import Confirm, Demand, Instruct, IntegerDomain, Move, Record, Variable, VariableKind
from ionto_ir.trace import area_um2
from ionto_ir.wording import value_text
from ionto_runtime.view import Facts

ASKING = (Confirm, Instruct, Move, Record)
"""Steps that wait for a person."""


def shown(facts: Facts) -> dict[str, Json]:
    """The facts of the plan that a display draws; all of them stay as they are for the whole session."""
    bound = facts.bound
    plans = [bound.plan, *(channel.bound.plan for channel in facts.channels)]
    return {
        "electrodes": [_electrode(bound, index) for index in range(len(bound.plan.electrodes))],
        "compliance_mv": bound.plan.device.compliance_mv,
        "ohm_max": facts.ohm_max,
        "ended_by": facts.dead_man.value,
        "buttons": [step.text for plan in plans for step in plan.steps if isinstance(step, Demand)],
        "channels": [
            {
                "name": channel.name,
                "device": channel.device,
                "electrodes": list(channel.electrodes),
                "planned_pc": channel.planned_pc,
                "steps": list(channel.steps),
            }
            for channel in facts.channels
        ],
        "adjustable": [_adjustable(bound, item) for item in bound.plan.variables if item.adjustable],
        "records": [
            {"name": item.name, "text": item.text or item.name, "expected": expected(item.domain)}
            for item in bound.plan.variables
            if item.kind is VariableKind.RECORD
        ],
        "asks": [index for index, step in enumerate(bound.plan.steps) if isinstance(step, ASKING)],
        "tool": bound.plan.tool,
    }


def _electrode(bound: BoundPlan, index: int) -> dict[str, Json]:
    electrode = bound.plan.electrodes[index]
    return {
        "place": electrode.place.value,
        "role": electrode.role.value,
        "site": electrode.site,
        "area_um2": area_um2(bound.plan, bound.values, index),
    }


def _adjustable(bound: BoundPlan, item: Variable) -> dict[str, Json]:
    known: dict[str, Json] = {"name": item.name, "text": item.text or item.name}
    if isinstance(item.domain, IntegerDomain):
        low, high = value_text(item, item.domain.lo), value_text(item, item.domain.hi)
        known |= {"range": f"{low} to {high}", "example": high}
        known |= {"dimension": item.domain.dimension, "unit": item.domain.unit}
        known["value"] = bound.values[item.name]
    return known
