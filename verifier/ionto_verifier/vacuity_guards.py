"""Refusals, requirements and cautions without which the same people would be treated in the same way.

One guard after the other is taken away for as long as the rest imply it, the last written first: of two that
say the same, the later one is told, and never both. A requirement that an adjustment can break is asked again
during the session, where refusals are not: only ranges and other requirements can make it idle.
"""

from __future__ import annotations

from collections.abc import Iterator

from ionto_ir import expression as terms
from ionto_ir.dataclass import dataclass, replace
from ionto_ir.diagnostic import Diagnostic, warning
from ionto_ir.expression import Expression
from ionto_ir.plan import Plan, RuleKind
from ionto_ir.source import Span
from ionto_verifier.encode import Encoding
from ionto_verifier.environment import Origin
from ionto_verifier.implied import Why, implied
from ionto_verifier.obligation import Guard, negation
from ionto_verifier.vacuity_parts import idle_parts

CONCERNS_NOBODY, ADDS_NOTHING, ALWAYS_HOLDS, CONCERNS_ALL = "I0717", "I0718", "I0719", "I0724"


@dataclass(frozen=True, slots=True)
class _Line:
    """A guard as it was written: what must hold of whoever is treated, and whether adjustments are asked
    too.
    """

    name: str
    noun: str
    condition: Expression
    admits: Expression
    text: str
    span: Span
    moves: bool = False


def idle_guards(plan: Plan) -> Iterator[Diagnostic]:
    """A warning for each guard of the protocol's own file that changes nothing."""
    encoding = Encoding(replace(plan, requirements=(), rules=()))
    kept = {line.name: line for line in _lines(plan)}
    for name, line in reversed(tuple(kept.items())):
        if line.span.file != plan.span.file:
            continue
        others = {other: item for other, item in kept.items() if other != name}
        found = _idle(plan, encoding, line, tuple(others.values()))
        if found is not None:
            kept = others
            yield found
    carried = {memory.span for memory in plan.course.memories} if plan.course is not None else set()
    for line in kept.values():
        # What a `carry` line requires is one thing to its author, and has no parts.
        if line.span.file == plan.span.file and line.span not in carried:
            given = _given(encoding, line, tuple(item for item in kept.values() if item is not line))
            yield from idle_parts(plan, encoding, line.condition, given, line.span)
    everybody = _given(encoding, None, tuple(kept.values()))
    for rule in plan.rules:
        if rule.kind is RuleKind.CAUTION and rule.span.file == plan.span.file:
            yield from _cautions(plan, encoding, rule.condition, rule.span, everybody)


def _lines(plan: Plan) -> Iterator[_Line]:
    movable = {item.name for item in plan.variables if item.adjustable}
    for number, requirement in enumerate(plan.requirements):
        moves = bool(terms.references(requirement.condition) & movable)
        admits, text, span = requirement.condition, requirement.text, requirement.span
        yield _Line(f"require:{number}", "requirement", admits, admits, text, span, moves)
    for number, rule in enumerate(plan.rules):
        if rule.kind is RuleKind.REFUSE:
            admits = terms.negation(rule.condition)
            text = f"refused here: {rule.text}"
            yield _Line(f"admitted:{number}", "refusal", rule.condition, admits, text, rule.span)


def _given(encoding: Encoding, line: _Line | None, others: tuple[_Line, ...]) -> tuple[Guard, ...]:
    """What holds besides a line, wherever it is asked."""
    moves = line is not None and line.moves
    return tuple(
        Guard(item.name, encoding.formula(item.admits), Origin(item.text, item.span))
        for item in others
        if item.noun == "requirement" or not moves
    )


def _idle(plan: Plan, encoding: Encoding, line: _Line, others: tuple[_Line, ...]) -> Diagnostic | None:
    admits = encoding.formula(line.admits)
    alone = implied(plan, encoding.environment, (), admits, line.span)
    if alone is not None:
        return _by_itself(line, alone)
    found = implied(plan, encoding.environment, _given(encoding, line, others), admits, line.span)
    if found is None:
        return None
    text = {
        "refusal": "this refusal adds nothing: nobody whom it concerns gets past the other lines",
        "requirement": "this requirement adds nothing: it follows from other lines",
    }[line.noun]
    return warning(
        ADDS_NOTHING,
        text,
        line.span,
        "without it the same people are treated",
        labels=found.labels,
        help="leave it out, or write the condition that was meant",
    )


def _by_itself(line: _Line, why: Why) -> Diagnostic:
    if line.noun == "refusal":
        return warning(
            CONCERNS_NOBODY,
            "this refusal refuses nobody",
            line.span,
            "no answer and no value makes this hold",
            labels=why.labels,
            help="leave it out, or write the condition that was meant",
        )
    return warning(
        ALWAYS_HOLDS,
        "this requirement always holds",
        line.span,
        "no answer and no value breaks it",
        labels=why.labels,
        help="leave it out, or write the bound that was meant",
    )


def _cautions(
    plan: Plan, encoding: Encoding, condition: Expression, span: Span, everybody: tuple[Guard, ...]
) -> Iterator[Diagnostic]:
    environment, formula = encoding.environment, encoding.formula(condition)
    never = implied(plan, environment, everybody, negation(formula), span)
    if never is not None:
        yield warning(
            CONCERNS_NOBODY,
            "this caution concerns nobody who is treated",
            span,
            "nobody for whom this holds gets so far",
            labels=never.labels,
            help="leave it out, or write the condition that was meant",
        )
        return
    always = implied(plan, environment, everybody, formula, span)
    if always is not None:
        yield warning(
            CONCERNS_ALL,
            "everybody who is treated meets this caution",
            span,
            "it tells nobody apart",
            labels=always.labels,
            help="a caution that is always raised is soon signed without reading: "
            "write whom it is about, or an instruction in `before`",
        )
        return
    yield from idle_parts(plan, encoding, condition, everybody, span)
