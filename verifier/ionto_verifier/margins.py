"""How close the worst case comes to each limit: where, when and for whom."""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction

from ionto_ir.dataclass import dataclass, replace
from ionto_verifier.decision import Proved, Refuted, Supremum
from ionto_verifier.inquiry import Inquiry
from ionto_verifier.margin import MARGIN_BUDGET, supremum
from ionto_verifier.obligation import FALSE, Obligation, at_most
from ionto_verifier.properties import Asked, Measure, Question
from ionto_verifier.solve import decide
from ionto_verifier.term import Polynomial, evaluate, substitute, variables_of

SUPREMA_MAX = 3
"""Places of one claim that are looked at closely; the others are covered by their interval bounds."""

HALVINGS_MAX = 16
"""Questions for the supremum of a quotient; each halves what is left."""

NEAR_ENOUGH = Fraction(1, 500)
"""How far apart, as a share, the proved and the attained value of a quotient may stay."""


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
    distinct: dict[object, Question] = {}
    for question, measure in measured:
        over = None if measure.over is None else inquiry.environment.unnumbered(measure.over)
        distinct.setdefault((inquiry.environment.unnumbered(measure.value), over, question.path), question)
    ranked = [(_ceiling(inquiry, _measure(question)), question) for question in distinct.values()]
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


def _measure(question: Question) -> Measure:
    assert question.measure is not None, "only measured questions have margins"
    return question.measure


def _margin(inquiry: Inquiry, worst: Fraction, question: Question, found: Supremum) -> Margin:
    witness = found.witness or {}
    at_ms = None if question.elapsed_ms is None else _time_at(inquiry, question.elapsed_ms, witness)
    return Margin(_measure(question).bound, worst, found.attained, question.step, at_ms, witness)


def _ceiling(inquiry: Inquiry, measure: Measure) -> Fraction:
    """An upper bound by intervals."""
    highest = inquiry.environment.bounds(measure.value)[1]
    if measure.over is None:
        return highest
    lowest = inquiry.environment.bounds(measure.over)[0]
    return highest / lowest if lowest > 0 else highest


def _supremum(inquiry: Inquiry, question: Question) -> Supremum:
    measure = _measure(question)
    if not variables_of(measure.value) and measure.over is None:
        value = evaluate(measure.value, {})
        return Supremum(value, value, {})
    if measure.over is not None:
        return _quotient_supremum(inquiry, question, measure.value, measure.over)
    key = (measure.value, question.path)
    if key not in inquiry.suprema:
        selection = inquiry.environment.select(variables_of(measure.value), question.path)
        inquiry.suprema[key] = supremum(measure.value, selection.variables, selection.guards, inquiry.grounds)
    return inquiry.suprema[key]


def _quotient_supremum(inquiry: Inquiry, question: Question, value: Polynomial, over: Polynomial) -> Supremum:
    """How large value / over gets: value <= over * b is asked for fewer and fewer b, each a simple
    question.
    """
    names = variables_of(value) | variables_of(over)
    selection = inquiry.environment.select(names, question.path)
    top = _ceiling(inquiry, _measure(question))
    low, witness = Fraction(0), None
    for _ in range(HALVINGS_MAX):
        if witness is not None and top - low <= top * NEAR_ENOUGH:
            break
        # The first question is asked just under the ceiling, which is often the answer.
        middle = Fraction(int((low + top) / 2 if witness is not None else top - 1))
        name = f"at most {middle}"
        obligation = Obligation(
            name, "margin", selection.variables, selection.guards, at_most(value, over * middle)
        )
        found = decide(obligation, MARGIN_BUDGET)
        if isinstance(found, Refuted):
            witness = found.witness
            low = max(low, evaluate(value, witness) / evaluate(over, witness))
        elif isinstance(found, Proved):
            top = middle
            if witness is None and middle <= 1:
                return Supremum(None, None, None)
            if witness is None:
                low, witness = _some_point(obligation, value, over)
                if witness is None:
                    return Supremum(None, None, None)
        else:
            break
    return Supremum(top, None if witness is None else low, witness)


def _some_point(
    obligation: Obligation, value: Polynomial, over: Polynomial
) -> tuple[Fraction, Mapping[str, Fraction] | None]:
    """A point at which the place is reached, and the quotient there."""
    reached = decide(replace(obligation, conclusion=FALSE), MARGIN_BUDGET)
    if not isinstance(reached, Refuted):
        return Fraction(0), None
    return evaluate(value, reached.witness) / evaluate(over, reached.witness), reached.witness


def _time_at(inquiry: Inquiry, elapsed_ms: Polynomial, witness: Mapping[str, Fraction]) -> int:
    """The time of the session at a point, undisturbed; what the point leaves open takes as long as it may."""
    known = {name: witness[name] for name in variables_of(elapsed_ms) if name in witness}
    return int(inquiry.environment.bounds(substitute(elapsed_ms, known))[1])
