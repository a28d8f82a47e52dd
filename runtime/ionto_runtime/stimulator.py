"""What a session asks of a stimulator, and what it is answered: the same for a simulated and a real one.

All that crosses this interface is an exact integer; signs are signs of polarity. An answer may stay away:
then nobody knows whether the command was carried out.
"""

from __future__ import annotations

from enum import Enum
from typing import Protocol

from ionto_ir.dataclass import dataclass
from ionto_ir.waveform import Waveform


class Refusal(Enum):
    """Why the device does not take a setpoint. What it did before goes on."""

    OUT_OF_RANGE = "beyond the range of the device"
    NOT_ON_STEP = "between two steps of the device"
    LEASE = "the lease is not between 1 ms and the watchdog time"
    STALE = "an older command than the last one taken"
    POLARITY = "polarity turns only at zero"
    WAVEFORM = "a waveform that the device does not have"
    NOT_READY = "the device was not prepared for this session, or has left it"
    TRIPPED = "the device has gone to zero by itself and waits for an acknowledgement"


@dataclass(frozen=True, slots=True)
class Accepted:
    """The device did what command `seq` says."""

    seq: int


@dataclass(frozen=True, slots=True)
class Refused:
    """The device did not do what command `seq` says."""

    seq: int
    reason: Refusal


Reply = Accepted | Refused


@dataclass(frozen=True, slots=True)
class Measurement:
    """What the device says of itself at one moment: nA and mV with sign, ohm, device time in ms.

    `impedance_ohm` is None when too little current flows to tell. `lead_off` is the device's own judgement:
    all its voltage drives less than half of the setpoint. Under a `waveform` the setpoint and the voltage are
    peaks, and `current_na` is the mean of |I| with the sign of the setpoint. `expired` says that a lease ran
    out since the last command. `seq` is the last command taken; `boot_count` grows with each reset.
    """

    current_na: int
    voltage_mv: int
    impedance_ohm: int | None
    at_compliance: bool
    output_on: bool
    lead_off: bool
    expired: bool
    setpoint_na: int
    seq: int
    boot_count: int
    device_ms: int
    waveform: Waveform | None = None


def outcome_of(reply: Reply | None) -> str:
    """What became of a command, in the words of the journal."""
    match reply:
        case Accepted():
            return "accepted"
        case Refused(_, reason):
            return f"refused: {reason.value}"
        case None:
            return "no answer"


class Stimulator(Protocol):
    """A stimulator with one channel, as a session drives it."""

    def set_current(self, na: int, lease_ms: int, seq: int, waveform: Waveform | None = None) -> Reply | None:
        """Hold `na` (sign = polarity) for `lease_ms` from now; None when no answer reaches the host.

        With a waveform `na` is its peak; None is direct current, and a device without waveforms refuses all
        others (`Refusal.WAVEFORM`). Setpoints are absolute. A command with a number that is not above the
        last one taken is refused.
        """
        ...

    def output_off(self, seq: int) -> Reply | None:
        """Open the output now; never refused, and harmless when repeated."""
        ...

    def measure(self) -> Measurement | None:
        """The device's state and what it last read at its terminals; None when no answer reaches the host."""
        ...
