"""Seals belong to their epoch: nobody can seal the past anew, whatever key is taken today (R61)."""

from __future__ import annotations

import json
import os
import stat
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import pytest

from ionto_ir.canonical import Json, canonical
from ionto_runtime.history import History, read_history
from ionto_runtime.journal import Durability, JournalFailure, JournalWriter, Written
from ionto_runtime.journal_format import MAGIC, RecordType, encode_record
from ionto_runtime.journal_reader import CHAIN_START, Corrupt, Reading, Sealed, scan, seal_message
from ionto_runtime.sealing import Chain, SessionKey, begin_epoch, read_chain, seal_fault
from ionto_runtime.signing import SecretKey, generate_key, secret_key, sign
from ionto_runtime.simulation.clock import WALL_START_MS, VirtualClock
from tests.runtime.journals import HEADER, MemoryFile, written

pytestmark = pytest.mark.requirement("R61")


@dataclass(frozen=True)
class Site:
    """A folder of records and the folder in which the key of the next session is kept."""

    folder: Path

    @property
    def secrets(self) -> Path:
        return self.folder / "home" / "sealing"

    def key(self, session: str, wall_ms: int = WALL_START_MS) -> SessionKey:
        found = begin_epoch(self.folder, self.secrets, session, wall_ms)
        assert isinstance(found, SessionKey), found
        return found

    def session(self, name: str, *, sealed: bool = True) -> bytes:
        """A short journal of a session of its own."""
        key, file = self.key(name), MemoryFile()
        writer = JournalWriter(file, VirtualClock(), Durability.SYNCED, key)
        assert writer.begin({**HEADER, "session": name}) == Written(0)
        intent = written(writer, RecordType.INTENT, {"current_na": 100_000})
        written(writer, RecordType.OUTCOME, {"intent": intent, "outcome": "accepted"})
        if sealed:
            assert isinstance(writer.seal("completed"), Written)
        writer.close()
        assert key.erased
        return file.data

    def fault(self, data: bytes) -> str | None:
        return seal_fault(scan(data), self.chain)

    @property
    def chain(self) -> Chain:
        return read_chain(self.folder)

    def stolen(self) -> SecretKey:
        """The key of the session to come, which lies on the disk."""
        (kept,) = self.secrets.glob("*.next")
        return secret_key("thief", bytes.fromhex(kept.read_text(encoding="ascii")))


@pytest.fixture
def site(tmp_path: Path) -> Site:
    return Site(tmp_path)


def test_every_session_seals_with_a_key_of_its_own_that_the_one_before_vouches_for(site: Site) -> None:
    journals = [site.session(name) for name in ("a", "b", "c")]
    chain = site.chain
    assert chain.fault is None
    assert [epoch.session for epoch in chain.epochs] == ["a", "b", "c"]
    assert [epoch.anew for epoch in chain.epochs] == [True, False, False]
    assert chain.anew == ()
    assert len({epoch.key for epoch in chain.epochs}) == 3
    for number, data in enumerate(journals):
        reading = scan(data)
        assert isinstance(reading.end, Sealed)
        assert reading.records[-1].payload["epoch"] == number
        assert site.fault(data) is None


def test_of_all_keys_only_that_of_the_session_to_come_is_on_the_disk(site: Site) -> None:
    first, second = site.key("a"), site.key("b")
    files = [path for path in site.folder.rglob("*") if path.is_file()]
    assert sorted(path.suffix for path in files) == ["", ".next"]
    chain = site.chain
    stolen = site.stolen()
    assert stolen.public.raw.hex() == chain.epochs[-1].following_key
    assert stolen.public.raw.hex() not in (first.epoch.key, second.epoch.key)
    (kept,) = site.secrets.glob("*.next")
    assert stat.S_IMODE(kept.stat().st_mode) == 0o600


def forged(data: bytes, key: SecretKey, header: dict[str, Json], epoch: int) -> bytes:
    """The journal as a thief would write it: less was delivered, sealed with the key that he has."""
    reading = scan(data)
    told = {**(reading.header or {}), **header}
    whole, link = encode_record(RecordType.HEADER, 0, 0, WALL_START_MS, told, CHAIN_START)
    whole = MAGIC + whole
    sample, link = encode_record(RecordType.SAMPLE, 1, 0, WALL_START_MS, {"current_na": 1}, link)
    seal: dict[str, Json] = {name: told[name] for name in ("plan_sha256", "device", "software", "simulated")}
    seal |= {"count": 2, "head": link.hex(), "reason": "completed", "epoch": epoch}
    seal["signature"] = sign(key, seal_message(seal)).hex()
    last, _ = encode_record(RecordType.SEAL, 2, 0, WALL_START_MS, seal, link)
    return whole + sample + last


def test_the_past_cannot_be_sealed_anew_with_the_key_of_today(site: Site) -> None:
    past = site.session("a")
    site.session("b")
    thief = site.stolen()
    public = thief.public.raw.hex()
    lies: list[tuple[dict[str, Json], int, str]] = [
        ({}, 0, "not signed with the key of epoch 0"),
        ({"seal_key": public}, 0, "epoch 0 belongs to another session"),
        ({"seal_key": public, "epoch": 2}, 2, "not in the chain of keys"),
        ({"epoch": 1}, 1, "epoch 1 belongs to another session"),
        ({"epoch": 1, "session": "b", "seal_key": site.chain.epochs[1].key}, 1, "not signed with the key"),
    ]
    for header, epoch, said in lies:
        data = forged(past, thief, header, epoch)
        assert isinstance(scan(data).end, Sealed), "without the chain it would pass"
        fault = site.fault(data)
        assert fault is not None and said in fault, header


def test_a_thief_who_adds_his_own_epochs_cannot_pass_for_the_past(site: Site) -> None:
    past = site.session("a")
    site.session("b")
    thief = site.stolen()
    lines = (site.folder / "epochs").read_bytes().splitlines()
    entry = json.loads(lines[0]) | {"key": thief.public.raw.hex()}
    said = {name: value for name, value in entry.items() if name != "signature"}
    entry["signature"] = sign(thief, b"ionto epoch 1\n" + canonical(said)).hex()
    (site.folder / "epochs").write_bytes(canonical(entry) + b"\n" + lines[1] + b"\n")
    assert site.chain.fault == "epoch 1 is not right: it does not follow the entry before it"
    # What is left to him is a chain of his own from the very first key on, which is printed on every report.
    (site.folder / "epochs").write_bytes(canonical(entry) + b"\n")
    assert site.fault(forged(past, thief, {"seal_key": thief.public.raw.hex()}, 0)) is None
    assert site.chain.epochs[0].key != json.loads(lines[0])["key"]


def test_a_journal_without_its_tail_is_not_sealed_and_its_key_is_gone(site: Site) -> None:
    data = site.session("a", sealed=False)
    reading = scan(data)
    assert not isinstance(reading.end, Sealed)
    assert site.fault(data) is None
    key = site.key("b")
    key.erase()
    with pytest.raises(AssertionError, match="seals once"):
        key.sign(b"anything")


@pytest.mark.parametrize("change", ["signature", "count", "head", "epoch", "reason", "software_sha256"])
def test_a_seal_is_signed_for_all_that_it_says(site: Site, change: str) -> None:
    data = site.session("a")
    reading = scan(data)
    seal = reading.records[-1]
    payload = {**seal.payload, change: "00" * 64}
    last, _ = encode_record(RecordType.SEAL, 3, 0, 0, payload, reading.records[-2].link)
    changed = data[: seal.offset] + last
    assert isinstance(scan(changed).end, Corrupt) or site.fault(changed) is not None


def test_every_change_of_the_chain_is_noticed(site: Site) -> None:
    for name in "abcd":
        site.key(name)
    path = site.folder / "epochs"
    data = path.read_bytes()
    for at in range(0, len(data), 7):
        changed = bytearray(data)
        changed[at] ^= 1
        path.write_bytes(bytes(changed))
        assert site.chain.fault is not None or len(site.chain.epochs) < 4, at
    lines = data.splitlines(keepends=True)
    for order in ((1, 0, 2, 3), (0, 2, 1, 3), (0, 2, 3), (1, 2, 3), (0, 0, 1, 2, 3), (0, 1, 3, 2)):
        path.write_bytes(b"".join(lines[number] for number in order))
        assert site.chain.fault is not None, order


def test_a_chain_that_lost_its_end_is_begun_anew_for_all_to_see(site: Site) -> None:
    site.key("a")
    site.key("b")
    path = site.folder / "epochs"
    path.write_bytes(path.read_bytes().splitlines(keepends=True)[0])
    site.key("c")
    chain = site.chain
    assert chain.fault is None
    assert chain.anew == (1,)


def test_a_key_that_was_lost_is_made_anew_for_all_to_see(site: Site) -> None:
    site.session("a")
    (kept,) = site.secrets.glob("*.next")
    kept.unlink()
    data = site.session("b")
    assert site.chain.anew == (1,)
    assert site.fault(data) is None


@pytest.mark.parametrize("operation", ["write", "fsync", "rename"])
def test_a_crash_while_an_epoch_begins_breaks_nothing(
    site: Site, monkeypatch: pytest.MonkeyPatch, operation: str
) -> None:
    """At every call that changes the disk, the process ends; the next session finds its key."""
    site.key("a")
    real = {"write": os.write, "fsync": os.fsync, "rename": os.rename}[operation]
    for number in range(1, 9):
        calls = 0

        def dying(*arguments: object, number: int = number) -> object:
            nonlocal calls
            calls += 1
            if calls == number:
                if operation == "write":
                    real(arguments[0], bytes(arguments[1])[:20])  # type: ignore[operator, call-overload]
                raise KeyboardInterrupt
            return real(*arguments)  # type: ignore[operator]

        with monkeypatch.context() as patched:
            patched.setattr(os, operation, dying)
            if operation == "rename":
                patched.setattr(Path, "replace", dying)
            with suppress(KeyboardInterrupt):
                begin_epoch(site.folder, site.secrets, f"crash {number}", WALL_START_MS)
        data = site.session(f"after {number}")
        assert site.chain.fault is None
        assert site.chain.anew == ()
        assert site.fault(data) is None


def test_a_chain_that_is_not_right_keeps_a_session_from_beginning(site: Site) -> None:
    site.key("a")
    (site.folder / "epochs").write_bytes(b"{}\n")
    said = begin_epoch(site.folder, site.secrets, "b", WALL_START_MS)
    assert said == "epoch 0 is not right: it cannot be read"


def test_history_does_not_believe_a_seal_that_its_session_did_not_make(site: Site) -> None:
    past = site.session("a")
    site.session("b")
    lie = forged(past, site.stolen(), {"patient": "P1"}, 0)
    (site.folder / "a.journal").write_bytes(lie)
    found = read_history(site.folder, "P1", "heel", WALL_START_MS)
    assert not isinstance(found, History)
    assert [problem.code for problem in found] == ["I0960"]
    assert "not signed with the key of epoch 0" in found[0].message


def test_only_a_simulated_session_may_go_without_a_key() -> None:
    def reading(simulated: bool) -> Reading:
        data, _ = encode_record(RecordType.HEADER, 0, 0, 0, {**HEADER, "simulated": simulated}, CHAIN_START)
        return scan(MAGIC + data)

    assert seal_fault(reading(True), Chain(())) is None
    assert seal_fault(reading(False), Chain(())) == "no key belongs to its session"


def test_a_folder_that_cannot_be_written_gives_no_key(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("", encoding="utf-8")
    assert begin_epoch(tmp_path, tmp_path / "file" / "sealing", "a", 0) == "not a directory"


def test_a_seal_that_cannot_be_written_leaves_no_key_behind(site: Site) -> None:
    class Full(MemoryFile):
        def write(self, data: bytes) -> int:
            if len(self.writes) > 1:
                raise OSError(28, "No space left on device")
            return super().write(data)

    key = site.key("a")
    writer = JournalWriter(Full(), VirtualClock(), Durability.SYNCED, key)
    assert writer.begin({**HEADER, "session": "a"}) == Written(0)
    assert isinstance(writer.seal("stopped"), JournalFailure)
    assert key.erased


def test_a_key_is_new_for_every_session(site: Site) -> None:
    assert len({generate_key("journal").raw for _ in range(3)}) == 3
    assert site.key("a").epoch.key != site.key("b").epoch.key
