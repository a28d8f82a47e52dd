"""The electrical side of a simulated reference device: output stage, skin, and what its converters count.

The same for the twin, which asks for the counts, and for the emulated firmware, whose converter is fed with
them: both close their loop over the same skin and the same faults.
"""

from __future__ import annotations

import math
from enum import Enum
from random import Random
from typing import Protocol

from ionto_ir.dataclass import dataclass
from ionto_runtime.link.schema import DRUG_BOARD, Board, Trip
from ionto_runtime.simulation.line import Peer
from ionto_runtime.simulation.load import Load
from ionto_runtime.simulation.skin import Body
from ionto_runtime.simulation.stimulator import Received

COUNT_MAX = 1_023
REFERENCE_COUNT = 225
"""1.1 V of 5 V."""

GAIN_SPREAD_PPM = 5_000
OFFSET_SPREAD_NA = 4_000
"""How far devices of this kind differ; the offset of a smaller board is smaller by as much as its range.
No published source: what resistors of 0.1 % and a trimmed offset give, with room.
"""

JITTER_COUNTS = 0.5


class SensorFault(Enum):
    """What can go wrong with what the device reads, until it is cleared; for the output see `LoadFault`."""

    STUCK_READING = "the converter gives the same number for everything"
    DEAD_SENSOR = "the current is always read as nothing"


@dataclass(frozen=True, slots=True)
class Drive:
    """What the output stage is told: magnitude and polarity, the relay, and the highest voltage."""

    magnitude_na: int
    positive: bool
    enabled: bool
    compliance_mv: int


@dataclass(frozen=True, slots=True)
class Counts:
    """What the converter reads: current in either direction, voltage, its own reference, its own ground."""

    forward: int
    backward: int
    voltage: int
    reference: int
    ground: int


class ReferenceDevice(Peer, Protocol):
    """A simulated reference device: the other end of a line, with the ways in which it can be disturbed.

    `stop_line` is the hardware line that opens the output; `silent` a device that hears and never answers;
    `clock_ppm` the error of its clock.
    """

    plant: Plant
    stop_line: bool
    silent: bool
    clock_ppm: int

    def restart(self, cause: Trip = Trip.NONE) -> None:
        """Begin anew: after power-up (no cause), by its own watchdog, after a dip of the supply."""
        ...

    def close(self) -> None:
        """End what belongs to it."""
        ...


class Plant:
    """One output stage on one body; equal seeds give equal errors. Time passes only in `pass_time`.

    `gain_ppm` and `reading_offset_na` come on top of the errors that this device has anyway.
    """

    def __init__(self, body: Body, seed: int, board: Board = DRUG_BOARD) -> None:
        self.board = board
        self.load = Load(body)
        self.faults: set[SensorFault] = set()
        self.gain_ppm = 0
        self.reading_offset_na = 0
        self.on_ms = 0
        own = Random(f"{seed}/board")
        self._gain_ppm = own.randint(-GAIN_SPREAD_PPM, GAIN_SPREAD_PPM)
        offset_na = own.randint(-OFFSET_SPREAD_NA, OFFSET_SPREAD_NA)
        self.load.offset_na = offset_na * board.current_na_max // DRUG_BOARD.current_na_max
        self._jitter = Random(f"{seed}/converter")

    @property
    def body(self) -> Body:
        """Who is connected."""
        return self.load.body

    @property
    def received(self) -> Received:
        """What really went through the skin."""
        return self.load.received

    @property
    def current_na(self) -> int:
        """What goes through the skin now."""
        return round(self.load.flow.skin_ma * 1_000_000)

    def pass_time(self, drive: Drive, ms: int) -> Counts:
        """Drive the skin for `ms`; what the converter reads at the end."""
        target_na = drive.magnitude_na if drive.positive else -drive.magnitude_na
        self.load.gain_ppm = self._gain_ppm + self.gain_ppm
        self.load.drive(target_na if drive.enabled else None, drive.compliance_mv, ms)
        self.on_ms += ms if drive.enabled else 0
        return self._counts()

    def _counts(self) -> Counts:
        flow = self.load.flow
        real_na = flow.current_ma * 1_000_000 + self.reading_offset_na
        if SensorFault.DEAD_SENSOR in self.faults:
            real_na = 0.0
        if SensorFault.STUCK_READING in self.faults:
            return Counts(*[REFERENCE_COUNT // 3] * 5)
        return Counts(
            self._count(max(0.0, real_na) / self.board.current_na_count),
            self._count(max(0.0, -real_na) / self.board.current_na_count),
            self._count(abs(flow.voltage_v) * 1000 / self.board.voltage_mv_count),
            REFERENCE_COUNT,
            0,
        )

    def _count(self, exact: float) -> int:
        if exact == 0:
            return 0
        return min(COUNT_MAX, max(0, math.floor(exact + self._jitter.uniform(0, 2 * JITTER_COUNTS))))
