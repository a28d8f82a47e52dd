"""A session on the simulated stimulator: what it sends, and what it does about people, links and faults."""

from __future__ import annotations

from itertools import pairwise

import pytest

from ionto_ir.dataclass import replace
from ionto_ir.events import Adjust, EmergencyStop, Pause, Resume, Stop
from ionto_ir.plan import Interruptions, Wait
from ionto_ir.state import Mode
from ionto_runtime.journal_format import RecordType
from ionto_runtime.journal_reader import Sealed, Unsealed
from ionto_runtime.session import Session
from ionto_runtime.simulation.stimulator import Fault
from ionto_runtime.stimulator import Accepted, Measurement, Refusal, Refused, Reply
from tests.ir.sessions import (
    MA,
    MINUTE,
    SECOND,
    SPAN,
    bound_of,
    constant,
    finish,
    plan_of,
    ramp,
    timed_plan,
)
from tests.ir.sessions import usual_plan as usual
from tests.runtime.bedside import Bedside, settings_of
from tests.runtime.short_sessions import SHORT, check, reached


# --- an undisturbed session -------------------------------------------------------------------------------
def test_a_session_runs_to_its_end_and_its_journal_is_sealed() -> None:
    bedside = reached(0).until_closed()
    assert bedside.session.completed
    assert bedside.codes() == []
    assert isinstance(bedside.reading.end, Sealed)
    assert bedside.reading.records[-1].payload["reason"] == "done"
    assert bedside.session.nominal_pc == 2 * MA * 10 * SECOND + 2 * MA * 4 * SECOND
    check(bedside)


def test_the_device_receives_what_the_plan_says_within_its_accuracy() -> None:
    bedside = Bedside(bound_of(usual(10 * MA * MINUTE), {"current": 2 * MA})).begin().until_closed()
    assert bedside.session.nominal_pc == 10 * MA * MINUTE
    assert abs(bedside.device.received.total_pc - 10 * MA * MINUTE) <= 10 * MA * MINUTE * 3 // 100
    check(bedside)


def test_every_tick_is_in_the_journal_with_ledgers_step_and_mode() -> None:
    bedside = reached(0).until_closed()
    samples = [record.payload for record in bedside.reading.records if record.kind is RecordType.SAMPLE]
    assert len(samples) == bedside.ticks
    for payload in samples:
        assert {"measured_na", "commands", "upper_pc", "nominal_pc", "step", "mode"} <= payload.keys()
    assert [payload["upper_pc"] for payload in samples] == sorted(payload["upper_pc"] for payload in samples)


def test_a_change_of_step_is_a_state_that_is_synced_at_once() -> None:
    bedside = reached(0).until_closed()
    steps = [
        (record.payload["step"], record.payload["mode"])
        for record in bedside.reading.records
        if record.kind is RecordType.STATE
    ]
    assert steps[:2] == [(0, "ready"), (0, "on")]
    assert {step for step, _ in steps} == {0, 1, 2, 3}
    assert steps[-1] == (3, "ended")


def test_the_charge_of_each_polarity_is_kept_apart() -> None:
    steps = (ramp(MA, 2 * SECOND, 0, MA, 1), ramp(0, 2 * SECOND, MA, MA, 2), *_backwards(2))
    bedside = Bedside(bound_of(plan_of(steps))).begin().until_closed()
    assert bedside.session.completed
    forward, backward = bedside.session.by_sign_pc[1], bedside.session.by_sign_pc[-1]
    # Two triangles, less what falls between two steps of the device.
    assert MA * 2 * SECOND * 98 // 100 <= forward <= MA * 2 * SECOND
    assert MA * 3 * SECOND * 98 // 100 <= backward <= MA * 3 * SECOND
    assert forward + backward == bedside.session.nominal_pc
    assert bedside.device.received.backward_pc > 0
    check(bedside)


def _backwards(first: int) -> tuple[object, ...]:
    return (
        Wait(constant(SECOND), "rest", first + 1, finish().section, SPAN),
        ramp(MA, 3 * SECOND, 0, MA, first + 2, reverse=True),
        ramp(0, 3 * SECOND, MA, MA, first + 3, reverse=True),
        finish(),
    )


# --- before and after -------------------------------------------------------------------------------------
def test_a_device_whose_output_does_not_open_is_not_armed() -> None:
    bedside = Bedside(SHORT)
    bedside.device.set_current(10_000, 500, 1)
    bedside.device.inject(Fault.STUCK_OUTPUT)
    assert bedside.session.arm() == "its output does not open"


def test_a_device_that_does_not_answer_is_not_armed() -> None:
    bedside = Bedside(SHORT)
    bedside.device.inject(Fault.SILENT)
    assert bedside.session.arm() == "it does not answer"


def test_arming_opens_an_output_that_was_on() -> None:
    bedside = Bedside(SHORT)
    bedside.device.set_current(10_000, 500, 1)
    bedside.device.advance(100)
    assert bedside.session.arm() is None
    reading = bedside.device.measure()
    assert reading is not None and not reading.output_on


def test_a_device_that_has_served_before_takes_the_numbers_of_the_next_session() -> None:
    bedside = Bedside(SHORT)
    for seq in range(1, 1_000):
        bedside.device.set_current(0, 500, seq)
    bedside.begin().until_closed()
    assert bedside.session.completed


def test_an_output_that_will_not_go_off_at_the_end_is_an_alarm_and_the_journal_stays_open() -> None:
    bedside = reached()
    while bedside.session.end is None:
        bedside.tick()
        if bedside.session.state.machine.level_na == 0:
            bedside.device.inject(Fault.STUCK_OUTPUT)
    bedside.until_closed()
    assert "F20" in bedside.codes()
    assert not bedside.session.completed
    assert isinstance(bedside.reading.end, Unsealed)


def test_zero_is_looked_at_for_a_second_before_the_session_closes() -> None:
    bedside = reached()
    while bedside.session.end is None:
        bedside.tick()
    ticks = bedside.ticks
    bedside.until_closed()
    assert bedside.ticks - ticks == 10


# --- people -----------------------------------------------------------------------------------------------
def test_a_pause_ramps_down_asks_and_resumes_from_zero() -> None:
    bedside = reached()
    bedside.session.feed(Pause())
    bedside.tick(60)
    assert bedside.session.state.mode is Mode.PAUSED
    assert bedside.session.prompt is not None
    bedside.session.feed(Resume())
    assert bedside.session.prompt is None
    bedside.tick(2)
    assert 0 < bedside.session.state.machine.level_na <= 100_001
    bedside.until_closed()
    assert bedside.session.completed
    check(bedside)


def test_a_stop_comes_down_at_the_stop_slew_and_ends() -> None:
    bedside = reached()
    bedside.session.feed(Stop())
    bedside.until_closed()
    assert bedside.session.end is not None and bedside.session.end.reason == "stopped"
    assert not bedside.session.completed
    settings_ = [abs(na) for na in settings_of(bedside.reading)]
    assert all(before - after <= 60_000 for before, after in pairwise(settings_))
    check(bedside)


def test_an_emergency_stop_opens_the_output_between_two_ticks() -> None:
    bedside = reached()
    bedside.pass_ms(50)
    bedside.session.feed(EmergencyStop())
    reading = bedside.device.measure()
    assert reading is not None and not reading.output_on
    bedside.until_closed()
    assert bedside.codes() == ["F09"]
    check(bedside)


def test_what_changes_nothing_is_told_and_kept() -> None:
    bedside = reached()
    bedside.session.feed(Resume())
    assert bedside.session.refusal is not None
    assert "nothing to resume" in bedside.session.refusal.reason
    bedside.session.feed(Pause())
    assert bedside.session.refusal is None


def test_an_adjusted_current_is_recorded() -> None:
    bedside = Bedside(bound_of(usual(5 * MA * MINUTE), {"current": 2 * MA})).begin().tick(400)
    bedside.session.feed(Adjust("current", 1_500_000))
    bedside.until_closed()
    assert [(item.variable, item.value) for item in bedside.session.records] == [("current", 1_500_000)]
    assert 0 <= 5 * MA * MINUTE - bedside.session.nominal_pc <= 1_500_000 * 100
    check(bedside)


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

    def set_current(self, na: int, lease_ms: int, seq: int) -> Reply | None:
        self.count += 1
        if self.count == 100:
            return Refused(seq, Refusal.OUT_OF_RANGE)
        return self.inner.set_current(na, lease_ms, seq)  # type: ignore[attr-defined,no-any-return]

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


class Hot(Refusing):
    """A stimulator that reports a tenth more than was set."""

    def set_current(self, na: int, lease_ms: int, seq: int) -> Reply | None:
        return self.inner.set_current(na // 11 * 10 // 10_000 * 10_000, lease_ms, seq) and Accepted(seq)  # type: ignore[attr-defined]


def test_a_device_that_is_set_to_something_else_is_found_out_at_the_next_tick() -> None:
    bedside = Bedside(SHORT)
    bedside.session = Session(SHORT, Hot(bedside.device), bedside.journal)
    bedside.begin().tick(5)
    assert bedside.session.end is not None and bedside.session.end.reason == "the device reported a fault"


def test_too_little_voltage_is_said_once() -> None:
    plan = timed_plan(hold_ms=10 * SECOND, ramp_ms=4 * SECOND)
    weak = bound_of(replace(plan, device=replace(plan.device, compliance_mv=2_500)))
    bedside = Bedside(weak).begin().until_closed()
    assert bedside.codes() == ["F25"]
    assert bedside.session.completed
    check(bedside)
