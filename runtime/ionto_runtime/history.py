"""Earlier sessions of a patient, from the journals in a folder: what binding needs of them, and no guesses.

A journal that was never closed counts at its worst. One that cannot be counted at all refuses the session:
what a patient has received must not be made up.
"""

from __future__ import annotations

import os
from datetime import UTC, datetime
from pathlib import Path

from ionto_ir.bind_constants import History, PastSession
from ionto_ir.canonical import printable
from ionto_ir.diagnostic import Diagnostic, error
from ionto_ir.source import Span
from ionto_runtime.accounting import Account, account_of
from ionto_runtime.journal_file import lock
from ionto_runtime.journal_format import CHAIN_START, MAGIC, RECORD_BYTES_MAX, Damage, decode_record
from ionto_runtime.journal_reader import Reading, Sealed, TornTail, Unread, read_journal
from ionto_runtime.recovery import unrecorded_ms_max

SUFFIX = ".journal"

JOURNALS_MAX = 10_000
"""A folder with more journals than this is an archive; looking through it would delay every session."""


def read_history(folder: Path, patient: str, plan_name: str, now_ms: int) -> History | tuple[Diagnostic, ...]:
    """The earlier sessions of `patient`, or every journal that keeps them from being known (I0960).

    `now_ms` is calendar time. What was recorded counts only in sessions of the same protocol. Dates are those
    of this machine's time zone.
    """
    paths = _journals(folder)
    if isinstance(paths, Diagnostic):
        return (paths,)
    sessions: list[PastSession] = []
    problems: list[Diagnostic] = []
    for path in paths:
        found = _session(path, patient, plan_name)
        if isinstance(found, Diagnostic):
            problems.append(found)
        elif found is not None:
            sessions.append(found)
    return tuple(problems) if problems else History(now_ms, day_of(now_ms), tuple(sessions))


def day_of(wall_ms: int) -> int:
    """The ordinal number of a moment's date on this machine's calendar."""
    return datetime.fromtimestamp(wall_ms / 1000, UTC).astimezone().toordinal()


def _journals(folder: Path) -> list[Path] | Diagnostic:
    if not folder.exists():
        return []
    try:
        paths = sorted(path for path in folder.iterdir() if path.suffix == SUFFIX)
    except OSError as problem:
        return _uncountable(folder, (problem.strerror or "the system refused").lower())
    if len(paths) > JOURNALS_MAX:
        return _uncountable(folder, f"it holds more than {JOURNALS_MAX} journals")
    return paths


def _session(path: Path, patient: str, plan_name: str) -> PastSession | Diagnostic | None:
    """The session of a journal; None when it is another patient's or when nothing ever flowed in it."""
    if _patient_at(path) not in (patient, None):
        return None
    reading = read_journal(path)
    if isinstance(reading, Unread):
        return _uncountable(path, reading.reason)
    if reading.header is None and isinstance(reading.end, TornTail):
        return None  # a crash before the header was on the disk, and so before anything was sent
    header = reading.header
    if not isinstance(reading.end, Sealed) and _in_use(path):
        return _uncountable(path, "its session is still running", "wait until it has ended")
    account = account_of(reading)
    if isinstance(account, str):
        return _uncountable(path, account)
    same = header is not None and header.get("plan_name") == plan_name
    return _past(account, reading, same_plan=same) if account.energised else None


def _past(account: Account, reading: Reading, *, same_plan: bool) -> PastSession:
    end_ms = account.end_ms
    if not account.closed:
        header = reading.header or {}
        match header.get("constants"):
            case {"tick_ms": int() as tick_ms, "watchdog_ms": int() as watchdog_ms}:
                end_ms += unrecorded_ms_max(tick_ms) + watchdog_ms
            case _:
                raise AssertionError("the account was made with the constants")
    return PastSession(
        start_ms=account.start_ms,
        end_ms=end_ms,
        day=day_of(account.start_ms),
        nominal_pc=account.nominal_pc,
        upper_pc=account.charge.upper_pc,
        records=account.records if same_plan else (),
    )


def _patient_at(path: Path) -> str | None:
    """The patient of a journal, read without the rest of it; None when its header is not sound."""
    try:
        with path.open("rb") as file:
            data = file.read(len(MAGIC) + RECORD_BYTES_MAX)
    except OSError:
        return None
    if not data.startswith(MAGIC):
        return None
    decoded = decode_record(data, len(MAGIC), 0, CHAIN_START)
    if isinstance(decoded, Damage):
        return None
    patient = decoded[0].payload.get("patient")
    return patient if isinstance(patient, str) else ""


def _in_use(path: Path) -> bool:
    """Whether another process holds the journal."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        lock(descriptor)
    except OSError:
        return True
    finally:
        os.close(descriptor)
    return False


def _uncountable(path: Path, reason: str, advice: str | None = None) -> Diagnostic:
    shown = printable(str(path), 300)
    return error(
        "I0960",
        f"an earlier session cannot be counted: {reason}",
        Span(shown, 1, 1, 1, 1),
        "in this journal",
        notes=("how much this patient has received is not guessed",),
        help=advice or "find out what was delivered, then move the file out of this folder",
    )
