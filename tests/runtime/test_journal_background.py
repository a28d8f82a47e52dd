"""A disk that stalls keeps nobody waiting but what raises the current (R23, R60)."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Iterator

import pytest

from ionto_ir.events import EmergencyStop, Stop
from ionto_runtime.clock import RealClock
from ionto_runtime.journal import STALL_MS_MAX, STALLED, Durability, JournalWriter, Late, Written
from ionto_runtime.journal_background import QUEUE_MAX, BackgroundFile
from ionto_runtime.journal_format import RecordType
from ionto_runtime.journal_reader import Sealed, scan
from ionto_runtime.simulation.clock import VirtualClock
from tests.runtime.bedside import Bedside
from tests.runtime.journals import HEADER, MemoryFile
from tests.runtime.short_sessions import SHORT


class StallingFile(MemoryFile):
    """A disk whose syncs wait until they are let go."""

    __slots__ = ("entered", "free", "problem")

    def __init__(self) -> None:
        super().__init__()
        self.free, self.entered = threading.Event(), threading.Event()
        self.free.set()
        self.problem: OSError | None = None

    def sync(self) -> None:
        self.entered.set()
        assert self.free.wait(30)
        if self.problem is not None:
            raise self.problem
        super().sync()

    def stall(self) -> None:
        self.free.clear()
        self.entered.clear()


@pytest.fixture
def disk() -> Iterator[StallingFile]:
    file = StallingFile()
    yield file
    file.free.set()


@pytest.mark.requirement("R55")
def test_the_thread_has_the_precedence_of_whoever_made_it(
    disk: StallingFile, monkeypatch: pytest.MonkeyPatch
) -> None:
    taken: list[tuple[int, int, int, int]] = []
    monkeypatch.setattr(os, "sched_getscheduler", lambda pid: os.SCHED_FIFO | os.SCHED_RESET_ON_FORK)
    monkeypatch.setattr(os, "sched_getparam", lambda pid: os.sched_param(50))
    monkeypatch.setattr(
        os,
        "sched_setscheduler",
        lambda pid, policy, param: taken.append(
            (pid, policy, param.sched_priority, threading.current_thread().native_id or 0)
        ),
    )
    file = BackgroundFile(disk, wait_ms=10_000)
    file.write(b"12345678")
    file.sync()
    [(pid, policy, priority, thread)] = taken
    assert (pid, policy, priority) == (0, os.SCHED_FIFO | os.SCHED_RESET_ON_FORK, 50)
    assert thread != threading.main_thread().native_id


def test_what_is_handed_over_is_written_in_order_and_durable_when_sync_says_so(disk: StallingFile) -> None:
    file = BackgroundFile(disk, wait_ms=10_000)
    parts = [bytes([number]) * 8 for number in range(100)]
    for part in parts:
        assert file.write(part) == 8
    file.sync()
    assert file.durable == 100 == disk.synced
    assert disk.writes == parts
    file.close()
    assert disk.closed


def test_sync_gives_up_waiting_and_does_not_pretend(disk: StallingFile) -> None:
    file = BackgroundFile(disk, wait_ms=1)
    disk.stall()
    file.write(b"x" * 8)
    file.sync()
    assert file.durable == 0
    disk.free.set()
    file.sync()
    file.close()
    assert disk.synced == 1


def test_close_writes_what_is_left(disk: StallingFile) -> None:
    file = BackgroundFile(disk)
    for _ in range(50):
        file.write(b"x" * 8)
    file.close()
    assert len(disk.writes) == 50
    assert disk.closed


@pytest.mark.requirement("R60")
def test_a_failure_in_the_thread_is_told_at_the_next_call_and_is_final(disk: StallingFile) -> None:
    file = BackgroundFile(disk, wait_ms=10_000)
    disk.problem = OSError(5, "Input/output error")
    file.write(b"x" * 8)
    with pytest.raises(OSError, match="Input/output error"):
        file.sync()
    disk.problem = None
    for call in (file.sync, file.sync_soon, lambda: file.write(b"y" * 8)):
        with pytest.raises(OSError, match="Input/output error"):
            call()
    file.close()
    assert disk.synced == 0
    assert disk.closed


@pytest.mark.requirement("R60")
def test_a_disk_that_takes_less_than_it_is_given_is_full() -> None:
    class Small(MemoryFile):
        def write(self, data: bytes) -> int:
            super().write(data[:3])
            return 3

    file = BackgroundFile(Small(), wait_ms=10_000)
    file.write(b"x" * 8)
    with pytest.raises(OSError, match="No space left"):
        file.sync()
    file.close()


@pytest.mark.requirement("R57")
def test_what_waits_for_the_disk_is_bounded(disk: StallingFile) -> None:
    file = BackgroundFile(disk)
    disk.stall()
    file.write(b"x" * 8)
    file.sync_soon()
    assert disk.entered.wait(10)
    for _ in range(QUEUE_MAX):
        file.write(b"x" * 8)
    with pytest.raises(OSError, match="does not keep up"):
        file.write(b"x" * 8)
    disk.free.set()
    file.close()


def begun(disk: StallingFile, clock: VirtualClock | None = None) -> JournalWriter:
    """A journal whose header is durable."""
    writer = JournalWriter(BackgroundFile(disk, wait_ms=10_000), clock or VirtualClock(), Durability.SYNCED)
    assert isinstance(writer.begin(HEADER), Written)
    return writer


@pytest.mark.requirement("R58")
def test_an_intent_that_is_not_durable_yet_is_late_and_everything_else_goes_on(disk: StallingFile) -> None:
    file = BackgroundFile(disk, wait_ms=10_000)
    writer = JournalWriter(file, VirtualClock(), Durability.SYNCED)
    assert isinstance(writer.begin(HEADER), Written)
    file._wait_s = 0.01
    disk.stall()
    assert writer.append(RecordType.EVENT, {"event": "stop"}) == Written(1)
    assert writer.append(RecordType.STATE, {}) == Written(2)
    assert writer.append(RecordType.INTENT, {"current_na": 1}) == Late(3)
    assert writer.append(RecordType.SAMPLE, {}) == Written(4)
    disk.free.set()
    file._wait_s = 10
    assert writer.append(RecordType.INTENT, {"current_na": 2}) == Written(5)
    assert isinstance(writer.seal("completed"), Written)
    writer.close()
    reading = scan(disk.data)
    assert isinstance(reading.end, Sealed)
    assert [record.unsynced for record in reading.records] == [0, 0, 1, 2, 3, 4, 0]


@pytest.mark.requirement("R60")
def test_a_disk_that_owes_an_answer_for_long_has_failed(disk: StallingFile) -> None:
    clock = VirtualClock()
    writer = begun(disk, clock)
    disk.stall()
    assert isinstance(writer.append(RecordType.EVENT, {"event": "pause"}), Written)
    clock.sleep_until(STALL_MS_MAX)
    assert isinstance(writer.append(RecordType.SAMPLE, {}), Written)
    clock.sleep_until(STALL_MS_MAX + 1)
    assert writer.append(RecordType.SAMPLE, {}) == STALLED
    assert writer.append(RecordType.EVENT, {}) == STALLED
    disk.free.set()
    writer.close()


def test_a_slow_disk_that_keeps_answering_has_not_failed(disk: StallingFile) -> None:
    clock = VirtualClock()
    writer = begun(disk, clock)
    for round_ in range(1, 6):
        disk.stall()
        assert isinstance(writer.append(RecordType.EVENT, {"event": "pause"}), Written)
        clock.sleep_until(round_ * 1_500)
        assert isinstance(writer.append(RecordType.SAMPLE, {}), Written)
        disk.free.set()
        assert writer.sync() is None
    assert writer.failure is None
    writer.close()


@pytest.mark.requirement("R23")
@pytest.mark.parametrize("event", [Stop(), EmergencyStop()], ids=["stop", "emergency"])
def test_no_stop_waits_for_a_disk_that_stalls(disk: StallingFile, event: Stop | EmergencyStop) -> None:
    file = BackgroundFile(disk, wait_ms=10_000)
    bedside = Bedside(SHORT, file)
    bedside.begin().tick(60)
    disk.stall()
    started = time.monotonic()
    bedside.session.feed(event)
    sent = [bedside.device.measure()]
    while not bedside.session.state.ended:
        bedside.tick()
        sent.append(bedside.device.measure())
    waited_s = time.monotonic() - started
    currents = [abs(found.setpoint_na) for found in sent if found is not None]
    assert currents == sorted(currents, reverse=True) and currents[-1] == 0
    assert waited_s < 10, "one wait for a sync would be that long"
    disk.free.set()
    bedside.journal.close()


@pytest.mark.requirement("R58")
def test_a_ramp_waits_for_the_disk_and_goes_on_when_it_answers(disk: StallingFile) -> None:
    file = BackgroundFile(disk, wait_ms=10_000)
    bedside = Bedside(SHORT, file)
    bedside.begin().tick(10)
    before = abs(bedside.device.measure().setpoint_na)  # type: ignore[union-attr]
    disk.stall()
    file._wait_s = 0.001
    bedside.tick(15)
    assert abs(bedside.device.measure().setpoint_na) == before  # type: ignore[union-attr]
    disk.free.set()
    file._wait_s = 10
    while not bedside.session.closed:
        bedside.tick()
        bedside.journal.sync()  # virtual seconds pass faster than a thread is woken
    bedside.session.finish()
    assert bedside.session.completed
    assert bedside.device.received.total_pc <= bedside.session.upper_pc
    assert bedside.codes() == []


def test_in_real_time_the_thread_keeps_up_with_a_session(disk: StallingFile) -> None:
    writer = JournalWriter(BackgroundFile(disk, wait_ms=10_000), RealClock(), Durability.SYNCED)
    assert isinstance(writer.begin(HEADER), Written)
    for number in range(200):
        intent = writer.append(RecordType.INTENT, {"current_na": number})
        assert isinstance(intent, Written)
        assert disk.synced == len(disk.writes)
        writer.append(RecordType.OUTCOME, {"intent": intent.sequence, "outcome": "accepted"})
    assert isinstance(writer.seal("completed"), Written)
    writer.close()
    assert isinstance(scan(disk.data).end, Sealed)
