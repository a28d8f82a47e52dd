"""Earlier sessions: counted from their journals, at their worst when they crashed, and never guessed."""

from __future__ import annotations

import copy
import fcntl
import os
import struct
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from ionto_ir.bind import History, Refusal, bind
from ionto_ir.canonical import Json
from ionto_ir.dataclass import replace
from ionto_ir.diagnostic import Diagnostic
from ionto_ir.events import Adjust
from ionto_ir.expression import Value
from ionto_ir.plan import Variable
from ionto_runtime.accounting import Account, account_of
from ionto_runtime.history import day_of, read_history
from ionto_runtime.journal import Durability, JournalWriter, Written
from ionto_runtime.journal_format import RecordType
from ionto_runtime.journal_reader import Reading, read_journal, scan
from ionto_runtime.session import Session
from ionto_runtime.simulation.clock import WALL_START_MS
from ionto_runtime.simulation.stimulator import Fault, SimulatedStimulator
from ionto_runtime.stimulator import Measurement
from tests.ir.sessions import SECOND, bound_of, timed_plan
from tests.runtime.bedside import Bedside, header_of
from tests.runtime.journals import MemoryFile
from tests.runtime.sealed_plans import MA, heel_plan
from tests.treatments import HERE

BOUND = bound_of(timed_plan(hold_ms=4 * SECOND, ramp_ms=2 * SECOND))
NOW_MS = WALL_START_MS + 3_600_000


@pytest.fixture(scope="module")
def session() -> Bedside:
    """A session that ran to its end."""
    return Bedside(BOUND).begin().until_closed()


def data_of(bedside: Bedside) -> bytes:
    assert isinstance(bedside.file, MemoryFile)
    return bedside.file.data


def history_of(folder: Path, patient: str = "P1", plan_name: str = "heel") -> History:
    found = read_history(folder, patient, plan_name, NOW_MS)
    assert isinstance(found, History)
    return found


def refusal_of(folder: Path) -> Diagnostic:
    """The one reason why the history is not known."""
    found = read_history(folder, "P1", "heel", NOW_MS)
    assert not isinstance(found, History)
    (problem,) = found
    assert problem.code == "I0960"
    return problem


def account(data: bytes) -> Account:
    found = account_of(scan(data))
    assert isinstance(found, Account)
    return found


def test_without_a_folder_there_is_no_history(tmp_path: Path) -> None:
    found = history_of(tmp_path / "records")
    assert found.sessions == ()
    assert (found.now_ms, found.today) == (NOW_MS, day_of(NOW_MS))


def test_a_finished_session_counts_with_what_it_set_and_what_may_have_flowed(
    tmp_path: Path, session: Bedside
) -> None:
    (tmp_path / "a.journal").write_bytes(data_of(session))
    (tmp_path / "notes.txt").write_text("not a journal", encoding="utf-8")
    (past,) = history_of(tmp_path).sessions
    assert past.nominal_pc == session.session.nominal_pc == 2 * MA * 6 * SECOND
    assert past.upper_pc == session.session.upper_pc
    assert past.start_ms == WALL_START_MS + 100
    assert past.end_ms == WALL_START_MS + session.clock.now_ms()
    assert past.day == day_of(past.start_ms)


def test_sessions_of_others_do_not_count(tmp_path: Path, session: Bedside) -> None:
    (tmp_path / "a.journal").write_bytes(data_of(session))
    assert history_of(tmp_path, "P2").sessions == ()


def test_a_session_in_which_nothing_flowed_does_not_count(tmp_path: Path) -> None:
    bedside = Bedside(BOUND)
    bedside.session.arm()
    (tmp_path / "a.journal").write_bytes(data_of(bedside))
    (tmp_path / "b.journal").write_bytes(b"")
    (tmp_path / "c.journal").write_bytes(data_of(bedside)[:40])
    assert history_of(tmp_path).sessions == ()


def test_a_damaged_journal_of_another_patient_is_no_concern(tmp_path: Path, session: Bedside) -> None:
    data = bytearray(data_of(session))
    data[len(data) // 2] ^= 1
    (tmp_path / "a.journal").write_bytes(bytes(data))
    assert history_of(tmp_path, "P2").sessions == ()


@pytest.mark.parametrize("at", [3, 60, 700, -40_000, -2_000])
def test_a_damaged_journal_is_refused_and_named(tmp_path: Path, session: Bedside, at: int) -> None:
    data = bytearray(data_of(session))
    data[at] ^= 1
    (tmp_path / "a.journal").write_bytes(bytes(data))
    problem = refusal_of(tmp_path)
    assert problem.primary is not None and problem.primary.span.file.endswith("a.journal")
    assert problem.help is not None and "move the file" in problem.help


def test_every_journal_that_cannot_be_counted_is_named(tmp_path: Path) -> None:
    for name in ("a", "b"):
        (tmp_path / f"{name}.journal").write_bytes(b"something else entirely")
    found = read_history(tmp_path, "P1", "heel", NOW_MS)
    assert isinstance(found, tuple)
    assert [problem.code for problem in found] == ["I0960", "I0960"]


def test_a_session_that_is_still_running_is_waited_for(tmp_path: Path, session: Bedside) -> None:
    path = tmp_path / "a.journal"
    path.write_bytes(data_of(session)[:-120])
    descriptor = os.open(path, os.O_RDONLY)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        problem = refusal_of(tmp_path)
    finally:
        os.close(descriptor)
    assert "still running" in problem.message
    assert len(history_of(tmp_path).sessions) == 1


def test_a_folder_that_cannot_be_looked_at_is_refused(tmp_path: Path) -> None:
    (tmp_path / "records").write_text("a file", encoding="utf-8")
    assert "not a directory" in refusal_of(tmp_path / "records").message


def test_a_header_of_another_time_is_refused(tmp_path: Path) -> None:
    file = MemoryFile()
    bedside = Bedside(BOUND)
    writer = JournalWriter(file, bedside.clock, Durability.SYNCED)
    assert isinstance(writer.begin(header_of(BOUND, constants={"tick_ms": 100})), Written)
    (tmp_path / "a.journal").write_bytes(file.data)
    assert "how the session was bound" in refusal_of(tmp_path).message


@pytest.mark.parametrize("payload", [{"event": "tick"}, {"event": "tick", "upper_pc": "1"}])
def test_an_event_without_ledgers_is_refused(tmp_path: Path, payload: dict[str, Json]) -> None:
    file = MemoryFile()
    bedside = Bedside(BOUND)
    writer = JournalWriter(file, bedside.clock, Durability.SYNCED)
    assert isinstance(writer.begin(header_of(BOUND)), Written)
    writer.append(RecordType.SAMPLE, payload)
    (tmp_path / "a.journal").write_bytes(file.data)
    assert "without ledgers" in refusal_of(tmp_path).message


def test_a_session_keeps_its_protocol_its_values_and_what_was_recorded(tmp_path: Path) -> None:
    values: dict[str, Value] = {"current": 2 * MA, "pacemaker": False, "sore": False}
    bound = bind(heel_plan(4_000), values)
    assert not isinstance(bound, Refusal)
    bedside = Bedside(bound, answers={"skin": 1}).begin().until_closed()
    assert bedside.session.completed
    (tmp_path / "a.journal").write_bytes(data_of(bedside))
    (past,) = history_of(tmp_path, plan_name="hand").sessions
    assert past.protocol == "heel"
    assert dict(past.values) == values
    assert past.records == (("skin", 1),)


def test_a_session_is_remembered_as_it_was_adjusted_and_where_it_was(tmp_path: Path) -> None:
    plan = heel_plan(4_000)
    plan = replace(plan, variables=tuple(_adjustable(item) for item in plan.variables))
    bound = bind(plan, {"current": 2 * MA, "pacemaker": False, "sore": False})
    assert not isinstance(bound, Refusal)
    bedside = Bedside(bound, answers={"skin": 1}, changes={"sites": ["left heel"]}).begin()

    def adjust(to: int) -> Callable[[Bedside], None]:
        return lambda there: there.session.feed(Adjust("current", to))

    bedside.until_closed({100: adjust(MA), 110: adjust(99 * MA)})
    (tmp_path / "a.journal").write_bytes(data_of(bedside))
    (past,) = history_of(tmp_path).sessions
    assert dict(past.values)["current"] == MA, "what was refused is not remembered"
    assert past.sites == ("left heel",)


def _adjustable(item: Variable) -> Variable:
    return replace(item, adjustable=item.name == "current")


def test_binding_counts_what_earlier_sessions_have_given(tmp_path: Path) -> None:
    values: dict[str, Value] = {"current": 2 * MA, "pacemaker": False, "sore": False}
    plan = heel_plan(4 * 60_000)
    bound = bind(plan, values)
    assert not isinstance(bound, Refusal)
    bedside = Bedside(bound, answers={"skin": 0}).begin().until_closed()
    (tmp_path / "a.journal").write_bytes(data_of(bedside))
    second = bind(plan, values, (), history_of(tmp_path))
    assert isinstance(second, Refusal)
    assert {problem.code for problem in second.diagnostics} <= {"I0940", "I0941", "I0943"}
    long_ago = read_history(tmp_path, "P1", "heel", NOW_MS + 48 * 3_600_000)
    assert isinstance(long_ago, History)
    assert not isinstance(bind(plan, values, (), long_ago), Refusal)


@pytest.mark.requirement("R6")
@pytest.mark.parametrize("patient", ["P1", "P2"])
def test_a_clock_that_was_set_back_brings_back_neither_a_dose_nor_a_day(
    tmp_path: Path, session: Bedside, patient: str
) -> None:
    (tmp_path / "a.journal").write_bytes(data_of(session))
    found = read_history(tmp_path, patient, "heel", WALL_START_MS - 24 * 3_600_000)
    assert not isinstance(found, History)
    (problem,) = found
    assert problem.code == "I0952"
    assert "2025-12-31 00:00 UTC" in problem.message and "2026-01-01 00:00 UTC" in problem.message
    # What a time server does is no reason to send a patient home.
    assert isinstance(read_history(tmp_path, patient, "heel", WALL_START_MS - 30_000), History)


@pytest.mark.requirement("R6")
def test_a_damaged_journal_of_another_protocol_counts_up_to_its_cap(tmp_path: Path) -> None:
    values: dict[str, Value] = {"current": 2 * MA, "pacemaker": False, "sore": False}
    bound = bind(heel_plan(4_000), values)
    assert not isinstance(bound, Refusal)
    bedside = Bedside(bound, answers={"skin": 1}).begin().until_closed()
    data = bytearray(data_of(bedside))
    data[len(data) // 3] ^= 1
    (tmp_path / "a.journal").write_bytes(bytes(data))
    (past,) = history_of(tmp_path, plan_name="hand").sessions
    assert bound.constants.cap_pc == 10 * MA * 60_000
    assert past.upper_pc > past.nominal_pc >= bound.constants.cap_pc
    assert past.end_ms > WALL_START_MS + bedside.clock.now_ms(), "the last sound record, and what may follow"
    assert past.records == ()
    refused = read_history(tmp_path, "P1", "heel", NOW_MS)
    assert not isinstance(refused, History), "what was recorded may have ended the course"
    assert [problem.code for problem in refused] == ["I0960"]


# --- crashes ----------------------------------------------------------------------------------------------
class Witness(MemoryFile):
    """A file that notes at each write what would really have flowed if the program had died just before it.

    The device goes on until its watchdog opens the output.
    """

    __slots__ = ("bedside", "truths")

    def __init__(self) -> None:
        super().__init__()
        self.truths: list[int] = []
        self.bedside: Bedside | None = None

    def write(self, data: bytes) -> int:
        self.truths.append(self.truth())
        return super().write(data)

    def truth(self) -> int:
        if self.bedside is None:
            return 0
        device = copy.deepcopy(self.bedside.device)
        device.advance(1_000)
        return device.received.total_pc


def witnessed() -> Witness:
    """A session with everything in it."""
    file = Witness()
    bedside = Bedside(BOUND, file)
    file.bedside = bedside
    bedside.begin().tick(15)
    bedside.device.inject(Fault.SILENT)
    bedside.tick(2)
    bedside.device.clear(Fault.SILENT)
    bedside.tick(10)
    bedside.device.inject(Fault.DEAF_HOST)
    bedside.tick(1)
    bedside.device.clear(Fault.DEAF_HOST)
    bedside.until_closed()
    return file


def test_wherever_the_program_dies_the_truth_lies_between_the_bounds() -> None:
    file = witnessed()
    assert len(file.writes) > 120
    checked = 0
    for count in range(1, len(file.writes)):
        found = account_of(scan(b"".join(file.writes[:count])))
        if isinstance(found, str):
            assert count == 1, "only before the header nothing is known"
            continue
        assert not found.closed
        assert found.charge.upper_pc >= file.truths[count]
        assert found.charge.lower_pc <= file.truths[count]
        checked += 1
    assert checked > 120


def test_whatever_a_loss_of_power_takes_away_the_truth_is_not_above_the_bound() -> None:
    """At each sync the disk may hold only what was synced before."""

    class Volatile(Witness):
        __slots__ = ("kept",)

        def __init__(self) -> None:
            super().__init__()
            self.kept: list[int] = []

        def write(self, data: bytes) -> int:
            self.kept.append(self.synced)
            return super().write(data)

    file = Volatile()
    bedside = Bedside(BOUND, file)
    file.bedside = bedside
    bedside.begin().until_closed()
    for count in range(2, len(file.writes)):
        kept = file.kept[count]
        found = account_of(scan(b"".join(file.writes[:kept])))
        if isinstance(found, str):
            continue
        assert found.charge.upper_pc >= file.truths[count]


class Exact:
    """A stimulator that reads exactly what is set."""

    def __init__(self, inner: SimulatedStimulator) -> None:
        self.set_current, self.output_off = inner.set_current, inner.output_off
        self._inner = inner

    def measure(self) -> Measurement | None:
        found = self._inner.measure()
        return None if found is None else replace(found, current_na=found.setpoint_na)


def test_what_was_surely_delivered_is_what_was_read_less_the_accuracy() -> None:
    bedside = Bedside(BOUND)
    bedside.session = Session(BOUND, Exact(bedside.device), bedside.journal)
    bedside.begin().tick(30)
    before = account(data_of(bedside)).charge.lower_pc
    bedside.tick(5)
    assert account(data_of(bedside)).charge.lower_pc - before == 5 * 100 * (
        2 * MA - 2 * MA * 2 // 100 - 10_000
    )


def test_electrodes_that_touch_deliver_nothing_for_sure() -> None:
    bedside = Bedside(BOUND).begin().tick(25)
    bedside.device.inject(Fault.SHORT)
    bedside.tick(2)
    before = account(data_of(bedside)).charge.lower_pc
    bedside.tick(5)
    assert account(data_of(bedside)).charge.lower_pc == before


def test_a_torn_tail_counts_as_a_crash_before_it() -> None:
    file = witnessed()
    data = b"".join(file.writes[:100])
    whole = account(data)
    torn = account(data[:-9])
    before = account(b"".join(file.writes[:99]))
    assert torn.charge.lower_pc == before.charge.lower_pc
    assert torn.charge.upper_pc > before.charge.upper_pc, "what stood there may have been a raise"
    assert whole.charge.upper_pc >= torn.charge.lower_pc


def test_a_crash_adds_what_may_have_flowed_unrecorded(tmp_path: Path, session: Bedside) -> None:
    data = data_of(session)
    records = session.reading.records
    middle = records[len(records) // 2]
    (tmp_path / "a.journal").write_bytes(data[: middle.offset])
    (past,) = history_of(tmp_path).sessions
    worst_na = 2 * MA + 2 * MA * 2 // 100 + 10_000
    last = [record for record in records[: middle.sequence] if "upper_pc" in record.payload][-1]
    fall_na = BOUND.constants.fall_na
    down_pc = sum(max(0, worst_na - tick * fall_na) * 100 for tick in range(1_000))
    assert past.upper_pc == last.payload["upper_pc"] + worst_na * (1_000 + 2_000 + 200 + 2 * 500) + down_pc
    down_ms = -(-worst_na // fall_na) * 100
    assert past.end_ms == records[middle.sequence - 1].wall_ms + 3_200 + 1_000 + down_ms


def test_a_session_killed_at_any_moment_is_counted_between_its_bounds(tmp_path: Path) -> None:
    for round_, enough_pc in enumerate((1, 500_000_000, 4_000_000_000, 12_000_000_000)):
        journal, shared = tmp_path / f"{round_}.journal", tmp_path / f"{round_}.shared"
        shared.write_bytes(bytes(8))
        process = subprocess.Popen(
            [sys.executable, "-m", "tests.runtime.crashing", str(journal), str(shared)]
        )
        try:
            while struct.unpack("<q", shared.read_bytes())[0] < enough_pc:
                assert process.poll() is None, "it ended by itself"
                time.sleep(0.002)
        finally:
            process.kill()
            process.wait()
        flowed_pc = struct.unpack("<q", shared.read_bytes())[0]
        reading = read_journal(journal)
        assert isinstance(reading, Reading)
        found = account_of(reading)
        assert isinstance(found, Account) and not found.closed
        # What is shared may be one tick old; after it the device may have gone on until its watchdog.
        after_pc = 600 * (2 * MA + 50_000)
        assert found.charge.lower_pc <= flowed_pc + after_pc
        assert flowed_pc <= found.charge.upper_pc
    history = history_of(tmp_path)
    assert len(history.sessions) == 4
    assert all(past.upper_pc > 0 for past in history.sessions)


def test_places_of_messages_are_printable(tmp_path: Path) -> None:
    path = tmp_path / "a\x1b[2Jb.journal"
    path.write_bytes(b"something else")
    problem = refusal_of(tmp_path)
    assert problem.primary is not None and "\x1b" not in problem.primary.span.file
    assert HERE.file not in problem.primary.span.file
