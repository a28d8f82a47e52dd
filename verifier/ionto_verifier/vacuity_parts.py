"""Parts of a condition without which it would decide the same: `age < 12 yr` in `age < 18 yr or age < 12 yr`.

A part is idle when the condition with that part replaced by yes, or by no, is the same condition for
everybody. Of parts that imply each other the later one is told.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from ionto_ir import expression as terms
from ionto_ir.dataclass import dataclass
from ionto_ir.diagnostic import Diagnostic, Label, warning
from ionto_ir.expression import Expression, Operation, Operator, Truth
from ionto_ir.plan import Plan
from ionto_ir.source import Span
from ionto_verifier.condition_text import condition_text
from ionto_verifier.encode import EVERYWHERE, Encoding, Scope
from ionto_verifier.environment import Origin
from ionto_verifier.implied import implied
from ionto_verifier.obligation import Guard

IDLE_PART = "I0721"

PARTS_MAX = 4
"""Idle parts of one condition that are told: who mends one verifies again."""

_Way = tuple[int, ...]


@dataclass(frozen=True, slots=True)
class _Part:
    """A part of a condition: the way down to it, and whether more of it makes the whole hold more often."""

    way: _Way
    expression: Expression
    positive: bool


def idle_parts(
    plan: Plan,
    encoding: Encoding,
    condition: Expression,
    given: Sequence[Guard],
    span: Span,
    scope: Scope = EVERYWHERE,
) -> Iterator[Diagnostic]:
    """A warning for each part of a condition that decides nothing where `given` holds."""
    for _ in range(PARTS_MAX):
        found = _first_idle(plan, encoding, condition, given, span, scope)
        if found is None:
            return
        part, simpler, labels = found
        condition = simpler
        words = condition_text(plan, part)
        named = "a part of this condition" if words is None else f"`{words}`"
        yield warning(
            IDLE_PART,
            f"{named} adds nothing to this condition",
            span,
            "the rest of it decides the same",
            labels=labels,
            help=f"leave {'it' if words is None else named} out, or write what was meant",
        )


def _first_idle(
    plan: Plan, encoding: Encoding, whole: Expression, given: Sequence[Guard], span: Span, scope: Scope
) -> tuple[Expression, Expression, tuple[Label, ...]] | None:
    for part in _parts(whole, (), positive=True):
        for value in (True, False):
            simpler = _with(whole, part.way, Truth(value))
            if isinstance(simpler, Truth) or _hides(part.expression, simpler):
                continue
            # More of a part makes the whole wider or narrower: one of the two directions is for free.
            wider = part.positive is value
            less, more = (simpler, whole) if wider else (whole, simpler)
            assumed = Guard("the wider one", encoding.formula(less, scope), Origin("", span))
            found = implied(
                plan, encoding.environment, (*given, assumed), encoding.formula(more, scope), span
            )
            if found is not None:
                return part.expression, simpler, found.labels
    return None


def _hides(part: Expression, rest: Expression) -> bool:
    """Whether a part reads something that the rest does not: there a reading that stays away may matter."""
    measured = {name for name in terms.references(part) if name.startswith(("measured.", "output."))}
    return not measured <= terms.references(rest)


def _parts(expression: Expression, way: _Way, *, positive: bool) -> Iterator[_Part]:
    """Everything below `expression` that holds or not, the last first and the larger before the smaller."""
    if not isinstance(expression, Operation):
        return
    if expression.operator not in (Operator.AND, Operator.OR, Operator.NOT):
        return
    turned = positive is not (expression.operator is Operator.NOT)
    for number in reversed(range(len(expression.operands))):
        operand, below = expression.operands[number], (*way, number)
        if expression.operator is not Operator.NOT:
            yield _Part(below, operand, turned)
        yield from _parts(operand, below, positive=turned)


def _with(expression: Expression, way: _Way, value: Truth) -> Expression:
    if not way:
        return value
    assert isinstance(expression, Operation), "a way leads through operations"
    operands = [
        _with(operand, way[1:], value) if number == way[0] else operand
        for number, operand in enumerate(expression.operands)
    ]
    match expression.operator:
        case Operator.AND:
            return terms.conjunction(*operands)
        case Operator.OR:
            return terms.disjunction(*operands)
        case _:
            (inner,) = operands
            return Truth(not inner.value) if isinstance(inner, Truth) else terms.negation(inner)
