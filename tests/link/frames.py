"""Frames of every kind for the tests, and ways to damage them."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import combinations
from random import Random

from ionto_runtime.link.frames import Frame, FrameReader, encode
from ionto_runtime.link.messages import (
    AckTrip,
    Arm,
    Config,
    Hello,
    Lease,
    Limits,
    Message,
    Off,
    Query,
    Status,
)
from ionto_runtime.link.schema import Answer, Flag, Kind, Reason, State, Trip

LIMITS = Limits(
    current_na_max=2_000_000,
    slew_na_s_max=1_000_000,
    compliance_mv=60_000,
    charge_uc_max=2_400_000,
    on_time_ms_max=1_800_000,
    lease_ms_max=1_000,
)

STATUS = Status(
    to=Kind.LEASE,
    answer=Answer.IN_PROGRESS,
    reason=Reason.NONE,
    state=State.RUNNING,
    flags=Flag.OUTPUT_ON | Flag.CONFIGURED,
    trip=Trip.NONE,
    latches=0,
    current_na=-1_995_000,
    voltage_mv=-21_300,
    setpoint_na=-2_000_000,
    applied_na=-1_990_000,
    device_ms=123_456,
    boot=7,
    lease_ms=390,
    charge_uc=11_222,
    position=12,
    detail=bytes(8),
)

COMMANDS: tuple[Message, ...] = (
    Hello(),
    Config(LIMITS),
    Arm(7, 0xDEADBEEF),
    Lease(-2_000_000, 1_000_000, 390, 123_400, 12),
    Off(),
    AckTrip(4),
    Query(255),
)
MESSAGES = (*COMMANDS, STATUS)
WIRES = {type(message).__name__: encode(Frame(0x1234_5678, 900, 899, message)) for message in MESSAGES}


def received(wire: bytes) -> list[Frame]:
    """The frames that a reader sees in these bytes when silence was before and a delimiter comes after."""
    return FrameReader().feed(wire + b"\0")


def flipped(wire: bytes, bits: tuple[int, ...]) -> bytes:
    """The bytes with these bits turned over."""
    value = int.from_bytes(wire, "big")
    for bit in bits:
        value ^= 1 << bit
    return value.to_bytes(len(wire), "big")


def flips(wire: bytes, count: int) -> Iterator[bytes]:
    """Every way to turn over exactly `count` bits."""
    for bits in combinations(range(len(wire) * 8), count):
        yield flipped(wire, bits)


def damage(wire: bytes, other: bytes, random: Random) -> bytes:
    """Some way in which a line damages bytes: flips, bursts, cuts, gaps, doubling, merging, noise."""
    at, end = sorted((random.randrange(len(wire) + 1), random.randrange(len(wire) + 1)))
    match random.randrange(7):
        case 0:
            return flipped(wire, tuple(random.sample(range(len(wire) * 8), random.randint(1, 6))))
        case 1:
            return wire[:at] + random.randbytes(end - at) + wire[end:]
        case 2:
            return wire[:at]
        case 3:
            return wire[:at] + wire[end:]
        case 4:
            return wire[:end] + wire[at:]
        case 5:
            return wire[:at] + other[random.randrange(len(other)) :]
        case _:
            return random.randbytes(random.randint(1, 80))
