"""The course of sessions: calendar rules in days, elapsed time in ms, and when to stop."""

from __future__ import annotations

from ionto_dsl import surface
from ionto_dsl.operands import condition, positive
from ionto_dsl.scope import Scope
from ionto_dsl.settings import only
from ionto_dsl.unsupported import unsupported
from ionto_dsl.wording import written
from ionto_ir.dataclass import dataclass, field
from ionto_ir.diagnostic import Label, error
from ionto_ir.expression import Expression, disjunction
from ionto_ir.plan import Course
from ionto_ir.source import Span
from ionto_ir.units import DIMENSIONLESS, TIME

DAY_MS = 86_400_000
DAYS_MAX = 3_660
"""Ten years: longer than any course, so a larger number is a mistake in the unit."""


@dataclass(slots=True)
class _Draft:
    """What the lines say so far; each part keeps the place where it was said."""

    every: tuple[int, Span] | None = None
    gap_ms: int = 0
    per_days: list[tuple[int, int]] = field(default_factory=list)
    sessions_max: int | None = None
    stop: list[Expression] = field(default_factory=list)
    said: list[tuple[str, Span]] = field(default_factory=list)


def course_of(item: surface.Course, scope: Scope) -> Course:
    """The course; lines with errors are left out and reported.

    `every 2 days` means exactly two dates apart. `3 sessions per week` means on any seven consecutive dates.
    `for 4 weeks` bounds the number of sessions to what fits into them. `at most 6 sessions within 15 days`
    means on any fifteen consecutive dates; without a window it bounds the whole course.
    """
    draft = _Draft()
    for line in item.items:
        _read(line, draft, scope)
    only(draft.said, scope.found)
    gap_days = 0 if draft.every is None else draft.every[0]
    _check_together(draft, scope)
    return Course(
        gap_days_min=gap_days,
        gap_days_max=None if draft.every is None else gap_days,
        gap_ms_min=draft.gap_ms,
        per_days=tuple(draft.per_days),
        sessions_max=draft.sessions_max,
        stop_when=disjunction(*draft.stop) if draft.stop else None,
        span=item.span,
    )


def _read(line: surface.CourseItem, draft: _Draft, scope: Scope) -> None:
    match line:
        case surface.Every():
            _every(line, draft, scope)
        case surface.Frequency():
            _frequency(line, draft, scope)
        case surface.AtMostSessions():
            _at_most(line, draft, scope)
        case surface.AtLeastBetween():
            draft.said.append(("`at least ... between sessions`", line.span))
            gap = positive(line.gap_min, TIME, scope, "the time between sessions is a time")
            draft.gap_ms = gap or 0
        case surface.StopWhen():
            found = condition(line.condition, scope)
            draft.stop += [] if found is None else [found]
        case surface.OnDays():
            unsupported("`on days`", line.span, scope.found)
        case surface.RestSite():
            unsupported("`rest site`", line.span, scope.found)
        case surface.Carry():
            unsupported("`carry`", line.span, scope.found)
        case surface.Phase():
            unsupported("`phase`", line.span, scope.found)


def _every(line: surface.Every, draft: _Draft, scope: Scope) -> None:
    draft.said.append(("how often sessions take place", line.span))
    days = _days(line.period, scope, "`every` takes a number of days or weeks")
    if days is None:
        return
    draft.every = (days, line.span)
    if line.duration is not None:
        length = _days(line.duration, scope, "`for` takes a number of days or weeks")
        if length is not None:
            _bound_total(draft, -(-length // days), line.span)


def _frequency(line: surface.Frequency, draft: _Draft, scope: Scope) -> None:
    draft.said.append(("how often sessions take place", line.span))
    count = positive(line.count, DIMENSIONLESS, scope, "a frequency begins with a number of sessions")
    if count is None:
        return
    days = 7 if line.per == "week" else 1
    draft.per_days.append((count, days))
    if line.duration is not None:
        length = _days(line.duration, scope, "`for` takes a number of days or weeks")
        if length is not None:
            _bound_total(draft, count * -(-length // days), line.span)


def _at_most(line: surface.AtMostSessions, draft: _Draft, scope: Scope) -> None:
    count = positive(line.count_max, DIMENSIONLESS, scope, "`at most` takes a number of sessions")
    if line.window is None:
        draft.said.append(("the number of sessions of the course", line.span))
        if count is not None:
            _bound_total(draft, count, line.span)
        return
    days = _days(line.window, scope, "`within` takes a number of days or weeks")
    if count is not None and days is not None:
        draft.per_days.append((count, days))


def _bound_total(draft: _Draft, sessions: int, span: Span) -> None:
    """The smallest bound holds."""
    draft.sessions_max = sessions if draft.sessions_max is None else min(draft.sessions_max, sessions)


def _days(expression: surface.Expression, scope: Scope, place: str) -> int | None:
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


def _check_together(draft: _Draft, scope: Scope) -> None:
    """Rules that contradict each other: a rhythm that its own gap or its own bound forbids."""
    if draft.every is None:
        return
    days, span = draft.every
    if draft.gap_ms > (days + 1) * DAY_MS:
        # Two sessions `days` dates apart are less than `days + 1` days apart.
        place = next(place for what, place in draft.said if "between" in what)
        apart = "on consecutive dates" if days == 1 else f"{days} dates apart"
        message = f"sessions {apart} cannot keep this time between them"
        labels = (Label(span, "the rhythm"),)
        scope.found.append(error("I0414", message, place, "longer than the rhythm allows", labels=labels))
