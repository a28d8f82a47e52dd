"""A plan that is not well formed is refused for the stated reason, and the well-formed ones pass."""

from __future__ import annotations

import pytest
from hypothesis import given

from ionto_ir import expression as terms
from ionto_ir.dataclass import replace
from ionto_ir.expression import Constant, Operation, Operator, Reference, Sort
from ionto_ir.plan import (
    BooleanDomain,
    Branch,
    ChoiceDomain,
    Classify,
    ClassRow,
    Confirm,
    Finish,
    Hold,
    Instruct,
    IntegerDomain,
    Plan,
    PropertyKind,
    Requirement,
    Reverse,
    Rule,
    RuleKind,
    Section,
    Slope,
    Step,
    UntilTotal,
    UserProperty,
    Variable,
    VariableKind,
    Wait,
)
from ionto_ir.wellformed import check
from tests.ir.steps import (
    MA,
    SESSION,
    SLOPE,
    UP_AND_DOWN,
    WAIT,
    broken_steps,
    complaint,
    hold,
    loop,
    ramp,
    record,
    recorded,
    wait,
)
from tests.strategies import plans
from tests.treatments import HERE, answer, current_parameter, finish, plan_with


@given(plans())
def test_generated_treatments_are_well_formed(plan: Plan) -> None:
    assert check(plan) == ()


def test_a_plain_session_is_well_formed() -> None:
    assert check(plan_with(UP_AND_DOWN)) == ()


# --- the graph


def test_a_step_that_leads_nowhere_is_refused() -> None:
    assert "step 7, which does not exist" in complaint(plan_with((wait(7), finish())), "I0823")


def test_a_plan_without_steps_is_refused() -> None:
    assert "does not begin" in complaint(plan_with(()), "I0823")


def test_a_step_that_follows_itself_can_be_repeated_without_end() -> None:
    messages = [message for _, message in broken_steps(wait(0), finish())]
    assert any("without end" in message for message in messages)


def test_a_cycle_through_the_exit_of_a_loop_can_be_repeated_without_end() -> None:
    # Leaving the loop resets its counter, so coming back begins all over.
    steps = (loop(0, 1, 2), wait(0), Branch(terms.boolean_reference("sore"), 0, 3, SESSION, HERE), finish())
    messages = [message for _, message in broken_steps(*steps, variables=(answer("sore"),))]
    assert messages == ["step 0 can be repeated without end"]


def test_nested_loops_with_counters_of_their_own_are_well_formed() -> None:
    assert broken_steps(loop(0, 1, 3), loop(1, 2, 0), wait(1), finish()) == ()


def test_two_loops_do_not_share_a_counter() -> None:
    plan = replace(plan_with((loop(0, 1, 3), loop(0, 2, 0), wait(1), finish())), counters=1)
    assert "counter of its own" in complaint(plan, "I0823")


def test_a_counter_that_no_loop_uses_is_refused() -> None:
    assert "no loop counts with" in complaint(replace(plan_with(UP_AND_DOWN), counters=1), "I0823")


def test_a_body_that_is_entered_from_outside_is_refused() -> None:
    choose = Branch(terms.boolean_reference("sore"), 1, 2, SESSION, HERE)
    steps = (choose, loop(0, 2, 3), wait(1), finish())
    (problem,) = broken_steps(*steps, variables=(answer("sore"),))
    assert "entered or left other than through its beginning" in problem[1]


def test_a_body_that_never_returns_to_its_loop_is_refused() -> None:
    (problem,) = broken_steps(loop(0, 1, 2), wait(2), finish())
    assert "entered or left other than through its beginning" in problem[1]


def test_a_body_may_finish_the_treatment_early() -> None:
    early = Finish("quantity not sufficient", False, SESSION, HERE)
    fork = Branch(terms.boolean_reference("sore"), 2, 0, SESSION, HERE)
    assert broken_steps(loop(0, 1, 3), fork, early, finish(), variables=(answer("sore"),)) == ()


def test_a_step_that_nothing_leads_to_is_refused() -> None:
    assert broken_steps(wait(2), wait(2), finish()) == (("I0823", "nothing leads to step 1"),)


def test_sections_come_in_their_order() -> None:
    late = Instruct("rest", 1, Section.AFTER, HERE)
    (problem,) = broken_steps(late, wait(2), finish())
    assert "leads back from `after`" in problem[1]


def test_current_flows_in_the_session_only() -> None:
    early = replace(ramp(0, 0, 1), section=Section.BEFORE)
    assert broken_steps(early, finish()) == (("I0823", "step 0 belongs into the session"),)


# --- variables and expressions


@pytest.mark.parametrize(
    ("domain", "said"),
    [
        (IntegerDomain(2, 1, None, None, "current", "mA"), "empty range"),
        (IntegerDomain(0, 10, 3, None, "current", "mA"), "step that does not lead"),
        (IntegerDomain(0, 10, 0, None, "current", "mA"), "step that does not lead"),
        (IntegerDomain(0, 10, None, 11, "current", "mA"), "default outside"),
        (IntegerDomain(0, 10, 5, 4, "current", "mA"), "default that is not on a step"),
        (IntegerDomain(0, 10, None, None, "vigour", "mA"), "unknown dimension `vigour`"),
        (ChoiceDomain(()), "no distinct labels"),
        (ChoiceDomain(("none", "none")), "no distinct labels"),
    ],
)
def test_a_domain_that_makes_no_sense_is_refused(domain: IntegerDomain | ChoiceDomain, said: str) -> None:
    variable = Variable("x", VariableKind.PARAMETER, domain, "", False, None, HERE)
    assert said in complaint(plan_with(UP_AND_DOWN, variables=(variable,)), "I0824")


def test_a_name_is_declared_once_and_does_not_belong_to_the_machine() -> None:
    assert "declared twice" in complaint(
        plan_with(UP_AND_DOWN, variables=(answer("x"), answer("x"))), "I0824"
    )
    assert "not free" in complaint(plan_with(UP_AND_DOWN, variables=(answer("output.current"),)), "I0824")


def test_only_parameters_that_are_quantities_can_be_adjusted() -> None:
    asked = replace(answer("x"), adjustable=True)
    assert "adjustable but no parameter" in complaint(plan_with(UP_AND_DOWN, variables=(asked,)), "I0824")
    flag = replace(asked, kind=VariableKind.PARAMETER, domain=BooleanDomain())
    assert "adjustable but no quantity" in complaint(plan_with(UP_AND_DOWN, variables=(flag,)), "I0824")


def test_a_geometry_is_positive() -> None:
    tray = Variable(
        "tray", VariableKind.GEOMETRY, IntegerDomain(0, 9, None, None, "area", "cm2"), "", False, None, HERE
    )
    assert "positive" in complaint(plan_with(UP_AND_DOWN, variables=(tray,)), "I0824")


def _with_condition(condition: terms.Expression, *variables: Variable) -> Plan:
    return plan_with(UP_AND_DOWN, variables=variables, requirements=(Requirement(condition, "", HERE),))


def test_a_reference_is_declared_and_of_the_right_sort() -> None:
    assert "not declared" in complaint(_with_condition(terms.boolean_reference("x")), "I0825")
    assert "another sort" in complaint(
        _with_condition(terms.boolean_reference("n"), current_parameter("n", 0, 9, None, 1)), "I0825"
    )


def test_an_operation_takes_what_its_operator_takes() -> None:
    wrong = Operation(Operator.AND, (Reference("x", Sort.BOOLEAN), Constant(1)))
    assert "takes booleans" in complaint(_with_condition(wrong, answer("x")), "I0825")
    lame = Operation(Operator.IF, (Reference("x", Sort.BOOLEAN),))
    assert "takes a boolean and two" in complaint(_with_condition(lame, answer("x")), "I0825")


def test_a_condition_is_a_condition_and_a_number_a_number() -> None:
    assert "no condition" in complaint(_with_condition(Constant(1)), "I0825")
    steps = (Wait(terms.TRUE, "", 1, SESSION, HERE), finish())
    assert "no number" in complaint(plan_with(steps), "I0825")


def test_an_expression_has_a_bounded_depth_and_bounded_numbers() -> None:
    deep: terms.Expression = Reference("x", Sort.BOOLEAN)
    for _ in range(5_000):
        deep = Operation(Operator.NOT, (deep,))
    assert "nests deeper" in complaint(_with_condition(deep, answer("x")), "I0825")
    huge = Operation(Operator.EQUAL, (Constant(2**53), Constant(2**53)))
    assert "beyond 2^53 - 1" in complaint(_with_condition(huge), "I0825")


def test_screening_cannot_look_at_what_is_recorded_later() -> None:
    later = terms.less_equal(terms.integer_reference("pain"), Constant(2))
    rule = Rule(RuleKind.REFUSE, later, "", HERE)
    plan = plan_with((record("pain", 1), finish()), variables=(recorded("pain"),), rules=(rule,))
    assert "not known there" in complaint(plan, "I0825")


def test_only_properties_may_look_at_the_output() -> None:
    low = terms.less_equal(terms.integer_reference("output.current"), Constant(MA))
    proved = UserProperty(PropertyKind.ALWAYS, low, None, None, "", HERE)
    assert check(plan_with(UP_AND_DOWN, properties=(proved,))) == ()
    assert "not declared" in complaint(_with_condition(low), "I0825")


def test_only_record_variables_are_recorded() -> None:
    assert "not recorded" in complaint(
        plan_with((record("sore", 1), finish()), variables=(answer("sore"),)), "I0825"
    )


# --- recorded in time


PAINFUL = Branch(terms.less_equal(terms.integer_reference("pain"), Constant(2)), 2, 2, SESSION, HERE)


def test_a_recorded_value_may_be_used_after_it_was_recorded() -> None:
    assert broken_steps(record("pain", 1), PAINFUL, finish(), variables=(recorded("pain"),)) == ()


def test_a_recorded_value_is_not_used_before_it_was_recorded() -> None:
    first = replace(PAINFUL, then=1, otherwise=1)
    (problem,) = broken_steps(first, record("pain", 2), finish(), variables=(recorded("pain"),))
    assert problem[0] == "I0825"
    assert "`pain`" in problem[1]


def test_a_value_that_only_one_branch_recorded_is_not_used_after_both() -> None:
    fork = Branch(terms.boolean_reference("sore"), 1, 2, SESSION, HERE)
    last = replace(PAINFUL, then=3, otherwise=3)
    (problem,) = broken_steps(
        fork, record("pain", 2), last, finish(), variables=(answer("sore"), recorded("pain"))
    )
    assert "step 2 uses `pain`" in problem[1]


CALM = terms.less_equal(terms.integer_reference("pain"), Constant(2))


def test_a_loop_may_end_on_what_its_body_records() -> None:
    head = loop(0, 1, 2, until=CALM)
    table = Classify("pain", (ClassRow(None, True, None, True, "any", HERE),), 3, SESSION, HERE)
    assert broken_steps(head, record("pain", 0), table, finish(), variables=(recorded("pain"),)) == ()


def test_a_loop_does_not_end_on_what_its_body_leaves_out() -> None:
    (problem,) = broken_steps(loop(0, 1, 2, until=CALM), wait(0), finish(), variables=(recorded("pain"),))
    assert "step 0 uses `pain`" in problem[1]


@pytest.mark.parametrize(("fewest", "complaints"), [(0, ["step 2 uses `pain`"]), (1, [])])
def test_what_a_body_records_is_known_after_the_loop_only_if_it_surely_ran(
    fewest: int, complaints: list[str]
) -> None:
    domain = IntegerDomain(fewest, 3, 1, 1, "plain number", "")
    rounds = Variable("rounds", VariableKind.PARAMETER, domain, "", False, None, HERE)
    table = Classify("pain", (ClassRow(None, True, None, True, "any", HERE),), 3, SESSION, HERE)
    head = loop(0, 1, 2, count=terms.integer_reference("rounds"), until=CALM)
    found = broken_steps(head, record("pain", 0), table, finish(), variables=(rounds, recorded("pain")))
    assert [message[:18] for _, message in found] == complaints


# --- levels


def test_polarity_is_reversed_at_zero_only() -> None:
    turn = Reverse(2, SESSION, HERE)
    (problem,) = broken_steps(ramp(0, MA, 1), turn, ramp(MA, 0, 3), finish())
    assert problem == ("I0826", "step 1 reverses the polarity while current flows")


@pytest.mark.parametrize(
    "step", [wait(2), Confirm("", 2, SESSION, HERE), Instruct("", 2, SESSION, HERE), record("pain", 2)]
)
def test_what_needs_the_output_off_finds_it_off(step: Step) -> None:
    found = broken_steps(ramp(0, MA, 1), step, ramp(MA, 0, 3), finish(), variables=(recorded("pain"),))
    assert found == (("I0826", "step 1 needs the output off, and current flows"),)


def test_the_end_is_at_zero() -> None:
    assert broken_steps(ramp(0, MA, 1), finish()) == (
        ("I0826", "step 1 needs the output off, and current flows"),
    )


def test_a_period_passes_with_the_output_off() -> None:
    steps = (ramp(0, MA, 1), loop(0, 2, 3, period_ms=WAIT), hold(MA, 1), ramp(MA, 0, 4), finish())
    assert broken_steps(*steps) == (("I0826", "step 1 waits for its period while current flows"),)


def test_a_hold_keeps_the_current_that_it_finds() -> None:
    (problem,) = broken_steps(ramp(0, MA, 1), hold(2 * MA, 2), ramp(MA, 0, 3), finish())
    assert "holds another current" in problem[1]


def test_a_ramp_starts_where_the_one_before_ended() -> None:
    (problem,) = broken_steps(ramp(0, MA, 1), ramp(2 * MA, 0, 2), finish())
    assert "planned to start from another current" in problem[1]


def test_after_branches_to_different_levels_only_a_ramp_may_follow() -> None:
    fork = Branch(terms.boolean_reference("sore"), 1, 2, SESSION, HERE)
    up = (fork, ramp(0, MA, 3), ramp(0, 2 * MA, 3))
    assert broken_steps(*up, ramp(2 * MA, 0, 4), finish(), variables=(answer("sore"),)) == ()
    (problem,) = broken_steps(*up, hold(MA, 4), ramp(MA, 0, 5), finish(), variables=(answer("sore"),))
    assert "holds another current" in problem[1]


def test_a_ramp_does_not_pass_through_zero() -> None:
    (problem,) = broken_steps(ramp(0, MA, 1), ramp(MA, MA, 2, reverse=True), ramp(MA, 0, 3, True), finish())
    assert "passes through zero" in problem[1]


def test_a_current_comes_down_with_the_sign_that_it_has() -> None:
    (problem,) = broken_steps(ramp(0, MA, 1), ramp(MA, 0, 2, reverse=True), finish())
    assert "comes down with another sign" in problem[1]


def test_no_round_leaves_another_sign_than_it_found() -> None:
    hold_and_turn = (hold(MA, 3), ramp(MA, 0, 4), ramp(0, MA, 1, reverse=True))
    problems = broken_steps(ramp(0, MA, 1), loop(0, 2, 5), *hold_and_turn, ramp(MA, 0, 6), finish())
    assert [problem[1].partition(" comes")[0] for problem in problems] == ["step 3", "step 5"]


def test_a_ramp_that_must_move_has_a_rate() -> None:
    still = replace(ramp(0, MA, 1), slope=Slope(Constant(0), Constant(1000)))
    (problem,) = broken_steps(still, ramp(MA, 0, 2), finish())
    assert "never reaches its target" in problem[1]


def test_until_total_looks_ahead_at_the_ramp_that_follows() -> None:
    def total(descent: Slope | None) -> Hold:
        return Hold(Constant(MA), UntilTotal(Constant(10**9), descent), 2, SESSION, HERE)

    assert broken_steps(ramp(0, MA, 1), total(SLOPE), ramp(MA, 0, 3), finish()) == ()
    (problem,) = broken_steps(ramp(0, MA, 1), total(None), ramp(MA, 0, 3), finish())
    assert "another descent" in problem[1]
