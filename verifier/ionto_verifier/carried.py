"""Courses that are followed session by session, each at the value that goes furthest: what is carried shows
itself only from one session to the next.
"""

from __future__ import annotations

from ionto_ir import expression as terms
from ionto_ir.bind_constants import History, PastSession
from ionto_ir.bind_course import next_date
from ionto_ir.bind_screening import condition_problems
from ionto_ir.course import DAY_MS, MemoryKind
from ionto_ir.dataclass import replace
from ionto_ir.expression import Expression, Value, references
from ionto_ir.ordinary import ordinary_values
from ionto_ir.plan import BooleanDomain, ChoiceDomain, Plan, Variable
from ionto_ir.plan import variable as plan_variable
from ionto_ir.standing import beginning, remembered
from ionto_ir.wording import value_text
from ionto_verifier.aspects import Witness

SESSIONS_MAX = 24
"""Sessions of a course that is followed to show a difference."""

VALUES_MAX = 1_000
"""Values of one parameter that are tried at one session, from an end of its range on."""


def in_first_session(plan: Plan) -> Plan:
    """The plan as it is in a first session: what is remembered has its first value."""
    if plan.course is None:
        return plan
    known: dict[str, Expression] = {"course.session": terms.integer(1)}
    for memory in plan.course.memories:
        first = memory.first
        known[memory.variable] = terms.Truth(first) if isinstance(first, bool) else terms.integer(first)

    def at_first(condition: Expression) -> Expression:
        return terms.substitute(condition, known)

    return replace(
        plan,
        rules=tuple(replace(item, condition=at_first(item.condition)) for item in plan.rules),
        requirements=tuple(replace(item, condition=at_first(item.condition)) for item in plan.requirements),
        exclusions=tuple(replace(item, condition=at_first(item.condition)) for item in plan.exclusions),
    )


def speaks_of_memory(plan: Plan, names: frozenset[str]) -> bool:
    """Whether one of these values is remembered."""
    memories = () if plan.course is None else plan.course.memories
    return any(item.variable in names for item in memories)


def carried_witness(old: Plan, new: Plan) -> Witness | None:
    """Sessions that the new plan admits one after the other, the last of which the old one refuses."""
    memories = () if new.course is None else new.course.memories
    sources = [
        plan_variable(new, item.source)
        for item in memories
        if item.kind is MemoryKind.VALUE and item.source is not None
    ]
    names = {item.name for item in sources}
    for plan in (old, new):
        for requirement in plan.requirements:
            names |= {name.removeprefix("previous.") for name in references(requirement.condition)}
    movable = [item for item in new.variables if item.name in names and item.name in _chosen(new)]
    for item in movable:
        for begins, goes_on in ((True, True), (False, True), (False, False), (True, False)):
            found = _followed(old, new, item, (begins, goes_on))
            if found is not None:
                return found
    return None


def _chosen(plan: Plan) -> frozenset[str]:
    return frozenset(
        item.name for item in plan.variables if item.kind.value in ("parameter", "answer", "geometry")
    )


def _followed(old: Plan, new: Plan, item: Variable, upwards: tuple[bool, bool]) -> Witness | None:
    """A course at the values that go furthest, up or down: in its first session, and in all others."""
    at = beginning(new)
    told: list[tuple[str, str]] = []
    for number in range(1, SESSIONS_MAX + 1):
        chosen = _furthest(new, at, item, upwards=upwards[min(number, 2) - 1])
        if chosen is None:
            return None
        value, values = chosen
        told.append((f"{item.name} in session {number}", value_text(item, value)))
        said = _problems(old, _renamed(at, old), {item.name: value})
        if said:
            numbers = tuple((name, index + 1) for index, (name, _) in enumerate(told))
            return Witness(
                numbers, tuple(told), f"refuses session {number}: {said[0]}", f"admits all {number}"
            )
        past = PastSession(at.now_ms, at.now_ms, at.today, 0, 0, new.name, tuple(sorted(values.items())))
        sessions = (*at.sessions, past)
        date = None if new.course is None else next_date(new.course, sessions)
        if date is None:
            return None
        at = History(at.now_ms + (date - at.today) * DAY_MS, date, sessions)
    return None


def _renamed(at: History, plan: Plan) -> History:
    """The same sessions, as ones of another protocol."""
    return replace(at, sessions=tuple(replace(past, protocol=plan.name) for past in at.sessions))


def _values(plan: Plan, at: History, given: dict[str, Value]) -> dict[str, Value]:
    return ordinary_values(plan, {**remembered(plan, at, given), **given})


def _problems(plan: Plan, at: History, given: dict[str, Value]) -> list[str]:
    known = {name: value for name, value in given.items() if any(v.name == name for v in plan.variables)}
    return [item.message for item in condition_problems(plan, _values(plan, at, known))]


def _furthest(
    plan: Plan, at: History, item: Variable, *, upwards: bool
) -> tuple[Value, dict[str, Value]] | None:
    """The value nearest to an end of its range that the plan admits in this session, with all the others."""
    for value in _tried(item, upwards=upwards):
        if not _problems(plan, at, {item.name: value}):
            return value, _values(plan, at, {item.name: value})
    return None


def _tried(item: Variable, *, upwards: bool) -> list[Value]:
    match item.domain:
        case BooleanDomain():
            return [True, False] if upwards else [False, True]
        case ChoiceDomain(labels):
            return [*reversed(range(len(labels)))] if upwards else [*range(len(labels))]
        case _:
            step = item.domain.step or max(1, (item.domain.hi - item.domain.lo) // VALUES_MAX)
            grid = range(item.domain.lo, item.domain.hi + 1, step)
            return [*(reversed(grid) if upwards else grid)][:VALUES_MAX]
