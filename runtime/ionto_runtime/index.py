"""An index of a folder of journals in SQLite: derived from them, never the truth, and made anew at will.

It serves listing and searching; what a patient has received is always counted from the journals themselves.
The database is written ahead (WAL) and synchronously (FULL), which is read back, because some builds quietly
do less. One that is damaged or of another version is thrown away and made anew.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from ionto_ir.dataclass import dataclass, fields
from ionto_runtime.accounting import account_of
from ionto_runtime.history import SUFFIX
from ionto_runtime.journal_reader import Corrupt, Reading, Sealed, TornTail, Unread, read_journal
from ionto_runtime.sealing import Chain, read_chain, seal_fault

INDEX_NAME = "index.sqlite"
VERSION = 1
FULL = 2


@dataclass(frozen=True, slots=True)
class Entry:
    """A journal in a line: times in calendar ms, charges in pC; what is not known is None.

    `state` says how the journal ends: sealed, open, torn, damaged or unreadable. `fault` is why it cannot be
    believed or counted. `name`, `size` and `changed_ns` tell whether the file is the one that was read.
    """

    name: str
    size: int
    changed_ns: int
    session: str | None
    begun_ms: int | None
    ended_ms: int | None
    patient: str | None
    protocol: str | None
    title: str | None
    plan_sha256: str | None
    device: str | None
    software: str | None
    simulated: bool | None
    state: str
    reason: str | None
    fault: str | None
    energised: bool
    lower_pc: int | None
    nominal_pc: int | None
    upper_pc: int | None
    records: int
    head: str


COLUMNS = tuple(item.name for item in fields(Entry))
_FLAGS = frozenset({"simulated", "energised"})


class Index:
    """The entries of one folder. Every method brings the index up to date first, or says why it cannot."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._path = folder / INDEX_NAME

    def entries(self) -> list[Entry]:
        """All sessions, oldest first. OSError when the folder cannot be read or written."""
        try:
            return self._current()
        except sqlite3.DatabaseError:
            self.remove()
            try:
                return self._current()
            except sqlite3.Error as problem:
                raise OSError(f"the index cannot be written: {problem}") from problem
        except sqlite3.Error as problem:
            raise OSError(f"the index cannot be written: {problem}") from problem

    def remove(self) -> None:
        """Throw the index away; the next question makes it anew."""
        for ending in ("", "-wal", "-shm"):
            Path(f"{self._path}{ending}").unlink(missing_ok=True)

    def _current(self) -> list[Entry]:
        with self._open() as database:
            known = {entry.name: entry for entry in _stored(database)}
            chain = read_chain(self._folder)
            present: dict[str, Entry] = {}
            for path in sorted(self._folder.glob(f"*{SUFFIX}")):
                status = path.stat()
                entry = known.get(path.name)
                same = entry is not None and (entry.size, entry.changed_ns) == (
                    status.st_size,
                    status.st_mtime_ns,
                )
                present[path.name] = entry if same and entry is not None else entry_of(path, chain)
            _store(database, known, present)
        return sorted(present.values(), key=lambda entry: (entry.begun_ms or 0, entry.name))

    @contextmanager
    def _open(self) -> Iterator[sqlite3.Connection]:
        with closing(sqlite3.connect(self._path, isolation_level=None)) as database:
            mode = database.execute("PRAGMA journal_mode = WAL").fetchone()[0]
            database.execute("PRAGMA synchronous = FULL")
            level = database.execute("PRAGMA synchronous").fetchone()[0]
            if mode != "wal" or level != FULL:
                raise sqlite3.OperationalError(f"the database offers {mode} and {level}, not wal and {FULL}")
            (version,) = database.execute("PRAGMA user_version").fetchone()
            if version not in (0, VERSION):
                raise sqlite3.DatabaseError("an index of another version")
            columns = ", ".join(COLUMNS)
            database.execute(f"CREATE TABLE IF NOT EXISTS sessions ({columns}, PRIMARY KEY (name))")
            database.execute(f"PRAGMA user_version = {VERSION}")
            yield database


def _stored(database: sqlite3.Connection) -> Iterator[Entry]:
    for row in database.execute(f"SELECT {', '.join(COLUMNS)} FROM sessions"):
        values = dict(zip(COLUMNS, row, strict=True))
        for name in _FLAGS:
            values[name] = None if values[name] is None else bool(values[name])
        yield Entry(**values)


def _store(database: sqlite3.Connection, known: dict[str, Entry], present: dict[str, Entry]) -> None:
    gone = [(name,) for name in known if name not in present]
    new = [entry for name, entry in present.items() if known.get(name) != entry]
    if not gone and not new:
        return
    marks = ", ".join("?" * len(COLUMNS))
    database.execute("BEGIN IMMEDIATE")
    database.executemany("DELETE FROM sessions WHERE name = ?", gone)
    rows = [tuple(getattr(entry, name) for name in COLUMNS) for entry in new]
    database.executemany(f"INSERT OR REPLACE INTO sessions VALUES ({marks})", rows)
    database.execute("COMMIT")


def entry_of(path: Path, chain: Chain) -> Entry:
    """A journal in a line."""
    status = path.stat()
    reading = read_journal(path)
    if isinstance(reading, Unread):
        reading_fault, reading = reading.reason, Reading((), Corrupt(0, 0, "it cannot be read"), 0)
    else:
        reading_fault = None
    header = reading.header or {}
    account = account_of(reading)
    fault = reading_fault or (account if isinstance(account, str) else seal_fault(reading, chain))
    counted = None if isinstance(account, str) else account
    last = reading.records[-1] if reading.records else None

    def said(name: str) -> str | None:
        value = header.get(name)
        return value if isinstance(value, str) else None

    simulated = header.get("simulated")
    reason = last.payload.get("reason") if last is not None and isinstance(reading.end, Sealed) else None
    return Entry(
        name=path.name,
        size=status.st_size,
        changed_ns=status.st_mtime_ns,
        session=said("session"),
        begun_ms=reading.records[0].wall_ms if reading.records else None,
        ended_ms=None if last is None else last.wall_ms,
        patient=said("patient"),
        protocol=said("plan_name"),
        title=said("plan_title"),
        plan_sha256=said("plan_sha256"),
        device=said("device"),
        software=said("software"),
        simulated=simulated if isinstance(simulated, bool) else None,
        state=state_word(reading),
        reason=reason if isinstance(reason, str) else None,
        fault=fault,
        energised=counted is not None and counted.energised,
        lower_pc=None if counted is None else counted.charge.lower_pc,
        nominal_pc=None if counted is None else counted.nominal_pc,
        upper_pc=None if counted is None else counted.charge.upper_pc,
        records=len(reading.records),
        head=reading.link.hex(),
    )


def state_word(reading: Reading) -> str:
    """How a journal ends, in a word."""
    match reading.end:
        case Sealed():
            return "sealed"
        case TornTail():
            return "torn"
        case Corrupt():
            return "damaged"
        case _:
            return "open"
