"""The course: how the sessions of one patient follow each other, and what one session keeps from the last.

A course speaks of calendar dates (`gap_days_min`, `per_days`, `weekdays`, `days`, `length_days`) and of
elapsed time from start to start (`gap_ms_min`, `gap_ms_max`); the two are never taken for each other. Its
own rules hold for all of its sessions. The rules of a phase hold for the sessions of that phase, and its gaps
also for the gap before its first one.
"""

from __future__ import annotations

from enum import Enum

from ionto_ir.dataclass import dataclass
from ionto_ir.expression import Expression, Value
from ionto_ir.source import Span

DAY_MS = 86_400_000
WEEK = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")

SESSIONS_MAX = 10_000
"""Sessions of one course: as many journals as one folder is looked through for."""


@dataclass(frozen=True, slots=True)
class Gate:
    """Before the session after the `after`-th (None: before the next phase) `condition` must hold.

    It is over what was recorded until then, and over the values of the day on which that session would be.
    """

    condition: Expression
    reason: str
    after: int | None
    span: Span


@dataclass(frozen=True, slots=True)
class Rhythm:
    """When the next session may be.

    At least `gap_days_min` dates and `gap_ms_min` after the one before (0: nothing is said); not later than
    `gap_ms_max`; due after `gap_days_max` dates (a later one is late, not refused). At most `per_days[i][0]`
    sessions on any `per_days[i][1]` consecutive dates. Only on `weekdays` (0 is Monday; empty: on any), only
    on `days` counted from the first session, which is day 1 (empty: on any), at most `sessions_max` of them,
    and all within `length_days` dates.
    """

    gap_days_min: int
    gap_days_max: int | None
    gap_ms_min: int
    gap_ms_max: int | None
    per_days: tuple[tuple[int, int], ...]
    weekdays: tuple[int, ...]
    days: tuple[int, ...]
    sessions_max: int | None
    length_days: int | None


@dataclass(frozen=True, slots=True)
class Phase:
    """A part of the course with a rhythm of its own.

    The next phase begins with the first session after this one has given all of its sessions, after its time
    is over, or after `next_when` holds for what was recorded; none of them ends the last phase but by ending
    the course.
    """

    name: str
    rhythm: Rhythm
    next_when: Expression | None
    gates: tuple[Gate, ...]
    span: Span


class MemoryKind(Enum):
    """What a remembered variable stands for."""

    VALUE = "value"  # what `source` was at the end of the previous session
    SESSION = "session"  # the number of this session in its course, from 1
    PHASE = "phase"  # the phase that this session belongs to, from 0
    POLARITY = "polarity"  # 0: as declared, 1: swapped


@dataclass(frozen=True, slots=True)
class Memory:
    """A variable that nobody is asked for: binding fills it in from the earlier sessions of the course.

    `first` is its value in a first session. A polarity is swapped when `swap_when` held after the previous
    session.
    """

    variable: str
    kind: MemoryKind
    source: str | None
    first: Value
    swap_when: Expression | None
    span: Span


@dataclass(frozen=True, slots=True)
class Course:
    """How sessions follow each other; the first fields are those of a `Rhythm` over all of them.

    `stop_when` is over RECORD variables and parameters; after it holds no further session is given. On one
    site sessions start at least `rest_site_ms` apart.
    """

    gap_days_min: int
    gap_days_max: int | None
    gap_ms_min: int
    per_days: tuple[tuple[int, int], ...]
    sessions_max: int | None
    stop_when: Expression | None
    span: Span
    gap_ms_max: int | None = None
    weekdays: tuple[int, ...] = ()
    days: tuple[int, ...] = ()
    length_days: int | None = None
    gates: tuple[Gate, ...] = ()
    phases: tuple[Phase, ...] = ()
    rest_site_ms: int = 0
    memories: tuple[Memory, ...] = ()


def rhythm_of(course: Course) -> Rhythm:
    """The rules that hold for all sessions of the course."""
    return Rhythm(
        course.gap_days_min,
        course.gap_days_max,
        course.gap_ms_min,
        course.gap_ms_max,
        course.per_days,
        course.weekdays,
        course.days,
        course.sessions_max,
        course.length_days,
    )


def rhythms_of(course: Course) -> tuple[Rhythm, ...]:
    """The rules over all sessions, then those of each phase."""
    return (rhythm_of(course), *(phase.rhythm for phase in course.phases))
