"""What happens when somebody moves an adjustable parameter, or enters a value, during a session."""

from __future__ import annotations

import pytest

from ionto_ir.events import (
    Adjust,
    Enter,
    Pause,
    Record,
    Refused,
    Resume,
    Stop,
)
from ionto_ir.expression import (
    Constant,
    divide_exactly,
    integer_reference,
    less_equal,
    multiply,
)
from ionto_ir.plan import (
    BooleanDomain,
    ChoiceDomain,
    ForTime,
    IntegerDomain,
    Requirement,
    Section,
    Variable,
    VariableKind,
    Wait,
)
from ionto_ir.plan import (
    Record as RecordStep,
)
from tests.ir.sessions import (
    CURRENT,
    MA,
    MA_MIN,
    MINUTE,
    NOW,
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


def test_an_adjusted_hold_glides_to_its_level_and_keeps_its_time() -> None:
    written = plan(
        ramp(NOW, 30 * SECOND, 0, NOW, 1),
        hold(NOW, ForTime(Constant(MINUTE)), 2),
        ramp(0, 30 * SECOND, NOW, NOW, 3),
        finish(),
        variables=(CURRENT,),
    )
    bedside = begun(written, {"current": 2 * MA}).ticks(400)
    assert bedside.do(Adjust("current", 3 * MA)) == (Record("current", 3 * MA, None),)
    bedside.ticks(20)
    assert bedside.settings[400:420] == [2 * MA + MA // 20 * rise for rise in range(1, 21)]
    bedside.until_end()
    assert bedside.state.machine.duration_ms == 2 * MINUTE


def test_an_adjusted_hold_keeps_its_charge() -> None:
    bedside = begun(usual_plan(), {"current": 2 * MA}).ticks(400)
    bedside.do(Adjust("current", MA))
    bedside.ticks(400)
    bedside.do(Adjust("current", 4 * MA))
    bedside.until_end()
    assert 40 * MA_MIN - 4 * MA * 100 < bedside.nominal_pc() <= 40 * MA_MIN


def test_a_hold_that_is_adjusted_down_ends_on_its_way_if_its_charge_is_reached() -> None:
    bedside = begun(usual_plan(), {"current": 4 * MA})
    while bedside.state.machine.nominal_pc < 39 * MA_MIN - MA_MIN // 20:
        bedside.ticks(1)
    bedside.do(Adjust("current", MA))
    bedside.until_end()
    assert 40 * MA_MIN - 4 * MA * 100 < bedside.nominal_pc() <= 40 * MA_MIN


def test_a_ramp_whose_target_is_raised_goes_to_the_old_one_and_the_hold_to_the_new_one() -> None:
    bedside = begun(usual_plan(), {"current": 2 * MA}).ticks(150)
    bedside.do(Adjust("current", 4 * MA))
    bedside.ticks(150)
    assert bedside.settings[299] == 2 * MA
    bedside.until_end()
    assert bedside.settings[300:340] == [2 * MA + MA // 20 * rise for rise in range(1, 41)]


def test_a_ramp_whose_target_is_lowered_stops_there() -> None:
    bedside = begun(usual_plan(), {"current": 4 * MA}).ticks(150)
    bedside.do(Adjust("current", 3 * MA))
    bedside.until_end()
    assert max(setting or 0 for setting in bedside.settings) == 3 * MA


def test_a_ramp_that_is_above_its_lowered_target_turns_at_its_own_rate() -> None:
    bedside = begun(usual_plan(), {"current": 4 * MA}).ticks(270)
    bedside.do(Adjust("current", 2 * MA))
    bedside.ticks(3)
    assert bedside.settings[269:273] == [3_600_000, 3_580_000, 3_570_000, 3_560_000]
    bedside.until_end()
    assert bedside.nominal_pc() <= 40 * MA_MIN


def test_a_ramp_down_follows_a_lowered_target() -> None:
    written = plan(
        ramp(4 * MA, 30 * SECOND, 0, 4 * MA, 1),
        ramp(NOW, 30 * SECOND, 4 * MA, 4 * MA, 2),
        ramp(0, 30 * SECOND, NOW, NOW, 3),
        finish(),
        variables=(CURRENT,),
    )
    bedside = begun(written, {"current": 2 * MA}).ticks(310)
    bedside.do(Adjust("current", MA))
    bedside.ticks(215)
    assert bedside.settings[-1] == MA


def test_a_ramp_down_that_has_come_to_its_target_is_over_and_is_not_lowered() -> None:
    # 20.5 ticks from 4 to 2 mA at 1 mA/s: the last one ends where the line was half a tick before.
    written = plan(
        ramp(4 * MA, 30 * SECOND, 0, 4 * MA, 1),
        ramp(NOW, 4_100, 4 * MA, 4 * MA, 2),
        ramp(0, 30 * SECOND, NOW, NOW, 3),
        finish(),
        variables=(CURRENT,),
    )
    bedside = begun(written, {"current": 2 * MA})
    while bedside.settings[-1:] != [2 * MA] or bedside.state.place.step != 1:
        bedside.ticks(1)
    bedside.do(Adjust("current", MA))
    assert bedside.state.place.glide.target_na == 2 * MA
    bedside.ticks(2)
    assert bedside.state.place.step == 2
    assert bedside.settings[-3:] == [2 * MA, 1_990_000, 1_990_000]


def test_an_adjustment_to_the_same_value_changes_nothing_of_a_ramp() -> None:
    bedside = begun(usual_plan(), {"current": 2 * MA}).ticks(150)
    place = bedside.state.place
    bedside.do(Adjust("current", 2 * MA))
    assert bedside.state.place == place


def test_an_adjustment_in_a_pause_counts_from_the_resume_on() -> None:
    bedside = begun(usual_plan(), {"current": 2 * MA}).ticks(400)
    bedside.do(Pause())
    bedside.ticks(60)
    bedside.do(Adjust("current", MA))
    bedside.do(Resume())
    bedside.until_end()
    assert max(setting or 0 for setting in bedside.settings[400:]) == 2 * MA - MA // 20
    assert max(setting or 0 for setting in bedside.settings[460:]) == MA


def test_an_adjusted_wait_lasts_as_long_as_it_now_should() -> None:
    rest = Variable(
        "rest",
        VariableKind.PARAMETER,
        IntegerDomain(0, MINUTE, None, None, "time", "s"),
        "",
        True,
        None,
        SPAN,
    )
    wait = Wait(integer_reference("rest"), "Rest", 4, Section.SESSION, SPAN)
    written = plan(
        *pulse(0, 3),
        wait,
        ramp(MA, 2 * SECOND, 0, MA, 5),
        hold(MA, ForTime(integer_reference("rest")), 6),
        ramp(0, 2 * SECOND, MA, MA, 7),
        finish(),
        variables=(rest,),
    )
    bedside = begun(written, {"rest": 5 * SECOND}).ticks(60)
    bedside.do(Adjust("rest", 10 * SECOND))
    bedside.ticks(90)
    assert bedside.settings[50:150] == [None] * 100
    bedside.ticks(50)
    bedside.do(Adjust("rest", 4 * SECOND))
    bedside.until_end()
    assert bedside.settings[150:].count(MA) == 1 + 40


@pytest.mark.parametrize(
    ("name", "value", "reason"),
    [
        ("currant", MA, "`currant` cannot be adjusted"),
        ("sweating", 1, "`sweating` cannot be adjusted"),
        (
            "current",
            5 * MA,
            "`current` is 5 mA, which is outside its range (1 mA to 4 mA in steps of 0.1 mA)",
        ),
        (
            "current",
            MA + 50_000,
            "`current` is 1.05 mA, which is between two steps (the nearest values are 1 mA and 1.1 mA)",
        ),
        ("current", True, "the value of `current` is not a quantity"),
        ("current", 3 * MA, "more than the electrode bears"),
    ],
)
def test_an_adjustment_that_does_not_fit_is_refused_with_its_reason(
    name: str, value: int, reason: str
) -> None:
    bearable = Requirement(less_equal(NOW, Constant(5 * MA // 2)), "more than the electrode bears", SPAN)
    steps = usual_plan().steps
    written = plan(*steps, variables=(CURRENT, SWEATING), requirements=(bearable,))
    bedside = begun(written, {"current": 2 * MA}).ticks(400)
    before = bedside.state
    assert bedside.do(Adjust(name, value)) == (Refused("adjust", reason),)
    assert bedside.state == before


def test_an_adjustment_that_the_device_cannot_set_or_a_limit_forbids_is_refused() -> None:
    third = divide_exactly(NOW, Constant(3))
    written = plan(
        ramp(third, 30 * SECOND, 0, third, 1),
        ramp(0, 30 * SECOND, third, third, 2),
        finish(),
        variables=(CURRENT,),
    )
    bedside = begun(written, {"current": 3 * MA}, current_cap_na=MA, current_cap_reversed_na=MA).ticks(10)
    (undefined,) = bedside.do(Adjust("current", 2 * MA))
    assert isinstance(undefined, Refused) and "does not come out exactly" in undefined.reason
    (above,) = bedside.do(Adjust("current", 39 * MA // 10))
    assert isinstance(above, Refused) and "at most 1 mA" in above.reason
    tenth = multiply(NOW, Constant(1))
    coarse = plan(
        ramp(divide_exactly(tenth, Constant(20)), 30 * SECOND, 0, MA, 1), finish(), variables=(CURRENT,)
    )
    (off_grid,) = begun(coarse, {"current": 2 * MA}).do(Adjust("current", 21 * MA // 10))
    assert isinstance(off_grid, Refused) and "steps of 0.01 mA" in off_grid.reason


def test_nothing_can_be_adjusted_before_the_beginning_or_while_stopping() -> None:
    bedside = begun(usual_plan(), {"current": 2 * MA}).ticks(400)
    bedside.do(Stop())
    assert bedside.do(Adjust("current", MA)) == (Refused("adjust", "nothing can be adjusted now"),)


def test_answers_are_taken_only_from_their_domain() -> None:
    yes = Variable("wet", VariableKind.RECORD, BooleanDomain(), "Wet?", False, None, SPAN)
    skin = Variable("skin", VariableKind.RECORD, ChoiceDomain(("none", "red")), "Skin?", False, None, SPAN)
    bedside = begun(
        plan(
            RecordStep("wet", 1, Section.AFTER, SPAN),
            RecordStep("skin", 2, Section.AFTER, SPAN),
            finish(),
            variables=(yes, skin),
        )
    )
    assert bedside.do(Enter("wet", 1)) == (Refused("enter", "the value of `wet` is not yes or no"),)
    bedside.do(Enter("wet", True))
    assert bedside.do(Enter("skin", 2)) == (
        Refused("enter", "`skin` is 2, which is outside its range (one of none, red)"),
    )
    bedside.do(Enter("skin", 1))
    assert bedside.until_end().end().completed
