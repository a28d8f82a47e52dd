"""Plans that are a little worse, and what is said of their limits."""

from __future__ import annotations

from ionto_ir.dataclass import replace
from ionto_ir.expression import Constant, Expression
from ionto_ir.plan import Hold, IntegerDomain, Plan, Ramp, Step
from ionto_verifier import decision
from ionto_verifier.budget import Budget
from ionto_verifier.claims import all_claims
from ionto_verifier.driver import Options, verify
from ionto_verifier.inquiry import Inquiry
from ionto_verifier.report import VerificationReport, verdict_name
from ionto_verifier.solve import decide_all

EFFORT = Budget(
    relaxation_effort=100_000, solver_effort=60_000, quick_cases=64, split_cases=8, relaxed_cases=2
)
"""Less than usual, so that a hard question costs a fraction of a second: it stays undecided, never wrong."""

SEALING = replace(EFFORT, relaxed_cases=0)
"""For the certificates of a recheck: none that takes a solver for each of its cases."""

OPTIONS = Options(budget=EFFORT, margins=False, advice=False)


def words_of(report: VerificationReport) -> dict[int, set[str]]:
    """The verdicts about each limit, by its number."""
    numbers = {limit: index for index, limit in enumerate(report.plan.limits)}
    found: dict[int, set[str]] = {}
    for finding in report.findings:
        if finding.claim.limit is not None:
            found.setdefault(numbers[finding.claim.limit], set()).add(verdict_name(finding.verdict))
    return found


def decided(plan: Plan, numbers: frozenset[int]) -> dict[int, str]:
    """The word about each of some limits, by the decisions alone: no session is looked for that shows it."""
    if plan.channels:
        words = words_of(verify(plan, OPTIONS))
        return {index: _worst(words[index]) for index in numbers if index in words}
    wanted = {plan.limits[index]: index for index in numbers}
    asked = [item for item in all_claims(Inquiry(plan)) if item.claim.limit in wanted]
    open_ones = [question for item in asked for question in item.questions if question.decided is None]
    decisions = decide_all([question.obligation for question in open_ones], EFFORT)
    found: dict[int, set[str]] = {}
    for item in asked:
        assert item.claim.limit is not None, "they were picked by their limits"
        kinds = [question.decided or decisions[question.obligation.id] for question in item.questions]
        found.setdefault(wanted[item.claim.limit], set()).update(WORDS[type(kind)] for kind in kinds)
    return {index: _worst(kinds) for index, kinds in found.items()}


WORDS = {decision.Proved: "proved", decision.Refuted: "refuted", decision.Unknown: "undecided"}


def _worst(words: set[str]) -> str:
    return next(word for word in ("refuted", "undecided", "vacuous", "proved") if word in words)


def with_more(plan: Plan, peak_na: int) -> Plan | None:
    """The plan with its highest level, a number or the end of a parameter, one step higher."""
    step_na = plan.device.step_na

    def raised(level: Expression) -> Expression:
        return Constant(peak_na + step_na) if level == Constant(peak_na) else level

    def with_level(step: Step) -> Step:
        if isinstance(step, Ramp):
            return replace(step, target_na=raised(step.target_na), start_na=raised(step.start_na))
        return replace(step, level_na=raised(step.level_na)) if isinstance(step, Hold) else step

    steps = tuple(with_level(step) for step in plan.steps)
    if steps != plan.steps:
        return replace(plan, steps=steps)
    if plan.requirements or plan.rules or plan.course is not None:
        return None  # they may keep the parameter from its new end
    variables = list(plan.variables)
    for number, item in enumerate(variables):
        domain = item.domain
        if isinstance(domain, IntegerDomain) and domain.dimension == "current" and domain.hi == peak_na:
            free = replace(domain, step=step_na, hi=domain.hi + step_na, default=None)
            variables[number] = replace(item, domain=free)
    return None if variables == list(plan.variables) else replace(plan, variables=tuple(variables))
