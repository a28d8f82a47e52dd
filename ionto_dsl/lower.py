"""From a typed protocol and a device to a plan: values on its grid, steps in a row, slews decided."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from ionto_dsl import typed
from ionto_dsl.assemble import Assembled, assemble
from ionto_dsl.bounds import Extent, extent_of
from ionto_dsl.currents import Grid
from ionto_dsl.scope import extent_of_domain
from ionto_dsl.wording import base_in_unit
from ionto_ir.dataclass import dataclass, replace
from ionto_ir.device import Device, Place
from ionto_ir.diagnostic import Diagnostic, Label, error, has_errors
from ionto_ir.features import features_of
from ionto_ir.limits import LimitKind
from ionto_ir.plan import (
    SCHEMA,
    Channel,
    Hold,
    IntegerDomain,
    Interruptions,
    Plan,
    Ramp,
    SourceDigest,
    Variable,
    VariableKind,
)
from ionto_ir.source import Span
from ionto_ir.units import BASE_UNITS, CURRENT, FREQUENCY, SLEW, TIME, format_quantity
from ionto_ir.waveform import Waveform, whole_periods
from ionto_ir.wording import waveform_text

_CURRENT = BASE_UNITS[CURRENT].noun

PERIOD_MHZ_MS = 1_000_000
"""A frequency in mHz times a time in ms that makes one period."""


@dataclass(frozen=True, slots=True)
class Lowered:
    """A plan (None after an error) and what was found on the way."""

    plan: Plan | None
    diagnostics: tuple[Diagnostic, ...]


def check_structure(protocol: typed.Protocol, extents: Mapping[str, Extent]) -> tuple[Diagnostic, ...]:
    """What is wrong with the steps whatever the device: as on one that can set every nanoampere."""
    found: list[Diagnostic] = []
    for part in _parts(protocol):
        assemble(part, Grid(1, None), dict(extents), _records(protocol), found)
    return tuple(dict.fromkeys(found))


def _parts(protocol: typed.Protocol) -> tuple[typed.Protocol, ...]:
    """What is assembled one by one: the whole, or what people do around the channels, and each channel."""
    if not protocol.channels:
        return (protocol,)
    names = ", ".join(channel.name for channel in protocol.channels)
    text = f"All channels have come to their end: {names}"
    gather = typed.Tell(True, text, None, protocol.span)
    around = replace(protocol, session=(gather,))
    alone = (_alone(protocol, channel) for channel in protocol.channels)
    return (around, *alone)


def _alone(protocol: typed.Protocol, channel: typed.Channel) -> typed.Protocol:
    electrodes = protocol.electrodes
    own = tuple(electrodes[index] for index in channel.electrodes if index < len(electrodes))
    return replace(protocol, before=(), session=channel.steps, after=(), electrodes=own)


def lower(
    protocol: typed.Protocol,
    device: Device,
    extents: Mapping[str, Extent],
    files: tuple[SourceDigest, ...],
    tool: str,
) -> Lowered:
    """The plan for one device. The protocol must be free of errors; the device may bring new ones.

    A parameter that is a current and has no step of its own takes the device's: every value that can be
    chosen is one that can be set.
    """
    found: list[Diagnostic] = []
    variables = tuple(_on_device(variable, device, found) for variable in protocol.variables)
    known = dict(extents)
    for variable in variables:
        extent = extent_of_domain(variable.domain)
        if extent is not None:
            known[variable.name] = extent
    stop, resume = _slews(protocol, device, found)
    grid = Grid(device.step_na, device.name, min(stop, resume))
    assembled, *channels = [
        assemble(part, grid, known, _records(protocol), found) for part in _parts(protocol)
    ]
    for part in (assembled, *channels):
        found += _uneven(part, device)
    found += _channel_misfits(protocol, device)
    if has_errors(found) or protocol.interruptions is None:
        return Lowered(None, tuple(found))
    plan = _plan(protocol, device, variables, assembled, (stop, resume), protocol.interruptions, files, tool)
    if channels:
        plan = _with_channels(plan, protocol, channels)
    return Lowered(plan, tuple(dict.fromkeys(found)))


def _channel_misfits(protocol: typed.Protocol, device: Device) -> Iterator[Diagnostic]:
    """Whether the device has the channels, and keeps the returns apart that the protocol keeps apart."""
    channels = protocol.channels
    if len(channels) > device.channels:
        message = f"the protocol uses {len(channels)} channels, and `{device.name}` has {device.channels}"
        labels = (Label(device.span, "the device"),)
        yield error("I0466", message, channels[device.channels].span, "one too many", labels=labels)
    if not channels or not device.shared_return:
        return
    for index, electrode in enumerate(protocol.electrodes):
        count = sum(index in channel.electrodes for channel in channels)
        if electrode.place is Place.RETURN and count < len(channels):
            message = (
                f"`{device.name}` joins the returns of its channels, and this electrode is on {count} of them"
            )
            advice = "leave out its `channel`: each return electrode may then carry the sum of all currents"
            labels = (Label(device.span, "`return shared`"),)
            yield error("I0466", message, electrode.span, "not apart", labels=labels, help=advice)


def _with_channels(plan: Plan, protocol: typed.Protocol, parts: list[Assembled]) -> Plan:
    channels = tuple(
        Channel(channel.name, channel.electrodes, part.steps, part.counters, channel.span)
        for channel, part in zip(protocol.channels, parts, strict=True)
    )
    despite = {
        index: part.despite for item, part in zip(channels, parts, strict=True) for index in item.electrodes
    }
    electrodes = tuple(
        replace(electrode, despite=electrode.despite or (despite.get(index) if electrode.drugs else None))
        for index, electrode in enumerate(plan.electrodes)
    )
    plan = replace(plan, channels=channels, electrodes=electrodes)
    return replace(plan, requires=features_of(plan))


def _records(protocol: typed.Protocol) -> dict[str, Span]:
    return {
        variable.name: variable.span
        for variable in protocol.variables
        if variable.kind is VariableKind.RECORD
    }


def _on_device(variable: Variable, device: Device, found: list[Diagnostic]) -> Variable:
    """The variable with values that the device can set, if it is a current that is chosen."""
    domain = variable.domain
    if not isinstance(domain, IntegerDomain) or domain.dimension != _CURRENT:
        return variable
    if variable.kind is not VariableKind.PARAMETER:
        return variable
    grid = device.step_na
    values = [(f"the low end of `{variable.name}`", domain.lo)]
    if domain.step is not None:
        values.append((f"the step of `{variable.name}`", domain.step))
    else:
        values.append((f"the high end of `{variable.name}`", domain.hi))
        values += [] if domain.default is None else [(f"the default of `{variable.name}`", domain.default)]
    for what, value in values:
        if value % grid:
            found.append(_off_step(variable, domain, device, what, value))
            return variable
    return replace(variable, domain=replace(domain, step=domain.step or grid))


def _off_step(variable: Variable, domain: IntegerDomain, device: Device, what: str, value: int) -> Diagnostic:
    below = value - value % device.step_na
    low, high = (base_in_unit(near, CURRENT, domain.unit) for near in (below, below + device.step_na))
    step = base_in_unit(device.step_na, CURRENT, domain.unit)
    choices = high if below == 0 else f"{low} or {high}"
    return error(
        "I0421",
        f"the device `{device.name}` sets its current in steps of {step}, and {what} is no multiple of that",
        variable.span,
        f"{what} is {base_in_unit(value, CURRENT, domain.unit)}",
        labels=(Label(device.span, f"steps of {step}"),),
        help=f"write {choices}",
    )


def _slews(protocol: typed.Protocol, device: Device, found: list[Diagnostic]) -> tuple[int, int]:
    """The smaller of what envelopes and device allow, unless the protocol says otherwise."""
    limits = [limit.bound for limit in protocol.limits if limit.kind is LimitKind.RAMP and not limit.soft]
    usual = min([*limits, device.slew_na_s])
    chosen = []
    for movement, said in (("stop", protocol.stop), ("resume", protocol.resume)):
        value = usual if said is None else said.slew_na_s
        if said is not None and value > device.slew_na_s:
            most = base_in_unit(device.slew_na_s, SLEW, "mA/s")
            found.append(
                error(
                    "I0422",
                    f"the device `{device.name}` cannot {movement} that fast",
                    said.span,
                    f"it changes its current by at most {most}",
                    labels=(Label(device.span, "the device"),),
                )
            )
        chosen.append(value)
    return chosen[0], chosen[1]


def _uneven(assembled: Assembled, device: Device) -> list[Diagnostic]:
    """Waveforms of which a tick holds no whole number of periods: its charge would not be the mean."""
    found: list[Diagnostic] = []
    before: Waveform | None = None
    for step in assembled.steps:
        if not isinstance(step, Ramp | Hold):
            continue
        # A hold goes on with what flows: that is told at the line before it.
        told = isinstance(step, Hold) and step.waveform == before
        before = step.waveform
        if step.waveform is not None and not told and not whole_periods(step.waveform, device.tick_ms):
            tick = base_in_unit(device.tick_ms, TIME, "ms")
            message = f"a tick of `{device.name}` does not hold a whole number of these periods"
            label = f"{waveform_text(step.waveform)}, in {tick}"
            advice = _fitting(step.waveform.frequency_mhz, device.tick_ms)
            where = (Label(device.span, f"a tick is {tick}"),)
            found.append(error("I0477", message, step.span, label, labels=where, help=advice))
    return found


def _fitting(frequency_mhz: int, tick_ms: int) -> str:
    """What to write: the frequencies below and above of which a tick holds a whole number of periods."""
    periods = frequency_mhz * tick_ms // PERIOD_MHZ_MS
    near = [count * PERIOD_MHZ_MS for count in (periods, periods + 1) if count]
    even = [format_quantity(value // tick_ms, FREQUENCY, "Hz") for value in near if value % tick_ms == 0]
    if not even:
        return "choose a frequency of which a tick holds a whole number of periods"
    return f"the nearest that fit: {' and '.join(f'`{text}`' for text in even)}"


def _plan(
    protocol: typed.Protocol,
    device: Device,
    variables: tuple[Variable, ...],
    assembled: Assembled,
    slews: tuple[int, int],
    interruptions: Interruptions,
    files: tuple[SourceDigest, ...],
    tool: str,
) -> Plan:
    despite = assembled.despite
    plan = Plan(
        schema=SCHEMA,
        requires=(),
        tool=tool,
        name=protocol.name,
        version=protocol.version,
        title=protocol.title,
        indication=protocol.indication,
        codes=protocol.codes,
        source=protocol.source,
        device=device,
        envelopes=protocol.envelopes,
        electrodes=tuple(
            replace(electrode, despite=electrode.despite or (despite if electrode.drugs else None))
            for electrode in protocol.electrodes
        ),
        variables=variables,
        requirements=protocol.requirements,
        rules=protocol.rules,
        exclusions=protocol.exclusions,
        limits=protocol.limits,
        interruptions=interruptions,
        stop_slew_na_s=slews[0],
        resume_slew_na_s=slews[1],
        may_saturate=protocol.may_saturate,
        steps=assembled.steps,
        entry=0,
        counters=assembled.counters,
        course=protocol.course,
        properties=protocol.properties,
        files=files,
        span=protocol.span,
        monitors=protocol.monitors,
        pole=protocol.pole,
    )
    return replace(plan, requires=features_of(plan))


def misfit(plan: Plan) -> str | None:
    """Why a device that nobody named does not fit a plan at first sight; the verifier looks closely."""
    device = plan.device
    extents = {
        variable.name: extent
        for variable in plan.variables
        if (extent := extent_of_domain(variable.domain)) is not None
    }
    for envelope in plan.envelopes:
        if envelope.device_classes and device.device_class not in envelope.device_classes:
            meant = " or ".join(envelope.device_classes)
            return f"the envelope `{envelope.name}` is meant for {meant} devices"
    for step in (*plan.steps, *(step for channel in plan.channels for step in channel.steps)):
        if isinstance(step, Ramp | Hold):
            form = "dc" if step.waveform is None else step.waveform.form.value
            if form not in device.waveforms:
                return f"it does not have the waveform `{form}`"
        if isinstance(step, Ramp):
            extent = extent_of(step.target_na, extents)
            if extent is not None and extent.hi > device.current_na_max:
                most = base_in_unit(device.current_na_max, CURRENT, "mA")
                wanted = base_in_unit(extent.hi, CURRENT, "mA")
                return f"it gives at most {most}, and the protocol goes up to {wanted}"
    return None
