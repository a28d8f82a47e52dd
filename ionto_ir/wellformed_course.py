"""What must hold of a course: rules that can be meant, phases that end, memories that fit their variables."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import pairwise

from ionto_ir.bind_values import value_problem
from ionto_ir.course import SESSIONS_MAX, Course, Gate, Memory, MemoryKind, Phase, Rhythm, rhythm_of
from ionto_ir.plan import ChoiceDomain, Domain, IntegerDomain, Plan, Variable, VariableKind
from ionto_ir.source import Span

PHASES_MAX = 20
"""Phases of one course: what a person plans ahead has three or four."""

Fault = tuple[str | None, Span]


def course_faults(plan: Plan) -> Iterator[Fault]:
    """What is wrong with the course, with what it remembers, and with the sites that it knows."""
    table = {item.name: item for item in plan.variables}
    for electrode in plan.electrodes:
        if electrode.site_variable is not None:
            yield _site_fault(table.get(electrode.site_variable)), electrode.span
    course = plan.course
    memories = () if course is None else course.memories
    told = [memory.variable for memory in memories]
    for item in plan.variables:
        if item.kind is VariableKind.MEMORY and told.count(item.name) != 1:
            yield f"nothing says what `{item.name}` remembers", item.span
    if course is None:
        return
    yield _rhythm_fault(rhythm_of(course)), course.span
    yield _gates_fault(course.gates), course.span
    yield _course_fault(course), course.span
    for phase in course.phases:
        yield _rhythm_fault(phase.rhythm), phase.span
        yield _gates_fault(phase.gates), phase.span
    for phase in course.phases[:-1]:
        yield _endless(phase), phase.span
    for memory in course.memories:
        yield _memory_fault(course, memory, table), memory.span


def _rhythm_fault(rhythm: Rhythm) -> str | None:
    dates, hours = (rhythm.gap_days_min, rhythm.gap_days_max), (rhythm.gap_ms_min, rhythm.gap_ms_max)
    for least, most in (dates, hours):
        if least < 0 or (most is not None and most < max(1, least)):
            return "the gaps of the course are impossible"
    if any(count <= 0 or days <= 0 for count, days in rhythm.per_days):
        return "a course allows some sessions on some days, not none"
    if any(most is not None and most <= 0 for most in (rhythm.sessions_max, rhythm.length_days)):
        return "a course has at least one session on at least one day"
    if any(not 0 <= day < 7 for day in rhythm.weekdays) or _not_rising(rhythm.weekdays):
        return "the weekdays of a course are told once each, from Monday on"
    if rhythm.days and (rhythm.days[0] != 1 or _not_rising(rhythm.days)):
        return "the days of a course rise from day 1, that of its first session"
    return None


def _not_rising(numbers: tuple[int, ...]) -> bool:
    return any(later <= earlier for earlier, later in pairwise(numbers))


def _gates_fault(gates: tuple[Gate, ...]) -> str | None:
    if any(gate.after is not None and gate.after <= 0 for gate in gates):
        return "an evaluation comes after at least one session"
    return None


def _course_fault(course: Course) -> str | None:
    if course.rest_site_ms < 0:
        return "a site rests for a time, not for less than none"
    if len(course.phases) > PHASES_MAX:
        return f"a course has at most {PHASES_MAX} phases"
    if len({phase.name for phase in course.phases}) < len(course.phases):
        return "two phases have the same name"
    if course.phases and course.days:
        return "a course with phases has no days of its own"
    if any(gate.after is None for gate in course.gates):
        return "an evaluation of the whole course comes after some number of sessions"
    if any(not allowed_weekdays(course, phase) for phase in course.phases):
        return "a phase has no weekday that the course allows"
    return None


def allowed_weekdays(course: Course, phase: Phase | None) -> tuple[int, ...]:
    """The weekdays on which a session may be, 0 for Monday."""
    wanted = () if phase is None else phase.rhythm.weekdays
    return tuple(
        day
        for day in range(7)
        if (not wanted or day in wanted) and (not course.weekdays or day in course.weekdays)
    )


def _endless(phase: Phase) -> str | None:
    rhythm = phase.rhythm
    ends = rhythm.sessions_max is not None or rhythm.length_days is not None or rhythm.days
    return None if ends or phase.next_when is not None else f"the phase `{phase.name}` never ends"


def _site_fault(item: Variable | None) -> str | None:
    if item is None or not isinstance(item.domain, ChoiceDomain):
        return "a site is chosen from some"
    chosen = item.kind in (VariableKind.PARAMETER, VariableKind.ANSWER)
    return None if chosen else "a site is known before the session"


def _memory_fault(course: Course, memory: Memory, table: Mapping[str, Variable]) -> str | None:
    item = table.get(memory.variable)
    if item is None or item.kind is not VariableKind.MEMORY:
        return f"`{memory.variable}` is no variable that is remembered"
    if isinstance(item.domain, IntegerDomain) and item.domain.step is not None:
        return f"`{memory.variable}` is remembered in steps"
    if value_problem(item, memory.first) is not None:
        return f"the first value of `{memory.variable}` is none of its values"
    if memory.swap_when is not None and memory.kind is not MemoryKind.POLARITY:
        return "only a polarity is swapped"
    if (memory.source is not None) is not (memory.kind is MemoryKind.VALUE):
        return "a remembered value has a source, and nothing else has"
    fits = _fits(course, memory, item.domain, table)
    return None if fits else f"`{memory.variable}` cannot hold what it remembers"


def _fits(course: Course, memory: Memory, domain: Domain, table: Mapping[str, Variable]) -> bool:
    match memory.kind:
        case MemoryKind.SESSION:
            most = SESSIONS_MAX if course.sessions_max is None else course.sessions_max
            return isinstance(domain, IntegerDomain) and (domain.lo, domain.hi) == (1, most)
        case MemoryKind.PHASE:
            return domain == ChoiceDomain(tuple(phase.name for phase in course.phases))
        case MemoryKind.POLARITY:
            return isinstance(domain, ChoiceDomain) and len(domain.labels) == 2
        case MemoryKind.VALUE:
            source = table.get(memory.source or "")
            if source is None or source.kind is VariableKind.MEMORY:
                return False
            return same_values(domain, source.domain)


def same_values(domain: Domain, source: Domain) -> bool:
    """Whether a variable that remembers another one can hold all of its values."""
    if isinstance(domain, IntegerDomain) and isinstance(source, IntegerDomain):
        return (domain.lo, domain.hi, domain.dimension) == (source.lo, source.hi, source.dimension)
    return domain == source
