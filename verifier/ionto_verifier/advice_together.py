"""What would be safe instead where several channels are: safe ranges, and numbers that stand in their steps.

A line may be a step of several channels: its number is moved in all of them. What is offered was proved of
the whole edited plan, with everything that held before.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import islice

from ionto_ir.channels import care_plan, channel_plans
from ionto_ir.dataclass import replace
from ionto_ir.expression import Constant
from ionto_ir.features import features_of
from ionto_ir.plan import Plan, Ramp
from ionto_ir.source import Span
from ionto_verifier.advice import ADVISED_MAX, EDITS_MAX, Advice, held_claims, safe_ranges
from ionto_verifier.alone import AROUND
from ionto_verifier.claims import all_claims
from ionto_verifier.edits import (
    CURRENTS,
    Candidate,
    Mended,
    at_line,
    candidates,
    edits_among,
    levels_of,
    proved_among,
)
from ionto_verifier.inquiry import Inquiry
from ionto_verifier.properties import Asked
from ionto_verifier.report import Finding
from ionto_verifier.term import TermTooLargeError
from ionto_verifier.verdict import Refuted, Undecided

Claims = Callable[[Plan], Sequence[Asked]]
"""What is asked of all channels of a plan together."""


def advise_together(
    plan: Plan,
    inquiry: Inquiry,
    together: Claims,
    asked: Sequence[Asked],
    findings: Sequence[Finding],
    *,
    edits: bool,
) -> dict[str, Advice]:
    """What would be safe, by the id of the claim; `inquiry` is of one channel, in the environment of all.

    The safe ranges of what one channel is asked alone are told with its own report.
    """
    by_id: Mapping[str, Asked] = {item.claim.id: item for item in asked}
    held = held_claims(findings)
    found: dict[str, Advice] = {}
    for finding in findings:
        unproved = isinstance(finding.verdict, Refuted | Undecided) and not finding.claim.soft
        if not unproved or finding.claim.limit is None or len(found) >= ADVISED_MAX:
            continue
        mended: list[Mended] = []
        if finding.claim.id in by_id:
            mended += safe_ranges(inquiry, by_id[finding.claim.id])
        if edits:
            tried = _candidates(plan, finding)
            nearest = edits_among(plan, tried, finding.claim.id, held, _prover(together))
            mended += islice(nearest, EDITS_MAX)
        if mended:
            change = next((item.change for item in mended if item.change is not None), None)
            found[finding.claim.id] = Advice("; or ".join(item.words for item in mended), change)
    return found


def _prover(together: Claims) -> Callable[[Plan, frozenset[str]], frozenset[str]]:
    def prove(plan: Plan, wanted: frozenset[str]) -> frozenset[str]:
        try:
            asked = [item for item in _all_asked(plan, together, wanted) if item.claim.id in wanted]
        except TermTooLargeError:
            return frozenset()
        return proved_among(asked)

    return prove


def _all_asked(plan: Plan, together: Claims, wanted: frozenset[str]) -> Iterator[Asked]:
    """What is asked of all channels, of each alone under the name it has in the whole, and of people."""
    yield from together(plan)
    if any(not item.startswith("channels[") for item in wanted):
        around = (item for item in all_claims(Inquiry(care_plan(plan))) if item.claim.property in AROUND)
        yield from (_renamed(item, item.claim.id, "around.") for item in around)
    for number, part in enumerate(channel_plans(plan)):
        prefix = f"channels[{number}]."
        if any(item.startswith(prefix) for item in wanted):
            for item in all_claims(Inquiry(part)):
                yield _renamed(item, prefix + item.claim.id, prefix)


def _renamed(asked: Asked, claim: str, prefix: str) -> Asked:
    """A claim under the name that it has in the whole, with obligations of names of their own."""
    questions = tuple(
        replace(item, obligation=replace(item.obligation, id=prefix + item.obligation.id))
        for item in asked.questions
    )
    return Asked(replace(asked.claim, id=claim), questions)


def _candidates(plan: Plan, finding: Finding) -> Iterator[Candidate]:
    """The numbers that may be at fault, each once: in the channel that fails alone, else in all."""
    parts = channel_plans(plan)
    concerned = [
        number for number in range(len(parts)) if finding.claim.id.startswith(f"channels[{number}].")
    ]
    seen: set[tuple[Span | None, str]] = set()
    for number in concerned or range(len(parts)):
        own = _in_channel(plan, number, finding) if concerned else replace(finding, margin=None)
        for candidate in (
            *candidates(parts[number], own),
            *(() if concerned else _levels(parts[number], own)),
        ):
            key = (candidate.span, candidate.words(candidate.now))
            if key not in seen:
                seen.add(key)
                yield from _in_all(plan, parts, candidate)


def _levels(part: Plan, finding: Finding) -> Iterator[Candidate]:
    """The currents of a channel that are written as numbers, the highest first: each adds to a sum."""
    if finding.claim.property not in CURRENTS:
        return
    found = [
        (step.target_na.value, step.span)
        for step in part.steps
        if isinstance(step, Ramp) and isinstance(step.target_na, Constant)
    ]
    for _, span in sorted(dict.fromkeys(found), key=lambda pair: -pair[0]):
        yield from levels_of(part, span)


def _in_channel(plan: Plan, number: int, finding: Finding) -> Finding:
    """A finding of one channel with the steps counted as its own plan counts them."""
    before = len(plan.steps) + sum(len(item.steps) for item in plan.channels[:number])
    margin, shown = finding.margin, finding.counterexample
    if margin is not None and margin.step is not None:
        margin = replace(margin, step=margin.step - before)
    if shown is not None and shown.step is not None:
        shown = replace(shown, step=shown.step - before)
    return replace(finding, margin=margin, counterexample=shown)


def _in_all(plan: Plan, parts: Sequence[Plan], candidate: Candidate) -> Iterator[Candidate]:
    """The same number moved in every channel that has its line, and in what is said of the whole. Nothing
    where a channel has that line and not that number.
    """
    alike = [_alike(part, candidate) for part in parts]
    for part, own in zip(parts, alike, strict=True):
        if own is None and any(step.span == candidate.span for step in part.steps):
            return

    def edited(value: int) -> Plan:
        first = candidate.edited(value)
        changed = [part if own is None else own.edited(value) for part, own in zip(parts, alike, strict=True)]
        channels = tuple(
            replace(channel, steps=part.steps) for channel, part in zip(plan.channels, changed, strict=True)
        )
        whole = replace(
            plan,
            channels=channels,
            stop_slew_na_s=first.stop_slew_na_s,
            resume_slew_na_s=first.resume_slew_na_s,
            interruptions=first.interruptions,
            course=first.course,
        )
        return replace(whole, requires=features_of(whole))

    yield replace(candidate, edited=edited)


def _alike(part: Plan, candidate: Candidate) -> Candidate | None:
    """The candidate of a channel that moves the same number of the same line."""
    if candidate.span is None:
        return None
    words = candidate.words(candidate.now)
    return next((item for item in at_line(part, candidate.span) if item.words(item.now) == words), None)
