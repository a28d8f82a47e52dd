"""What flowed in a session, compactly, and an observer that judges it by the limits.

The observer shares no arithmetic with the machine: it is given only the plan's facts and what was emitted,
and recomputes from scratch what the skin may have received. Everything is exact.
"""

from __future__ import annotations

from collections.abc import Mapping

from ionto_ir.dataclass import dataclass
from ionto_ir.expression import Undefined, Value, evaluate
from ionto_ir.limits import Role
from ionto_ir.plan import Plan
from ionto_ir.waveform import Waveform, mean_na

PPM = 1_000_000


@dataclass(frozen=True, slots=True)
class Point:
    """From `at_ms` on the output was `on` at `setpoint_na` (signed: positive is the declared polarity).

    Times count from the first energised tick. `step` is the index of the plan's step. `cut` says that the
    output was opened at once, by an emergency stop or a fault, which no ramp limit speaks of. With a
    `waveform` the setpoint is its peak.
    """

    at_ms: int
    setpoint_na: int
    on: bool
    step: int
    cut: bool = False
    waveform: Waveform | None = None


@dataclass(frozen=True, slots=True)
class Trace:
    """A run-length list of what was emitted, until `end_ms`; times rise and are whole ticks of `tick_ms`.

    `visits` lists when each step was entered, also those that took no time.
    """

    points: tuple[Point, ...]
    visits: tuple[tuple[int, int], ...]
    end_ms: int
    tick_ms: int


@dataclass(frozen=True, slots=True)
class Stretch:
    """A time in which the output did not change: [from_ms, to_ms)."""

    from_ms: int
    to_ms: int
    setpoint_na: int
    on: bool
    step: int
    cut: bool
    waveform: Waveform | None = None

    @property
    def magnitude_na(self) -> int:
        """The set magnitude (of a waveform, its peak), 0 while the output is off."""
        return abs(self.setpoint_na) if self.on else 0

    @property
    def mean_na(self) -> int:
        """The mean of |I| that was set: what adds up."""
        return mean_na(self.waveform, self.magnitude_na)


def stretches(trace: Trace) -> tuple[Stretch, ...]:
    """The stretches of a trace in order, empty ones left out."""
    found = []
    for index, point in enumerate(trace.points):
        last = index + 1 == len(trace.points)
        to_ms = trace.end_ms if last else trace.points[index + 1].at_ms
        if to_ms > point.at_ms:
            found.append(
                Stretch(
                    point.at_ms, to_ms, point.setpoint_na, point.on, point.step, point.cut, point.waveform
                )
            )
    return tuple(found)


def at_worst_na(plan: Plan, stretch: Stretch) -> int:
    """What the skin may receive, nA: the setpoint and the device's accuracy on the wrong side; 0 when off."""
    return _worst_na(plan, stretch.magnitude_na) if stretch.on else 0


def at_worst_mean_na(plan: Plan, stretch: Stretch) -> int:
    """The same of the mean of |I|, which adds up to charge."""
    return _worst_na(plan, stretch.mean_na) if stretch.on else 0


def _worst_na(plan: Plan, magnitude: int) -> int:
    inaccuracy = (magnitude * plan.device.accuracy_ppm + PPM - 1) // PPM
    return magnitude + inaccuracy + plan.device.accuracy_offset_na


@dataclass(frozen=True, slots=True)
class Observation:
    """What a session amounted to.

    `duration_ms` runs from the first energised tick to the end of the last; `on_ms` is the time with the
    output on. Charges are pC: nominal as set, worst as the skin may have received it.
    """

    peak_na: int
    worst_na: int
    nominal_pc: int
    worst_pc: int
    duration_ms: int
    on_ms: int


def observe(plan: Plan, trace: Trace) -> Observation:
    """Sum up a trace."""
    peak = worst = nominal = upper = on_ms = 0
    first: int | None = None
    last = 0
    for stretch in stretches(trace):
        if not stretch.on:
            continue
        length = stretch.to_ms - stretch.from_ms
        peak = max(peak, stretch.magnitude_na)
        worst = max(worst, at_worst_na(plan, stretch))
        nominal += stretch.mean_na * length
        upper += at_worst_mean_na(plan, stretch) * length
        on_ms += length
        first = stretch.from_ms if first is None else first
        last = stretch.to_ms
    duration = 0 if first is None else last - first
    return Observation(peak, worst, nominal, upper, duration, on_ms)


def area_um2(plan: Plan, values: Mapping[str, Value], electrode: int) -> int | None:
    """The area of an electrode, um2, or None while its geometry is not known."""
    found = evaluate(plan.electrodes[electrode].area_um2, values)
    return None if isinstance(found, Undefined) else int(found)


def role_at(plan: Plan, electrode: int, setpoint_na: int) -> Role:
    """The role of an electrode under a signed setpoint; zero counts as the declared polarity."""
    declared = plan.electrodes[electrode].role
    if setpoint_na >= 0:
        return declared
    return Role.CATHODE if declared is Role.ANODE else Role.ANODE


def setpoint_at(trace: Trace, at_ms: int) -> int:
    """The signed setpoint during the tick that begins at or holds at `at_ms`; 0 while off."""
    found = 0
    for point in trace.points:
        if point.at_ms > at_ms:
            break
        found = point.setpoint_na if point.on else 0
    return 0 if at_ms >= trace.end_ms else found
