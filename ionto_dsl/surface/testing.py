"""In-file tests, and the properties that an author wants proved."""

from __future__ import annotations

from typing import Literal

from ionto_dsl.surface.values import Expression, Name, Number, Reference, Text
from ionto_ir.dataclass import dataclass
from ionto_ir.source import Span


@dataclass(frozen=True, slots=True)
class Given:
    """`given x = v`; also a geometry asked on the day: `given active.area = 90 cm2`."""

    subject: Reference
    value: Expression
    span: Span


@dataclass(frozen=True, slots=True)
class Earlier:
    """`after sessions on days 1, 3 time 9 h with pain = 5`: sessions of this course that were given."""

    days: tuple[Number, ...]
    clock: Expression | None
    values: tuple[Given, ...]
    span: Span


@dataclass(frozen=True, slots=True)
class Today:
    """`on day 4 time 9 h`: when the session of the test begins. Day 1 is a Monday."""

    day: Number
    clock: Expression | None
    span: Span


EventWord = Literal[
    "pause",
    "resume",
    "stop",
    "emergency_stop",
    "away",
    "back",
    "lead_off",
    "link_lost",
    "link_back",
    "adjust",
    "record",
    "press",
    "current",
    "impedance",
    "voltage",
]


@dataclass(frozen=True, slots=True)
class Event:
    """`at T pause`, `at T adjust x = v`, `at T record x = v`, `at T press "Dose"`, `at T impedance 60 kOhm`;
    with several channels also `at T channel upper impedance 60 kOhm`.

    `reading` says that a reading is `missing`, or is `normal` again.
    """

    time: Expression
    channel: Name | None
    event: EventWord
    subject: Name | None
    value: Expression | None
    label: Text | None
    reading: Literal["missing", "normal"] | None
    span: Span


@dataclass(frozen=True, slots=True)
class Expect:
    """`expect refused`, `expect delivered = Q`, `expect finished "reason"`, `expect x classified "meaning"`;
    with several channels also `expect channel upper delivered = Q`.

    `operator` and `bound` belong to delivered, duration and peak; `subject` to classified.
    """

    channel: Name | None
    outcome: Literal[
        "refused",
        "safe",
        "cautioned",
        "delivered",
        "duration",
        "stopped",
        "finished",
        "paused",
        "warned",
        "peak",
        "classified",
    ]
    operator: Literal["=", "<=", ">="] | None
    bound: Expression | None
    subject: Name | None
    text: Text | None
    span: Span


TestLine = Earlier | Today | Given | Event | Expect


@dataclass(frozen=True, slots=True)
class Test:
    """`test "name" { ... }`, lines in the author's order."""

    name: Text
    lines: tuple[TestLine, ...]
    span: Span


@dataclass(frozen=True, slots=True)
class Prove:
    """`prove never C after "Label"`, `prove always C`, `prove finished within T`.

    `place` and `label` narrow it to what comes before, during or after a labelled step. `apart` says `apart
    from people`.
    """

    claim: Literal["never", "always", "finished within"]
    condition: Expression | None
    duration: Expression | None
    place: Literal["before", "during", "after"] | None
    label: Text | None
    apart: bool
    span: Span
