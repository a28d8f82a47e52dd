"""The course of sessions: how often, how many, how far apart, and what is carried from one to the next."""

from __future__ import annotations

from typing import Literal

from ionto_dsl.surface.values import Expression, Name, Number, Remarks
from ionto_ir.dataclass import dataclass
from ionto_ir.source import Span


@dataclass(frozen=True, slots=True)
class Every:
    """`every 2 days`, perhaps `for 4 weeks`."""

    period: Expression
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
class OnDays:
    """`on days 1, 2, 4, 7`."""

    days: tuple[Number, ...]
    span: Span


@dataclass(frozen=True, slots=True)
class StopWhen:
    """`stop when C`: the course ends."""

    condition: Expression
    remarks: Remarks
    span: Span


@dataclass(frozen=True, slots=True)
class RestSite:
    """`rest site 3 days`."""

    duration: Expression
    span: Span


@dataclass(frozen=True, slots=True)
class Carry:
    """`carry current from previous session plus at most 1 mA`; `carry polarity from previous session`."""

    subject: Name
    plus_max: Expression | None
    span: Span


@dataclass(frozen=True, slots=True)
class Phase:
    """`phase induction { ... }`."""

    name: Name
    items: tuple[CourseItem, ...]
    span: Span


CourseItem = (
    Every | Frequency | AtMostSessions | AtLeastBetween | OnDays | StopWhen | RestSite | Carry | Phase
)
