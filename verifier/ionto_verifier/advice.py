"""What would be safe instead: the largest part of a parameter's range, and the nearest edits of a number."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import combinations, islice

from ionto_ir.dataclass import dataclass, replace
from ionto_ir.plan import IntegerDomain, Plan, VariableKind
from ionto_ir.rewriting import NumberChange
from ionto_ir.wording import DIMENSIONS, value_text
from ionto_verifier.decision import Proved as Settled
from ionto_verifier.edits import Mended, nearest_edits
from ionto_verifier.inquiry import Inquiry
from ionto_verifier.margin import MARGIN_BUDGET, safe_range
from ionto_verifier.obligation import Variable
from ionto_verifier.properties import REACHED, Asked, Question
from ionto_verifier.report import Finding
from ionto_verifier.solve import decide_all
from ionto_verifier.term import TermTooLargeError
from ionto_verifier.verdict import Proved, Refuted, Undecided

ADVISED_MAX = 4
"""Claims for which advice is sought: each costs dozens of questions, and people mend one thing at a
time.
"""

RANGES_MAX = 3
"""Parameters whose safe ranges are told for one claim, each of which alone suffices."""

SHARES = 64
"""How finely two ranges are shortened together."""

EDITS_MAX = 2
"""Edits that are offered for one claim."""


@dataclass(frozen=True, slots=True)
class Advice:
    """What would be safe instead, in words, and one number that a tool may put into the source."""

    words: str
    change: NumberChange | None = None


def advise(
    inquiry: Inquiry, asked: tuple[Asked, ...], findings: tuple[Finding, ...], *, edits: bool
) -> dict[str, Advice]:
    """What would be safe, by the id of the claim, where something is known."""
    by_id = {item.claim.id: item for item in asked}
    held = held_claims(findings)
    found: dict[str, Advice] = {}
    for finding in findings:
        unproved = isinstance(finding.verdict, Refuted | Undecided) and not finding.claim.soft
        if not unproved or len(found) >= ADVISED_MAX:
            continue
        crowded = finding.counterexample is not None and bool(finding.counterexample.starts_ms)
        mended: list[Mended] = []
        if not crowded and finding.claim.limit is not None:
            mended += safe_ranges(inquiry, by_id[finding.claim.id])
        mended += islice(nearest_edits(inquiry.plan, finding, held) if edits else (), EDITS_MAX)
        if mended:
            change = next((item.change for item in mended if item.change is not None), None)
            found[finding.claim.id] = Advice("; or ".join(item.words for item in mended), change)
    return found


def held_claims(findings: Sequence[Finding]) -> frozenset[str]:
    """The claims that are proved, and that an edit must leave so."""
    return frozenset(
        item.claim.id
        for item in findings
        if isinstance(item.verdict, Proved) and item.claim.property not in REACHED
    )


def safe_ranges(inquiry: Inquiry, asked: Asked) -> list[Mended]:
    """Each parameter whose range alone can be narrowed so that all questions of the claim hold; where there
    is none, two of them together.
    """
    questions = [item for item in asked.questions if item.obligation.variables]
    names = [
        item.name
        for item in inquiry.plan.variables
        if item.kind in (VariableKind.PARAMETER, VariableKind.GEOMETRY)
        and isinstance(item.domain, IntegerDomain)
        and questions
        and all(_speaks(question, item.name) for question in questions)
    ]
    alone = [found for name in names if (found := _safe(inquiry, questions, name)) is not None]
    if alone:
        return alone[:RANGES_MAX]
    pairs = (_together(inquiry, questions, pair) for pair in combinations(names, 2))
    return [*islice((found for found in pairs if found is not None), 1)]


def _together(inquiry: Inquiry, questions: list[Question], names: tuple[str, str]) -> Mended | None:
    """Two ranges shortened by the same share from above, as little as is proved to be enough."""
    parts = [inquiry.environment.variables[name] for name in names]
    if any(part.grid_step is None for part in parts):
        return None
    spans = [(part.highest - part.lo) // (part.grid_step or 1) for part in parts]
    enough, too_little = SHARES, 0
    if not _holds(questions, names, [part.lo for part in parts]):
        return None
    while enough - too_little > 1:
        middle = (enough + too_little) // 2
        if _holds(questions, names, _ends(parts, spans, middle)):
            enough = middle
        else:
            too_little = middle
    ends = _ends(parts, spans, enough)
    variables = {item.name: item for item in inquiry.plan.variables}
    told = [
        f"`{name}` up to {value_text(variables[name], end)}" for name, end in zip(names, ends, strict=True)
    ]
    return Mended(f"{told[0]} together with {told[1]} is safe")


def _ends(parts: list[Variable], spans: list[int], share: int) -> list[int]:
    return [
        part.lo + (part.grid_step or 1) * (span * (SHARES - share) // SHARES)
        for part, span in zip(parts, spans, strict=True)
    ]


def _holds(questions: list[Question], names: tuple[str, str], ends: list[int]) -> bool:
    """Whether all questions are proved when these variables go no higher than these ends."""
    most = dict(zip(names, ends, strict=True))
    obligations = [
        replace(
            item.obligation,
            variables=tuple(
                replace(variable, hi=most[variable.name], default=None) if variable.name in most else variable
                for variable in item.obligation.variables
            ),
        )
        for item in questions
    ]
    try:
        return all(isinstance(found, Settled) for found in decide_all(obligations, MARGIN_BUDGET).values())
    except TermTooLargeError:
        return False


def _speaks(question: Question, name: str) -> bool:
    return any(item.name == name for item in question.obligation.variables)


def _safe(inquiry: Inquiry, questions: list[Question], name: str) -> Mended | None:
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
    low, high = max(lows), min(highs)
    words = safe_text(inquiry.plan, name, low, high)
    return None if words is None else Mended(words, _narrowed(inquiry.plan, name, low, high))


def _narrowed(plan: Plan, name: str, lo: int, hi: int) -> NumberChange | None:
    """The end of the range that moves, if the default stays within it and the line is the protocol's own."""
    item = next(item for item in plan.variables if item.name == name)
    assert isinstance(item.domain, IntegerDomain), "a quantity has a range"
    kept = item.domain.default is None or lo <= item.domain.default <= hi
    if not kept or item.span.file != plan.span.file:
        return None
    dimension = DIMENSIONS[item.domain.dimension]
    if hi < item.domain.hi:
        return NumberChange(item.span, dimension, item.domain.hi, hi, upper=True)
    return NumberChange(item.span, dimension, item.domain.lo, lo, upper=False)


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
