"""Journals for the tests: a small session in memory, on a file that remembers what was synced."""

from __future__ import annotations

from dataclasses import dataclass, field

from ionto_ir.canonical import Json
from ionto_runtime.journal import Durability, JournalWriter, Written
from ionto_runtime.journal_format import RecordType
from ionto_runtime.simulation.clock import VirtualClock

HEADER: dict[str, Json] = {
    "format": 1,
    "session": "2026-01-01-a",
    "plan_sha256": "ab" * 32,
    "device": "clinic_dc_4ma 0001",
    "software": "0.1.0",
    "simulated": True,
}


@dataclass(slots=True)
class MemoryFile:
    """Bytes as they were written, one entry for each write; the first `synced` of them survive a loss of
    power.
    """

    writes: list[bytes] = field(default_factory=list)
    synced: int = 0
    closed: bool = False

    def write(self, data: bytes) -> int:
        self.writes.append(data)
        return len(data)

    @property
    def durable(self) -> int:
        return self.synced

    def sync(self) -> None:
        self.synced = len(self.writes)

    def sync_soon(self) -> None:
        self.sync()

    def close(self) -> None:
        self.closed = True

    @property
    def data(self) -> bytes:
        return b"".join(self.writes)


def writer_on(
    file: MemoryFile, clock: VirtualClock | None = None, durability: Durability = Durability.SYNCED
) -> JournalWriter:
    """A journal that has begun on `file`."""
    writer = JournalWriter(file, clock or VirtualClock(), durability)
    assert writer.begin(HEADER) == Written(0)
    return writer


def written(writer: JournalWriter, kind: RecordType, payload: dict[str, Json]) -> int:
    """The sequence of a record that was written without trouble."""
    result = writer.append(kind, payload)
    assert isinstance(result, Written)
    return result.sequence


def short_session(file: MemoryFile, *, sealed: bool = True) -> JournalWriter:
    """Ten records and, unless told otherwise, a seal."""
    clock = VirtualClock()
    writer = writer_on(file, clock)
    written(writer, RecordType.ANSWER, {"name": "pacemaker", "value": False})
    written(writer, RecordType.STATE, {"position": 0, "charge_pc": 0})
    intent = written(writer, RecordType.INTENT, {"command": "set_current", "na": 100_000, "seq": 1})
    written(writer, RecordType.OUTCOME, {"intent": intent, "accepted": True})
    for tick in range(3):
        clock.sleep_until(clock.now_ms() + 100)
        written(writer, RecordType.SAMPLE, {"current_na": 100_000 + tick, "note": "µA"})
    written(writer, RecordType.STATE, {"position": 1, "charge_pc": 30_000_000})
    written(writer, RecordType.ALARM, {"code": "F012", "priority": "medium"})
    if sealed:
        assert isinstance(writer.seal("completed"), Written)
    return writer


def session_bytes(*, sealed: bool = True) -> bytes:
    """The file of a short session."""
    file = MemoryFile()
    short_session(file, sealed=sealed)
    return file.data


def session_parts(*, sealed: bool = True) -> list[bytes]:
    """The same, as what was written one after the other: the magic first, then each record."""
    file = MemoryFile()
    short_session(file, sealed=sealed)
    return file.writes
