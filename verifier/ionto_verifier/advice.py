"""What would be safe instead: the largest part of a parameter's range, or the time between sessions."""

from __future__ import annotations

from ionto_ir.limits import ADDS_UP, Limit
from ionto_ir.plan import IntegerDomain, Plan, VariableKind
from ionto_ir.wording import duration_text, value_text
from ionto_verifier.inquiry import Inquiry
from ionto_verifier.margin import safe_range
from ionto_verifier.properties import Asked, Question
from ionto_verifier.report import Finding
from ionto_verifier.sums import longest_ms
from ionto_verifier.term import TermTooLargeError
from ionto_verifier.verdict import Refuted

ADVISED_MAX = 4
"""Refuted claims for which advice is sought: each costs dozens of questions, and people mend one thing at a
time.
"""

HOUR_MS = 3_600_000


def advise(inquiry: Inquiry, asked: tuple[Asked, ...], findings: tuple[Finding, ...]) -> dict[str, str]:
    """Words about what would be safe, by the id of the claim, where something is known."""
    by_id = {item.claim.id: item for item in asked}
    found: dict[str, str] = {}
    for finding in findings:
        limit = finding.claim.limit
        refuted = isinstance(finding.verdict, Refuted) and not finding.claim.soft
        if limit is None or not refuted or len(found) >= ADVISED_MAX:
            continue
        if finding.counterexample is not None and finding.counterexample.starts_ms:
            text = _apart(inquiry, limit, finding)
        else:
            text = _range(inquiry, by_id[finding.claim.id])
        if text is not None:
            found[finding.claim.id] = text
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


def _apart(inquiry: Inquiry, limit: Limit, finding: Finding) -> str | None:
    """How far apart sessions must start so that a window holds no more than the limit allows."""
    assert limit.window_ms is not None, "sessions crowd a window"
    allowed, reach_ms = limit.bound, limit.window_ms
    if limit.kind in ADDS_UP:
        shown = finding.counterexample
        assert shown is not None and shown.value is not None, "the crowd was seen"
        single = shown.value / len(shown.starts_ms)
        allowed, reach_ms = int(limit.bound / single), limit.window_ms + longest_ms(inquiry)
    if allowed < 1:
        return None
    hours = -(-reach_ms // (allowed * HOUR_MS))
    return f"write `at least {duration_text(hours * HOUR_MS)} between sessions` in the course"
