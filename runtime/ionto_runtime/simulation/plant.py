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
from ionto_runtime.simulation.skin import STEP_MS_MAX, Body, Circuit, Flow
from ionto_runtime.simulation.stimulator import NO_FLOW, Received

COUNT_MAX = 1_023
REFERENCE_COUNT = 225
"""1.1 V of 5 V."""

GAIN_SPREAD_PPM = 5_000
OFFSET_SPREAD_NA = 4_000
"""How far devices of this kind differ. No published source: what resistors of 0.1 % and a trimmed offset
give, with room.
"""

JITTER_COUNTS = 0.5


class PlantFault(Enum):
    """What can go wrong at the output or at the sensors, and stays wrong until it is cleared."""

    LEAD_OFF = "an electrode comes off"
    SHORT = "the electrodes touch"
    STUCK_OUTPUT = "the output keeps what it drives, and its relay does not open"
    SWAPPED = "current flows against the sign"
    STUCK_READING = "the converter gives the same number for everything"
    DEAD_SENSOR = "the current is always read as nothing"
    CLIPPING = "the output gives half, and nobody says so"


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


AT_REST = Drive(0, True, False, 0)


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
    """One output stage on one body; equal seeds give equal errors. Time passes only in `pass_time`."""

    def __init__(self, body: Body, seed: int, board: Board = DRUG_BOARD) -> None:
        self.body = body
        self.board = board
        self.received = Received()
        self.faults: set[PlantFault] = set()
        self.gain_ppm = 0
        self.reading_offset_na = 0
        self.on_ms = 0
        self.current_na = 0
        own = Random(f"{seed}/board")
        self._gain = own.uniform(-1, 1) * GAIN_SPREAD_PPM / 1_000_000
        self._offset_na = own.uniform(-1, 1) * OFFSET_SPREAD_NA
        self._jitter = Random(f"{seed}/converter")
        self._drive = AT_REST
        self._flow = NO_FLOW

    def pass_time(self, drive: Drive, ms: int) -> Counts:
        """Drive the skin for `ms`; what the converter reads at the end."""
        assert ms >= 0
        if PlantFault.STUCK_OUTPUT not in self.faults or not self._drive.enabled:
            self._drive = drive
        while ms > 0:
            step_ms = min(ms, STEP_MS_MAX)
            self._pass(step_ms)
            ms -= step_ms
        return self._counts()

    def _pass(self, ms: int) -> None:
        drive = self._drive
        target_ma = self._target_na(drive) / 1_000_000
        compliance_v = max(drive.compliance_mv, self.board.compliance_step_mv) / 1000
        self._flow = flow = self.body.drive(target_ma, compliance_v, self._circuit(), ms)
        self.current_na = skin_na = round(flow.skin_ma * 1_000_000)
        self.on_ms += ms if drive.enabled else 0
        self.received.peak_na = max(self.received.peak_na, abs(skin_na))
        if skin_na >= 0:
            self.received.forward_pc += skin_na * ms
        else:
            self.received.backward_pc -= skin_na * ms

    def _target_na(self, drive: Drive) -> float:
        """What the stage drives when it can; nothing while its relay is open or nothing is set."""
        if not drive.enabled or drive.magnitude_na == 0:
            return 0.0
        magnitude = drive.magnitude_na * (1 + self._gain + self.gain_ppm / 1_000_000) + self._offset_na
        if PlantFault.CLIPPING in self.faults:
            magnitude /= 2
        swapped = PlantFault.SWAPPED in self.faults
        return max(0.0, magnitude) * (1 if drive.positive != swapped else -1)

    def _circuit(self) -> Circuit:
        if PlantFault.LEAD_OFF in self.faults:
            return Circuit.OPEN
        return Circuit.SHORTED if PlantFault.SHORT in self.faults else Circuit.CLOSED

    def _counts(self) -> Counts:
        flow: Flow = self._flow
        real_na = flow.current_ma * 1_000_000 + self.reading_offset_na
        if PlantFault.DEAD_SENSOR in self.faults:
            real_na = 0.0
        if PlantFault.STUCK_READING in self.faults:
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
