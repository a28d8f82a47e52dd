"""A session on the simulated stimulator: what it sends, what it ends with, and what people can do."""

from __future__ import annotations

from itertools import pairwise

from ionto_ir.events import Adjust, EmergencyStop, Pause, Resume, Stop
from ionto_ir.plan import Wait
from ionto_ir.state import Mode
from ionto_runtime.journal_format import RecordType
from ionto_runtime.journal_reader import Sealed, Unsealed
from ionto_runtime.simulation.stimulator import Fault
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


def test_an_output_that_opens_late_is_waited_for_and_the_alarm_stays() -> None:
    bedside = reached()
    while bedside.session.state.machine.level_na or bedside.session.state.mode is not Mode.ENDED:
        bedside.tick()
        if bedside.session.state.machine.level_na <= 50_000:
            bedside.device.inject(Fault.STUCK_OUTPUT)
    ended = bedside.ticks
    bedside.until_closed({ended + 50: lambda it: it.device.clear(Fault.STUCK_OUTPUT)})
    assert bedside.session.seen_off
    assert "F20" in bedside.codes()
    assert not bedside.session.completed
    assert ended + 60 <= bedside.ticks <= ended + 65


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
