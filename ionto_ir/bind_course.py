"""Whether the course lets a session begin now, after the sessions that it has had (I0941)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from ionto_ir.bind_constants import History, PastSession
from ionto_ir.course import DAY_MS, WEEK, Course, Gate, Rhythm, rhythm_of
from ionto_ir.dataclass import dataclass
from ionto_ir.diagnostic import Diagnostic, error
from ionto_ir.expression import Undefined, Value, evaluate
from ionto_ir.plan import Plan
from ionto_ir.site_memory import same_place, sites_of
from ionto_ir.source import Span
from ionto_ir.standing import Standing, known_after, sessions_of, standing
from ionto_ir.wording import duration_text, waiting_text


@dataclass(frozen=True, slots=True)
class Objection:
    """Why no session may begin now, where that was decided, and when one may."""

    text: str
    span: Span
    advice: str | None = None


def course_problems(plan: Plan, values: Mapping[str, Value], history: History) -> Iterator[Diagnostic]:
    """Every reason of the course, and of the rest of its sites, against a session that begins now."""
    course = plan.course
    if course is None:
        return
    objections = [*course_objections(course, sessions_of(plan, history), values, history)]
    objections += _resting(course, sites_of(plan, values), plan.name, history)
    for item in objections:
        yield error("I0941", item.text, item.span, "decided here", help=item.advice)


def course_objections(
    course: Course, sessions: tuple[PastSession, ...], values: Mapping[str, Value], history: History
) -> Iterator[Objection]:
    """What the rules of the course have against a session now; `sessions` are those it has had."""
    yield from calendar_objections(course, sessions, values, history)
    if not sessions:
        return
    over = course.stop_when
    if over is not None and evaluate(over, known_after(sessions, values)) is True:
        yield Objection("the course is over: what it was given for is reached", course.span)
    yield from _gated(course, standing(course, sessions, history.today, values), values)


def calendar_objections(
    course: Course, sessions: tuple[PastSession, ...], values: Mapping[str, Value], history: History
) -> Iterator[Objection]:
    """What its dates, times and counts have against a session now."""
    where = standing(course, sessions, history.today, values)
    now = _Now(history.now_ms, history.today, sessions)
    yield from _of_rhythm(rhythm_of(course), sessions, now, course.span, "the course")
    if course.phases:
        phase = course.phases[where.phase]
        own = () if where.over else where.in_phase
        name = f"the phase `{phase.name}`"
        yield from _of_rhythm(phase.rhythm, own, now, phase.span, name)
    if where.over:
        yield Objection("the course is over: its last phase has ended", course.phases[-1].span)


def _gated(course: Course, where: Standing, values: Mapping[str, Value]) -> Iterator[Objection]:
    """The gates that stand before this very session."""
    due = [gate for gate in course.gates if gate.after == len(where.sessions)]
    if course.phases and where.before_phase:
        count = len(where.before_phase)
        due += [gate for gate in course.phases[where.phase - 1].gates if gate.after in (None, count)]
    elif course.phases:
        due += [gate for gate in course.phases[where.phase].gates if gate.after == len(where.in_phase)]
    for gate in due:
        yield from _of_gate(gate, where.sessions, values)


def _of_gate(gate: Gate, sessions: Sequence[PastSession], values: Mapping[str, Value]) -> Iterator[Objection]:
    recorded = {name: value for past in sessions for name, value in past.records}
    found = evaluate(gate.condition, {**recorded, **values})
    if isinstance(found, Undefined):
        yield Objection(f"the evaluation before this session cannot be made: {found.reason}", gate.span)
    elif not found:
        yield Objection(f"the course is over: {gate.reason}", gate.span)


@dataclass(frozen=True, slots=True)
class _Now:
    """The moment and the date, and all the sessions before."""

    now_ms: int
    today: int
    sessions: tuple[PastSession, ...]


def _of_rhythm(
    rhythm: Rhythm, own: Sequence[PastSession], now: _Now, span: Span, name: str
) -> Iterator[Objection]:
    """`own` are the sessions that the rhythm counts; its gaps are kept to any session of the course."""
    if now.sessions:
        yield from _of_gaps(rhythm, now, span)
    for count, days in rhythm.per_days:
        if sum(past.day > now.today - days for past in own) >= count:
            yield Objection(f"{name} allows {count} sessions on {days} consecutive dates", span)
    weekday = (now.today - 1) % 7
    if rhythm.weekdays and weekday not in rhythm.weekdays:
        allowed = ", ".join(WEEK[day] for day in rhythm.weekdays)
        yield Objection(f"{name} has sessions on {allowed}, and today is {WEEK[weekday]}", span)
    if own:
        yield from _of_first(rhythm, own, now.today, span, name)


def _of_first(
    rhythm: Rhythm, own: Sequence[PastSession], today: int, span: Span, name: str
) -> Iterator[Objection]:
    """What is counted from the first session."""
    day = today - own[0].day + 1
    if rhythm.sessions_max is not None and len(own) >= rhythm.sessions_max:
        yield Objection(f"{name} has {rhythm.sessions_max} sessions, and all were given", span)
    if rhythm.length_days is not None and day > rhythm.length_days:
        yield Objection(f"{name} ends with its day {rhythm.length_days}, and today is day {day}", span)
    if rhythm.days and day not in rhythm.days:
        later = [listed for listed in rhythm.days if listed > day]
        advice = None if not later else f"the next one is due in {later[0] - day} d, on day {later[0]}"
        yield Objection(f"{name} has no session on its day {day}", span, advice)


def _of_gaps(rhythm: Rhythm, now: _Now, span: Span) -> Iterator[Objection]:
    last_day = max(past.day for past in now.sessions)
    last_ms = max(past.start_ms for past in now.sessions)
    passed_ms = now.now_ms - last_ms
    if now.today - last_day < rhythm.gap_days_min:
        due = rhythm.gap_days_min - (now.today - last_day)
        yield Objection(f"the next session of the course is due in {due} d, not today", span)
    if passed_ms < rhythm.gap_ms_min:
        again = waiting_text(rhythm.gap_ms_min - passed_ms)
        yield Objection(f"the next session of the course may begin in {again}", span)
    if rhythm.gap_ms_max is not None and passed_ms > rhythm.gap_ms_max:
        gap, most = waiting_text(passed_ms), duration_text(rhythm.gap_ms_max)
        yield Objection(f"the last session was {gap} ago, and the course allows {most}", span)


def _resting(course: Course, sites: Sequence[str], protocol: str, history: History) -> Iterator[Objection]:
    """Sites that have not rested since any session on them, of whatever protocol.

    A session of this protocol that does not say where it was may have been on any of its sites.
    """
    if not course.rest_site_ms:
        return
    for site in sites:
        starts = [
            past.start_ms
            for past in history.sessions
            if any(same_place(site, other) for other in past.sites)
            or (past.protocol == protocol and not past.sites)
        ]
        if starts and history.now_ms - max(starts) < course.rest_site_ms:
            again = waiting_text(course.rest_site_ms - (history.now_ms - max(starts)))
            yield Objection(
                f"the site `{site}` rests for {duration_text(course.rest_site_ms)} after a session",
                course.span,
                f"it may be treated again in {again}",
            )


def late_days(course: Course, sessions: tuple[PastSession, ...], today: int) -> int:
    """By how many dates a session today is later than it was due; 0 when it is not."""
    if not sessions:
        return 0
    where = standing(course, sessions, today, {})
    phases = [phase.rhythm.gap_days_max for phase in course.phases[where.phase : where.phase + 1]]
    dues = [due for due in (course.gap_days_max, *phases) if due is not None]
    passed = today - max(past.day for past in sessions)
    return max(0, passed - min(dues)) if dues else 0


def next_date(course: Course, sessions: tuple[PastSession, ...]) -> int | None:
    """The first date on which the course can have its next session, at the time of day of the last one.

    None when it has none within DATES_SEARCHED. Evaluations and sites are not asked about.
    """
    last = max(sessions, key=lambda past: past.start_ms)
    if course.stop_when is not None and evaluate(course.stop_when, known_after(sessions, {})) is True:
        return None
    for later in range(DATES_SEARCHED):
        moment = History(last.start_ms + later * DAY_MS, last.day + later, sessions)
        if not any(True for _ in calendar_objections(course, sessions, {}, moment)):
            return moment.today
    return None


DATES_SEARCHED = 400
"""Dates that are looked through for the next session: a year, and some."""
