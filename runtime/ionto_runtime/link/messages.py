"""The messages of IonLink as values, and their payloads as bytes."""

from __future__ import annotations

import struct
import zlib
from typing import TypeAlias

from ionto_ir.dataclass import dataclass
from ionto_runtime.link.schema import (
    FACTS,
    LIMITS,
    PAYLOADS,
    SEED,
    Answer,
    Fact,
    Field,
    Flag,
    Kind,
    Reason,
    State,
    Trip,
)


def _struct(fields: tuple[Field, ...]) -> struct.Struct:
    return struct.Struct("<" + "".join(field.code for field in fields))


_FORMS = {kind: _struct(fields) for kind, fields in PAYLOADS.items()}
_LIMITS = _struct(LIMITS)
_FACTS = _struct(FACTS)
FACTS_BYTES = _FACTS.size


@dataclass(frozen=True, slots=True)
class Hello:
    """Meet the device and begin a session; whatever it did, its output is off afterwards."""


@dataclass(frozen=True, slots=True)
class Limits:
    """What the device shall never pass in this session. All magnitudes."""

    current_na_max: int
    slew_na_s_max: int
    compliance_mv: int
    charge_uc_max: int
    on_time_ms_max: int
    lease_ms_max: int


@dataclass(frozen=True, slots=True)
class Config:
    """Lower the limits of the device for this session, once."""

    limits: Limits


@dataclass(frozen=True, slots=True)
class Arm:
    """Allow the output to be switched on, by a lease of zero."""

    boot: int
    limits_hash: int


@dataclass(frozen=True, slots=True)
class Lease:
    """Let `setpoint_na` flow for `valid_ms` from receipt."""

    setpoint_na: int
    slew_na_s: int
    valid_ms: int
    seen_ms: int
    position: int


@dataclass(frozen=True, slots=True)
class Off:
    """Open the output now."""


@dataclass(frozen=True, slots=True)
class AckTrip:
    """A person has seen these latches; clear them."""

    latches: int


@dataclass(frozen=True, slots=True)
class Query:
    """Say how things are; changes nothing and renews nothing."""

    page: int


@dataclass(frozen=True, slots=True)
class Status:
    """How things are with the device, and what became of a command."""

    to: Kind
    answer: Answer
    reason: Reason
    state: State
    flags: Flag
    trip: Trip
    latches: int
    current_na: int
    voltage_mv: int
    setpoint_na: int
    applied_na: int
    device_ms: int
    boot: int
    lease_ms: int
    charge_uc: int
    position: int
    detail: bytes


Command: TypeAlias = Hello | Config | Arm | Lease | Off | AckTrip | Query
Message: TypeAlias = Command | Status


@dataclass(frozen=True, slots=True)
class Facts:
    """What the device is; texts without their zeros."""

    model: str
    serial: str
    firmware: str
    calibration_due: int
    current_na_max: int
    slew_na_s_max: int
    compliance_mv: int
    charge_uc_max: int
    on_time_ms_max: int
    step_na: int
    lease_ms_max: int
    facts: Fact


def kind_of(message: Message) -> Kind:
    """What its frame is called."""
    match message:
        case Hello():
            return Kind.HELLO
        case Config():
            return Kind.CONFIG
        case Arm():
            return Kind.ARM
        case Lease():
            return Kind.LEASE
        case Off():
            return Kind.OFF
        case AckTrip():
            return Kind.ACK_TRIP
        case Query():
            return Kind.QUERY
        case Status():
            return Kind.STATUS


def payload_of(message: Message) -> bytes:
    """Its bytes. A number that its field cannot hold is a bug of the caller."""
    if isinstance(message, Config):
        return limits_bytes(message.limits)
    names = [field.name for field in PAYLOADS[kind_of(message)]]
    return _FORMS[kind_of(message)].pack(*(getattr(message, name) for name in names))


def limits_bytes(limits: Limits) -> bytes:
    """The limits as CONFIG carries them."""
    return _LIMITS.pack(*(getattr(limits, field.name) for field in LIMITS))


def limits_hash(limits: Limits) -> int:
    """The digest with which the device confirms what it holds."""
    return zlib.crc32(limits_bytes(limits), SEED)


def message_of(kind: Kind, payload: bytes) -> Message | None:
    """The message that these bytes are; None when they are none."""
    form = _FORMS.get(kind)
    if form is None or len(payload) != form.size:
        return None
    values = form.unpack(payload)
    match kind:
        case Kind.HELLO:
            return Hello()
        case Kind.CONFIG:
            return Config(Limits(*values))
        case Kind.ARM:
            return Arm(*values)
        case Kind.LEASE:
            return Lease(*values)
        case Kind.OFF:
            return Off()
        case Kind.ACK_TRIP:
            return AckTrip(*values)
        case Kind.QUERY:
            return Query(*values)
        case _:
            return _status(values)


def _status(values: tuple[int, ...]) -> Status | None:
    to, answer, reason, state, flags, trip, *rest = values
    try:
        return Status(
            Kind(to),
            Answer(answer),
            Reason(reason),
            State(state),
            Flag(flags),
            Trip(trip),
            *rest,  # type: ignore[arg-type]
        )
    except ValueError:
        return None


def facts_bytes(facts: Facts) -> bytes:
    """The facts as the device holds them, check value included."""
    values = [getattr(facts, field.name) for field in FACTS[:-1]]
    body = _FACTS.pack(*(value.encode("ascii") if isinstance(value, str) else value for value in values), 0)[
        :-4
    ]
    return body + zlib.crc32(body, SEED).to_bytes(4, "little")


def facts_of(data: bytes) -> Facts | None:
    """The facts that these bytes are; None when they were put together from pieces that do not fit."""
    if len(data) != FACTS_BYTES or zlib.crc32(data[:-4], SEED) != int.from_bytes(data[-4:], "little"):
        return None
    values = list(_FACTS.unpack(data)[:-1])
    values[-1] = Fact(values[-1])
    try:
        model, serial, firmware = (value.rstrip(b"\0").decode("ascii") for value in values[:3])
    except UnicodeDecodeError:
        return None
    return Facts(model, serial, firmware, *values[3:])
