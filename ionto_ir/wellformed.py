"""What every plan must be before anything else is asked of it: the gate of the loader and of the compiler.

Well-formedness says nothing about safety. It says that the plan means something: that its steps lead
somewhere and end, that its names exist, that polarity is reversed at zero, that its numbers are sane and fit
64 bits.
"""

from __future__ import annotations

from collections.abc import Iterator

from ionto_ir.canonical import INTEGER_MAX
from ionto_ir.channels import care_plan, channel_plans, channel_problems, speaks_of
from ionto_ir.device import Device
from ionto_ir.diagnostic import Diagnostic, error
from ionto_ir.expression import Constant
from ionto_ir.features import features_of
from ionto_ir.limits import ADDS_UP, PER_ELECTRODE, Limit, LimitKind
from ionto_ir.monitor import Monitor, MonitorAction
from ionto_ir.parts import parts_in
from ionto_ir.plan import (
    SCHEMA,
    Channel,
    Classify,
    ClassRow,
    Confirm,
    Human,
    Instruct,
    IntegerDomain,
    Move,
    Plan,
    PropertyKind,
    Record,
    UserProperty,
)
from ionto_ir.source import Span
from ionto_ir.wellformed_bounds import CHARGE_PC_MAX, worst_charge_pc
from ionto_ir.wellformed_course import course_faults
from ionto_ir.wellformed_doses import dose_problems
from ionto_ir.wellformed_electrodes import electrode_problems
from ionto_ir.wellformed_graph import graph_problems, loops_around
from ionto_ir.wellformed_levels import level_problems
from ionto_ir.wellformed_records import record_problems
from ionto_ir.wellformed_values import OBSERVABLES, value_problems

__all__ = ["OBSERVABLES", "check"]


def check(plan: Plan) -> tuple[Diagnostic, ...]:
    """Every reason why the plan is not well formed (I0821 to I0827); empty when it is."""
    if plan.channels:
        return _check_channels(plan)
    found = [*_header_problems(plan), *_number_problems(plan)]
    found += electrode_problems(plan)
    found += value_problems(plan)
    graph = graph_problems(plan)
    found += graph
    if found:
        return tuple(found)  # what follows walks the graph and the expressions
    found += record_problems(plan)
    found += level_problems(plan)
    found += dose_problems(plan)
    found += _charge_problems(plan)
    return tuple(found)


def _check_channels(plan: Plan) -> tuple[Diagnostic, ...]:
    """Whether the channels go together, and what people do around them and each channel is a plan."""
    found = [*_header_problems(plan), *channel_problems(plan)]
    if any(not 0 <= index < len(plan.electrodes) for item in plan.channels for index in item.electrodes):
        found.append(error("I0827", "a channel has an electrode that is not there", plan.span))
    if found:
        return tuple(found)
    found += check(care_plan(plan))
    for part in channel_plans(plan):
        found += check(part)
    if not found:
        found += [_wavering(channel) for channel in plan.channels if parts_in(channel.steps) is None]
    for item in plan.properties:
        if not any(speaks_of(item, channel.steps) for channel in plan.channels):
            found.append(error("I0825", "a property speaks of a step that is on no channel", item.span))
    return tuple(dict.fromkeys(found))


def _wavering(channel: Channel) -> Diagnostic:
    text = f"in which part of the session a step of `{channel.name}` is depends on the way to it"
    return error("I0827", text, channel.span)


def _header_problems(plan: Plan) -> Iterator[Diagnostic]:
    if plan.schema != SCHEMA:
        yield error("I0821", f"the plan's schema is `{plan.schema}`, expected `{SCHEMA}`", plan.span)
    expected = features_of(plan)
    if plan.requires != expected:
        shown = ", ".join(f"`{feature}`" for feature in expected) or "nothing"
        yield error("I0822", f"the plan must require exactly what it uses: {shown}", plan.span)
    if not plan.name or not plan.version:
        yield error("I0827", "the plan has no name or no version", plan.span)


def _number_problems(plan: Plan) -> Iterator[Diagnostic]:
    for problem, span in _numbers(plan):
        if problem is not None:
            yield error("I0827", problem, span)


def _numbers(plan: Plan) -> Iterator[tuple[str | None, Span]]:
    yield _device_problem(plan.device), plan.device.span
    yield _slew_problem(plan), plan.span
    if min(plan.interruptions.count_max, plan.interruptions.each_ms_max) < 0:
        yield "interruptions cannot be negative in number or length", plan.interruptions.span
    for limit in plan.limits:
        yield _limit_problem(limit), limit.span
    for electrode in plan.electrodes:
        area = electrode.area_um2
        if isinstance(area, Constant) and area.value <= 0:
            yield "an electrode has no area", electrode.span
    for envelope in plan.envelopes:
        impedance = envelope.impedance
        if impedance is not None and not 0 <= impedance.ohm_min <= impedance.ohm_max:
            yield "an assumed impedance range is empty", envelope.span
    for item in plan.properties:
        yield _property_problem(item), item.span
    for monitor in plan.monitors:
        yield _monitor_problem(monitor), monitor.span
    for step in plan.steps:
        if isinstance(step, Confirm | Instruct | Record | Move):
            yield _human_problem(plan, step), step.span
    yield from course_faults(plan)
    domains = {item.name: item.domain for item in plan.variables}
    for step in plan.steps:
        if isinstance(step, Classify):
            domain = domains.get(step.variable)
            yield _table_problem(step, domain if isinstance(domain, IntegerDomain) else None), step.span


def _device_problem(device: Device) -> str | None:
    if not 0 <= device.current_na_min <= device.current_na_max <= INTEGER_MAX:
        return "the device's range of current is empty"
    if (
        device.step_na <= 0
        or device.current_na_min % device.step_na
        or device.current_na_max % device.step_na
    ):
        return "the device's range of current does not fit its step"
    if device.current_na_min > device.step_na:
        return "the device sets nothing between zero and its least current, where every ramp passes"
    if device.accuracy_ppm < 0 or device.accuracy_offset_na < 0 or device.host_gap_ms < 0:
        return "the device's accuracy and host gap cannot be negative"
    if device.tick_ms <= 0 or device.slew_na_s <= 0 or device.compliance_mv <= 0:
        return "the device's tick, slew and compliance must be positive"
    if device.watchdog_ms <= device.tick_ms + device.host_gap_ms:
        return "the device's watchdog must be longer than its tick and its host gap together"
    return None


def _slew_problem(plan: Plan) -> str | None:
    if not 0 < plan.stop_slew_na_s <= plan.device.slew_na_s:
        return "the stop slew must be positive and within what the device can do"
    if not 0 < plan.resume_slew_na_s <= plan.device.slew_na_s:
        return "the resume slew must be positive and within what the device can do"
    return None


def _limit_problem(limit: Limit) -> str | None:
    if limit.bound < 0:
        return "a limit cannot be negative"
    if limit.role is not None and limit.kind not in (LimitKind.CURRENT, *PER_ELECTRODE, *ADDS_UP):
        return "only limits of current, dose and their densities speak of anode or cathode"
    windowed = limit.kind in (*ADDS_UP, LimitKind.SESSIONS)
    if limit.window_ms is not None and (limit.window_ms <= 0 or not windowed):
        return "only dose, charge density and session limits have a window, and it is longer than nothing"
    if limit.per_site and limit.window_ms is None:
        return "a limit per site has a window"
    if limit.kind is LimitKind.SESSIONS and limit.window_ms is None:
        return "a limit of sessions needs a window"
    return None


def _property_problem(item: UserProperty) -> str | None:
    if item.kind is PropertyKind.FINISHED:
        said = item.within_ms is not None and item.within_ms >= 0 and item.condition is None
    else:
        said = item.condition is not None and item.within_ms is None
    return None if said else "a property does not say what its kind needs"


def _monitor_problem(monitor: Monitor) -> str | None:
    if monitor.persistence_ms < 0:
        return "a monitor cannot wait for less than nothing"
    if monitor.action is MonitorAction.STOP and monitor.until is not None:
        return "what was stopped is not resumed, so nothing ends it"
    return None


def _human_problem(plan: Plan, step: Human) -> str | None:
    if (step.within_ms is None) is not (step.late is None):
        return "a person is waited for with a bound but without a way out, or the other way round"
    if step.within_ms is not None and step.within_ms <= 0:
        return "a person is waited for longer than nothing"
    if isinstance(step, Move) and not 0 <= step.electrode < len(plan.electrodes):
        return "a step moves an electrode that is not there"
    return None


def _table_problem(step: Classify, domain: IntegerDomain | None) -> str | None:
    """Rows in rising order, each beginning exactly where the one before ended, covering the whole range."""
    if not step.rows:
        return "a table has no rows"
    if domain is not None:
        first, last = step.rows[0], step.rows[-1]
        if first.lo is not None and not _includes(first, domain.lo):
            return f"the table leaves out the lowest value of `{step.variable}`"
        if last.hi is not None and not _includes(last, domain.hi):
            return f"the table leaves out the highest value of `{step.variable}`"
    for row, following in zip(step.rows, step.rows[1:], strict=False):
        if row.hi is None or row.hi != following.lo or row.hi_included == following.lo_included:
            return "the rows of a table have a gap or an overlap"
    for row in step.rows:
        if row.lo is not None and row.hi is not None and row.lo > row.hi:
            return "a row of a table is empty"
    return None


def _includes(row: ClassRow, value: int) -> bool:
    """Whether a value lies in a row; open ends include everything on their side."""
    above = row.lo is None or row.lo < value or (row.lo == value and row.lo_included)
    below = row.hi is None or value < row.hi or (value == row.hi and row.hi_included)
    return above and below


def _charge_problems(plan: Plan) -> Iterator[Diagnostic]:
    worst = worst_charge_pc(plan, loops_around(plan))
    if isinstance(worst, tuple):
        for index in worst:
            yield error("I0827", f"step {index} has no bound on its time", plan.steps[index].span)
    elif worst > CHARGE_PC_MAX:
        yield error("I0827", "the charge of the longest possible session does not fit 64 bits", plan.span)
