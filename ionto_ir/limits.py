"""Limits: what must hold at every instant of every run, each with its hazard and its source."""

from __future__ import annotations

from enum import Enum

from ionto_ir.dataclass import dataclass
from ionto_ir.expression import Expression
from ionto_ir.source import Span


class LimitKind(Enum):
    """What a limit bounds; the comment gives the base unit of its bound."""

    CURRENT = "current"  # nA, |I| (peak)
    DENSITY = "density"  # uA_m2, |I| / electrode area (peak)
    RAMP = "ramp"  # nA/s
    VOLTAGE = "voltage"  # mV
    DOSE = "dose"  # pC; per session, or in any window when window_ms is given
    CHARGE_DENSITY = "charge density"  # uC_m2, charge / electrode area; per session or in a window
    SESSIONS = "sessions"  # count, in any window
    DURATION = "duration"  # ms, from the first energised step to the last, per session
    MEAN_DENSITY = "mean density"  # uA_m2, mean of |I| / electrode area
    PULSE_CHARGE = "charge per pulse"  # pC, of a pulse or of the larger half-wave
    STOP_TIME = "stop time"  # ms, from any state to zero


ADDS_UP = (LimitKind.DOSE, LimitKind.CHARGE_DENSITY)
"""Limits on what a session, or a window, adds up to."""

PER_ELECTRODE = (LimitKind.DENSITY, LimitKind.MEAN_DENSITY, LimitKind.CHARGE_DENSITY)
"""Limits that speak of each electrode, also where they name no pole."""


class Role(Enum):
    """The electrical role of an electrode at a moment; a reversal swaps it."""

    ANODE = "anode"
    CATHODE = "cathode"


@dataclass(frozen=True, slots=True)
class Limit:
    """One line of an envelope (or of a protocol, which may only add limits).

    A limit with a `role` speaks of what flows through each electrode while it has that role. Without one, a
    density is that of each electrode in any role, and a current or dose is all that flows. `window_ms` makes
    a dose, charge density or session limit a sliding window, half open; None means per session; a `per_site`
    window counts the sessions on each site apart. `nominal` limits the set value, otherwise the device's
    accuracy is added on the wrong side. A `soft` limit may be overridden at bind time by a named person with
    a reason; `needs` is the role that this person must have. `apart`: the time in which people are waited for
    does not count. `unit` is the author's unit, for messages.
    """

    kind: LimitKind
    bound: int
    unit: str
    role: Role | None
    window_ms: int | None
    nominal: bool
    soft: bool
    hazard: str | None
    source: str | None
    text: str | None
    envelope: str
    span: Span
    needs: str | None = None
    apart: bool = False
    per_site: bool = False

    @property
    def per_electrode(self) -> bool:
        """Whether it is about the electrodes one by one."""
        return self.role is not None or self.kind in PER_ELECTRODE


@dataclass(frozen=True, slots=True)
class Exclusion:
    """People whom an envelope excludes: nobody for whom `condition` holds may ever be energised.

    `meant_for` is what a `for` line of the envelope demands, in its own words, where that is why.
    """

    condition: Expression
    hazard: str | None
    source: str | None
    envelope: str
    span: Span
    meant_for: str | None = None


@dataclass(frozen=True, slots=True)
class ImpedanceRange:
    """Impedance of skin and electrodes that an envelope assumes, ohm, for the fit of a device."""

    ohm_min: int
    ohm_max: int
    source: str | None
    span: Span


@dataclass(frozen=True, slots=True)
class Envelope:
    """Header of an envelope that a protocol chose; its limits and exclusions stand in the plan.

    It may say what it is meant for: the sites of active electrodes, the classes of devices, and the people
    (in its own words; who they are not stands among the exclusions). Empty means for all.
    """

    name: str
    title: str
    impedance: ImpedanceRange | None
    span: Span
    sites: tuple[str, ...] = ()
    device_classes: tuple[str, ...] = ()
    people: tuple[str, ...] = ()
