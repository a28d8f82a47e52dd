"""A scenario of a plan with several channels: what people do around them, and the channels in lockstep."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from ionto_ir.bind import Acknowledgement, Needed, Refusal
from ionto_ir.bind_together import BoundTogether, bind_together, bind_together_disarmed
from ionto_ir.bind_values import value_problems
from ionto_ir.bind_walk import way_through
from ionto_ir.channels import channel_plans
from ionto_ir.dataclass import replace
from ionto_ir.diagnostic import error
from ionto_ir.dry_run import Run, obliging, run
from ionto_ir.events import End, Event
from ionto_ir.expression import Value
from ionto_ir.observer_together import joints, violations_together
from ionto_ir.plan import Plan
from ionto_ir.rehearsed import Rehearsed, event_of, read
from ionto_ir.scenario import READINGS, Happening, Occurrence, Scenario
from ionto_ir.standing import beginning
from ionto_ir.state import State
from ionto_ir.terminals import Terminals, terminals_of
from ionto_ir.together import TogetherRun, ToOne, run_together
from ionto_ir.trace import Observation, observe


def rehearse_together(
    plan: Plan,
    scenario: Scenario,
    values: Mapping[str, Value],
    records: Mapping[str, Value],
    acknowledgements: Sequence[Acknowledgement] | None,
    noted: tuple[Needed, ...],
) -> Rehearsed | Refusal:
    """Run a scenario on all channels; disarmed when there are no acknowledgements at all (None)."""
    told = next((item for item in scenario.timeline if unsayable(plan, item)), None)
    if told is not None:
        text = f"`{told.happening.value}` does not say on which of the channels of this plan"
        return Refusal((error("I0464", text, scenario.span or plan.span),))
    if scenario.earlier:
        text = "earlier sessions of a plan with several channels cannot be made up for a test"
        return Refusal((error("I0464", text, scenario.span or plan.span),))
    if acknowledgements is None:
        problems = value_problems(plan, values)
        for part in channel_plans(plan):
            problems += () if problems else way_through(part, values).problems
        fatal = tuple(problem for problem in problems if problem.code in ("I0930", "I0931", "I0942"))
        if fatal:
            return Refusal(fatal)
        return _ran(bind_together_disarmed(plan, values), scenario, records, ())
    bound = bind_together(plan, values, acknowledgements, beginning(plan), rehearsing=True)
    return bound if isinstance(bound, Refusal) else _ran(bound, scenario, records, noted)


def _ran(
    bound: BoundTogether, scenario: Scenario, records: Mapping[str, Value], noted: tuple[Needed, ...]
) -> Rehearsed:
    entered = dict(records)
    for item in scenario.timeline:
        if item.happening is Happening.RECORD and item.variable is not None and item.value is not None:
            entered[item.variable] = item.value
    care = run(bound.care, obliging(entered))
    terminals = [terminals_of(channel.plan) for channel in bound.channels]
    names = [channel.name for channel in bound.plan.channels]
    timeline = TimelineTogether(names, scenario.timeline, terminals)
    done = run_together(bound.channels, timeline.happens, terminals=terminals)
    stopped = None if done.finished or None in done.endings else _first_cause(done.endings)
    reason = "finished" if done.finished else "it does not end" if stopped is None else stopped.reason
    ending = care.ending if done.finished else stopped
    classified = tuple((item.variable, item.meaning) for item in care.records if item.meaning is not None)
    return Rehearsed(
        values=bound.values,
        run=replace(care, ending=ending, alarms=(*care.alarms, *done.alarms)),
        observed=observed_together(bound.plan, done),
        finished=done.finished and care.ending is not None,
        reason=reason,
        classified=classified,
        violations=violations_together(bound.plan, bound.values, done.traces),
        cautions=noted,
        traces=done.traces,
        alone=tuple(_alone(bound, done, number) for number in range(len(done.traces))),
    )


def _first_cause(endings: Sequence[End | None]) -> End:
    """Why a session ended early: what came from another channel only says that it was stopped."""
    early = [item for item in endings if item is not None and not item.completed]
    return next((item for item in early if item.reason != "stopped"), early[0])


def _alone(bound: BoundTogether, done: TogetherRun, number: int) -> Rehearsed:
    """What came of one channel. What is violated is said of the whole, and people stand around all."""
    trace, ending = done.traces[number], done.endings[number]
    return Rehearsed(
        values=bound.values,
        run=Run(trace, done.finals[number], ending, done.heard[number], (), ()),
        observed=observe(bound.plan, trace),
        finished=ending is not None and ending.completed,
        reason="it does not end" if ending is None else ending.reason,
        classified=(),
        violations=(),
        cautions=(),
    )


def unsayable(plan: Plan, item: Occurrence) -> bool:
    """Whether an occurrence does not say, or cannot, on which of several channels it happens."""
    known = item.channel in [channel.name for channel in plan.channels]
    if item.channel is None or not known:
        return item.channel is not None or item.happening in (*READINGS, Happening.AWAY, Happening.BACK)
    return False


class TimelineTogether:
    """Feeds the occurrences of a scenario at their times, each to its channel or to all.

    A reading that is changed at 0 is so from the beginning; all else happens once current has flowed.
    """

    def __init__(
        self, names: Sequence[str], timeline: Sequence[Occurrence], terminals: Sequence[Terminals]
    ) -> None:
        self._names, self._terminals = list(names), terminals
        self._pending = sorted(
            (item for item in timeline if item.happening is not Happening.RECORD), key=lambda item: item.at_ms
        )

    def happens(self, clock_ms: int, _: Sequence[State]) -> Event | ToOne | None:
        """The next event before time goes on, if there is one."""
        while self._pending and self._is_due(self._pending[0], clock_ms):
            item = self._pending.pop(0)
            if item.happening in READINGS:
                assert item.channel is not None, "a reading without a channel was refused"
                read(item, self._terminals[self._names.index(item.channel)])
            elif item.channel is None:
                return event_of(item)
            else:
                return ToOne(self._names.index(item.channel), event_of(item))
        return None

    def _is_due(self, item: Occurrence, clock_ms: int) -> bool:
        return item.at_ms <= clock_ms and (clock_ms > 0 or item.happening in READINGS)


def observed_together(plan: Plan, done: TogetherRun) -> Observation:
    """What the channels of a session amounted to: currents and charges added up, time from first to last."""
    alone = [observe(plan, trace) for trace in done.traces]
    parts = joints(done.traces)
    energised = [part for part in parts if part.on]
    sums = [sum(item.magnitude_na for item in part.parts if item is not None) for part in parts]
    return Observation(
        peak_na=max(sums, default=0),
        worst_na=sum(item.worst_na for item in alone),
        nominal_pc=sum(item.nominal_pc for item in alone),
        worst_pc=sum(item.worst_pc for item in alone),
        duration_ms=energised[-1].to_ms - energised[0].from_ms if energised else 0,
        on_ms=sum(part.to_ms - part.from_ms for part in energised),
    )
