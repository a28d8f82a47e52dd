"""The door of the verifier: a plan in, a report out. Pure but for the solver, which is loaded only when it
is needed.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING

from ionto_ir.dataclass import dataclass, field, replace
from ionto_ir.diagnostic import Diagnostic, in_reading_order
from ionto_ir.plan import Plan
from ionto_ir.source import SourceFile
from ionto_ir.wellformed import check
from ionto_verifier.assumptions import assumptions_of
from ionto_verifier.budget import BUDGET, Budget
from ionto_verifier.claims import all_claims
from ionto_verifier.decision import Unknown
from ionto_verifier.inquiry import Inquiry
from ionto_verifier.judging import NO_CASE, judge
from ionto_verifier.messages import Safe, diagnostics_of, disagreement, unused
from ionto_verifier.properties import REACHED, Asked, Claim, Property
from ionto_verifier.report import Answered, Finding, VerificationReport
from ionto_verifier.solve import decide_all
from ionto_verifier.term import TermTooLargeError
from ionto_verifier.vacuity import idle_lines
from ionto_verifier.verdict import Refuted, Undecided, Vacuous

if TYPE_CHECKING:
    from ionto_verifier.advice import Advice


@dataclass(frozen=True, slots=True)
class Options:
    """How to verify. `margins`: also say how close the worst case comes; `advice`: what would be safe;
    `edits`: also which number of the source would be, where the plan is the whole protocol; `sources` are the
    files in which it is looked for.
    """

    budget: Budget = BUDGET
    margins: bool = True
    advice: bool = True
    edits: bool = True
    sources: Mapping[str, SourceFile] = field(default_factory=dict)


USUAL = Options()


def verify(plan: Plan, options: Options = USUAL) -> VerificationReport:
    """Prove every property of the catalogue of a plan, or say what is wrong with it."""
    problems = check(plan)
    if problems:
        return _ill_formed(plan, problems)
    if plan.channels:
        return _together(plan, options)
    try:
        inquiry = Inquiry(plan)
        asked = all_claims(inquiry)
    except TermTooLargeError as too_large:
        return _too_large(plan, str(too_large))
    questions = [question for item in asked for question in item.questions if question.decided is None]
    obligations = [question.obligation for question in questions]
    decisions = decide_all(obligations, options.budget, inquiry.grounds)
    judged = [judge(inquiry, item, decisions, margins=options.margins) for item in asked if _applies(item)]
    findings = _tried(plan, tuple(item.finding for item in judged))
    advice = _advice(inquiry, asked, findings, options)
    unasked = _unused(plan, asked)
    disagreements = tuple(item.disagreement for item in judged if item.disagreement is not None)
    said = [disagreement(text, plan.span) for text in disagreements]
    said += diagnostics_of(plan, findings, advice)
    said += [unused(plan.limits[index]) for index in unasked]
    said += idle_lines(inquiry, findings)
    answers = tuple(
        Answered(question, question.decided or decisions[question.obligation.id])
        for item in asked
        for question in item.questions
    )
    return VerificationReport(
        plan,
        findings,
        assumptions_of(plan),
        unasked,
        in_reading_order(said),
        disagreements,
        ill_formed=False,
        answers=answers,
    )


def _together(plan: Plan, options: Options) -> VerificationReport:
    """A plan with several channels: each of them, and what they do together."""
    from ionto_verifier.together import verify_together  # few plans have several

    # What is proved of one channel with another number says nothing about all of them together.
    alone = replace(options, edits=False)

    def helping(
        inquiry: Inquiry,
        together: Callable[[Plan], Sequence[Asked]],
        asked: Sequence[Asked],
        findings: Sequence[Finding],
    ) -> Mapping[str, Safe]:
        if not options.advice or not _unproved(findings):
            return {}
        from ionto_verifier.advice_together import advise_together

        found = advise_together(plan, inquiry, together, asked, findings, edits=options.edits)
        return _safe(found, options)

    try:
        return verify_together(
            plan, options.budget, lambda part: verify(part, alone), helping, margins=options.margins
        )
    except TermTooLargeError as too_large:
        return _too_large(plan, str(too_large))


def _tried(plan: Plan, findings: tuple[Finding, ...]) -> tuple[Finding, ...]:
    """The findings about monitors again, once sessions were tried: one that stops each of them is vacuous."""
    if not plan.monitors:
        return findings
    from ionto_verifier.watch import always_acting  # loads the machine, only where there are monitors

    acting = {f"monitors[{number}].idles": words for number, words in always_acting(plan).items()}
    return tuple(
        replace(finding, verdict=Vacuous(NO_CASE), reason=acting[finding.claim.id])
        if finding.claim.id in acting
        else finding
        for finding in findings
    )


def _advice(
    inquiry: Inquiry, asked: tuple[Asked, ...], findings: tuple[Finding, ...], options: Options
) -> dict[str, Safe]:
    if not options.advice or not _unproved(findings):
        return {}
    from ionto_verifier.advice import advise  # loaded only where something is not proved

    return _safe(advise(inquiry, asked, findings, edits=options.edits), options)


def _unproved(findings: Sequence[Finding]) -> bool:
    return any(isinstance(finding.verdict, Refuted | Undecided) for finding in findings)


def _safe(found: Mapping[str, Advice], options: Options) -> dict[str, Safe]:
    """What to say, with an edit of the source where it is one number that stands there."""
    from ionto_ir.rewriting import edit_of

    return {
        name: Safe(item.words, None if item.change is None else edit_of(item.change, options.sources))
        for name, item in found.items()
    }


def _ill_formed(plan: Plan, problems: tuple[Diagnostic, ...]) -> VerificationReport:
    return VerificationReport(plan, (), assumptions_of(plan), (), problems, (), ill_formed=True)


def _too_large(plan: Plan, what: str) -> VerificationReport:
    """A plan whose polynomials grow out of bounds is undecided as a whole."""
    reason = f"the plan is too intricate for a proof: it leads to {what}"
    claim = Claim("plan", Property.ARITHMETIC, "the plan can be put before a solver", plan.span)
    finding = Finding(claim, Undecided(Unknown(reason)), (), 0, (), None, None, reason)
    said = tuple(diagnostics_of(plan, (finding,), {}))
    return VerificationReport(plan, (finding,), assumptions_of(plan), (), said, (), ill_formed=False)


def _applies(asked: Asked) -> bool:
    """A density limit of the cathode says nothing about the anode: such a claim is not made at all."""
    return bool(asked.questions) or asked.claim.property in REACHED or asked.claim.property is Property.PROVE


def _unused(plan: Plan, asked: tuple[Asked, ...]) -> tuple[int, ...]:
    """Limits of which no question speaks."""
    used = {item.claim.id.split(".")[0] for item in asked if item.claim.limit is not None and item.questions}
    return tuple(index for index in range(len(plan.limits)) if f"limits[{index}]" not in used)
