"""What holds of the order of steps: zero where the output goes off, reversals at zero, totals that can be
met.

Well-formedness already looked at most of this with expressions; here it is asked again of the symbolic run,
which shares nothing with that.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise

from ionto_ir.plan import (
    Branch,
    Classify,
    Hold,
    IntegerDomain,
    Loop,
    Reverse,
    UntilCharge,
    UntilTotal,
)
from ionto_ir.plan import variable as plan_variable
from ionto_verifier.inquiry import NOWHERE, Inquiry, Place
from ionto_verifier.obligation import at_least, at_most
from ionto_verifier.paths import Visit
from ionto_verifier.properties import Asked, Claim, Measure, Property
from ionto_verifier.term import Polynomial
from ionto_verifier.windows import contradictions


def structure_claims(inquiry: Inquiry) -> Iterator[Asked]:
    """Zero and reversals, holds and totals, tables, the course."""
    yield _zero(inquiry)
    yield _reversal(inquiry)
    yield from _holds(inquiry)
    yield from _tables(inquiry)
    yield from _course(inquiry)


def _zero(inquiry: Inquiry) -> Asked:
    claim = Claim("zero", Property.ZERO, "the output is at zero wherever it goes off", inquiry.plan.span)
    questions = []
    for visit in inquiry.visits:
        step = inquiry.plan.steps[visit.step]
        silent = isinstance(step, Loop) and step.period_ms is None
        if visit.motion is not None or silent or isinstance(step, Branch | Classify | Reverse):
            continue
        for level in visit.levels:
            questions.append(inquiry.question(claim, at_most(level), Place(visit.step, visit.path)))
    return Asked(claim, tuple(questions))


def _reversal(inquiry: Inquiry) -> Asked:
    claim = Claim("reversal", Property.REVERSAL, "polarity changes only at zero", inquiry.plan.span)
    questions = []
    for visit in inquiry.visits:
        place = Place(visit.step, visit.path)
        if visit.motion is not None and visit.motion.turns:
            questions.append(inquiry.question(claim, at_most(visit.motion.start_na), place))
        if isinstance(inquiry.plan.steps[visit.step], Reverse):
            questions += [inquiry.question(claim, at_most(level), place) for level in visit.levels]
    return Asked(claim, tuple(questions))


def _holds(inquiry: Inquiry) -> Iterator[Asked]:
    for visit, motion in inquiry.moving():
        step = inquiry.plan.steps[visit.step]
        if not isinstance(step, Hold) or not isinstance(step.until, UntilCharge | UntilTotal):
            continue
        name = f"steps[{visit.step}]"
        place = Place(visit.step, visit.path)
        claim = Claim(f"{name}.charging", Property.CHARGING, "the hold reaches its charge", step.span)
        formula = at_least(motion.target_na, inquiry.arithmetic.step_na)
        yield Asked(claim, (inquiry.question(claim, formula, place),))
        if motion.room_pc is not None:
            yield _total(inquiry, visit, _room(inquiry, visit, motion.room_pc), f"{name}.total")


def _room(inquiry: Inquiry, visit: Visit, room_pc: Polynomial) -> Polynomial:
    """What the total leaves to its hold where nobody pauses; not looked for where it suffices with pauses."""
    if inquiry.environment.never_negative(room_pc):
        return room_pc
    calm = (motion.room_pc for other, motion in inquiry.undisturbed() if other.step == visit.step)
    return next((room for room in calm if room is not None), room_pc)


def _total(inquiry: Inquiry, visit: Visit, room_pc: Polynomial, name: str) -> Asked:
    """Undisturbed, what comes before the hold and the descent after it are no more than the total."""
    step = inquiry.plan.steps[visit.step]
    claim = Claim(name, Property.TOTAL, "the total is at least what the ramps emit", step.span)
    measure = Measure(-room_pc, None, 0)
    question = inquiry.question(claim, at_least(room_pc), Place(visit.step, visit.path), measure=measure)
    return Asked(claim, (question,))


def _tables(inquiry: Inquiry) -> Iterator[Asked]:
    for index, step in enumerate(inquiry.plan.steps):
        if isinstance(step, Classify):
            statement = f"every value of `{step.variable}` has exactly one meaning"
            claim = Claim(f"steps[{index}].table", Property.TABLE, statement, step.span)
            domain = plan_variable(inquiry.plan, step.variable).domain
            whole = isinstance(domain, IntegerDomain) and partitions(step, domain)
            yield Asked(claim, (inquiry.known(claim, whole, Place(index)),))


def partitions(table: Classify, domain: IntegerDomain) -> bool:
    """Whether every real value from lo to hi of the domain lies in exactly one row."""
    # Between two ends that rows name the answer does not change: the ends and a value between them tell all.
    ends = sorted({domain.lo, domain.hi, *_ends(table)})
    doubled = [2 * end for end in ends]
    points = [*doubled, *((low + high) // 2 for low, high in pairwise(doubled))]
    return all(_rows_of(table, point) == 1 for point in points if 2 * domain.lo <= point <= 2 * domain.hi)


def _ends(table: Classify) -> Iterator[int]:
    for row in table.rows:
        yield from (end for end in (row.lo, row.hi) if end is not None)


def _rows_of(table: Classify, doubled: int) -> int:
    """How many rows say something of half this number; doubled, so that there is one between neighbours."""
    count = 0
    for row in table.rows:
        above = row.lo is None or doubled > 2 * row.lo or (row.lo_included and doubled == 2 * row.lo)
        below = row.hi is None or doubled < 2 * row.hi or (row.hi_included and doubled == 2 * row.hi)
        count += above and below
    return count


def _course(inquiry: Inquiry) -> Iterator[Asked]:
    course = inquiry.plan.course
    if course is None:
        return
    problems = contradictions(course)
    text = "; ".join(problems) or "the rules of the course can be followed together"
    claim = Claim("course", Property.COURSE, text, course.span)
    yield Asked(claim, (inquiry.known(claim, not problems, NOWHERE),))
