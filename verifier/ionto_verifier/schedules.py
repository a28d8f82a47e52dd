"""Sessions one after another, as close as a course lets them: the counterexample to a limit over several
sessions.

A session that is stopped early makes room for the next one, so besides whole sessions also those are tried
that somebody stops where most has been given for the time it took.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator
from fractions import Fraction
from itertools import accumulate

from ionto_ir.bind_constants import History, PastSession
from ionto_ir.bind_course import calendar_objections
from ionto_ir.course import DAY_MS, rhythm_of
from ionto_ir.dataclass import dataclass
from ionto_ir.device import WHOLE
from ionto_ir.limits import Limit
from ionto_ir.observer import per_area
from ionto_ir.plan import Course, Demand, Plan
from ionto_ir.rehearse import Rehearsed, rehearse
from ionto_ir.scenario import Happening, Occurrence, Scenario
from ionto_ir.trace import Trace, area_um2, at_worst_mean_na, role_at, stretches
from ionto_ir.waveform import alternates
from ionto_verifier.crowding import Crowd, crowd
from ionto_verifier.provoke import Asking, Day, Provoking, provoked
from ionto_verifier.windows import STARTS_SHOWN_MAX, on_one_site


@dataclass(frozen=True, slots=True)
class Crowded:
    """Sessions that start at these times, ms, put `value` into one window; `scenario` is the first, and all
    of them if they are `alike`.

    The first starts `origin_ms` after the midnight before a Monday.
    """

    starts_ms: tuple[int, ...]
    value: Fraction
    scenario: Scenario
    origin_ms: int
    alike: bool


STOPS_MAX = 4
"""Moments at which sessions are tried to be stopped, the most charge for its time first."""


def schedule(course: Course | None, count: int, least_ms: int, span_ms: int) -> tuple[int, ...] | None:
    """Starts of `count` sessions less than `span_ms` apart that the course admits, ms after a midnight; None
    if none are found.

    A session takes `least_ms`. Where the course can be followed from its first session on, binding itself is
    asked about each of them.
    """
    if course is None:
        starts = tuple(index * least_ms for index in range(count))
        return starts if starts[-1] < span_ms else None
    if course.sessions_max is not None and course.sessions_max < count:
        return None
    found = crowd(course, span_ms, count, least_ms)
    if found is None or len(found.starts_ms) < count or not _within_gaps(course, found):
        return None
    return found.starts_ms if not _begins_course(found) or _admitted(course, found) else None


def _begins_course(found: Crowd) -> bool:
    """Whether these can be the first sessions of a course, and nothing that was recorded moved it on."""
    return found.from_first and len(set(found.phases)) == 1


def _within_gaps(course: Course, found: Crowd) -> bool:
    """Whether no session is later than the course lets it be."""
    rhythms = [rhythm_of(course), *(phase.rhythm for phase in course.phases)]
    for index in range(1, len(found.starts_ms)):
        passed_ms = found.starts_ms[index] - found.starts_ms[index - 1]
        for rhythm in (rhythms[0], *rhythms[1 + found.phases[index] : 2 + found.phases[index]]):
            if rhythm.gap_ms_max is not None and passed_ms > rhythm.gap_ms_max:
                return False
    dates = found.starts_ms[-1] // DAY_MS - found.starts_ms[0] // DAY_MS
    return course.length_days is None or dates < course.length_days


def _admitted(course: Course, found: Crowd) -> bool:
    """Whether binding would let these sessions begin, one after the other."""
    given: tuple[PastSession, ...] = ()
    for start_ms in found.starts_ms:
        # Date 0 is a Monday here, and 1 is one there.
        history = History(start_ms, start_ms // DAY_MS + 1, given)
        if any(True for _ in calendar_objections(course, given, {}, history)):
            return False
        given = (*given, PastSession(start_ms, start_ms, history.today, 0, 0, ""))
    return True


def crowded_sessions(plan: Plan, limit: Limit, day: Day, name: str) -> Crowded | None:
    """More sessions than a window may hold, if the course lets them start so close together."""
    assert limit.window_ms is not None, "a limit of sessions has a window"
    if limit.bound >= STARTS_SHOWN_MAX:
        return None
    course = on_one_site(plan.course) if limit.per_site else plan.course
    for timeline, session in _sessions(plan, limit, day, name, None):
        starts = schedule(course, limit.bound + 1, session.run.trace.end_ms, limit.window_ms)
        if starts is not None:
            scenario = _scenario(day, name, timeline)
            return Crowded(_from_zero(starts), Fraction(len(starts)), scenario, starts[0], alike=True)
    return None


def crowded_doses(
    plan: Plan, limit: Limit, day: Day, name: str, electrode: int | None = None
) -> Crowded | None:
    """Sessions whose charge in one window passes the limit: the first is held up by its pauses and the others
    are not, or all are stopped early.
    """
    for timeline, session in _sessions(plan, limit, day, name, electrode):
        if not timeline:
            first_step = next((point.step for point in session.run.trace.points if point.on), None)
            slowly = provoked(plan, day, Provoking(pause_step=first_step, long=True, early=True))
            late = _rehearsed(plan, day, slowly, name) or session
            found = _doses(plan, limit, day, electrode, (_scenario(day, name, slowly), late), session)
        else:
            found = _doses(plan, limit, day, electrode, (_scenario(day, name, timeline), session), session)
        if found is not None:
            # One session that is disturbed is better told by itself: there is a place where it happens.
            return None if timeline and len(found.starts_ms) == 1 else found
    return None


def _doses(
    plan: Plan,
    limit: Limit,
    day: Day,
    electrode: int | None,
    first: tuple[Scenario, Rehearsed],
    other: Rehearsed,
) -> Crowded | None:
    """One session, then as many of another kind as pass the limit, if the course lets them start so close."""
    assert limit.window_ms is not None, "a window limit has a window"
    scale = _scale(plan, limit, day, electrode)
    single = _charge(_flow(plan, limit, other.run.trace, 0, electrode))
    sessions = int(limit.bound / max(Fraction(1), single * scale)) + 1
    if sessions > STARTS_SHOWN_MAX:
        return None
    scenario, begun = first
    course = on_one_site(plan.course) if limit.per_site else plan.course
    end_ms = max(begun.run.trace.end_ms, other.run.trace.end_ms)
    starts = schedule(course, sessions, end_ms, limit.window_ms + end_ms)
    if starts is None:
        return None
    flows = [*_flow(plan, limit, begun.run.trace, starts[0], electrode)]
    for start in starts[1:]:
        flows += _flow(plan, limit, other.run.trace, start, electrode)
    worst = _fullest(flows, limit.window_ms) * scale
    if worst <= limit.bound:
        return None
    return Crowded(_from_zero(starts), worst, scenario, starts[0], alike=begun is other)


def _sessions(
    plan: Plan, limit: Limit, day: Day, name: str, electrode: int | None
) -> Iterator[tuple[tuple[Occurrence, ...], Rehearsed]]:
    """What a session can be like: undisturbed, with every dose that may be asked for, and stopped early."""
    on_demand = any(isinstance(step, Demand) for step in plan.steps)
    wholes = []
    for asking in (Asking.NEVER, Asking.SOON) if on_demand else (Asking.NEVER,):
        timeline = provoked(plan, day, Provoking(asking=asking))
        whole = _rehearsed(plan, day, timeline, name)
        if whole is not None:
            wholes.append((timeline, whole))
            yield timeline, whole
    for timeline, whole in wholes:
        for at_ms in _moments_to_stop(_flow(plan, limit, whole.run.trace, 0, electrode)):
            before = tuple(item for item in timeline if item.at_ms < at_ms)
            stopping = (*before, Occurrence(at_ms, Happening.STOP, None, None, None))
            stopped = _rehearsed(plan, day, stopping, name)
            if stopped is not None:
                yield stopping, stopped


def _moments_to_stop(flows: list[_Flow]) -> list[int]:
    """Where the output changes, and most has flowed for the time that it took; at last as early as can be."""
    charge, rates = 0, []
    for start, end, current in flows:
        charge += (end - start) * current
        rates.append((Fraction(charge, end), end))
    best = [end for _, end in sorted(rates, reverse=True)[:STOPS_MAX]]
    return [*best, *sorted(end for _, end, _ in flows)[:1]]


def _charge(flows: list[_Flow]) -> int:
    return sum((end - start) * current for start, end, current in flows)


def _from_zero(starts: tuple[int, ...]) -> tuple[int, ...]:
    return tuple(start - starts[0] for start in starts)


def _scenario(day: Day, name: str, timeline: tuple[Occurrence, ...]) -> Scenario:
    return Scenario(name, (*day.values.items(), *day.records.items()), timeline, (), None)


def _rehearsed(plan: Plan, day: Day, timeline: tuple[Occurrence, ...], name: str) -> Rehearsed | None:
    outcome = rehearse(plan, _scenario(day, name, timeline), armed=False)
    return outcome if isinstance(outcome, Rehearsed) else None


_Flow = tuple[int, int, int]
"""From, to (ms) and current (nA)."""


def _scale(plan: Plan, limit: Limit, day: Day, electrode: int | None) -> Fraction:
    """What makes the limited quantity of a charge: 1, or an electrode's share over its area."""
    if electrode is None:
        return Fraction(1)
    area = area_um2(plan, day.values, electrode)
    assert area is not None, "the values of the day are known"
    return per_area(limit.kind, area) * Fraction(plan.electrodes[electrode].split.hi_ppm, WHOLE)


def _flow(plan: Plan, limit: Limit, trace: Trace, start_ms: int, electrode: int | None) -> list[_Flow]:
    """What flowed, or what of it flowed while an electrode had the limit's role."""
    found = []
    for part in stretches(trace):
        # What adds up is the mean of a waveform, not its peak.
        current = part.mean_na if limit.nominal else at_worst_mean_na(plan, part)
        away = electrode is not None and limit.role not in (None, role_at(plan, electrode, part.setpoint_na))
        if part.on and current and (not away or alternates(part.waveform)):
            found.append((start_ms + part.from_ms, start_ms + part.to_ms, current))
    return found


def _fullest(flows: list[_Flow], window_ms: int) -> Fraction:
    """The largest charge in a half-open window: it begins where a flow begins, or ends where one ends.

    Sessions do not overlap, so the charge up to a moment is looked up in running sums.
    """
    flows = sorted(flows)
    starts = [start for start, _, _ in flows]
    sums = [0, *accumulate((end - start) * current for start, end, current in flows)]

    def before(at_ms: int) -> int:
        index = bisect_right(starts, at_ms)
        if index == 0:
            return 0
        start, end, current = flows[index - 1]
        return sums[index - 1] + (min(at_ms, end) - start) * current

    begins = {start for start, _, _ in flows} | {end - window_ms for _, end, _ in flows}
    return Fraction(max((before(begin + window_ms) - before(begin) for begin in begins), default=0))
