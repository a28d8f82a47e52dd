"""The typed tree: a protocol whose names are known, whose dimensions agree and whose numbers are exact.

Steps keep their shape (blocks, choices, repetitions); operands are amounts that lowering turns into integers
for one device. None stands where an error was already reported, so that the rest can still be looked at.
"""

from __future__ import annotations

from ionto_dsl.quantities import Amount
from ionto_ir.dataclass import dataclass
from ionto_ir.device import Device, Electrode
from ionto_ir.expression import Expression
from ionto_ir.limits import Envelope, Exclusion, Limit
from ionto_ir.monitor import Monitor
from ionto_ir.plan import (
    ClassRow,
    Code,
    Course,
    Interruptions,
    Requirement,
    Rule,
    UserProperty,
    Variable,
)
from ionto_ir.scenario import Scenario
from ionto_ir.source import Span
from ionto_ir.waveform import Waveform

# The value of an expression


@dataclass(frozen=True, slots=True)
class Condition:
    """Something that holds or does not."""

    expression: Expression


@dataclass(frozen=True, slots=True)
class Choice:
    """One of some labels, counted from 0."""

    expression: Expression
    labels: tuple[str, ...]
    name: str


@dataclass(frozen=True, slots=True)
class Poison:
    """The value of an expression with an error that was already reported."""


POISON = Poison()
Value = Amount | Condition | Choice | Poison


# Steps


@dataclass(frozen=True, slots=True)
class Ramp:
    """Move the current to `target` (with its sign), within `over` or at `rate`: exactly one of them was
    written. Direct current unless there is a waveform.
    """

    target: Amount | None
    rounded_down: bool
    by_time: bool
    over: Amount | None
    rate: Amount | None
    target_span: Span
    pace_span: Span
    span: Span
    text: str = ""
    waveform: Waveform | None = None


@dataclass(frozen=True, slots=True)
class HoldFor:
    """Hold for a time; `keeps` the waveform of what flows, unless one was written."""

    duration: Amount | None
    amount_span: Span
    span: Span
    text: str = ""
    keeps: bool = True
    waveform: Waveform | None = None


@dataclass(frozen=True, slots=True)
class HoldUntil:
    """Hold until a charge, of this step or (`total`) of the session."""

    charge: Amount | None
    total: bool
    amount_span: Span
    span: Span
    text: str = ""
    keeps: bool = True
    waveform: Waveform | None = None


@dataclass(frozen=True, slots=True)
class Deliver:
    """`deliver Q at I ramping T`: ramp up, hold until the session's total is Q, ramp down; nothing flows
    before.
    """

    up: Ramp
    hold: HoldUntil
    down: Ramp
    span: Span


@dataclass(frozen=True, slots=True)
class Wait:
    """Output off for a time."""

    duration: Amount | None
    text: str
    amount_span: Span
    span: Span


@dataclass(frozen=True, slots=True)
class Reverse:
    """Swap the polarity; `despite` is the reason for a drug that comes under the wrong pole."""

    despite: str | None
    span: Span


@dataclass(frozen=True, slots=True)
class Repeat:
    """At most `count` rounds, or rounds that begin `within` a time; `until` ends it early after any round."""

    count: Amount | None
    within: Amount | None
    until: Expression | None
    period: Amount | None
    body: tuple[Step, ...]
    count_span: Span
    until_span: Span
    period_span: Span
    span: Span


@dataclass(frozen=True, slots=True)
class DoseRule:
    """At most `count` doses in any `window`, or (the one that ends the block) within it."""

    count: Amount | None
    window: Amount | None
    count_span: Span
    window_span: Span


@dataclass(frozen=True, slots=True)
class OnDemand:
    """Doses that somebody asks for; `basal` and `lockout` are None where none was written."""

    text: str
    basal: Amount | None
    basal_span: Span
    lockout: Amount | None
    lockout_span: Span
    from_end: bool
    rules: tuple[DoseRule, ...]
    all: DoseRule
    body: tuple[Step, ...]
    span: Span


@dataclass(frozen=True, slots=True)
class If:
    """A choice; an unknown condition is None."""

    condition: Expression | None
    then: tuple[Step, ...]
    otherwise: tuple[Step, ...]
    condition_span: Span
    span: Span


@dataclass(frozen=True, slots=True)
class Waiting:
    """How long a person is waited for, and the reason for which the treatment finishes then."""

    within_ms: int
    reason: str
    span: Span


@dataclass(frozen=True, slots=True)
class Turn:
    """The end of a part of the session: this channel waits at zero for all others; `part` comes next."""

    part: int
    span: Span


@dataclass(frozen=True, slots=True)
class Tell:
    """A person confirms (`confirm`) or is told something."""

    confirm: bool
    text: str
    waiting: Waiting | None
    span: Span


@dataclass(frozen=True, slots=True)
class Record:
    """A person enters a value."""

    variable: str
    waiting: Waiting | None
    span: Span


@dataclass(frozen=True, slots=True)
class Move:
    """A person moves the electrode at a place to another site."""

    place: str
    site: str
    waiting: Waiting | None
    span: Span


@dataclass(frozen=True, slots=True)
class Gate:
    """When the condition does not hold the treatment finishes, for the stated reason."""

    condition: Expression | None
    reason: str
    condition_span: Span
    span: Span


@dataclass(frozen=True, slots=True)
class Classify:
    """What a recorded value means."""

    variable: str
    rows: tuple[ClassRow, ...]
    span: Span


Step = (
    Ramp
    | HoldFor
    | HoldUntil
    | Deliver
    | Wait
    | Reverse
    | Repeat
    | OnDemand
    | If
    | Turn
    | Tell
    | Record
    | Move
    | Gate
    | Classify
)


@dataclass(frozen=True, slots=True)
class Slew:
    """`stop at S`, `resume at S`: nA/s."""

    slew_na_s: int
    span: Span


@dataclass(frozen=True, slots=True)
class Channel:
    """An output beside others: its electrodes, by index, and what happens on it."""

    name: str
    electrodes: tuple[int, ...]
    steps: tuple[Step, ...]
    span: Span


@dataclass(frozen=True, slots=True)
class Protocol:
    """A protocol before a device is chosen. Without errors every part that may be None but must be said is
    there.
    """

    name: str
    version: str
    title: str
    indication: str | None
    codes: tuple[Code, ...]
    source: tuple[str, ...]
    devices: tuple[Device, ...]
    envelopes: tuple[Envelope, ...]
    electrodes: tuple[Electrode, ...]
    variables: tuple[Variable, ...]
    requirements: tuple[Requirement, ...]
    rules: tuple[Rule, ...]
    exclusions: tuple[Exclusion, ...]
    limits: tuple[Limit, ...]
    interruptions: Interruptions | None
    stop: Slew | None
    resume: Slew | None
    may_saturate: bool
    before: tuple[Step, ...]
    session: tuple[Step, ...]
    after: tuple[Step, ...]
    course: Course | None
    properties: tuple[UserProperty, ...]
    monitors: tuple[Monitor, ...]
    scenarios: tuple[Scenario, ...]
    span: Span
    pole: str | None
    channels: tuple[Channel, ...]
