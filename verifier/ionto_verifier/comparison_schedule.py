"""Schedules that one course admits and another one does not: the new one is followed, and the old one asked.

Each next session is tried at the moments at which a rule of either course begins or ceases to speak: on the
last moment before, at it, and after it. The new course is followed along the earliest such moment, and along
the latest. Both are asked what binding would ask them; so a schedule that is found is one.
"""

from __future__ import annotations

from collections.abc import Iterator

from ionto_ir.bind_constants import History, PastSession
from ionto_ir.bind_course import calendar_objections
from ionto_ir.course import DAY_MS, WEEK, Course, Rhythm, rhythms_of
from ionto_ir.wording import clock_text
from ionto_verifier.aspects import Witness
from ionto_verifier.comparison_dates import never_more_dates

SESSIONS_MAX = 120
"""Sessions of a schedule that is followed; a rule that shows itself later than that is not shown."""

BEGINNINGS = tuple((day, hour) for day in range(7) for hour in (23, 0))
"""Weekdays and hours at which a first session is tried: late ones come close to the next date."""

SHOWN_MAX = 6

HOUR_MS = 3_600_000
MINUTE_MS = 60_000


class Schedules:
    """The schedules of two courses; they are searched once."""

    def __init__(self, old: Course, new: Course) -> None:
        self.old = old
        self.new = new
        self._searched = False
        self._none_more: bool | None = None
        self._found: Witness | None = None

    def witness(self) -> Witness | None:
        """A schedule that the new course admits and the old one does not."""
        if not self._searched:
            self._found = next(self._search(), None)
            self._searched = True
        return self._found

    def none_more(self) -> bool:
        """Whether it is certain that there is no such schedule."""
        if self._none_more is None:
            self._none_more = never_more_dates(self.old, self.new)
        return self._none_more

    def _search(self) -> Iterator[Witness]:
        for earliest in (True, False):
            for day, hour in BEGINNINGS:
                yield from self._followed(day, hour, earliest=earliest)

    def _followed(self, day: int, hour: int, *, earliest: bool) -> Iterator[Witness]:
        given: tuple[PastSession, ...] = ()
        tried = [DAY_MS * day + hour * HOUR_MS + (59 * MINUTE_MS if hour else 0)]
        for _ in range(SESSIONS_MAX):
            admitted = [start for start in tried if not self._objections(self.new, given, start)]
            for start in admitted:
                said = self._objections(self.old, given, start)
                if said:
                    yield _witness(given, start, said[0])
            if not admitted:
                return
            start = min(admitted) if earliest else max(admitted)
            given = (*given, PastSession(start, start, _date(start), 0, 0, ""))
            tried = sorted({*self._moments(given)})

    def _objections(self, course: Course, given: tuple[PastSession, ...], start: int) -> list[str]:
        history = History(start, _date(start), given)
        return [item.text for item in calendar_objections(course, given, {}, history)]

    def _moments(self, given: tuple[PastSession, ...]) -> Iterator[int]:
        """When the next session may be of interest."""
        last, first = given[-1], given[0]
        for course in (self.old, self.new):
            for rhythm in rhythms_of(course):
                for gap in (rhythm.gap_ms_min, rhythm.gap_ms_max or 0):
                    yield from (last.start_ms + gap + shift for shift in (-1, 0, 1) if gap + shift > 0)
                for date in _dates(rhythm, given, first.day, last.day):
                    midnight = (date - 1) * DAY_MS
                    times = (0, last.start_ms % DAY_MS, DAY_MS - MINUTE_MS)
                    yield from (midnight + time for time in times if midnight + time > last.start_ms)


def _date(start_ms: int) -> int:
    return start_ms // DAY_MS + 1


def _dates(rhythm: Rhythm, given: tuple[PastSession, ...], first: int, last: int) -> Iterator[int]:
    """Dates at which a rule of a rhythm begins or ceases to speak."""
    yield from range(last, last + 8)
    yield last + rhythm.gap_days_min
    for _, days in rhythm.per_days:
        yield from (past.day + days + shift for past in given[-12:] for shift in (-1, 0))
    yield from (first + day - 1 for day in rhythm.days)
    if rhythm.length_days is not None:
        yield from (first + rhythm.length_days - 1, first + rhythm.length_days)


def _witness(given: tuple[PastSession, ...], start: int, said: str) -> Witness:
    starts = [*(past.start_ms for past in given), start]
    count = len(starts)
    shown = starts[-SHOWN_MAX:]
    told = tuple(
        (f"session {count - len(shown) + number + 1}", _moment_text(at)) for number, at in enumerate(shown)
    )
    values = tuple((f"session {number + 1}, ms", at) for number, at in enumerate(starts))
    return Witness(values, told, f"does not admit session {count}: {said}", f"admits all {count}")


def _moment_text(start_ms: int) -> str:
    date = _date(start_ms)
    return f"day {date}, {WEEK[(date - 1) % 7]}, {clock_text(start_ms % DAY_MS)}"
