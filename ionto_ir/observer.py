"""Which limits, and which of the author's `prove` lines, a trace violates: where first, and by how much."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from fractions import Fraction
from itertools import accumulate
from math import lcm
from typing import assert_never

from ionto_ir.dataclass import dataclass
from ionto_ir.device import WHOLE
from ionto_ir.expression import Expression, Undefined, Value, evaluate
from ionto_ir.labels import steps_called
from ionto_ir.limits import ADDS_UP, PER_ELECTRODE, Limit, LimitKind
from ionto_ir.plan import Confirm, Instruct, Move, Plan, PropertyKind, Record, UserProperty
from ionto_ir.trace import Stretch, Trace, area_um2, at_worst_mean_na, at_worst_na, role_at, stretches
from ionto_ir.waveform import alternates

DENSITY_PER_NA_UM2 = 10**9
"""1 nA over 1 um2 is 1e9 uA/m2."""
CHARGE_DENSITY_PER_PC_UM2 = 10**6
"""1 pC over 1 um2 is 1e6 uC/m2."""
MV_PER_NA_OHM = Fraction(1, 1_000_000)


@dataclass(frozen=True, slots=True)
class Violation:
    """A limit is violated first at `at_ms`; `value` is the worst that was seen, in the limit's base unit.

    `electrode` is the index of the electrode where the limit is about one. `at_ms` is a time of the session.
    """

    limit: Limit
    at_ms: int
    value: Fraction
    electrode: int | None = None


def violations(
    plan: Plan, values: Mapping[str, Value], trace: Trace, *, soft: bool = False
) -> tuple[Violation, ...]:
    """The violated limits (the soft ones instead when `soft`), the earliest violation first.

    A limit of sessions cannot be seen in one session and is not judged here; nor is what earlier sessions
    left in a moving window.
    """
    parts = stretches(trace)
    found = [
        violation
        for limit in plan.limits
        if limit.soft is soft
        for violation in _violations_of(plan, values, trace, parts, limit)
    ]
    return tuple(sorted(found, key=lambda violation: violation.at_ms))


def _violations_of(
    plan: Plan, values: Mapping[str, Value], trace: Trace, parts: tuple[Stretch, ...], limit: Limit
) -> Iterator[Violation]:
    match limit.kind:
        case LimitKind.RAMP:
            yield from _ramp(plan, trace, parts, limit)
        case LimitKind.DURATION:
            yield from _duration(plan, parts, limit)
        case LimitKind.SESSIONS:
            return
        case _:
            judge = _summed if limit.kind in ADDS_UP else _exceeded
            for electrode in range(len(plan.electrodes)) if limit.per_electrode else (None,):
                yield from judge(limit, parts, reading_of(plan, values, limit, electrode), electrode)


def reading_of(
    plan: Plan, values: Mapping[str, Value], limit: Limit, electrode: int | None = None
) -> Callable[[Stretch], Fraction]:
    """What a limit on a level, or on what adds up in a ms, reads in a stretch, in the base unit of its kind.

    Of an electrode where the limit is about one. Slopes, durations and counts are not read in a stretch.
    """
    if electrode is not None:
        return _at_electrode(plan, values, limit, electrode)
    match limit.kind:
        case LimitKind.CURRENT:
            return lambda part: Fraction(_current(plan, limit, part))
        case LimitKind.PULSE_CHARGE:
            return lambda part: _pulse_pc(plan, limit, part)
        case LimitKind.VOLTAGE:
            return lambda part: _voltage_mv(plan, limit, part)
        case LimitKind.DOSE:
            return lambda part: Fraction(_mean(plan, limit, part))
        case LimitKind.STOP_TIME:
            return lambda part: Fraction(_stop_ms(plan, part))
        case LimitKind.DENSITY | LimitKind.MEAN_DENSITY | LimitKind.CHARGE_DENSITY:
            raise AssertionError("a density is that of an electrode")
        case LimitKind.RAMP | LimitKind.DURATION | LimitKind.SESSIONS:
            raise AssertionError("not read in a stretch")
        case _:
            assert_never(limit.kind)


def _exceeded(
    limit: Limit,
    parts: tuple[Stretch, ...],
    value_of: Callable[[Stretch], Fraction],
    electrode: int | None = None,
) -> Iterator[Violation]:
    """The first stretch above the limit says when, the highest says how much."""
    above = [(part, value) for part in parts if part.on and (value := value_of(part)) > limit.bound]
    if above:
        highest = max(value for _, value in above)
        yield Violation(limit, above[0][0].from_ms, highest, electrode)


def _current(plan: Plan, limit: Limit, part: Stretch) -> int:
    """nA that a limit speaks of: as set when it says nominal, otherwise at worst."""
    return part.magnitude_na if limit.nominal else at_worst_na(plan, part)


def _mean(plan: Plan, limit: Limit, part: Stretch) -> int:
    """The same of the mean of |I|."""
    return part.mean_na if limit.nominal else at_worst_mean_na(plan, part)


def _pulse_pc(plan: Plan, limit: Limit, part: Stretch) -> Fraction:
    """pC of a pulse, or of the larger half-wave; direct current has none.

    A period lasts 1e6 / mHz in ms. Of pulses the peak flows for the duty. Of AC forwards and backwards add up
    to the mean and differ by the direct part.
    """
    waveform = part.waveform
    if waveform is None:
        return Fraction(0)
    period_ms = Fraction(1_000_000, waveform.frequency_mhz)
    if waveform.duty_ppm < 1_000_000:
        return _current(plan, limit, part) * period_ms * waveform.duty_ppm / 1_000_000
    direct = Fraction(part.magnitude_na * waveform.offset_ppm, 1_000_000)
    larger = (part.mean_na + direct) / 2
    if not limit.nominal:
        larger = larger * (1_000_000 + plan.device.accuracy_ppm) / 1_000_000 + plan.device.accuracy_offset_na
    return larger * period_ms


def _at_electrode(
    plan: Plan, values: Mapping[str, Value], limit: Limit, electrode: int
) -> Callable[[Stretch], Fraction]:
    """What one electrode carries, at the largest share that it may have, in the role that the polarity gives
    it, or in both where the current alternates.
    """
    area = area_um2(plan, values, electrode)
    assert area is not None, "the values of the day are known"
    scale = per_area(limit.kind, area) * Fraction(plan.electrodes[electrode].split.hi_ppm, WHOLE)
    current_of = _current if limit.kind in (LimitKind.CURRENT, LimitKind.DENSITY) else _mean

    def value_of(part: Stretch) -> Fraction:
        in_role = limit.role in (None, role_at(plan, electrode, part.setpoint_na))
        return current_of(plan, limit, part) * scale if in_role or alternates(part.waveform) else Fraction(0)

    return value_of


def per_area(kind: LimitKind, area_um2: int) -> Fraction:
    """What makes a density, in the base unit of the kind, of a current or charge through an electrode."""
    if kind not in PER_ELECTRODE:
        return Fraction(1)
    unit = CHARGE_DENSITY_PER_PC_UM2 if kind is LimitKind.CHARGE_DENSITY else DENSITY_PER_NA_UM2
    return Fraction(unit, area_um2)


def _voltage_mv(plan: Plan, limit: Limit, part: Stretch) -> Fraction:
    """The output: current times the highest assumed impedance, or the compliance if that is less."""
    compliance = Fraction(plan.device.compliance_mv)
    ohms = [item.impedance.ohm_max for item in plan.envelopes if item.impedance is not None]
    if not ohms:
        return compliance if part.magnitude_na else Fraction(0)
    return min(compliance, _current(plan, limit, part) * max(ohms) * MV_PER_NA_OHM)


def _stop_ms(plan: Plan, part: Stretch) -> int:
    """From this setpoint to zero at the stop slew, in whole ticks."""
    tick = plan.device.tick_ms
    fall = max(1, Fraction(plan.stop_slew_na_s * tick, 1000).__floor__())
    return Fraction(part.magnitude_na, fall).__ceil__() * tick


def _ramp(plan: Plan, trace: Trace, parts: tuple[Stretch, ...], limit: Limit) -> Iterator[Violation]:
    """No two ticks may differ by more than the limit's line between them and one step of the device.

    The output is a staircase; a change by one device step counts as continuous. So for ticks at s < t:
    |I(t) - I(s)| * 1000 <= bound * (t - s) + 1000 * step. It is enough to compare where a stretch begins with
    the extremes of what went before, taken at the last tick of each stretch.
    """
    step = 1000 * plan.device.step_na
    rising = falling = (
        0  # 1000 * I - bound * t at its lowest, 1000 * I + bound * t at its highest, before now
    )
    started = False
    steepest, first_ms = Fraction(0), -1
    for part in parts:
        current = 1000 * part.setpoint_na if part.on else 0
        before_ms = part.from_ms - trace.tick_ms
        if not started or part.cut:
            rising, falling = -limit.bound * before_ms, limit.bound * before_ms
            started = True
        if not part.cut:
            line = limit.bound * part.from_ms
            excess = max(current - line - rising, falling - (current + line)) - step
            if excess > 0:
                first_ms = part.from_ms if first_ms < 0 else first_ms
                # Over one tick, which is where a jump is steepest, the excess adds to the limit's own slope.
                steepest = max(steepest, limit.bound + Fraction(excess, trace.tick_ms))
        last_ms = part.to_ms - trace.tick_ms
        rising = min(rising, current - limit.bound * last_ms)
        falling = max(falling, current + limit.bound * last_ms)
    if first_ms >= 0:
        yield Violation(limit, first_ms, steepest)


def _summed(
    limit: Limit,
    parts: tuple[Stretch, ...],
    rate_of: Callable[[Stretch], Fraction],
    electrode: int | None = None,
) -> Iterator[Violation]:
    """The sum of what flows at these rates."""
    yield from summed(
        limit, [(part.from_ms, part.to_ms, rate_of(part)) for part in parts if part.on], electrode
    )


def summed(
    limit: Limit, flows: Sequence[tuple[int, int, Fraction]], electrode: int | None = None
) -> Iterator[Violation]:
    """The sum of the session, or of the fullest window of the given length within it; flows are (from, to,
    rate).
    """
    # All rates are whole multiples of one fraction: sums of whole numbers take a tenth of the time.
    unit = lcm(*(rate.denominator for _, _, rate in flows))
    times, gained = [0], [0]
    for from_ms, to_ms, rate in flows:
        times += [from_ms, to_ms]
        gained += [0, rate.numerator * (unit // rate.denominator) * (to_ms - from_ms)]
    charges = list(accumulate(gained))
    highest, crossed = _fullest(times, charges, limit.window_ms, limit.bound * unit)
    if crossed is not None:
        yield Violation(limit, crossed, Fraction(highest) / unit, electrode)


def _fullest(
    times: list[int], charges: list[int], window_ms: int | None, bound: int
) -> tuple[Fraction | int, int | None]:
    """The charge in the fullest window, or in all, and when it first passes the bound, if it does."""
    if window_ms is None:
        crossed = next((time for time, charge in zip(times, charges, strict=True) if charge > bound), None)
        return charges[-1], crossed

    def delivered(at_ms: int) -> Fraction | int:
        """The charge until `at_ms`: it rises evenly between two times."""
        index = bisect_right(times, at_ms) - 1
        if index < 0:
            return 0
        if index + 1 == len(times):
            return charges[-1]
        rise, span = charges[index + 1] - charges[index], times[index + 1] - times[index]
        part, rest = divmod(rise * (at_ms - times[index]), span)
        return charges[index] + (part if not rest else part + Fraction(rest, span))

    # Between two of these times the charge in the window changes evenly, so its maximum is at one of them.
    corners = sorted({*times, *(at_ms + window_ms for at_ms in times if at_ms + window_ms <= times[-1])})
    sums = [(delivered(at_ms) - delivered(at_ms - window_ms), at_ms) for at_ms in corners]
    return (
        max(charge for charge, _ in sums),
        next((at_ms for charge, at_ms in sums if charge > bound), None),
    )


def _duration(plan: Plan, parts: tuple[Stretch, ...], limit: Limit) -> Iterator[Violation]:
    energised = [part for part in parts if part.on]
    if energised:
        first_ms, last_ms = energised[0].from_ms, energised[-1].to_ms
        length = last_ms - first_ms
        if limit.apart:
            length -= _with_people_ms(plan, parts, first_ms, last_ms)
        if length > limit.bound:
            yield Violation(limit, energised[0].from_ms + limit.bound, Fraction(length))


def broken_properties(
    plan: Plan, values: Mapping[str, Value], trace: Trace
) -> tuple[tuple[UserProperty, int], ...]:
    """The `prove` lines that the trace breaks, each with the time at which it first does.

    A condition is looked at for every tick: output.current is what is set during it, output.charge and
    output.elapsed are what they are at its end. One that has no value at some tick (a value not recorded yet)
    says nothing there.
    """
    found = []
    for item in plan.properties:
        at_ms = _broken_at(plan, values, trace, item)
        if at_ms is not None:
            found.append((item, at_ms))
    return tuple(found)


def _broken_at(plan: Plan, values: Mapping[str, Value], trace: Trace, item: UserProperty) -> int | None:
    parts = stretches(trace)
    if item.kind is PropertyKind.FINISHED:
        return finished_late(plan, trace, item, max((part.to_ms for part in parts if part.on), default=0))
    assert item.condition is not None, "the plan is well formed"
    since = _since_ms(plan, trace, item.after)
    until = _until_ms(plan, trace, item.before)
    during = None if item.during is None else steps_called(plan, item.during)
    if since is None:
        return None
    breaks_when = item.kind is PropertyKind.NEVER
    return _first_tick(parts, during, trace, values, item.condition, breaks_when, (since, until))


def finished_late(plan: Plan, trace: Trace, item: UserProperty, end_ms: int) -> int | None:
    """When the time of a `finished within` was over, if that is before the session's end; else None."""
    assert item.within_ms is not None, "the plan is well formed"
    since = _since_ms(plan, trace, item.after)
    if since is None:
        return None
    apart_ms = _with_people_ms(plan, stretches(trace), since, end_ms) if item.apart else 0
    late_ms = since + item.within_ms + apart_ms
    return late_ms if end_ms > late_ms else None


def _since_ms(plan: Plan, trace: Trace, after: str | None) -> int | None:
    """When the steps with that text ended first; 0 when none is named, None when that was not reached."""
    if after is None:
        return 0
    named = steps_called(plan, after)
    running = False
    for at_ms, step in trace.visits:
        if running and step not in named:
            return at_ms
        running = step in named
    return None


def _until_ms(plan: Plan, trace: Trace, before: str | None) -> int:
    """When the steps with that text began first; the end when none is named, or they never began."""
    named = frozenset() if before is None else steps_called(plan, before)
    return next((at_ms for at_ms, step in trace.visits if step in named), trace.end_ms)


def _with_people_ms(plan: Plan, parts: tuple[Stretch, ...], since_ms: int, until_ms: int) -> int:
    """How long people were waited for in a time of the session."""
    waits = (part for part in parts if isinstance(plan.steps[part.step], Confirm | Instruct | Record | Move))
    return sum(max(0, min(part.to_ms, until_ms) - max(part.from_ms, since_ms)) for part in waits)


def _first_tick(
    parts: tuple[Stretch, ...],
    during: Collection[int] | None,
    trace: Trace,
    values: Mapping[str, Value],
    condition: Expression,
    breaks_when: bool,
    between_ms: tuple[int, int],
) -> int | None:
    """The beginning of the first tick, in a time and in the steps `during`, that breaks the property."""
    environment = dict(values)
    charge = 0
    for part in parts:
        spoken_of = during is None or part.step in during
        for at_ms in range(part.from_ms, part.to_ms, trace.tick_ms):
            charge += part.mean_na * trace.tick_ms
            if not spoken_of or not between_ms[0] <= at_ms < between_ms[1]:
                continue
            environment["output.current"] = part.magnitude_na
            environment["output.charge"] = charge
            environment["output.elapsed"] = at_ms + trace.tick_ms
            found = evaluate(condition, environment)
            if not isinstance(found, Undefined) and bool(found) is breaks_when:
                return at_ms
    return None
