"""Whether every schedule of dates that a new course admits is one that the old course admits.

All schedules are followed at once: what rules can still know of the sessions so far (which dates they look
back to, where each course stands) is all that is kept of them, so that there are few. Times of day are left
out on the safe side: the new course may use every date that its hours do not rule out, and the hours that the
old one asks for must be asked for by the new one outright. Too many schedules, or phases that end by what is
recorded, are not decided here.
"""

from __future__ import annotations

from collections.abc import Iterator

from ionto_ir.bind_constants import History, PastSession
from ionto_ir.bind_course import calendar_objections
from ionto_ir.course import DAY_MS, Course, Rhythm, rhythm_of, rhythms_of
from ionto_ir.dataclass import replace
from ionto_ir.standing import standing

ASKED_MAX = 40_000
"""Questions to a course before it is given up: a few seconds."""

_Key = tuple[object, ...]


def never_more_dates(old: Course, new: Course) -> bool:
    """Whether it is certain that the new course admits no session that the old one does not."""
    if any(phase.next_when is not None for course in (old, new) for phase in course.phases):
        return False
    if not _hours_kept(old, new):
        return False
    former, latter = _by_dates(old, keeps=False), _by_dates(new, keeps=True)
    horizon = _horizon(former, latter)
    pending: list[tuple[PastSession, ...]] = [(_session(day),) for day in _first_days(latter)]
    seen: set[_Key] = set()
    asked = 0
    while pending:
        given = pending.pop()
        key = _known(former, latter, given, horizon)
        if key in seen:
            continue
        seen.add(key)
        for date in range(given[-1].day, given[-1].day + horizon + 1):
            asked += 1
            if asked > ASKED_MAX:
                return False
            if _objects(latter, given, date):
                continue
            if _objects(former, given, date):
                return False
            pending.append((*given, _session(date)))
    return True


def _hours_kept(old: Course, new: Course) -> bool:
    """Whether the new course as a whole keeps the longest of the old one's least gaps, and its breaks."""
    least = max(rhythm.gap_ms_min for rhythm in rhythms_of(old))
    most = [rhythm.gap_ms_max for rhythm in rhythms_of(old) if rhythm.gap_ms_max is not None]
    return new.gap_ms_min >= least and (
        not most or (new.gap_ms_max is not None and new.gap_ms_max <= min(most))
    )


def _by_dates(course: Course, *, keeps: bool) -> Course:
    """The course without hours; with what its hours say of dates if it `keeps` that."""
    whole = _dated(rhythm_of(course), keeps)
    phases = tuple(replace(phase, rhythm=_dated(phase.rhythm, keeps)) for phase in course.phases)
    return replace(
        course, gap_days_min=whole.gap_days_min, gap_ms_min=0, gap_ms_max=None, phases=phases, stop_when=None
    )


def _dated(rhythm: Rhythm, keeps: bool) -> Rhythm:
    days = max(rhythm.gap_days_min, rhythm.gap_ms_min // DAY_MS) if keeps else rhythm.gap_days_min
    return replace(rhythm, gap_days_min=days, gap_ms_min=0, gap_ms_max=None)


def _horizon(*courses: Course) -> int:
    """After so many dates without a session no rule looks back any further."""
    longest = 7
    for course in courses:
        for rhythm in rhythms_of(course):
            spans = [days for _, days in rhythm.per_days]
            longest = max(longest, rhythm.gap_days_min, rhythm.length_days or 0, *rhythm.days, *spans)
    return longest + 7


def _first_days(course: Course) -> Iterator[int]:
    """A first session on each weekday, if weekdays matter."""
    weekly = any(rhythm.weekdays for rhythm in rhythms_of(course))
    yield from (day for day in range(1, 8 if weekly else 2) if not _objects(course, (), day))


def _session(day: int) -> PastSession:
    start_ms = (day - 1) * DAY_MS
    return PastSession(start_ms, start_ms, day, 0, 0, "")


def _objects(course: Course, given: tuple[PastSession, ...], day: int) -> bool:
    history = History((day - 1) * DAY_MS, day, given)
    return any(True for _ in calendar_objections(course, given, {}, history))


def _known(old: Course, new: Course, given: tuple[PastSession, ...], horizon: int) -> _Key:
    """All that the rules of two courses can know of the sessions so far."""
    rhythms = (*rhythms_of(old), *rhythms_of(new))
    span = max((days for rhythm in rhythms for _, days in rhythm.per_days), default=0)
    last = given[-1].day
    recent = tuple(last - past.day for past in given if last - past.day < span)
    places: list[object] = []
    for course in (old, new):
        where = standing(course, given, last, {})
        own, whole = where.in_phase, rhythm_of(course)
        counted = whole.sessions_max is not None
        measured = whole.length_days is not None or bool(whole.days)
        places.append((where.phase, where.over, len(own), min(last - own[0].day, horizon) if own else None))
        places.append((len(given) if counted else None, last - given[0].day if measured else None))
    weekly = any(rhythm.weekdays for rhythm in rhythms)
    return (recent, *places, last % 7 if weekly else None)
