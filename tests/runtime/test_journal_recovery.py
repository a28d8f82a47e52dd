"""After a crash: the torn end is moved aside, what is unknown counts at its worst, a session can be taken
up.
"""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ionto_runtime.journal import (
    SYNC_EVERY_MS,
    JournalFailure,
    JournalWriter,
    Written,
    continue_journal,
    create_journal,
)
from ionto_runtime.journal_format import MAGIC, RecordType
from ionto_runtime.journal_reader import (
    Corrupt,
    Reading,
    Sealed,
    TornTail,
    Unread,
    Unsealed,
    read_journal,
    scan,
)
from ionto_runtime.recovery import (
    Charge,
    Repaired,
    charge_after_crash,
    recovery_of,
    repair_journal,
    unrecorded_ms_max,
)
from ionto_runtime.simulation.clock import VirtualClock
from tests.runtime.journals import HEADER, MemoryFile, session_bytes, writer_on, written

OPEN = session_bytes(sealed=False)


def journal_at(folder: Path, data: bytes) -> Path:
    path = folder / "session.journal"
    path.write_bytes(data)
    return path


def reading_at(path: Path) -> Reading:
    reading = read_journal(path)
    assert isinstance(reading, Reading)
    return reading


def repaired(path: Path) -> Repaired:
    result = repair_journal(path)
    assert isinstance(result, Repaired)
    return result


def test_recovery_starts_from_the_last_state_and_what_came_after_it() -> None:
    recovery = recovery_of(scan(OPEN))
    assert recovery is not None
    assert recovery.header == HEADER
    assert recovery.state == {"position": 1, "charge_pc": 30_000_000}
    assert [record.kind for record in recovery.later] == [RecordType.ALARM]
    assert recovery.open_intents == ()
    assert not recovery.finished


def test_a_session_that_crashed_before_its_first_state_is_recovered_from_its_header() -> None:
    file = MemoryFile()
    written(writer_on(file), RecordType.ANSWER, {"name": "age", "value": 40})
    recovery = recovery_of(scan(file.data))
    assert recovery is not None
    assert recovery.state is None
    assert [record.kind for record in recovery.later] == [RecordType.ANSWER]


def test_a_sealed_session_needs_no_recovery() -> None:
    recovery = recovery_of(scan(session_bytes()))
    assert recovery is not None
    assert recovery.finished


def test_commands_without_an_outcome_are_unknown_and_are_named() -> None:
    file = MemoryFile()
    writer = writer_on(file)
    first = written(writer, RecordType.INTENT, {"na": 1})
    second = written(writer, RecordType.INTENT, {"na": 2})
    third = written(writer, RecordType.INTENT, {"na": 3})
    written(writer, RecordType.OUTCOME, {"intent": second, "accepted": True})
    recovery = recovery_of(scan(file.data))
    assert recovery is not None
    assert [record.sequence for record in recovery.open_intents] == [first, third]


@pytest.mark.parametrize("data", [b"", MAGIC, OPEN[:40], b"something else"])
def test_without_a_header_there_is_nothing_to_recover(data: bytes) -> None:
    assert recovery_of(scan(data)) is None


def test_time_that_nobody_recorded_counts_at_the_worst_current_until_the_watchdog_has_fired() -> None:
    charge = charge_after_crash(Charge(1_000, 1_100), 4_090_000, 1_200, 500)
    assert charge == Charge(1_000, 1_100 + 4_090_000 * 1_700)


@given(
    st.integers(0, 10**15),
    st.integers(0, 10**12),
    st.integers(0, 10**8),
    st.integers(0, 10**5),
    st.integers(0, 10**4),
)
def test_the_interval_only_widens(
    lower: int, width: int, worst_na: int, unrecorded_ms: int, watchdog_ms: int
) -> None:
    recorded = Charge(lower, lower + width)
    after = charge_after_crash(recorded, worst_na, unrecorded_ms, watchdog_ms)
    assert after.lower_pc == recorded.lower_pc
    assert after.upper_pc >= recorded.upper_pc


def test_no_more_time_can_be_lost_than_the_writer_lets_samples_wait() -> None:
    file, clock = MemoryFile(), VirtualClock()
    writer = writer_on(file, clock)
    on_disk_ms = 0
    longest_ms = 0
    for tick in range(1, 100):
        clock.sleep_until(tick * 100)
        longest_ms = max(longest_ms, clock.now_ms() - on_disk_ms)
        written(writer, RecordType.SAMPLE, {"tick": tick})
        if file.synced == len(file.writes):
            on_disk_ms = clock.now_ms()
    assert SYNC_EVERY_MS <= longest_ms <= unrecorded_ms_max(100)


def test_a_torn_tail_is_moved_aside_and_not_deleted(tmp_path: Path) -> None:
    torn = OPEN[:-50]
    path = journal_at(tmp_path, torn)
    before = reading_at(path)
    assert isinstance(before.end, TornTail)
    result = repaired(path)
    assert result.reading.end == Unsealed()
    assert result.reading.records == before.records
    assert result.aside is not None
    assert path.read_bytes() + result.aside.read_bytes() == torn


def test_repairing_at_every_cut_loses_no_byte(tmp_path: Path) -> None:
    for length in range(0, len(OPEN), 7):
        folder = tmp_path / str(length)
        folder.mkdir()
        path = journal_at(folder, OPEN[:length])
        result = repaired(path)
        aside = b"" if result.aside is None else result.aside.read_bytes()
        assert path.read_bytes() + aside == OPEN[:length]
        assert repaired(path).aside is None


def test_a_second_tear_at_the_same_place_does_not_overwrite_the_first(tmp_path: Path) -> None:
    path = journal_at(tmp_path, OPEN + b"first torn write")
    first = repaired(path).aside
    path.write_bytes(OPEN + b"second torn write")
    second = repaired(path).aside
    assert first is not None
    assert second is not None
    assert first.read_bytes() == b"first torn write"
    assert second.read_bytes() == b"second torn write"


def test_a_repair_that_was_itself_interrupted_is_simply_done_again(tmp_path: Path) -> None:
    path = journal_at(tmp_path, OPEN + b"torn write")
    half = tmp_path / f"session.journal.torn-at-{len(OPEN)}"
    half.write_bytes(b"torn")
    assert repaired(path).aside == half
    assert half.read_bytes() == b"torn write"


@pytest.mark.parametrize("data", [session_bytes(), OPEN, b"something else", OPEN[:200] + b"x" + OPEN[201:]])
def test_only_a_torn_tail_is_repaired(tmp_path: Path, data: bytes) -> None:
    path = journal_at(tmp_path, data)
    result = repaired(path)
    assert result.aside is None
    assert not isinstance(result.reading.end, TornTail)
    assert path.read_bytes() == data
    assert list(tmp_path.iterdir()) == [path]


def test_a_journal_in_use_is_not_repaired_and_not_continued_by_another(tmp_path: Path) -> None:
    path = tmp_path / "session.journal"
    writer = create_journal(path, HEADER, VirtualClock())
    assert isinstance(writer, JournalWriter)
    busy = repair_journal(path)
    assert isinstance(busy, JournalFailure)
    assert isinstance(continue_journal(path, reading_at(path), VirtualClock()), JournalFailure)
    writer.close()
    assert repaired(path).aside is None


def test_a_journal_is_taken_up_where_it_ended_and_the_chain_goes_on(tmp_path: Path) -> None:
    path = tmp_path / "session.journal"
    first = create_journal(path, HEADER, VirtualClock())
    assert isinstance(first, JournalWriter)
    intent = written(first, RecordType.INTENT, {"na": 1})
    first.close()
    second = continue_journal(path, reading_at(path), VirtualClock())
    assert isinstance(second, JournalWriter)
    assert second.head == reading_at(path).link.hex()
    written(second, RecordType.EVENT, {"event": "recovered"})
    written(second, RecordType.OUTCOME, {"intent": intent, "accepted": "unknown"})
    assert second.seal("stopped") == Written(4)
    second.close()
    assert reading_at(path).end == Sealed(second.head)


def test_a_journal_that_changed_after_it_was_read_is_not_continued(tmp_path: Path) -> None:
    path = journal_at(tmp_path, OPEN)
    reading = reading_at(path)
    path.write_bytes(OPEN + b"x")
    assert continue_journal(path, reading, VirtualClock()) == JournalFailure(
        "open", "the journal has changed since it was read"
    )


@pytest.mark.parametrize("data", [session_bytes(), OPEN[:-1], MAGIC, b"", b"something else"])
def test_what_is_closed_torn_or_no_journal_is_not_continued(tmp_path: Path, data: bytes) -> None:
    path = journal_at(tmp_path, data)
    result = continue_journal(path, reading_at(path), VirtualClock())
    assert result == JournalFailure("open", "the journal does not end where it could go on")
    assert path.read_bytes() == data


def test_a_missing_file_is_a_value_and_not_a_crash(tmp_path: Path) -> None:
    path = tmp_path / "absent.journal"
    assert read_journal(path) == Unread("no such file or directory")
    assert repair_journal(path) == JournalFailure("open", "no such file or directory")
    assert continue_journal(path, scan(OPEN), VirtualClock()) == JournalFailure(
        "open", "no such file or directory"
    )
    assert isinstance(scan(b"something else").end, Corrupt)
