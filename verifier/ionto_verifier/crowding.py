"""The most sessions that a course lets begin within one span of time, found exactly, with the starts.

Every rule that is used here says how early a session may be, so sessions that each begin as early as they may
are closest together; what is left to choose is when the first of them begins, and where the course moves
from phase to phase. Starts only move later when the first one does, and within a stretch of first starts in
which no session changes its date they move by no more than it does: there the last first start is the
closest. So the day is cut at the moments where a date changes, and each piece is judged at its end.

Rules that say how late a session may be (`at most ... between sessions`, deadlines as such) are left out: the
result is then never too few.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from ionto_ir.course import DAY_MS, Course, Phase, Rhythm, rhythm_of
from ionto_ir.dataclass import dataclass

WORK_MAX = 100_000
"""Starts that one search looks at: about a second. Where it takes more, the formulas alone hold."""


@dataclass(frozen=True, slots=True)
class Crowd:
    """Starts, ms after some Monday's midnight, of sessions in a row, and the phase of each."""

    starts_ms: tuple[int, ...]
    phases: tuple[int, ...]
    from_first: bool


@dataclass(frozen=True, slots=True)
class _Beginning:
    """Where in the course the first of the sessions stands: its phase, its weekday, its listed day.

    `first` says that it is the first session of that phase; otherwise there were some before the span.
    """

    phase: int
    date: int
    listed: int
    first: bool


class _TooLongError(Exception):
    """The search would take too long."""


def merged(overall: Rhythm, own: Rhythm) -> Rhythm:
    """What holds within a phase: its own rules and those of the whole course."""
    weekdays = own.weekdays or overall.weekdays
    if own.weekdays and overall.weekdays:
        weekdays = tuple(day for day in own.weekdays if day in overall.weekdays)
    return Rhythm(
        max(overall.gap_days_min, own.gap_days_min),
        _least(overall.gap_days_max, own.gap_days_max),
        max(overall.gap_ms_min, own.gap_ms_min),
        _least(overall.gap_ms_max, own.gap_ms_max),
        own.per_days,
        weekdays,
        own.days,
        _least(overall.sessions_max, own.sessions_max),
        _least(overall.length_days, own.length_days),
    )


def _least(one: int | None, other: int | None) -> int | None:
    return other if one is None else one if other is None else min(one, other)


def crowd(course: Course, span_ms: int, enough: int, least_ms: int = 0) -> Crowd | None:
    """As many sessions as can begin less than `span_ms` apart, no two closer than `least_ms`; no more than
    `enough` are looked for. None when the search would take too long.
    """
    search = _Search(course, span_ms, enough, least_ms)
    try:
        for beginning in search.beginnings():
            search.explore(beginning)
    except _TooLongError:
        return None
    return search.best


class _Search:
    """A depth-first search over where phases change, each with its pieces of the day."""

    def __init__(self, course: Course, span_ms: int, enough: int, least_ms: int) -> None:
        overall = rhythm_of(course)
        self.overall = overall
        self.phases = course.phases
        self.rules = [merged(overall, phase.rhythm) for phase in course.phases] or [overall]
        self.span_ms, self.enough, self.least_ms = span_ms, enough, least_ms
        self.work = 0
        self.best = Crowd((), (), True)

    def beginnings(self) -> Iterator[_Beginning]:
        """Every place of the course at which a first session can stand."""
        weekly = any(rules.weekdays for rules in self.rules)
        for phase, rules in enumerate(self.rules):
            for date in range(7) if weekly else (0,):
                if not rules.weekdays or date in rules.weekdays:
                    yield _Beginning(phase, date, 0, first=True)
                    alone = rules.length_days is not None and rules.gap_days_min >= rules.length_days
                    if (self.phases or rules.days) and not alone:
                        for listed in range(max(1, len(rules.days))):
                            yield _Beginning(phase, date, listed, first=False)

    def explore(self, beginning: _Beginning) -> None:
        """Follow every way on from a beginning, as far as the span reaches."""
        pending: list[tuple[tuple[int, ...], list[tuple[int, int]]]] = [
            ((beginning.phase,), [(0, DAY_MS - 1)])
        ]
        while pending and len(self.best.starts_ms) < self.enough:
            path, pieces = pending.pop()
            fitting: list[tuple[int, int]] = []
            for piece in pieces:
                fitting += self._fitting(beginning, path, piece)
            if not fitting:
                continue
            if len(path) > len(self.best.starts_ms):
                starts = self._starts(beginning, path, fitting[0][1])
                assert starts is not None, "it fits"
                self.best = Crowd(tuple(starts), path, beginning.first and beginning.phase == 0)
            longer = ((*path, phase) for phase in self._following(beginning, path))
            pending += [(way, fitting) for way in longer if self._within_course(beginning, way)]

    def _within_course(self, beginning: _Beginning, path: tuple[int, ...]) -> bool:
        """Whether the course has so many sessions, with those that it must have had before the first here."""
        most = self.overall.sessions_max
        if most is None:
            return True
        here = path[0]
        before = sum(_needed(phase) for phase in self.phases[:here])
        if not beginning.first:
            missing = _needed(self.phases[here]) - path.count(here) if path[-1] != here else 0
            before += max(1, missing)
        return before + len(path) <= most

    def _following(self, beginning: _Beginning, path: tuple[int, ...]) -> Iterator[int]:
        """The phases of a further session, the likelier longer way last."""
        phase = path[-1]
        begun_before = phase == beginning.phase and not beginning.first
        if phase + 1 < len(self.phases) and (begun_before or _may_end(self.phases[phase], path.count(phase))):
            yield phase + 1
        most = self.rules[phase].sessions_max
        if most is None or path.count(phase) < most:
            yield phase

    def _fitting(
        self, beginning: _Beginning, path: tuple[int, ...], piece: tuple[int, int]
    ) -> Iterator[tuple[int, int]]:
        """The parts of a piece of the day in which no date changes, and whose end keeps within the span."""
        pending = [piece]
        while pending:
            low, high = pending.pop()
            early, late = (self._starts(beginning, path, at) for at in (low, high))
            if early is None or (early[-1] - early[0]) - (high - low) >= self.span_ms:
                continue  # starts only move later: neither this piece nor any part of it fits
            if late is not None and _dates(early) == _dates(late):
                if late[-1] - late[0] < self.span_ms:
                    yield low, high
            else:
                middle = (low + high) // 2
                pending += [(low, middle), (middle + 1, high)]

    def _starts(self, beginning: _Beginning, path: tuple[int, ...], at_ms: int) -> list[int] | None:
        """The earliest starts along a path when the first is so late on its day; None when there are none."""
        self.work += len(path)
        if self.work > WORK_MAX:
            raise _TooLongError
        starts = [beginning.date * DAY_MS + at_ms]
        rules = self.rules[beginning.phase]
        scope = 0
        day_one = beginning.date - (rules.days[beginning.listed] - 1 if rules.days else 0)
        for index in range(1, len(path)):
            entered = path[index] != path[index - 1]
            rules = self.rules[path[index]]
            begun_before = scope == 0 and not beginning.first
            after = self._exit_date(path[index - 1], starts, scope, begun_before) if entered else 0
            scope = index if entered else scope
            start = self._next(rules, starts, starts[scope:], after, None if entered else day_one)
            if start is None:
                return None
            if entered:
                day_one = start // DAY_MS
            starts.append(start)
        return starts

    def _next(
        self, rules: Rhythm, starts: Sequence[int], own: Sequence[int], after: int, day_one: int | None
    ) -> int | None:
        date = max(after, starts[-1] // DAY_MS + rules.gap_days_min)
        for share, days in rules.per_days if self.phases else ():
            if len(own) >= share:
                date = max(date, own[-share] // DAY_MS + days)
        for share, days in self.overall.per_days:
            if len(starts) >= share:
                date = max(date, starts[-share] // DAY_MS + days)
        start = max(starts[-1] + max(self.least_ms, rules.gap_ms_min), date * DAY_MS)
        admitted = _admitted(rules, start // DAY_MS, day_one)
        return None if admitted is None else max(start, admitted * DAY_MS)

    def _exit_date(self, phase_before: int, starts: Sequence[int], scope: int, begun_before: bool) -> int:
        """The first date of a phase that can begin only when the time of the one before it is over."""
        phase = self.phases[phase_before]
        most = phase.rhythm.sessions_max
        counted = most is not None and (begun_before or len(starts) - scope >= most)
        if phase.next_when is not None or counted:
            return 0
        if begun_before:
            return starts[-1] // DAY_MS + 1  # its time was not over on the date of its last session
        lengths = [*phase.rhythm.days[-1:]]
        lengths += [] if phase.rhythm.length_days is None else [phase.rhythm.length_days]
        return starts[scope] // DAY_MS + min(lengths, default=0)


def _needed(phase: Phase) -> int:
    """The fewest sessions after which a phase can be over."""
    rhythm = phase.rhythm
    by_time = rhythm.days or rhythm.length_days is not None
    if phase.next_when is not None or by_time or rhythm.sessions_max is None:
        return 1
    return rhythm.sessions_max


def _may_end(phase: Phase, given: int) -> bool:
    """Whether a phase can be over after so many sessions."""
    return given >= _needed(phase) and (
        phase.next_when is not None
        or bool(phase.rhythm.days)
        or phase.rhythm.length_days is not None
        or phase.rhythm.sessions_max is not None
    )


def _admitted(rules: Rhythm, date: int, day_one: int | None) -> int | None:
    """The first date from this one on that is a weekday, or a listed day, of the rules."""
    if rules.days and day_one is not None:
        later = [day_one + day - 1 for day in rules.days if day_one + day - 1 >= date]
        later = [day for day in later if not rules.weekdays or day % 7 in rules.weekdays]
        return later[0] if later else None
    if rules.weekdays:
        return next(day for day in range(date, date + 7) if day % 7 in rules.weekdays)
    return date


def _dates(starts: Sequence[int]) -> list[int]:
    return [start // DAY_MS for start in starts]
