"""The items that several kinds of declaration share: titles, rules, monitors, what an interruption may do."""

from __future__ import annotations

from typing import Literal

from ionto_dsl.surface.values import Code, Expression, Remarks, Text
from ionto_ir.dataclass import dataclass
from ionto_ir.source import Span


@dataclass(frozen=True, slots=True)
class Title:
    """`title "..."`."""

    text: Text
    span: Span


@dataclass(frozen=True, slots=True)
class Indication:
    """`indication "..." icd10cm "..."`."""

    text: Text
    codes: tuple[Code, ...]
    span: Span


@dataclass(frozen=True, slots=True)
class Source:
    """`source "..."` for a whole declaration: right after its title, its indication or its opening brace."""

    text: Text
    span: Span


@dataclass(frozen=True, slots=True)
class Rule:
    """`refuse when C "..."` or `caution when C "..."`."""

    verdict: Literal["refuse", "caution"]
    condition: Expression
    remarks: Remarks
    span: Span


@dataclass(frozen=True, slots=True)
class Interruptions:
    """`interruptions at most N, each at most T`."""

    count_max: Expression
    each_max: Expression | None
    remarks: Remarks
    span: Span


@dataclass(frozen=True, slots=True)
class PauseLimit:
    """`pause at most T`."""

    duration_max: Expression
    remarks: Remarks
    span: Span


@dataclass(frozen=True, slots=True)
class NoResume:
    """`no resume`: every pause becomes a stop."""

    span: Span


@dataclass(frozen=True, slots=True)
class Monitor:
    """`pause when C for T until C2 "..."`, and the same with `stop` and `warn`."""

    action: Literal["pause", "stop", "warn"]
    condition: Expression
    persistence: Expression | None
    until: Expression | None
    remarks: Remarks
    span: Span


# Steps of a session, and of what comes before and after it
