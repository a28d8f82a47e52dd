"""IonLink, version 1, as data: every message byte by byte, every code, every bound.

The one place from which host, twin and firmware take them: the header of the firmware and the tables of the
manual are written from here, and the check value of every frame is seeded with a digest of it. Two peers that
were built from different tables cannot exchange a single valid frame.

All numbers are little-endian. Units are in the names: nA, mV, ms, uC (1 uC = 1 uA s).
"""

from __future__ import annotations

import zlib
from enum import IntEnum, IntFlag

from ionto_ir.dataclass import dataclass

VERSION = 1

FRAME_BYTES_MAX = 64
"""A frame on the line with its two delimiters: short enough for any buffer, and 6 ms at 115200 baud."""

STOP_BYTES = bytes.fromhex("00 f0 0f f0 0f 00")
"""Opens the output whatever stands before it. No frame contains it: the byte after a delimiter says how far
it is to the next zero, so it is never above FRAME_BYTES_MAX, and no frame is as short as this.
"""

SEQUENCE_AHEAD_MAX = 1_024
"""How far a number may be ahead of the last one taken. More is the past, wrapped around, or damage."""

SEEN_AGE_MS_MAX = 1_000
"""A lease names the device time of the newest reply that the host has seen. Older than this it is a replay,
was delayed on its way, or comes from a host that no longer hears the device.
"""

EXPIRY_RAMP_MS = 100
"""How long the device takes to zero by itself: part of the lease as the host counts it, see `LEASE_TAIL_MS`.
Short, because nobody watches; not a step, because a step at the end of a silence is felt as a blow.
"""

CONTROL_MS = 5
"""The device's own beat: slew, lease, charge and plausibility are looked at this often."""

SLEW_NA_S_MIN = 1_000
"""Slower than this is slower than the device counts in a beat, and would be standing still."""

LEASE_TAIL_MS = EXPIRY_RAMP_MS + 3 * CONTROL_MS
"""From the end of `valid_ms` until nothing flows. A host that must be sure of zero after T asks for a
validity of T minus this.
"""

ZERO_NA_MAX = 20_000
ZERO_PERCENT = 2
"""Up to this a reading is zero (R8): the smaller of the two, the second of the range of the board."""

OVER_CURRENT_NA = 50_000
OVER_CURRENT_PERCENT = 5
OVER_CURRENT_MS = 200
"""More than was set, by the larger of the two and for this long, is a trip (R15). The first is never more
than the second of the board's range: 50 uA would be half of what a board of 100 uA gives.
"""

OVER_VOLTAGE_PERCENT = 5
"""A reading this much above the compliance voltage that was set means that it is not kept."""

WATCHDOG_MS = 120
"""The processor restarts, with its output off, when its main loop has not come round for so long."""

REFERENCE_COUNTS = (202, 248)
"""What the converter reads of its own 1.1 V reference at a supply of 5 V, give or take 10 %."""

GROUND_COUNTS_MAX = 3
"""What it may read of its own ground. A converter that is stuck fails one of the two."""

NO_PAGE = 255
LIMITS_PAGE = 254
"""The page that shows the digest of the limits that are in force."""

PAGE_BYTES = 8


class Kind(IntEnum):
    """What a frame is. Commands are below 0x80."""

    HELLO = 0x01
    CONFIG = 0x02
    ARM = 0x03
    LEASE = 0x04
    OFF = 0x05
    ACK_TRIP = 0x06
    QUERY = 0x07
    STOP = 0x53
    """No frame of its own: what the status that answers STOP_BYTES is an answer to."""
    STATUS = 0x80


class Answer(IntEnum):
    """What became of a command."""

    ACCEPTED = 0
    IN_PROGRESS = 1
    DENIED = 2
    FAULT = 3


class Reason(IntEnum):
    """Why a command was denied; REPEATED is said with ACCEPTED, of a command that is answered again."""

    NONE = 0
    SESSION = 1
    STALE = 2
    REPEATED = 3
    STATE = 4
    RANGE = 5
    STEP = 6
    VALIDITY = 7
    POLARITY = 8
    UNSEEN = 9
    RAISES = 10
    CONFIGURED = 11
    BOOT = 12
    HASH = 13
    NOT_ZERO = 14
    VALUE = 15
    SLEW = 16


class State(IntEnum):
    """What the device is doing."""

    LOCKED = 0
    MET = 1
    READY = 2
    ARMED = 3
    RUNNING = 4
    ENDING = 5
    TRIPPED = 6


class Trip(IntEnum):
    """Why the device went to zero by itself. Cause n latches bit n-1."""

    NONE = 0
    OVER_CURRENT = 1
    OVER_CHARGE = 2
    EXPIRED = 3
    WATCHDOG = 4
    BROWN_OUT = 5
    SELF_TEST = 6
    ON_TIME = 7
    STOPPED = 8
    SENSOR = 9
    OVER_VOLTAGE = 10


class Flag(IntFlag):
    """What is the case at the output."""

    OUTPUT_ON = 1
    AT_COMPLIANCE = 2
    LEAD_OFF = 4
    CONFIGURED = 8


class Fact(IntFlag):
    """What the device is."""

    SIMULATED = 1
    BIPOLAR = 2


@dataclass(frozen=True, slots=True)
class Field:
    """One number or text of a message; `form` is one of u8, u16, u32, i32, or the length of a text."""

    name: str
    form: str
    meaning: str

    @property
    def size(self) -> int:
        """Bytes."""
        return {"u8": 1, "u16": 2, "u32": 4, "i32": 4}.get(self.form) or int(self.form)

    @property
    def code(self) -> str:
        """The same for `struct`."""
        return {"u8": "B", "u16": "H", "u32": "I", "i32": "i"}.get(self.form) or f"{self.form}s"


HEADER = (
    Field("version", "u8", "version of this table"),
    Field("kind", "u8", "what the frame is"),
    Field("session", "u32", "chosen at random by the host in HELLO, never 0"),
    Field("sequence", "u16", "number of the command; a reply repeats it"),
    Field("ack", "u16", "device: number of the last command taken; host: of the last reply seen"),
)

LIMITS = (
    Field("current_na_max", "u32", "magnitude of a setpoint"),
    Field("slew_na_s_max", "u32", "slew of a setpoint"),
    Field("compliance_mv", "u32", "highest voltage"),
    Field("charge_uc_max", "u32", "charge of the session, either direction"),
    Field("on_time_ms_max", "u32", "time with the output on"),
    Field("lease_ms_max", "u16", "validity of a lease"),
)

PAYLOADS: dict[Kind, tuple[Field, ...]] = {
    Kind.HELLO: (),
    Kind.CONFIG: LIMITS,
    Kind.ARM: (
        Field("boot", "u16", "the boot count that the host has seen"),
        Field("limits_hash", "u32", "the digest of the limits that CONFIG was answered with"),
    ),
    Kind.LEASE: (
        Field("setpoint_na", "i32", "what is to flow, absolute; the sign is the polarity"),
        Field("slew_na_s", "u32", "how fast to go there"),
        Field("valid_ms", "u16", "how long it may flow, from receipt"),
        Field("seen_ms", "u32", "device time in the newest reply that the host has seen"),
        Field("position", "u16", "place in the plan, kept for whoever asks later"),
    ),
    Kind.OFF: (),
    Kind.ACK_TRIP: (Field("latches", "u16", "the latches that the host has seen: all of them or none"),),
    Kind.QUERY: (
        Field("page", "u8", "page of the facts for `detail`; 254 digest of the limits, 255 nothing"),
    ),
    Kind.STATUS: (
        Field("to", "u8", "kind of the command that is answered"),
        Field("answer", "u8", "what became of it"),
        Field("reason", "u8", "why it was denied"),
        Field("state", "u8", "what the device is doing"),
        Field("flags", "u8", "what is the case at the output"),
        Field("trip", "u8", "the first cause since the latches were cleared"),
        Field("latches", "u16", "all causes since then"),
        Field("current_na", "i32", "measured"),
        Field("voltage_mv", "i32", "measured"),
        Field("setpoint_na", "i32", "of the last lease taken; 0 when the output is off"),
        Field("applied_na", "i32", "what the output is set to at this moment, on its way to the setpoint"),
        Field("device_ms", "u32", "time since the device started"),
        Field("boot", "u16", "how often it has started"),
        Field("lease_ms", "u16", "what is left of the lease"),
        Field("charge_uc", "u32", "charge since HELLO, of the larger of applied and measured, rounded up"),
        Field("position", "u16", "of the last lease taken"),
        Field("detail", str(PAGE_BYTES), "CONFIG: digest of the limits, denied field; QUERY: a page"),
    ),
}

FACTS = (
    Field("model", "16", "text, filled with zeros"),
    Field("serial", "16", "text, filled with zeros"),
    Field("firmware", "16", "text, filled with zeros"),
    Field("calibration_due", "u32", "as a number: 20270131; 0 when not known"),
    *LIMITS[:5],
    Field("step_na", "u32", "setpoints are multiples of this"),
    Field("lease_ms_max", "u16", "longest validity"),
    Field("facts", "u16", "what the device is"),
    Field("check", "u32", "CRC-32 of the bytes before, seeded like that of a frame"),
)


@dataclass(frozen=True, slots=True)
class Board:
    """What the hardware of a reference device can do, and how its converters count."""

    model: str
    current_na_max: int
    slew_na_s_max: int
    compliance_mv: int
    charge_uc_max: int
    on_time_ms_max: int
    lease_ms_max: int
    step_na: int
    compliance_step_mv: int
    current_na_count: int
    voltage_mv_count: int

    @property
    def zero_na_max(self) -> int:
        """Up to this a reading of the board is zero."""
        return zero_na_of(self.current_na_max)

    @property
    def over_current_na(self) -> int:
        """What a reading may exceed a small setpoint by."""
        return min(OVER_CURRENT_NA, self.current_na_max * OVER_CURRENT_PERCENT // 100)


def zero_na_of(current_na_max: int) -> int:
    """Up to this a reading of a board of this range is zero."""
    return min(ZERO_NA_MAX, current_na_max * ZERO_PERCENT // 100)


DRUG_BOARD = Board(
    model="ionlink-4ma",
    current_na_max=4_000_000,
    slew_na_s_max=10_000_000,
    compliance_mv=80_000,
    charge_uc_max=14_400_000,
    on_time_ms_max=3_600_000,
    lease_ms_max=2_000,
    step_na=1_000,
    compliance_step_mv=20,
    current_na_count=5_000,
    voltage_mv_count=100,
)
"""4 mA and 80 V from a 12-bit converter of 1 uA a step; read back by the processor's own 10 bits. The charge
is 4 mA for an hour: a ceiling for what no plan should need.
"""

MICRO_BOARD = Board(
    model="ionlink-100ua",
    current_na_max=100_000,
    slew_na_s_max=250_000,
    compliance_mv=80_000,
    charge_uc_max=360_000,
    on_time_ms_max=3_600_000,
    lease_ms_max=2_000,
    step_na=1_000,
    compliance_step_mv=20,
    current_na_count=125,
    voltage_mv_count=100,
)
"""100 uA in the same steps of 1 uA, read back 40 times finer: for small animals and cells. The same firmware,
compiled with `-DBOARD=1`.
"""

BOARDS = (DRUG_BOARD, MICRO_BOARD)


def description() -> str:
    """All that two peers must agree on, as one text."""
    lines = [f"ionlink {VERSION} {FRAME_BYTES_MAX} {STOP_BYTES.hex()} {SEQUENCE_AHEAD_MAX}"]
    lines += [f"{name} {_fields(fields)}" for name, fields in (("header", HEADER), ("facts", FACTS))]
    lines += [f"{kind.name}={kind.value} {_fields(fields)}" for kind, fields in PAYLOADS.items()]
    for enum in (Answer, Reason, State, Trip, Flag, Fact):
        lines.append(f"{enum.__name__} " + " ".join(f"{member.name}={member.value}" for member in enum))
    return "\n".join(lines)


def _fields(fields: tuple[Field, ...]) -> str:
    return " ".join(f"{field.name}:{field.form}" for field in fields)


SEED = zlib.crc32(description().encode("ascii"))
"""The schema hash: where every check value begins."""


def size_of(fields: tuple[Field, ...]) -> int:
    """Bytes that these fields take."""
    return sum(field.size for field in fields)
