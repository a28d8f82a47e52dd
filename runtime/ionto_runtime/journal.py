"""Writing a journal: what is about to be done is on the disk before it is done.

The order is INTENT, command, OUTCOME. `append` returns when the record is as durable as its kind must be:
what raises the current waits for the disk, what else a recovery decides by is handed to the disk at once,
what only adds detail is written at once and handed over within a second. After a write or a sync has failed
nothing is known about what the disk holds, and a second sync would report success for pages that the system
has dropped. So the first failure is the last thing that a journal says: it is returned for every later
record, and nothing is tried again.
"""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Callable, Mapping
from enum import Enum
from pathlib import Path
from typing import Protocol

from ionto_ir.canonical import Json, JsonLike
from ionto_ir.dataclass import dataclass
from ionto_runtime.clock import Clock
from ionto_runtime.journal_background import BackgroundFile
from ionto_runtime.journal_file import APPENDING, DiskFile, JournalFile, lock, sync_folder
from ionto_runtime.journal_format import CHAIN_START, MAGIC, RecordType, encode_record
from ionto_runtime.journal_reader import (
    IDENTITY,
    SEALED_TOO,
    Reading,
    Unsealed,
    header_fault,
    seal_message,
)

SYNC_EVERY_MS = 1_000
"""The longest time for which samples wait for the disk."""

STALL_MS_MAX = 2_000
"""How long a disk may keep everybody waiting before it has failed: flash cards stall for seconds."""

SEAL_TRIES_MAX = 100
"""How often a disk that stalls is asked for the seal; a disk in a thread of its own waits each time."""

WAITED_FOR = frozenset({RecordType.HEADER, RecordType.INTENT, RecordType.SEAL})
"""What must be durable before anything else is done: these stand before a raise, or before nothing."""

HANDED_OVER = frozenset(
    {RecordType.STATE, RecordType.EVENT, RecordType.ANSWER, RecordType.RECORDED, RecordType.ALARM}
)
"""What is made durable at once, but waited for by nobody: a stop must never wait for a disk.

Left out are SAMPLE and OUTCOME. An OUTCOME that is lost turns a known outcome into an unknown one, which
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
class Late:
    """The record is written, but the disk takes long: what it announces must not be done now."""

    sequence: int


@dataclass(frozen=True, slots=True)
class JournalFailure:
    """What the system refused, in its words. The session must stop: it can no longer be accounted for."""

    operation: str
    reason: str


STALLED = JournalFailure("sync", f"the disk has not answered for {STALL_MS_MAX} ms")


class Sealer(Protocol):
    """The key that this session alone has, and nobody after it."""

    def header(self) -> dict[str, Json]:
        """What the header says of the key: its epoch and its public part."""
        ...

    def sign(self, message: bytes) -> str:
        """The signature of `message`, in hexadecimal."""
        ...

    def erase(self) -> None:
        """Forget the secret part; harmless when repeated."""
        ...


class JournalWriter:
    """The journal of one session. One thread writes; `failure` is None as long as all went well.

    With a `sealer` the seal is signed, and the key is erased as soon as it has signed or the journal closes.
    """

    def __init__(
        self, file: JournalFile, clock: Clock, durability: Durability, sealer: Sealer | None = None
    ) -> None:
        self.failure: JournalFailure | None = None
        self.sealed = False
        self._file = file
        self._clock = clock
        self._durability = durability
        self._sealer = sealer
        self._sequence = 0
        self._before = 0  # writes of this file that are no records, less records that others wrote
        self._link = CHAIN_START
        self._identity: dict[str, Json] = {}
        self._waiting: set[int] = set()
        self._owed: deque[tuple[int, int]] = deque()  # records that the disk was asked for, and when
        self._asked_ms = clock.now_ms()

    @property
    def head(self) -> str:
        """The last link, in hexadecimal: an outside anchor when it is shown or printed."""
        return self._link.hex()

    @property
    def synced_ms(self) -> int:
        """When the disk was last asked for all that there was, on the forward clock."""
        return self._owed[0][1] if self._owed else self._asked_ms

    @property
    def count(self) -> int:
        """Records so far."""
        return self._sequence

    def begin(self, header: Mapping[str, Json]) -> Written | JournalFailure:
        """Write what makes the file a journal, and its header; `header_fault(header)` is None."""
        assert self._sequence == 0, "a journal begins once"
        assert header_fault(dict(header)) is None, "the header says what ran, on what, and whether simulated"
        assert self._durability is Durability.SYNCED or header["simulated"], "treatments are synced"
        if self._sealer is not None:
            header = {**header, **self._sealer.header()}
        self._identity = _identity(header)
        self._write(MAGIC)
        self._before = 1
        begun = self._append(RecordType.HEADER, header)
        assert not isinstance(begun, Late) or self.failure is None
        return begun if not isinstance(begun, Late) else JournalFailure("sync", "the disk takes too long")

    def resume(self, reading: Reading) -> None:
        """Go on where `reading`, which ended with a whole record and without a seal, ends."""
        assert self._sequence == 0 and isinstance(reading.end, Unsealed), "only an open journal is continued"
        header = reading.header
        assert header is not None, "a journal has a header"
        self._identity = _identity(header)
        self._sequence, self._link = len(reading.records), reading.link
        self._before = -self._sequence
        self._waiting = {record.sequence for record in reading.open_intents}

    def append(self, kind: RecordType, payload: Mapping[str, JsonLike]) -> Written | Late | JournalFailure:
        """Write a record. An OUTCOME's payload names the sequence of its INTENT as `intent`.

        Only an INTENT can be `Late`.

        HEADER and SEAL have their own methods.
        """
        assert self._sequence > 0 and not self.sealed, "records stand between header and seal"
        assert kind not in (RecordType.HEADER, RecordType.SEAL)
        if kind is RecordType.OUTCOME:
            intent = payload.get("intent")
            assert isinstance(intent, int) and intent in self._waiting, "an outcome belongs to an open intent"
            self._waiting.remove(intent)
        written = self._append(kind, payload)
        if kind is RecordType.INTENT and not isinstance(written, JournalFailure):
            self._waiting.add(written.sequence)
        return written

    def seal(self, reason: str) -> Written | JournalFailure:
        """Close the journal: number of records, last link, what ran, and why it ended. Nothing follows."""
        assert self._sequence > 0 and not self.sealed, "a journal is sealed once"
        payload = {**self._identity, "count": self._sequence, "head": self.head, "reason": reason}
        if self._sealer is not None:
            payload["signature"] = self._sealer.sign(seal_message(payload))
            self._sealer.erase()
        written = self._append(RecordType.SEAL, payload)
        for _ in range(SEAL_TRIES_MAX):
            # Nothing flows any more: a disk that stalls is given the time that it may take.
            if not isinstance(written, Late) or self.failure is not None:
                break
            if self._sync():
                written = Written(written.sequence)
        if isinstance(written, Late):
            self.failure = self.failure or STALLED
            return self.failure
        self.sealed = isinstance(written, Written)
        return written

    def sync(self) -> JournalFailure | None:
        """Make durable what was written; for whoever waits longer than a tick."""
        if self.failure is None and self._durable() < self._sequence:
            self._sync()
        return self.failure

    def close(self) -> None:
        """Let go of the file; it can be read and repaired by others from now on."""
        if self._sealer is not None:
            self._sealer.erase()
        self._file.close()

    def _append(self, kind: RecordType, payload: Mapping[str, JsonLike]) -> Written | Late | JournalFailure:
        now_ns, wall_ms = self._clock.now_ns(), self._clock.wall_ms()
        # What is only ever written promises to survive a crash of the program, and does so at once.
        synced = self._durability is Durability.SYNCED
        unsynced = self._sequence - self._durable() if synced else 0
        data, link = encode_record(kind, self._sequence, now_ns, wall_ms, payload, self._link, unsynced)
        if not self._write(data):
            return self._failed()
        self._sequence += 1
        durable = self._make_durable(kind)
        if self.failure is not None:
            self._sequence -= 1
            return self._failed()
        self._link = link
        return Written(self._sequence - 1) if durable else Late(self._sequence - 1)

    def _make_durable(self, kind: RecordType) -> bool:
        """Whether the record that was just written is as durable as its kind must be."""
        if kind in WAITED_FOR and (self._durability is Durability.SYNCED or kind is not RecordType.INTENT):
            return self._sync()
        if self._durability is Durability.WRITTEN:
            return True
        if kind in HANDED_OVER or self._clock.now_ms() - self._asked_ms >= SYNC_EVERY_MS:
            self._ask(self._file.sync_soon)
        elif self._stalled():
            self.failure = STALLED
        return True

    def _sync(self) -> bool:
        """Whether everything is durable now."""
        self._ask(self._file.sync)
        return self.failure is None and self._durable() >= self._sequence

    def _ask(self, make_durable: Callable[[], None]) -> None:
        """Ask for everything to be made durable; a disk that owes an answer for long has failed."""
        self._asked_ms = self._clock.now_ms()
        self._owed.append((self._sequence, self._asked_ms))
        try:
            make_durable()
        except OSError as problem:
            self.failure = failure_of("sync", problem)
            return
        if self._stalled():
            self.failure = STALLED

    def _stalled(self) -> bool:
        durable = self._durable()
        while self._owed and self._owed[0][0] <= durable:
            self._owed.popleft()
        return bool(self._owed) and self._clock.now_ms() - self._owed[0][1] > STALL_MS_MAX

    def _durable(self) -> int:
        """How many records would survive a loss of power."""
        return max(0, self._file.durable - self._before)

    def _failed(self) -> JournalFailure:
        assert self.failure is not None
        return self.failure

    def _write(self, data: bytes) -> bool:
        """Whether `data` was taken, and nothing has ever failed."""
        if self.failure is not None:
            return False
        try:
            taken = self._file.write(data)
        except OSError as problem:
            self.failure = failure_of("write", problem)
            return False
        if taken != len(data):
            # A regular file takes less only when it cannot take more.
            self.failure = JournalFailure("write", f"{taken} of {len(data)} bytes were taken")
        return self.failure is None


def create_journal(
    path: Path,
    header: Mapping[str, Json],
    clock: Clock,
    durability: Durability = Durability.SYNCED,
    sealer: Sealer | None = None,
    *,
    background: bool = False,
) -> JournalWriter | JournalFailure:
    """Begin the journal of a session in a new file. Its name is durable too when this returns.

    With `background` a thread talks to the disk: right for real time, and for nothing else.
    """
    try:
        descriptor = os.open(path, APPENDING | os.O_CREAT | os.O_EXCL, 0o640)
    except OSError as problem:
        return failure_of("create", problem)
    file = DiskFile(descriptor)
    writer = JournalWriter(BackgroundFile(file) if background else file, clock, durability, sealer)
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
    # What the crashed session wrote may still be waiting for the disk.
    failure = writer.sync()
    if failure is not None:
        writer.close()
        return failure
    return writer


def _identity(header: Mapping[str, Json]) -> dict[str, Json]:
    found: dict[str, Json] = {name: header[name] for name in IDENTITY}
    return found | {name: header[name] for name in SEALED_TOO if name in header}


def failure_of(operation: str, problem: OSError) -> JournalFailure:
    """The system's refusal as a value."""
    return JournalFailure(operation, (problem.strerror or "the system refused").lower())
