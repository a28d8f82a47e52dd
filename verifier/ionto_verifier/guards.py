"""Who can be treated: nobody whom an envelope excludes, and somebody at all; and which steps anybody
reaches.
"""

from __future__ import annotations

from collections.abc import Iterator

from ionto_ir import expression as terms
from ionto_ir.expression import Expression
from ionto_ir.plan import (
    Branch,
    Classify,
    ClassRow,
    Confirm,
    Demand,
    Finish,
    Hold,
    Instruct,
    IntegerDomain,
    Loop,
    Move,
    Ramp,
    Record,
    Reverse,
    Wait,
)
from ionto_ir.plan import variable as plan_variable
from ionto_ir.source import Span
from ionto_verifier.environment import Origin
from ionto_verifier.inquiry import NOWHERE, Inquiry, Place
from ionto_verifier.obligation import (
    FALSE,
    Formula,
    Guard,
    at_least,
    at_most,
    conjunction,
    formula_variables,
    greater,
    less,
    negation,
)
from ionto_verifier.properties import Asked, Claim, Property
from ionto_verifier.term import variable as variable_term

NOUNS: dict[type, str] = {
    Ramp: "ramp",
    Hold: "hold",
    Wait: "wait",
    Reverse: "reversal",
    Confirm: "confirmation",
    Instruct: "instruction",
    Record: "record",
    Move: "move of an electrode",
    Demand: "block on demand",
    Classify: "table",
    Finish: "end",
}
"""What people call the steps that can be asked about."""


def guard_claims(inquiry: Inquiry) -> Iterator[Asked]:
    """Exclusions, and that they leave somebody."""
    for index, exclusion in enumerate(inquiry.plan.exclusions):
        formula = inquiry.encoding.formula(exclusion.condition)
        named = " or ".join(sorted(formula_variables(formula))) or "everybody"
        statement = f"nobody whom `{exclusion.envelope}` excludes is treated: {named}"
        if exclusion.meant_for is not None:
            whom = f"for whom `{exclusion.envelope}` is meant: {exclusion.meant_for}"
            statement = f"only those are treated {whom}"
        claim = Claim(
            f"exclusions[{index}]", Property.GUARD, statement, exclusion.span, None, None, ("refusals",)
        )
        yield Asked(claim, (inquiry.question(claim, negation(formula), NOWHERE),))
    yield _treatable(inquiry)


def _treatable(inquiry: Inquiry) -> Asked:
    """All requirements and refusals together: the obligation says that they cannot hold, and must be
    refuted.
    """
    claim = Claim("treatable", Property.TREATABLE, "somebody can be treated", inquiry.plan.span)
    return Asked(claim, (inquiry.question(claim, FALSE, Place(None, everything(inquiry))),))


def everything(inquiry: Inquiry) -> tuple[Guard, ...]:
    """Every requirement, and that no refusal applied, also those that no other question speaks of."""
    return inquiry.environment.shared()


def reachable_claims(inquiry: Inquiry) -> Iterator[Asked]:
    """For each step (and each row of a table) the question whether nobody gets there."""
    ways: dict[int, list[tuple[Guard, ...]]] = {}
    for visit in inquiry.visits:
        ways.setdefault(visit.step, []).append(visit.path)
    for index, step in enumerate(inquiry.plan.steps):
        if isinstance(step, Branch | Loop):
            continue  # what lies behind them is asked about
        statement = f"somebody reaches this {NOUNS[type(step)]}"
        claim = Claim(f"steps[{index}]", Property.REACHABLE, statement, step.span)
        paths = dict.fromkeys(ways.get(index, ()))
        yield Asked(claim, tuple(inquiry.question(claim, FALSE, Place(index, path)) for path in paths))
        if isinstance(step, Classify):
            yield from _rows(inquiry, index, step)


def course_claims(inquiry: Inquiry) -> Iterator[Asked]:
    """What ends a course or a phase can come about, and evaluations let somebody pass and somebody not."""
    course = inquiry.plan.course
    if course is None:
        return
    asked: list[tuple[str, str, Expression, Span]] = []
    if course.stop_when is not None:
        asked.append(
            ("course.stop_when", "somebody reaches the end of the course", course.stop_when, course.span)
        )
    gates = [("course", gate) for gate in course.gates]
    for number, phase in enumerate(course.phases):
        place = f"course.phases[{number}]"
        gates += [(place, gate) for gate in phase.gates]
        if phase.next_when is not None:
            text = f"somebody moves on from the phase `{phase.name}`"
            asked.append((f"{place}.next_when", text, phase.next_when, phase.span))
    for number, (place, gate) in enumerate(gates):
        name = f"{place}.gates[{number}]"
        asked.append((f"{name}.passed", "somebody passes this evaluation", gate.condition, gate.span))
        missed = terms.negation(gate.condition)
        asked.append((f"{name}.missed", "somebody fails this evaluation", missed, gate.span))
    for name, text, condition, span in asked:
        claim = Claim(name, Property.REACHABLE, text, span)
        holds = Guard(f"holds:{name}", inquiry.encoding.formula(condition), Origin("this condition", span))
        yield Asked(claim, (inquiry.question(claim, FALSE, Place(None, (holds,))),))


def _rows(inquiry: Inquiry, index: int, step: Classify) -> Iterator[Asked]:
    domain = plan_variable(inquiry.plan, step.variable).domain
    if not isinstance(domain, IntegerDomain):
        return
    for number, row in enumerate(step.rows):
        statement = f"`{row.meaning}` is said of some value of `{step.variable}`"
        claim = Claim(f"steps[{index}].rows[{number}]", Property.REACHABLE, statement, row.span)
        guard = Guard(f"row:{number}", _in_row(row, step.variable), Origin("this row", row.span))
        yield Asked(claim, (inquiry.question(claim, FALSE, Place(index, (guard,))),))


def _in_row(row: ClassRow, name: str) -> Formula:
    value = variable_term(name)
    parts = []
    if row.lo is not None:
        parts.append(at_least(value, row.lo) if row.lo_included else greater(value, row.lo))
    if row.hi is not None:
        parts.append(at_most(value, row.hi) if row.hi_included else less(value, row.hi))
    return conjunction(parts)
