"""What counts as seeing a property fail: looked for in what the machine did, by arithmetic that is not the
prover's.
"""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction

from ionto_ir.bind import Refusal
from ionto_ir.bound import fall_per_tick_na
from ionto_ir.dataclass import dataclass, replace
from ionto_ir.expression import Undefined, evaluate
from ionto_ir.limits import LimitKind
from ionto_ir.observer import MV_PER_NA_OHM, Violation, broken_properties, finished_late, violations
from ionto_ir.plan import Hold, Plan, PropertyKind, Ramp, UntilTotal, successors
from ionto_ir.rehearse import Outcome, Rehearsed
from ionto_ir.trace import Stretch, Trace, at_worst_na, role_at, stretches
from ionto_ir.waveform import alternates
from ionto_verifier.instant import highest_impedance
from ionto_verifier.properties import Claim, Property


@dataclass(frozen=True, slots=True)
class Sighting:
    """A property was seen to fail at a time of the session, ms; `value` is in its base unit."""

    at_ms: int | None
    value: Fraction | None
    step: int | None


UNSEEN = Sighting(None, None, None)
"""The failure has no moment: the session does not begin."""


def seen(plan: Plan, claim: Claim, step: int | None, outcome: Rehearsed) -> Sighting | None:
    """Whether a session of the disarmed machine shows that the claim fails, at this step where it is about
    one.
    """
    if claim.limit is not None:
        found = _violation(plan, outcome, claim)
        if found is None and claim.limit.kind is LimitKind.RAMP:
            found = _steep_line(plan, claim.limit.bound, outcome)
        return found
    match claim.property:
        case Property.SLEW:
            return _steep_line(plan, plan.device.slew_na_s, outcome)
        case Property.DRIVE:
            return _undriven(plan, outcome.run.trace)
        case Property.TOTAL:
            assert step is not None, "a total is that of a hold"
            return _more_than_the_total(plan, step, outcome)
        case Property.PROVE:
            return _broken_promise(plan, claim, outcome)
        case Property.GUARD:
            return Sighting(0, None, None) if outcome.observed.on_ms else None
        case _:
            return None


def _violation(plan: Plan, outcome: Rehearsed, claim: Claim) -> Sighting | None:
    """The first violation of the claim's limit; what the rehearsal saw of hard limits is not judged again."""
    limit = claim.limit
    assert limit is not None, "asked of a limit"
    trace = outcome.run.trace
    if limit.soft or limit not in plan.limits:
        judged = violations(replace(plan, limits=(limit,)), outcome.values, trace, soft=limit.soft)
    else:
        judged = tuple(found for found in outcome.violations if found.limit == limit)
    for found in judged:
        if claim.electrode in (None, found.electrode):
            return _at(plan, trace, found)
    return None


def _at(plan: Plan, trace: Trace, found: Violation) -> Sighting:
    """What adds up and what changes is told where the limit is passed, a level where it is highest."""
    at_ms = found.at_ms
    if found.limit.kind in LEVELS:
        parts = [part for part in stretches(trace) if part.on and _speaks_of(plan, found, part)]
        at_ms = max(parts, key=lambda part: (part.magnitude_na, -part.from_ms)).from_ms
    return Sighting(at_ms, found.value, step_at(trace, at_ms))


LEVELS = frozenset(
    {
        LimitKind.CURRENT,
        LimitKind.DENSITY,
        LimitKind.MEAN_DENSITY,
        LimitKind.PULSE_CHARGE,
        LimitKind.VOLTAGE,
        LimitKind.STOP_TIME,
    }
)
"""Limits on the level of the current, in whatever form."""


def _speaks_of(plan: Plan, found: Violation, part: Stretch) -> bool:
    limit, electrode = found.limit, found.electrode
    if limit.role is None or electrode is None:
        return True
    return role_at(plan, electrode, part.setpoint_na) is limit.role or alternates(part.waveform)


def step_at(trace: Trace, at_ms: int) -> int | None:
    """The step that was running at a time; the stop that follows a step belongs to it."""
    found = None
    for point in trace.points:
        if point.at_ms <= at_ms:
            found = point.step
    return found


def _steep_line(plan: Plan, bound_na_s: int, outcome: Rehearsed) -> Sighting | None:
    """The steepest line that the session followed, if it is steeper than the bound.

    What is emitted is a staircase that may be a step of the device off its line; the line itself is what a
    limit speaks of. Its slope is worked out from the plan's own expressions at the values of the session.
    """
    trace = outcome.run.trace
    lines = [*_ramp_lines(plan, outcome), *_fall_lines(plan, outcome)]
    above = [(slope, at_ms) for slope, at_ms in lines if slope > bound_na_s]
    if not above:
        return None
    slope, at_ms = max(above)
    return Sighting(at_ms, slope, step_at(trace, at_ms))


def _ramp_lines(plan: Plan, outcome: Rehearsed) -> Iterator[tuple[Fraction, int]]:
    """The slope, nA/s, and the time of each ramp that was entered and moves."""
    for at_ms, index in outcome.run.trace.visits:
        step = plan.steps[index]
        if isinstance(step, Ramp):
            operands = (step.target_na, step.start_na, step.slope.delta_na, step.slope.over_ms)
            found = [evaluate(operand, outcome.run.final.values) for operand in operands]
            numbers = [int(value) for value in found if not isinstance(value, Undefined)]
            if len(numbers) == len(operands) and numbers[0] != numbers[1] and numbers[3] > 0:
                yield Fraction(numbers[2] * 1000, numbers[3]), at_ms


def _fall_lines(plan: Plan, outcome: Rehearsed) -> Iterator[tuple[Fraction, int]]:
    """The slopes of a stop and of the way back from a pause, where the session had them."""
    final = outcome.run.final.machine
    if not outcome.finished or final.interruptions:
        fall_na = fall_per_tick_na(plan.stop_slew_na_s, plan.device.tick_ms)
        yield Fraction(fall_na * 1000, plan.device.tick_ms), outcome.run.trace.end_ms
    if final.interruptions:
        yield Fraction(plan.resume_slew_na_s), outcome.run.trace.end_ms


def _undriven(plan: Plan, trace: Trace) -> Sighting | None:
    ohm_max = highest_impedance(plan)
    assert ohm_max is not None, "asked only where an impedance is assumed"
    for part in stretches(trace):
        needed = at_worst_na(plan, part) * ohm_max * MV_PER_NA_OHM
        if needed > plan.device.compliance_mv:
            return Sighting(part.from_ms, needed, part.step)
    return None


def _more_than_the_total(plan: Plan, index: int, outcome: Rehearsed) -> Sighting | None:
    """What was emitted when the hold, or the descent that it looks ahead at, is over: what follows is not its
    concern.
    """
    trace, step = outcome.run.trace, plan.steps[index]
    assert isinstance(step, Hold) and isinstance(step.until, UntilTotal), "asked of a hold until a total"
    total = evaluate(step.until.charge_pc, outcome.values)
    for over_ms in _overs(plan, index, step, trace):
        emitted = _emitted_pc(trace, over_ms)
        if not isinstance(total, Undefined) and emitted > total:
            return Sighting(over_ms, Fraction(emitted), index)
    return None


def _overs(plan: Plan, index: int, step: Hold, trace: Trace) -> Iterator[int]:
    """When the hold is over, and its descent. A hold that takes no time is seen by what only it leads to."""
    assert isinstance(step.until, UntilTotal), "asked of a hold until a total"
    alone = not any(
        step.next in successors(other) for number, other in enumerate(plan.steps) if number != index
    )
    descends = step.until.descent is not None
    inside = {index, step.next} if descends else {index}
    for number, (at_ms, visited) in enumerate(trace.visits):
        if visited == index or (descends and alone and visited == step.next):
            later = (after_ms for after_ms, other in trace.visits[number:] if other not in inside)
            yield next(later, trace.end_ms)
        elif alone and visited == step.next:
            yield at_ms


def _emitted_pc(trace: Trace, until_ms: int) -> int:
    """The nominal charge of a session up to a moment."""
    parts = (part for part in stretches(trace) if part.on)
    return sum(part.mean_na * max(0, min(part.to_ms, until_ms) - part.from_ms) for part in parts)


def _broken_promise(plan: Plan, claim: Claim, outcome: Rehearsed) -> Sighting | None:
    trace = outcome.run.trace
    # Lines are told apart by their number: two of them may stand in one place of a source.
    item = plan.properties[int(claim.id.partition("]")[0].removeprefix("properties["))]
    if item.kind is PropertyKind.FINISHED:
        late_ms = finished_late(plan, trace, item, trace.end_ms)
        return None if late_ms is None else Sighting(late_ms, Fraction(trace.end_ms), None)
    for broken, at_ms in broken_properties(plan, outcome.values, trace):
        if broken == item:
            return Sighting(at_ms, None, step_at(trace, at_ms))
    return None


REFUSED_AT_BINDING = frozenset({Property.RANGE, Property.GRID, Property.ARITHMETIC, Property.CHARGING})
"""Properties whose failure the machine shows by refusing the values: levels it cannot set, operands without
value.
"""

MAY_TRIP = frozenset({Property.DOSE, Property.DURATION})
"""Properties that the interlock keeps by ending the session."""

REFUSAL_CODES = frozenset({"I0934", "I0942"})


def refused(claim: Claim, outcome: Outcome) -> bool:
    """Whether the armed machine refuses these values for the reason that the claim is about."""
    if claim.property not in REFUSED_AT_BINDING or not isinstance(outcome, Refusal):
        return False
    return any(problem.code in REFUSAL_CODES for problem in outcome.diagnostics)


def tripped(claim: Claim, outcome: Outcome) -> bool:
    """Whether the armed machine had to end the session, or not begin it, to keep a limit on what adds up."""
    if claim.limit is None or claim.property not in MAY_TRIP:
        return False
    if isinstance(outcome, Rehearsed):
        return any(alarm.code == "F04" for alarm in outcome.run.alarms)
    spans = {label.span for problem in outcome.diagnostics for label in problem.labels}
    return claim.limit.span in spans
