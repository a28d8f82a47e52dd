"""Where a patient stands in a course: which phase comes next, what is known from the sessions before it.

Sessions of other protocols are none of a course's sessions; limits in moving windows count them all the same.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from ionto_ir.bind_constants import History, PastSession
from ionto_ir.course import SESSIONS_MAX, Course, Memory, MemoryKind, Phase, rhythms_of
from ionto_ir.dataclass import dataclass
from ionto_ir.expression import Value, evaluate
from ionto_ir.plan import Plan

SWAPPED = 1
"""The value of a remembered polarity that is not the declared one."""


@dataclass(frozen=True, slots=True)
class Standing:
    """The sessions that the course has had, in their order; `phase` is that of the next one.

    `in_phase` are the sessions of that phase; `over` says that the last phase has ended too. When the next
    session begins a phase, `before_phase` are the sessions of the one before.
    """

    sessions: tuple[PastSession, ...]
    phase: int
    in_phase: tuple[PastSession, ...]
    before_phase: tuple[PastSession, ...]
    over: bool


def sessions_of(plan: Plan, history: History) -> tuple[PastSession, ...]:
    """The earlier sessions of this protocol, the oldest first."""
    own = (past for past in history.sessions if past.protocol == plan.name)
    return tuple(sorted(own, key=lambda past: past.start_ms))


def known_after(sessions: Sequence[PastSession], day: Mapping[str, Value]) -> dict[str, Value]:
    """What is known after these sessions: the last value of each record, and how the last one was set.

    What none of them says is as on the day asked about.
    """
    known = dict(day)
    if sessions:
        known |= dict(sessions[-1].values)
    for past in sessions:
        known |= dict(past.records)
    return known


def standing(
    course: Course, sessions: tuple[PastSession, ...], today: int, day: Mapping[str, Value]
) -> Standing:
    """Follow the phases from session to session up to the one that is to begin today."""
    number, begun = 0, 0
    before: tuple[PastSession, ...] = ()
    over = False
    for index in range(1, len(sessions) + 1):
        date = sessions[index].day if index < len(sessions) else today
        own, before = sessions[begun:index], ()
        if course.phases and _ended(course.phases[number], own, sessions[:index], date, day):
            over = number + 1 == len(course.phases)
            if not over:
                number, begun, before = number + 1, index, own
    return Standing(sessions, number, sessions[begun:], before, over)


def _ended(
    phase: Phase, own: Sequence[PastSession], all_: Sequence[PastSession], date: int, day: Mapping[str, Value]
) -> bool:
    """Whether a phase that has had the sessions `own` has none on this date any more."""
    rhythm = phase.rhythm
    lengths = [*rhythm.days[-1:], *([] if rhythm.length_days is None else [rhythm.length_days])]
    return (
        (rhythm.sessions_max is not None and len(own) >= rhythm.sessions_max)
        or (bool(lengths) and date >= own[0].day + min(lengths))
        or (phase.next_when is not None and evaluate(phase.next_when, known_after(all_, day)) is True)
    )


def beginning(plan: Plan) -> History:
    """A day on which a course can have its first session, when nobody says which day it is."""
    course = plan.course
    if course is None:
        return History(0, 1, ())
    rhythms = rhythms_of(course)[:2]
    days = (day for day in range(7) if all(not item.weekdays or day in item.weekdays for item in rhythms))
    return History(0, 1 + next(days, 0), ())


def remembered(plan: Plan, history: History, day: Mapping[str, Value]) -> dict[str, Value]:
    """The values of the plan's remembered variables for a session that begins now."""
    course = plan.course
    if course is None or not course.memories:
        return {}
    sessions = sessions_of(plan, history)
    where = standing(course, sessions, history.today, day)
    most = SESSIONS_MAX if course.sessions_max is None else course.sessions_max
    return {memory.variable: _remembered(memory, where, day, most) for memory in course.memories}


def _remembered(memory: Memory, where: Standing, day: Mapping[str, Value], most: int) -> Value:
    if memory.kind is MemoryKind.SESSION:
        return min(len(where.sessions) + 1, most)  # after its last session a course refuses in its own words
    if memory.kind is MemoryKind.PHASE:
        return where.phase
    if not where.sessions:
        return memory.first
    if memory.kind is MemoryKind.VALUE:
        assert memory.source is not None, "a remembered value has a source"
        return known_after(where.sessions, {}).get(memory.source, memory.first)
    # What an earlier session recorded has had its effect already: only the previous one counts here.
    last = where.sessions[-1]
    known = {**day, **dict(last.values), **dict(last.records)}
    before = known.get(memory.variable, memory.first)
    swapped = memory.swap_when is not None and evaluate(memory.swap_when, known) is True
    return SWAPPED - before if swapped else before
