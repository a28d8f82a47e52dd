"""The author's `prove` lines that say what a limit says: derived again, missed where they are left out."""

from __future__ import annotations

import pytest

from ionto_ir import expression as terms
from ionto_ir.dataclass import replace
from ionto_ir.expression import Expression, Operator, compare, integer, integer_reference
from ionto_ir.plan import Plan, PropertyKind, UserProperty
from ionto_ir.recheck.check import Standing
from ionto_ir.recheck.derive import derive
from ionto_ir.recheck.promises import promised
from ionto_verifier.driver import verify
from tests.ir.sealing import PROVE_ONLY, rechecked_plan
from tests.treatments import HERE, Fixed, Keep, Leg, Move, Over, Treatment, plan_of

MA = 1_000_000
SECOND = 1_000
HIGHEST, DOSE_PC, LASTS_MS = 2 * MA, 70 * MA * SECOND, 40 * SECOND
"""A session of 5 s up, 30 s at 2 mA, 5 s down, without pauses, gives 70 mA.s in 40 s."""


def current(operator: Operator, na: int) -> Expression:
    return compare(operator, integer_reference("output.current"), integer(na))


def charge(operator: Operator, pc: int) -> Expression:
    return compare(operator, integer_reference("output.charge"), integer(pc))


def line(kind: PropertyKind, condition: Expression | None, **where: object) -> UserProperty:
    return replace(UserProperty(kind, condition, None, None, "said", HERE), **where)


def session(*lines: UserProperty) -> Plan:
    leg = Leg(Move(Fixed(HIGHEST), Over(5 * SECOND)), (Keep("time", 30 * SECOND),), Over(5 * SECOND))
    return replace(plan_of(Treatment((leg,), interruptions=0, resume=False)), properties=lines)


NEVER, ALWAYS, FINISHED = PropertyKind.NEVER, PropertyKind.ALWAYS, PropertyKind.FINISHED
GREATER, AT_LEAST, AT_MOST, LESS = (
    Operator.GREATER,
    Operator.GREATER_EQUAL,
    Operator.LESS_EQUAL,
    Operator.LESS,
)
TRUE_LINES = (
    line(NEVER, current(GREATER, HIGHEST)),
    line(NEVER, current(AT_LEAST, HIGHEST + 1)),
    line(ALWAYS, current(AT_MOST, HIGHEST)),
    line(ALWAYS, current(LESS, HIGHEST + 1)),
    line(ALWAYS, charge(AT_MOST, DOSE_PC + MA * SECOND)),
    line(NEVER, terms.disjunction(current(GREATER, HIGHEST), charge(GREATER, 2 * DOSE_PC))),
    line(ALWAYS, terms.conjunction(current(AT_MOST, HIGHEST), charge(AT_MOST, 2 * DOSE_PC))),
    line(NEVER, terms.negation(current(AT_MOST, HIGHEST))),
)


@pytest.mark.parametrize("said", TRUE_LINES, ids=range(len(TRUE_LINES)))
def test_a_line_that_is_true_is_derived_again(said: UserProperty) -> None:
    plan = session(said)
    report = verify(plan, PROVE_ONLY)
    assert report.proved
    (found,) = [item for item in rechecked_plan(plan, report).claims if item.claim == "properties[0]"]
    assert found.standing is Standing.DERIVED, found.why_not_derived


FALSE_LINES = (
    line(NEVER, current(GREATER, HIGHEST - 1)),
    line(NEVER, current(AT_LEAST, HIGHEST)),
    line(ALWAYS, current(LESS, HIGHEST)),
    line(ALWAYS, charge(AT_MOST, DOSE_PC - 2 * MA * SECOND)),
    line(NEVER, terms.disjunction(current(GREATER, HIGHEST), charge(GREATER, DOSE_PC // 2))),
)


@pytest.mark.parametrize("said", FALSE_LINES, ids=range(len(FALSE_LINES)))
def test_a_line_that_is_false_is_not(said: UserProperty) -> None:
    plan = session(said)
    report = verify(plan, PROVE_ONLY)
    assert not report.proved
    (found,) = [item for item in rechecked_plan(plan, report).claims if item.claim == "properties[0]"]
    assert found.standing is Standing.OPEN


OTHER_LINES = (
    line(NEVER, current(GREATER, HIGHEST), during="up"),
    line(ALWAYS, current(GREATER, 0)),
    line(NEVER, compare(GREATER, integer_reference("output.elapsed"), integer(LASTS_MS))),
    line(ALWAYS, terms.disjunction(current(AT_MOST, HIGHEST), charge(AT_MOST, 1))),
    line(ALWAYS, terms.conjunction(current(AT_MOST, HIGHEST), current(GREATER, 0))),
    line(FINISHED, None, within_ms=2 * LASTS_MS),
)


def test_a_line_that_says_what_no_limit_says_is_not_taken_for_one() -> None:
    assert list(promised(session(*OTHER_LINES))) == []


def test_every_line_is_asked_under_its_own_name() -> None:
    plan = session(OTHER_LINES[2], TRUE_LINES[0])
    claims = {item.claim for item in derive(plan).questions}
    assert "properties[1]" in claims and "properties[0]" not in claims
