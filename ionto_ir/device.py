"""Device, drug and electrode profiles: the facts about equipment that a plan rests on."""

from __future__ import annotations

from enum import Enum

from ionto_ir.dataclass import dataclass
from ionto_ir.expression import Expression
from ionto_ir.limits import Role
from ionto_ir.source import Span


@dataclass(frozen=True, slots=True)
class Device:
    """A stimulator profile.

    Accuracy: the skin may receive up to |setpoint| + ceil(|setpoint| * accuracy_ppm / 1e6) +
    accuracy_offset_na while the output is on, and nothing while it is off. `host_gap_ms` is the longest
    silence of the host that the device must bridge; the watchdog must exceed tick plus gap.
    """

    name: str
    title: str
    driver: str
    current_na_min: int
    current_na_max: int
    step_na: int
    accuracy_ppm: int
    accuracy_offset_na: int
    compliance_mv: int
    slew_na_s: int
    tick_ms: int
    watchdog_ms: int
    host_gap_ms: int
    waveforms: tuple[str, ...]
    source: str | None
    span: Span


@dataclass(frozen=True, slots=True)
class Drug:
    """An ion: valence with sign, molar mass mg/mol, concentration ug/L, transport number ppm (or None)."""

    name: str
    title: str
    ion: int
    molar_mass_mg_mol: int | None
    concentration_ug_l: int | None
    transport_ppm: int | None
    source: str | None
    span: Span


class Place(Enum):
    """Which side of the circuit an electrode is on."""

    ACTIVE = "active"
    RETURN = "return"


@dataclass(frozen=True, slots=True)
class Electrode:
    """An electrode as the protocol places it.

    `area_um2` is a constant or refers to a geometry variable asked on the day. `role` is the role at
    positive polarity. `fill_nl` and `drug` say what is in its reservoir; `despite` is the author's
    stated reason for a drug under the wrong pole.
    """

    place: Place
    role: Role
    profile: str
    site: str
    area_um2: Expression
    reusable: bool | None
    fill_nl: int | None
    drugs: tuple[Drug, ...]
    despite: str | None
    source: str | None
    span: Span
