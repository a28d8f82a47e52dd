"""What a session writes down before it acts, what it does when it cannot, and what holds whatever happens."""

from __future__ import annotations

import errno
from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ionto_ir.events import EmergencyStop, Event, Pause, Resume, Stop
from ionto_ir.plan import ForTime, Interruptions
from ionto_ir.waveform import Waveform
from ionto_runtime.journal_format import RecordType
from ionto_runtime.journal_reader import Sealed, Unsealed
from ionto_runtime.simulation.stimulator import Fault
from ionto_runtime.stimulator import Reply
from tests.ir.sessions import (
    MA,
    SECOND,
    SPAN,
    bound_of,
    constant,
    finish,
    hold,
    plan_of,
    ramp,
    timed_plan,
)
from tests.runtime.bedside import Bedside, settings_of
from tests.runtime.journals import MemoryFile
from tests.runtime.short_sessions import SHORT, check, reached


# --- the journal ------------------------------------------------------------------------------------------
class FullDisk(MemoryFile):
    """A file that takes `room` writes and then has no space, or cannot sync."""

    room = 10**9
    refuses = "write"

    def write(self, data: bytes) -> int:
        if self.refuses == "write" and len(self.writes) >= self.room:
            raise OSError(errno.ENOSPC, "No space left on device")
        return super().write(data)

    def sync(self) -> None:
        if self.refuses == "sync" and len(self.writes) >= self.room:
            raise OSError(errno.EIO, "Input/output error")
        super().sync()


def full_disk(room: int, refuses: str = "write") -> FullDisk:
    file = FullDisk()
    file.room, file.refuses = room, refuses
    return file


@pytest.mark.parametrize("refuses", ["write", "sync"])
@pytest.mark.parametrize("room", [3, 4, 5, 6, 30, 60, 61, 62, 150, 220])
def test_a_disk_that_fails_stops_the_session_and_the_ramp_down_needs_no_journal(
    room: int, refuses: str
) -> None:
    file = full_disk(room, refuses)
    bedside = Bedside(SHORT, file).begin().until_closed()
    assert bedside.codes() == ["F21"]
    assert not bedside.session.completed
    assert bedside.session.end is not None and bedside.session.end.reason == "stopped"
    assert not bedside.device.measure().output_on  # type: ignore[union-attr]
    assert bedside.device.received.total_pc <= bedside.session.upper_pc
    assert not isinstance(bedside.reading.end, Sealed)


def _noting(
    before: Callable[[int, int, int], Reply | None], sent: list[int]
) -> Callable[[int, int, int], Reply | None]:
    def watch(na: int, lease_ms: int, seq: int, waveform: Waveform | None = None) -> Reply | None:
        sent.append(abs(na))
        return before(na, lease_ms, seq)

    return watch


def test_a_raise_that_cannot_be_written_down_is_not_sent() -> None:
    for room in range(3, 60):
        file = full_disk(room)
        bedside = Bedside(SHORT, file).begin()
        sent: list[int] = []
        bedside.device.set_current = _noting(bedside.device.set_current, sent)  # type: ignore[method-assign]
        bedside.until_closed()
        written = settings_of(bedside.reading)
        announced = [
            record.payload["current_na"]
            for record in bedside.reading.records
            if record.kind is RecordType.INTENT
        ]
        assert max(sent, default=0) <= max([*written, *announced, 0])


def test_every_raise_is_on_the_disk_before_it_is_sent() -> None:
    file = MemoryFile()
    bedside = Bedside(SHORT, file).begin()
    before = bedside.device.set_current
    checked = []

    def watch(na: int, lease_ms: int, seq: int, waveform: Waveform | None = None) -> Reply | None:
        reading = bedside.device.measure()
        assert reading is not None
        if abs(na) > abs(reading.setpoint_na) or not reading.output_on:
            durable = b"".join(file.writes[: file.synced])
            assert f'"command":"set_current","current_na":{na},'.encode() in durable
            assert f'"sequence":{seq}}}'.encode() in durable
            checked.append(na)
        return before(na, lease_ms, seq)

    bedside.device.set_current = watch  # type: ignore[method-assign]
    bedside.until_closed()
    assert len(checked) > 30


def test_what_lowers_the_current_does_not_wait_for_the_disk() -> None:
    file = MemoryFile()
    bedside = reached(80, file=file)
    writes = len(file.writes)
    seen: list[int] = []
    before = bedside.device.output_off

    def watch(seq: int) -> Reply | None:
        seen.append(len(file.writes))
        return before(seq)

    bedside.device.output_off = watch  # type: ignore[method-assign]
    bedside.session.feed(EmergencyStop())
    assert seen == [writes]
    assert len(file.writes) > writes


# --- our own bugs -----------------------------------------------------------------------------------------
def test_a_trip_opens_the_output_whatever_else_fails() -> None:
    bedside = reached()
    bedside.session.trip("something broke")
    reading = bedside.device.measure()
    assert reading is not None and not reading.output_on
    assert bedside.session.closed and not bedside.session.completed
    assert "F24" in bedside.codes()
    bedside.session.finish()
    assert isinstance(bedside.reading.end, Unsealed)


def test_a_trip_needs_no_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    bedside = reached()

    def broken(*_: object) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr("ionto_runtime.session.step", broken)
    bedside.session.trip("something broke")
    reading = bedside.device.measure()
    assert reading is not None and not reading.output_on
    assert bedside.session.end is not None and bedside.session.end.reason == "ionto itself went wrong"


# --- anything at any time -----------------------------------------------------------------------------------
WHAT: dict[str, Event | Fault] = {
    "pause": Pause(),
    "resume": Resume(),
    "stop": Stop(),
    "emergency": EmergencyStop(),
    "silent": Fault.SILENT,
    "deaf": Fault.DEAF_HOST,
    "lead": Fault.LEAD_OFF,
    "short": Fault.SHORT,
}


@settings(max_examples=40)
@given(
    st.lists(
        st.tuples(st.sampled_from(sorted(WHAT)), st.integers(0, 40), st.integers(1, 6), st.booleans()),
        max_size=8,
    ),
    st.integers(1, 5),
)
def test_whatever_happens_the_journal_replays_and_the_charge_stays_within_its_bounds(
    happenings: list[tuple[str, int, int, bool]], seed: int
) -> None:
    bound = bound_of(
        timed_plan(hold_ms=6 * SECOND, ramp_ms=3 * SECOND, interruptions=Interruptions(3, 4_000, True, SPAN))
    )
    bedside = Bedside(bound, seed=seed).begin()
    for name, wait, lasts, late in happenings:
        bedside.tick(wait)
        if late:
            bedside.tick(1, ms=160)
        what = WHAT[name]
        if isinstance(what, Fault):
            bedside.device.inject(what)
            bedside.tick(lasts)
            bedside.device.clear(what)
        elif not bedside.session.state.ended:
            bedside.session.feed(what)
        bedside.tick(4)
        bedside.session.feed(Resume())
    bedside.until_closed()
    assert not bedside.device.measure().output_on  # type: ignore[union-attr]
    check(bedside)


def test_a_hold_for_no_time_is_left_at_once() -> None:
    steps = (
        ramp(MA, SECOND, 0, MA, 1),
        hold(MA, ForTime(constant(0)), 2),
        ramp(0, SECOND, MA, MA, 3),
        finish(),
    )
    bedside = Bedside(bound_of(plan_of(steps))).begin().until_closed()
    assert bedside.session.completed
    check(bedside)
