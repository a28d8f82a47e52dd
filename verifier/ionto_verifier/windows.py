"""How closely sessions can follow each other: what a course lets happen in a moving window.

A course speaks of calendar dates and of elapsed time. Dates alone say less than one thinks: two sessions on
dates that are n apart can be little more than n - 1 days apart, one late in the evening, the other early in
the morning.
"""

from __future__ import annotations

from ionto_ir.plan import Course

DAY_MS = 86_400_000

STARTS_SHOWN_MAX = 1_000
"""Sessions that a schedule lists; a window that holds more is described by its number alone."""


def starts_apart_ms(course: Course | None, count: int) -> int:
    """The least time, ms, from the first to the last of `count` sessions in a row, start to start.

    The smallest whole number of ms that the course allows; sessions on dates n apart are more than n - 1
    days apart.
    """
    if course is None or count < 2:
        return 0
    gaps = count - 1
    by_date = (gaps * course.gap_days_min - 1) * DAY_MS + 1 if course.gap_days_min else 0
    by_share = max((_dates_for(share, days, count) for share, days in course.per_days), default=0)
    by_rule = (by_share - 1) * DAY_MS + 1 if by_share else 0
    return max(0, gaps * course.gap_ms_min, by_date, by_rule)


def _dates_for(share: int, days: int, count: int) -> int:
    """How many dates apart the first and last of `count` sessions are if at most `share` fall on any `days`
    dates.

    Session i + share falls at least `days` dates after session i.
    """
    return (count - 1) // share * days


def sessions_within(course: Course | None, span_ms: int) -> int | None:
    """The largest number of sessions whose starts lie less than `span_ms` apart; None when nothing bounds
    it.
    """
    most = None if course is None else course.sessions_max
    if course is None or not (course.gap_ms_min or course.gap_days_min or course.per_days):
        return most
    count = 1
    while (most is None or count < most) and starts_apart_ms(course, count + 1) < span_ms:
        count += _stride(course, count, span_ms)
    return count if most is None else min(most, count)


def _stride(course: Course, count: int, span_ms: int) -> int:
    """A number of further sessions that certainly still fit: doubling finds the end of a long window
    quickly.
    """
    step = 1
    while starts_apart_ms(course, count + 2 * step) < span_ms:
        step *= 2
    return step


def contradictions(course: Course) -> tuple[str, ...]:
    """Rules of the course by which no second session can ever follow a first one, in words.

    A course that its rules bring to an end is no contradiction: nobody must have a further session.
    """
    if course.gap_days_max is None or course.sessions_max == 1:
        return ()
    found = []
    if course.gap_ms_min >= (course.gap_days_max + 1) * DAY_MS:
        found.append("the least time between two sessions is longer than the most days between them")
    if course.gap_days_min > course.gap_days_max:
        found.append("the fewest days between two sessions are more than the most")
    for share, days in course.per_days:
        if share == 1 and days > course.gap_days_max:
            found.append(
                f"one session in {days} days leaves more than {course.gap_days_max} days between two"
            )
    return tuple(found)
