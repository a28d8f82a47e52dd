"""How closely sessions can follow each other: what a course lets happen in a moving window.

A course speaks of calendar dates and of elapsed time. Dates alone say less than one thinks: two sessions on
dates that are n apart can be little more than n - 1 days apart, one late in the evening, the other early in
the morning. Here is the bound: closed formulas that hold for every number of sessions, and below them an
exact search (`crowding`) wherever the number is small enough to search.
"""

from __future__ import annotations

from itertools import pairwise

from ionto_ir.course import DAY_MS, Course, Phase, Rhythm, rhythm_of
from ionto_ir.dataclass import replace
from ionto_verifier.crowding import crowd, merged

STARTS_SHOWN_MAX = 1_000
"""Sessions that a schedule lists; a window that holds more is described by its number alone."""

SEARCHED_MAX = 64
"""Sessions in one window that are searched for; more are bounded by the formulas alone."""


def sessions_within(course: Course | None, span_ms: int) -> int | None:
    """The largest number of sessions whose starts lie less than `span_ms` apart; None when nothing bounds
    it. Never too few; exact where it is at most SEARCHED_MAX and the search comes to its end.
    """
    if course is None:
        return None
    most = _formula(course, span_ms)
    if most is None or most > SEARCHED_MAX:
        return most
    found = crowd(course, span_ms, most)
    return most if found is None else min(most, len(found.starts_ms))


def on_one_site(course: Course | None) -> Course | None:
    """The course as one site sees it: its own sessions are as far apart as sites rest."""
    if course is None:
        return None
    return replace(course, gap_ms_min=max(course.gap_ms_min, course.rest_site_ms))


def _formula(course: Course, span_ms: int) -> int | None:
    """The bound by formulas: the least that any rule alone leaves."""
    overall = rhythm_of(course)
    bounds = [_by_rhythm(overall, span_ms)]
    if course.phases:
        parts = [_by_rhythm(merged(overall, phase.rhythm), span_ms) for phase in course.phases]
        bounds.append(None if None in parts else sum(part for part in parts if part is not None))
    known = [bound for bound in bounds if bound is not None]
    return min(known) if known else None


def _by_rhythm(rhythm: Rhythm, span_ms: int) -> int | None:
    found = _within(rhythm, span_ms)
    if rhythm.length_days is not None:
        # All of its sessions lie on so many dates, wherever a window lies.
        whole = _within(rhythm, rhythm.length_days * DAY_MS)
        found = whole if found is None else found if whole is None else min(found, whole)
    return found


def _within(said: Rhythm, span_ms: int) -> int | None:
    rhythm = _with_shares(said)
    most = rhythm.sessions_max
    if not (rhythm.gap_ms_min or rhythm.gap_days_min or rhythm.per_days):
        return most
    count = 1
    while (most is None or count < most) and starts_apart_ms(rhythm, count + 1) < span_ms:
        count += _stride(rhythm, count, span_ms)
    return count if most is None else min(most, count)


def _with_shares(rhythm: Rhythm) -> Rhythm:
    """The same with what named days imply: so many sessions in any week, so many in all."""
    shares = [count for count, days in rhythm.per_days if days == 1] + [1] * (rhythm.gap_days_min > 0)
    if not shares:
        return rhythm
    weekly = ((len(rhythm.weekdays) * min(shares), 7),) if rhythm.weekdays else ()
    listed = [len(rhythm.days) * min(shares)] if rhythm.days else []
    listed += [] if rhythm.sessions_max is None else [rhythm.sessions_max]
    return replace(rhythm, per_days=(*rhythm.per_days, *weekly), sessions_max=min(listed, default=None))


def starts_apart_ms(rhythm: Rhythm, count: int) -> int:
    """A time, ms, that at least passes from the first to the last of `count` sessions in a row, start to
    start.

    Sessions on dates n apart are more than n - 1 days apart.
    """
    if count < 2:
        return 0
    gaps = count - 1
    by_date = (gaps * rhythm.gap_days_min - 1) * DAY_MS + 1 if rhythm.gap_days_min else 0
    by_share = max((_dates_for(share, days, count) for share, days in rhythm.per_days), default=0)
    by_rule = (by_share - 1) * DAY_MS + 1 if by_share else 0
    return max(0, gaps * rhythm.gap_ms_min, by_date, by_rule)


def _dates_for(share: int, days: int, count: int) -> int:
    """How many dates apart the first and last of `count` sessions are if at most `share` fall on any `days`
    dates.

    Session i + share falls at least `days` dates after session i.
    """
    return (count - 1) // share * days


def _stride(rhythm: Rhythm, count: int, span_ms: int) -> int:
    """A number of further sessions that certainly still fit: doubling finds the end of a long window
    quickly.
    """
    step = 1
    while starts_apart_ms(rhythm, count + 2 * step) < span_ms:
        step *= 2
    return step


def contradictions(course: Course) -> tuple[str, ...]:
    """Rules of the course by which no second session can ever follow a first one, in words.

    A course that its rules bring to an end is no contradiction: nobody must have a further session.
    """
    overall = rhythm_of(course)
    found = list(_contradicting(overall, ""))
    for phase in course.phases:
        found += _contradicting(merged(overall, phase.rhythm), f" in the phase `{phase.name}`")
        found += _unreached(phase)
    return tuple(dict.fromkeys(found))


def _contradicting(rhythm: Rhythm, where: str) -> list[str]:
    if rhythm.sessions_max == 1:
        return []
    found = []
    due = rhythm.gap_days_max
    if due is not None:
        if rhythm.gap_ms_min >= (due + 1) * DAY_MS:
            found.append("the least time between two sessions is longer than the most days between them")
        if rhythm.gap_days_min > due:
            found.append("the fewest days between two sessions are more than the most")
        for share, days in rhythm.per_days:
            if share == 1 and days > due:
                found.append(f"one session in {days} days leaves more than {due} days between two")
    if rhythm.gap_ms_max is not None:
        if rhythm.gap_ms_min > rhythm.gap_ms_max:
            found.append("the least time between two sessions is longer than the most")
        if (rhythm.gap_days_min - 1) * DAY_MS >= rhythm.gap_ms_max:
            found.append("the fewest days between two sessions take longer than the most time between them")
    for earlier, later in pairwise(rhythm.days):
        apart = later - earlier
        if apart < rhythm.gap_days_min or (apart + 1) * DAY_MS <= rhythm.gap_ms_min:
            found.append(f"days {earlier} and {later} are closer than the least time between two sessions")
    return [text + where for text in found]


def _unreached(phase: Phase) -> list[str]:
    """Evaluations that would come after more sessions than the phase has."""
    most = phase.rhythm.sessions_max
    late = [gate.after for gate in phase.gates if most is not None and (gate.after or 0) > most]
    name = f"the phase `{phase.name}`"
    return [f"{name} is over before the evaluation after {after} sessions" for after in late]
