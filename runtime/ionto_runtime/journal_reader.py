"""Reading a journal: the part that is proved, and how the file ends.

A journal can end in four ways. It was sealed, and is whole. It was not sealed, but ends with a whole
record: the session crashed between two writes, or still runs. Its last bytes are no record: the crash came
in the middle of a write. Or something is wrong that no crash can do, and then the place is named; what
stands before it is still proved.
"""

from __future__ import annotations

from pathlib import Path

from ionto_ir.canonical import Json, canonical
from ionto_ir.dataclass import dataclass, field
from ionto_runtime.journal_format import (
    ALIGNMENT,
    CHAIN_START,
    MAGIC,
    Damage,
    Record,
    RecordType,
    decode_record,
    durable_before,
    sound_length,
    wall_ms_at,
)

JOURNAL_BYTES_MAX = 512 * 1024 * 1024
"""A day of ten samples a second is about 250 MB."""

HEADER_FORMAT = 1
HEADER_FORMAT_CHANNELS = 2
"""A journal of several channels: who does not know them must not count it as one."""

IDENTITY = ("plan_sha256", "device", "software", "simulated")
"""What both the header and the seal say of the session."""

SEALED_TOO = ("software_sha256", "device_identity", "epoch")
"""What the seal repeats when the header says it."""


@dataclass(frozen=True, slots=True)
class Sealed:
    """The journal is whole and closed; `head` is the last link in hexadecimal, to be compared with a
    printed one.
    """

    head: str


@dataclass(frozen=True, slots=True)
class Unsealed:
    """Every byte is a whole record, but nobody closed the journal: more may have been written and cut off."""


@dataclass(frozen=True, slots=True)
class TornTail:
    """From `offset` on, `size` bytes were never durable, as far as the journal knows: a crash in the middle
    of a write, or a loss of power that took some of what waited for the disk and left the rest.
    """

    offset: int
    size: int


@dataclass(frozen=True, slots=True)
class Corrupt:
    """At `offset`, where record number `sequence` should begin, is something that no crash leaves."""

    offset: int
    sequence: int
    reason: str


End = Sealed | Unsealed | TornTail | Corrupt


@dataclass(frozen=True, slots=True)
class Reading:
    """The records that are proved, how the file ends, and how many bytes the proved part has."""

    records: tuple[Record, ...]
    end: End
    proved_bytes: int

    @property
    def header(self) -> dict[str, Json] | None:
        """What the first record says; None when not even that one is whole."""
        return self.records[0].payload if self.records else None

    @property
    def link(self) -> bytes:
        """What the next record would build on."""
        return self.records[-1].link if self.records else CHAIN_START

    @property
    def open_intents(self) -> tuple[Record, ...]:
        """Commands that were about to be sent and of which nobody knows what became."""
        answered = {record.payload["intent"] for record in self.records if record.kind is RecordType.OUTCOME}
        intents = (record for record in self.records if record.kind is RecordType.INTENT)
        return tuple(record for record in intents if record.sequence not in answered)


@dataclass(frozen=True, slots=True)
class Unread:
    """The file could not be read at all, and why."""

    reason: str


@dataclass(slots=True)
class _Rules:
    """What the records so far allow the next one to be."""

    identity: tuple[Json, ...] = ()
    waiting: set[int] = field(default_factory=set)
    sealed: bool = False

    def broken_by(self, record: Record, link_before: bytes) -> str | None:
        """Why `record` cannot follow, although its bytes are sound."""
        if self.sealed:
            return "a record follows the seal"
        if (record.kind is RecordType.HEADER) != (record.sequence == 0):
            return "the header is the first record and no other"
        match record.kind:
            case RecordType.HEADER:
                self.identity = _identity(record.payload)
                return header_fault(record.payload)
            case RecordType.INTENT:
                self.waiting.add(record.sequence)
            case RecordType.OUTCOME:
                return self._answered(record)
            case RecordType.SEAL:
                self.sealed = True
                return self._seal_fault(record, link_before)
            case _:
                pass
        return None

    def _answered(self, record: Record) -> str | None:
        intent = record.payload.get("intent")
        if isinstance(intent, bool) or not isinstance(intent, int) or intent not in self.waiting:
            return "an outcome has no intent before it"
        self.waiting.remove(intent)
        return None

    def _seal_fault(self, record: Record, link_before: bytes) -> str | None:
        stated = _identity(record.payload)
        if record.payload.get("count") != record.sequence or record.payload.get("head") != link_before.hex():
            return "the seal was made for another journal"
        return None if stated == self.identity else "the seal names another session than the header"


def seal_message(payload: dict[str, Json]) -> bytes:
    """What is signed of a seal: all that it says, under a name that no other signature of ours has."""
    said = {name: value for name, value in payload.items() if name != "signature"}
    return b"ionto journal seal 1\n" + canonical(said)


def _identity(payload: dict[str, Json]) -> tuple[Json, ...]:
    return tuple(payload.get(name) for name in (*IDENTITY, *SEALED_TOO))


def header_fault(payload: dict[str, Json]) -> str | None:
    """Why a payload cannot head a journal: it must say what ran, on what, and whether that was simulated."""
    channels = payload.get("channels")
    wanted = HEADER_FORMAT if channels is None else HEADER_FORMAT_CHANNELS
    if payload.get("format") != wanted or isinstance(payload.get("format"), bool):
        return "the header has another format"
    if channels is not None and not _names_channels(channels):
        return "the header does not name its channels"
    for name in ("session", "plan_sha256", "device", "software"):
        if not isinstance(payload.get(name), str):
            return f"the header does not say `{name}`"
    return None if isinstance(payload.get("simulated"), bool) else "the header does not say `simulated`"


def _names_channels(channels: Json) -> bool:
    listed = channels if isinstance(channels, list) else []
    return bool(listed) and all(
        isinstance(item, dict) and isinstance(item.get("name"), str) for item in listed
    )


def read_journal(path: Path) -> Reading | Unread:
    """The journal in a file. Reading changes nothing, so it may be done while the session runs."""
    try:
        with path.open("rb") as file:
            data = file.read(JOURNAL_BYTES_MAX + 1)
    except OSError as problem:
        return Unread((problem.strerror or "the system refused").lower())
    return Unread("the file is larger than a journal") if len(data) > JOURNAL_BYTES_MAX else scan(data)


def scan(data: bytes) -> Reading:
    """The journal in `data`, whatever `data` is."""
    if not data.startswith(MAGIC):
        return Reading((), _no_journal(data), 0)
    records: list[Record] = []
    rules = _Rules()
    offset, link = len(MAGIC), CHAIN_START
    while offset < len(data):
        decoded = decode_record(data, offset, len(records), link)
        if isinstance(decoded, Damage):
            return Reading(tuple(records), _damaged(data, offset, len(records), decoded, rules), offset)
        record, after = decoded
        reason = rules.broken_by(record, link)
        if reason is not None:
            return Reading(tuple(records), Corrupt(offset, len(records), reason), offset)
        records.append(record)
        offset, link = after, record.link
    return Reading(tuple(records), Sealed(link.hex()) if rules.sealed else Unsealed(), offset)


def _no_journal(data: bytes) -> End:
    unwritten = MAGIC.startswith(data) or not any(data[: len(MAGIC)])
    if unwritten and _durable_beyond(data, 0, 0) is None:
        return TornTail(0, len(data))
    return Corrupt(0, 0, "the file is not a journal of this format")


def _damaged(data: bytes, offset: int, sequence: int, damage: Damage, rules: _Rules) -> End:
    """A crash damages only what was not durable yet: a hole before a record that knows better was made by
    something else.
    """
    if rules.sealed:
        return Corrupt(offset, sequence, "something follows the seal")
    if damage in (Damage.MISPLACED, Damage.UNKNOWN):
        return Corrupt(offset, sequence, damage.value)
    later = _durable_beyond(data, offset, sequence)
    if later is not None:
        return Corrupt(offset, sequence, f"{damage.value}, and records follow at byte {later}")
    return TornTail(offset, len(data) - offset)


def last_sound_ms(data: bytes, offset: int) -> int | None:
    """The latest calendar time that a sound record at or after `offset` bears, proved or not."""
    found = [
        wall_ms_at(data, later)
        for later in range(offset, len(data), ALIGNMENT)
        if not isinstance(sound_length(data, later), Damage)
    ]
    return max(found, default=None)


def _durable_beyond(data: bytes, offset: int, sequence: int) -> int | None:
    """Where after `offset` a sound record stands that was written when record `sequence` was durable."""
    for later in range(offset + ALIGNMENT, len(data), ALIGNMENT):
        if not isinstance(sound_length(data, later), Damage) and durable_before(data, later) > sequence:
            return later
    return None
