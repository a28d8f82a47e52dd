"""Monitors at work: what each has seen so far, which of them act now, and what keeps a session from resuming.

Monitors look at levels, once a tick, at what was read in the interval that ended. Pure judgement: what
becomes of the session is decided by the machine's table, to which a monitor's pause and stop are the same
events as a person's, at the same moment. So nothing is to be proved of monitors that is not proved of people.

- A condition that reads the device is looked at only while the output is on; any other also at rest, as long
  as current is still to come.
- A reading that stays away counts as one under which the condition holds, and `until` does not. Below
  PROBE_NA nobody can tell an impedance, so there a missing reading says nothing.
- A condition that speaks of a value that is not recorded yet says nothing.
- A pause with `until` is resumed only when `until` holds, as far as that can be told at rest. Where it cannot
  a person may resume, and the monitor stays alert: it pauses again unless `until` is soon seen to hold.
"""

from __future__ import annotations

from ionto_ir.bound import BoundPlan
from ionto_ir.events import Tick
from ionto_ir.expression import (
    Environment,
    Expression,
    Operation,
    Operator,
    Undefined,
    evaluate,
    negation,
    references,
)
from ionto_ir.monitor import MEASURED, Monitor, MonitorAction
from ionto_ir.state import Machine, Mode, Seen, Vigil

PROBE_NA = 100_000
"""From this setpoint on a device must be able to tell the impedance (the probe level of R13)."""

ON, READY, PAUSING, PAUSED = Mode.ON, Mode.READY, Mode.PAUSING, Mode.PAUSED
_MEASURED = frozenset(MEASURED)


def vigil_of(bound: BoundPlan) -> Vigil:
    """Before the first tick."""
    return Vigil((Seen(),) * len(bound.plan.monitors))


def attend(
    bound: BoundPlan, machine: Machine, values: Environment, vigil: Vigil, event: Tick, ahead: bool
) -> tuple[Vigil, tuple[int, ...]]:
    """What the monitors have seen with this tick, and the numbers of those that act now.

    `ahead` says whether current may still flow: when none is to come, there is nothing to guard.
    """
    measured_na = None if event.measured_na is None else abs(event.measured_na)
    readings = (measured_na, event.voltage_mv, event.impedance_ohm)
    environment = _environment(values, readings, machine)
    set_na = machine.level_na // bound.constants.step_na * bound.constants.step_na
    seen: list[Seen] = []
    acting: list[int] = []
    for number, (monitor, before) in enumerate(zip(bound.plan.monitors, vigil.seen, strict=True)):
        begun = machine.elapsed_ms > 0 or monitor.action is not MonitorAction.PAUSE
        if not ahead or not begun or machine.mode not in _LOOKS[monitor.action]:
            seen.append(before._replace(held_ms=0))
            continue
        holds = _verdict(_condition(monitor, before), environment, machine.mode, set_na)
        now = _advanced(monitor, before, holds, bound.constants.tick_ms)
        if before.acted and monitor.action is not MonitorAction.STOP and holds is False:
            now = Seen()  # it lets go
        acts = now.held_ms > 0 and now.held_ms >= monitor.persistence_ms
        if acts and not (before.acted and monitor.action is MonitorAction.WARN):
            acting.append(number)
        seen.append(Seen(0, acted=True) if acts else now)
    return vigil._replace(seen=tuple(seen), readings=readings), tuple(acting)


_LOOKS: dict[MonitorAction, frozenset[Mode]] = {
    MonitorAction.PAUSE: frozenset({READY, ON}),
    MonitorAction.STOP: frozenset({READY, ON, PAUSING, PAUSED}),
    MonitorAction.WARN: frozenset({READY, ON, PAUSING, PAUSED}),
}
"""Where the machine must be for a monitor to look."""


def _environment(
    values: Environment, readings: tuple[int | None, int | None, int | None], machine: Machine
) -> dict[str, int | bool]:
    found = {name: value for name, value in zip(MEASURED, readings, strict=True) if value is not None}
    delivered = {"output.charge": machine.nominal_pc, "output.elapsed": machine.elapsed_ms}
    return {**values, **found, **delivered}


def _condition(monitor: Monitor, before: Seen) -> Expression:
    """What the monitor looks for: once it has acted, that `until` does not hold yet."""
    return negation(monitor.until) if before.acted and monitor.until is not None else monitor.condition


def _advanced(monitor: Monitor, before: Seen, holds: bool | None, tick_ms: int) -> Seen:
    return before._replace(held_ms=before.held_ms + tick_ms if holds else 0)


def _verdict(condition: Expression, environment: Environment, mode: Mode, set_na: int) -> bool | None:
    """Whether the condition counts as holding; None where nothing can be said."""
    names = references(condition)
    missing = names - environment.keys()
    if names & _MEASURED and mode not in (ON, PAUSING):
        return None
    if missing - _MEASURED:
        return None
    holds = three_valued(condition, environment)
    if holds is None and set_na >= PROBE_NA:
        return True
    return holds


def three_valued(condition: Expression, environment: Environment) -> bool | None:
    """Whether a condition holds whatever the missing values are; None when that depends on them."""
    match condition:
        case Operation(Operator.NOT, (operand,)):
            inner = three_valued(operand, environment)
            return None if inner is None else not inner
        case Operation(Operator.AND | Operator.OR as operator, operands):
            decisive = operator is Operator.OR
            parts = [three_valued(operand, environment) for operand in operands]
            if decisive in parts:
                return decisive
            return None if None in parts else not decisive
        case _:
            found = evaluate(condition, environment)
            return None if isinstance(found, Undefined) else bool(found)


# --- people --------------------------------------------------------------------------------------------
def held_back(bound: BoundPlan, machine: Machine, values: Environment, vigil: Vigil) -> str | None:
    """Why a paused session cannot be resumed yet, in the words of the monitor that paused it; else None."""
    environment = _environment(values, vigil.readings, machine)
    for monitor, seen in zip(bound.plan.monitors, vigil.seen, strict=True):
        if not seen.acted or monitor.action is not MonitorAction.PAUSE or monitor.until is None:
            continue
        if three_valued(monitor.until, environment) is False:
            return f"what paused it is not mended yet: {monitor.text}"
    return None


def resumed(bound: BoundPlan, machine: Machine, values: Environment, vigil: Vigil) -> Vigil:
    """The vigil after a person resumes: a monitor whose `until` cannot be told yet stays alert."""
    environment = _environment(values, vigil.readings, machine)
    seen = []
    for monitor, before in zip(bound.plan.monitors, vigil.seen, strict=True):
        unknown = monitor.until is not None and three_valued(monitor.until, environment) is None
        pauses = monitor.action is MonitorAction.PAUSE
        seen.append(Seen(0, acted=before.acted and unknown) if pauses else before)
    return vigil._replace(seen=tuple(seen), cause=None)
