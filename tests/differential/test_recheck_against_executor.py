"""What the recheck certifies, by its own path, is never violated and never what the prover refutes."""

from __future__ import annotations

from hypothesis import Phase, given, settings

from ionto_ir.limits import Limit
from ionto_ir.observer import violations
from ionto_ir.plan import Plan
from ionto_ir.recheck.check import Rechecked, Standing
from ionto_ir.scenario import Occurrence
from ionto_verifier.driver import Options, verify
from ionto_verifier.report import VerificationReport, verdict_name
from tests.differential.adversary import corners, disarmed_run, scripts
from tests.differential.test_verifier_against_executor import limited_plans
from tests.ir.sealing import rechecked_plan
from tests.strategies import timelines

PROVE_ONLY = Options(margins=False, advice=False)
SLOW = settings(max_examples=max(4, settings().max_examples // 50), phases=[Phase.explicit, Phase.generate])


def certified_limits(plan: Plan, checked: Rechecked) -> set[Limit]:
    """Limits all of whose claims were derived again and certified."""
    found: dict[int, set[Standing]] = {}
    for claim in checked.claims:
        if claim.claim.startswith("limits["):
            number = int(claim.claim.partition("]")[0].removeprefix("limits["))
            found.setdefault(number, set()).add(claim.standing)
    return {plan.limits[number] for number, words in found.items() if words == {Standing.DERIVED}}


def passed(report: VerificationReport) -> set[str]:
    """The claims that were seen to fail. What only the interlock prevents keeps its limit all the same."""
    return {
        item.claim.id
        for item in report.findings
        if verdict_name(item.verdict) == "refuted"
        and not (item.counterexample is not None and item.counterexample.kept_by_interlock)
    }


@SLOW
@given(limited_plans(), timelines())
def test_no_adversary_violates_a_limit_that_the_recheck_certifies(
    plan: Plan, timeline: tuple[Occurrence, ...]
) -> None:
    report = verify(plan, PROVE_ONLY)
    checked = rechecked_plan(plan, report)
    derived = {item.claim for item in checked.claims if item.standing is Standing.DERIVED}
    assert derived & passed(report) == set()
    certified = certified_limits(plan, checked)
    for values in corners(plan):
        for script in scripts(plan, values, timeline):
            seen = violations(plan, values, disarmed_run(plan, values, script).trace)
            broken = [item for item in seen if item.limit in certified]
            assert broken == [], (values, broken)
