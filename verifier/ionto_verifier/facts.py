"""The facts about device, electrodes and course that a claim's numbers contain, in words and with their
place.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import assert_never

from ionto_ir.expression import Constant
from ionto_ir.plan import BooleanDomain, ChoiceDomain, IntegerDomain, Plan, Variable
from ionto_ir.units import AREA, CURRENT, SLEW, TIME, VOLTAGE, format_quantity
from ionto_ir.wording import value_text
from ionto_verifier.assumptions import accuracy_text
from ionto_verifier.decision import BoundUsed, CoreItem, GuardUsed
from ionto_verifier.environment import Environment, Origin
from ionto_verifier.obligation import Variable as SolverVariable
from ionto_verifier.report import Support


def fact_support(plan: Plan, fact: str) -> Support:
    """What a proof rests on besides the limit and the plan's own lines; others speak for themselves."""
    if fact.startswith("electrode "):
        return _electrode(plan, int(fact.removeprefix("electrode ")))
    if fact == "impedance":
        assumed = [item.impedance for item in plan.envelopes if item.impedance is not None]
        high = max(item.ohm_max for item in assumed)
        return Support(f"impedance at most {high} Ohm", assumed[0].span)
    if fact == "course":
        return Support("the course", plan.span if plan.course is None else plan.course.span)
    text = _device_fact(plan, fact)
    return Support(fact, plan.span) if text is None else Support(text, plan.device.span)


def _electrode(plan: Plan, index: int) -> Support:
    electrode = plan.electrodes[index]
    area = electrode.area_um2
    size = format_quantity(area.value, AREA, "cm2") if isinstance(area, Constant) else "asked on the day"
    return Support(f"area of `{electrode.profile}` on `{electrode.site}`: {size}", electrode.span)


def _device_fact(plan: Plan, fact: str) -> str | None:
    device = plan.device
    match fact:
        case "accuracy":
            said = accuracy_text(device)
        case "compliance":
            said = format_quantity(device.compliance_mv, VOLTAGE, "V")
        case "tick":
            said = format_quantity(device.tick_ms, TIME, "ms")
        case "watchdog":
            said = format_quantity(device.watchdog_ms, TIME, "ms")
        case "step":
            said = format_quantity(device.step_na, CURRENT, "uA")
        case "slew":
            said = format_quantity(device.slew_na_s, SLEW, "mA/s")
        case "range":
            said = f"up to {format_quantity(device.current_na_max, CURRENT, 'mA')}"
        case "waveforms":
            said = ", ".join(device.waveforms)
        case "stop slew" | "stop and resume slew":
            stop = f"a stop falls at {format_quantity(plan.stop_slew_na_s, SLEW, 'mA/s')}"
            resume = f"a resume rises at {format_quantity(plan.resume_slew_na_s, SLEW, 'mA/s')}"
            return stop if fact == "stop slew" else f"{stop}, {resume}"
        case _:
            return None
    return f"{fact} of `{device.name}`: {said}"


def support_of(
    plan: Plan, environment: Environment, item: CoreItem, origins: Mapping[str, object]
) -> Support | None:
    """A plan variable's bound or a guard of the plan; what is only ours (a fresh variable) tells people
    nothing.
    """
    match item:
        case GuardUsed(name):
            origin = origins.get(name)
            return Support(origin.text, origin.span) if isinstance(origin, Origin) else None
        case BoundUsed(name, upper):
            original = environment.copies.get(name, name)
            found = next((variable for variable in plan.variables if variable.name == original), None)
            return None if found is None else _bound(found, environment.variables[original], upper)


def _bound(variable: Variable, solver: SolverVariable, upper: bool) -> Support | None:
    match variable.domain:
        case BooleanDomain():
            return None  # that it is yes or no tells nobody anything
        case ChoiceDomain(labels):
            return Support(f"{variable.name}: {' | '.join(labels)}", variable.span)
        case IntegerDomain():
            end = solver.highest if upper else solver.lo
            sign = "<=" if upper else ">="
            return Support(f"{variable.name} {sign} {value_text(variable, end)}", variable.span)
    assert_never(variable.domain)
