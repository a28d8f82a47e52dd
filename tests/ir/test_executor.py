"""Sessions from beginning to end: what flows, what is asked, what is counted, and how it ends."""

from __future__ import annotations

from ionto_ir.events import (
    Ack,
    Alarm,
    Begin,
    DeviceFault,
    EmergencyStop,
    FaultKind,
    LinkBack,
    LinkLost,
    OutputOff,
    Pause,
    Prompt,
    PromptKind,
    Recovered,
    Refused,
    Resume,
    SetCurrent,
    Stop,
    Tick,
)
from ionto_ir.executor import start, step
from ionto_ir.expression import Constant, less_equal
from ionto_ir.plan import Branch, Classify, Interruptions, Loop, Section
from ionto_ir.state import Mode
from tests.ir.sessions import (
    MA,
    MA_MIN,
    MINUTE,
    NOW,
    SECOND,
    SPAN,
    Bedside,
    begun,
    bound_of,
    finish,
    plan,
    pulse,
    ramp,
    timed_plan,
    usual_plan,
)

USUAL = {"current": 2 * MA}
FALL = MA // 20
"""What a stop takes off in a tick of the plans used here."""


def _alarms(bedside: Bedside) -> list[str]:
    return [command.code for command in bedside.commands if isinstance(command, Alarm)]


def _worst(current_na: int) -> int:
    return current_na + -(-current_na * 20_000 // 1_000_000) + 10_000


# --- undisturbed -----------------------------------------------------------------------------------------
def test_the_usual_session_delivers_what_was_prescribed_and_less_by_at_most_one_tick() -> None:
    bedside = begun(usual_plan(), USUAL).until_end()
    assert bedside.end().completed
    assert 40 * MA_MIN - 2 * MA * 100 < bedside.nominal_pc() <= 40 * MA_MIN
    assert bedside.state.machine.nominal_pc == bedside.nominal_pc()


def test_the_current_moves_with_the_first_tick_and_reaches_its_target_with_the_last_of_the_ramp() -> None:
    bedside = begun(timed_plan(level=2 * MA, ramp_ms=10 * SECOND))
    assert bedside.settings == [] and bedside.output is None
    bedside.ticks(100)
    assert bedside.settings[0] == 20_000
    assert bedside.settings[98] == 1_980_000
    assert bedside.settings[99] == 2 * MA


def test_a_ramp_between_steps_of_the_device_is_floored_towards_zero() -> None:
    bedside = begun(timed_plan(level=2 * MA, ramp_ms=30 * SECOND)).ticks(2)
    assert bedside.settings == [0, 10_000]
    assert bedside.state.machine.level_na == 13_333


def test_a_hold_by_time_lasts_exactly_its_time() -> None:
    bedside = begun(timed_plan(level=2 * MA, hold_ms=MINUTE, ramp_ms=10 * SECOND)).until_end()
    assert bedside.settings.count(2 * MA) == 600 + 1
    assert bedside.state.machine.duration_ms == 80 * SECOND


def test_the_last_tick_of_a_ramp_to_zero_is_on_and_the_output_opens_after_it() -> None:
    bedside = begun(timed_plan()).until_end()
    assert bedside.settings[-2:] == [0, None]
    assert isinstance(bedside.all(OutputOff)[-1], OutputOff)


def test_output_commands_are_numbered_and_leased_for_the_watchdogs_time() -> None:
    bedside = begun(timed_plan(hold_ms=SECOND)).until_end()
    settings = [command for command in bedside.commands if isinstance(command, SetCurrent)]
    assert {command.lease_ms for command in settings} == {500}
    assert [command.sequence for command in settings] == list(range(1, len(settings) + 1))


def test_the_upper_ledger_counts_the_worst_case_of_every_tick_that_is_on() -> None:
    bedside = begun(timed_plan(hold_ms=SECOND)).until_end()
    counted = sum(100 * _worst(setting) for setting in bedside.settings if setting is not None)
    assert bedside.state.machine.upper_pc == counted


def test_a_treatment_that_was_not_screened_does_not_begin() -> None:
    bedside = begun(timed_plan(), screened=False)
    assert bedside.state.ended
    assert bedside.end().reason == "the screening was not passed"
    assert bedside.all(SetCurrent) == []


# --- pause, resume, stop ---------------------------------------------------------------------------------
def test_a_pause_falls_by_the_stop_slew_and_asks_when_it_is_at_zero() -> None:
    bedside = begun(usual_plan(), USUAL).ticks(600)
    assert bedside.do(Pause()) == ()
    bedside.ticks(40)
    assert bedside.settings[600:639] == [2 * MA - FALL * fall for fall in range(1, 40)]
    assert bedside.settings[639] is None
    assert bedside.state.mode is Mode.PAUSED
    assert bedside.commands[-1] == Prompt(PromptKind.RESUME, "Resume when it is safe to go on, or stop", None)


def test_a_resumed_hold_climbs_at_the_resume_slew_and_still_delivers_what_was_prescribed() -> None:
    bedside = begun(usual_plan(), USUAL).ticks(600)
    bedside.do(Pause())
    bedside.ticks(100)
    bedside.do(Resume())
    bedside.ticks(40)
    assert bedside.settings[700:740] == [MA // 20 * rise for rise in range(1, 41)]
    bedside.until_end()
    assert 40 * MA_MIN - 2 * MA * 100 < bedside.nominal_pc() <= 40 * MA_MIN
    assert bedside.state.machine.interruptions == 1


def test_a_resumed_ramp_climbs_from_zero_at_its_own_rate() -> None:
    bedside = begun(timed_plan(level=2 * MA, ramp_ms=20 * SECOND)).ticks(100)
    bedside.do(Pause())
    bedside.ticks(30)
    bedside.do(Resume())
    bedside.ticks(3)
    assert bedside.settings[-3:] == [10_000, 20_000, 30_000]


def test_a_pause_in_the_last_moments_of_a_hold_is_resumed_only_as_far_as_what_is_owed_allows() -> None:
    whole = begun(usual_plan(), USUAL).until_end()
    ramp_down = next(
        index for index in range(len(whole.settings) - 1, 0, -1) if whole.settings[index] == 2 * MA
    )
    bedside = begun(usual_plan(), USUAL).ticks(ramp_down - 15)
    bedside.do(Pause())
    bedside.ticks(50)
    bedside.do(Resume())
    again = len(bedside.settings)
    bedside.until_end()
    peak = max(setting or 0 for setting in bedside.settings[again:])
    assert 0 < peak < 2 * MA
    assert 40 * MA_MIN - 2 * MA * 100 < bedside.nominal_pc() <= 40 * MA_MIN


def test_time_of_a_hold_does_not_run_while_the_current_climbs_again() -> None:
    bedside = begun(timed_plan(level=2 * MA, hold_ms=MINUTE)).ticks(200)
    bedside.do(Pause())
    bedside.ticks(60)
    bedside.do(Resume())
    bedside.until_end()
    # 601 as in an undisturbed session, and the last tick of the second climb.
    assert bedside.settings.count(2 * MA) == 602


def test_a_pause_that_is_too_long_ends_the_session() -> None:
    bedside = begun(timed_plan(interruptions=Interruptions(5, 20 * SECOND, True, SPAN))).ticks(150)
    bedside.do(Pause())
    bedside.ticks(200)
    assert bedside.state.mode is Mode.PAUSED
    bedside.ticks(1)
    assert bedside.end().reason == "interrupted for longer than is allowed"
    assert _alarms(bedside) == ["F08"]


def test_where_no_resume_is_allowed_a_pause_is_a_stop() -> None:
    bedside = begun(timed_plan(interruptions=Interruptions(0, 0, False, SPAN))).ticks(150)
    bedside.do(Pause())
    assert bedside.state.mode is Mode.STOPPING
    assert bedside.until_end().end().reason == "interrupted, and no further interruption is allowed"


def test_interruptions_are_counted_and_the_one_too_many_is_a_stop() -> None:
    bedside = begun(usual_plan(interruptions=Interruptions(1, MINUTE, True, SPAN)), USUAL).ticks(400)
    bedside.do(Pause())
    bedside.ticks(50)
    bedside.do(Resume())
    bedside.ticks(50)
    bedside.do(Pause())
    assert bedside.state.mode is Mode.STOPPING


def test_a_stop_falls_to_zero_and_ends_within_its_time() -> None:
    bedside = begun(usual_plan(), USUAL).ticks(600)
    bedside.do(Stop())
    bedside.ticks(40)
    assert bedside.settings[-1] is None
    assert bedside.end().reason == "stopped" and not bedside.end().completed


def test_a_stop_during_a_pause_ends_at_once() -> None:
    bedside = begun(usual_plan(), USUAL).ticks(600)
    bedside.do(Pause())
    bedside.ticks(50)
    bedside.do(Stop())
    assert bedside.state.ended


def test_a_stop_while_falling_to_a_pause_goes_on_falling_and_ends() -> None:
    bedside = begun(usual_plan(), USUAL).ticks(600)
    bedside.do(Pause())
    bedside.ticks(10)
    bedside.do(Stop())
    bedside.ticks(30)
    assert bedside.settings[610] == 2 * MA - 11 * FALL
    assert bedside.state.ended


def test_resuming_before_the_current_is_at_zero_is_refused() -> None:
    bedside = begun(usual_plan(), USUAL).ticks(600)
    bedside.do(Pause())
    bedside.ticks(5)
    (answer,) = bedside.do(Resume())
    assert isinstance(answer, Refused)
    assert bedside.state.mode is Mode.PAUSING


# --- faults ----------------------------------------------------------------------------------------------
def test_an_emergency_stop_opens_the_output_at_once() -> None:
    bedside = begun(usual_plan(), USUAL).ticks(600)
    commands = bedside.do(EmergencyStop())
    assert isinstance(commands[0], OutputOff)
    assert bedside.state.ended and _alarms(bedside) == ["F09"]


def test_a_lead_that_comes_off_opens_the_output_and_pauses() -> None:
    bedside = begun(usual_plan(), USUAL).ticks(600)
    commands = bedside.do(DeviceFault(FaultKind.LEAD_OFF))
    assert isinstance(commands[0], OutputOff)
    assert bedside.state.mode is Mode.PAUSED and bedside.state.machine.interruptions == 1
    bedside.do(Resume())
    bedside.until_end()
    assert 40 * MA_MIN - 2 * MA * 100 < bedside.nominal_pc() <= 40 * MA_MIN


def test_a_lead_that_comes_off_once_too_often_ends_the_session() -> None:
    bedside = begun(usual_plan(interruptions=Interruptions(0, 0, True, SPAN)), USUAL).ticks(600)
    bedside.do(DeviceFault(FaultKind.LEAD_OFF))
    assert bedside.end().reason == "an electrode came off, and no further interruption is allowed"


def test_any_other_fault_of_the_device_ends_the_session_at_once() -> None:
    bedside = begun(usual_plan(), USUAL).ticks(600)
    bedside.do(DeviceFault(FaultKind.SELF_TEST))
    assert bedside.state.ended and bedside.output is None and _alarms(bedside) == ["F06"]


def test_one_reading_above_the_accuracy_is_charged_and_two_open_the_output() -> None:
    bedside = begun(timed_plan(level=2 * MA, hold_ms=MINUTE)).ticks(200)
    before = bedside.state.machine.upper_pc
    too_much = _worst(2 * MA) + 1
    bedside.ticks(1, Tick(measured_na=too_much))
    extra = 100 * (_worst(too_much) - _worst(2 * MA))
    assert bedside.state.machine.upper_pc == before + extra + 100 * _worst(2 * MA)
    bedside.ticks(1, Tick(measured_na=-too_much))
    assert bedside.end().reason == "more current was measured than was set"
    assert _alarms(bedside) == ["F02"] and bedside.output is None


def test_a_reading_within_the_accuracy_changes_nothing() -> None:
    usual = begun(timed_plan(hold_ms=SECOND)).until_end()
    noisy = begun(timed_plan(hold_ms=SECOND))
    while not noisy.state.ended:
        noisy.do(Tick(measured_na=_worst(noisy.output) if noisy.output is not None else 0))
    assert noisy.state.machine == usual.state.machine


def test_a_current_that_is_measured_while_the_output_is_off_ends_the_session() -> None:
    bedside = begun(usual_plan(), USUAL).ticks(600)
    bedside.do(Pause())
    bedside.ticks(50)
    bedside.ticks(2, Tick(measured_na=50_000))
    assert bedside.end().reason == "more current was measured than was set"


# --- the link --------------------------------------------------------------------------------------------
def test_nothing_rises_while_the_device_does_not_confirm() -> None:
    bedside = begun(timed_plan(level=2 * MA, ramp_ms=10 * SECOND)).ticks(50)
    silent = Tick(acknowledged=False)
    bedside.ticks(5, silent)
    assert bedside.settings[50:55] == [MA] * 5
    bedside.ticks(1)
    assert bedside.settings[55] == MA + 20_000


def test_a_fall_that_is_not_confirmed_is_charged_at_the_highest_current_that_may_still_flow() -> None:
    bedside = begun(usual_plan(), USUAL).ticks(600)
    bedside.do(Stop())
    bedside.ticks(1)
    before = bedside.state.machine.upper_pc
    bedside.ticks(3, Tick(acknowledged=False))
    missing = sum(100 * (_worst(2 * MA) - _worst(2 * MA - FALL * fall)) for fall in (1, 2, 3))
    set_since = sum(100 * _worst(2 * MA - FALL * fall) for fall in (2, 3, 4))
    assert bedside.state.machine.upper_pc == before + missing + set_since
    assert bedside.state.machine.exposure_na == _worst(2 * MA)


def test_a_late_acknowledgement_clears_the_doubt_only_for_the_newest_command() -> None:
    bedside = begun(usual_plan(), USUAL).ticks(600)
    bedside.do(Stop())
    bedside.ticks(2, Tick(acknowledged=False))
    newest = bedside.state.sequence
    bedside.do(Ack(newest - 1))
    assert bedside.state.machine.exposure_na == _worst(2 * MA)
    bedside.do(Ack(newest))
    assert bedside.state.machine.exposure_na == bedside.state.machine.paid_na


def test_an_open_output_that_is_not_confirmed_is_opened_again_and_charged() -> None:
    bedside = begun(usual_plan(), USUAL).ticks(600)
    bedside.do(DeviceFault(FaultKind.LEAD_OFF))
    before = bedside.state.machine.upper_pc
    commands = bedside.do(Tick(acknowledged=False))
    assert isinstance(commands[0], OutputOff)
    assert bedside.state.machine.upper_pc == before + 100 * _worst(2 * MA)
    assert bedside.do(Tick()) == ()
    assert bedside.do(Tick()) == ()


def test_a_lost_link_is_charged_until_the_watchdog_ends_it_and_only_a_person_resumes() -> None:
    bedside = begun(usual_plan(), USUAL).ticks(600)
    upper, nominal = bedside.state.machine.upper_pc, bedside.state.machine.nominal_pc
    bedside.do(LinkLost())
    assert bedside.state.mode is Mode.LOST
    assert bedside.state.machine.upper_pc == upper + 500 * _worst(2 * MA)
    assert bedside.state.machine.nominal_pc == nominal + 500 * 2 * MA
    bedside.ticks(20)
    assert isinstance(bedside.do(Resume())[0], Refused)
    bedside.do(LinkBack())
    assert bedside.state.mode is Mode.PAUSED and bedside.settings[-1] is None
    bedside.ticks(10)
    assert bedside.state.mode is Mode.PAUSED
    bedside.do(Resume())
    bedside.until_end()
    assert bedside.end().completed
    assert bedside.state.machine.nominal_pc <= 40 * MA_MIN


def test_a_link_that_stays_away_ends_the_session() -> None:
    bedside = begun(usual_plan(interruptions=Interruptions(2, 5 * SECOND, True, SPAN)), USUAL).ticks(600)
    bedside.do(LinkLost())
    bedside.ticks(51)
    assert bedside.end().reason == "interrupted for longer than is allowed"


def test_a_link_lost_while_stopping_ends_the_session_for_the_reason_of_the_stop() -> None:
    bedside = begun(usual_plan(), USUAL).ticks(600)
    bedside.do(Stop())
    bedside.ticks(3)
    bedside.do(LinkLost())
    assert bedside.end().reason == "stopped"


# --- crashes ---------------------------------------------------------------------------------------------
def test_after_a_crash_the_worst_case_is_charged_and_a_person_must_resume() -> None:
    bedside = begun(usual_plan(), USUAL).ticks(600)
    upper = bedside.state.machine.upper_pc
    bedside.do(Recovered(30 * SECOND))
    assert bedside.state.mode is Mode.PAUSED and _alarms(bedside) == ["F07"]
    assert bedside.state.machine.upper_pc == upper + (3 * 100 + 500) * _worst(4 * MA)
    assert bedside.state.machine.pause_ms == 30 * SECOND
    bedside.ticks(10)
    assert bedside.state.mode is Mode.PAUSED
    bedside.do(Resume())
    bedside.until_end()
    assert bedside.end().completed and bedside.state.machine.nominal_pc <= 40 * MA_MIN


def test_a_host_that_was_away_too_long_ends_the_session() -> None:
    bedside = begun(usual_plan(), USUAL).ticks(600)
    bedside.do(Recovered(11 * MINUTE))
    assert bedside.end().reason == "the host failed, and no further interruption is allowed"


def test_a_crash_during_a_pause_is_part_of_the_pause() -> None:
    bedside = begun(usual_plan(), USUAL).ticks(600)
    bedside.do(Pause())
    bedside.ticks(100)
    bedside.do(Recovered(9 * MINUTE))
    assert bedside.state.mode is Mode.PAUSED and bedside.state.machine.interruptions == 1
    bedside.do(Recovered(2 * MINUTE))
    assert bedside.end().reason == "interrupted for longer than is allowed"


# --- limits ----------------------------------------------------------------------------------------------
def test_a_dose_cap_stops_the_session_early_enough_for_the_stop_to_fit() -> None:
    cap_pc = 10 * MA_MIN
    bedside = begun(usual_plan(), USUAL, cap_pc=cap_pc).until_end()
    assert bedside.end().reason == "a limit would have been passed"
    assert _alarms(bedside) == ["F04"]
    assert 9 * MA_MIN < bedside.state.machine.upper_pc <= cap_pc


def test_a_nominal_cap_that_is_just_the_prescribed_dose_does_not_stop_the_session() -> None:
    bedside = begun(usual_plan(), USUAL, cap_nominal_pc=40 * MA_MIN).until_end()
    assert bedside.end().completed


def test_a_nominal_cap_stops_the_session_early_enough_for_the_stop_to_fit() -> None:
    bedside = begun(usual_plan(), USUAL, cap_nominal_pc=10 * MA_MIN).until_end()
    assert bedside.end().reason == "a limit would have been passed"
    assert bedside.nominal_pc() <= 10 * MA_MIN


def test_a_current_cap_stops_the_session() -> None:
    bedside = begun(usual_plan(), USUAL, current_cap_na=MA).until_end()
    assert bedside.end().reason == "a limit would have been passed"
    assert max(setting or 0 for setting in bedside.settings) == MA


def test_a_cap_on_time_stops_the_session_early_enough_for_the_stop_to_fit() -> None:
    bedside = begun(usual_plan(), USUAL, duration_cap_ms=MINUTE).until_end()
    assert bedside.end().reason == "a limit would have been passed"
    assert MINUTE - 200 <= bedside.state.machine.duration_ms <= MINUTE


def test_a_ramp_that_is_steeper_than_the_bound_is_not_followed() -> None:
    bedside = begun(timed_plan(level=2 * MA, ramp_ms=SECOND)).until_end()
    assert bedside.end().reason == "a limit would have been passed"
    assert all(setting in (None, 0) for setting in bedside.settings)


# --- the function ----------------------------------------------------------------------------------------
def test_the_same_events_give_the_same_states_and_commands() -> None:
    events = [Tick()] * 400 + [Pause()] + [Tick()] * 60 + [Resume()] + [Tick(measured_na=5)] * 100
    bound = bound_of(usual_plan(), USUAL)
    runs = []
    for _ in range(2):
        state, log = start(bound), []
        for event in events:
            state, commands = step(bound, state, event)
            log.append((state, commands))
        runs.append(log)
    assert runs[0] == runs[1]


def test_before_it_begins_a_session_does_nothing() -> None:
    bound = bound_of(usual_plan(), USUAL)
    state = start(bound)
    assert step(bound, state, Tick()) == (state, ())
    after, commands = step(bound, state, Pause())
    assert after == state and isinstance(commands[0], Refused)


def test_after_its_end_a_session_does_nothing() -> None:
    bedside = begun(timed_plan(hold_ms=SECOND)).until_end()
    before = bedside.state
    assert bedside.do(Tick()) == ()
    assert bedside.state.machine == before.machine
    for event in (Pause(), Resume(), Stop(), EmergencyStop(), LinkLost(), LinkBack()):
        assert isinstance(bedside.do(event)[0], Refused)


def test_a_session_begins_once_and_is_recovered_only_after_it_began() -> None:
    bedside = begun(timed_plan())
    assert bedside.do(Begin()) == (Refused("begin", "the session has already begun"),)
    fresh = start(bedside.bound)
    assert step(bedside.bound, fresh, Recovered(5)) == (
        fresh,
        (Refused("recovered", "there was no session to recover"),),
    )


def test_a_plan_that_needs_a_value_nobody_gave_ends_with_the_output_open() -> None:
    """Well-formed plans never do; if one does all the same, nothing flows from it."""
    asked = Branch(less_equal(NOW, Constant(1)), 4, 4, Section.SESSION, SPAN)
    bedside = begun(plan(*pulse(0, 3), asked, finish())).until_end()
    assert bedside.end().reason == "machine and interlock disagree"
    assert _alarms(bedside) == ["F05"] and bedside.output is None
    unknown = begun(plan(*pulse(0, 3), Classify("sweating", (), 4, Section.AFTER, SPAN), finish()))
    assert unknown.until_end().end().reason == "machine and interlock disagree"


def test_a_plan_without_an_end_to_its_steps_ends_with_the_output_open() -> None:
    still = ramp(0, SECOND, 0, 1, 1)
    forever = Loop(0, Constant(10**9), None, None, 0, 2, Section.SESSION, SPAN)
    bedside = begun(plan(still, forever, finish(), counters=1)).until_end()
    assert bedside.end().reason == "machine and interlock disagree"
