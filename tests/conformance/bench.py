"""A reference device on a bench: the twin or the emulated firmware, in virtual time, at the end of a line."""

from __future__ import annotations

from ionto_runtime.drivers.ionlink import IonLinkDriver
from ionto_runtime.drivers.ionlink_line import bit_of
from ionto_runtime.link.frames import Frame, FrameReader, encode
from ionto_runtime.link.messages import (
    AckTrip,
    Arm,
    Command,
    Config,
    Hello,
    Lease,
    Limits,
    Query,
    Status,
    limits_hash,
)
from ionto_runtime.link.schema import NO_PAGE, Trip
from ionto_runtime.simulation.clock import VirtualClock
from ionto_runtime.simulation.emulated import Emulated
from ionto_runtime.simulation.ionlink_device import IonLinkDevice
from ionto_runtime.simulation.line import MemoryLine
from ionto_runtime.simulation.line_faults import FaultyLine
from ionto_runtime.simulation.plant import Plant, ReferenceDevice
from ionto_runtime.simulation.skin import UM2_PER_CM2, body_of
from tests.conformance.tools import built

AREAS_UM2 = (12 * UM2_PER_CM2, 24 * UM2_PER_CM2)
SESSION = 0x2F00_BA42
PATIENCE_MS = 40
"""An answer takes 10 ms."""

LIMITS = Limits(
    current_na_max=2_000_000,
    slew_na_s_max=10_000_000,
    compliance_mv=60_000,
    charge_uc_max=2_400_000,
    on_time_ms_max=1_800_000,
    lease_ms_max=1_000,
)
SLEW_NA_S = 10_000_000


def make_device(kind: str, seed: int = 1) -> ReferenceDevice:
    """One of the two implementations, just switched on."""
    plant = Plant(body_of(AREAS_UM2, seed), seed)
    if kind == "twin":
        return IonLinkDevice(plant)
    return Emulated(built("bridge"), built("ionlink-4ma.elf"), plant)


class Bench:
    """A device, a clock that moves only when told, and frames by hand. `last` is the newest answer."""

    def __init__(self, kind: str) -> None:
        self.kind = kind
        self.device = make_device(kind)
        self.plant = self.device.plant
        self.faults = FaultyLine(self.device)
        self.clock = VirtualClock(self.faults.advance)
        self.line = MemoryLine(self.faults, self.clock)
        self.session = SESSION
        self.sequence = 0
        self.last: Status | None = None
        self._reader = FrameReader()
        self.wait(20)

    def wait(self, ms: int) -> None:
        """Let time pass."""
        self.clock.sleep_until(self.clock.now_ms() + ms)

    def send(self, data: bytes) -> Status | None:
        """Bytes as they are; the answer, if one comes."""
        self.line.drop()
        self._reader = FrameReader()
        self.device.receive(data)
        until_ms = self.clock.now_ms() + PATIENCE_MS
        while self.clock.now_ms() < until_ms:
            for frame in self._reader.feed(self.line.read(1)):
                assert isinstance(frame.message, Status)
                self.ack = frame.ack
                self.last = frame.message
                return frame.message
        return None

    def wire(self, command: Command, sequence: int | None = None, session: int | None = None) -> bytes:
        """A command as bytes; it takes the next number unless one is given."""
        if sequence is None:
            self.sequence = sequence = self.sequence + 1 & 0xFFFF
        return encode(Frame(self.session if session is None else session, sequence, 0, command))

    def ask(self, command: Command, sequence: int | None = None, session: int | None = None) -> Status:
        """A command and its answer."""
        status = self.send(self.wire(command, sequence, session))
        assert status is not None, f"no answer to {command}"
        return status

    def look(self) -> Status:
        """How things are."""
        return self.ask(Query(NO_PAGE))

    def arm(self, limits: Limits = LIMITS) -> Status:
        """Meet, configure, arm."""
        self.ask(Hello())
        status = self.ask(Config(limits))
        return self.ask(Arm(status.boot, limits_hash(limits)))

    def lease(self, na: int, valid_ms: int = 400, slew_na_s: int = SLEW_NA_S) -> Status:
        """A lease that rests on the newest answer."""
        assert self.last is not None
        return self.ask(Lease(na, slew_na_s, valid_ms, self.last.device_ms, 7))

    def run(self, na: int, limits: Limits = LIMITS) -> Status:
        """From the start to a steady current."""
        self.arm(limits)
        self.lease(0)
        return self.hold(na, 500)

    def hold(self, na: int, ms: int) -> Status:
        """Renew a lease every 50 ms."""
        until_ms = self.clock.now_ms() + ms
        status = self.lease(na)
        while self.clock.now_ms() < until_ms:
            self.wait(40)
            status = self.lease(na)
        return status

    def silence(self, ms: int, every_ms: int = 5) -> list[tuple[int, int]]:
        """Say nothing; what really flowed, as (ms since then, nA)."""
        start_ms = self.clock.now_ms()
        seen = []
        while self.clock.now_ms() < start_ms + ms:
            self.wait(every_ms)
            seen.append((self.clock.now_ms() - start_ms, self.plant.current_na))
        return seen

    def acknowledge(self) -> Status:
        """Clear what is latched."""
        return self.ask(AckTrip(self.look().latches))

    def driver(self, expected_serial: str | None = None) -> IonLinkDriver:
        """A driver on this line, with a session of its own."""
        return IonLinkDriver(self.line, self.clock, expected_serial, draw=lambda: 0x5E55_1011)


def latched(*trips: Trip) -> int:
    """The latches of these causes."""
    return sum(bit_of(trip) for trip in trips)
