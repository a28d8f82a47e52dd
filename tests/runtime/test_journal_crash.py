"""A journal survives what happens to programs and disks (R58, R59, R60)."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from ionto_runtime.journal import (
    SYNC_EVERY_MS,
    Durability,
    JournalFailure,
    JournalWriter,
    Written,
    create_journal,
)
from ionto_runtime.journal_format import RecordType
from ionto_runtime.journal_reader import Corrupt, Sealed, TornTail, Unsealed, read_journal, scan
from ionto_runtime.simulation.clock import VirtualClock
from tests.runtime.journals import HEADER, MemoryFile, session_bytes, short_session, writer_on, written

SESSION = """
import sys
from pathlib import Path
from ionto_runtime.clock import RealClock
from ionto_runtime.journal import create_journal, Durability
from ionto_runtime.journal_format import RecordType

writer = create_journal(Path(sys.argv[1]), {header!r}, RealClock())

def step(number):
    print(number, flush=True)
    sys.stdin.readline()

step("begun")
writer.append(RecordType.STATE, {{"position": 1, "charge_pc": 5}})
step("state")
intent = writer.append(RecordType.INTENT, {{"command": "set_current", "na": 100000}})
step("intent")
writer.append(RecordType.OUTCOME, {{"intent": intent.sequence, "accepted": True}})
step("outcome")
writer.seal("completed")
step("sealed")
"""


def killed_after(step: str, path: Path) -> None:
    """Run a session in a process of its own and kill it, as if by the hand of the system, after a step."""
    command = [sys.executable, "-c", SESSION.format(header=HEADER), str(path)]
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert process.stdin is not None
    assert process.stdout is not None
    with process:
        while process.stdout.readline().strip() != step:
            process.stdin.write("\n")
            process.stdin.flush()
        process.kill()
        process.stdin.close()
    assert process.returncode == -signal.SIGKILL


@pytest.mark.parametrize(
    ("step", "kinds", "open_intents", "end"),
    [
        ("begun", "HEADER", [], Unsealed),
        ("state", "HEADER STATE", [], Unsealed),
        ("intent", "HEADER STATE INTENT", [2], Unsealed),
        ("outcome", "HEADER STATE INTENT OUTCOME", [], Unsealed),
        ("sealed", "HEADER STATE INTENT OUTCOME SEAL", [], Sealed),
    ],
)
def test_a_killed_session_leaves_every_step_that_it_had_taken(
    tmp_path: Path, step: str, kinds: str, open_intents: list[int], end: type
) -> None:
    path = tmp_path / "session.journal"
    killed_after(step, path)
    reading = read_journal(path)
    assert not hasattr(reading, "reason")
    assert " ".join(record.kind.name for record in reading.records) == kinds
    assert [record.sequence for record in reading.open_intents] == open_intents
    assert isinstance(reading.end, end)


def states_after_power_loss(file: MemoryFile, synced: int) -> Iterator[bytes]:
    """Every file that a loss of power may leave: each later write is there, is missing or is torn."""
    durable, later = b"".join(file.writes[:synced]), file.writes[synced:]
    for present in range(2 ** len(later)):
        parts = [write if present >> index & 1 else bytes(len(write)) for index, write in enumerate(later)]
        whole = durable + b"".join(parts)
        yield whole
        for cut in range(len(durable), len(whole), 24):
            yield whole[:cut]


def test_after_a_loss_of_power_at_any_moment_nothing_that_was_synced_is_lost_and_nothing_is_invented() -> (
    None
):
    file = MemoryFile()
    short_session(file)
    everything = scan(file.data).records
    synced_after: list[int] = []
    replayed = MemoryFile()
    replayed.write(file.writes[0])
    for write, record in zip(file.writes[1:], everything, strict=True):
        replayed.write(write)
        if record.kind not in (RecordType.SAMPLE, RecordType.OUTCOME):
            replayed.sync()
        synced_after.append(replayed.synced)
        for left in states_after_power_loss(replayed, replayed.synced):
            reading = scan(left)
            assert reading.records == everything[: len(reading.records)]
            assert len(reading.records) >= replayed.synced - 1
            assert isinstance(reading.end, Sealed | Unsealed | TornTail | Corrupt)
    assert synced_after[-1] == file.synced == len(file.writes)


def test_an_intent_is_on_the_disk_before_append_returns() -> None:
    file = MemoryFile()
    writer = writer_on(file)
    for kind in (RecordType.INTENT, RecordType.STATE, RecordType.EVENT, RecordType.ANSWER, RecordType.ALARM):
        written(writer, kind, {"what": kind.name})
        assert file.synced == len(file.writes), kind


def test_samples_are_written_at_once_and_synced_within_a_second() -> None:
    file, clock = MemoryFile(), VirtualClock()
    writer = writer_on(file, clock)
    waited_ms = 0
    for tick in range(1, 60):
        clock.sleep_until(tick * 100)
        written(writer, RecordType.SAMPLE, {"tick": tick})
        waited_ms = 0 if file.synced == len(file.writes) else waited_ms + 100
        assert waited_ms < SYNC_EVERY_MS
    assert writer.synced_ms >= clock.now_ms() - SYNC_EVERY_MS


def test_whoever_waits_can_ask_for_a_sync() -> None:
    file = MemoryFile()
    writer = writer_on(file)
    written(writer, RecordType.SAMPLE, {})
    assert file.synced < len(file.writes)
    assert writer.sync() is None
    assert file.synced == len(file.writes)


def test_a_fast_simulation_may_leave_the_disk_alone_between_header_and_seal() -> None:
    file = MemoryFile()
    writer = writer_on(file, durability=Durability.WRITTEN)
    assert file.synced == 2
    written(writer, RecordType.INTENT, {})
    assert file.synced == 2
    writer.seal("completed")
    assert file.synced == len(file.writes)


def test_a_treatment_is_always_synced() -> None:
    writer = JournalWriter(MemoryFile(), VirtualClock(), Durability.WRITTEN)
    with pytest.raises(AssertionError, match="treatments are synced"):
        writer.begin({**HEADER, "simulated": False})


class FailingFile(MemoryFile):
    """Refuses the n-th call of an operation, and would gladly go on afterwards."""

    def __init__(self, operation: str, number: int, taken: int | None = None) -> None:
        super().__init__()
        self.operation, self.number, self.taken = operation, number, taken
        self.calls: list[str] = []

    def _called(self, operation: str) -> bool:
        self.calls.append(operation)
        return operation == self.operation and self.calls.count(operation) == self.number

    def write(self, data: bytes) -> int:
        if self._called("write"):
            if self.taken is None:
                raise OSError(28, "No space left on device")
            super().write(data[: self.taken])
            return self.taken
        return super().write(data)

    def sync(self) -> None:
        if self._called("sync"):
            raise OSError(5, "Input/output error")
        super().sync()


@pytest.mark.parametrize(
    ("file", "failure"),
    [
        (FailingFile("sync", 2), JournalFailure("sync", "input/output error")),
        (FailingFile("write", 3), JournalFailure("write", "no space left on device")),
        (FailingFile("write", 3, taken=17), JournalFailure("write", "17 of 104 bytes were taken")),
    ],
    ids=["sync", "write", "short write"],
)
def test_the_first_failure_is_final_and_nothing_is_tried_again(
    file: FailingFile, failure: JournalFailure
) -> None:
    writer = writer_on(file)
    count, head = writer.count, writer.head
    assert writer.append(RecordType.INTENT, {"command": "set_current"}) == failure
    calls = list(file.calls)
    assert writer.append(RecordType.STATE, {}) == failure
    assert writer.append(RecordType.SAMPLE, {}) == failure
    assert writer.sync() == failure
    assert writer.seal("stopped") == failure
    assert file.calls == calls
    assert writer.failure == failure
    assert not writer.sealed
    assert (writer.count, writer.head) == (count, head)
    assert len(scan(file.data).records) >= 1


def test_a_sample_whose_sync_fails_is_a_failure_too() -> None:
    clock = VirtualClock()
    file = FailingFile("sync", 2)
    writer = writer_on(file, clock)
    assert isinstance(writer.append(RecordType.SAMPLE, {}), Written)
    clock.sleep_until(SYNC_EVERY_MS)
    assert writer.append(RecordType.SAMPLE, {}) == JournalFailure("sync", "input/output error")


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs a device that is always full")
def test_a_full_disk_is_reported_in_the_system_s_own_words() -> None:
    from ionto_runtime.journal_file import DiskFile

    writer = JournalWriter(DiskFile(os.open("/dev/full", os.O_WRONLY)), VirtualClock(), Durability.SYNCED)
    assert writer.begin(HEADER) == JournalFailure("write", "no space left on device")
    writer.close()


def test_a_journal_is_never_written_over_another_file(tmp_path: Path) -> None:
    path = tmp_path / "session.journal"
    path.write_bytes(session_bytes())
    assert create_journal(path, HEADER, VirtualClock()) == JournalFailure("create", "file exists")
    assert path.read_bytes() == session_bytes()


def test_a_journal_that_cannot_begin_leaves_nothing_behind(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(_: int) -> None:
        raise OSError(5, "Input/output error")

    monkeypatch.setattr(os, "fdatasync", broken)
    path = tmp_path / "session.journal"
    assert create_journal(path, HEADER, VirtualClock()) == JournalFailure("sync", "input/output error")
    assert list(tmp_path.iterdir()) == []
    missing = tmp_path / "absent" / "session.journal"
    assert create_journal(missing, HEADER, VirtualClock()) == JournalFailure(
        "create", "no such file or directory"
    )
