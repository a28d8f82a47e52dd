"""The course of sessions: its rules, its phases and evaluations, and when it is over."""

from __future__ import annotations

from collections.abc import Iterator

from ionto_dsl import surface
from ionto_dsl.operands import condition, positive
from ionto_dsl.rhythms import Draft, read_line, rhythm
from ionto_dsl.scope import Scope
from ionto_dsl.settings import only
from ionto_ir.course import Course, Gate, Phase, Rhythm
from ionto_ir.diagnostic import Label, error
from ionto_ir.expression import disjunction
from ionto_ir.source import Span
from ionto_ir.units import DIMENSIONLESS, TIME

Line = surface.CourseItem


def course_of(item: surface.Course, scope: Scope) -> Course:
    """The course; lines with errors are left out and reported. What it remembers is added by the caller."""
    lines = item.items
    _check_places(lines, scope)
    rules = _rhythm(lines, scope)
    stops = [condition(line.condition, scope) for line in lines if isinstance(line, surface.StopWhen)]
    said = [found for found in stops if found is not None]
    return Course(
        gap_days_min=rules.gap_days_min,
        gap_days_max=rules.gap_days_max,
        gap_ms_min=rules.gap_ms_min,
        per_days=rules.per_days,
        sessions_max=rules.sessions_max,
        stop_when=disjunction(*said) if said else None,
        span=item.span,
        gap_ms_max=rules.gap_ms_max,
        weekdays=rules.weekdays,
        days=rules.days,
        length_days=rules.length_days,
        gates=tuple(_gates(lines, scope)),
        phases=_phases(lines, scope),
        rest_site_ms=_rest_ms(lines, scope),
    )


def _rhythm(lines: tuple[Line, ...], scope: Scope) -> Rhythm:
    draft = Draft()
    for line in lines:
        match line:
            case (
                surface.StopWhen()
                | surface.NextWhen()
                | surface.Gate()
                | surface.RestSite()
                | surface.Carry()
                | surface.Phase()
            ):
                pass
            case _:
                read_line(line, draft, scope)
    return rhythm(draft, scope)


def _gates(lines: tuple[Line, ...], scope: Scope) -> Iterator[Gate]:
    for line in lines:
        if isinstance(line, surface.Gate):
            holds = condition(line.condition, scope)
            after = None
            if line.after is not None:
                place = "an evaluation comes after a number of sessions"
                after = positive(line.after, DIMENSIONLESS, scope, place)
            if holds is not None:
                yield Gate(holds, line.finish.value, after, line.span)


def _rest_ms(lines: tuple[Line, ...], scope: Scope) -> int:
    rests = [line for line in lines if isinstance(line, surface.RestSite)]
    only([("`rest site`", line.span) for line in rests], scope.found)
    return max(
        (positive(line.duration, TIME, scope, "`rest site` takes a time") or 0 for line in rests), default=0
    )


def _phases(lines: tuple[Line, ...], scope: Scope) -> tuple[Phase, ...]:
    written = [line for line in lines if isinstance(line, surface.Phase)]
    first: dict[str, Span] = {}
    phases = []
    for item in written:
        name = item.name.text
        if name in first:
            labels = (Label(first[name], "first here"),)
            message = f"the phase `{name}` is declared twice"
            scope.found.append(error("I0202", message, item.name.span, "again here", labels=labels))
        first.setdefault(name, item.name.span)
        phases.append(_phase(item, scope))
    for item, phase in zip(written[:-1], phases[:-1], strict=True):
        rules = phase.rhythm
        ends = rules.sessions_max is not None or rules.length_days is not None or rules.days
        if not ends and phase.next_when is None:
            message = f"nothing ends the phase `{phase.name}`, so the next one never begins"
            advice = "say how long it lasts (`for 4 weeks`), how many sessions it has, or `next when ...`"
            scope.found.append(error("I0484", message, item.name.span, "without an end", help=advice))
    for line in written[-1].items if written else ():
        if isinstance(line, surface.NextWhen):
            _misplaced(line, "`next when` stands in the last phase", "nothing comes after it", scope)
        if isinstance(line, surface.Gate) and line.after is None:
            text = "say after how many sessions: `after 6 sessions require ...`"
            _misplaced(line, "this evaluation stands at the end of the last phase", text, scope)
    return tuple(phases)


def _phase(item: surface.Phase, scope: Scope) -> Phase:
    moves = [line for line in item.items if isinstance(line, surface.NextWhen)]
    conditions = [found for line in moves if (found := condition(line.condition, scope)) is not None]
    return Phase(
        item.name.text,
        _rhythm(item.items, scope),
        disjunction(*conditions) if conditions else None,
        tuple(_gates(item.items, scope)),
        item.name.span,
    )


def _check_places(lines: tuple[Line, ...], scope: Scope) -> None:
    """Lines of the whole course inside a phase, and lines of a phase outside of one."""
    phases = [line for line in lines if isinstance(line, surface.Phase)]
    for line in lines:
        match line:
            case surface.NextWhen():
                text = "write it into the phase that ends: `phase induction { ... next when ... }`"
                _misplaced(line, "`next when` stands outside of a phase", text, scope)
            case surface.Gate(after=None):
                text = "say after how many sessions: `after 6 sessions require ...`"
                _misplaced(line, "this evaluation stands outside of a phase", text, scope)
            case surface.OnDays() if phases:
                text = "write it into the phase whose days these are"
                _misplaced(line, "a course with phases has no days of its own", text, scope)
            case _:
                pass
    for phase in phases:
        for line in phase.items:
            match line:
                case surface.StopWhen():
                    _for_the_course(line, "`stop when`", scope)
                case surface.RestSite():
                    _for_the_course(line, "`rest site`", scope)
                case surface.Carry():
                    _for_the_course(line, "`carry`", scope)
                case surface.Phase():
                    _for_the_course(line, "a phase", scope)
                case _:
                    pass


def _for_the_course(line: Line, what: str, scope: Scope) -> None:
    text = "write it into the course, beside its phases: it holds for all of them"
    _misplaced(line, f"{what} stands inside a phase", text, scope)


def _misplaced(line: Line, message: str, advice: str, scope: Scope) -> None:
    scope.found.append(error("I0480", message, line.span, "not here", help=advice))
