"""The catalogue: every property that is proved of a protocol, one sentence each, and how its parts are named.

A property makes claims about a plan (one for each limit, electrode, exclusion, step or line that demands
it), and a claim is settled by questions, each of them one obligation about one place. A claim is proved
when all its questions are.
"""

from __future__ import annotations

from enum import Enum

from ionto_ir.dataclass import dataclass
from ionto_ir.limits import Limit
from ionto_ir.source import Span
from ionto_verifier.decision import Decision
from ionto_verifier.obligation import Guard, Obligation
from ionto_verifier.term import Polynomial


class Property(Enum):
    """The properties, in the order in which a report lists them."""

    CURRENT = "current"
    DENSITY = "density"
    MEAN_DENSITY = "mean density"
    PULSE_CHARGE = "charge per pulse"
    RAMP = "ramp"
    VOLTAGE = "voltage"
    DOSE = "dose"
    SESSIONS = "sessions"
    DURATION = "duration"
    STOP_TIME = "stop time"
    GUARD = "guard"
    TREATABLE = "treatable"
    REACHABLE = "reachable"
    ZERO = "zero"
    REVERSAL = "reversal"
    TOTAL = "total"
    CHARGING = "charging"
    ARITHMETIC = "arithmetic"
    RANGE = "range"
    GRID = "grid"
    DRIVE = "drive"
    SLEW = "slew"
    DEVICE = "device"
    SCOPE = "scope"
    DRUG = "drug"
    TABLE = "table"
    COURSE = "course"
    WATCHES = "watches"
    IDLES = "idles"
    RELEASES = "releases"
    APART = "apart"
    PROVE = "prove"


SENTENCES: dict[Property, str] = {
    Property.CURRENT: "The current never exceeds its limit, whatever is chosen, answered or adjusted.",
    Property.DENSITY: "The current over the area of an electrode never exceeds the limit of its role.",
    Property.MEAN_DENSITY: "The mean of |I| over the area of an electrode never exceeds its limit.",
    Property.PULSE_CHARGE: "No pulse, and no half-wave, carries more charge than its limit.",
    Property.RAMP: "No ramp, stop or resume changes the current faster than its limit.",
    Property.VOLTAGE: "The voltage never exceeds its limit over the whole assumed range of impedance.",
    Property.DOSE: "The charge stays within its limit, pauses and a stop at the worst moment included.",
    Property.SESSIONS: "However the course is followed, no window holds more sessions than its limit.",
    Property.DURATION: "From the first energised step to the last no session takes longer than its limit.",
    Property.STOP_TIME: "From every level that the protocol reaches a stop is at zero within its limit.",
    Property.GUARD: "Nobody whom an envelope excludes passes the refusals, for any combination of answers.",
    Property.TREATABLE: "Somebody passes the refusals and meets the requirements.",
    Property.REACHABLE: "Every step, and every row of a table, is reached by somebody.",
    Property.ZERO: "The output is at zero wherever it goes off: in waits, before people act, at the end.",
    Property.REVERSAL: "The polarity changes only at zero current.",
    Property.TOTAL: "A prescribed total is never smaller than the ramps of its session alone.",
    Property.CHARGING: "A hold until a charge has a current by which the charge is reached.",
    Property.ARITHMETIC: "No operand divides by zero, and quotients come out exactly where they must.",
    Property.RANGE: "The device can set every current that the protocol asks for.",
    Property.GRID: "Every current that the protocol asks for is a whole number of the device's steps.",
    Property.DRIVE: "The device's voltage suffices for the current over all of the assumed impedance.",
    Property.SLEW: "The device can follow every ramp, stop and resume.",
    Property.DEVICE: "The device has the waveforms, and its watchdog bridges a tick and the host gap.",
    Property.SCOPE: "Every envelope is used at the sites and with the devices that it is meant for.",
    Property.DRUG: "Each drug's ion is under the pole that drives it, whenever current flows.",
    Property.TABLE: "A table gives every value exactly one meaning.",
    Property.COURSE: "The rules of the course can be followed together.",
    Property.WATCHES: "Every monitor acts for some reading that the device can give.",
    Property.IDLES: "No monitor acts whatever is read, and an undisturbed session runs to its end.",
    Property.RELEASES: "What a monitor paused can be resumed: its `until` can come to hold.",
    Property.APART: "No monitor lets go while its condition still holds.",
    Property.PROVE: "What the author claims in a `prove` line holds.",
}

REFUTED: dict[Property, str] = {
    Property.CURRENT: "I0601",
    Property.DENSITY: "I0602",
    Property.RAMP: "I0603",
    Property.VOLTAGE: "I0604",
    Property.DOSE: "I0605",
    Property.SESSIONS: "I0606",
    Property.DURATION: "I0607",
    Property.STOP_TIME: "I0608",
    Property.GUARD: "I0609",
    Property.ZERO: "I0610",
    Property.REVERSAL: "I0611",
    Property.TOTAL: "I0612",
    Property.CHARGING: "I0613",
    Property.ARITHMETIC: "I0614",
    Property.RANGE: "I0615",
    Property.GRID: "I0616",
    Property.DRIVE: "I0617",
    Property.SLEW: "I0618",
    Property.DEVICE: "I0619",
    Property.SCOPE: "I0628",
    Property.DRUG: "I0620",
    Property.TABLE: "I0621",
    Property.COURSE: "I0622",
    Property.PROVE: "I0623",
    Property.MEAN_DENSITY: "I0624",
    Property.PULSE_CHARGE: "I0625",
}
"""The code of the diagnostic that says that a property is refuted."""

REACHED = frozenset(
    {Property.TREATABLE, Property.REACHABLE, Property.WATCHES, Property.IDLES, Property.RELEASES}
)
"""Properties that say that something can happen: there a witness is good news."""

NOBODY = "nobody gets there"
"""Why something that can happen to nobody is vacuous."""

MONITOR_VACUOUS: dict[Property, str] = {
    Property.WATCHES: "I0713",
    Property.IDLES: "I0714",
    Property.RELEASES: "I0715",
    Property.APART: "I0715",
}
"""The code of a monitor that means nothing."""

TREATABLE_VACUOUS = "I0701"
REACHABLE_VACUOUS = "I0702"
UNDECIDED = "I0703"
LIMIT_UNUSED = "I0704"
SOFT_LIMIT = "I0705"
DISAGREEMENT = "I0006"


class Provocation(Enum):
    """What makes a question's worst case happen, for the replay."""

    NOTHING = "nothing"  # the session as it is, undisturbed
    STOP = "stop"  # a stop at the worst moment of the step
    PAUSES = "pauses"  # every pause at the worst moment of a step, then a stop


@dataclass(frozen=True, slots=True)
class Measure:
    """`value`, divided by `over` when that is given, must not pass `bound`, in the base unit of the limit."""

    value: Polynomial
    over: Polynomial | None
    bound: int


@dataclass(frozen=True, slots=True)
class Claim:
    """What a property demands of a plan in one respect.

    `span` is the line that demands it. `rests_on` names the facts about device and plan that its numbers
    contain. For a limit, `electrode` is the index of the electrode that it is about. A soft claim may fail:
    it then needs a named person's acknowledgement.
    """

    id: str
    property: Property
    statement: str
    span: Span | None
    limit: Limit | None = None
    electrode: int | None = None
    rests_on: tuple[str, ...] = ()
    soft: bool = False


@dataclass(frozen=True, slots=True)
class Question:
    """One obligation of a claim about step `step`; `decided` when no solver is needed to answer it.

    `path` is what was decided on the way there; `pause_step` the step in which pauses cost most.
    `sessions` is how many sessions the obligation speaks of; `pauses` what a pause may cost in which steps;
    `generous` says that it may fail where no session does.
    """

    claim: str
    obligation: Obligation
    step: int | None = None
    measure: Measure | None = None
    provocation: Provocation = Provocation.NOTHING
    pause_step: int | None = None
    elapsed_ms: Polynomial | None = None
    path: tuple[Guard, ...] = ()
    sessions: int = 1
    pauses: tuple[tuple[Polynomial, int], ...] = ()
    decided: Decision | None = None
    generous: bool = False


@dataclass(frozen=True, slots=True)
class Asked:
    """A claim with its questions."""

    claim: Claim
    questions: tuple[Question, ...]
