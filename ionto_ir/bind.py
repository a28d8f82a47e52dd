"""Binding: this patient, these values, this day; every limit is checked once more before anything flows.

The verifier proved the plan for all values. Binding believes neither that proof nor the values: it looks at
every value, asks the screening, and then runs the whole session in virtual time, once undisturbed and once
with every interruption that is allowed at the moment where it adds most, and lets an observer that shares
nothing with the machine judge what was emitted. Only what passes all of it can run.

What is recorded during the session is not known yet. Where the plan looks at recorded values, the session is
run for every combination of their lowest and highest values (of at most RECORDS_VARIED variables; further
ones take their usual value). That samples the ways through the plan; that all of them are safe is what was
proved.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from fractions import Fraction
from itertools import product

from ionto_ir.bind_constants import NO_HISTORY, History, PastSession, constants_of, disarmed
from ionto_ir.bind_course import course_problems
from ionto_ir.bind_interrupted import Interrupter, worst_step
from ionto_ir.bind_screening import (
    Acknowledgement,
    Needed,
    acknowledgement_problems,
    cautions,
    condition_problems,
    history_problems,
    label_of,
)
from ionto_ir.bind_values import default_values, value_problems
from ionto_ir.bind_walk import Way, way_through
from ionto_ir.bound import UNLIMITED, BoundPlan, polarity_at_start
from ionto_ir.dataclass import dataclass, replace
from ionto_ir.diagnostic import Diagnostic, error
from ionto_ir.dry_run import Run, Script, asking, obliging, run, usual_value
from ionto_ir.expression import Value, references
from ionto_ir.limits import LimitKind
from ionto_ir.observer import MV_PER_NA_OHM, Violation, violations
from ionto_ir.plan import Confirm, Finish, Instruct, Move, Plan, Record, Variable, VariableKind
from ionto_ir.standing import remembered
from ionto_ir.trace import Trace, area_um2, observe, stretches
from ionto_ir.wellformed_bounds import domain_interval
from ionto_ir.wellformed_values import operands_of
from ionto_ir.wording import clock_text, current_text, limit_text, measured_text

__all__ = [
    "NO_HISTORY",
    "Acknowledgement",
    "History",
    "Needed",
    "PastSession",
    "Refusal",
    "at_the_door",
    "bind",
    "bind_disarmed",
    "default_values",
    "violation_diagnostic",
]

RECORDS_VARIED = 3
"""Recorded variables that are varied: two to this power sessions are run, each in a fraction of a second."""


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why a plan cannot run with these values.

    `needed` is what a named person could still answer for.
    """

    diagnostics: tuple[Diagnostic, ...]
    needed: tuple[Needed, ...] = ()

    @property
    def only_needs_acknowledgement(self) -> bool:
        """Whether named persons with their reasons are all that is missing."""
        return bool(self.needed) and len(self.needed) == len(self.diagnostics)


def bind(
    plan: Plan,
    values: Mapping[str, Value],
    acknowledgements: Sequence[Acknowledgement] = (),
    history: History = NO_HISTORY,
    *,
    rehearsing: bool = False,
) -> BoundPlan | Refusal:
    """The plan ready to run, or every reason why it must not (I0930 to I0944).

    `values` holds a value for every parameter, answer and geometry, in base units. What is remembered comes
    from `history`; a value for it must be that very value, unless this is a rehearsal. The plan is well
    formed.
    """
    if plan.channels:
        text = "this plan has several channels, and what was asked for is for plans with one"
        return Refusal((error("I0464", text, plan.channels[0].span, "one of the channels"),))
    values, made_up = _with_memory(plan, values, history, rehearsing=rehearsing)
    problems = [*made_up, *acknowledgement_problems(plan, acknowledgements)]
    problems = problems or [*at_the_door(plan, values, history)]
    if problems:
        return Refusal(tuple(problems))
    settled = {item.subject for item in acknowledgements}
    needed = list(cautions(plan, values))
    span_ms = 0
    for records in record_corners(plan):
        rehearsed = _rehearse(_Day(unwatched(plan), values, records, history))
        problems += rehearsed.problems
        needed += rehearsed.needed
        span_ms = max(span_ms, rehearsed.span_ms)
    missing = tuple(item for item in dict.fromkeys(needed) if item.subject not in settled)
    if problems or missing:
        return Refusal((*dict.fromkeys(problems), *map(asked_of, missing)), missing)
    constants = constants_of(plan, values, history, span_ms, screened=True)
    return BoundPlan(plan, dict(values), constants, polarity_at_start(plan, values))


def at_the_door(plan: Plan, values: Mapping[str, Value], history: History) -> tuple[Diagnostic, ...]:
    """Every reason against a session that can be known without running it."""
    problems = value_problems(plan, values)
    if problems:
        return problems
    return (
        *condition_problems(plan, values),
        *_area_problems(plan, values),
        *history_problems(plan, values, history),
        *course_problems(plan, values, history),
    )


def _with_memory(
    plan: Plan, values: Mapping[str, Value], history: History, *, rehearsing: bool
) -> tuple[Mapping[str, Value], tuple[Diagnostic, ...]]:
    """The values with what is remembered, and what is wrong with a memory that somebody made up (I0931)."""
    memory = remembered(plan, history, values)
    if not memory or rehearsing:
        return {**memory, **values}, ()
    spans = {item.name: item.span for item in plan.variables}
    made_up = tuple(
        error("I0931", f"`{name}` is known from earlier sessions, and not as given", spans.get(name))
        for name, value in memory.items()
        if values.get(name, value) != value
    )
    return {**values, **memory}, made_up


def bind_disarmed(plan: Plan, values: Mapping[str, Value], *, watched: bool = False) -> BoundPlan:
    """The plan with nothing to stop it and nobody asked: shows what a protocol itself says; not to be run on
    people.

    Its monitors look only if it is `watched`. The caller knows that the values are of the right sort and that
    `way_through` finds nothing.
    """
    assert not plan.channels, "channels are bound together"
    constants = constants_of(plan, values, NO_HISTORY, UNLIMITED, screened=True)
    judged = plan if watched else unwatched(plan)
    return BoundPlan(judged, dict(values), disarmed(constants), polarity_at_start(plan, values))


def unwatched(plan: Plan) -> Plan:
    """The plan without its monitors: nobody knows beforehand what they will read, and limits hold without."""
    return replace(plan, monitors=()) if plan.monitors else plan


def _area_problems(plan: Plan, values: Mapping[str, Value]) -> Iterator[Diagnostic]:
    for index, electrode in enumerate(plan.electrodes):
        area = area_um2(plan, values, index)
        if area is None or area <= 0:
            yield error("I0942", f"the {electrode.place.value} electrode has no area", electrode.span)


def record_corners(plan: Plan) -> tuple[dict[str, Value], ...]:
    """What may be recorded in a session: the extremes of what the plan looks at, the usual of the rest."""
    parts = [part for step in plan.steps for part in operands_of(step)]
    looked_at = {name for part in parts for name in references(part.expression)}
    recorded = [item for item in plan.variables if item.kind is VariableKind.RECORD]
    varied = [item for item in recorded if item.name in looked_at][:RECORDS_VARIED]
    usual = {item.name: usual_value(item) for item in recorded}
    names = [item.name for item in varied]
    choices = [_extremes(item) for item in varied]
    return tuple(usual | dict(zip(names, corner, strict=True)) for corner in product(*choices))


def _extremes(item: Variable) -> tuple[Value, ...]:
    low, high = domain_interval(item.domain)
    ends: tuple[Value, ...] = (low, high)
    if isinstance(usual_value(item), bool):
        ends = (False, True)
    return tuple(dict.fromkeys(ends))


@dataclass(frozen=True, slots=True)
class _Day:
    """One way in which the session may go."""

    plan: Plan
    values: Mapping[str, Value]
    records: Mapping[str, Value]
    history: History


@dataclass(frozen=True, slots=True)
class _Rehearsed:
    problems: tuple[Diagnostic, ...]
    needed: tuple[Needed, ...] = ()
    span_ms: int = 0


def _rehearse(day: _Day) -> _Rehearsed:
    """Run the session, undisturbed and interrupted, and let the observer judge."""
    plan = day.plan
    way = way_through(plan, {**day.values, **day.records})
    if way.problems:
        return _Rehearsed(way.problems)
    free = bind_disarmed(plan, day.values)
    asks, silence = asking(free, obliging(day.records))
    calm = run(free, asks, silence=silence)
    problems = [*_ending_problems(plan, calm), *_violated(plan, day.values, calm.trace)]
    problems += _fit(plan, calm.trace)
    if problems:
        return _Rehearsed(tuple(problems))
    interruptions = plan.interruptions
    pauses_ms = interruptions.count_max * interruptions.each_ms_max if interruptions.resume else 0
    # Rising again after each interruption takes no longer than over the whole range at the resume slew.
    rises_ms = interruptions.count_max * (plan.device.current_na_max * 1000 // plan.resume_slew_na_s)
    span_ms = calm.trace.end_ms + pauses_ms + rises_ms
    soft = tuple(
        Needed(f"limits[{plan.limits.index(item.limit)}]", soft_text(item), item.limit.span, item.limit.needs)
        for item in violations(plan, day.values, calm.trace, soft=True)
    )
    return _Rehearsed(tuple(_interrupted_problems(day, way, span_ms)), soft, span_ms)


def _interrupted_problems(day: _Day, way: Way, span_ms: int) -> Iterator[Diagnostic]:
    """Run it armed, with every interruption that is allowed at the worst moment."""
    plan = day.plan
    worst = worst_step(plan, way.steps, {**day.values, **day.records})
    if worst is None:
        return

    def interrupter() -> Interrupter:
        return Interrupter(plan, day.records, *worst)

    def script(made: Interrupter) -> Script:
        return made.script() if plan.interruptions.resume else obliging(day.records)

    constants = constants_of(plan, day.values, day.history, span_ms, screened=True)
    making = interrupter()
    bound = BoundPlan(plan, dict(day.values), constants, polarity_at_start(plan, day.values))
    asks, silence = asking(bound, script(making))
    armed = run(bound, asks, silence=silence)
    if _finished(plan, armed):
        yield from _violated(plan, day.values, armed.trace)
        yield from _too_long(plan, armed.trace, making)
        return
    # The machine stopped it. What would have happened otherwise says which limit it protected.
    unarmed = bind_disarmed(plan, day.values)
    asks, silence = asking(unarmed, script(interrupter()))
    free = run(unarmed, asks, silence=silence)
    named = tuple(_violated(plan, day.values, free.trace))
    yield from named
    if not named:
        step = plan.steps[worst[0]]
        reason = "it does not end" if armed.ending is None else armed.ending.reason
        text = f"interrupted as often as is allowed, the session would not finish: {reason}"
        yield error("I0943", text, step.span, "interrupted here", notes=_notes_of(plan, day.history))


def _notes_of(plan: Plan, history: History) -> tuple[str, ...]:
    if history.sessions and any(limit.window_ms is not None for limit in plan.limits):
        return ("earlier sessions count in the moving windows",)
    return ("the charge of a stop and of a lost link is kept in reserve under every dose limit",)


def _too_long(plan: Plan, trace: Trace, making: Interrupter) -> Iterator[Diagnostic]:
    """Pauses add to the duration one to one, so those that were cut short are added up to their allowed
    length; and so does the time of people who are slower than the rehearsal.
    """
    longest_ms = making.pauses * plan.interruptions.each_ms_max
    undisturbed_ms = observe(plan, trace).duration_ms + max(0, longest_ms - making.paused_ms)
    for limit in plan.limits:
        duration_ms = undisturbed_ms + (0 if limit.apart else _people_ms(plan, trace))
        if limit.kind is LimitKind.DURATION and not limit.soft and duration_ms > limit.bound:
            text = f"with every interruption that is allowed, `{limit_text(limit)}` would be violated"
            notes = (f"the session could take {measured_text(limit, Fraction(duration_ms))}",)
            yield error("I0940", text, plan.interruptions.span, labels=(label_of(limit),), notes=notes)


def _people_ms(plan: Plan, trace: Trace) -> int:
    """How much longer people may be waited for than they were, between the first and the last current, where
    that is bounded.
    """
    parts, tick_ms = stretches(trace), trace.tick_ms
    last_ms = max((part.to_ms for part in parts if part.on), default=0)
    most_ms = 0
    for at_ms, index in trace.visits:
        within_ms = _within_ms(plan, index)
        if 0 < at_ms < last_ms and within_ms is not None:
            most_ms += -(-within_ms // tick_ms) * tick_ms
    were = (part for part in parts if part.to_ms < last_ms and _within_ms(plan, part.step) is not None)
    return max(0, most_ms - sum(part.to_ms - part.from_ms for part in were))


def _within_ms(plan: Plan, index: int) -> int | None:
    step = plan.steps[index]
    return step.within_ms if isinstance(step, Confirm | Instruct | Record | Move) else None


def _finished(plan: Plan, done: Run) -> bool:
    """Whether the plan reached one of its own ends."""
    return done.ending is not None and isinstance(plan.steps[done.final.place.step], Finish)


def _ending_problems(plan: Plan, done: Run) -> Iterator[Diagnostic]:
    if not _finished(plan, done):
        reason = "it does not end" if done.ending is None else done.ending.reason
        span = plan.steps[done.final.place.step].span
        yield error("I0943", f"the session would not finish: {reason}", span, "it gets as far as this")


def _violated(plan: Plan, values: Mapping[str, Value], trace: Trace) -> Iterator[Diagnostic]:
    return (violation_diagnostic(plan, trace, item) for item in violations(plan, values, trace))


def violation_diagnostic(plan: Plan, trace: Trace, item: Violation) -> Diagnostic:
    """What limit is violated, by how much, when, and by which step (I0940)."""
    step = plan.steps[trace.points[0].step]
    for point in trace.points:
        if point.at_ms <= item.at_ms:
            step = plan.steps[point.step]
    where = ""
    if item.electrode is not None:
        where = f" under the {plan.electrodes[item.electrode].place.value} electrode"
    reached = f"{item.limit.kind.value} reaches {measured_text(item.limit, item.value)}{where}"
    text = f"`{limit_text(item.limit)}` would be violated at {clock_text(item.at_ms)}"
    return error("I0940", text, step.span, reached, labels=(label_of(item.limit),))


def _fit(plan: Plan, trace: Trace) -> Iterator[Diagnostic]:
    """Within the assumed impedance the device must be able to drive the current (I0934)."""
    ohms = [item.impedance.ohm_max for item in plan.envelopes if item.impedance is not None]
    if not ohms or plan.may_saturate:
        return
    peak_na = observe(plan, trace).peak_na
    if peak_na * max(ohms) * MV_PER_NA_OHM > plan.device.compliance_mv:
        text = f"`{plan.device.name}` cannot drive {current_text(plan, peak_na)} through {max(ohms)} Ohm"
        yield error("I0934", text, plan.device.span, "its compliance is too low")


def soft_text(item: Violation) -> str:
    """What a soft limit comes to, and why somebody must say why."""
    reason = item.limit.text or "above the usual: say why"
    return f"{item.limit.kind.value} reaches {measured_text(item.limit, item.value)}: {reason}"


def asked_of(item: Needed) -> Diagnostic:
    """What is asked of whoever answers for it."""
    code = "I0937" if item.subject.startswith("rules") else "I0938"
    who = "a named person" if item.role is None else f"a `{item.role}`, by name,"
    return error(code, item.text, item.span, f"{who} must answer for this, with a reason")
