"""Choices, repetitions, monitors and ends of courses that always come out the same way."""

from __future__ import annotations

from collections.abc import Iterator

from ionto_ir.dataclass import replace
from ionto_ir.diagnostic import Diagnostic, Label, warning
from ionto_ir.expression import Expression, references
from ionto_ir.monitor import Monitor, MonitorAction
from ionto_ir.plan import Branch, Loop, Plan, successors
from ionto_ir.source import Span
from ionto_verifier.condition_text import condition_text
from ionto_verifier.encode import Encoding
from ionto_verifier.guards import everything
from ionto_verifier.implied import Why, follows, implied
from ionto_verifier.inquiry import Inquiry
from ionto_verifier.obligation import implies, negation
from ionto_verifier.paths import Visit
from ionto_verifier.readings import names_in, reads_alike
from ionto_verifier.vacuity_parts import idle_parts
from ionto_verifier.watch import World, condition_formula

ONE_WAY, MONITOR_TOO_LATE, ENDS_AT_ONCE = "I0720", "I0723", "I0725"


# --- choices and repetitions ------------------------------------------------------------------------------


def idle_steps(inquiry: Inquiry, vacuous: frozenset[str]) -> Iterator[Diagnostic]:
    """Choices that everybody makes alike, and conditions of repetitions that always or never hold."""
    bare = Encoding(replace(inquiry.plan, requirements=(), rules=()))
    visits: dict[int, list[Visit]] = {}
    for visit in inquiry.visits:
        visits.setdefault(visit.step, []).append(visit)
    for index, step in enumerate(inquiry.plan.steps):
        if step.span.file != inquiry.plan.span.file or index not in visits:
            continue
        if isinstance(step, Branch) and not _said_by_lint(inquiry.plan, bare, step.condition):
            yield from _choice(inquiry, index, step, visits[index], vacuous)
        elif isinstance(step, Loop) and step.until is not None:
            yield from _repetition(inquiry, step, step.until)


def _choice(
    inquiry: Inquiry, index: int, step: Branch, visits: list[Visit], vacuous: frozenset[str]
) -> Iterator[Diagnostic]:
    for holds, dead in ((True, step.otherwise), (False, step.then)):
        if f"steps[{dead}]" in vacuous or not _led_to_elsewhere(inquiry.plan, index, dead):
            continue  # said of the steps that nobody reaches
        why = [_taken(inquiry, index, step, visit, holds=holds) for visit in visits]
        told = [item for item in why if item is not None]
        if told and len(told) == len(why):
            word = "always holds" if holds else "never holds"
            yield warning(
                ONE_WAY,
                f"this condition {word} here: everybody goes the same way",
                step.span,
                "nobody goes the other way",
                labels=_united(told),
                help="write the steps without the choice, or the condition that was meant",
            )
            return


def _said_by_lint(plan: Plan, bare: Encoding, condition: Expression) -> bool:
    """Whether ranges alone decide a condition that names each value once: the front end said so by then."""
    if len(names_in(condition)) > len(references(condition)):
        return False
    formula = bare.formula(condition)
    return any(follows(bare.environment, (), item) for item in (formula, negation(formula)))


def _led_to_elsewhere(plan: Plan, index: int, dead: int) -> bool:
    """Whether another step leads there too: then it is reached, and nothing else tells that the choice is
    none.
    """
    ways = [other for other, step in enumerate(plan.steps) if dead in successors(step)]
    return any(other != index for other in ways) or plan.entry == dead


def _taken(inquiry: Inquiry, index: int, step: Branch, visit: Visit, *, holds: bool) -> Why | None:
    """Why everybody who comes to a choice on this way goes on in one way."""
    moving = inquiry.encoding.moving(dict(visit.records), f"idle {index}", step.condition)
    formula = inquiry.encoding.formula(step.condition, moving)
    given = (*everything(inquiry), *(guard for guard in visit.path if guard not in everything(inquiry)))
    goal = formula if holds else negation(formula)
    return implied(inquiry.plan, inquiry.environment, given, goal, step.span)


def _repetition(inquiry: Inquiry, step: Loop, until: Expression) -> Iterator[Diagnostic]:
    found = _always_or_never(inquiry, until, step.span)
    if found is None:
        given = everything(inquiry)
        yield from idle_parts(inquiry.plan, inquiry.encoding, until, given, step.span)
        return
    holds, why = found
    yield warning(
        ONE_WAY,
        "this repeats nothing: its condition holds after the first round"
        if holds
        else "this condition never ends the repetition",
        step.span,
        "one round is done" if holds else "all rounds are done",
        labels=why.labels,
        help="write the steps once, or the condition that was meant"
        if holds
        else "write how often it repeats, or the condition that was meant",
    )


def _always_or_never(inquiry: Inquiry, condition: Expression, span: Span) -> tuple[bool, Why] | None:
    formula = inquiry.encoding.formula(condition)
    for holds, goal in ((True, formula), (False, negation(formula))):
        why = implied(inquiry.plan, inquiry.environment, everything(inquiry), goal, span)
        if why is not None:
            return holds, why
    return None


def _united(why: list[Why]) -> tuple[Label, ...]:
    return tuple(dict.fromkeys(label for item in why for label in item.labels))


# --- monitors ---------------------------------------------------------------------------------------------


def idle_monitors(inquiry: Inquiry, vacuous: frozenset[str]) -> Iterator[Diagnostic]:
    """Monitors that another one always forestalls, and parts of their conditions that decide nothing."""
    plan = inquiry.plan
    own = [item for item in enumerate(plan.monitors) if item[1].span.file == plan.span.file]
    if not own or not any(True for _ in inquiry.moving()):
        return
    world = World(inquiry)
    idle: set[int] = set()
    for number, monitor in reversed(own):
        if f"monitors[{number}]" in vacuous or f"monitors[{number}].idles" in vacuous:
            continue
        sooner = _forestalled(inquiry, world, number, monitor, idle)
        if sooner is not None:
            idle.add(number)
            yield sooner
        else:
            scope = inquiry.encoding.moving(world.anything, f"in monitors[{number}]", monitor.condition)
            given = everything(inquiry)
            yield from idle_parts(plan, inquiry.encoding, monitor.condition, given, monitor.span, scope)


def _forestalled(
    inquiry: Inquiry, world: World, number: int, monitor: Monitor, idle: set[int]
) -> Diagnostic | None:
    for other_number, other in enumerate(inquiry.plan.monitors):
        if other_number in (number, *idle) or not _acts_first(inquiry.plan, other, monitor):
            continue
        name = f"monitors[{number}]"
        late, soon = (
            condition_formula(inquiry, item.condition, world.anything, name) for item in (monitor, other)
        )
        why = implied(
            inquiry.plan, inquiry.environment, everything(inquiry), implies(late, soon), monitor.span
        )
        if why is not None:
            acts = "stops" if other.action is MonitorAction.STOP else "pauses"
            return warning(
                MONITOR_TOO_LATE,
                f"this monitor adds nothing: another one {acts} the session before it acts",
                monitor.span,
                "whenever this holds, the other one holds for as long",
                labels=(Label(other.span, f"{acts} the session first"), *why.labels),
                help="leave it out, or write a lower threshold or a shorter time than the other one has",
            )
    return None


def _acts_first(plan: Plan, one: Monitor, other: Monitor) -> bool:
    """Whether `one` acts at the latest when `other` would, if it holds whenever the other one does."""
    if not reads_alike(one.condition, other.condition):
        return False
    sooner, later = (-(-item.persistence_ms // plan.device.tick_ms) for item in (one, other))
    if one.action is MonitorAction.STOP:
        return sooner < later or (sooner == later and other.action is not MonitorAction.WARN)
    if one.action is MonitorAction.PAUSE and other.action is MonitorAction.PAUSE:
        # Both pause in the same tick then, and both must let go.
        return sooner == later and other.until in (None, one.until)
    return False


# --- courses ----------------------------------------------------------------------------------------------


def idle_course(inquiry: Inquiry, vacuous: frozenset[str]) -> Iterator[Diagnostic]:
    """A course that ends, or a phase that is left, whatever was recorded; parts of such conditions."""
    plan = inquiry.plan
    course = plan.course
    if course is None or course.span.file != plan.span.file:
        return
    conditions = [("course.stop_when", "course ends", course.stop_when, course.span)]
    for number, phase in enumerate(course.phases):
        name = f"course.phases[{number}].next_when"
        conditions.append((name, f"phase `{phase.name}` is left", phase.next_when, phase.span))
    for name, what, condition, span in conditions:
        if condition is None or name in vacuous:
            continue
        always = implied(
            plan, inquiry.environment, everything(inquiry), inquiry.encoding.formula(condition), span
        )
        if always is None:
            yield from idle_parts(plan, inquiry.encoding, condition, everything(inquiry), span)
            continue
        words = condition_text(plan, condition)
        named = "its condition" if words is None else f"`{words}`"
        yield warning(
            ENDS_AT_ONCE,
            f"the {what} after its first session: {named} always holds",
            span,
            "no value that may be recorded keeps it going",
            labels=always.labels,
            help="write the condition that was meant",
        )
