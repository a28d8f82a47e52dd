"""What is proved is never violated by the executor under an adversary; what is refuted shows in a run."""

from __future__ import annotations

from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from ionto_ir.bind import bind
from ionto_ir.bound import BoundPlan
from ionto_ir.dataclass import replace
from ionto_ir.device import ALL, WHOLE, Split
from ionto_ir.features import features_of
from ionto_ir.limits import Limit, LimitKind, Role
from ionto_ir.observer import violations
from ionto_ir.plan import ChoiceDomain, Plan, Variable, VariableKind
from ionto_ir.rehearse import Rehearsed, rehearse
from ionto_ir.scenario import Occurrence
from ionto_verifier.driver import Options, verify
from ionto_verifier.report import VerificationReport, verdict_name
from tests.differential.adversary import armed_run, corners, disarmed_run, restless, scripts
from tests.strategies import plans, timelines
from tests.treatments import limit

PROVE_ONLY = Options(margins=False, advice=False)
# Each example is a proof and dozens of sessions: few of them, and no hours of shrinking.
SLOW = settings(max_examples=max(12, settings().max_examples // 50), phases=[Phase.explicit, Phase.generate])


ROLES = st.sampled_from([None, Role.ANODE, Role.CATHODE])
POLE = "active.pole"


@st.composite
def split_plans(draw: st.DrawFn) -> Plan:
    """Generated plans whose patches share the current, or whose pole is chosen on the day, and limits on
    what adds up at an electrode.
    """
    plan = draw(plans())
    active, back = plan.electrodes
    if draw(st.booleans()):
        low = draw(st.integers(10, 50)) * 10_000
        shares = (Split(low, WHOLE - low), draw(st.sampled_from([ALL, Split(low, WHOLE - low)])))
        patches = (replace(active, split=shares[0]), replace(active, split=shares[1], site="leg"))
        plan = replace(plan, electrodes=(*patches, back))
    if draw(st.booleans()):
        domain = ChoiceDomain(("cathode", "anode"))
        pole = Variable(POLE, VariableKind.PARAMETER, domain, "", False, None, plan.span)
        plan = replace(plan, pole=POLE, variables=(*plan.variables, pole))
    most = draw(st.integers(30, 400))
    bounds = (
        limit(LimitKind.DOSE, most * 10**9, "mA.min", role=draw(ROLES), nominal=draw(st.booleans())),
        limit(LimitKind.CHARGE_DENSITY, most * 400_000, "mC/cm2", role=draw(ROLES)),
        limit(LimitKind.CURRENT, draw(st.integers(10, 45)) * 100_000, "mA", role=draw(ROLES)),
    )
    plan = replace(plan, limits=(*plan.limits, *bounds))
    return replace(plan, requires=features_of(plan))


@st.composite
def limited_plans(draw: st.DrawFn) -> Plan:
    """Generated plans with limits around what they do, so that some hold and some do not."""
    plan = draw(plans() | split_plans())
    role = draw(ROLES)
    bounds = (
        limit(LimitKind.DOSE, draw(st.integers(30, 400)) * 10**9, "mA.min", nominal=draw(st.booleans())),
        limit(LimitKind.DURATION, draw(st.integers(30, 600)) * 1_000, "s"),
        limit(LimitKind.DENSITY, draw(st.integers(5, 18)) * 100_000, "mA/cm2", role=role),
        limit(LimitKind.CURRENT, draw(st.integers(20, 45)) * 100_000, "mA"),
        limit(LimitKind.STOP_TIME, draw(st.integers(3, 12)) * 1_000, "s"),
    )
    return replace(plan, limits=(*plan.limits, *bounds))


def verdicts(report: VerificationReport) -> dict[Limit, set[str]]:
    """The verdicts about each limit."""
    found: dict[Limit, set[str]] = {}
    for finding in report.findings:
        bound = finding.claim.limit
        if bound is not None:
            found.setdefault(bound, set()).add(verdict_name(finding.verdict))
    return found


@SLOW
@given(limited_plans(), timelines())
def test_no_adversary_violates_a_limit_that_is_proved(plan: Plan, timeline: tuple[Occurrence, ...]) -> None:
    report = verify(plan, PROVE_ONLY)
    assert report.disagreements == ()
    proved = {bound for bound, words in verdicts(report).items() if words == {"proved"}}
    for values in corners(plan):
        for script in scripts(plan, values, timeline):
            seen = violations(plan, values, disarmed_run(plan, values, script).trace)
            broken = [item for item in seen if item.limit in proved]
            assert broken == [], (values, broken)
        for world in restless(plan):
            run = disarmed_run(plan, values, world.script, world.terminals)
            broken = [item for item in violations(plan, values, run.trace) if item.limit in proved]
            assert broken == [], (values, broken)


@SLOW
@given(plans() | split_plans(), timelines())
def test_a_plan_that_is_proved_binds_to_all_extremes_and_never_trips(
    plan: Plan, timeline: tuple[Occurrence, ...]
) -> None:
    if not verify(plan, PROVE_ONLY).proved:
        return
    for values in corners(plan):
        assert isinstance(bind(plan, values), BoundPlan), values
        for script in scripts(plan, values, timeline):
            alarms = {alarm.code for alarm in armed_run(plan, values, script).alarms}
            assert not alarms & {"F04", "F05"}, values


@SLOW
@given(limited_plans())
def test_every_refuted_limit_is_violated_in_the_run_that_is_shown(plan: Plan) -> None:
    report = verify(plan, PROVE_ONLY)
    for finding in report.findings:
        bound = finding.claim.limit
        shown = finding.counterexample
        if bound is None or verdict_name(finding.verdict) != "refuted":
            continue
        assert shown is not None, finding.claim.statement
        if shown.kept_by_interlock or shown.refused or shown.starts_ms:
            continue
        outcome = rehearse(plan, shown.scenario, armed=False)
        assert isinstance(outcome, Rehearsed)
        assert bound in [item.limit for item in outcome.violations], finding.claim.statement
