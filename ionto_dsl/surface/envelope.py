"""Envelopes, devices, drugs, electrodes and screening lists: the facts and limits that protocols use."""

from __future__ import annotations

from typing import Literal

from ionto_dsl.surface.items import Interruptions, NoResume, PauseLimit, Rule, Source, Title
from ionto_dsl.surface.protocol import Protocol
from ionto_dsl.surface.steps import Let, Variable
from ionto_dsl.surface.values import Expression, Name, Range, Remarks, Text
from ionto_ir.dataclass import dataclass
from ionto_ir.source import Span

LimitSubject = Literal[
    "current",
    "density",
    "mean density",
    "ramp",
    "voltage",
    "dose",
    "charge per pulse",
    "charge density",
    "sessions",
    "duration",
    "stop time",
    "interruptions",
    "pause",
]


@dataclass(frozen=True, slots=True)
class Limit:
    """`limit dose <= Q per session`, `limit density at cathode <= D`, `limit current <= I nominal`.

    `window` is set by `in any W`, `per_session` by `per session`, `per_site` by `per site`. Always inclusive.
    `needs` is the role of the person who may override a soft limit; `apart` says `apart from people`.
    """

    soft: bool
    subject: LimitSubject
    subject_span: Span
    pole: Literal["cathode", "anode"] | None
    bound: Expression
    nominal: bool
    per_session: bool
    window: Expression | None
    needs: Name | None
    apart: bool
    per_site: bool
    remarks: Remarks
    span: Span


@dataclass(frozen=True, slots=True)
class Assume:
    """`assume impedance 1 kOhm .. 15 kOhm`."""

    subject: Literal["impedance"]
    range: Range
    remarks: Remarks
    span: Span


@dataclass(frozen=True, slots=True)
class Exclude:
    """`exclude pacemaker, age < 6 yr hazard H-ARRHYTHMIA`: conditions on answers, each of them excluded."""

    conditions: tuple[Expression, ...]
    remarks: Remarks
    span: Span


@dataclass(frozen=True, slots=True)
class MeantFor:
    """`for age >= 18 yr`, `for site "palm"`, `for device class clinic`: what an envelope is meant for.

    One of the three is filled.
    """

    conditions: tuple[Expression, ...]
    sites: tuple[Text, ...]
    classes: tuple[Name, ...]
    remarks: Remarks
    span: Span


EnvelopeItem = Title | Source | Limit | Assume | Exclude | MeantFor | Interruptions | PauseLimit | NoResume


@dataclass(frozen=True, slots=True)
class Envelope:
    """`envelope name { ... }`."""

    name: Name
    items: tuple[EnvelopeItem, ...]
    span: Span


@dataclass(frozen=True, slots=True)
class Setting:
    """A fact of equipment or drug: `tick 100 ms`, `slew at most 1 mA/s`, `driver simulated`."""

    key: Name
    at_most: bool
    value: Expression | Range | tuple[Name, ...]
    remarks: Remarks
    span: Span


@dataclass(frozen=True, slots=True)
class CurrentRange:
    """`current A .. B step S accuracy 2 % + 10 uA` of a device; `accuracy` holds the summands as written."""

    range: Range
    step: Expression | None
    accuracy: tuple[Expression, ...]
    remarks: Remarks
    span: Span


DeviceItem = Title | Source | Setting | CurrentRange


@dataclass(frozen=True, slots=True)
class Device:
    """`device name { ... }`: settings driver, compliance, slew, tick, watchdog, host gap, waveforms."""

    name: Name
    items: tuple[DeviceItem, ...]
    span: Span


@dataclass(frozen=True, slots=True)
class Drug:
    """`drug name { ... }`: settings ion, molar_mass, concentration, transport."""

    name: Name
    items: tuple[Title | Source | Setting, ...]
    span: Span


@dataclass(frozen=True, slots=True)
class Electrode:
    """`electrode name { ... }`: settings area, fill, reusable."""

    name: Name
    items: tuple[Title | Source | Setting, ...]
    span: Span


ScreeningItem = Title | Source | Variable | Rule | Let


@dataclass(frozen=True, slots=True)
class Screening:
    """`screening name { ... }`."""

    name: Name
    items: tuple[ScreeningItem, ...]
    span: Span


Declaration = Protocol | Envelope | Device | Drug | Electrode | Screening
