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
    silence of the host that the device must bridge; the watchdog must exceed tick plus gap. `shared_return`:
    the returns of its channels are one terminal, so that each return electrode may carry all currents.
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
    device_class: str | None = None
    channels: int = 1
    shared_return: bool = False


DEVICE_CLASSES = ("bench", "laboratory", "clinic", "home")
"""Where a device may be used: on phantoms, cells and excised skin, which is for nobody; then on people, from
the most supervised place to the least.
"""


@dataclass(frozen=True, slots=True)
class Drug:
    """What a reservoir holds: valence with sign, molar mass mg/mol, concentration ug/L, transport number
    ppm.

    `ion` 0 is a neutral molecule, which only the flow of water from anode to cathode carries; None is an
    ion whose sign is known on the day. The others are None where they are not known.
    """

    name: str
    title: str
    ion: int | None
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
class Split:
    """The share of its supply's current that an electrode takes: from `lo_ppm` to `hi_ppm`."""

    lo_ppm: int
    hi_ppm: int


WHOLE = 1_000_000
"""All of a current, in ppm."""

ALL = Split(WHOLE, WHOLE)


@dataclass(frozen=True, slots=True)
class Electrode:
    """An electrode as the protocol places it.

    `area_um2` is a constant or refers to a geometry variable asked on the day. `role` is the role at
    positive polarity. `fill_nl` and `drug` say what is in its reservoir; `despite` is the author's
    stated reason for a drug under the wrong pole. Electrodes on one side of a supply share its current as
    their `split` says; one that says nothing is taken to carry all of it. `site_variable` is the choice that
    names the site on the day; then `site` is what is said where no day is spoken of.
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
    split: Split = ALL
    site_variable: str | None = None


def driving_role(ion: int | None) -> Role | None:
    """The pole that drives a drug into the body; None when that is known on the day.

    An anode drives cations and a cathode anions. Water flows from anode to cathode through tissue that is
    negatively charged, as skin is at the pH of the body, and carries neutral molecules along.
    """
    if ion is None:
        return None
    return Role.CATHODE if ion < 0 else Role.ANODE
