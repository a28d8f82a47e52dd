"""What one session keeps from the last: `carry`, and the names that speak of earlier sessions.

A remembered value is a variable of the plan that nobody is asked for. A proof takes any value for it,
whatever the history; binding fills it in. What `carry` asks of today's value is a requirement like any other,
so it holds at the start and at every adjustment.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from ionto_dsl import surface, typed
from ionto_dsl.operands import at_least, condition, constant
from ionto_dsl.scenarios_of import value_for
from ionto_dsl.scope import Entry, Origin, Scope, extent_of_domain
from ionto_dsl.settings import only
from ionto_dsl.variables_of import dimension_called, value_of
from ionto_dsl.wording import kind_of, written
from ionto_ir.course import SESSIONS_MAX, Course, Memory, MemoryKind
from ionto_ir.dataclass import dataclass, replace
from ionto_ir.diagnostic import Label, error, warning
from ionto_ir.expression import (
    TRUE,
    Constant,
    Expression,
    add,
    boolean_reference,
    conjunction,
    disjunction,
    equal,
    integer_reference,
    less_equal,
    multiply,
    negation,
    references,
)
from ionto_ir.plan import (
    BooleanDomain,
    ChoiceDomain,
    Domain,
    IntegerDomain,
    Requirement,
    Variable,
    VariableKind,
)
from ionto_ir.source import Span
from ionto_ir.units import BASE_UNITS, DIMENSIONLESS

SESSION, PHASE, POLARITY = "course.session", "course.phase", "course.polarity"
PREVIOUS = "previous."
POLARITIES = ("declared", "swapped")


@dataclass(frozen=True, slots=True)
class Remembered:
    """A memory, its variable, and what it asks of today's value (None: nothing).

    `named` says that steps and rules may speak of it: it has a value in a first session too.
    """

    memory: Memory
    variable: Variable
    requirement: Requirement | None = None
    named: bool = True


def remember(
    course: surface.Course | None, variables: Mapping[str, Variable], scope: Scope
) -> tuple[Remembered, ...]:
    """What the course remembers; declares the names under which steps and rules may speak of it."""
    if course is None:
        return ()
    found = [_session(course.span)]
    phases = tuple(line.name.text for line in course.items if isinstance(line, surface.Phase))
    if phases:
        domain = ChoiceDomain(tuple(dict.fromkeys(phases)))
        found.append(_plain(PHASE, MemoryKind.PHASE, domain, "Phase of the course", course.span))
    carries = [line for line in course.items if isinstance(line, surface.Carry)]
    only([(f"what is carried of `{line.subject.text}`", line.span) for line in carries], scope.found)
    for line in carries:
        item = variables.get(line.subject.text)
        if line.subject.text == "polarity" and item is None:
            found.append(_polarity(line, scope))
        else:
            found += _carried(line, item, scope)
    for one in found:
        if one.named:
            _declare(one.variable, scope)
    return tuple(found)


def _declare(item: Variable, scope: Scope) -> None:
    extent = extent_of_domain(item.domain)
    if extent is not None:
        scope.extents[item.name] = extent
    scope.entries.setdefault(item.name, Entry(Origin.MEMORY, value_of(item.name, item.domain), item.span))


def spoken_of(found: tuple[Remembered, ...], scope: Scope) -> tuple[Remembered, ...]:
    """What must be kept, because the protocol or what is carried speaks of it, once all else is typed."""
    names = set(scope.used) | {POLARITY}
    for one in found:
        if one.requirement is not None:
            names |= references(one.requirement.condition)
    for one in found:
        if one.memory.kind is MemoryKind.VALUE and one.variable.name not in names:
            message = f"`{one.variable.name}` is carried, and nothing speaks of it"
            advice = f"use it, for example `caution when {one.variable.name} = ...`, or delete the line"
            scope.found.append(warning("I0486", message, one.variable.span, "changes nothing", help=advice))
    return tuple(one for one in found if one.variable.name in names)


def on_course(found: tuple[Remembered, ...], course: Course) -> tuple[Remembered, ...]:
    """The same once the rules of the course are known: the number of a session is bounded by them."""
    if course.sessions_max is None:
        return found
    return tuple(
        replace(one, variable=replace(one.variable, domain=_numbers(course.sessions_max)))
        if one.memory.kind is MemoryKind.SESSION
        else one
        for one in found
    )


def beginning_of(found: tuple[Remembered, ...]) -> tuple[typed.Step, ...]:
    """The steps with which a session begins whose polarity is carried: it is swapped, at zero, or it is
    not.
    """
    for one in found:
        if one.memory.kind is MemoryKind.POLARITY:
            span = one.memory.span
            swapped = equal(integer_reference(POLARITY), Constant(1))
            return (typed.If(swapped, (typed.Reverse(None, span),), (), span, span),)
    return ()


# What there is to remember


def _plain(name: str, kind: MemoryKind, domain: Domain, text: str, span: Span) -> Remembered:
    first = 1 if kind is MemoryKind.SESSION else 0
    variable = Variable(name, VariableKind.MEMORY, domain, text, False, None, span)
    return Remembered(Memory(name, kind, None, first, None, span), variable)


def _numbers(most: int) -> IntegerDomain:
    return IntegerDomain(1, most, None, None, BASE_UNITS[DIMENSIONLESS].noun, "")


def _session(span: Span) -> Remembered:
    text = "Number of this session in its course"
    return _plain(SESSION, MemoryKind.SESSION, _numbers(SESSIONS_MAX), text, span)


def _polarity(line: surface.Carry, scope: Scope) -> Remembered:
    for part, what in ((line.plus_max, "`plus`"), (line.first, "`first`")):
        if part is not None:
            _refuse(f"a polarity has no {what}", part.span, "not here", "leave it out", scope)
    found = _plain(POLARITY, MemoryKind.POLARITY, ChoiceDomain(POLARITIES), "Polarity", line.span)
    swap: Expression | None = None
    if line.swapped is not None:
        told = line.swapped.condition
        swap = TRUE if told is None else condition(told, scope)
    return replace(found, memory=replace(found.memory, swap_when=swap))


def _carried(line: surface.Carry, item: Variable | None, scope: Scope) -> Iterator[Remembered]:
    name = line.subject.text
    if item is None:
        scope.look_up(name, line.subject.span)  # says that there is no such value, or what it is instead
        if name in scope.entries:
            advice = "carry a parameter, an answer, a record, or `polarity`"
            _refuse(f"`{name}` is not carried", line.subject.span, "nothing to remember", advice, scope)
        return
    scope.used.add(name)
    if line.swapped is not None:
        advice = "only `polarity` is reversed"
        _refuse(f"`{name}` has no polarity", line.swapped.span, "not here", advice, scope)
        return
    first = None if line.first is None else value_for(line.first.value, item, scope)
    if line.first is not None and first is None:
        return
    domain = (
        replace(item.domain, step=None, default=None)
        if isinstance(item.domain, IntegerDomain)
        else item.domain
    )
    text = f"{item.text}, in the previous session"
    variable = Variable(PREVIOUS + name, VariableKind.MEMORY, domain, text, False, None, line.span)
    begin = _usual(item.domain) if first is None else first
    memory = Memory(variable.name, MemoryKind.VALUE, name, begin, None, line.span)
    if item.kind is VariableKind.RECORD:
        if _record_fits(line, item, scope):
            yield Remembered(memory, variable)
        return
    condition_ = _asked_of_today(line, item, first, scope)
    if condition_ is not None:
        requirement = Requirement(condition_, _in_words(line, item), line.span)
        yield Remembered(memory, variable, requirement, first is not None)


def _usual(domain: Domain) -> int | bool:
    """A value that stands for none: nothing depends on it in a first session."""
    match domain:
        case BooleanDomain():
            return False
        case ChoiceDomain():
            return 0
        case IntegerDomain(lo, _, _, default):
            return lo if default is None else default


def _record_fits(line: surface.Carry, item: Variable, scope: Scope) -> bool:
    if line.plus_max is not None:
        advice = "what is recorded is seen, not chosen: speak of it as `previous." + item.name + "`"
        _refuse(
            f"`{item.name}` is recorded, so nothing bounds it", line.plus_max.span, "not here", advice, scope
        )
        return False
    if line.first is None or line.first.at_most:
        advice = f"say what holds before there is any: `carry {item.name} from previous session first ...`"
        _refuse(f"`{item.name}` has no value in a first session", line.span, "no first value", advice, scope)
        return False
    return True


def _asked_of_today(
    line: surface.Carry, item: Variable, first: int | bool | None, scope: Scope
) -> Expression | None:
    """A first session keeps to `first`, every other one to the session before it."""
    same = _same(item.name, PREVIOUS + item.name, item.domain)
    follows: Expression | None = same
    if line.plus_max is not None:
        follows = _stepped(line.plus_max, item, scope)
    begins: Expression | None = TRUE
    if line.first is not None and first is not None:
        begins = _begins(line.first, item, first, scope)
    if follows is None or begins is None:
        return None
    first_one = equal(integer_reference(SESSION), Constant(1))
    later = conjunction(follows, _climbed(line, item, first, scope))
    return disjunction(conjunction(first_one, begins), conjunction(negation(first_one), later))


def _climbed(line: surface.Carry, item: Variable, first: int | bool | None, scope: Scope) -> Expression:
    """How high the previous session can have been: every session before it kept to its step.

    It follows from the rest, session by session. Said here it is checked when a session is bound, so that a
    proof that rests on it rests on nothing that earlier sessions are merely hoped to have kept.
    """
    if first is None or isinstance(first, bool) or not isinstance(item.domain, IntegerDomain):
        return TRUE
    steps = 0 if line.plus_max is None else _step(line.plus_max, item.domain, item.name, scope)
    if steps is None:
        return TRUE
    sessions = add(integer_reference(SESSION), Constant(-2))
    most = add(Constant(first), multiply(Constant(steps), sessions))
    return less_equal(integer_reference(PREVIOUS + item.name), most)


def _step(plus: surface.Expression, domain: IntegerDomain, name: str, scope: Scope) -> int | None:
    dimension = dimension_called(domain.dimension)
    place = f"`{name}` is {kind_of(dimension)}"
    return at_least(constant(plus, dimension, scope, place), 0, plus, scope, place)


def _stepped(plus: surface.Expression, item: Variable, scope: Scope) -> Expression | None:
    if not isinstance(item.domain, IntegerDomain):
        _refuse(f"`{item.name}` is no quantity", plus.span, "not here", "leave `plus at most` out", scope)
        return None
    step = _step(plus, item.domain, item.name, scope)
    if step is None:
        return None
    before = integer_reference(PREVIOUS + item.name)
    return less_equal(integer_reference(item.name), add(before, Constant(step)))


def _begins(told: surface.First, item: Variable, first: int | bool, scope: Scope) -> Expression | None:
    if isinstance(item.domain, IntegerDomain) and not item.domain.lo <= first <= item.domain.hi:
        message = f"`{written(told.value)}` is outside the range of `{item.name}`"
        place = (Label(item.span, "its range"),)
        scope.found.append(error("I0482", message, told.value.span, "outside", labels=place))
        return None
    if told.at_most:
        if isinstance(item.domain, IntegerDomain):
            return less_equal(integer_reference(item.name), Constant(first))
        _refuse(f"`{item.name}` is no quantity", told.span, "not here", "write `first` and the value", scope)
        return None
    if isinstance(first, bool):
        return boolean_reference(item.name) if first else negation(boolean_reference(item.name))
    return equal(integer_reference(item.name), Constant(first))


def _same(name: str, other: str, domain: Domain) -> Expression:
    if isinstance(domain, BooleanDomain):
        one, two = boolean_reference(name), boolean_reference(other)
        return disjunction(conjunction(one, two), conjunction(negation(one), negation(two)))
    return equal(integer_reference(name), integer_reference(other))


def _in_words(line: surface.Carry, item: Variable) -> str:
    text = f"`{item.name}` stays as in the previous session"
    if line.plus_max is not None:
        text = f"`{item.name}` is at most {written(line.plus_max)} above that of the previous session"
    if line.first is not None:
        least = "at most " if line.first.at_most else ""
        text += f", and {least}{written(line.first.value)} in the first"
    return text


def _refuse(message: str, span: Span, label: str, advice: str, scope: Scope) -> None:
    scope.found.append(error("I0482", message, span, label, help=advice))
