"""Which limits the channels of a session violate together: where they share an electrode, or a person.

What one channel does alone is judged by `ionto_ir.observer`. Here the channels' stretches are laid beside
each other and added up.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from fractions import Fraction
from itertools import pairwise

from ionto_ir.channels import channel_plans, channels_of, is_together
from ionto_ir.dataclass import dataclass, replace
from ionto_ir.device import WHOLE, Place
from ionto_ir.expression import Value
from ionto_ir.limits import ADDS_UP, Limit, LimitKind
from ionto_ir.observer import MV_PER_NA_OHM, Violation, per_area, summed, violations
from ionto_ir.plan import Plan
from ionto_ir.trace import Stretch, Trace, area_um2, at_worst_mean_na, at_worst_na, role_at, stretches
from ionto_ir.waveform import alternates


@dataclass(frozen=True, slots=True)
class Joint:
    """A time in which no channel changes, with what each of them emits."""

    from_ms: int
    to_ms: int
    on: bool
    parts: tuple[Stretch | None, ...]


def joints(traces: Sequence[Trace]) -> tuple[Joint, ...]:
    """The traces beside each other, cut wherever one of them changes."""
    lists = [stretches(trace) for trace in traces]
    times = sorted({at_ms for parts in lists for part in parts for at_ms in (part.from_ms, part.to_ms)})
    places = [0] * len(lists)
    found = []
    for from_ms, to_ms in pairwise(times):
        parts: list[Stretch | None] = []
        for number, known in enumerate(lists):
            while places[number] < len(known) and known[places[number]].to_ms <= from_ms:
                places[number] += 1
            here = known[places[number]] if places[number] < len(known) else None
            parts.append(here if here is not None and here.on and here.from_ms <= from_ms else None)
        found.append(Joint(from_ms, to_ms, any(part is not None for part in parts), tuple(parts)))
    return tuple(found)


def violations_together(
    plan: Plan, values: Mapping[str, Value], traces: Sequence[Trace], *, soft: bool = False
) -> tuple[Violation, ...]:
    """The violated limits, of each channel and of all together, the earliest violation first."""
    found = list(_alone(plan, values, traces, soft=soft))
    parts = joints(traces)
    for limit in plan.limits:
        if limit.soft is soft:
            found += _of_all(plan, values, parts, limit)
    first: dict[tuple[Limit, int | None], Violation] = {}
    for item in sorted(found, key=lambda item: (item.at_ms, -item.value)):
        first.setdefault((item.limit, item.electrode), item)
    return tuple(first.values())


def _alone(
    plan: Plan, values: Mapping[str, Value], traces: Sequence[Trace], *, soft: bool
) -> Iterator[Violation]:
    """What each channel does; the number of an electrode is that of the whole plan."""
    for channel, part, trace in zip(plan.channels, channel_plans(plan), traces, strict=True):
        for item in violations(part, values, trace, soft=soft):
            electrode = None if item.electrode is None else channel.electrodes[item.electrode]
            yield replace(item, electrode=electrode)


def _of_all(
    plan: Plan, values: Mapping[str, Value], parts: tuple[Joint, ...], limit: Limit
) -> Iterator[Violation]:
    if limit.kind is LimitKind.DURATION:
        yield from _duration(parts, limit)
    for electrode in range(len(plan.electrodes)) if limit.per_electrode else (None,):
        reading = reading_together(plan, values, limit, electrode)
        if reading is not None:
            yield from _judged(limit, parts, reading, electrode)


def reading_together(
    plan: Plan, values: Mapping[str, Value], limit: Limit, electrode: int | None
) -> Callable[[Joint], Fraction] | None:
    """How to read off what a limit speaks of where channels add up (of an ADDS_UP limit: what each ms adds).
    None where each channel is alone.
    """
    if is_together(limit):
        everywhere = range(len(plan.channels))
        return lambda joint: _sum(plan, limit, joint, everywhere)
    if electrode is not None and limit.per_electrode:
        return _at_shared(plan, values, limit, electrode)
    return _voltage(plan, limit) if limit.kind is LimitKind.VOLTAGE else None


def _judged(
    limit: Limit,
    parts: tuple[Joint, ...],
    value_of: Callable[[Joint], Fraction],
    electrode: int | None = None,
) -> Iterator[Violation]:
    if limit.kind in ADDS_UP:
        flows = [(part.from_ms, part.to_ms, value_of(part)) for part in parts if part.on]
        yield from summed(limit, flows, electrode)
        return
    above = [(part, value) for part in parts if part.on and (value := value_of(part)) > limit.bound]
    if above:
        yield Violation(limit, above[0][0].from_ms, max(value for _, value in above), electrode)


def _sum(
    plan: Plan, limit: Limit, joint: Joint, channels: Sequence[int], electrode: int | None = None
) -> Fraction:
    """What a limit speaks of, added up over channels: through an electrode only while it has the role."""
    peak = limit.kind in (LimitKind.CURRENT, LimitKind.DENSITY)
    total = 0
    for channel in channels:
        part = joint.parts[channel]
        if part is None:
            continue
        if electrode is not None and limit.role is not None:
            in_role = role_at(plan, electrode, part.setpoint_na) is limit.role
            if not in_role and not alternates(part.waveform):
                continue
        if limit.nominal:
            total += part.magnitude_na if peak else part.mean_na
        else:
            total += at_worst_na(plan, part) if peak else at_worst_mean_na(plan, part)
    return Fraction(total)


def _at_shared(
    plan: Plan, values: Mapping[str, Value], limit: Limit, electrode: int
) -> Callable[[Joint], Fraction] | None:
    """An electrode of several channels carries the sum of their currents, whichever way they flow."""
    channels = channels_of(plan, electrode)
    if len(channels) < 2:
        return None
    area = area_um2(plan, values, electrode)
    assert area is not None, "the values of the day are known"
    scale = per_area(limit.kind, area) * Fraction(plan.electrodes[electrode].split.hi_ppm, WHOLE)
    return lambda joint: _sum(plan, limit, joint, channels, electrode) * scale


def _duration(parts: tuple[Joint, ...], limit: Limit) -> Iterator[Violation]:
    energised = [part for part in parts if part.on]
    if energised:
        first_ms = energised[0].from_ms
        length = energised[-1].to_ms - first_ms
        if length > limit.bound:
            yield Violation(limit, first_ms + limit.bound, Fraction(length))


def shared_return(plan: Plan) -> tuple[int, ...]:
    """The channels that meet in a return electrode, if any do: each may need the voltage for all of them."""
    for index, electrode in enumerate(plan.electrodes):
        channels = channels_of(plan, index)
        if electrode.place is Place.RETURN and len(channels) > 1:
            return channels
    return ()


def _voltage(plan: Plan, limit: Limit) -> Callable[[Joint], Fraction] | None:
    """Nobody knows how the impedance is shared out between the return and the rest: all of it may be the
    return's.
    """
    channels = shared_return(plan)
    ohms = [item.impedance.ohm_max for item in plan.envelopes if item.impedance is not None]
    if not channels or not ohms:
        return None

    def value_of(joint: Joint) -> Fraction:
        needed = (
            _sum(plan, replace(limit, kind=LimitKind.CURRENT), joint, channels) * max(ohms) * MV_PER_NA_OHM
        )
        return min(Fraction(plan.device.compliance_mv), needed)

    return value_of
