"""How closely sessions follow each other, by the rules that hold for all of a course, one at a time.

Phases only ever add rules, so leaving theirs out finds no session too few. Dates and hours are reckoned
apart: the least time that either asks for passes at least.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import partial

from ionto_ir.course import DAY_MS, Course

SESSIONS_COUNTED_MAX = 100_000
"""Sessions in one window beyond which nobody counts."""

DATES_COUNTED_MAX = 400
"""Sessions whose dates are looked at one by one; beyond them the gaps alone count."""


def sessions_in(course: Course | None, window_ms: int, *, per_site: bool = False) -> int | None:
    """How many sessions may begin within a half-open window; None where nothing bounds it.

    `per_site` counts those on one site, which rests between them.
    """
    if course is None:
        return None
    gap_ms = max(course.gap_ms_min, course.rest_site_ms) if per_site else course.gap_ms_min
    most = course.sessions_max
    if not (gap_ms > 0 or course.gap_days_min > 0 or course.per_days):
        return most
    count = 1
    while least_span_ms(course, gap_ms, count + 1) < window_ms and (most is None or count < most):
        count += 1
        if count > SESSIONS_COUNTED_MAX:
            return None
    return count


def least_span_ms(course: Course, gap_ms: int, count: int) -> int:
    """The least time from the first to the last of so many sessions, start to start.

    Dates that are n apart may be little more than n - 1 days apart: late one day, early on another.
    """
    dates = (count - 1) * course.gap_days_min
    for share, days in course.per_days:
        dates = max(dates, (count - 1) // share * days)
    if count <= DATES_COUNTED_MAX and (course.weekdays or course.days):
        dates = max(dates, min(_last_dates(course, count), default=0))
    by_date = (dates - 1) * DAY_MS + 1 if dates else 0
    return max((count - 1) * gap_ms, by_date)


def _last_dates(course: Course, count: int) -> Iterator[int]:
    """For every place at which a first session may stand: how many dates later the last one is, at least.

    A row of listed days that ends before has no more sessions: nothing that lasts a life comes after it.
    """
    if course.days:
        for first in course.days:
            yield _after(course, count, partial(_listed, [day - first for day in course.days]))
        return
    for first in course.weekdays:
        yield _after(course, count, partial(_on_weekday, [day - first for day in course.weekdays]))


NEVER = 100_000
"""A date that no course reaches."""


def _listed(days: Sequence[int], date: int) -> int:
    """The first listed day from a date on."""
    return min((day for day in days if day >= date), default=NEVER)


def _on_weekday(days: Sequence[int], date: int) -> int:
    """The first date from this one on that falls on one of the weekdays."""
    return min(date + (day - date) % 7 for day in days)


def _after(course: Course, count: int, admitted: Callable[[int], int]) -> int:
    """The date of the last of so many sessions, each as early as gaps and shares let it be."""
    dates = [0]
    while len(dates) < count:
        earliest = dates[-1] + course.gap_days_min
        for share, days in course.per_days:
            if len(dates) >= share:
                earliest = max(earliest, dates[-share] + days)
        dates.append(admitted(earliest))
    return dates[-1]
