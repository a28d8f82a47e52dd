"""Writing a journal: what is about to be done is on the disk before it is done.

The order is INTENT, command, OUTCOME. `append` returns when the record is as durable as its kind must be:
what a recovery decides by is synced at once, what only adds detail is written at once and synced within a
second. After a write or a sync has failed nothing is known about what the disk holds, and a second sync
would report success for pages that the system has dropped. So the first failure is the last thing that a
journal says: it is returned for every later record, and nothing is tried again.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from enum import Enum
from pathlib import Path

from ionto_ir.canonical import Json, JsonLike
from ionto_ir.dataclass import dataclass
from ionto_runtime.clock import Clock
from ionto_runtime.journal_file import APPENDING, DiskFile, JournalFile, lock, sync_folder
from ionto_runtime.journal_format import CHAIN_START, MAGIC, RecordType, encode_record
from ionto_runtime.journal_reader import IDENTITY, Reading, Unsealed, header_fault

SYNC_EVERY_MS = 1_000
"""The longest time for which samples wait for the disk."""

SYNCED_AT_ONCE = frozenset(
    {
        RecordType.HEADER,
        RecordType.STATE,
        RecordType.INTENT,
        RecordType.EVENT,
        RecordType.ANSWER,
        RecordType.RECORDED,
        RecordType.ALARM,
        RecordType.SEAL,
    }
)
"""All but SAMPLE and OUTCOME. An OUTCOME that is lost turns a known outcome into an unknown one, which
recovery counts at its worst; a lost SAMPLE is counted at its worst as well.
"""


class Durability(Enum):
    """How much a journal promises. A simulation that runs faster than real time cannot wait for a disk."""

    SYNCED = "everything that matters survives a loss of power"
    WRITTEN = "everything survives a crash of the program; only header and seal survive a loss of power"


@dataclass(frozen=True, slots=True)
class Written:
    """The record has this number, and is as durable as its kind must be."""

    sequence: int


@dataclass(frozen=True, slots=True)
class JournalFailure:
    """What the system refused, in its words. The session must stop: it can no longer be accounted for."""

    operation: str
    reason: str


class JournalWriter:
    """The journal of one session. One thread writes; `failure` is None as long as all went well."""

    def __init__(self, file: JournalFile, clock: Clock, durability: Durability) -> None:
        self.failure: JournalFailure | None = None
        self.sealed = False
        self.synced_ms = clock.now_ms()
        self._file = file
        self._clock = clock
        self._durability = durability
        self._sequence = 0
        self._link = CHAIN_START
        self._identity: dict[str, Json] = {}
        self._waiting: set[int] = set()
        self._unsynced = False

    @property
    def head(self) -> str:
        """The last link, in hexadecimal: an outside anchor when it is shown or printed."""
        return self._link.hex()

    @property
    def count(self) -> int:
        """Records so far."""
        return self._sequence

    def begin(self, header: Mapping[str, Json]) -> Written | JournalFailure:
        """Write what makes the file a journal, and its header; `header_fault(header)` is None."""
        assert self._sequence == 0, "a journal begins once"
        assert header_fault(dict(header)) is None, "the header says what ran, on what, and whether simulated"
        assert self._durability is Durability.SYNCED or header["simulated"], "treatments are synced"
        self._identity = {name: header[name] for name in IDENTITY}
        self._write(MAGIC)
        return self._append(RecordType.HEADER, header, sync=True)

    def resume(self, reading: Reading) -> None:
        """Go on where `reading`, which ended with a whole record and without a seal, ends."""
        assert self._sequence == 0 and isinstance(reading.end, Unsealed), "only an open journal is continued"
        header = reading.header
        assert header is not None, "a journal has a header"
        self._identity = {name: header[name] for name in IDENTITY}
        self._sequence, self._link = len(reading.records), reading.link
        self._waiting = {record.sequence for record in reading.open_intents}

    def append(self, kind: RecordType, payload: Mapping[str, JsonLike]) -> Written | JournalFailure:
        """Write a record. An OUTCOME's payload names the sequence of its INTENT as `intent`.

        HEADER and SEAL have their own methods.
        """
        assert self._sequence > 0 and not self.sealed, "records stand between header and seal"
        assert kind not in (RecordType.HEADER, RecordType.SEAL)
        if kind is RecordType.OUTCOME:
            intent = payload.get("intent")
            assert isinstance(intent, int) and intent in self._waiting, "an outcome belongs to an open intent"
            self._waiting.remove(intent)
        written = self._append(kind, payload, sync=self._must_sync(kind))
        if kind is RecordType.INTENT and isinstance(written, Written):
            self._waiting.add(written.sequence)
        return written

    def seal(self, reason: str) -> Written | JournalFailure:
        """Close the journal: number of records, last link, what ran, and why it ended. Nothing follows."""
        assert self._sequence > 0 and not self.sealed, "a journal is sealed once"
        payload = {**self._identity, "count": self._sequence, "head": self.head, "reason": reason}
        written = self._append(RecordType.SEAL, payload, sync=True)
        self.sealed = isinstance(written, Written)
        return written

    def sync(self) -> JournalFailure | None:
        """Make durable what was written; for whoever waits longer than a tick."""
        if self.failure is None and self._unsynced:
            self._sync()
        return self.failure

    def close(self) -> None:
        """Let go of the file; it can be read and repaired by others from now on."""
        self._file.close()

    def _must_sync(self, kind: RecordType) -> bool:
        if self._durability is Durability.WRITTEN:
            return False
        return kind in SYNCED_AT_ONCE or self._clock.now_ms() - self.synced_ms >= SYNC_EVERY_MS

    def _append(
        self, kind: RecordType, payload: Mapping[str, JsonLike], *, sync: bool
    ) -> Written | JournalFailure:
        now_ns, wall_ms = self._clock.now_ns(), self._clock.wall_ms()
        data, link = encode_record(kind, self._sequence, now_ns, wall_ms, payload, self._link)
        self._write(data)
        if sync and self.failure is None:
            self._sync()
        if self.failure is not None:
            return self.failure
        self._link = link
        self._sequence += 1
        return Written(self._sequence - 1)

    def _write(self, data: bytes) -> None:
        if self.failure is not None:
            return
        try:
            taken = self._file.write(data)
        except OSError as problem:
            self.failure = failure_of("write", problem)
            return
        if taken != len(data):
            # A regular file takes less only when it cannot take more.
            self.failure = JournalFailure("write", f"{taken} of {len(data)} bytes were taken")
        self._unsynced = True

    def _sync(self) -> None:
        try:
            self._file.sync()
        except OSError as problem:
            self.failure = failure_of("sync", problem)
            return
        self._unsynced = False
        self.synced_ms = self._clock.now_ms()


def create_journal(
    path: Path, header: Mapping[str, Json], clock: Clock, durability: Durability = Durability.SYNCED
) -> JournalWriter | JournalFailure:
    """Begin the journal of a session in a new file. Its name is durable too when this returns."""
    try:
        descriptor = os.open(path, APPENDING | os.O_CREAT | os.O_EXCL, 0o640)
    except OSError as problem:
        return failure_of("create", problem)
    writer = JournalWriter(DiskFile(descriptor), clock, durability)
    try:
        lock(descriptor)
        begun = writer.begin(header)
        sync_folder(path.parent)
    except OSError as problem:
        begun = failure_of("create", problem)
    if isinstance(begun, JournalFailure):
        writer.close()
        path.unlink(missing_ok=True)
        return begun
    return writer


def continue_journal(
    path: Path, reading: Reading, clock: Clock, durability: Durability = Durability.SYNCED
) -> JournalWriter | JournalFailure:
    """Go on with a journal that was read and ended `Unsealed`, unless it has changed since or is in use."""
    if not isinstance(reading.end, Unsealed) or reading.header is None:
        return JournalFailure("open", "the journal does not end where it could go on")
    try:
        descriptor = os.open(path, APPENDING)
    except OSError as problem:
        return failure_of("open", problem)
    try:
        lock(descriptor)
        size = os.fstat(descriptor).st_size
    except OSError as problem:
        os.close(descriptor)
        return failure_of("open", problem)
    if size != reading.proved_bytes:
        os.close(descriptor)
        return JournalFailure("open", "the journal has changed since it was read")
    writer = JournalWriter(DiskFile(descriptor), clock, durability)
    writer.resume(reading)
    return writer


def failure_of(operation: str, problem: OSError) -> JournalFailure:
    """The system's refusal as a value."""
    return JournalFailure(operation, (problem.strerror or "the system refused").lower())
