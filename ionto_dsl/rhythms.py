"""When the sessions of a course, or of one of its phases, may be: dates, elapsed times and counts."""

from __future__ import annotations

from ionto_dsl import surface
from ionto_dsl.operands import positive
from ionto_dsl.scope import Scope
from ionto_dsl.settings import only
from ionto_dsl.wording import written
from ionto_ir.course import DAY_MS, SESSIONS_MAX, WEEK, Rhythm
from ionto_ir.dataclass import dataclass, field
from ionto_ir.diagnostic import Label, error
from ionto_ir.source import Span
from ionto_ir.units import DIMENSIONLESS, TIME

DAYS_MAX = 3_660
"""Ten years: longer than any course, so a larger number is a mistake in the unit."""

CalendarLine = (
    surface.Every
    | surface.Frequency
    | surface.AtMostSessions
    | surface.AtLeastBetween
    | surface.AtMostBetween
    | surface.OnDays
    | surface.OnWeekdays
    | surface.EndsBy
)
"""The lines that say when."""


@dataclass(slots=True)
class Draft:
    """What the lines say so far; each part keeps the place where it was said."""

    every: tuple[int, int, Span] | None = None
    gap_ms: int = 0
    gap_ms_max: int | None = None
    per_days: list[tuple[int, int]] = field(default_factory=list)
    weekdays: tuple[int, ...] = ()
    days: tuple[int, ...] = ()
    sessions_max: int | None = None
    length_days: int | None = None
    said: list[tuple[str, Span]] = field(default_factory=list)

    def at_most(self, sessions: int) -> None:
        """The smallest bound holds."""
        self.sessions_max = sessions if self.sessions_max is None else min(self.sessions_max, sessions)

    def lasting(self, days: int) -> None:
        """The shortest time holds."""
        self.length_days = days if self.length_days is None else min(self.length_days, days)


def read_line(line: CalendarLine, draft: Draft, scope: Scope) -> None:
    """Take what one line says."""
    match line:
        case surface.Every():
            _every(line, draft, scope)
        case surface.Frequency():
            _frequency(line, draft, scope)
        case surface.AtMostSessions():
            _at_most(line, draft, scope)
        case surface.AtLeastBetween():
            draft.said.append(("`at least ... between sessions`", line.span))
            draft.gap_ms = positive(line.gap_min, TIME, scope, "the time between sessions is a time") or 0
        case surface.AtMostBetween():
            draft.said.append(("`at most ... between sessions`", line.span))
            draft.gap_ms_max = positive(line.gap_max, TIME, scope, "the time between sessions is a time")
        case surface.OnDays():
            draft.said.append(("on which days sessions take place", line.span))
            draft.days = _listed(line, scope)
        case surface.OnWeekdays():
            draft.said.append(("on which days sessions take place", line.span))
            draft.weekdays = _weekdays(line, scope)
        case surface.EndsBy():
            draft.said.append(("`ends by`", line.span))
            day = _number(line.day, scope, "`ends by` takes the number of a day")
            if day is not None:
                draft.lasting(day)


def rhythm(draft: Draft, scope: Scope) -> Rhythm:
    """The rules together.

    `every 2 days` means not earlier than two dates later, and late after that. `3 sessions per week` means on
    any seven consecutive dates. `for 4 weeks` ends it with the last of so many dates, and bounds its sessions
    to what fits into them. `at most 6 sessions within 15 days` means on any fifteen consecutive dates;
    without a window it bounds them all. Where days are named, each has one session unless `per day` says
    otherwise.
    """
    only(draft.said, scope.found)
    _check_together(draft, scope)
    gap_days, due = (0, None) if draft.every is None else draft.every[:2]
    daily = [count for count, days in draft.per_days if days == 1]
    if draft.days:
        draft.at_most(len(draft.days) * min(daily, default=1))
    if (draft.days or draft.weekdays) and not daily:
        gap_days = max(1, gap_days)
    return Rhythm(
        gap_days,
        due,
        draft.gap_ms,
        draft.gap_ms_max,
        tuple(draft.per_days),
        draft.weekdays,
        draft.days,
        draft.sessions_max,
        draft.length_days,
    )


def _every(line: surface.Every, draft: Draft, scope: Scope) -> None:
    draft.said.append(("how often sessions take place", line.span))
    place = "`every` takes a number of days or weeks"
    if isinstance(line.period, surface.Range):
        low, high = (whole_days(end, scope, place) for end in (line.period.low, line.period.high))
    else:
        low = high = whole_days(line.period, scope, place)
    if low is None or high is None:
        return
    if low > high:
        message = f"the range `{written(line.period)}` is empty"
        advice = "write the smaller value first"
        scope.found.append(error("I0403", message, line.period.span, "nothing in it", help=advice))
        return
    draft.every = (low, high, line.span)
    length = _length(line.duration, scope)
    if length is not None:
        draft.lasting(length)
        draft.at_most(-(-length // low))


def _frequency(line: surface.Frequency, draft: Draft, scope: Scope) -> None:
    draft.said.append(("how often sessions take place", line.span))
    count = positive(line.count, DIMENSIONLESS, scope, "a frequency begins with a number of sessions")
    if count is None:
        return
    days = 7 if line.per == "week" else 1
    draft.per_days.append((count, days))
    length = _length(line.duration, scope)
    if length is not None:
        draft.lasting(length)
        draft.at_most(count * -(-length // days))


def _length(duration: surface.Expression | None, scope: Scope) -> int | None:
    return None if duration is None else whole_days(duration, scope, "`for` takes a number of days or weeks")


def _at_most(line: surface.AtMostSessions, draft: Draft, scope: Scope) -> None:
    count = positive(line.count_max, DIMENSIONLESS, scope, "`at most` takes a number of sessions")
    if line.window is None:
        draft.said.append(("the number of sessions", line.span))
        if count is not None and count > SESSIONS_MAX:
            message = f"a course has at most {SESSIONS_MAX} sessions"
            scope.found.append(error("I0414", message, line.count_max.span, "more than that"))
        elif count is not None:
            draft.at_most(count)
        return
    days = whole_days(line.window, scope, "`within` takes a number of days or weeks")
    if count is not None and days is not None:
        draft.per_days.append((count, days))


def _listed(line: surface.OnDays, scope: Scope) -> tuple[int, ...]:
    """Days from day 1 on, each later than the one before."""
    days: list[int] = []
    for item in line.days:
        day = _number(item, scope, "a day of the course is a number")
        if day is None:
            return ()
        if not days and day != 1:
            message = f"the first session is on day 1, and the first day named here is {day}"
            advice = "count the days from the first session"
            scope.found.append(error("I0481", message, item.span, "not day 1", help=advice))
            return ()
        if days and day <= days[-1]:
            message = f"day {day} is named after day {days[-1]}"
            advice = "name each day once, in their order"
            scope.found.append(error("I0481", message, item.span, "not a later day", help=advice))
            return ()
        days.append(day)
    return tuple(days)


def _weekdays(line: surface.OnWeekdays, scope: Scope) -> tuple[int, ...]:
    days: list[int] = []
    for item in line.weekdays:
        day = WEEK.index(item.text)
        if days and day <= days[-1]:
            message = f"`{item.text}` is named after `{WEEK[days[-1]]}`"
            advice = "name each weekday once, from Monday on"
            scope.found.append(error("I0481", message, item.span, "not a later one", help=advice))
            return ()
        days.append(day)
    return tuple(days)


def _number(item: surface.Number, scope: Scope, place: str) -> int | None:
    value = positive(item, DIMENSIONLESS, scope, place)
    if value is not None and value > DAYS_MAX:
        message = f"`{written(item)}` days are longer than any course"
        scope.found.append(error("I0414", message, item.span, f"more than {DAYS_MAX} days"))
        return None
    return value


def whole_days(expression: surface.Expression, scope: Scope, place: str) -> int | None:
    """A whole number of calendar days."""
    value_ms = positive(expression, TIME, scope, place)
    if value_ms is None:
        return None
    if value_ms % DAY_MS:
        message = f"{place}, and `{written(expression)}` is no whole number of days"
        advice = "sessions are counted by calendar dates; for hours write `at least 36 h between sessions`"
        scope.found.append(error("I0414", message, expression.span, "not whole days", help=advice))
        return None
    if value_ms // DAY_MS > DAYS_MAX:
        message = f"`{written(expression)}` is longer than any course"
        scope.found.append(error("I0414", message, expression.span, f"more than {DAYS_MAX} days"))
        return None
    return value_ms // DAY_MS


def _check_together(draft: Draft, scope: Scope) -> None:
    """Rules that contradict each other: a rhythm that its own gap forbids, gaps that leave no room."""
    if draft.gap_ms_max is not None and draft.gap_ms > draft.gap_ms_max:
        place = next(place for what, place in draft.said if what.startswith("`at least"))
        message = "the least time between two sessions is longer than the most"
        scope.found.append(error("I0414", message, place, "no session could follow"))
    if draft.every is None:
        return
    days, span = draft.every[1:]
    if draft.gap_ms > (days + 1) * DAY_MS:
        # Two sessions `days` dates apart are less than `days + 1` days apart.
        place = next(place for what, place in draft.said if what.startswith("`at least"))
        apart = "on consecutive dates" if days == 1 else f"{days} dates apart"
        message = f"sessions {apart} cannot keep this time between them"
        labels = (Label(span, "the rhythm"),)
        scope.found.append(error("I0414", message, place, "longer than the rhythm allows", labels=labels))
