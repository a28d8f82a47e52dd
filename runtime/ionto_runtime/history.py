"""Earlier sessions of a patient, from the journals in a folder: what binding needs of them, and no guesses.

A journal that was never closed counts at its worst, and so does a damaged one of another protocol: up to the
cap that its header states. One that cannot be counted at all refuses the session, and so does a damaged one
of the same protocol, because what was recorded in it may have ended the course: what a patient has received
must not be made up.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path

from ionto_ir.bind_constants import History, PastSession
from ionto_ir.canonical import Json, printable
from ionto_ir.diagnostic import Diagnostic, error
from ionto_ir.source import Span
from ionto_runtime.accounting import Account, account_at_worst, account_of
from ionto_runtime.journal_file import lock
from ionto_runtime.journal_format import CHAIN_START, MAGIC, RECORD_BYTES_MAX, Damage, Record, decode_record
from ionto_runtime.journal_reader import Corrupt, Sealed, Unread, last_sound_ms, read_journal
from ionto_runtime.sealing import Chain, read_chain, seal_fault

SUFFIX = ".journal"

JOURNALS_MAX = 10_000
"""A folder with more journals than this is an archive; looking through it would delay every session."""

CLOCK_BACK_MS_MAX = 60_000
"""A time server may set a clock back by seconds; what is more was done by a person, or by a dead battery."""


def read_history(folder: Path, patient: str, plan_name: str, now_ms: int) -> History | tuple[Diagnostic, ...]:
    """The earlier sessions of `patient`, or every journal that keeps them from being known (I0960), and a
    clock that stands before the newest of all journals (I0952).

    `now_ms` is calendar time. Sessions of every protocol are among them, each with its name: a body does not
    tell their charges apart. Dates are those of this machine's time zone.
    """
    paths = _journals(folder)
    if isinstance(paths, Diagnostic):
        return (paths,)
    chain = read_chain(folder)
    sessions: list[PastSession] = []
    problems: list[Diagnostic] = []
    newest_ms = max((epoch.wall_ms for epoch in chain.epochs), default=0)
    for path in paths:
        first = _first_record(path)
        newest_ms = max(newest_ms, 0 if first is None else first.wall_ms)
        if first is not None and first.payload.get("patient") != patient:
            continue
        found = _session(path, plan_name, chain)
        if isinstance(found, Diagnostic):
            problems.append(found)
        elif found is not None:
            sessions.append(found)
    if newest_ms > now_ms + CLOCK_BACK_MS_MAX:
        problems.append(_clock_behind(folder, now_ms, newest_ms))
    return tuple(problems) if problems else History(now_ms, day_of(now_ms), tuple(sessions))


def first_session(now_ms: int) -> History:
    """The history of somebody of whom nothing is known: only which day it is."""
    return History(now_ms, day_of(now_ms), ())


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


def _session(path: Path, plan_name: str, chain: Chain) -> PastSession | Diagnostic | None:
    """The session of a journal; None when nothing ever flowed in it."""
    reading = read_journal(path)
    if isinstance(reading, Unread):
        return _uncountable(path, reading.reason)
    if reading.header is None and not isinstance(reading.end, Corrupt):
        return None  # a crash before the header was on the disk, and so before anything was sent
    header = reading.header
    if not isinstance(reading.end, Sealed) and _in_use(path):
        return _uncountable(path, "its session is still running", "wait until it has ended")
    forged = None if header is None else seal_fault(reading, chain)
    if forged is not None:
        return _uncountable(path, forged)
    same = header is not None and header.get("plan_name") == plan_name
    if isinstance(reading.end, Corrupt) and not same:
        try:
            last_ms = last_sound_ms(path.read_bytes(), reading.proved_bytes)
        except OSError as problem:
            return _uncountable(path, (problem.strerror or "the system refused").lower())
        account = account_at_worst(reading, 0 if last_ms is None else last_ms)
    else:
        account = account_of(reading)
    if isinstance(account, str):
        return _uncountable(path, account)
    return _past(account, header or {}) if account.energised else None


def _past(account: Account, header: Mapping[str, Json]) -> PastSession:
    return PastSession(
        start_ms=account.start_ms,
        end_ms=account.end_ms,
        day=day_of(account.start_ms),
        nominal_pc=account.nominal_pc,
        upper_pc=account.charge.upper_pc,
        protocol=_text(header.get("plan_name")),
        values=account.values,
        records=account.records,
        sites=_texts(header.get("sites")),
    )


def _text(found: Json) -> str:
    return found if isinstance(found, str) else ""


def _texts(found: Json) -> tuple[str, ...]:
    return tuple(item for item in found if isinstance(item, str)) if isinstance(found, list) else ()


def _first_record(path: Path) -> Record | None:
    """The header of a journal, read without the rest of it; None when it is not sound."""
    try:
        with path.open("rb") as file:
            data = file.read(len(MAGIC) + RECORD_BYTES_MAX)
    except OSError:
        return None
    if not data.startswith(MAGIC):
        return None
    decoded = decode_record(data, len(MAGIC), 0, CHAIN_START)
    return None if isinstance(decoded, Damage) else decoded[0]


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


def _clock_behind(folder: Path, now_ms: int, newest_ms: int) -> Diagnostic:
    """Moving the clock must not bring a dose or a day back (R6)."""
    now, newest = (
        f"{datetime.fromtimestamp(ms / 1000, UTC):%Y-%m-%d %H:%M} UTC" for ms in (now_ms, newest_ms)
    )
    shown = printable(str(folder), 300)
    return error(
        "I0952",
        f"this machine's clock says {now}, but a session began {newest}",
        Span(shown, 1, 1, 1, 1),
        "in this folder",
        notes=("doses of a day, and the days between sessions, are counted by this clock",),
        help="set the clock right",
    )


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
