"""Events that reach the machine and commands that leave it: all that a session and the world exchange.

Both are inert values. A journal that holds the events holds the session: the same events give the same
commands, on the simulated device and on a real one.
"""

from __future__ import annotations

from enum import Enum

from ionto_ir.dataclass import dataclass
from ionto_ir.expression import Value
from ionto_ir.waveform import Waveform

# --- events ---------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Begin:
    """A person starts the treatment: the first step of the plan is entered."""


@dataclass(frozen=True, slots=True)
class Tick:
    """One tick interval has ended and the next begins.

    `measured_na` (magnitude; under a waveform the mean of |I|), `voltage_mv` and `impedance_ohm` were
    measured during the interval that ended, None when there is no reading. `acknowledged` says whether the
    device has confirmed the last output command: while it has not, the device is taken to hold the highest
    current it may hold, and nothing rises.
    """

    measured_na: int | None = None
    voltage_mv: int | None = None
    impedance_ohm: int | None = None
    acknowledged: bool = True


@dataclass(frozen=True, slots=True)
class Confirm:
    """A person says yes to the prompt that is open (a confirmation, or an instruction seen)."""


@dataclass(frozen=True, slots=True)
class Enter:
    """A person enters the value of the record variable that is asked for."""

    variable: str
    value: Value


@dataclass(frozen=True, slots=True)
class Adjust:
    """A person moves an adjustable parameter."""

    variable: str
    value: Value


@dataclass(frozen=True, slots=True)
class Press:
    """Somebody presses the button called `button`, to ask for a dose."""

    button: str


@dataclass(frozen=True, slots=True)
class Pause:
    """Ramp down and wait."""


@dataclass(frozen=True, slots=True)
class Resume:
    """Go on after a pause, a lost link or a crash; only ever a person's decision."""


@dataclass(frozen=True, slots=True)
class Stop:
    """Ramp down and end."""


@dataclass(frozen=True, slots=True)
class EmergencyStop:
    """Open the output at once and end."""


@dataclass(frozen=True, slots=True)
class LinkLost:
    """The device no longer answers; its watchdog takes it to zero."""


@dataclass(frozen=True, slots=True)
class LinkBack:
    """The device answers again, and its output was seen to be off."""


@dataclass(frozen=True, slots=True)
class Ack:
    """A late acknowledgement of output command number `sequence`, after a tick that was not acknowledged."""

    sequence: int


class FaultKind(Enum):
    """What a device can report about itself. Only a lead that came off can be mended within a session."""

    LEAD_OFF = "lead off"
    OVER_CURRENT = "over-current"
    COMPLIANCE = "compliance"
    SELF_TEST = "self test"
    INTERNAL = "internal"


@dataclass(frozen=True, slots=True)
class DeviceFault:
    """The device reports a fault."""

    kind: FaultKind


@dataclass(frozen=True, slots=True)
class Recovered:
    """The host crashed and its journal was replayed into this state `outage_ms` after the last record.

    Whatever may have flowed since the last record is charged, and a person must resume.
    """

    outage_ms: int


Event = (
    Begin
    | Tick
    | Confirm
    | Enter
    | Adjust
    | Press
    | Pause
    | Resume
    | Stop
    | EmergencyStop
    | LinkLost
    | LinkBack
    | Ack
    | DeviceFault
    | Recovered
)

# --- commands -------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class SetCurrent:
    """Output on at `current_na` (signed by polarity) for at most `lease_ms`; `sequence` numbers commands.

    With a `waveform` `current_na` is its peak; None is direct current.
    """

    current_na: int
    lease_ms: int
    sequence: int
    waveform: Waveform | None = None


@dataclass(frozen=True, slots=True)
class OutputOff:
    """Output open."""

    sequence: int


class PromptKind(Enum):
    """What a person is asked to do; each but RECORD and RESUME is answered by `Confirm`."""

    CONFIRM = "confirm"
    INSTRUCT = "instruct"
    RECORD = "record"  # answered by `Enter`
    RESUME = "resume"  # answered by `Resume` or `Stop`


@dataclass(frozen=True, slots=True)
class Prompt:
    """Ask a person; `variable` names the record variable to enter."""

    kind: PromptKind
    text: str
    variable: str | None


@dataclass(frozen=True, slots=True)
class Record:
    """Keep in the session's record: an entered or adjusted value, with `meaning` what a table says of it."""

    variable: str
    value: Value
    meaning: str | None


class Priority(Enum):
    """Urgency of an alarm, as IEC 60601-1-8 names it."""

    HIGH = "high"
    MEDIUM = "medium"
    LOW = "low"


@dataclass(frozen=True, slots=True)
class Alarm:
    """Draw attention. Codes `F..` are listed in `ALARMS` and are never reused."""

    code: str
    text: str
    priority: Priority


@dataclass(frozen=True, slots=True)
class Refused:
    """An event changed nothing, and why."""

    event: str
    reason: str


@dataclass(frozen=True, slots=True)
class End:
    """The session is over; `completed` is True only when the plan was finished as written."""

    reason: str
    completed: bool


@dataclass(frozen=True, slots=True)
class Dose:
    """A dose begins because somebody pressed `button`: dose `number` of its block, counted from 1."""

    button: str
    number: int


Command = SetCurrent | OutputOff | Prompt | Record | Dose | Alarm | Refused | End

ALARMS: dict[str, Alarm] = {
    alarm.code: alarm
    for alarm in (
        Alarm("F01", "an electrode came off: the output is open", Priority.HIGH),
        Alarm("F02", "more current was measured than was set: the output is open", Priority.HIGH),
        Alarm("F03", "the device does not answer: its watchdog takes it to zero", Priority.HIGH),
        Alarm("F04", "a limit would have been passed: the session stops", Priority.HIGH),
        Alarm("F05", "machine and interlock disagree: the output is open", Priority.HIGH),
        Alarm("F06", "the device reports a fault: the output is open", Priority.HIGH),
        Alarm("F07", "the session was interrupted by a failure of the host", Priority.MEDIUM),
        Alarm("F08", "the interruption lasted too long: the session has ended", Priority.MEDIUM),
        Alarm("F09", "emergency stop: the output is open", Priority.HIGH),
        Alarm("F12", "a monitor pauses the session", Priority.MEDIUM),
        Alarm("F13", "a monitor stops the session", Priority.MEDIUM),
        Alarm("F14", "a monitor warns", Priority.LOW),
    )
}
