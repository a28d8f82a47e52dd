"""The steps of the surface tree: what a session, and what comes before and after it, is made of."""

from __future__ import annotations

from typing import Literal

from ionto_dsl.surface.values import Expression, Kind, Name, Remarks, Text
from ionto_ir.dataclass import dataclass
from ionto_ir.source import Span


@dataclass(frozen=True, slots=True)
class Waiting:
    """`waiting at most T else finish "..."`: how long a person is waited for, and what happens then."""

    duration_max: Expression
    finish: Text
    span: Span


@dataclass(frozen=True, slots=True)
class Variable:
    """A named value that comes from outside: a parameter, an answer, a measured or observed result.

    `waiting` belongs to a `record`.
    """

    role: Literal["param", "ask", "record"]
    adjustable: bool
    name: Name
    kind: Kind
    default: Expression | None
    step: Expression | None
    waiting: Waiting | None
    remarks: Remarks
    span: Span


@dataclass(frozen=True, slots=True)
class Let:
    """`let total = 40 mA.min`: a name for a value."""

    name: Name
    value: Expression
    remarks: Remarks
    span: Span


@dataclass(frozen=True, slots=True)
class Require:
    """`require C "..."`; with `else finish "..."` a gate that ends the session for that reason."""

    condition: Expression
    finish: Text | None
    remarks: Remarks
    span: Span


@dataclass(frozen=True, slots=True)
class Waveform:
    """`as pulsed 10 kHz duty 50 %`, `as ac square 60 Hz offset 20 %`, `as dc`."""

    form: Name
    curve: str | None
    frequency: Expression | None
    duty: Expression | None
    offset: Expression | None
    span: Span


@dataclass(frozen=True, slots=True)
class Ramp:
    """`ramp to I over T` or `ramp to I at S`; the target may be a density, and `rounded down` to a step."""

    target: Expression
    rounded_down: bool
    above_basal: bool
    over: Expression | None
    rate: Expression | None
    waveform: Waveform | None
    label: Text | None
    span: Span


@dataclass(frozen=True, slots=True)
class Hold:
    """`hold for T`, `hold until Q`, `hold until total Q`."""

    mode: Literal["for", "until", "until total"]
    amount: Expression
    waveform: Waveform | None
    label: Text | None
    span: Span


@dataclass(frozen=True, slots=True)
class Deliver:
    """`deliver Q at I ramping T`: ramp up, hold until the total is Q, ramp down."""

    dose: Expression
    current: Expression
    rounded_down: bool
    ramping: Expression
    waveform: Waveform | None
    label: Text | None
    span: Span


@dataclass(frozen=True, slots=True)
class Wait:
    """`wait T "..."`: zero current that is part of the protocol."""

    duration: Expression
    label: Text | None
    span: Span


@dataclass(frozen=True, slots=True)
class Reverse:
    """`reverse polarity`."""

    remarks: Remarks
    span: Span


@dataclass(frozen=True, slots=True)
class Repeat:
    """`repeat N times every T {...}` (`count`) or `repeat until C at most B {...}` (`until` and `bound`).

    `bound` is a number of times when `bound_is_count`, otherwise a time.
    """

    count: Expression | None
    period: Expression | None
    until: Expression | None
    bound: Expression | None
    bound_is_count: bool
    steps: tuple[Step, ...]
    span: Span


@dataclass(frozen=True, slots=True)
class If:
    """`if C {...} else {...}`; `else if` is an `If` alone in `otherwise`."""

    condition: Expression
    then: tuple[Step, ...]
    otherwise: tuple[Step, ...]
    span: Span


@dataclass(frozen=True, slots=True)
class Tell:
    """`confirm "..."` waits for a person's yes; `instruct "..."` only says it."""

    mode: Literal["confirm", "instruct"]
    text: Text
    waiting: Waiting | None
    remarks: Remarks
    span: Span


@dataclass(frozen=True, slots=True)
class Move:
    """`move active to "left heel"`: a person moves an electrode to another site and says so."""

    place: Literal["active", "return"]
    site: Text
    waiting: Waiting | None
    remarks: Remarks
    span: Span


@dataclass(frozen=True, slots=True)
class Bound:
    """One end of a row of a table."""

    value: Expression
    inclusive: bool


@dataclass(frozen=True, slots=True)
class Row:
    """A row of a table: `30 mmol/L .. < 60 mmol/L: "intermediate"`. A missing end is open."""

    low: Bound | None
    high: Bound | None
    meaning: Text
    span: Span


@dataclass(frozen=True, slots=True)
class Classify:
    """`classify x { ... }`: the meaning of a recorded value."""

    subject: Name
    rows: tuple[Row, ...]
    span: Span


@dataclass(frozen=True, slots=True)
class DoseCount:
    """`at most N in any W` (`sliding`) or `at most N times within W` of an on-demand dose."""

    count_max: Expression
    window: Expression
    sliding: bool
    span: Span


@dataclass(frozen=True, slots=True)
class OnDemand:
    """`on demand "Dose" basal I lockout T from start at most 6 in any 1 h {...}`."""

    label: Text
    basal: Expression | None
    lockout: Expression | None
    lockout_from: Literal["start", "end"] | None
    counts: tuple[DoseCount, ...]
    steps: tuple[Step, ...]
    span: Span


Step = (
    Ramp
    | Hold
    | Deliver
    | Wait
    | Reverse
    | Repeat
    | If
    | Tell
    | Move
    | Variable
    | Classify
    | Require
    | Let
    | OnDemand
)
