"""Twin and firmware are one device: whatever is said to them in whatever order, every answer is the same.

The firmware's portable C runs natively here, so that whole lives of a device cost milliseconds. Both are
given the same time, the same frames and the same counts of the converter, and answer byte for byte alike.
"""

from __future__ import annotations

import struct
import subprocess
from collections.abc import Iterator
from pathlib import Path
from random import Random

import pytest

from ionto_runtime.link.frames import CHECK_BYTES, Frame, encode, unstuff
from ionto_runtime.link.messages import (
    AckTrip,
    Arm,
    Command,
    Config,
    Hello,
    Lease,
    Limits,
    Off,
    Query,
    limits_hash,
)
from ionto_runtime.link.schema import (
    BOARDS,
    DRUG_BOARD,
    LIMITS,
    MICRO_BOARD,
    Answer,
    Board,
    Kind,
    Reason,
    State,
    Trip,
)
from ionto_runtime.simulation.ionlink_device import IonLinkDevice
from ionto_runtime.simulation.plant import REFERENCE_COUNT, Counts, Drive, Plant
from ionto_runtime.simulation.skin import UM2_PER_CM2, body_of
from tests.conformance.tools import built

STEPS = 400
OWN_PAGES = {4, 5, 10}
"""Pages that hold the name of the firmware, and the check value over it."""

BOOT = 7
SESSIONS = (0x1111_1111, 0x2222_2222, 0)


class Given(Plant):
    """A plant that reads what it is given."""

    counts = Counts(0, 0, 0, REFERENCE_COUNT, 0)

    def pass_time(self, drive: Drive, ms: int) -> Counts:
        """No time passes here."""
        return self.counts


class Native:
    """The firmware's rules in a process of this machine."""

    def __init__(self, program: Path) -> None:
        self._process = subprocess.Popen(
            [program], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE
        )

    def ask(self, request: bytes, count: int) -> bytes:
        """A request, and so many bytes of its answer."""
        assert self._process.stdin is not None and self._process.stdout is not None
        self._process.stdin.write(request)
        self._process.stdin.flush()
        return self._process.stdout.read(count)

    def wire(self, request: bytes) -> bytes:
        """A request that is answered by a frame."""
        return self.ask(b"", self.ask(request, 1)[0])

    def close(self) -> bytes:
        """End it; what it complained of."""
        return self._process.communicate()[1]


class Life:
    """One device twice, and somebody who does whatever comes to mind, mostly what makes sense."""

    def __init__(self, seed: int, native: Native, board: Board = DRUG_BOARD) -> None:
        self.random = Random(seed)
        self.native = native
        self.board = board
        self.plant = Given(body_of((UM2_PER_CM2, UM2_PER_CM2), 1), 1, board)
        self.twin = IonLinkDevice(self.plant, boot=BOOT)
        cause = self.random.choice((Trip.NONE, Trip.NONE, Trip.NONE, Trip.WATCHDOG, Trip.BROWN_OUT))
        self.twin.restart(cause)
        self.twin.boot = BOOT
        self.native.ask(b"B" + struct.pack("<HB", BOOT, cause), 0)
        self.now_ms = self.random.choice((0, 2**32 - 1_000))
        self.sequence = self.random.randrange(65_536)
        self.limits = self._limits()
        self.mood, self.beats_of_mood = "good", 0
        self.last: Frame | None = None
        self.seen: set[tuple[Answer, Reason, State, Trip]] = set()

    def step(self) -> None:
        """A beat of the device, or a frame, or a stop."""
        self.now_ms = self.now_ms + self.random.choice((0, 1, 5, 5, 5, 40)) & 0xFFFF_FFFF
        self.twin.device_ms = self.now_ms
        kind = self.random.random()
        if kind < 0.55:
            self._beat()
        elif kind < 0.995:
            self._frame()
        else:
            self.twin._stop()
            self.twin._send(0, 0, Kind.STOP, Answer.ACCEPTED, Reason.NONE)
            self._compare(self.native.wire(b"S" + struct.pack("<I", self.now_ms)))

    def _beat(self) -> None:
        self.plant.counts = counts = self._counts()
        self.twin.stop_line = self.random.random() < 0.005
        numbers = (counts.forward, counts.backward, counts.voltage, counts.reference, counts.ground)
        request = b"C" + struct.pack("<IB5H", self.now_ms, self.twin.stop_line, *numbers)
        self.twin._control(5)
        current, compliance, positive, enabled = struct.unpack("<HHBB", self.native.ask(request, 6))
        own = self.twin.drive
        assert (current * 1_000, compliance * 20) == (own.magnitude_na, own.compliance_mv)
        assert (bool(positive), bool(enabled)) == (own.positive, own.enabled)

    def _frame(self) -> None:
        frame = self._any_frame()
        self.last = frame
        body = unstuff(encode(frame)[1:-1])
        assert body is not None
        body = body[:-CHECK_BYTES]
        self.twin._take(frame)
        wire = self.native.wire(b"F" + struct.pack("<IB", self.now_ms, len(body)) + body)
        if not (isinstance(frame.message, Query) and frame.message.page in OWN_PAGES):
            self._compare(wire)
        self.twin._leaving.clear()

    def _compare(self, wire: bytes) -> None:
        own = bytes(self.twin._leaving)
        self.twin._leaving.clear()
        assert own == wire, f"{self.last}: {own.hex()} is not {wire.hex()}"
        body = unstuff(wire[1:-1])
        assert body is not None
        answer, reason, state, _, trip = body[11:16]
        self.seen.add((Answer(answer), Reason(reason), State(state), Trip(trip)))

    def _any_frame(self) -> Frame:
        random, last = self.random, self.last
        if last is not None and random.random() < 0.05:
            return last
        ahead = random.choice((1, 1, 1, 1, 1, 1, 1, 2, 0, -1, 1_024, 1_025, 40_000))
        sequence = self.sequence + ahead & 0xFFFF
        if ahead in (1, 2):
            self.sequence = sequence
        session = self.twin.session if random.random() < 0.95 else random.choice(SESSIONS)
        command = self._command()
        if isinstance(command, Hello):
            session = random.choice(SESSIONS)
        return Frame(session, sequence, 0, command)

    def _command(self) -> Command:
        """What leads on from here, or anything."""
        wanted = {
            State.LOCKED: Hello(),
            State.MET: Config(self.limits),
            State.READY: Arm(BOOT, limits_hash(self.twin._limits)),
            State.ARMED: self._lease(zero=True),
            State.RUNNING: self._lease(zero=False),
            State.ENDING: Query(255),
            State.TRIPPED: AckTrip(self.twin.latches),
        }
        if self.random.random() < 0.75:
            return wanted[self.twin.state]
        self.limits = self._limits()
        return self.random.choice(
            (
                Hello(),
                Config(self.limits),
                Arm(self.random.choice((BOOT, 6)), self.random.choice((limits_hash(self.twin._limits), 0))),
                self._lease(zero=False),
                Off(),
                AckTrip(self.random.choice((0, self.twin.latches, 4))),
                Query(self.random.choice((*range(12), 200, 254, 255))),
            )
        )

    def _lease(self, *, zero: bool) -> Lease:
        random = self.random
        most_na = self.board.current_na_max
        near = self.twin._target_na + random.randrange(-200, 201) * (most_na // 4_000_000 or 1) * 1_000
        odd = random.choice((near + 1, most_na + 1_000, -(2**31), 2**31 - 1, -near))
        slew = self.board.slew_na_s_max
        setpoint_na = 0 if zero else near if random.random() < 0.9 else odd
        return Lease(
            setpoint_na,
            random.choice((slew, slew // 10, slew * 1_234_567 // 10_000_000, 1_000, 999, 0, slew + 1)),
            random.choice((400, 400, 400, 50, 1, 0, 1_000, 2_000, 2_001)),
            self.now_ms - random.choice((0, 0, 0, 20, 100, 1_000, 1_001, -1)) & 0xFFFF_FFFF,
            random.randrange(65_536),
        )

    def _limits(self) -> Limits:
        hardest = {field.name: getattr(self.board, field.name) for field in LIMITS}
        small = {"charge_uc_max": 60, "on_time_ms_max": 400, "compliance_mv": 30_000}
        chosen = {**hardest, **{name: small[name] for name in small if self.random.random() < 0.3}}
        if self.random.random() < 0.2:
            name = self.random.choice(list(hardest))
            chosen[name] = self.random.choice((0, 1, hardest[name] + 1))
        return Limits(**chosen)

    def _counts(self) -> Counts:
        """Mostly what a good output stage gives, now and then something else, and that for a while."""
        random = self.random
        if self.beats_of_mood == 0:
            self.mood = random.choice(("good", "good", "good", "good", "any", "double", "high", "both"))
            self.beats_of_mood = random.randrange(2, 60)
        self.beats_of_mood -= 1
        if self.mood == "any":
            return Counts(*(random.choice((0, 3, 4, 75, 202, 248, 1_023)) for _ in range(5)))
        applied_na = self.twin._applied_na * (2 if self.mood == "double" else 1)
        along = abs(applied_na) // self.board.current_na_count + random.choice((0, 0, 0, 1))
        voltage = (
            1_023
            if self.mood == "high"
            else random.choice((along // 4, self.twin._limits.compliance_mv // 100))
        )
        back = 4 if self.mood == "both" else 0
        forward, backward = (along, back) if applied_na >= 0 else (back, along)
        return Counts(forward, backward, voltage, REFERENCE_COUNT, random.choice((0, 0, 3)))


@pytest.fixture
def native() -> Iterator[Native]:
    """The firmware's rules; it ends without complaint."""
    process = Native(built("ionlink-4ma.native"))
    yield process
    assert process.close() == b""


def test_twin_and_firmware_answer_alike_byte_for_byte(native: Native) -> None:
    seen = live(native, range(60))
    assert {state for _, _, state, _ in seen} == set(State)
    assert {answer for answer, _, _, _ in seen} == set(Answer)
    assert {reason for _, reason, _, _ in seen} == set(Reason)
    # There is no self test at the start that could fail; the name is kept for devices that have one.
    assert {trip for _, _, _, trip in seen} == set(Trip) - {Trip.SELF_TEST}


def test_they_are_one_device_on_the_small_board_too() -> None:
    native = Native(built(f"{MICRO_BOARD.model}.native"))
    seen = live(native, range(20), MICRO_BOARD)
    assert native.close() == b""
    assert {state for _, _, state, _ in seen} == set(State)
    assert Trip.OVER_CURRENT in {trip for _, _, _, trip in seen}


@pytest.mark.requirement("R15")
@pytest.mark.parametrize("board", BOARDS, ids=[board.model for board in BOARDS])
@pytest.mark.parametrize("beyond", [0, 1])
def test_more_than_a_twentieth_of_its_range_with_nothing_set_trips_every_board(
    board: Board, beyond: int
) -> None:
    """What flows is just at the bound, and a step of the converter beyond it; twin and firmware."""
    counts = min(50_000, board.current_na_max // 20) // board.current_na_count + beyond
    native = Native(built(f"{board.model}.native"))
    life = Life(1, native, board)
    life.native.ask(b"B" + struct.pack("<HB", BOOT, Trip.NONE), 0)
    life.twin.restart()
    life.plant.counts = Counts(counts, 0, 0, REFERENCE_COUNT, 0)
    for beat in range(60):
        life.twin._control(5)
        native.ask(b"C" + struct.pack("<IB5H", 5 * beat, 0, counts, 0, 0, REFERENCE_COUNT, 0), 6)
    life.twin._send(0, 0, Kind.STOP, Answer.ACCEPTED, Reason.NONE)
    body = unstuff(bytes(life.twin._leaving)[1:-1])
    stopped = unstuff(native.wire(b"S" + struct.pack("<I", 300))[1:-1])
    assert body is not None and stopped is not None and native.close() == b""
    tripped = Trip.OVER_CURRENT if beyond else Trip.NONE
    # The stop by which the firmware is asked latches one of its own when nothing has tripped.
    assert life.twin.trip is tripped and stopped[15] == (tripped or Trip.STOPPED)


@pytest.mark.soak
@pytest.mark.parametrize("thousand", range(5))
def test_twin_and_firmware_answer_alike_in_thousands_of_lives(native: Native, thousand: int) -> None:
    live(native, range(1_000 * thousand, 1_000 * thousand + 1_000))


def live(native: Native, seeds: range, board: Board = DRUG_BOARD) -> set[tuple[Answer, Reason, State, Trip]]:
    seen = set()
    for seed in seeds:
        life = Life(seed, native, board)
        for _ in range(STEPS):
            life.step()
        seen |= life.seen
    return seen
