"""After a crash: what a journal still proves, what it leaves open, and how much may have been delivered.

A journal that ends in the middle of a record is repaired by moving the torn bytes aside, never by deleting
them. What happened after its last record is unknown, and unknown means: delivered at the worst.
"""

from __future__ import annotations

import os
from pathlib import Path

from ionto_ir.canonical import Json
from ionto_ir.dataclass import dataclass
from ionto_runtime.journal import STALL_MS_MAX, SYNC_EVERY_MS, JournalFailure, failure_of
from ionto_runtime.journal_file import lock, sync_folder
from ionto_runtime.journal_format import Record, RecordType
from ionto_runtime.journal_reader import End, Reading, Sealed, TornTail, Unread, read_journal


@dataclass(frozen=True, slots=True)
class Recovery:
    """What is known of a session whose journal was read.

    `state` is the payload of the last STATE record, `later` what was recorded after it, in order: together
    they are the last thing known. `open_intents` are commands of which nobody knows whether they were
    carried out. `finished` says that nothing has to be recovered.
    """

    header: dict[str, Json]
    state: dict[str, Json] | None
    later: tuple[Record, ...]
    open_intents: tuple[Record, ...]
    end: End
    finished: bool


@dataclass(frozen=True, slots=True)
class Charge:
    """The delivered charge is at least `lower_pc` and at most `upper_pc`, pC."""

    lower_pc: int
    upper_pc: int


@dataclass(frozen=True, slots=True)
class Repaired:
    """The journal now ends with a whole record; `aside` holds the torn bytes, None when there were none."""

    reading: Reading
    aside: Path | None


def recovery_of(reading: Reading) -> Recovery | None:
    """What a reading says of its session; None when not even its header is proved."""
    header = reading.header
    if header is None:
        return None
    places = [place for place, record in enumerate(reading.records) if record.kind is RecordType.STATE]
    last = places[-1] if places else 0
    state = reading.records[last].payload if places else None
    later = reading.records[last + 1 :]
    finished = isinstance(reading.end, Sealed)
    return Recovery(header, state, later, reading.open_intents, reading.end, finished)


def unrecorded_ms_max(tick_ms: int) -> int:
    """How long a session may have run after the last record that a loss of power has left, until it was lost
    itself or came to know that its journal was.

    Samples wait at most SYNC_EVERY_MS until the disk is asked for them, and the disk takes at most
    STALL_MS_MAX; the first record after that, one tick later at most, says so; and the tick in which power
    was lost was never written.
    """
    assert tick_ms > 0
    return SYNC_EVERY_MS + STALL_MS_MAX + 2 * tick_ms


def descent_pc(worst_na: int, fall_na: int, tick_ms: int) -> int:
    """What flows at most while a session that can no longer write comes down by `fall_na` each tick."""
    assert worst_na >= 0 and fall_na > 0 and tick_ms > 0
    ticks = -(-worst_na // fall_na)
    return tick_ms * (ticks * worst_na - fall_na * (ticks * (ticks - 1) // 2))


def charge_after_crash(
    recorded: Charge, worst_na: int, unrecorded_ms: int, watchdog_ms: int, down_pc: int = 0
) -> Charge:
    """The recorded charge, widened by what may have flowed after the last record.

    `recorded` is the session's own two ledgers at the last record. `worst_na` is the largest magnitude,
    with the device's accuracy, that any command of the last record or of an open intent may have set. It is
    counted for all the time that nobody recorded and for the whole watchdog time, because the device may
    have gone on until then. `down_pc` is what a descent adds that nobody could write down.
    """
    assert 0 <= recorded.lower_pc <= recorded.upper_pc, "a lower bound is not above its upper bound"
    assert worst_na >= 0 and unrecorded_ms >= 0 and watchdog_ms >= 0
    return Charge(recorded.lower_pc, recorded.upper_pc + worst_na * (unrecorded_ms + watchdog_ms) + down_pc)


def repair_journal(path: Path) -> Repaired | Unread | JournalFailure:
    """Make a journal with a torn tail end with a whole record; any other journal is only read.

    The torn bytes go to a new file beside it before they are cut off, so that a crash during the repair loses
    nothing. A journal that another process is writing is left alone (JournalFailure).
    """
    try:
        descriptor = os.open(path, os.O_RDWR)
    except OSError as problem:
        return failure_of("open", problem)
    try:
        lock(descriptor)
        reading = read_journal(path)
        if isinstance(reading, Unread):
            return reading
        if not isinstance(reading.end, TornTail) or reading.end.size == 0:
            return Repaired(reading, None)
        aside = _move_aside(path, descriptor, reading.end)
    except OSError as problem:
        return failure_of("repair", problem)
    finally:
        os.close(descriptor)
    again = read_journal(path)
    return again if isinstance(again, Unread) else Repaired(again, aside)


def _move_aside(path: Path, descriptor: int, tail: TornTail) -> Path:
    """Copy the torn bytes to a file of their own, durably, and only then cut them off."""
    with path.open("rb") as file:
        file.seek(tail.offset)
        torn = file.read()
    aside = _free_name(path.with_name(f"{path.name}.torn-at-{tail.offset}"), torn)
    with aside.open("wb") as file:
        file.write(torn)
        file.flush()
        os.fsync(file.fileno())
    sync_folder(path.parent)
    os.ftruncate(descriptor, tail.offset)
    os.fsync(descriptor)
    return aside


def _free_name(path: Path, content: bytes) -> Path:
    """A name that is free, or whose file is what a crash left of moving just this content."""
    candidate, number = path, 1
    while candidate.exists() and not content.startswith(candidate.read_bytes()):
        number += 1
        candidate = path.with_name(f"{path.name}-{number}")
    return candidate
