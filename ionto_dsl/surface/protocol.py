"""Protocols: what a treatment stands on, where its electrodes lie, and its session and course."""

from __future__ import annotations

from typing import Literal

from ionto_dsl.surface.course import CourseItem
from ionto_dsl.surface.items import (
    Indication,
    Interruptions,
    Monitor,
    NoResume,
    PauseLimit,
    Rule,
    Source,
    Title,
)
from ionto_dsl.surface.steps import Classify, Let, Require, Step, Variable
from ionto_dsl.surface.testing import Prove, Test
from ionto_dsl.surface.values import Expression, Name, Number, Range, Remarks, Text
from ionto_ir.dataclass import dataclass
from ionto_ir.source import Span


@dataclass(frozen=True, slots=True)
class Use:
    """`within E, ...`, `screen S, ...`, `device D, ...`: what the protocol stands on."""

    relation: Literal["within", "screen", "device"]
    names: tuple[Name, ...]
    span: Span


@dataclass(frozen=True, slots=True)
class Medicine:
    """`with dexamethasone_phosphate 2.5 mL`."""

    drug: Name
    volume: Number | None
    span: Span


@dataclass(frozen=True, slots=True)
class Placement:
    """`active cathode medium_patch on "heel" with ... area A .. B split 40 % .. 60 % channel left`.

    With `chosen` the pole is the first of `anode or cathode`: which of them it is, is decided on the day.
    """

    place: Literal["active", "return"]
    pole: Literal["cathode", "anode"]
    electrode: Name
    site: Text | Name | None
    medicines: tuple[Medicine, ...]
    area: Expression | Range | None
    area_step: Expression | None
    split: Expression | Range | None
    channel_names: tuple[Name, ...]
    remarks: Remarks
    span: Span
    chosen: bool = False


@dataclass(frozen=True, slots=True)
class Around:
    """`before { ... }` and `after { ... }`: what people do around the session."""

    when: Literal["before", "after"]
    steps: tuple[Step, ...]
    span: Span


@dataclass(frozen=True, slots=True)
class ChannelSteps:
    """`channel left, right { ... }` within a session: what happens on each of these channels."""

    names: tuple[Name, ...]
    steps: tuple[Step, ...]
    span: Span


@dataclass(frozen=True, slots=True)
class Then:
    """`then` between the blocks of channels: what follows begins when all that stands before is over."""

    span: Span


@dataclass(frozen=True, slots=True)
class Session:
    """`session { ... }`: steps, or blocks for each channel, perhaps in parts that follow each other."""

    steps: tuple[Step, ...]
    channels: tuple[ChannelSteps | Then, ...]
    span: Span


@dataclass(frozen=True, slots=True)
class Course:
    """`course { ... }`."""

    items: tuple[CourseItem, ...]
    span: Span


@dataclass(frozen=True, slots=True)
class SlewRule:
    """`stop at S` or `resume at S`."""

    movement: Literal["stop", "resume"]
    slew: Expression
    span: Span


@dataclass(frozen=True, slots=True)
class MaySaturate:
    """`may saturate`: the device may run into its compliance voltage."""

    span: Span


ProtocolItem = (
    Title
    | Indication
    | Source
    | Use
    | Placement
    | Variable
    | Let
    | Rule
    | Require
    | Around
    | Session
    | Course
    | Interruptions
    | PauseLimit
    | NoResume
    | SlewRule
    | MaySaturate
    | Monitor
    | Classify
    | Prove
    | Test
)


@dataclass(frozen=True, slots=True)
class Protocol:
    """`protocol name version "1.0.0" extends other { ... }`."""

    name: Name
    version: Text | None
    extends: Name | None
    items: tuple[ProtocolItem, ...]
    span: Span
