"""How close the worst case comes to each limit: where, when and for whom."""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction
from math import ceil

from ionto_ir.dataclass import dataclass
from ionto_verifier.decision import Supremum
from ionto_verifier.inquiry import Inquiry
from ionto_verifier.margin import supremum
from ionto_verifier.obligation import equal
from ionto_verifier.properties import Asked, Measure, Question
from ionto_verifier.term import Polynomial, evaluate, substitute, variables_of

SUPREMA_MAX = 3
"""Places of one claim that are looked at closely; the others are covered by their interval bounds."""


@dataclass(frozen=True, slots=True)
class Margin:
    """`worst` is proved never to be passed and `attained` is reached, both in the base unit of the bound.

    `step` and `at_ms` say where and when (undisturbed), `witness` for which values. `attained` is None when
    no point was found at which the place is reached.
    """

    bound: int
    worst: Fraction
    attained: Fraction | None
    step: int | None
    at_ms: int | None
    witness: Mapping[str, Fraction]


def margin_of(inquiry: Inquiry, asked: Asked) -> Margin | None:
    """The margin of a claim that is measured against a bound; None for any other."""
    measured = [(question, question.measure) for question in asked.questions if question.measure is not None]
    if not measured:
        return None
    ranked = [(_ceiling(inquiry, measure), question) for question, measure in measured]
    ranked.sort(key=lambda pair: -pair[0])
    best: tuple[Fraction, Question, Supremum] | None = None
    worst: Fraction | None = None
    for tried, (ceiling, question) in enumerate(ranked):
        if worst is not None and ceiling <= worst:
            break
        if tried >= SUPREMA_MAX:
            worst = ceiling if worst is None else max(worst, ceiling)
            break
        found = _supremum(inquiry, question)
        if found.bound is None:
            continue  # nobody gets there
        worst = found.bound if worst is None else max(worst, found.bound)
        reached = found.bound if found.attained is None else found.attained
        if best is None or reached > best[0]:
            best = (reached, question, found)
    if best is None or worst is None:
        return None
    return _margin(inquiry, worst, best[1], best[2])


def _margin(inquiry: Inquiry, worst: Fraction, question: Question, found: Supremum) -> Margin:
    assert question.measure is not None, "only measured questions have margins"
    witness = found.witness or {}
    at_ms = None if question.elapsed_ms is None else _time_at(inquiry, question.elapsed_ms, witness)
    return Margin(question.measure.bound, worst, found.attained, question.step, at_ms, witness)


def _ceiling(inquiry: Inquiry, measure: Measure) -> Fraction:
    """An upper bound by intervals."""
    highest = inquiry.environment.bounds(measure.value)[1]
    if measure.over is None:
        return highest
    lowest = inquiry.environment.bounds(measure.over)[0]
    return highest / lowest if lowest > 0 else highest


def _supremum(inquiry: Inquiry, question: Question) -> Supremum:
    measure = question.measure
    assert measure is not None, "only measured questions have margins"
    if not variables_of(measure.value) and measure.over is None:
        value = evaluate(measure.value, {})
        return Supremum(value, value, {})
    goal = measure.value if measure.over is None else _ratio(inquiry, measure)
    selection = inquiry.environment.select(variables_of(goal), question.path)
    return supremum(goal, selection.variables, selection.guards)


def _ratio(inquiry: Inquiry, measure: Measure) -> Polynomial:
    """A variable that is the quotient: r * over = value."""
    over = measure.over
    assert over is not None, "asked of a quotient"
    bounds = Fraction(0), Fraction(ceil(_ceiling(inquiry, measure)))
    return inquiry.environment.fresh(
        ("ratio", measure.value, over), "ratio", bounds, lambda ratio: [equal(ratio * over, measure.value)]
    )


def _time_at(inquiry: Inquiry, elapsed_ms: Polynomial, witness: Mapping[str, Fraction]) -> int:
    """The time of the session at a point, undisturbed; what the point leaves open takes as long as it may."""
    known = {name: witness[name] for name in variables_of(elapsed_ms) if name in witness}
    return int(inquiry.environment.bounds(substitute(elapsed_ms, known))[1])
