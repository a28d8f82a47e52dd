"""How a plan is followed: ramps, holds, waits, prompts, records, branches, loops, reversals, adjustments."""

from __future__ import annotations

import pytest

from ionto_ir.events import (
    Confirm,
    End,
    Enter,
    Pause,
    Prompt,
    PromptKind,
    Record,
    Refused,
    Resume,
)
from ionto_ir.expression import (
    Constant,
    Expression,
    integer_reference,
    less_equal,
)
from ionto_ir.plan import (
    Branch,
    Classify,
    ClassRow,
    Instruct,
    Loop,
    Reverse,
    Section,
    Slope,
    UntilCharge,
    UntilTotal,
    Wait,
)
from ionto_ir.plan import (
    Confirm as ConfirmStep,
)
from ionto_ir.plan import (
    Record as RecordStep,
)
from ionto_ir.state import Mode, Phase
from tests.ir.sessions import (
    CURRENT,
    MA,
    MA_MIN,
    SECOND,
    SPAN,
    SWEATING,
    begun,
    finish,
    hold,
    plan,
    pulse,
    ramp,
    usual_plan,
)


def _loop(
    body: int, after: int, count: int, period_ms: int | None = None, until: Expression | None = None
) -> Loop:
    period = None if period_ms is None else Constant(period_ms)
    return Loop(0, Constant(count), until, period, body, after, Section.SESSION, SPAN)


# --- holds --------------------------------------------------------------------------------------------
def test_a_hold_until_a_charge_counts_its_own_charge_and_never_passes_it() -> None:
    bedside = begun(
        plan(
            ramp(MA, 2 * SECOND, 0, MA, 1),
            hold(MA, UntilCharge(Constant(MA_MIN // 2 + 1)), 2),
            ramp(0, 2 * SECOND, MA, MA, 3),
            finish(),
        )
    ).until_end()
    assert bedside.settings.count(MA) == 1 + 300


def test_a_hold_until_a_total_without_a_ramp_after_it_counts_what_was_delivered() -> None:
    bedside = begun(
        plan(
            ramp(MA, 2 * SECOND, 0, MA, 1),
            hold(MA, UntilTotal(Constant(MA_MIN), None), 2),
            ramp(2 * MA, 2 * SECOND, MA, MA, 3),
            ramp(0, 2 * SECOND, 2 * MA, 2 * MA, 4),
            finish(),
        )
    )
    while bedside.state.place.step < 2:
        bedside.ticks(1)
    assert MA_MIN - MA * 100 < bedside.nominal_pc() - (MA + 50_000) * 100 <= MA_MIN


def test_a_hold_whose_charge_was_delivered_already_takes_no_tick() -> None:
    bedside = begun(usual_plan(prescribed=1), {"current": 2 * MA}).until_end()
    assert bedside.settings.count(2 * MA) == 1


@pytest.mark.parametrize("paused_at", [350, 500, 900, 1100, 1140, 1150])
def test_a_hold_until_a_charge_keeps_what_it_delivered_when_it_is_interrupted(paused_at: int) -> None:
    goal = 3 * MA_MIN
    bedside = begun(
        plan(
            ramp(2 * MA, 30 * SECOND, 0, 2 * MA, 1),
            hold(2 * MA, UntilCharge(Constant(goal)), 2),
            ramp(0, 30 * SECOND, 2 * MA, 2 * MA, 3),
            finish(),
        )
    ).ticks(paused_at)
    ramp_up = sum(100 * (setting or 0) for setting in bedside.settings[:300])
    bedside.do(Pause())
    bedside.ticks(60)
    bedside.do(Resume())
    while bedside.state.place.step == 1:
        bedside.ticks(1)
    bedside.settings.pop()
    assert goal - 2 * MA * 100 < bedside.nominal_pc() - ramp_up <= goal


@pytest.mark.parametrize("paused_at", [*range(301, 880, 97), *range(880, 901, 2)])
def test_a_prescribed_total_is_met_whenever_a_hold_is_interrupted(paused_at: int) -> None:
    goal = 3 * MA_MIN
    bedside = begun(usual_plan(prescribed=goal), {"current": 2 * MA})
    while len(bedside.settings) < paused_at and bedside.state.place.step <= 1:
        bedside.ticks(1)
    bedside.do(Pause())
    bedside.ticks(60)
    bedside.do(Resume())
    bedside.until_end()
    assert bedside.nominal_pc() <= goal
    assert goal - 2 * MA * 100 < bedside.nominal_pc()


def test_a_slow_ramp_to_zero_is_foreseen_by_a_resumed_hold() -> None:
    """The climb is a hundred times steeper than the descent, so one tick of it would already be too much."""
    current = integer_reference("current")
    descent = Slope(current, Constant(3_000 * SECOND))
    goal = 60 * MA_MIN
    written = plan(
        ramp(current, 30 * SECOND, 0, current, 1),
        hold(current, UntilTotal(Constant(goal), descent), 2),
        ramp(0, 3_000 * SECOND, current, current, 3),
        finish(),
        variables=(CURRENT,),
    )
    bedside = begun(written, {"current": 2 * MA})
    while bedside.state.machine.nominal_pc < 9 * MA_MIN:
        bedside.ticks(1)
    bedside.do(Pause())
    bedside.ticks(60)
    bedside.do(Resume())
    bedside.until_end()
    assert goal - 2 * MA * 100 < bedside.nominal_pc() <= goal


# --- waits, prompts, records -----------------------------------------------------------------------------
def test_a_wait_keeps_the_output_off_for_its_time() -> None:
    wait = Wait(Constant(10 * SECOND), "Collect", 4, Section.SESSION, SPAN)
    bedside = begun(plan(*pulse(0, 3), wait, *pulse(4, 7), finish())).until_end()
    assert bedside.settings[50:150] == [None] * 100
    assert bedside.settings[49] == 0 and bedside.settings[150] == 50_000
    assert bedside.state.machine.duration_ms == 20 * SECOND


def test_prompts_are_asked_one_after_the_other_and_nothing_flows_before_they_are_answered() -> None:
    bedside = begun(
        plan(
            ConfirmStep("Skin is clean", 1, Section.BEFORE, SPAN),
            Instruct("Sit down", 2, Section.BEFORE, SPAN),
            *pulse(2, 5),
            finish(),
        )
    )
    assert bedside.commands == [Prompt(PromptKind.CONFIRM, "Skin is clean", None)]
    bedside.ticks(5)
    assert bedside.settings == [None] * 5
    assert bedside.do(Confirm()) == (Prompt(PromptKind.INSTRUCT, "Sit down", None),)
    assert bedside.do(Confirm()) == ()
    assert isinstance(bedside.do(Confirm())[0], Refused)
    assert bedside.until_end().end().completed


def test_a_recorded_value_is_kept_and_can_be_judged_by_a_table() -> None:
    rows = (
        ClassRow(None, False, 2, False, "low", SPAN),
        ClassRow(2, True, None, False, "high", SPAN),
    )
    bedside = begun(
        plan(
            RecordStep("sweating", 1, Section.SESSION, SPAN),
            Classify("sweating", rows, 2, Section.AFTER, SPAN),
            finish(),
            variables=(SWEATING,),
        )
    )
    assert bedside.commands == [Prompt(PromptKind.RECORD, "Sweating?", "sweating")]
    assert isinstance(bedside.do(Confirm())[0], Refused)
    assert bedside.do(Enter("current", 2)) == (Refused("enter", "`current` is not asked for now"),)
    outside = "`sweating` is 5, which is outside its range (0 to 4 in steps of 1)"
    assert bedside.do(Enter("sweating", 5)) == (Refused("enter", outside),)
    assert bedside.do(Enter("sweating", 2)) == (Record("sweating", 2, None), Record("sweating", 2, "high"))
    assert bedside.state.values["sweating"] == 2


def test_a_value_that_no_row_of_a_table_covers_has_no_meaning() -> None:
    rows = (ClassRow(0, False, 2, True, "low", SPAN),)
    bedside = begun(
        plan(
            RecordStep("sweating", 1, Section.SESSION, SPAN),
            Classify("sweating", rows, 2, Section.AFTER, SPAN),
            finish(),
            variables=(SWEATING,),
        )
    )
    assert bedside.do(Enter("sweating", 0)) == (Record("sweating", 0, None),)


def test_the_plan_branches_on_what_was_recorded() -> None:
    written = plan(
        RecordStep("sweating", 1, Section.SESSION, SPAN),
        Branch(less_equal(integer_reference("sweating"), Constant(1)), 2, 3, Section.SESSION, SPAN),
        finish("dry enough", completed=False),
        *pulse(3, 6),
        finish(),
        variables=(SWEATING,),
    )
    for value, end in ((1, End("dry enough", False)), (2, End("done", True))):
        bedside = begun(written)
        bedside.do(Enter("sweating", value))
        assert bedside.until_end().end() == end


# --- loops -----------------------------------------------------------------------------------------------
def test_a_loop_runs_its_rounds_and_starts_each_no_earlier_than_its_period() -> None:
    bedside = begun(
        plan(_loop(1, 4, 3, period_ms=8 * SECOND), *pulse(1, 0), finish(), counters=1)
    ).until_end()
    starts = [
        index
        for index, (before, now) in enumerate(zip([None, *bedside.settings], bedside.settings, strict=False))
        if before in (None, 0) and now
    ]
    assert starts == [0, 80, 160]
    assert bedside.settings[50:80] == [None] * 30


def test_a_round_that_was_late_does_not_make_the_next_one_wait() -> None:
    bedside = begun(plan(_loop(1, 4, 2, period_ms=6 * SECOND), *pulse(1, 0), finish(), counters=1)).ticks(20)
    bedside.do(Pause())
    bedside.ticks(100)
    bedside.do(Resume())
    bedside.ticks(60)
    assert bedside.state.place.rounds == (2,)


def test_a_loop_ends_when_its_condition_holds_but_never_before_its_first_round() -> None:
    until = less_equal(integer_reference("sweating"), Constant(1))
    written = plan(
        _loop(1, 5, 4, until=until),
        *pulse(1, 4),
        RecordStep("sweating", 0, Section.SESSION, SPAN),
        finish(),
        variables=(SWEATING,),
        counters=1,
    )
    bedside = begun(written)
    for value in (3, 1):
        bedside.ticks(60)
        bedside.do(Enter("sweating", value))
    bedside.until_end()
    assert bedside.settings.count(MA) == 2 * 11
    assert bedside.state.place.rounds == (0,)


def test_a_loop_in_which_no_time_passes_breaks_off_with_the_output_open() -> None:
    endless = _loop(0, 1, 1_000_000)
    bedside = begun(plan(endless, finish(), counters=1))
    assert bedside.end().reason == "machine and interlock disagree"


# --- polarity --------------------------------------------------------------------------------------------
def test_a_reversal_turns_the_sign_of_what_follows() -> None:
    written = plan(*pulse(0, 3), Reverse(4, Section.SESSION, SPAN), *pulse(4, 7), finish())
    bedside = begun(written).until_end()
    assert max(setting or 0 for setting in bedside.settings[:50]) == MA
    assert min(setting or 0 for setting in bedside.settings[50:]) == -MA
    assert bedside.nominal_pc() == bedside.state.machine.nominal_pc


def test_a_negative_ramp_is_negative_until_the_next_one() -> None:
    bedside = begun(plan(*pulse(0, 3, reverse=True), *pulse(3, 6), finish())).until_end()
    assert min(setting or 0 for setting in bedside.settings) == -MA
    assert max(setting or 0 for setting in bedside.settings) == MA


def test_a_session_may_begin_with_the_other_polarity() -> None:
    bedside = begun(plan(*pulse(0, 3), finish()), polarity=-1).until_end()
    assert min(setting or 0 for setting in bedside.settings) == -MA


def test_each_polarity_has_its_own_current_cap() -> None:
    written = plan(*pulse(0, 3), *pulse(3, 6, reverse=True), finish())
    for cap in ("current_cap_na", "current_cap_reversed_na"):
        bedside = begun(written, **{cap: MA // 2}).until_end()
        assert bedside.end().reason == "a limit would have been passed"
    assert begun(written, current_cap_na=MA, current_cap_reversed_na=MA).until_end().end().completed


def test_a_polarity_that_would_change_above_zero_stops_the_session() -> None:
    written = plan(
        ramp(MA, 2 * SECOND, 0, MA, 1),
        ramp(2 * MA, 2 * SECOND, MA, MA, 2, reverse=True),
        finish(),
    )
    assert begun(written).until_end().end().reason == "a limit would have been passed"


# --- interruptions of what is not a hold -------------------------------------------------------------------
def test_an_interrupted_wait_is_taken_up_where_it_was() -> None:
    wait = Wait(Constant(10 * SECOND), "Collect", 4, Section.SESSION, SPAN)
    bedside = begun(plan(*pulse(0, 3), wait, *pulse(4, 7), finish())).ticks(80)
    bedside.do(Pause())
    assert bedside.state.mode is Mode.PAUSED
    bedside.ticks(30)
    bedside.do(Resume())
    bedside.ticks(70)
    assert bedside.settings[50:180] == [None] * 130
    bedside.ticks(1)
    assert bedside.settings[180] == 50_000


def test_a_question_that_was_open_is_asked_again_after_a_pause() -> None:
    bedside = begun(
        plan(*pulse(0, 3), ConfirmStep("Turn", 4, Section.SESSION, SPAN), *pulse(4, 7), finish())
    ).ticks(60)
    bedside.do(Pause())
    assert isinstance(bedside.do(Confirm())[0], Refused)
    assert bedside.do(Resume()) == (Prompt(PromptKind.CONFIRM, "Turn", None),)
    bedside.do(Confirm())
    assert bedside.until_end().end().completed


def test_there_is_nothing_to_pause_before_the_first_current_and_after_the_last() -> None:
    written = plan(
        ConfirmStep("Ready", 1, Section.BEFORE, SPAN),
        *pulse(1, 4),
        ConfirmStep("Well", 5, Section.AFTER, SPAN),
        finish(),
    )
    bedside = begun(written)
    assert bedside.do(Pause()) == (Refused("pause", "no current flows"),)
    bedside.do(Confirm())
    bedside.ticks(60)
    assert bedside.state.place.phase is Phase.PROMPT
    assert bedside.do(Pause()) == (Refused("pause", "no current flows"),)
