"""What a session does about a link that fails and a device that does not do as it is told."""

from __future__ import annotations

import pytest

from ionto_ir.dataclass import replace
from ionto_ir.events import Pause, Resume, Stop
from ionto_ir.plan import Interruptions
from ionto_ir.state import Mode
from ionto_ir.waveform import Waveform
from ionto_runtime.journal_reader import Unsealed
from ionto_runtime.session import Session
from ionto_runtime.simulation.stimulator import Fault
from ionto_runtime.stimulator import Accepted, Measurement, Refusal, Refused, Reply
from tests.ir.sessions import (
    MA,
    SECOND,
    SPAN,
    bound_of,
    timed_plan,
)
from tests.runtime.bedside import Bedside
from tests.runtime.broken import Broken
from tests.runtime.short_sessions import SHORT, check, reached


# --- the link ---------------------------------------------------------------------------------------------
@pytest.mark.parametrize("fault", [Fault.SILENT, Fault.DEAF_HOST])
@pytest.mark.parametrize("misses", [1, 2])
def test_one_or_two_missing_answers_are_bridged_and_counted_at_their_worst(fault: Fault, misses: int) -> None:
    bedside = reached()
    bedside.device.inject(fault)
    bedside.tick(misses)
    bedside.device.clear(fault)
    bedside.until_closed()
    assert bedside.session.completed
    assert bedside.codes() == []
    check(bedside)


def test_nothing_rises_while_the_device_has_not_confirmed() -> None:
    bedside = reached(20)
    level = bedside.session.state.machine.level_na
    bedside.device.inject(Fault.DEAF_HOST)
    bedside.tick(2)
    # The command before the first miss was confirmed, so one more rise may have been sent.
    assert bedside.session.state.machine.level_na <= level + 50_000 + 1
    check(bedside)


@pytest.mark.parametrize("fault", [Fault.SILENT, Fault.DEAF_HOST])
def test_three_missing_answers_are_a_lost_link_and_a_person_resumes_when_it_is_back(fault: Fault) -> None:
    bedside = reached()
    bedside.device.inject(fault)
    bedside.tick(3)
    assert bedside.session.state.mode is Mode.LOST
    assert bedside.codes() == ["F03"]
    bedside.tick(10)
    bedside.device.clear(fault)
    bedside.tick(3)
    assert bedside.session.state.mode is Mode.PAUSED
    bedside.session.feed(Resume())
    bedside.until_closed()
    assert bedside.session.completed
    check(bedside)


def test_an_answer_that_came_late_is_charged_at_what_the_device_may_have_held() -> None:
    calm, late = reached(160), reached(160)
    assert calm.session.state.mode is Mode.ON
    broken = late.session.output.stimulator = Broken(late.device)
    for answers in (False, True):
        broken.answers = (lambda reply: reply) if answers else (lambda reply: None)
        for bedside in (calm, late):
            bedside.tick(1)
    events = [record.payload.get("event") for record in late.reading.records]
    assert events.count("ack") == 1
    # The ramp falls by 50 uA a tick (2 % and all); in two ticks the device may have held what was set before.
    assert late.session.upper_pc - calm.session.upper_pc >= 100 * 51_000
    late.until_closed()
    check(late)


def test_three_missing_answers_are_too_many_however_patient_the_device() -> None:
    plan = timed_plan()
    patient = bound_of(replace(plan, device=replace(plan.device, host_gap_ms=2_000, watchdog_ms=3_000)))
    bedside = reached(150, patient)
    bedside.device.inject(Fault.SILENT)
    bedside.tick(2)
    assert bedside.session.state.mode is Mode.ON
    bedside.tick(1)
    assert bedside.session.state.mode is Mode.LOST


def test_a_silence_longer_than_the_host_gap_is_too_long_however_few_the_ticks() -> None:
    bedside = reached()
    bedside.device.inject(Fault.SILENT)
    bedside.tick(1, ms=260)
    assert bedside.session.state.mode is Mode.LOST


def test_a_link_that_stays_lost_ends_the_session_after_the_longest_pause() -> None:
    bound = bound_of(timed_plan(interruptions=Interruptions(1, 5 * SECOND, True, SPAN)))
    bedside = reached(150, bound)
    bedside.device.inject(Fault.SILENT)
    bedside.until_closed()
    assert bedside.session.end is not None and "longer than is allowed" in bedside.session.end.reason
    assert {"F03", "F08", "F20"} == set(bedside.codes())
    assert isinstance(bedside.reading.end, Unsealed)
    check(bedside)


def test_a_lease_that_ran_out_is_an_interruption_and_never_a_jump_back() -> None:
    bedside = reached()
    bedside.tick(1, ms=700)
    assert bedside.session.state.mode is Mode.LOST
    bedside.tick(2)
    assert bedside.session.state.mode is Mode.PAUSED
    bedside.session.feed(Resume())
    bedside.tick(1)
    reading = bedside.device.measure()
    assert reading is not None and reading.setpoint_na <= 100_000
    bedside.until_closed()
    check(bedside)


def test_time_that_a_tick_took_too_long_is_added_to_the_upper_bound() -> None:
    bedside = reached()
    before = bedside.session.upper_pc
    bedside.tick(1, ms=180)
    worst_na = 2 * MA + 2 * MA * 2 // 100 + 10_000
    assert bedside.session.upper_pc - before == 180 * worst_na
    assert bedside.session.behind_ms == 80
    bedside.until_closed()
    check(bedside)


# --- the device -------------------------------------------------------------------------------------------
def test_a_lead_that_comes_off_opens_the_output_and_pauses() -> None:
    bedside = reached()
    bedside.device.inject(Fault.LEAD_OFF)
    bedside.tick(1)
    assert bedside.session.state.mode is Mode.PAUSED
    assert bedside.codes() == ["F01"]
    bedside.tick(5)
    bedside.device.clear(Fault.LEAD_OFF)
    bedside.session.feed(Resume())
    bedside.until_closed()
    assert bedside.session.completed
    check(bedside)


def test_a_lead_that_is_still_off_after_a_resume_is_seen_again() -> None:
    bedside = reached()
    bedside.device.inject(Fault.LEAD_OFF)
    bedside.tick(3)
    bedside.session.feed(Resume())
    bedside.tick(5)
    assert bedside.session.state.mode is Mode.PAUSED
    assert bedside.codes() == ["F01", "F01"]


def test_a_device_that_restarts_ends_the_session() -> None:
    bedside = reached()
    bedside.device.reset()
    bedside.tick(1)
    assert bedside.session.end is not None and bedside.session.end.reason == "the device reported a fault"
    bedside.until_closed()
    check(bedside)


def test_a_device_that_restarts_while_nothing_flows_ends_the_session_too() -> None:
    bedside = reached()
    bedside.session.feed(Pause())
    bedside.tick(60)
    bedside.device.reset()
    bedside.tick(1)
    assert bedside.codes() == ["F06"]
    causes = [record.payload.get("cause") for record in bedside.reading.records]
    assert "the device has restarted" in causes


def test_a_device_that_has_served_before_is_found_again_when_the_answer_to_opening_is_lost() -> None:
    bedside = Bedside(SHORT)
    for seq in range(1, 1_000):
        bedside.device.set_current(0, 500, seq)
    bedside.begin().tick(80)
    bedside.device.inject(Fault.DEAF_HOST)
    bedside.tick(5)
    assert bedside.session.state.mode is Mode.LOST
    bedside.device.clear(Fault.DEAF_HOST)
    bedside.tick(2)
    bedside.session.feed(Resume())
    bedside.until_closed()
    assert bedside.session.completed
    check(bedside)


def test_an_output_that_ignores_commands_is_found_out_told_and_counted_to_the_last() -> None:
    bedside = reached()
    bedside.device.inject(Fault.STUCK_OUTPUT)
    bedside.session.feed(Stop())
    bedside.until_closed()
    assert bedside.codes()[:1] == ["F06"] and "F20" in bedside.codes()
    assert bedside.ticks > 100
    check(bedside)


class Refusing:
    """A stimulator that refuses its hundredth setpoint and is otherwise a good one."""

    def __init__(self, inner: object) -> None:
        self.inner = inner
        self.count = 0

    def set_current(self, na: int, lease_ms: int, seq: int, waveform: Waveform | None = None) -> Reply | None:
        self.count += 1
        if self.count == 100:
            return Refused(seq, Refusal.OUT_OF_RANGE)
        return self.inner.set_current(na, lease_ms, seq, waveform)  # type: ignore[attr-defined,no-any-return]

    def output_off(self, seq: int) -> Reply | None:
        return self.inner.output_off(seq)  # type: ignore[attr-defined,no-any-return]

    def measure(self) -> Measurement | None:
        return self.inner.measure()  # type: ignore[attr-defined,no-any-return]


def test_a_setpoint_that_the_device_refuses_is_a_fault() -> None:
    bedside = Bedside(SHORT)
    bedside.session = Session(SHORT, Refusing(bedside.device), bedside.journal)
    bedside.begin().until_closed()
    assert bedside.codes() == ["F06"]
    causes = [record.payload.get("cause") for record in bedside.reading.records]
    assert "the device refused: beyond the range of the device" in causes
    reading = bedside.device.measure()
    assert reading is not None and not reading.output_on
    check(bedside)


class HalfContact(Refusing):
    """A stimulator that at one moment drives two fifths of the current with all its voltage."""

    def measure(self) -> Measurement | None:
        found = super().measure()
        if found is not None and found.output_on and found.seq == 80:
            return replace(found, lead_off=True, current_na=800_000)
        return found


def test_what_was_read_before_the_output_opened_is_not_taken_for_what_flows_after_it() -> None:
    bedside = Bedside(SHORT)
    bedside.session = Session(SHORT, HalfContact(bedside.device), bedside.journal)
    bedside.begin().tick(85)
    assert bedside.codes() == ["F01"]
    opened = [record.payload for record in bedside.reading.records if "cause" in record.payload]
    after = bedside.reading.records[-1].payload
    assert after["upper_pc"] == opened[0]["upper_pc"]


class Hot(Refusing):
    """A stimulator that reports a tenth more than was set."""

    def set_current(self, na: int, lease_ms: int, seq: int, waveform: Waveform | None = None) -> Reply | None:
        return self.inner.set_current(na // 11 * 10 // 10_000 * 10_000, lease_ms, seq) and Accepted(seq)  # type: ignore[attr-defined]


def test_a_device_that_is_set_to_something_else_is_found_out_at_the_next_tick() -> None:
    bedside = Bedside(SHORT)
    bedside.session = Session(SHORT, Hot(bedside.device), bedside.journal)
    bedside.begin().tick(5)
    assert bedside.session.end is not None and bedside.session.end.reason == "the device reported a fault"


def test_too_little_voltage_is_said_and_said_louder_when_it_lasts() -> None:
    plan = timed_plan(hold_ms=10 * SECOND, ramp_ms=4 * SECOND)
    weak = bound_of(replace(plan, device=replace(plan.device, compliance_mv=2_500)))
    bedside = Bedside(weak).begin().until_closed()
    assert bedside.codes() == ["F25", "F42"]
    assert bedside.session.completed
    check(bedside)
