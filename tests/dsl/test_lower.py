"""From typed protocols to plans: steps, successors, slopes, levels, and what they look ahead at."""

from __future__ import annotations

from ionto_dsl.driver import compile_file
from ionto_ir.expression import Constant, evaluate, integer_reference
from ionto_ir.limits import LimitKind, Role
from ionto_ir.plan import (
    Branch,
    Classify,
    Finish,
    ForTime,
    Hold,
    IntegerDomain,
    Loop,
    Plan,
    Ramp,
    Section,
    Slope,
    UntilCharge,
    UntilTotal,
    variable,
)
from ionto_ir.wellformed import check
from tests.dsl.bench_protocol import codes, plan_of, session

MA = 1_000_000
MA_MIN = 60_000_000_000
CURRENT = "param current: 1 mA .. 3 mA = 2 mA step 0.1 mA\n"


def _kinds(plan: Plan) -> list[str]:
    return [type(step).__name__ for step in plan.steps]


OF_OTHER_ENVELOPES = {LimitKind.CHARGE_DENSITY, LimitKind.MEAN_DENSITY, LimitKind.PULSE_CHARGE}


def test_the_plantar_fasciitis_example_becomes_a_plan() -> None:
    compilation = compile_file("treatments.plantar_fasciitis_dexamethasone")
    assert compilation.diagnostics == ()
    (compiled,) = compilation.plans
    plan = compiled.plan
    assert compiled.device_named and plan.device.name == "clinic_dc_4ma"
    assert check(plan) == ()
    current, prescribed = integer_reference("current"), integer_reference("prescribed")
    rise, hold, fall = (step for step in plan.steps if isinstance(step, Ramp | Hold))
    up = Slope(current, Constant(30_000))
    assert isinstance(rise, Ramp) and isinstance(hold, Hold) and isinstance(fall, Ramp)
    assert (rise.start_na, rise.target_na, rise.slope, rise.reversed) == (Constant(0), current, up, False)
    assert (hold.level_na, hold.until) == (current, UntilTotal(prescribed, up))
    assert (fall.start_na, fall.target_na, fall.slope) == (current, Constant(0), up)
    assert variable(plan, "current").domain == IntegerDomain(1 * MA, 4 * MA, 100_000, 2 * MA, "current", "mA")
    assert variable(plan, "prescribed").domain == IntegerDomain(
        20 * MA_MIN, 40 * MA_MIN, None, 40 * MA_MIN, "charge", "mA.min"
    )
    assert [electrode.role for electrode in plan.electrodes] == [Role.CATHODE, Role.ANODE]
    assert plan.electrodes[0].area_um2 == Constant(1_010_000_000)
    assert [drug.name for drug in plan.electrodes[0].drugs] == ["dexamethasone_phosphate"]
    # The envelope's 0.5 mA/s is less than the device's 1 mA/s.
    assert (plan.stop_slew_na_s, plan.resume_slew_na_s) == (500_000, 500_000)
    assert plan.course is not None and (plan.course.gap_days_min, plan.course.gap_days_max) == (2, 2)
    assert plan.course.per_days == ((6, 15),)
    assert {limit.kind for limit in plan.limits} == set(LimitKind) - OF_OTHER_ENVELOPES
    assert len(plan.exclusions) == 7 and len(plan.rules) == 16
    assert plan.files[0].file == ("ionto_protocols/treatments/plantar_fasciitis_dexamethasone.ionto")
    assert compiled.scenarios[0].name == "a pacemaker is refused"


def test_a_ramp_by_rate_keeps_its_rate() -> None:
    plan = session("ramp to 2 mA at 0.1 mA/s ramp to 0 mA at 0.05 mA/s")
    assert isinstance(plan.steps[0], Ramp) and plan.steps[0].slope == Slope(Constant(100_000), Constant(1000))
    assert isinstance(plan.steps[1], Ramp) and plan.steps[1].slope == Slope(Constant(50_000), Constant(1000))


def test_a_ramp_between_currents_spans_their_distance() -> None:
    plan = session("ramp to 3 mA over 30 s ramp to 1 mA over 20 s ramp to 0 mA over 10 s")
    second = plan.steps[1]
    assert isinstance(second, Ramp)
    assert second.start_na == Constant(3 * MA) and second.slope == Slope(Constant(2 * MA), Constant(20_000))


def test_deliver_is_a_ramp_a_hold_until_the_total_and_a_ramp_to_zero() -> None:
    plan = session("deliver 20 mA.min at 2 mA ramping 30 s")
    written = session("ramp to 2 mA over 30 s hold until total 20 mA.min ramp to 0 mA over 30 s")
    assert _kinds(plan) == ["Ramp", "Hold", "Ramp", "Finish"]
    for one, other in zip(plan.steps[:3], written.steps[:3], strict=True):
        assert isinstance(one, Ramp | Hold) and isinstance(other, Ramp | Hold)
        assert type(one) is type(other)
        if isinstance(one, Ramp) and isinstance(other, Ramp):
            assert (one.target_na, one.slope) == (other.target_na, other.slope)
        if isinstance(one, Hold) and isinstance(other, Hold):
            assert one.until == other.until


def test_a_total_looks_ahead_only_at_a_ramp_to_zero_that_follows_directly() -> None:
    plan = session("ramp to 2 mA over 30 s hold until total 5 mA.min hold for 1 min ramp to 0 mA over 30 s")
    first = plan.steps[1]
    assert isinstance(first, Hold) and first.until == UntilTotal(Constant(5 * MA_MIN), None)


def test_a_total_at_the_end_of_a_choice_looks_ahead_past_it() -> None:
    plan = plan_of(
        'ask fever: yes/no "Fever?" session { ramp to 2 mA over 30 s '
        "if fever { hold until total 5 mA.min } else { hold until total 6 mA.min } ramp to 0 mA over 30 s }"
    )
    holds = [step for step in plan.steps if isinstance(step, Hold)]
    descents = [hold.until.descent for hold in holds if isinstance(hold.until, UntilTotal)]
    assert descents == [Slope(Constant(2 * MA), Constant(30_000))] * 2


def test_negative_currents_are_magnitudes_with_a_sign() -> None:
    plan = session("ramp to -2 mA over 30 s hold for 1 min ramp to 0 mA over 30 s")
    assert [step.reversed for step in plan.steps if isinstance(step, Ramp)] == [True, True]
    assert isinstance(plan.steps[1], Hold) and plan.steps[1].level_na == Constant(2 * MA)


def test_a_density_is_multiplied_by_the_active_area() -> None:
    plan = session("ramp to 0.2 mA/cm2 over 30 s ramp to 0 mA at 0.01 mA/cm2/s")
    up, down = plan.steps[:2]
    assert isinstance(up, Ramp) and up.target_na == Constant(2 * MA)
    assert isinstance(down, Ramp) and down.slope == Slope(Constant(100_000), Constant(1000))


def test_a_density_times_an_area_of_the_day_comes_out_on_the_devices_steps() -> None:
    plan = session(
        "ramp to 0.1 mA/cm2 rounded down over 30 s ramp to 0 mA over 30 s",
        active='active cathode patch on "heel" area 5.05 cm2 .. 20 cm2',
    )
    ramp = plan.steps[0]
    assert isinstance(ramp, Ramp)
    # 0.1 mA/cm2 on 5.07 cm2 is 0.507 mA, and the device can set 0.5 and 0.51 mA.
    assert evaluate(ramp.target_na, {"active.area": 507_000_000}) == 500_000
    assert evaluate(ramp.target_na, {"active.area": 2_000_000_000}) == 2 * MA


def test_a_current_parameter_without_a_step_takes_the_devices() -> None:
    plan = plan_of("param current: 1 mA .. 3 mA = 2 mA session { deliver 10 mA.min at current ramping 30 s }")
    domain = variable(plan, "current").domain
    assert isinstance(domain, IntegerDomain) and domain.step == 10_000


def test_ways_that_meet_start_the_next_ramp_from_either_current() -> None:
    plan = plan_of(
        CURRENT + "session { if current > 2 mA { ramp to 1 mA over 30 s } else { ramp to current over 30 s } "
        "ramp to 0 mA over 30 s }"
    )
    branch, last = plan.steps[0], plan.steps[3]
    assert isinstance(branch, Branch) and (branch.then, branch.otherwise) == (1, 2)
    assert isinstance(last, Ramp)
    assert evaluate(last.start_na, {"current": 3 * MA}) == 1 * MA
    assert evaluate(last.start_na, {"current": 2 * MA}) == 2 * MA


def test_a_repetition_returns_to_its_head_and_leaves_to_what_follows() -> None:
    plan = session(
        'repeat 3 times every 2 min { ramp to 2 mA over 30 s ramp to 0 mA over 30 s } wait 1 min "Rest"'
    )
    head = plan.steps[0]
    assert isinstance(head, Loop)
    assert (head.body, head.exit, head.counter, head.count) == (1, 3, 0, Constant(3))
    assert head.period_ms == Constant(120_000) and head.until is None
    assert isinstance(plan.steps[2], Ramp) and plan.steps[2].next == 0
    assert plan.counters == 1


def test_a_repetition_until_a_condition_is_bounded_by_its_count() -> None:
    plan = session(
        "repeat until red <= 2 at most 4 times { ramp to 2 mA over 30 s ramp to 0 mA over 30 s "
        'record red: 0 .. 4 step 1 "Redness" }'
    )
    head = plan.steps[0]
    assert isinstance(head, Loop) and head.count == Constant(4) and head.until is not None
    assert evaluate(head.until, {"red": 2}) is True and evaluate(head.until, {"red": 3}) is False


def test_nested_repetitions_have_counters_of_their_own() -> None:
    plan = session("repeat 2 times { repeat 3 times { ramp to 1 mA over 5 s ramp to 0 mA over 5 s } }")
    assert [step.counter for step in plan.steps if isinstance(step, Loop)] == [0, 1]
    assert plan.counters == 2


def test_a_gate_that_fails_leads_to_the_care_afterwards_and_an_early_finish() -> None:
    plan = plan_of(
        'session { ramp to 2 mA over 30 s ramp to 0 mA over 30 s record red: 0 .. 4 step 1 "Redness" '
        'require red <= 2 else finish "too red" wait 1 min } after { instruct "Cool the skin" }'
    )
    gate = next(step for step in plan.steps if isinstance(step, Branch))
    care = plan.steps[gate.otherwise]
    assert type(care).__name__ == "Instruct" and care.section is Section.AFTER
    end = plan.steps[gate.otherwise + 1]
    assert isinstance(end, Finish) and (end.reason, end.completed) == ("too red", False)
    assert sum(isinstance(step, Finish) and step.completed for step in plan.steps) == 1
    assert "early finish" in plan.requires


def test_a_gate_before_anything_flowed_ends_at_once() -> None:
    plan = plan_of(
        'session { record red: 0 .. 4 step 1 "Redness" require red <= 2 else finish "too red" '
        'ramp to 2 mA over 30 s ramp to 0 mA over 30 s } after { instruct "Cool the skin" }'
    )
    gate = next(step for step in plan.steps if isinstance(step, Branch))
    assert isinstance(plan.steps[gate.otherwise], Finish)


def test_holds_for_a_time_and_until_a_charge_of_their_own() -> None:
    plan = session("ramp to 2 mA over 30 s hold for 90 s hold until 1.5 mA.min ramp to 0 mA over 30 s")
    first, second = plan.steps[1:3]
    assert isinstance(first, Hold) and first.until == ForTime(Constant(90_000))
    assert isinstance(second, Hold) and second.until == UntilCharge(Constant(90_000_000_000))


def test_a_ramp_that_changes_nothing_is_a_hold_for_its_time() -> None:
    plan = session("ramp to 2 mA over 30 s ramp to 2 mA over 20 s ramp to 0 mA over 30 s")
    second = plan.steps[1]
    assert isinstance(second, Hold) and second.until == ForTime(Constant(20_000))


def test_stop_and_resume_slews_are_what_the_protocol_says() -> None:
    plan = plan_of("stop at 0.2 mA/s resume at 0.1 mA/s session { deliver 5 mA.min at 1 mA ramping 30 s }")
    assert (plan.stop_slew_na_s, plan.resume_slew_na_s) == (200_000, 100_000)


def test_the_reason_for_a_reversal_stands_with_the_drug_that_it_concerns() -> None:
    plan = session(
        'ramp to 2 mA over 30 s ramp to 0 mA over 30 s reverse polarity despite "against burns" '
        "ramp to 2 mA over 30 s ramp to 0 mA over 30 s",
        active='active cathode patch on "heel" with salt 1 mL',
    )
    assert [electrode.despite for electrode in plan.electrodes] == ["against burns", None]


def test_a_reversal_whose_reason_comes_later_in_the_round_is_excused_too() -> None:
    plan = session(
        "repeat 2 times { ramp to 2 mA over 30 s ramp to 0 mA over 30 s "
        'reverse polarity despite "against burns" }',
        active='active cathode patch on "heel" with salt 1 mL',
    )
    assert plan.electrodes[0].despite == "against burns"


def test_a_negative_current_brings_the_ion_under_the_wrong_pole() -> None:
    steps = "session { ramp to -2 mA over 30 s ramp to 0 mA over 30 s }"
    assert codes(steps, active='active cathode patch on "heel" with salt 1 mL') == ["I0451"]
    assert codes(steps) == []


def test_a_negative_current_after_a_reversal_runs_as_declared() -> None:
    steps = "session { reverse polarity ramp to -2 mA over 30 s ramp to 0 mA over 30 s }"
    assert codes(steps, active='active cathode patch on "heel" with salt 1 mL') == []


def test_no_resume_turns_every_pause_into_a_stop() -> None:
    plan = plan_of("no resume session { deliver 5 mA.min at 1 mA ramping 30 s }")
    assert plan.interruptions.resume is False


def test_a_protocol_that_says_nothing_has_what_its_envelope_allows() -> None:
    plan = session("deliver 5 mA.min at 1 mA ramping 30 s")
    assert (plan.interruptions.count_max, plan.interruptions.each_ms_max) == (2, 300_000)


def test_a_table_keeps_its_rows_in_the_order_of_the_values() -> None:
    plan = plan_of(
        'session { deliver 5 mA.min at 1 mA ramping 30 s } after { record red: 0 .. 4 step 1 "Redness" '
        'classify red { >= 3: "red" < 2: "pale" 2 .. < 3: "pink" } }'
    )
    table = next(step for step in plan.steps if isinstance(step, Classify))
    assert [(row.lo, row.lo_included, row.hi, row.hi_included, row.meaning) for row in table.rows] == [
        (None, False, 2, False, "pale"),
        (2, True, 3, False, "pink"),
        (3, True, None, False, "red"),
    ]


def test_a_course_counts_dates_and_elapsed_time_apart() -> None:
    plan = plan_of(
        "session { deliver 5 mA.min at 1 mA ramping 30 s } course { 3 sessions per week for 4 weeks "
        "at least 24 h between sessions at most 20 sessions stop when pain <= 2 } "
        'after { record pain: 0 .. 10 "Pain" }'
    )
    course = plan.course
    assert course is not None
    assert course.per_days == ((3, 7),) and course.sessions_max == 12 and course.gap_ms_min == 86_400_000
    assert (course.gap_days_min, course.gap_days_max) == (0, None)
    assert course.stop_when is not None and evaluate(course.stop_when, {"pain": 2}) is True


def test_every_shipped_treatment_becomes_a_well_formed_plan() -> None:
    names = [
        "calcific_tendinitis_acetic_acid",
        "lidocaine_dermal_anaesthesia",
        "palmar_hyperhidrosis_tap_water",
        "palmar_hyperhidrosis_tap_water_child",
        "plantar_fasciitis_dexamethasone",
        "plantar_hyperhidrosis_tap_water",
        "subacromial_bursitis_dexamethasone",
        "sweat_test_pilocarpine",
    ]
    for name in names:
        compilation = compile_file(f"treatments.{name}")
        assert [diagnostic.message for diagnostic in compilation.diagnostics] == []
        assert [check(compiled.plan) for compiled in compilation.plans] == [()]
