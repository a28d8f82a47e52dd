"""The step plan: what the compiler makes, the verifier proves and the executor runs.

A plan is inert data for one protocol on one device. Its steps are a flat tuple with explicit successors,
so that a position is one small integer. All quantities are integers in base units; operands are
expressions over the plan's variables. Questions are not steps: every answer and parameter is known before
a plan is bound, because binding is where this patient and these values meet every limit once more.
"""

from __future__ import annotations

from enum import Enum

from ionto_ir.course import Course as Course
from ionto_ir.dataclass import dataclass
from ionto_ir.device import Device, Electrode
from ionto_ir.expression import Expression
from ionto_ir.limits import Envelope, Exclusion, Limit
from ionto_ir.monitor import Monitor
from ionto_ir.promise import PropertyKind as PropertyKind
from ionto_ir.promise import UserProperty as UserProperty
from ionto_ir.source import Span
from ionto_ir.waveform import Waveform

SCHEMA = "ionto.plan/1"


@dataclass(frozen=True, slots=True)
class Code:
    """A code in a named code system, e.g. ("icd10cm", "Z95.0")."""

    system: str
    value: str


class VariableKind(Enum):
    """Where a variable's value comes from, and when."""

    PARAMETER = "parameter"  # chosen by the prescriber before the session
    ANSWER = "answer"  # answered by the patient or operator before the session
    GEOMETRY = "geometry"  # measured on the day, before the session
    RECORD = "record"  # entered by the operator when the record step is reached
    MEMORY = "memory"  # known from earlier sessions of the course; nobody is asked


@dataclass(frozen=True, slots=True)
class IntegerDomain:
    """lo <= value <= hi in base units; with a step, value = lo + k * step. `dimension` is a units.py name."""

    lo: int
    hi: int
    step: int | None
    default: int | None
    dimension: str
    unit: str


@dataclass(frozen=True, slots=True)
class BooleanDomain:
    """yes or no."""


@dataclass(frozen=True, slots=True)
class ChoiceDomain:
    """One of some labels; the value is the label's index."""

    labels: tuple[str, ...]


Domain = IntegerDomain | BooleanDomain | ChoiceDomain


@dataclass(frozen=True, slots=True)
class Variable:
    """A named value of the plan. Names are unique: there is no shadowing."""

    name: str
    kind: VariableKind
    domain: Domain
    text: str
    adjustable: bool
    code: Code | None
    span: Span


@dataclass(frozen=True, slots=True)
class Requirement:
    """A condition on values, checked at the start and again on every adjustment."""

    condition: Expression
    text: str
    span: Span


class RuleKind(Enum):
    """A refusal cannot be overridden; a caution needs a named person and a reason, recorded."""

    REFUSE = "refuse"
    CAUTION = "caution"


@dataclass(frozen=True, slots=True)
class Rule:
    """A screening rule: when `condition` holds, refuse or caution."""

    kind: RuleKind
    condition: Expression
    text: str
    span: Span


@dataclass(frozen=True, slots=True)
class Slope:
    """A rate of change of current: delta_na per over_ms (both positive when the ramp moves)."""

    delta_na: Expression
    over_ms: Expression


class Section(Enum):
    """Part of the treatment that a step belongs to."""

    BEFORE = "before"
    SESSION = "session"
    AFTER = "after"


@dataclass(frozen=True, slots=True)
class Ramp:
    """Move the current to `target_na` (magnitude) along `slope`; planned to start from `start_na`.

    `reversed` is the sign the author wrote: negative currents run opposite to the declared polarity. With a
    `waveform` the target is the peak. `text` is what the author calls the step.
    """

    target_na: Expression
    start_na: Expression
    slope: Slope
    reversed: bool
    next: int
    section: Section
    span: Span
    waveform: Waveform | None = None
    text: str = ""


@dataclass(frozen=True, slots=True)
class ForTime:
    """Hold for a time at the target, ms."""

    duration_ms: Expression


@dataclass(frozen=True, slots=True)
class UntilCharge:
    """Hold until this step has emitted a charge, pC."""

    charge_pc: Expression


@dataclass(frozen=True, slots=True)
class UntilTotal:
    """Hold until the session's charge, with the ramp to zero that directly follows (if any), is a total, pC.

    `descent` is the slope of that ramp, None when no ramp to zero follows directly.
    """

    charge_pc: Expression
    descent: Slope | None


HoldUntil = ForTime | UntilCharge | UntilTotal


@dataclass(frozen=True, slots=True)
class Hold:
    """Keep the current at `level_na` (what the ramp before it reached); its peak, if there is a waveform. Its
    author calls it `text`.
    """

    level_na: Expression
    until: HoldUntil
    next: int
    section: Section
    span: Span
    waveform: Waveform | None = None
    text: str = ""


@dataclass(frozen=True, slots=True)
class Wait:
    """Output off for a time that is part of the protocol."""

    duration_ms: Expression
    text: str
    next: int
    section: Section
    span: Span


@dataclass(frozen=True, slots=True)
class Reverse:
    """Swap the polarity; allowed only at zero."""

    next: int
    section: Section
    span: Span


@dataclass(frozen=True, slots=True)
class Confirm:
    """A person confirms a statement; output off. Waited for at most `within_ms` if given, then `late`."""

    text: str
    next: int
    section: Section
    span: Span
    within_ms: int | None = None
    late: int | None = None


@dataclass(frozen=True, slots=True)
class Instruct:
    """A person is told something; output off. Waited for at most `within_ms` if given, then `late`."""

    text: str
    next: int
    section: Section
    span: Span
    within_ms: int | None = None
    late: int | None = None


@dataclass(frozen=True, slots=True)
class Record:
    """A person enters the value of a RECORD variable; output off. Waited for at most `within_ms` if given,
    then `late`.
    """

    variable: str
    next: int
    section: Section
    span: Span
    within_ms: int | None = None
    late: int | None = None


@dataclass(frozen=True, slots=True)
class Move:
    """A person moves electrode number `electrode` to another site and says so; output off. Waited for at most
    `within_ms` if given, then `late`.
    """

    electrode: int
    site: str
    next: int
    section: Section
    span: Span
    within_ms: int | None = None
    late: int | None = None


@dataclass(frozen=True, slots=True)
class Branch:
    """Go to `then` if the condition holds, else to `otherwise`."""

    condition: Expression
    then: int
    otherwise: int
    section: Section
    span: Span


@dataclass(frozen=True, slots=True)
class Loop:
    """Head of a bounded repetition. Arriving here starts the next round at `body`, or leaves to `exit`.

    Rounds done are counted in counter number `counter`, which starts at 0 and is reset on leaving. It
    leaves when `count` rounds are done, or when at least one round is done and `until` holds. With a
    period a round begins no earlier than `period_ms` after the one before it began (output off meanwhile).
    With `within_ms` no round but the first begins once that much time has passed since the first one began.
    """

    counter: int
    count: Expression
    until: Expression | None
    period_ms: Expression | None
    body: int
    exit: int
    section: Section
    span: Span
    within_ms: Expression | None = None


@dataclass(frozen=True, slots=True)
class DoseRule:
    """At most `count` doses begin in any `window_ms`, half open."""

    count: Expression
    window_ms: Expression


@dataclass(frozen=True, slots=True)
class Demand:
    """Head of a block of doses that somebody asks for, by a press of the button called `text`.

    While nobody asks, the output is at `basal_na`, or off where that is the constant 0. A press begins a dose
    at `body` unless a dose is under way, `lockout_ms` has not passed since the last one began (or, with
    `from_end`, ended), or a rule or `count` is used up. The block ends `within_ms` after it began, and with
    no basal current also when `count` doses have been given; a dose that has begun is finished first.
    """

    text: str
    basal_na: Expression
    lockout_ms: Expression
    from_end: bool
    rules: tuple[DoseRule, ...]
    count: Expression
    within_ms: Expression
    body: int
    exit: int
    section: Section
    span: Span


@dataclass(frozen=True, slots=True)
class ClassRow:
    """One row of a table: lo <= value < hi with either end open (None) or with stated strictness."""

    lo: int | None
    lo_included: bool
    hi: int | None
    hi_included: bool
    meaning: str
    span: Span


@dataclass(frozen=True, slots=True)
class Classify:
    """State what a recorded value means; the rows have neither gap nor overlap."""

    variable: str
    rows: tuple[ClassRow, ...]
    next: int
    section: Section
    span: Span


@dataclass(frozen=True, slots=True)
class Finish:
    """The treatment ends here. `completed` is False for an early finish, whose reason the author wrote."""

    reason: str
    completed: bool
    section: Section
    span: Span


Human = Confirm | Instruct | Record | Move
"""Steps at which a person is waited for."""

Step = (
    Ramp
    | Hold
    | Wait
    | Reverse
    | Confirm
    | Instruct
    | Record
    | Move
    | Branch
    | Loop
    | Demand
    | Classify
    | Finish
)


@dataclass(frozen=True, slots=True)
class Interruptions:
    """How often and how long a session may be interrupted; `resume` False turns every pause into a stop."""

    count_max: int
    each_ms_max: int
    resume: bool
    span: Span


@dataclass(frozen=True, slots=True)
class SourceDigest:
    """A source file that the plan was made from; `sha256` in hexadecimal."""

    file: str
    sha256: str


@dataclass(frozen=True, slots=True)
class Channel:
    """An output that runs beside others: its steps, from the first one on, and its electrodes in the plan."""

    name: str
    electrodes: tuple[int, ...]
    steps: tuple[Step, ...]
    counters: int
    span: Span


@dataclass(frozen=True, slots=True)
class Plan:
    """A protocol, lowered for one device. Both slews are already decided. `pole` names the variable that
    says on the day whether the poles are as declared (0) or the other way round (1). With `channels` the
    steps here are only what people do around the session (see `ionto_ir.channels`)."""

    schema: str
    requires: tuple[str, ...]
    tool: str
    name: str
    version: str
    title: str
    indication: str | None
    codes: tuple[Code, ...]
    source: tuple[str, ...]
    device: Device
    envelopes: tuple[Envelope, ...]
    electrodes: tuple[Electrode, ...]
    variables: tuple[Variable, ...]
    requirements: tuple[Requirement, ...]
    rules: tuple[Rule, ...]
    exclusions: tuple[Exclusion, ...]
    limits: tuple[Limit, ...]
    interruptions: Interruptions
    stop_slew_na_s: int
    resume_slew_na_s: int
    may_saturate: bool
    steps: tuple[Step, ...]
    entry: int
    counters: int
    course: Course | None
    properties: tuple[UserProperty, ...]
    files: tuple[SourceDigest, ...]
    span: Span
    monitors: tuple[Monitor, ...] = ()
    pole: str | None = None
    channels: tuple[Channel, ...] = ()


def successors(step: Step) -> tuple[int, ...]:
    """Indices of the steps that can directly follow."""
    match step:
        case Branch():
            return (step.then, step.otherwise)
        case Loop() | Demand():
            return (step.body, step.exit)
        case Finish():
            return ()
        case Confirm() | Instruct() | Record() | Move():
            return (step.next,) if step.late is None else (step.next, step.late)
        case _:
            return (step.next,)


def variable(plan: Plan, name: str) -> Variable:
    """The variable of that name; it exists in a well-formed plan."""
    return next(found for found in plan.variables if found.name == name)


def turns(plan: Plan) -> bool:
    """Whether anything in the plan may turn the current round."""
    return any(isinstance(step, Reverse) or (isinstance(step, Ramp) and step.reversed) for step in plan.steps)
