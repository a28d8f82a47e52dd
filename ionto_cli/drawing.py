"""From a plan, the values of a day and what was emitted to a picture."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from ionto_cli.picture import Band, Bar, Curve, Level, Mark, Picture
from ionto_cli.words import Sources, step_in_words
from ionto_ir.channels import channel_plans, is_together
from ionto_ir.dataclass import replace
from ionto_ir.device import Place
from ionto_ir.expression import Value
from ionto_ir.limits import Limit, LimitKind, Role
from ionto_ir.observer_together import joints
from ionto_ir.plan import BooleanDomain, Plan, VariableKind
from ionto_ir.rehearsed import Rehearsed
from ionto_ir.trace import Trace, area_um2, role_at, stretches
from ionto_ir.wording import limit_text, value_text

NA_PER_MA = 1e6
PC_PER_MA_MIN = 6e10
MS_PER_S = 1e3
NA_UM2_PER_UA_M2 = 10**9
"""I/nA times 1e9 equals D/(uA/m2) times A/um2."""


def picture_of(
    plan: Plan,
    values: Mapping[str, Value],
    trace: Trace,
    sources: Sources,
    *,
    bars: Sequence[Bar] = (),
    marks: Sequence[Mark] = (),
) -> Picture:
    """The session as a picture, with the limits that hold for these values."""
    return Picture(
        title=plan.title or plan.name,
        subtitle=f"{plan.device.name}, {chosen_values(plan, values)}".rstrip(", "),
        curves=[curve_of("setpoint", trace)],
        bands=_bands(plan, trace, sources),
        current_levels=_current_levels(plan, values, trace),
        charge_levels=_charge_levels(plan),
        bars=list(bars),
        marks=list(marks),
        simulated=plan.device.driver == "simulated",
    )


def picture_of_outcome(
    plan: Plan, outcome: Rehearsed, sources: Sources, *, bars: Sequence[Bar] = (), marks: Sequence[Mark] = ()
) -> Picture:
    """A rehearsed session as a picture: one curve, or one for each channel."""
    values = outcome.values
    if not plan.channels:
        return picture_of(plan, values, outcome.run.trace, sources, bars=bars, marks=marks)
    parts = tuple(zip(channel_plans(plan), outcome.traces, strict=True))
    levels = {(item.value, item.text): item for part, trace in parts for item in _alone(part, values, trace)}
    longest_part, longest = max(parts, key=lambda pair: _last_ms(pair[1]))
    names = [channel.name for channel in plan.channels]
    alone = [curve_of(name, trace) for name, (_, trace) in zip(names, parts, strict=True)]
    shared = replace(plan, limits=tuple(limit for limit in plan.limits if is_together(limit)))
    total = _together(outcome.traces)
    levels |= {(item.value, item.text): item for item in _levels_of_all(shared, total)}
    return Picture(
        title=plan.title or plan.name,
        subtitle=f"{plan.device.name}, {chosen_values(plan, values)}".rstrip(", "),
        curves=[*_distinct(alone), total],
        bands=_bands(longest_part, longest, sources),
        current_levels=list(levels.values()),
        charge_levels=_charge_levels(shared),
        bars=list(bars),
        marks=list(marks),
        simulated=plan.device.driver == "simulated",
    )


def _distinct(curves: Sequence[Curve]) -> list[Curve]:
    """Channels in which the same flows share a curve: those that lie under another one would not be seen."""
    found: dict[tuple[tuple[float, ...], tuple[float, ...]], list[Curve]] = {}
    for curve in curves:
        found.setdefault((tuple(curve.time_s), tuple(curve.current_ma)), []).append(curve)
    return [
        replace(same[0], name=", ".join(curve.name for curve in same) + (" (each)" if same[1:] else ""))
        for same in found.values()
    ]


def _together(traces: Sequence[Trace]) -> Curve:
    """What all channels emit together: magnitudes added up, as limits on everything that flows count them."""
    times, currents, charges, total = [0.0], [0.0], [0.0], 0.0
    for joint in joints(traces):
        current = sum(part.magnitude_na for part in joint.parts if part is not None)
        times.append(joint.from_ms / MS_PER_S)
        currents.append(current / NA_PER_MA)
        charges.append(total / PC_PER_MA_MIN)
        total += current * (joint.to_ms - joint.from_ms)
    times.append(max(trace.end_ms for trace in traces) / MS_PER_S)
    currents.append(0.0)
    charges.append(total / PC_PER_MA_MIN)
    return Curve("all together", times, currents, charges, total=True)


def _levels_of_all(plan: Plan, total: Curve) -> list[Level]:
    """The tightest limit on what flows in all channels, unless it would squeeze the curves flat."""
    bounds = [limit for limit in plan.limits if limit.kind is LimitKind.CURRENT and not limit.soft]
    tightest = min(bounds, key=lambda limit: limit.bound, default=None)
    if tightest is None or tightest.bound / NA_PER_MA > 4 * max(total.current_ma):
        return []
    return [Level(tightest.bound / NA_PER_MA, f"{limit_text(tightest)}, all together")]


def _alone(part: Plan, values: Mapping[str, Value], trace: Trace) -> list[Level]:
    """The limits that can be drawn beside one channel's curve: not those that all channels share."""
    own = replace(part, limits=tuple(limit for limit in part.limits if not is_together(limit)))
    own = replace(own, electrodes=tuple(item for item in part.electrodes if item.place is Place.ACTIVE))
    return _current_levels(own, values, trace)


def _last_ms(trace: Trace) -> int:
    return max((part.to_ms for part in stretches(trace) if part.on), default=0)


def chosen_values(plan: Plan, values: Mapping[str, Value]) -> str:
    """Parameters and geometry of the day on one line; answers are left out when they are a plain no."""
    return ", ".join(
        f"{variable.name} = {value_text(variable, values[variable.name])}"
        for variable in plan.variables
        if variable.kind is not VariableKind.RECORD
        and variable.name in values
        and not (isinstance(variable.domain, BooleanDomain) and not values[variable.name])
    )


def curve_of(name: str, trace: Trace) -> Curve:
    """Setpoint and nominal charge as step functions; the curve begins and ends at zero."""
    times, currents, charges, total = [0.0], [0.0], [0.0], 0.0
    for part in stretches(trace):
        current = part.setpoint_na if part.on else 0
        times.append(part.from_ms / MS_PER_S)
        currents.append(current / NA_PER_MA)
        charges.append(total / PC_PER_MA_MIN)
        total += abs(current) * (part.to_ms - part.from_ms)
    times.append(trace.end_ms / MS_PER_S)
    currents.append(0.0)
    charges.append(total / PC_PER_MA_MIN)
    return Curve(name, times, currents, charges)


def _bands(plan: Plan, trace: Trace, sources: Sources) -> list[Band]:
    bands = []
    for index, (at_ms, step) in enumerate(trace.visits):
        last = index + 1 == len(trace.visits)
        end_ms = trace.end_ms if last else trace.visits[index + 1][0]
        if end_ms > at_ms:
            words = step_in_words(plan.steps[step], sources)
            bands.append(Band(at_ms / MS_PER_S, end_ms / MS_PER_S, words))
    return bands


def _current_levels(plan: Plan, values: Mapping[str, Value], trace: Trace) -> list[Level]:
    """Each limit on the current, and each density limit as the current that it means for today's areas."""
    parts = [part for part in stretches(trace) if part.on and part.setpoint_na]
    signs = sorted({1 if part.setpoint_na > 0 else -1 for part in parts}, reverse=True)
    lowest: dict[tuple[int, str], Level] = {}
    for limit in plan.limits:
        for sign in signs:
            bound_na = _as_current(plan, values, limit, sign)
            if bound_na is not None:
                level = Level(sign * bound_na / NA_PER_MA, limit_text(limit))
                known = lowest.get((sign, limit.kind.value))
                if known is None or abs(level.value) < abs(known.value):
                    lowest[sign, limit.kind.value] = level
    highest = max((abs(part.setpoint_na) for part in parts), default=0) / NA_PER_MA
    # A limit far above the curve would squeeze it flat; the bars below still show it.
    return [level for level in lowest.values() if abs(level.value) <= 4 * highest]


def _as_current(plan: Plan, values: Mapping[str, Value], limit: Limit, sign: int) -> int | None:
    if limit.kind is LimitKind.CURRENT:
        return limit.bound
    if limit.kind is not LimitKind.DENSITY:
        return None
    bounds = []
    for index in range(len(plan.electrodes)):
        role: Role = role_at(plan, index, sign)
        area = area_um2(plan, values, index)
        if area is not None and limit.role in (None, role):
            bounds.append(limit.bound * area // NA_UM2_PER_UA_M2)
    return min(bounds, default=None)


def _charge_levels(plan: Plan) -> list[Level]:
    bounds = {limit.bound: limit for limit in reversed(plan.limits) if limit.kind is LimitKind.DOSE}
    return [Level(bound / PC_PER_MA_MIN, limit_text(limit)) for bound, limit in sorted(bounds.items())]
