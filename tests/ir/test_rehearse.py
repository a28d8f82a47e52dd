"""Scenarios run in virtual time, and their expectations are judged at their own lines and units."""

from __future__ import annotations

import pytest
from hypothesis import given

from ionto_ir import expression as terms
from ionto_ir.bind import Refusal
from ionto_ir.bind_constants import NO_HISTORY, constants_of
from ionto_ir.bound import UNLIMITED, BoundPlan
from ionto_ir.dataclass import replace
from ionto_ir.diagnostic import Diagnostic
from ionto_ir.dry_run import run
from ionto_ir.expectations import failures
from ionto_ir.expression import Constant, Value
from ionto_ir.limits import Limit, LimitKind
from ionto_ir.observer import violations
from ionto_ir.ordinary import ordinary_values
from ionto_ir.plan import (
    Branch,
    Classify,
    ClassRow,
    Confirm,
    Finish,
    Instruct,
    IntegerDomain,
    Plan,
    Record,
    Requirement,
    Rule,
    RuleKind,
    Section,
    Variable,
    VariableKind,
)
from ionto_ir.rehearse import Outcome, Rehearsed, Timeline, rehearse
from ionto_ir.scenario import Expectation, Expected, Happening, Occurrence, Scenario
from ionto_ir.source import Span
from ionto_ir.trace import observe, setpoint_at, stretches
from ionto_ir.wellformed import check
from tests.strategies import plans, timelines, values
from tests.treatments import (
    HERE,
    Chosen,
    Keep,
    Leg,
    Move,
    Over,
    Parameter,
    Treatment,
    answer,
    limit,
    plan_of,
    plan_with,
)

MA = 1_000_000
MA_MIN = 60_000_000_000
LINE = Span("heel.ionto", 40, 3, 40, 20)
CURRENT = Parameter("current", MA, 4 * MA, 100_000, 2 * MA, adjustable=True)
HEEL = Leg(Move(Chosen("current"), Over(30_000)), (Keep("total", 10 * MA_MIN),), Over(30_000))


def heel(*limits: Limit, **changes: object) -> Plan:
    """10 mA.min at 2 mA unless said otherwise."""
    plan = plan_of(Treatment((HEEL,), (CURRENT,)))
    plan = replace(plan, limits=(*plan.limits, *limits), **changes)  # type: ignore[arg-type]
    assert check(plan) == ()
    return plan


def scenario(
    *expectations: Expectation,
    given: tuple[tuple[str, Value], ...] = (),
    timeline: tuple[Occurrence, ...] = (),
) -> Scenario:
    """A scenario called `it`."""
    return Scenario("it", given, timeline, expectations, LINE)


def expect(
    kind: Expected,
    bound: int | None = None,
    unit: str | None = None,
    text: str | None = None,
    variable: str | None = None,
) -> Expectation:
    """An `expect` line."""
    return Expectation(kind, bound, variable, text, unit, LINE)


def at(
    seconds: int, happening: Happening, variable: str | None = None, value: Value | None = None
) -> Occurrence:
    """Something at a second of the session."""
    return Occurrence(seconds * 1000, happening, variable, value, None)


def ran(outcome: Outcome) -> Rehearsed:
    """The session, which must have run."""
    assert isinstance(outcome, Rehearsed), outcome
    return outcome


def failing(plan: Plan, made: Scenario) -> tuple[Diagnostic, ...]:
    """What does not come out as expected."""
    return failures(plan, made, rehearse(plan, made))


# --- running


def test_the_usual_dose_is_delivered_exactly() -> None:
    done = ran(rehearse(heel(), scenario()))
    assert done.finished
    assert done.values == {"current": 2 * MA}
    assert 10 * MA_MIN - 2 * MA * 100 < done.observed.nominal_pc <= 10 * MA_MIN
    assert done.violations == ()


def test_given_values_replace_the_defaults() -> None:
    done = ran(rehearse(heel(), scenario(given=(("current", 4 * MA),))))
    assert done.observed.peak_na == 4 * MA


def test_a_lead_that_comes_off_and_is_put_back_costs_no_dose() -> None:
    timeline = (at(60, Happening.LEAD_OFF), at(90, Happening.RESUME))
    done = ran(rehearse(heel(), scenario(timeline=timeline)))
    assert 10 * MA_MIN - 2 * MA * 100 < done.observed.nominal_pc <= 10 * MA_MIN
    assert setpoint_at(done.run.trace, 59_900) == 2 * MA
    assert setpoint_at(done.run.trace, 60_000) == 0
    assert [point.at_ms for point in done.run.trace.points if point.cut] == [60_000]


def test_a_pause_ramps_down_at_the_stop_slew_and_resumes_from_zero() -> None:
    timeline = (at(60, Happening.PAUSE), at(90, Happening.RESUME))
    trace = ran(rehearse(heel(), scenario(timeline=timeline))).run.trace
    assert setpoint_at(trace, 60_000) == 2 * MA - 50_000
    assert setpoint_at(trace, 80_000) == 0
    assert 0 < setpoint_at(trace, 90_500) < 2 * MA


def test_a_stop_ends_the_session_at_zero() -> None:
    done = ran(rehearse(heel(), scenario(timeline=(at(60, Happening.STOP),))))
    assert not done.finished
    assert done.reason == "stopped"
    assert stretches(done.run.trace)[-1].magnitude_na < 2 * MA


def test_an_emergency_stop_opens_at_once() -> None:
    done = ran(rehearse(heel(), scenario(timeline=(at(60, Happening.EMERGENCY_STOP),))))
    assert done.run.trace.end_ms == 60_000
    assert done.reason == "emergency stop"


def test_an_adjustment_moves_the_current_along_the_ramp_limit() -> None:
    done = ran(rehearse(heel(), scenario(timeline=(at(60, Happening.ADJUST, "current", 3 * MA),))))
    assert setpoint_at(done.run.trace, 60_000) == 2 * MA + 50_000
    assert done.observed.peak_na == 3 * MA


def test_a_lost_link_is_charged_and_may_be_resumed() -> None:
    timeline = (at(60, Happening.LINK_LOST), at(70, Happening.LINK_BACK), at(80, Happening.RESUME))
    done = ran(rehearse(heel(), scenario(timeline=timeline)))
    assert done.finished
    assert [alarm.code for alarm in done.run.alarms] == ["F03"]


def test_a_pause_that_nobody_ends_ends_the_session() -> None:
    done = ran(rehearse(heel(), scenario(timeline=(at(60, Happening.PAUSE),))))
    assert done.reason == "interrupted for longer than is allowed"


def test_what_the_plan_asks_is_answered() -> None:
    base = heel().steps
    moved = tuple(replace(step, next=step.next + 2) for step in base[:-1])  # type: ignore[call-arg, union-attr]
    before = (
        Confirm("skin is clean", 1, Section.BEFORE, HERE),
        Instruct("sit down", 2, Section.BEFORE, HERE),
    )
    plan = replace(heel(), steps=(*before, *moved, base[-1]))
    assert check(plan) == ()
    done = ran(rehearse(plan, scenario()))
    assert done.finished
    assert [step for _, step in done.run.trace.visits] == [0, 1, 2, 3, 4, 5]
    assert done.run.trace.points[0].at_ms == 0


SWEAT = Variable(
    "chloride", VariableKind.RECORD, IntegerDomain(0, 160, 1, None, "plain number", ""), "", False, None, HERE
)
ROWS = (
    ClassRow(None, True, 60, False, "unlikely", HERE),
    ClassRow(60, True, None, True, "supports", HERE),
)


def sweat_test() -> Plan:
    """Record chloride twice; too little of it ends the test early; classify the last."""
    low = terms.less_equal(terms.integer_reference("chloride"), Constant(2))
    steps = (
        Record("chloride", 1, Section.AFTER, HERE),
        Branch(low, 2, 3, Section.AFTER, HERE),
        Finish("quantity not sufficient", False, Section.AFTER, HERE),
        Record("chloride", 4, Section.AFTER, HERE),
        Classify("chloride", ROWS, 5, Section.AFTER, HERE),
        Finish("finished", True, Section.AFTER, HERE),
    )
    plan = plan_with(steps, variables=(SWEAT,))
    assert check(plan) == ()
    return plan


def test_a_recorded_value_is_entered_when_it_is_asked_for_and_classified() -> None:
    done = ran(rehearse(sweat_test(), scenario(given=(("chloride", 70),))))
    assert done.classified == (("chloride", "supports"),)


def test_an_early_finish_gives_its_reason() -> None:
    made = scenario(expect(Expected.FINISHED, text="quantity not sufficient"), given=(("chloride", 1),))
    assert failing(sweat_test(), made) == ()
    (problem,) = failing(
        sweat_test(), scenario(expect(Expected.FINISHED, text="finished"), given=(("chloride", 1),))
    )
    assert "it finished with `quantity not sufficient`" in problem.message


def test_a_record_that_nobody_could_enter_is_refused() -> None:
    outcome = rehearse(sweat_test(), scenario(given=(("chloride", 161),)))
    assert isinstance(outcome, Refusal)
    assert outcome.diagnostics[0].code == "I0932"


# --- ordinary people


def test_answers_that_are_left_open_are_those_of_somebody_who_may_be_treated() -> None:
    age = Variable(
        "age", VariableKind.ANSWER, IntegerDomain(0, 120, 1, None, "plain number", ""), "", False, None, HERE
    )
    young = terms.compare(terms.Operator.LESS, terms.integer_reference("age"), Constant(80))
    rules = (
        Rule(RuleKind.REFUSE, terms.boolean_reference("pacemaker"), "", HERE),
        Rule(RuleKind.REFUSE, young, "", HERE),
        Rule(RuleKind.CAUTION, terms.negation(terms.boolean_reference("skin_is_whole")), "", HERE),
    )
    asked = (answer("pacemaker"), age, answer("skin_is_whole"))
    plan = heel(variables=(*heel().variables, *asked), rules=rules)
    found = ordinary_values(plan, {})
    assert found == {"current": 2 * MA, "pacemaker": False, "age": 120, "skin_is_whole": True}
    assert ran(rehearse(plan, scenario())).cautions == ()


def test_open_values_meet_requirements_where_they_can() -> None:
    other = Variable(
        "other",
        VariableKind.PARAMETER,
        IntegerDomain(0, 10, 1, None, "plain number", ""),
        "",
        False,
        None,
        HERE,
    )
    high = Requirement(terms.equal(terms.integer_reference("other"), Constant(10)), "", HERE)
    plan = heel(variables=(*heel().variables, other), requirements=(high,))
    assert ordinary_values(plan, {})["other"] == 10
    assert ordinary_values(plan, {"other": 3})["other"] == 3


# --- expectations


@pytest.mark.parametrize(
    "expectation",
    [
        expect(Expected.DELIVERED, 10 * MA_MIN, "mA.min"),
        expect(Expected.DELIVERED_AT_MOST, 10 * MA_MIN, "mA.min"),
        expect(Expected.DELIVERED_AT_LEAST, 9 * MA_MIN, "mA.min"),
        expect(Expected.DURATION_AT_MOST, 331_000, "min"),
        expect(Expected.DURATION_AT_LEAST, 329_000, "min"),
        expect(Expected.PEAK_AT_MOST, 2 * MA, "mA"),
        expect(Expected.FINISHED),
        expect(Expected.FINISHED, text="finished"),
    ],
)
def test_expectations_that_hold(expectation: Expectation) -> None:
    assert failing(heel(), scenario(expectation)) == ()


@pytest.mark.parametrize(
    ("expectation", "said"),
    [
        (expect(Expected.DELIVERED, 11 * MA_MIN, "mA.min"), "expected delivered = 11 mA.min, and it is "),
        (expect(Expected.DELIVERED, 9 * MA_MIN, "mA.min"), "expected delivered = 9 mA.min"),
        (expect(Expected.DELIVERED_AT_MOST, 9 * MA_MIN, "mA.min"), "expected delivered <= 9 mA.min"),
        (expect(Expected.DELIVERED_AT_LEAST, 12 * MA_MIN, "mC"), "expected delivered >= 720 mC"),
        (expect(Expected.DURATION_AT_MOST, 300_000, "min"), "expected duration <= 5 min, and it is ≈ 5.50"),
        (expect(Expected.DURATION_AT_LEAST, 360_000, "s"), "expected duration >= 360 s"),
        (expect(Expected.PEAK_AT_MOST, MA, "mA"), "expected peak <= 1 mA, and it is 2 mA"),
        (expect(Expected.REFUSED), "expected a refusal"),
        (expect(Expected.CAUTIONED), "expected a caution"),
        (expect(Expected.STOPPED), "expected to be stopped, and it finished"),
        (expect(Expected.CLASSIFIED, text="mild", variable="skin"), "it was not classified"),
    ],
)
def test_expectations_that_fail_say_what_was_seen(expectation: Expectation, said: str) -> None:
    (problem,) = failing(heel(), scenario(expectation))
    assert problem.code == "I0950"
    assert said in problem.message
    assert problem.primary is not None
    assert problem.primary.span == LINE


def test_a_refusal_that_was_expected_is_as_it_should_be_and_one_that_was_not_tells_its_reason() -> None:
    rule = Rule(RuleKind.REFUSE, terms.boolean_reference("pacemaker"), "cardiac pacemaker", HERE)
    plan = heel(variables=(*heel().variables, answer("pacemaker")), rules=(rule,))
    ill = (("pacemaker", True),)
    assert failing(plan, scenario(expect(Expected.REFUSED), given=ill)) == ()
    (problem,) = failing(plan, scenario(expect(Expected.FINISHED), given=ill))
    assert "the session is refused: cardiac pacemaker" in problem.message
    assert problem.labels[0].text == "cardiac pacemaker"


def test_a_caution_is_noted_and_the_session_goes_on() -> None:
    rule = Rule(RuleKind.CAUTION, terms.boolean_reference("pregnant"), "not established", HERE)
    plan = heel(variables=(*heel().variables, answer("pregnant")), rules=(rule,))
    made = scenario(expect(Expected.CAUTIONED), expect(Expected.FINISHED), given=(("pregnant", True),))
    assert failing(plan, made) == ()


def test_a_classification_is_expected_by_its_meaning() -> None:
    right = expect(Expected.CLASSIFIED, text="unlikely", variable="chloride")
    assert failing(sweat_test(), scenario(right, given=(("chloride", 59),))) == ()
    (problem,) = failing(sweat_test(), scenario(right, given=(("chloride", 60),)))
    assert "it is `supports`" in problem.message


def test_a_stop_that_was_expected() -> None:
    assert failing(heel(), scenario(expect(Expected.STOPPED), timeline=(at(60, Happening.STOP),))) == ()
    (problem,) = failing(heel(), scenario(expect(Expected.FINISHED), timeline=(at(60, Happening.STOP),)))
    assert "it ended otherwise: stopped" in problem.message


# --- disarmed


def test_disarmed_a_scenario_shows_the_violation_that_the_machine_would_prevent() -> None:
    plan = heel(limit(LimitKind.DOSE, 5 * MA_MIN, "mA.min"))
    assert isinstance(rehearse(plan, scenario()), Refusal)
    done = ran(rehearse(plan, scenario(), armed=False))
    (found,) = done.violations
    assert found.value > 10 * MA_MIN
    assert done.finished
    (problem,) = failures(plan, scenario(), done)
    assert problem.code == "I0940"


def test_disarmed_even_excluded_people_are_shown_and_impossible_values_are_not() -> None:
    rule = Rule(RuleKind.REFUSE, terms.boolean_reference("pacemaker"), "cardiac pacemaker", HERE)
    plan = heel(variables=(*heel().variables, answer("pacemaker")), rules=(rule,))
    assert ran(rehearse(plan, scenario(given=(("pacemaker", True),)), armed=False)).finished
    assert ran(rehearse(plan, scenario(given=(("current", 2_050_000),)), armed=False)).finished
    assert isinstance(rehearse(plan, scenario(given=(("current", True),)), armed=False), Refusal)


# --- the trace


@given(plans(), values(), timelines())
def test_a_trace_sums_up_to_the_nominal_ledger(
    plan: Plan, given_values: dict[str, Value], events: tuple[Occurrence, ...]
) -> None:
    made = Scenario("it", tuple(given_values.items()), events, (), None)
    done = ran(rehearse(plan, made, armed=False))
    machine = done.run.final.machine
    cut_short = any(point.cut for point in done.run.trace.points)
    assert done.observed.nominal_pc == machine.nominal_pc
    assert done.observed.worst_pc == machine.upper_pc or (
        cut_short and done.observed.worst_pc <= machine.upper_pc
    )
    assert done.observed.duration_ms == machine.duration_ms


@given(plans(), values(), timelines())
def test_what_the_machine_emits_violates_no_limit_that_it_enforces(
    plan: Plan, given_values: dict[str, Value], events: tuple[Occurrence, ...]
) -> None:
    constants = constants_of(plan, given_values, NO_HISTORY, UNLIMITED, screened=True)
    made = Scenario("it", (), events, (), None)
    done = run(BoundPlan(plan, given_values, constants, 1), Timeline(made, {}).happens)
    assert violations(plan, given_values, done.trace) == ()
    assert observe(plan, done.trace).worst_pc <= constants.cap_pc
