"""What every driver can do beyond setting a current, and what is known of its device as plain facts.

The order of a session: `connect` (output off, off seen), `configure` (limits that the device keeps, once),
`prove_dead_man` (at zero current), `arm`, then the calls of `Stimulator`, then `close`. Problems are
returned.
"""

from __future__ import annotations

from enum import Enum
from typing import Protocol

from ionto_ir.dataclass import dataclass
from ionto_ir.diagnostic import Diagnostic, error
from ionto_runtime.stimulator import Stimulator


class DeadMan(Enum):
    """What takes the output to zero when the host falls silent."""

    DEVICE = "the device, when a lease ends"
    EXTERNAL_RELAY = "a watchdog relay on the device's output-enable line"
    BOUNDED_PROGRAM = "the end of a finite program that the device holds"
    NONE = "nothing"


@dataclass(frozen=True, slots=True)
class Capabilities:
    """The facts of a driver's row in the capability table, each of them a claim with its source.

    `reset_is_off` says that after a reset, a brown-out and power-up no current flows; `takes_relay` that a
    watchdog relay can hold its output. A voltage reading may be wrong by `voltage_step_mv`.
    A device that must be `seen_to_start` is plugged in when it is to be met. One that `locks` refuses every
    setpoint after a restart until a host has prepared it anew.
    """

    driver: str
    title: str
    dead_man: DeadMan
    bipolar: bool
    waveforms: tuple[str, ...]
    measures_voltage: bool
    reads_back_setpoint: bool
    clock: bool
    reset_is_off: bool
    for_people: bool
    source: str
    takes_relay: bool = False
    voltage_step_mv: int = 1
    seen_to_start: bool = False
    locks: bool = False


@dataclass(frozen=True, slots=True)
class Identity:
    """Who answered. `calibration_due` is an ISO date, None when the device does not know one."""

    model: str
    serial: str
    firmware: str
    calibration_due: str | None
    simulated: bool


@dataclass(frozen=True, slots=True)
class SessionLimits:
    """What the device itself shall never pass in this session, whatever the host says. Magnitudes.

    A device whose own ceiling of charge or time is lower keeps its own, unless the session needs more:
    `needed` is what the undisturbed session takes.
    """

    current_na_max: int
    slew_na_s: int
    compliance_mv: int
    charge_pc_max: int
    on_time_ms_max: int
    lease_ms_max: int
    charge_pc_needed: int = 0
    on_time_ms_needed: int = 0


@dataclass(frozen=True, slots=True)
class Problem:
    """Why a driver's call did not do what it says: a code of `ionto_ir.codes`, one line for a person, and
    what to do about it, where that is known.
    """

    code: str
    text: str
    help: str | None = None

    def told(self) -> Diagnostic:
        """The same as people read it."""
        return error(self.code, self.text, None, help=self.help)


@dataclass(frozen=True, slots=True)
class Complaint:
    """What is wrong with device or line while a session runs: an alarm of `ionto_runtime.alarms`, and what
    exactly was seen.
    """

    alarm: str
    text: str


class Driver(Stimulator, Protocol):
    """A stimulator at the other end of a line."""

    @property
    def capabilities(self) -> Capabilities:
        """The facts about this kind of device."""
        ...

    def connect(self) -> Identity | Problem:
        """Meet the device: output off, seen off, identified (R4, R8)."""
        ...

    def configure(self, limits: SessionLimits) -> Problem | None:
        """Hand over the limits and read them back (R2, R7, R11)."""
        ...

    def verify_limits(self) -> Problem | None:
        """Read the limits back once more: the device must still hold what `configure` gave it (R7, R11)."""
        ...

    def prove_dead_man(self) -> int | Problem:
        """Fall silent at zero current until the device reports its trip; how long it took, ms (R10)."""
        ...

    def arm(self) -> Problem | None:
        """Allow output, at setpoint zero (R12)."""
        ...

    def errors(self) -> tuple[Complaint, ...]:
        """What is wrong with device or line and was not told yet; any of it ends a session (R52)."""
        ...

    def close(self) -> None:
        """Output off, then the line given back."""
        ...
