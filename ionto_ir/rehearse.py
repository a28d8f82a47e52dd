"""Scenarios: run one in virtual time on an ideal device, and say which of its expectations do not hold.

In-file tests and the verifier's counterexamples are both scenarios. Armed, a scenario goes through binding
and the machine as a session would. Disarmed, nobody is asked and nothing stops it: it shows what the protocol
says.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from ionto_ir.bind import (
    Acknowledgement,
    History,
    Needed,
    PastSession,
    Refusal,
    at_the_door,
    bind,
    bind_disarmed,
)
from ionto_ir.bind_screening import cautions
from ionto_ir.bind_values import value_problem, value_problems
from ionto_ir.bind_walk import way_through
from ionto_ir.bound import BoundPlan
from ionto_ir.course import DAY_MS
from ionto_ir.diagnostic import Diagnostic, error
from ionto_ir.doses import session_time
from ionto_ir.dry_run import answer_to, for_ever, run, usual_value
from ionto_ir.events import (
    Event,
    Prompt,
)
from ionto_ir.expression import Value
from ionto_ir.observer import violations
from ionto_ir.ordinary import ordinary_values
from ionto_ir.plan import Finish, Plan, VariableKind
from ionto_ir.rehearse_together import rehearse_together
from ionto_ir.rehearsed import Outcome as Outcome
from ionto_ir.rehearsed import Rehearsed as Rehearsed
from ionto_ir.rehearsed import event_of, read
from ionto_ir.scenario import READINGS, Earlier, Happening, Moment, Occurrence, Scenario
from ionto_ir.site_memory import sites_of
from ionto_ir.standing import beginning, remembered
from ionto_ir.state import State
from ionto_ir.terminals import Terminals, terminals_of
from ionto_ir.trace import observe


def rehearse(plan: Plan, scenario: Scenario, *, armed: bool = True) -> Outcome:
    """Run a scenario. Values that it does not give are those of an ordinary session.

    Armed, cautions and soft limits that stand in the way are noted and acknowledged; any other reason
    refuses. Disarmed, only values that cannot be run at all refuse.
    """
    kinds = {item.name: item.kind for item in plan.variables}
    given = {name: value for name, value in scenario.given if kinds.get(name) is not VariableKind.RECORD}
    records = {name: value for name, value in scenario.given if kinds.get(name) is VariableKind.RECORD}
    unfit = tuple(_record_problems(plan, scenario))
    if unfit:
        return Refusal(unfit)
    if plan.channels:
        values = ordinary_values(plan, {**remembered(plan, beginning(plan), given), **given})
        return _together(plan, scenario, values, _all_records(plan, records), armed=armed)
    if not armed:
        return _disarmed(plan, scenario, ordinary_values(plan, given), records)
    history = _history(plan, scenario)
    if isinstance(history, Refusal):
        return history
    bound, noted = _bound(plan, given, history)
    return bound if isinstance(bound, Refusal) else _ran(bound, scenario, records, noted)


def _bound(
    plan: Plan, given: Mapping[str, Value], history: History
) -> tuple[BoundPlan | Refusal, tuple[Needed, ...]]:
    """Bind with what is given, remembered and usual; what somebody must answer for is answered, and told."""
    values = ordinary_values(plan, {**remembered(plan, history, given), **given})
    noted = () if value_problems(plan, values) else cautions(plan, values)
    bound = bind(plan, values, [_answered(item) for item in noted], history, rehearsing=True)
    if isinstance(bound, Refusal) and bound.only_needs_acknowledgement:
        noted += bound.needed
        bound = bind(plan, values, [_answered(item) for item in noted], history, rehearsing=True)
    return bound, noted


def _history(plan: Plan, scenario: Scenario) -> History | Refusal:
    """The earlier sessions of a scenario, each given as the course allows and undisturbed."""
    sessions: tuple[PastSession, ...] = ()
    for item in scenario.earlier:
        past = _past(plan, item, History(_at_ms(item.begun), item.begun.day, sessions))
        if isinstance(past, Refusal):
            span = past.diagnostics[0].primary
            message = f"the earlier session on day {item.begun.day} cannot have been: "
            message += past.diagnostics[0].message
            impossible = error("I0485", message, None if span is None else span.span)
            return Refusal((impossible, *past.diagnostics))
        sessions = (*sessions, past)
    begun = scenario.begun
    return beginning(plan) if begun is None else History(_at_ms(begun), begun.day, sessions)


UNDISTURBED = Scenario("", (), (), (), None)


def _past(plan: Plan, item: Earlier, at: History) -> PastSession | Refusal:
    kinds = {variable.name: variable.kind for variable in plan.variables}
    given = {name: value for name, value in item.values if kinds[name] is not VariableKind.RECORD}
    records = {name: value for name, value in item.values if kinds[name] is VariableKind.RECORD}
    values = ordinary_values(plan, {**remembered(plan, at, given), **given})
    problems = at_the_door(plan, values, at)
    done = Refusal(problems) if problems else _disarmed(plan, UNDISTURBED, values, records)
    if isinstance(done, Refusal):
        return done
    return PastSession(
        start_ms=at.now_ms,
        end_ms=at.now_ms + done.run.trace.end_ms,
        day=at.today,
        nominal_pc=done.observed.nominal_pc,
        upper_pc=done.observed.worst_pc,
        protocol=plan.name,
        values=tuple(values.items()),
        records=tuple(_all_records(plan, records).items()),
        sites=sites_of(plan, values),
    )


def _at_ms(moment: Moment) -> int:
    return moment.day * DAY_MS + moment.at_ms


def _together(
    plan: Plan, scenario: Scenario, values: Mapping[str, Value], records: Mapping[str, Value], *, armed: bool
) -> Outcome:
    if not armed:
        return rehearse_together(plan, scenario, values, records, None, ())
    noted = () if value_problems(plan, values) else cautions(plan, values)
    outcome = rehearse_together(plan, scenario, values, records, [_answered(item) for item in noted], noted)
    if isinstance(outcome, Refusal) and outcome.only_needs_acknowledgement:
        noted += outcome.needed
        given = [_answered(item) for item in noted]
        outcome = rehearse_together(plan, scenario, values, records, given, noted)
    return outcome


def _answered(item: Needed) -> Acknowledgement:
    return Acknowledgement(item.subject, "test", "rehearsal", item.role)


def _record_problems(plan: Plan, scenario: Scenario) -> Iterator[Diagnostic]:
    """Values that nobody could enter when they are asked for."""
    entered = list(scenario.given)
    for item in scenario.timeline:
        if item.happening is Happening.RECORD and item.variable is not None and item.value is not None:
            entered.append((item.variable, item.value))
    for name, value in entered:
        for variable in plan.variables:
            if variable.name == name and variable.kind is VariableKind.RECORD:
                problem = value_problem(variable, value)
                if problem is not None:
                    yield problem


def _disarmed(
    plan: Plan, scenario: Scenario, values: Mapping[str, Value], records: Mapping[str, Value]
) -> Outcome:
    problems = value_problems(plan, values)
    if not problems:
        problems = way_through(plan, {**values, **_all_records(plan, records)}).problems
    # A level that the device cannot set still says what the protocol says; one without a value says nothing.
    fatal = tuple(problem for problem in problems if problem.code in ("I0930", "I0931", "I0942"))
    return Refusal(fatal) if fatal else _ran(bind_disarmed(plan, values), scenario, records, ())


def _all_records(plan: Plan, records: Mapping[str, Value]) -> dict[str, Value]:
    usual = {item.name: usual_value(item) for item in plan.variables if item.kind is VariableKind.RECORD}
    return usual | dict(records)


def _ran(
    bound: BoundPlan, scenario: Scenario, records: Mapping[str, Value], noted: tuple[Needed, ...]
) -> Rehearsed:
    plan = bound.plan
    terminals = terminals_of(plan)
    timeline = Timeline(scenario, _all_records(plan, records), terminals)
    watched = terminals if plan.monitors else None
    done = run(bound, timeline.happens, silence=timeline.silence_ms, terminals=watched)
    classified = tuple(
        (record.variable, record.meaning) for record in done.records if record.meaning is not None
    )
    ended = done.ending
    return Rehearsed(
        values=bound.values,
        run=done,
        observed=observe(plan, done.trace),
        finished=ended is not None and isinstance(plan.steps[done.final.place.step], Finish),
        reason="it does not end" if ended is None else ended.reason,
        classified=classified,
        violations=violations(plan, bound.values, done.trace),
        cautions=noted,
    )


class Timeline:
    """Feeds the occurrences of a scenario at their times, and answers what is asked.

    An occurrence takes effect before the first tick that begins at its time or later, once current has flowed
    or can be asked for; a reading that is changed at 0 is so from the beginning, and so is somebody away.
    """

    def __init__(
        self, scenario: Scenario, records: dict[str, Value], terminals: Terminals | None = None
    ) -> None:
        self._records = records
        self._terminals = terminals
        self._away = False
        timeline = sorted(scenario.timeline, key=lambda item: item.at_ms)
        at_once = (*READINGS, Happening.AWAY)
        first = [item for item in timeline if item.at_ms == 0 and item.happening in at_once]
        for item in first:
            self._event(item)
        self._pending = [item for item in timeline if item not in first]

    def happens(self, state: State, prompt: Prompt | None) -> Event | None:
        """The next event before time goes on, if there is one."""
        time_ms = session_time(state)
        while self._pending and time_ms is not None and self._pending[0].at_ms <= time_ms:
            event = self._event(self._pending.pop(0))
            if event is not None:
                return event
        return None if self._away else answer_to(prompt, self._records)

    def silence_ms(self, state: State) -> int:
        """How long nothing happens but that people answer: until the next occurrence."""
        if not self._pending:
            return for_ever(state)
        time_ms = session_time(state)
        return 0 if time_ms is None else self._pending[0].at_ms - time_ms

    def _event(self, item: Occurrence) -> Event | None:
        """The event of an occurrence; from a `record` on, that value is what will be entered."""
        if item.happening is Happening.RECORD:
            assert item.variable is not None and item.value is not None, "a record says what is recorded"
            self._records[item.variable] = item.value
            return None
        if item.happening in READINGS:
            if self._terminals is not None:
                read(item, self._terminals)
            return None
        if item.happening in (Happening.AWAY, Happening.BACK):
            self._away = item.happening is Happening.AWAY
            return None
        return event_of(item)
