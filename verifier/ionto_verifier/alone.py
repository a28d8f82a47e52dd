"""What is found of each channel alone: which of it counts for the whole plan, and in whose words."""

from __future__ import annotations

from collections.abc import Sequence

from ionto_ir.channels import channels_of, is_together
from ionto_ir.dataclass import replace
from ionto_ir.diagnostic import in_reading_order
from ionto_ir.limits import LimitKind
from ionto_ir.observer_together import shared_return
from ionto_ir.parts import parts_count
from ionto_ir.plan import Plan, PropertyKind
from ionto_verifier.decision import Unknown
from ionto_verifier.inquiry import Inquiry
from ionto_verifier.messages import diagnostics_of
from ionto_verifier.properties import Claim, Property
from ionto_verifier.report import Answered, Finding, VerificationReport
from ionto_verifier.turns import longest_in_turns
from ionto_verifier.verdict import Refuted, Undecided

OF_ALL = frozenset(
    {
        Property.GUARD,
        Property.TREATABLE,
        Property.SCOPE,
        Property.SESSIONS,
        Property.COURSE,
        Property.DEVICE,
    }
)
"""Properties of the whole, asked once: of what people do around the channels."""


AROUND = frozenset({*OF_ALL, Property.TABLE, Property.REACHABLE} - {Property.DEVICE})
"""What is asked of people around the channels. What a device must be able to do is asked for all channels."""


def counts(plan: Plan, number: int, finding: Finding) -> bool:
    """Whether what was found of one channel is not asked of all together, or fails for it alone."""
    claim, limit = finding.claim, finding.claim.limit
    if claim.property in OF_ALL:
        return False
    if isinstance(finding.verdict, Refuted):
        return True
    if claim.property is Property.DRIVE or (limit is not None and limit.kind is LimitKind.VOLTAGE):
        return number not in shared_return(plan)
    if limit is None:
        return not is_about_time(plan, claim)
    if limit.kind is LimitKind.DURATION or is_together(limit):
        return False
    if claim.electrode is None:
        return True
    return len(channels_of(plan, plan.channels[number].electrodes[claim.electrode])) < 2


def name_in_whole(number: int, claim: str) -> str:
    """What a claim of one channel is called in the whole plan."""
    return f"channels[{number}].{claim}"


def of_channel(plan: Plan, number: int, finding: Finding) -> Finding:
    """The finding in terms of the whole plan: its electrodes, and steps counted on through all channels."""
    channel, claim = plan.channels[number], finding.claim
    before = len(plan.steps) + sum(len(item.steps) for item in plan.channels[:number])
    electrode = None if claim.electrode is None else channel.electrodes[claim.electrode]
    margin, shown = finding.margin, finding.counterexample
    if margin is not None and margin.step is not None:
        margin = replace(margin, step=margin.step + before)
    if shown is not None:
        from ionto_verifier.exhibit_together import test_of_channel  # the machines are loaded only for this

        step = None if shown.step is None else shown.step + before
        shown = replace(shown, step=step, test=test_of_channel(plan, number, claim, shown))
    named = replace(
        claim,
        id=name_in_whole(number, claim.id),
        statement=f"{claim.statement}, on channel {channel.name}",
        electrode=electrode,
    )
    return replace(finding, claim=named, margin=margin, counterexample=shown)


def is_about_time(plan: Plan, claim: Claim) -> bool:
    """Whether a claim is about how long all channels take: where they take turns, none of them knows."""
    if parts_count(plan) == 1 or claim.property is not Property.PROVE:
        return False
    return any(item.kind is PropertyKind.FINISHED and item.span == claim.span for item in plan.properties)


def heard(
    plan: Plan, number: int, report: VerificationReport, inquiries: Sequence[Inquiry]
) -> VerificationReport:
    """What a channel's report says where it takes turns: nothing of what is asked of all together, and no
    refutation that rests on the next part beginning at once.
    """
    if parts_count(plan) == 1:
        return report
    longest_ms = longest_in_turns(plan, inquiries)
    findings, silent = [], []
    for finding in report.findings:
        window_ms = None if finding.claim.limit is None else finding.claim.limit.window_ms
        if not counts(plan, number, finding):
            silent.append(finding)
        elif isinstance(finding.verdict, Refuted) and window_ms is not None and window_ms < longest_ms:
            silent.append(finding)
            reason = "how long this channel waits for its turn is not known within a window"
            unsure = replace(finding, verdict=Undecided(Unknown(reason)), counterexample=None, reason=reason)
            findings.append(unsure)
            continue
        findings.append(finding)
    unsaid = {(item.code, item.message) for item in diagnostics_of(report.plan, tuple(silent), {})}
    said = [item for item in report.diagnostics if (item.code, item.message) not in unsaid]
    changed = tuple(item for item in findings if item not in report.findings)
    said += diagnostics_of(report.plan, changed, {})
    return replace(report, findings=tuple(findings), diagnostics=in_reading_order(said))


def renamed(answer: Answered, prefix: str) -> Answered:
    """An answer under the name that its claim has in the whole plan."""
    question = answer.question
    obligation = replace(question.obligation, id=prefix + question.obligation.id)
    return replace(answer, question=replace(question, claim=prefix + question.claim, obligation=obligation))
