"""A course in words, as a calendar, and from the seat of one patient in the middle of it."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date

from ionto_ir.bind_constants import History, PastSession
from ionto_ir.bind_course import late_days, next_date
from ionto_ir.course import DAY_MS, WEEK, Course, MemoryKind, Rhythm, rhythm_of
from ionto_ir.plan import Plan
from ionto_ir.standing import beginning, sessions_of, standing
from ionto_ir.wording import duration_text

WEEKS_DRAWN_MAX = 16
"""Weeks of the calendar in a report: a course that goes on longer repeats itself."""

NOON_MS = 43_200_000


def course_sentences(plan: Plan) -> list[str]:
    """The rules of the course as sentences without a full stop."""
    course = plan.course
    if course is None:
        return []
    sentences = list(_rhythm(rhythm_of(course)))
    if course.rest_site_ms:
        rest = duration_text(course.rest_site_ms)
        sentences.append(f"A site is treated again {rest} after the last session on it began, or later")
    sentences += _carried(plan, course)
    for gate in course.gates:
        sentences.append(f"Before session {(gate.after or 0) + 1} it is evaluated, or it ends: {gate.reason}")
    for phase in course.phases:
        said = list(_rhythm(phase.rhythm))
        if phase.next_when is not None:
            said.append("it ends when what is recorded says so")
        for gate in phase.gates:
            when = "at its end" if gate.after is None else f"after {gate.after} of its sessions"
            said.append(f"{when} it is evaluated, or the course ends: {gate.reason}")
        sentences.append(f"Phase {phase.name}: {'; '.join(_lower(part) for part in said)}")
    if course.stop_when is not None:
        sentences.append("It is over when what it was given for is reached")
    return sentences


def _lower(text: str) -> str:
    return text[:1].lower() + text[1:]


def _rhythm(rhythm: Rhythm) -> Iterator[str]:
    if rhythm.gap_days_min and not (rhythm.gap_days_min == 1 and (rhythm.weekdays or rhythm.days)):
        last = rhythm.gap_days_max
        span = _days(rhythm.gap_days_min)
        if last is not None and last > rhythm.gap_days_min:
            span = f"{rhythm.gap_days_min} to {_days(last)}"
        yield f"A session every {span}" if last is not None else f"Sessions are at least {span} apart"
    for count, days in rhythm.per_days:
        span = {1: "day", 7: "7 days in a row"}.get(days, f"{days} days in a row")
        yield f"At most {_count(count)} on any {span}"
    if rhythm.weekdays:
        yield f"Sessions on {', '.join(WEEK[day] for day in rhythm.weekdays)}"
    if rhythm.days:
        yield f"Sessions on days {', '.join(map(str, rhythm.days))} from the first on"
    if rhythm.gap_ms_min:
        yield f"From start to start at least {duration_text(rhythm.gap_ms_min)}"
    if rhythm.gap_ms_max is not None:
        yield f"From start to start at most {duration_text(rhythm.gap_ms_max)}, or it is over"
    if rhythm.sessions_max is not None:
        yield f"At most {_count(rhythm.sessions_max)} in all"
    if rhythm.length_days is not None:
        yield f"The last one on day {rhythm.length_days} at the latest"


def _days(number: int) -> str:
    return "day" if number == 1 else f"{number} days"


def _count(number: int) -> str:
    return "1 session" if number == 1 else f"{number} sessions"


def _carried(plan: Plan, course: Course) -> Iterator[str]:
    spans = [memory.span for memory in course.memories]
    for requirement in plan.requirements:
        if requirement.span in spans:
            yield requirement.text
    for memory in course.memories:
        if memory.kind is MemoryKind.POLARITY:
            kept = "The polarity is that of the previous session"
            yield (kept if memory.swap_when is None else f"{kept}, swapped when its records say so")


# The calendar


def weeks_of(plan: Plan) -> list[list[str]]:
    """Weeks of seven cells from Monday on, with the number of each session in the cell of its date.

    Every session comes as early as the course lets it, at noon, and nothing is recorded that changes it.
    """
    course = plan.course
    if course is None:
        return []
    first = beginning(plan)
    given: tuple[PastSession, ...] = ()
    today: int | None = first.today
    while today is not None and today <= WEEKS_DRAWN_MAX * 7:
        given = (*given, _at_noon(plan, today))
        today = next_date(course, given)
    cells = [""] * (-(-given[-1].day // 7) * 7)
    for number, past in enumerate(given, 1):
        cells[past.day - 1] += (", " if cells[past.day - 1] else "") + str(number)
    return [cells[start : start + 7] for start in range(0, len(cells), 7)]


def _at_noon(plan: Plan, day: int) -> PastSession:
    start_ms = day * DAY_MS + NOON_MS
    return PastSession(start_ms, start_ms, day, 0, 0, plan.name)


# One patient


def before_session(plan: Plan, history: History) -> Iterator[str]:
    """Which session of its course is about to begin, and what it remembers."""
    course = plan.course
    if course is None:
        return
    sessions = sessions_of(plan, history)
    where = standing(course, sessions, history.today, {})
    most = "" if course.sessions_max is None else f" of at most {course.sessions_max}"
    text = f"session {len(sessions) + 1}{most}"
    if course.phases:
        text += f", {len(where.in_phase) + 1} of the phase `{course.phases[where.phase].name}`"
    if sessions:
        text += f"; the last one was on {_date(sessions[-1].day)}"
    late = late_days(course, sessions, history.today)
    yield text + (f", and this one is {late} d late" if late else "")


def after_session(plan: Plan, history: History, done: PastSession) -> Iterator[str]:
    """When the next session may be."""
    course = plan.course
    if course is None:
        return
    day = next_date(course, (*sessions_of(plan, history), done))
    yield "there is no further session" if day is None else f"the next session may be on {_date(day)}"


def _date(day: int) -> str:
    return date.fromordinal(day).isoformat()
