"""The door: outcomes and exit codes, the same report for the same plan, JSON that keeps to its schema."""

from __future__ import annotations

import json
from fractions import Fraction

import jsonschema
import pytest

from ionto_ir import expression as terms
from ionto_ir.canonical import canonical
from ionto_ir.dataclass import replace
from ionto_ir.limits import LimitKind
from ionto_ir.plan import Confirm, Plan, Ramp, Section, Slope
from ionto_verifier import driver
from ionto_verifier.decision import Proved, Stage, Unknown
from ionto_verifier.driver import verify
from ionto_verifier.inquiry import Inquiry
from ionto_verifier.instant import instant_claims
from ionto_verifier.judging import judge
from ionto_verifier.obligation import FALSE
from ionto_verifier.properties import SENTENCES, Property
from ionto_verifier.report import Outcome, summary_lines, verdict_name
from ionto_verifier.report_json import predicate, report_to_json, verify_schema
from ionto_verifier.rests import Rest, rest_of, rests_of, rests_text
from ionto_verifier.term import TermTooLargeError
from tests.architecture.tree import ROOT
from tests.treatments import HERE, Keep, limit, plan_with
from tests.verifier.sessions import (
    CURRENT,
    HOUR,
    MA,
    MA_MIN,
    MINUTE,
    QUICK,
    answered,
    asking,
    current_limit,
    dose_limit,
    excluding,
    finding,
    following,
    limited,
    paused,
    refusing,
    session,
)


def _safe() -> Plan:
    plan = refusing(excluding(asking(session(), "pacemaker"), answered("pacemaker")), answered("pacemaker"))
    return limited(plan, current_limit(2 * MA), dose_limit(MA_MIN))


def _unsafe() -> Plan:
    return limited(
        paused(session(level="current", parameters=(CURRENT,)), 2), current_limit(MA), dose_limit(10**9)
    )


def _crowded() -> Plan:
    plan = following(session(), days=1)
    return limited(plan, limit(LimitKind.SESSIONS, 1, "", window_ms=24 * HOUR))


def _nobody() -> Plan:
    return refusing(session(), terms.TRUE)


def _ill_formed() -> Plan:
    plan = session()
    return replace(plan, steps=plan.steps[:1])


OUTCOMES = {
    Outcome.PROVED: _safe,
    Outcome.REFUTED: _unsafe,
    Outcome.SOURCE_ERRORS: _ill_formed,
    Outcome.UNSETTLED: _nobody,
}
EXITS = {
    Outcome.PROVED: 0,
    Outcome.REFUTED: 1,
    Outcome.SOURCE_ERRORS: 2,
    Outcome.UNSETTLED: 3,
    Outcome.DISAGREEMENT: 5,
}


@pytest.mark.parametrize("outcome", OUTCOMES)
def test_every_outcome_has_its_exit_code(outcome: Outcome) -> None:
    report = verify(OUTCOMES[outcome](), QUICK)
    assert report.outcome is outcome
    assert report.exit_code == EXITS[outcome]
    assert report.proved is (outcome is Outcome.PROVED)


@pytest.mark.parametrize("plan", [_safe, _unsafe, _crowded, _ill_formed, _nobody])
def test_the_json_form_keeps_to_the_published_schema(plan: object) -> None:
    assert callable(plan)
    data = report_to_json(verify(plan()))
    jsonschema.validate(json.loads(json.dumps(data)), verify_schema())


def test_the_published_schema_is_the_one_that_the_code_has() -> None:
    published = json.loads((ROOT / "docs" / "reference" / "verify.schema.json").read_text(encoding="utf-8"))
    assert published == verify_schema()
    jsonschema.Draft202012Validator.check_schema(published)


def test_the_same_plan_gives_the_same_report() -> None:
    first, second = (report_to_json(verify(_unsafe())) for _ in range(2))
    assert json.dumps(first) == json.dumps(second)


def test_the_predicate_of_a_seal_names_claims_limits_assumptions_and_sources() -> None:
    report = verify(_safe())
    sealed = predicate(report)
    assert sealed["outcome"] == "proved"
    assert canonical(json.loads(json.dumps(sealed)))
    assert {"claims", "limits", "assumptions", "sources"} <= sealed.keys()


def test_findings_come_in_the_order_of_the_catalogue() -> None:
    order = list(Property)
    places = [order.index(item.claim.property) for item in verify(_safe(), QUICK).findings]
    assert places == sorted(places)


def test_every_property_has_a_sentence_and_every_claim_an_id_of_its_own() -> None:
    assert set(SENTENCES) == set(Property)
    names = [item.claim.id for item in verify(_unsafe(), QUICK).findings]
    assert len(names) == len(set(names))


def test_a_proof_by_intervals_has_a_certificate_for_every_question() -> None:
    found = finding(verify(_safe(), QUICK), Property.DOSE)
    assert found.certified == sum(count for _, count in found.stages) > 0


def test_a_core_names_the_lines_and_the_facts_of_the_device() -> None:
    plan = limited(session(level="current", parameters=(CURRENT,)), current_limit(4 * MA, nominal=False))
    texts = {item.text for item in finding(verify(plan, QUICK), Property.CURRENT).core}
    assert "current <= 2 mA" in texts
    assert any("accuracy" in text for text in texts)


def test_assumptions_are_in_every_report() -> None:
    said = " ".join(verify(_safe(), QUICK).assumptions)
    for words in ("tick of 100 ms", "emergency stops", "by itself 500 ms after", "bench_dc", "impedance"):
        assert words in said
    for words in (
        "more than the set current",
        "loss of power",
        "ramp limits",
        "the journal is at most 2 ticks",
    ):
        assert words in said


def test_what_proofs_rest_on_is_counted_and_a_solver_s_word_is_no_certificate() -> None:
    report = verify(_safe(), QUICK)
    found = rests_of(report)
    assert found[Rest.CERTIFICATE] > 10
    assert (found[Rest.SOLVER], found[Rest.OPEN]) == (0, 0)
    assert sum(found.values()) == len(report.answers)
    one = next(item for item in report.answers if rest_of(item) is Rest.CERTIFICATE)
    believed = replace(one, decision=Proved(Stage.SOLVER, None, ()))
    counted = rests_of(replace(report, answers=(*report.answers, believed)))
    assert counted[Rest.SOLVER] == 1
    assert "1 on a solver's word alone" in rests_text(replace(report, answers=(believed,)))


def test_a_person_who_is_waited_for_under_current_bounds_nothing() -> None:
    from tests.treatments import Fixed, Leg, Move, Over, Treatment, plan_of

    leg = Leg(Move(Fixed(MA), Over(10_000)), (Keep("time", 1_000),), Over(10_000))
    plan = plan_of(Treatment((leg, leg)))
    steps = list(plan.steps)
    # Between the legs somebody says that all is well.
    steps[2] = replace(steps[2], next=len(steps))
    steps.append(Confirm("All is well", 3, Section.SESSION, HERE))
    waiting = limited(plan_with(tuple(steps)), limit(LimitKind.DURATION, 10 * MINUTE, "min"))
    found = finding(verify(waiting, QUICK), Property.DURATION)
    assert verdict_name(found.verdict) == "undecided"
    assert found.reason is not None and "person" in found.reason


def test_a_plan_that_grows_out_of_bounds_is_undecided_and_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    def too_large(_: object) -> None:
        raise TermTooLargeError("a product of degree 99")

    monkeypatch.setattr(driver, "Inquiry", too_large)
    report = verify(_safe(), QUICK)
    assert report.outcome is Outcome.UNSETTLED
    assert [item.code for item in report.diagnostics] == ["I0703"]


def test_current_where_the_output_goes_off_is_refuted_by_the_symbolic_run_too() -> None:
    from ionto_verifier.solve import decide
    from ionto_verifier.structure import structure_claims

    plan = session()
    ramp = plan.steps[2]
    assert isinstance(ramp, Ramp)
    ending = replace(ramp, target_na=terms.integer(MA), slope=Slope(terms.integer(MA), terms.integer(10_000)))
    inquiry = Inquiry(replace(plan, steps=(*plan.steps[:2], ending, *plan.steps[3:])))
    zero = next(asked for asked in structure_claims(inquiry) if asked.claim.property is Property.ZERO)
    assert [question.obligation.conclusion for question in zero.questions] == [FALSE]
    assert type(decide(zero.questions[0].obligation)).__name__ == "Refuted"


def test_the_summary_has_a_line_for_every_property_that_is_claimed() -> None:
    report = verify(_unsafe())
    lines = summary_lines(report)
    kinds = {item.claim.property for item in report.findings}
    assert len(lines) == len(kinds)
    assert any(line.startswith("current: refuted") for line in lines)


def test_a_proof_that_rests_on_the_steps_of_a_parameter_says_so() -> None:
    inquiry = Inquiry(limited(session(level="current", parameters=(CURRENT,)), current_limit(2 * MA)))
    (asked,) = instant_claims(inquiry)
    between = {"current": Fraction(3 * MA, 2)}
    decisions = {
        question.obligation.id: Proved(Stage.SPLIT, None, (), unsafe_between=between)
        for question in asked.questions
    }
    found = judge(inquiry, asked, decisions, margins=False).finding
    assert verdict_name(found.verdict) == "proved"
    assert found.reason is not None and "between" in found.reason


def test_what_no_method_can_decide_is_undecided_and_nothing_is_proved_of_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(
        driver,
        "decide_all",
        lambda obligations, *_: {item.id: Unknown("nobody knows") for item in obligations},
    )
    report = verify(_safe(), QUICK)
    assert report.outcome is Outcome.UNSETTLED and not report.proved
    asked = {item.question.claim for item in report.answers if isinstance(item.decision, Unknown)}
    said = {verdict_name(item.verdict) for item in report.findings if item.claim.id in asked}
    assert said == {"undecided"}
