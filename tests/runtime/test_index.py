"""The index says what the journals say, and can be thrown away at any moment."""

from __future__ import annotations

import os
import sqlite3
from pathlib import Path

import pytest

from ionto_ir.dataclass import replace
from ionto_runtime.accounting import account_of
from ionto_runtime.index import INDEX_NAME, Entry, Index, entry_of
from ionto_runtime.sealing import NO_CHAIN
from tests.runtime.bedside import Bedside
from tests.runtime.recorded import data_of, kept, random_session


@pytest.fixture(scope="module")
def sessions() -> list[Bedside]:
    return [random_session(seed) for seed in range(5)]


@pytest.fixture
def folder(tmp_path: Path, sessions: list[Bedside]) -> Path:
    for number, bedside in enumerate(sessions):
        kept(tmp_path, bedside, f"s{number}")
    return tmp_path


def direct(folder: Path) -> list[Entry]:
    """What reading every journal says."""
    found = [entry_of(path, NO_CHAIN) for path in sorted(folder.glob("*.journal"))]
    return sorted(found, key=lambda entry: (entry.begun_ms or 0, entry.name))


def test_the_index_says_what_the_journals_say(folder: Path, sessions: list[Bedside]) -> None:
    entries = Index(folder).entries()
    assert entries == direct(folder)
    for entry, bedside in zip(entries, sessions, strict=True):
        account = account_of(bedside.reading)
        assert not isinstance(account, str)
        assert (entry.lower_pc, entry.upper_pc) == (account.charge.lower_pc, account.charge.upper_pc)
        assert entry.nominal_pc == account.nominal_pc
        assert entry.patient == "P1" and entry.simulated is True
        assert entry.state == ("sealed" if bedside.session.seen_off else "open")
        assert entry.head == bedside.reading.link.hex()
        assert entry.fault is None


def test_it_follows_every_change_of_the_folder(folder: Path) -> None:
    index = Index(folder)
    index.entries()
    (folder / "s1.journal").unlink()
    kept(folder, random_session(77, closed=False), "s9")
    damaged = bytearray((folder / "s2.journal").read_bytes())
    damaged[len(damaged) // 2] ^= 1
    (folder / "s2.journal").write_bytes(bytes(damaged))
    entries = {entry.name: entry for entry in index.entries()}
    assert sorted(entries) == ["s0.journal", "s2.journal", "s3.journal", "s4.journal", "s9.journal"]
    assert entries["s9.journal"].state == "open"
    assert entries["s2.journal"].state == "damaged"
    assert "is damaged" in str(entries["s2.journal"].fault)
    assert entries["s2.journal"].upper_pc is None
    assert index.entries() == direct(folder)


def test_what_did_not_change_is_not_read_again(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    Index(folder).entries()
    read: list[str] = []

    def counting(path: Path, chain: object) -> Entry:
        read.append(path.name)
        return replace(direct(folder)[0], name=path.name)

    monkeypatch.setattr("ionto_runtime.index.entry_of", counting)
    assert len(Index(folder).entries()) == 5
    assert read == []
    os.utime(folder / "s3.journal", ns=(1, 1))
    Index(folder).entries()
    assert read == ["s3.journal"]


@pytest.mark.parametrize("content", [b"", b"something else that is long enough to be no database" * 100])
def test_an_index_that_is_damaged_is_made_anew(folder: Path, content: bytes) -> None:
    Index(folder).entries()
    (folder / INDEX_NAME).write_bytes(content)
    assert Index(folder).entries() == direct(folder)


def test_an_index_of_another_version_is_made_anew(folder: Path) -> None:
    with sqlite3.connect(folder / INDEX_NAME) as database:
        database.execute("CREATE TABLE sessions (something)")
        database.execute("PRAGMA user_version = 99")
    database.close()
    assert Index(folder).entries() == direct(folder)


def test_it_is_thrown_away_without_a_trace(folder: Path) -> None:
    index = Index(folder)
    before = index.entries()
    index.remove()
    assert list(folder.glob(f"{INDEX_NAME}*")) == []
    assert index.entries() == before


def test_it_is_written_ahead_and_synchronously(folder: Path) -> None:
    Index(folder).entries()
    with sqlite3.connect(folder / INDEX_NAME) as database:
        assert database.execute("PRAGMA journal_mode").fetchone() == ("wal",)
    database.close()
    with Index(folder)._open() as opened:
        assert opened.execute("PRAGMA synchronous").fetchone() == (2,)


def test_a_folder_that_cannot_be_written_is_said(tmp_path: Path) -> None:
    (tmp_path / INDEX_NAME).mkdir()
    with pytest.raises(OSError, match="directory"):
        Index(tmp_path).entries()


def test_a_journal_that_was_cut_is_listed(tmp_path: Path, sessions: list[Bedside]) -> None:
    data = data_of(sessions[0])
    for length in (0, 5, 16, 40, len(data) // 2, len(data) - 3):
        (tmp_path / f"{length:06d}.journal").write_bytes(data[:length])
    entries = Index(tmp_path).entries()
    assert [entry.state for entry in sorted(entries, key=lambda entry: entry.name)] == [
        "torn",
        "torn",
        "open",
        "torn",
        "torn",
        "torn",
    ]
