"""What would be safe instead: the largest part of a parameter's range, and the nearest edits of a number."""

from __future__ import annotations

from itertools import islice

from ionto_ir.plan import IntegerDomain, Plan, VariableKind
from ionto_ir.wording import value_text
from ionto_verifier.edits import nearest_edits
from ionto_verifier.inquiry import Inquiry
from ionto_verifier.margin import safe_range
from ionto_verifier.properties import REACHED, Asked, Question
from ionto_verifier.report import Finding
from ionto_verifier.term import TermTooLargeError
from ionto_verifier.verdict import Proved, Refuted

ADVISED_MAX = 4
"""Refuted claims for which advice is sought: each costs dozens of questions, and people mend one thing at a
time.
"""

EDITS_MAX = 2
"""Edits that are offered for one claim."""


def advise(
    inquiry: Inquiry, asked: tuple[Asked, ...], findings: tuple[Finding, ...], *, edits: bool
) -> dict[str, str]:
    """Words about what would be safe, by the id of the claim, where something is known."""
    by_id = {item.claim.id: item for item in asked}
    held = frozenset(
        item.claim.id
        for item in findings
        if isinstance(item.verdict, Proved) and item.claim.property not in REACHED
    )
    found: dict[str, str] = {}
    for finding in findings:
        refuted = isinstance(finding.verdict, Refuted) and not finding.claim.soft
        if not refuted or len(found) >= ADVISED_MAX:
            continue
        crowded = finding.counterexample is not None and bool(finding.counterexample.starts_ms)
        narrower = (
            None if crowded or finding.claim.limit is None else _range(inquiry, by_id[finding.claim.id])
        )
        texts = [] if narrower is None else [narrower]
        texts += islice(nearest_edits(inquiry.plan, finding, held) if edits else (), EDITS_MAX)
        if texts:
            found[finding.claim.id] = "; or ".join(texts)
    return found


def _range(inquiry: Inquiry, asked: Asked) -> str | None:
    """The first parameter whose range can be narrowed so that all questions of the claim hold."""
    names = [
        item.name
        for item in inquiry.plan.variables
        if item.kind in (VariableKind.PARAMETER, VariableKind.GEOMETRY)
        and isinstance(item.domain, IntegerDomain)
    ]
    for name in names:
        speaking = [question for question in asked.questions if _speaks(question, name)]
        if speaking and len(speaking) == len([item for item in asked.questions if item.obligation.variables]):
            text = _safe(inquiry, speaking, name)
            if text is not None:
                return text
    return None


def _speaks(question: Question, name: str) -> bool:
    return any(item.name == name for item in question.obligation.variables)


def _safe(inquiry: Inquiry, questions: list[Question], name: str) -> str | None:
    lows, highs = [], []
    for question in questions:
        try:
            found = safe_range(question.obligation, name)
        except TermTooLargeError:
            return None
        if found.lo is None or found.hi is None:
            return None
        lows.append(found.lo)
        highs.append(found.hi)
    return safe_text(inquiry.plan, name, max(lows), min(highs))


def safe_text(plan: Plan, name: str, lo: int, hi: int) -> str | None:
    """`current` up to 3.9 mA is safe: a part of a parameter's range; None when it is nothing or all of it."""
    item = next(item for item in plan.variables if item.name == name)
    assert isinstance(item.domain, IntegerDomain), "a quantity has a range"
    if lo > hi:
        return None
    if lo <= item.domain.lo and hi < item.domain.hi:
        return f"`{name}` up to {value_text(item, hi)} is safe"
    if lo > item.domain.lo and hi >= item.domain.hi:
        return f"`{name}` from {value_text(item, lo)} on is safe"
    return None
