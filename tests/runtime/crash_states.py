"""Everything that a loss of power may leave of a journal: the calls of a session, and each allowed disk.

A disk keeps what was synced. Of what was written since, it keeps any blocks and loses the others, in any
order; lost blocks read as zeros, or the file is shorter.
"""

from __future__ import annotations

import copy
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from random import Random

from ionto_ir.bound import BoundPlan
from ionto_runtime.simulation.stimulator import SimulatedStimulator
from tests.runtime.bedside import Bedside, Happenings
from tests.runtime.journals import MemoryFile

BLOCKS = (512, 4096)
ALL_SUBSETS_MAX = 5
"""Up to this many blocks in doubt, every subset is tried; beyond it, the telling ones and some by chance."""


@dataclass(frozen=True, slots=True)
class Moment:
    """Just before a call: the file, how much of it is durable, and what the skin has and will have received
    when the device is left alone from here.
    """

    data: bytes
    durable: int
    durable_records: int
    true_pc: int
    later_pc: int


class TracedFile(MemoryFile):
    """Notes the moment before each write and each sync. With `lies`, a sync does nothing at all."""

    __slots__ = ("bedside", "durable_bytes", "known", "lies", "moments")

    def __init__(self, lies: bool = False) -> None:
        super().__init__()
        self.bedside: Bedside | None = None
        self.moments: list[Moment] = []
        self.durable_bytes = 0
        self.lies = lies
        self.known: tuple[object, tuple[int, int]] = (None, (0, 0))

    def write(self, data: bytes) -> int:
        self._note()
        return super().write(data)

    def sync(self) -> None:
        self._note()
        super().sync()
        if not self.lies:
            self.durable_bytes = len(self.data)

    def _note(self) -> None:
        true_pc, later_pc = (0, 0) if self.bedside is None else self._flowing(self.bedside.device)
        records = max(0, self.synced - 1) if self.durable_bytes else 0
        self.moments.append(Moment(self.data, self.durable_bytes, records, true_pc, later_pc))

    def _flowing(self, device: SimulatedStimulator) -> tuple[int, int]:
        told = (device.received.total_pc, device.measure())
        if told != self.known[0]:
            left_alone = copy.deepcopy(device)
            left_alone.advance(2 * device.device.watchdog_ms)
            self.known = (told, (told[0], left_alone.received.total_pc))
        return self.known[1]


def traced(bound: BoundPlan, happenings: Happenings | None = None, *, lies: bool = False) -> TracedFile:
    """The trace of a whole session."""
    file = TracedFile(lies)
    bedside = Bedside(bound, file)
    file.bedside = bedside
    bedside.begin().until_closed(happenings)
    file._note()
    return file


def disks(moment: Moment, block: int, chance: Random, some: int) -> Iterator[bytes]:
    """What the disk may hold when power is lost at this moment."""
    data, durable = moment.data, moment.durable
    edges = [durable, *range(durable - durable % block + block, len(data), block), len(data)]
    pieces = [(start, end) for start, end in pairwise(edges) if start < end]
    for kept in _subsets(len(pieces), chance, some):
        image = bytearray(data)
        for index, (start, end) in enumerate(pieces):
            if not kept >> index & 1:
                image[start:end] = bytes(end - start)
        yield bytes(image)
        # The file's length is written by the system when it likes: it may cut, at a block or within one.
        yield bytes(image[: chance.choice(edges)])
        yield bytes(image[: chance.randint(durable, len(data))])


def _subsets(count: int, chance: Random, some: int) -> Iterator[int]:
    full = 2**count - 1
    if count <= ALL_SUBSETS_MAX:
        yield from range(full + 1)
        return
    yield from (full, 0)
    for index in range(count):
        yield full & ~(1 << index)
        yield (1 << index) - 1
    for _ in range(some):
        yield chance.getrandbits(count)


def garbled(moment: Moment, chance: Random) -> Iterator[bytes]:
    """The end of the file zeroed or garbled, durable or not: a disk that did not keep its promise."""
    for size in BLOCKS:
        kept = max(0, len(moment.data) - size)
        lost = len(moment.data) - kept
        yield moment.data[:kept] + bytes(lost)
        yield moment.data[:kept] + chance.randbytes(lost)
