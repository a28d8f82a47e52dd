"""The course of sessions: how often, how many, how far apart, and what is carried from one to the next."""

from __future__ import annotations

from typing import Literal

from ionto_dsl.surface.values import Expression, Name, Number, Range, Remarks, Text
from ionto_ir.dataclass import dataclass
from ionto_ir.source import Span


@dataclass(frozen=True, slots=True)
class Every:
    """`every 2 days`, `every 5 days .. 9 days`, perhaps `for 4 weeks`."""

    period: Expression | Range
    duration: Expression | None
    span: Span


@dataclass(frozen=True, slots=True)
class Frequency:
    """`3 sessions per week for 4 weeks`."""

    count: Expression
    per: Literal["day", "week"]
    duration: Expression | None
    span: Span


@dataclass(frozen=True, slots=True)
class AtMostSessions:
    """`at most 6 sessions within 15 days`."""

    count_max: Expression
    window: Expression | None
    span: Span


@dataclass(frozen=True, slots=True)
class AtLeastBetween:
    """`at least 24 h between sessions`."""

    gap_min: Expression
    span: Span


@dataclass(frozen=True, slots=True)
class AtMostBetween:
    """`at most 9 days between sessions`."""

    gap_max: Expression
    span: Span


@dataclass(frozen=True, slots=True)
class OnDays:
    """`on days 1, 2, 4, 7`."""

    days: tuple[Number, ...]
    span: Span


@dataclass(frozen=True, slots=True)
class OnWeekdays:
    """`on Monday, Wednesday, Friday`."""

    weekdays: tuple[Name, ...]
    span: Span


@dataclass(frozen=True, slots=True)
class EndsBy:
    """`ends by day 28`, counted from the first session, which is day 1."""

    day: Number
    span: Span


@dataclass(frozen=True, slots=True)
class StopWhen:
    """`stop when C`: the course ends."""

    condition: Expression
    remarks: Remarks
    span: Span


@dataclass(frozen=True, slots=True)
class NextWhen:
    """`next when C`: the next phase begins."""

    condition: Expression
    remarks: Remarks
    span: Span


@dataclass(frozen=True, slots=True)
class Gate:
    """`after 6 sessions require C else finish "..."`; without a number, at the end of the phase."""

    after: Number | None
    condition: Expression
    finish: Text
    remarks: Remarks
    span: Span


@dataclass(frozen=True, slots=True)
class RestSite:
    """`rest site 3 days`."""

    duration: Expression
    span: Span


@dataclass(frozen=True, slots=True)
class First:
    """`first at most 5 mA`, `first dry`: what holds in a first session."""

    value: Expression
    at_most: bool
    span: Span


@dataclass(frozen=True, slots=True)
class Swapped:
    """`reversed`, `reversed when C`: C is over the previous session."""

    condition: Expression | None
    span: Span


@dataclass(frozen=True, slots=True)
class Carry:
    """`carry current from previous session plus at most 1 mA`; `carry polarity from previous session`."""

    subject: Name
    plus_max: Expression | None
    first: First | None
    swapped: Swapped | None
    span: Span


@dataclass(frozen=True, slots=True)
class Phase:
    """`phase induction { ... }`."""

    name: Name
    items: tuple[CourseItem, ...]
    span: Span


CourseItem = (
    Every
    | Frequency
    | AtMostSessions
    | AtLeastBetween
    | AtMostBetween
    | OnDays
    | OnWeekdays
    | EndsBy
    | StopWhen
    | NextWhen
    | Gate
    | RestSite
    | Carry
    | Phase
)
