"""Binding refuses what does not fit this patient and this day, says why, and lets the rest run."""

from __future__ import annotations

import pytest

from ionto_ir import expression as terms
from ionto_ir.bind import (
    Acknowledgement,
    History,
    bind,
    bind_disarmed,
    default_values,
    record_corners,
)
from ionto_ir.bind_constants import constants_of, current_cap_na
from ionto_ir.bound import UNLIMITED, BoundPlan
from ionto_ir.dataclass import replace
from ionto_ir.device import Place
from ionto_ir.dry_run import obliging, run
from ionto_ir.expression import Constant, Value
from ionto_ir.limits import Envelope, Exclusion, ImpedanceRange, LimitKind, Role
from ionto_ir.plan import (
    Branch,
    ChoiceDomain,
    Finish,
    IntegerDomain,
    Interruptions,
    Loop,
    Plan,
    Record,
    Requirement,
    Rule,
    RuleKind,
    Section,
    Variable,
    VariableKind,
    Wait,
)
from ionto_ir.trace import observe
from ionto_ir.wellformed import check
from tests.ir.binding import CURRENT, LEG, MA, MA_S, VALUES, accepted, complaint, refusal, session
from tests.treatments import (
    BENCH,
    HERE,
    Chosen,
    Fixed,
    Keep,
    Leg,
    Move,
    Over,
    Parameter,
    Treatment,
    answer,
    current_parameter,
    electrode,
    finish,
    limit,
    plan_of,
    plan_with,
)

# --- values


def test_values_in_range_and_on_step_are_bound_as_they_are() -> None:
    bound = accepted(session())
    assert bound.values == VALUES
    assert bound.constants.screened


def test_a_missing_value_is_not_filled_in_with_its_default() -> None:
    problem = complaint(session(), {})
    assert problem.code == "I0930"
    assert "`current`" in problem.message
    assert problem.help == "1 mA to 4 mA in steps of 0.1 mA"
    assert default_values(session()) == VALUES


def test_answers_have_no_default() -> None:
    plan = replace(session(), variables=(*session().variables, answer("pacemaker")))
    assert default_values(plan) == VALUES
    assert complaint(plan).message == "no value is given for the answer `pacemaker`"


def test_a_value_outside_its_range_is_refused_in_the_authors_unit() -> None:
    problem = complaint(session(), {"current": 4_500_000})
    assert (problem.code, problem.message) == ("I0932", "`current` is 4.5 mA, which is outside its range")


def test_a_value_between_two_steps_is_refused_with_its_neighbours() -> None:
    problem = complaint(session(), {"current": 2_050_000})
    assert problem.code == "I0933"
    assert problem.help == "the nearest values are 2 mA and 2.1 mA"


@pytest.mark.parametrize(
    ("name", "value"), [("pacemaker", 1), ("skin", True), ("current", True), ("nobody", 1), ("later", 3)]
)
def test_a_value_of_the_wrong_kind_or_name_is_refused(name: str, value: Value) -> None:
    skin = replace(answer("skin"), domain=ChoiceDomain(("none", "red")))
    later = Variable(
        "later",
        VariableKind.RECORD,
        IntegerDomain(0, 9, None, None, "plain number", ""),
        "",
        False,
        None,
        HERE,
    )
    plan = replace(session(), variables=(*session().variables, answer("pacemaker"), skin, later))
    values: dict[str, Value] = {"current": 2 * MA, "pacemaker": False, "skin": 0, name: value}
    problem = complaint(plan, values)
    assert problem.code == "I0931"
    assert f"`{name}`" in problem.message


def test_a_choice_beyond_its_labels_is_refused() -> None:
    skin = replace(answer("skin"), domain=ChoiceDomain(("none", "red")))
    plan = replace(session(), variables=(*session().variables, skin))
    assert complaint(plan, {**VALUES, "skin": 2}).code == "I0932"


def test_all_problems_of_the_values_are_told_at_once() -> None:
    plan = replace(session(), variables=(*session().variables, answer("pacemaker")))
    codes = [problem.code for problem in refusal(plan, {"current": 5 * MA, "x": 1}).diagnostics]
    assert codes == ["I0930", "I0931", "I0932"]


# --- the device


def test_a_level_between_two_steps_of_the_device_is_refused_with_its_neighbours() -> None:
    odd = Leg(Move(Fixed(1_234_000), Over(8_000)), (Keep("time", 1_000),), Over(8_000))
    problem = complaint(session(leg=odd))
    assert problem.code == "I0934"
    assert problem.help == "the nearest values are 1.23 mA and 1.24 mA"


def test_a_level_beyond_the_device_is_refused() -> None:
    weak = replace(BENCH, current_na_max=MA)
    problem = complaint(session(device=weak))
    assert problem.code == "I0934"
    assert "cannot set 2 mA" in problem.message


def test_a_device_that_cannot_drive_the_current_through_the_skin_is_refused_unless_it_may_saturate() -> None:
    skin = Envelope("skin", "Skin", ImpedanceRange(1_000, 50_000, None, HERE), HERE)
    problem = complaint(session(envelopes=(skin,)))
    assert problem.code == "I0934"
    assert "cannot drive 2 mA through 50000 Ohm" in problem.message
    accepted(session(envelopes=(skin,), may_saturate=True))


def test_an_operand_without_a_value_is_refused() -> None:
    share = terms.divide_exactly(Constant(10_000), terms.integer_reference("n"))
    number = Variable(
        "n", VariableKind.PARAMETER, IntegerDomain(1, 9, None, 3, "plain number", ""), "", False, None, HERE
    )
    plan = plan_with((Wait(share, "", 1, Section.SESSION, HERE), finish()), variables=(number,))
    assert isinstance(bind(plan, {"n": 2}), BoundPlan)
    problem = complaint(plan, {"n": 3})
    assert problem.code == "I0942"
    assert "does not come out exactly" in problem.message


def test_a_negative_time_is_refused() -> None:
    less = terms.subtract(Constant(5_000), terms.integer_reference("n"))
    number = Variable(
        "n", VariableKind.PARAMETER, IntegerDomain(0, 9_000, None, 3, "time", "s"), "", False, None, HERE
    )
    plan = plan_with((Wait(less, "", 1, Section.SESSION, HERE), finish()), variables=(number,))
    assert complaint(plan, {"n": 6_000}).message == "the time is negative"


def test_a_charge_that_is_awaited_at_no_current_is_refused() -> None:
    still = Parameter("current", 0, MA, 100_000, 0, adjustable=False)
    leg = Leg(Move(Chosen("current"), Over(8_000)), (Keep("charge", 10**9),), Over(8_000))
    plan = plan_of(Treatment((leg,), (still,)))
    assert "never comes" in complaint(plan, {"current": 0}).message


# --- screening


def screened(kind: RuleKind) -> Plan:
    """A plan that asks for a pacemaker."""
    rule = Rule(kind, terms.boolean_reference("pacemaker"), "cardiac pacemaker", HERE)
    return replace(session(), variables=(*session().variables, answer("pacemaker")), rules=(rule,))


def test_a_refusal_cannot_be_overridden() -> None:
    plan = screened(RuleKind.REFUSE)
    accepted(plan, {**VALUES, "pacemaker": False})
    signed = [Acknowledgement("rules[0]", "Dr. A", "it is fine")]
    codes = [
        item.code
        for item in refusal(plan, {**VALUES, "pacemaker": True}, acknowledgements=signed).diagnostics
    ]
    assert codes == ["I0944"]
    problem = complaint(plan, {**VALUES, "pacemaker": True})
    assert (problem.code, problem.message) == ("I0936", "cardiac pacemaker")


def test_a_caution_needs_a_person_and_a_reason() -> None:
    plan = screened(RuleKind.CAUTION)
    accepted(plan, {**VALUES, "pacemaker": False})
    asked = refusal(plan, {**VALUES, "pacemaker": True})
    assert asked.only_needs_acknowledgement
    assert [problem.code for problem in asked.diagnostics] == ["I0937"]
    assert [(item.subject, item.text) for item in asked.needed] == [("rules[0]", "cardiac pacemaker")]
    signed = [Acknowledgement("rules[0]", "Dr. A", "discussed with cardiology")]
    accepted(plan, {**VALUES, "pacemaker": True}, acknowledgements=signed)


@pytest.mark.parametrize(("person", "reason"), [("", "because"), ("Dr. A", "  ")])
def test_nobody_and_no_reason_do_not_answer_for_a_caution(person: str, reason: str) -> None:
    signed = [Acknowledgement("rules[0]", person, reason)]
    problem = complaint(screened(RuleKind.CAUTION), {**VALUES, "pacemaker": True}, acknowledgements=signed)
    assert problem.code == "I0944"


def test_an_exclusion_is_checked_even_where_no_refusal_catches_it() -> None:
    excluded = Exclusion(terms.boolean_reference("pacemaker"), "H-ARRHYTHMIA", None, "skin", HERE)
    plan = replace(screened(RuleKind.CAUTION), exclusions=(excluded,), rules=())
    problem = complaint(plan, {**VALUES, "pacemaker": True})
    assert problem.code == "I0939"
    assert problem.primary is not None
    assert "H-ARRHYTHMIA" in problem.primary.text


def test_a_requirement_is_a_requirement() -> None:
    small = terms.less_equal(terms.integer_reference("current"), Constant(MA))
    plan = session(requirements=(Requirement(small, "the patch is too small", HERE),))
    problem = complaint(plan)
    assert (problem.code, problem.message) == ("I0935", "the patch is too small")


# --- limits


def test_a_limit_that_the_session_violates_is_refused_with_value_time_and_place() -> None:
    problem = complaint(session(limit(LimitKind.CURRENT, 2 * MA, "mA")))
    assert problem.code == "I0940"
    assert "`current <= 2 mA` would be violated at 0:07.8" in problem.message
    assert problem.primary is not None
    assert problem.primary.text == "current reaches 2.05 mA"
    assert "H-BURN" in problem.labels[0].text


def test_a_limit_exactly_reached_is_met() -> None:
    accepted(session(limit(LimitKind.CURRENT, 2_050_000, "mA")))
    accepted(session(limit(LimitKind.CURRENT, 2 * MA, "mA", nominal=True)))


def test_interruptions_count_towards_the_dose_and_are_tried_where_they_add_most() -> None:
    calm = run(accepted(session()), obliging({}))
    worst_pc = observe(session(), calm.trace).worst_pc
    # Undisturbed the limit holds, with room for a stop and for a lost link, but not for three re-ramps.
    bound = limit(LimitKind.DOSE, worst_pc + 6 * MA_S, "mA.min")
    problem = complaint(session(bound))
    assert problem.code == "I0940"
    assert "dose" in problem.message
    accepted(session(bound, interruptions=Interruptions(0, 0, True, HERE)))
    accepted(session(bound, interruptions=Interruptions(3, 60_000, False, HERE)))


def test_a_session_that_leaves_no_room_for_a_stop_is_refused() -> None:
    calm = observe(session(), run(accepted(session()), obliging({})).trace).worst_pc
    bound = limit(LimitKind.DOSE, calm, "mA.min")
    problem = complaint(session(bound, interruptions=Interruptions(0, 0, True, HERE)))
    assert problem.code == "I0943"
    assert "would not finish" in problem.message


def test_pauses_of_full_length_count_towards_the_duration() -> None:
    bound = limit(LimitKind.DURATION, 120_000, "min")
    problem = complaint(session(bound))
    assert problem.code == "I0940"
    assert "with every interruption that is allowed" in problem.message
    accepted(session(bound, interruptions=Interruptions(1, 60_000, True, HERE)))


def test_a_soft_limit_needs_a_person_and_a_reason() -> None:
    plan = session(limit(LimitKind.DOSE, MA_S, "mA.min", soft=True))
    asked = refusal(plan)
    assert asked.only_needs_acknowledgement
    (needed,) = asked.needed
    assert [problem.code for problem in asked.diagnostics] == ["I0938"]
    assert needed.subject == "limits[2]"
    assert "dose reaches" in needed.text
    accepted(plan, acknowledgements=[Acknowledgement("limits[2]", "Dr. A", "second session of a trial")])


def test_a_soft_limit_that_needs_a_role_is_passed_by_nobody_else() -> None:
    soft = replace(limit(LimitKind.DOSE, MA_S, "mA.min", soft=True), needs="prescriber")
    plan = session(soft)
    (needed,) = refusal(plan).needed
    assert needed.role == "prescriber"
    for role in (None, "nurse"):
        signed = [Acknowledgement("limits[2]", "Dr. A", "second session of a trial", role)]
        problem = complaint(plan, acknowledgements=signed)
        assert problem.code == "I0944"
        assert "needs a `prescriber`" in problem.message
    accepted(plan, acknowledgements=[Acknowledgement("limits[2]", "Dr. A", "of a trial", "prescriber")])


def test_a_density_limit_uses_the_area_of_the_day() -> None:
    tray = Variable(
        "tray",
        VariableKind.GEOMETRY,
        IntegerDomain(10**9, 10**10, None, None, "area", "cm2"),
        "",
        False,
        None,
        HERE,
    )
    places = (
        electrode(Place.ACTIVE, Role.CATHODE, terms.integer_reference("tray")),
        electrode(Place.RETURN, Role.ANODE),
    )
    bound = limit(LimitKind.DENSITY, MA, "mA/cm2", role=Role.CATHODE)
    plan = session(bound, electrodes=places, variables=(*session().variables, tray))
    problem = complaint(plan, {**VALUES, "tray": 2 * 10**9})
    assert problem.code == "I0940"
    assert "under the active electrode" in (problem.primary.text if problem.primary else "")
    assert accepted(plan, {**VALUES, "tray": 4 * 10**9}).constants.current_cap_na == 3_911_764


# --- what the machine enforces


def test_caps_are_the_tightest_of_the_hard_limits() -> None:
    plan = session(
        limit(LimitKind.DOSE, 900 * MA_S, "mA.min"),
        limit(LimitKind.DOSE, 800 * MA_S, "mA.min"),
        limit(LimitKind.DOSE, 1 * MA_S, "mA.min", soft=True),
        limit(LimitKind.DOSE, 700 * MA_S, "mA.min", nominal=True),
        limit(LimitKind.DURATION, 3_600_000, "min"),
        limit(LimitKind.CURRENT, 3 * MA, "mA"),
    )
    bound = accepted(plan, acknowledgements=[Acknowledgement("limits[4]", "Dr. A", "a test of caps")])
    constants = bound.constants
    assert (constants.cap_pc, constants.cap_nominal_pc) == (800 * MA_S, 700 * MA_S)
    assert constants.duration_cap_ms == 3_600_000
    assert (
        constants.current_cap_na == 2_931_372
    )  # with 2 % and 10 uA on top it is 3 mA, and one nA more is not
    assert (constants.fall_na, constants.rise_na) == (50_000, 50_001)


def test_without_limits_nothing_is_capped_but_the_device() -> None:
    constants = accepted(replace(session(), limits=())).constants
    assert (constants.cap_pc, constants.cap_nominal_pc, constants.duration_cap_ms) == (UNLIMITED,) * 3
    assert constants.current_cap_na == BENCH.current_na_max


def test_each_polarity_has_its_own_cap() -> None:
    places = (electrode(Place.ACTIVE, Role.CATHODE, 10**9), electrode(Place.RETURN, Role.ANODE, 4 * 10**9))
    plan = session(
        limit(LimitKind.DENSITY, MA, "mA/cm2", role=Role.CATHODE, nominal=True),
        limit(LimitKind.DENSITY, 3 * MA, "mA/cm2", role=Role.ANODE, nominal=True),
        electrodes=places,
    )
    assert current_cap_na(plan, VALUES, 1) == MA
    assert current_cap_na(plan, VALUES, -1) == 3 * MA


# --- records


def recording(limit_rounds: int) -> Plan:
    """Rounds of ten seconds' rest until sweating is low, then one leg for those who still sweat."""
    sweating = Variable(
        "sweating",
        VariableKind.RECORD,
        IntegerDomain(0, 4, 1, None, "plain number", ""),
        "",
        False,
        None,
        HERE,
    )
    low = terms.less_equal(terms.integer_reference("sweating"), Constant(1))
    leg = plan_of(Treatment((LEG,), (CURRENT,))).steps[:3]
    body = tuple(replace(step, next=step.next + 3) for step in leg)  # type: ignore[call-arg, union-attr]
    steps = (
        Loop(0, Constant(limit_rounds), low, None, 1, 2, Section.SESSION, HERE),
        Record("sweating", 0, Section.SESSION, HERE),
        Branch(low, 6, 3, Section.SESSION, HERE),
        *body,
        Finish("done", True, Section.AFTER, HERE),
    )
    plan = plan_with(steps, variables=(current_parameter("current", MA, 4 * MA, 100_000, 2 * MA), sweating))
    assert check(plan) == ()
    return plan


def test_what_is_recorded_is_tried_at_its_extremes() -> None:
    assert record_corners(recording(2)) == ({"sweating": 0}, {"sweating": 4})
    assert record_corners(session()) == ({},)


def test_a_limit_that_only_one_recorded_value_violates_is_found() -> None:
    plan = recording(2)
    tight = replace(plan, limits=(limit(LimitKind.CURRENT, MA, "mA"),))
    assert complaint(tight).code == "I0940"
    accepted(plan)


def test_an_early_finish_is_an_end_of_the_plans_own() -> None:
    early = Finish("quantity not sufficient", False, Section.SESSION, HERE)
    accepted(plan_with((early,)), {})


# --- disarmed


def test_disarmed_the_protocol_shows_what_it_says() -> None:
    plan = session(limit(LimitKind.DOSE, MA_S, "mA.min"), limit(LimitKind.CURRENT, MA, "mA"))
    done = run(bind_disarmed(plan, VALUES), obliging({}))
    seen = observe(plan, done.trace)
    assert done.ending is not None
    assert done.ending.completed
    assert seen.peak_na == 2 * MA
    assert seen.nominal_pc > 30 * MA_S


def test_armed_the_machine_stops_before_the_cap() -> None:
    plan = session(limit(LimitKind.DOSE, 20 * MA_S, "mA.min"))
    constants = constants_of(plan, VALUES, History(0, 0, ()), UNLIMITED, screened=True)
    done = run(BoundPlan(plan, VALUES, constants, 1), obliging({}))
    assert done.ending is not None
    assert not done.ending.completed
    assert observe(plan, done.trace).worst_pc <= 20 * MA_S
    assert [alarm.code for alarm in done.alarms] == ["F04"]
