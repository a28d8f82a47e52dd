"""The symbolic run: choices that close again, rounds, records, reversals, and who gets where."""

from __future__ import annotations

from fractions import Fraction

from ionto_ir import expression as terms
from ionto_ir.dataclass import replace
from ionto_ir.expression import Operator, compare
from ionto_ir.limits import LimitKind, Role
from ionto_ir.plan import (
    Branch,
    Finish,
    IntegerDomain,
    Loop,
    Plan,
    Record,
    Section,
    Step,
    Variable,
    VariableKind,
)
from ionto_ir.wellformed import check
from ionto_verifier.driver import verify
from ionto_verifier.encode import Encoding
from ionto_verifier.paths import Visit, follow
from ionto_verifier.properties import Property
from ionto_verifier.report import Outcome, verdict_name
from ionto_verifier.term import Polynomial, evaluate
from tests.treatments import (
    HERE,
    Choice,
    Fixed,
    Keep,
    Leg,
    Move,
    Over,
    Repeat,
    Rest,
    Treatment,
    Turn,
    finish,
    limit,
    plan_of,
    plan_with,
)
from tests.verifier.sessions import (
    CM2,
    MA,
    MA_CM2,
    QUICK,
    SECOND,
    answered,
    dose_limit,
    finding,
    limited,
    paused,
    refusing,
    verdict,
    with_areas,
)


def _leg(level: int = MA, hold_ms: int = 10 * SECOND) -> Leg:
    return Leg(Move(Fixed(level), Over(8 * SECOND)), (Keep("time", hold_ms),), Over(8 * SECOND))


def _visits(plan: Plan) -> tuple[Visit, ...]:
    assert check(plan) == ()
    return follow(Encoding(plan))


def _end(plan: Plan) -> Polynomial:
    """The charge at the end of the plan, as a polynomial."""
    last = [visit for visit in _visits(plan) if isinstance(plan.steps[visit.step], Finish)][-1]
    return last.after.nominal_pc


def test_a_choice_that_closes_again_is_one_polynomial_in_its_answer() -> None:
    plan = plan_of(
        Treatment(
            (_leg(), Choice("sore", (_leg(MA // 2),), (_leg(2 * MA),))), answers=("sore",), interruptions=0
        )
    )
    charge = _end(plan)
    mild, strong = (evaluate(charge, {"sore": Fraction(answer)}) for answer in (1, 0))
    alone = evaluate(_end(plan_of(Treatment((_leg(),), interruptions=0))), {})
    half = evaluate(_end(plan_of(Treatment((_leg(), _leg(MA // 2)), interruptions=0))), {})
    double = evaluate(_end(plan_of(Treatment((_leg(), _leg(2 * MA)), interruptions=0))), {})
    assert (mild, strong) == (half, double)
    assert alone < mild < strong


def test_steps_behind_a_choice_know_what_was_chosen() -> None:
    plan = plan_of(Treatment((_leg(), Choice("sore", (Rest(SECOND),), ())), answers=("sore",)))
    waits = [visit for visit in _visits(plan) if type(plan.steps[visit.step]).__name__ == "Wait"]
    assert [[guard.name for guard in visit.path] for visit in waits] == [["branch:3:yes"]]


def test_rounds_multiply_what_one_round_adds() -> None:
    once = evaluate(_end(plan_of(Treatment((_leg(),), interruptions=0))), {})
    thrice = evaluate(_end(plan_of(Treatment((Repeat(3, None, (_leg(),)),), interruptions=0))), {})
    nested = evaluate(
        _end(plan_of(Treatment((Repeat(2, None, (Repeat(3, None, (_leg(),)),)),), interruptions=0))), {}
    )
    assert (thrice, nested) == (3 * once, 6 * once)


def test_a_period_bounds_the_time_of_a_round_from_below() -> None:
    quick = plan_of(Treatment((Repeat(3, 5 * SECOND, (_leg(),)),), interruptions=0))
    slow = plan_of(Treatment((Repeat(3, 60 * SECOND, (_leg(),)),), interruptions=0))
    ends = [_visits(plan)[-1].after.elapsed_ms for plan in (quick, slow)]
    assert [evaluate(end, {}) for end in ends] == [3 * 26 * SECOND, 3 * 60 * SECOND]


def test_a_reversal_swaps_the_roles_of_the_electrodes() -> None:
    there = Treatment((_leg(),), interruptions=0)
    back = Treatment((_leg(), Turn(), _leg()), interruptions=0)
    bound = limit(LimitKind.DENSITY, MA_CM2 // 10, "mA/cm2", role=Role.ANODE)
    # The small electrode is a cathode until the reversal.
    plans = [limited(with_areas(plan_of(item), 5 * CM2, 100 * CM2), bound) for item in (there, back)]
    assert [verdict(plan, Property.DENSITY) for plan in plans] == ["proved", "refuted"]


def test_an_even_number_of_reversals_is_none() -> None:
    parts = (_leg(), Turn(), Turn(), _leg())
    bound = limit(LimitKind.DENSITY, MA_CM2 // 10, "mA/cm2", role=Role.ANODE)
    plan = limited(with_areas(plan_of(Treatment(parts, interruptions=0)), 5 * CM2, 100 * CM2), bound)
    assert verdict(plan, Property.DENSITY) == "proved"


def test_a_negative_ramp_is_the_other_polarity() -> None:
    leg = replace(_leg(), negative=True)
    bound = limit(LimitKind.DENSITY, MA_CM2 // 10, "mA/cm2", role=Role.ANODE)
    plan = limited(with_areas(plan_of(Treatment((leg,), interruptions=0)), 5 * CM2, 100 * CM2), bound)
    assert verdict(plan, Property.DENSITY) == "refuted"


def test_a_step_that_nobody_reaches_is_vacuous() -> None:
    plan = plan_of(Treatment((_leg(), Choice("sore", (Rest(SECOND),), ())), answers=("sore",)))
    plan = limited(refusing(plan, answered("sore")))
    report = verify(plan, QUICK)
    assert verdict_name(finding(report, Property.REACHABLE).verdict) == "vacuous"
    assert report.outcome is Outcome.UNSETTLED
    assert [item.code for item in report.diagnostics] == ["I0702"]


SWEATING = Variable(
    "sweating", VariableKind.RECORD, IntegerDomain(1, 4, 1, None, "plain number", ""), "", False, None, HERE
)


def _until_dry(rounds: int) -> Plan:
    """Legs until somebody records that it is enough, at most so many."""
    leg = plan_of(Treatment((_leg(),), interruptions=0)).steps[:3]
    enough = compare(Operator.LESS_EQUAL, terms.integer_reference("sweating"), terms.integer(1))
    steps: list[Step] = [
        Loop(0, terms.integer(rounds), enough, None, 1, 5, Section.SESSION, HERE),
        *(replace(step, next=index + 2) for index, step in enumerate(leg)),  # type: ignore[arg-type]
        Record("sweating", 0, Section.SESSION, HERE),
        finish(),
    ]
    return paused(plan_with(tuple(steps), variables=(SWEATING,)), 0)


def test_rounds_until_something_is_recorded_count_as_often_as_they_may() -> None:
    once = evaluate(_end(plan_of(Treatment((_leg(),), interruptions=0))), {})
    bound = dose_limit(int(once) * 35 // 10, nominal=True)
    assert verdict(limited(_until_dry(3), bound), Property.DOSE) == "proved"
    four = verify(limited(_until_dry(4), bound), QUICK)
    found = finding(four, Property.DOSE)
    assert verdict_name(found.verdict) == "refuted"
    assert found.counterexample is not None
    assert dict(found.counterexample.scenario.given)["sweating"] != 1


def test_a_choice_on_what_was_recorded_is_open_both_ways() -> None:
    leg = plan_of(Treatment((_leg(),), interruptions=0)).steps[:3]
    more = compare(Operator.GREATER, terms.integer_reference("sweating"), terms.integer(2))
    steps: list[Step] = [
        Record("sweating", 1, Section.SESSION, HERE),
        Branch(more, 2, 5, Section.SESSION, HERE),
        *(replace(step, next=index + 3) for index, step in enumerate(leg)),  # type: ignore[arg-type]
        finish(),
    ]
    plan = limited(plan_with(tuple(steps), variables=(SWEATING,)), dose_limit(10**9))
    found = finding(verify(plan, QUICK), Property.DOSE)
    assert verdict_name(found.verdict) == "refuted"
    assert found.counterexample is not None
    assert int(dict(found.counterexample.scenario.given)["sweating"]) > 2


def test_a_total_absorbs_what_pauses_before_it_have_cost() -> None:
    total = Keep("total", 60_000_000_000)
    leg = Leg(Move(Fixed(MA), Over(8 * SECOND)), (total,), Over(8 * SECOND))
    bound = dose_limit(60_000_000_000, nominal=True)
    for pauses in (0, 1, 2):
        plan = plan_of(Treatment((leg,), interruptions=pauses))
        assert verdict(limited(plan, bound), Property.DOSE) == "proved"
