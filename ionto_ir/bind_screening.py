"""Who may be treated, and when: requirements, refusals, cautions, exclusions, limits over more sessions."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from ionto_ir.bind_constants import History, counted_by, past_pc
from ionto_ir.dataclass import dataclass
from ionto_ir.diagnostic import Diagnostic, Label, error
from ionto_ir.expression import Expression, Undefined, Value, evaluate, references
from ionto_ir.limits import Limit, LimitKind
from ionto_ir.plan import Plan, RuleKind, VariableKind
from ionto_ir.source import Span
from ionto_ir.wording import limit_text, value_text, waiting_text


@dataclass(frozen=True, slots=True)
class Acknowledgement:
    """A named person takes a caution or a soft limit upon themselves, for a reason; both go on record.

    `subject` is its place in the plan: `rules[2]` or `limits[5]`. `role` is what the person says to be.
    """

    subject: str
    person: str
    reason: str
    role: str | None = None


@dataclass(frozen=True, slots=True)
class Needed:
    """A caution or a soft limit that somebody must answer for before this session can begin; `role` says
    who.
    """

    subject: str
    text: str
    span: Span
    role: str | None = None


def acknowledgement_problems(plan: Plan, given: Sequence[Acknowledgement]) -> Iterator[Diagnostic]:
    """Acknowledgements of nothing, by nobody or for no reason (I0944)."""
    subjects = {f"rules[{index}]" for index, rule in enumerate(plan.rules) if rule.kind is RuleKind.CAUTION}
    subjects |= {f"limits[{index}]" for index, limit in enumerate(plan.limits) if limit.soft}
    roles = {f"limits[{index}]": limit.needs for index, limit in enumerate(plan.limits)}
    for item in given:
        if item.subject not in subjects:
            text = f"`{item.subject}` is neither a caution nor a soft limit of this plan"
            yield error("I0944", text, plan.span)
        elif not item.person.strip() or not item.reason.strip():
            text = f"the acknowledgement of `{item.subject}` names no person or no reason"
            yield error("I0944", text, plan.span)
        elif (role := roles.get(item.subject)) is not None and item.role != role:
            shown = "no role" if item.role is None else f"the role `{item.role}`"
            text = f"`{item.subject}` needs a `{role}` to answer for it, and `{item.person}` has {shown}"
            yield error("I0944", text, plan.span)


def condition_problems(plan: Plan, values: Mapping[str, Value]) -> Iterator[Diagnostic]:
    """Requirements that are not met (I0935), refusals (I0936) and exclusions (I0939)."""
    for requirement in plan.requirements:
        text = requirement.text or "a requirement is not met"
        notes = _remembered(plan, requirement.condition, values)
        yield from _unless(requirement.condition, values, requirement.span, "I0935", text, notes)
    for rule in plan.rules:
        if rule.kind is RuleKind.REFUSE:
            text = rule.text or "this treatment is refused"
            yield from _when(rule.condition, values, rule.span, "I0936", text)
    for exclusion in plan.exclusions:
        text = f"the envelope `{exclusion.envelope}` excludes this person"
        hazard = "" if exclusion.hazard is None else f"because of {exclusion.hazard}"
        yield from _when(exclusion.condition, values, exclusion.span, "I0939", text, hazard)


def _when(
    condition: Expression, values: Mapping[str, Value], span: Span, code: str, text: str, label: str = ""
) -> Iterator[Diagnostic]:
    found = evaluate(condition, values)
    if isinstance(found, Undefined):
        yield error("I0942", f"a condition has no value: {found.reason}", span)
    elif found:
        yield error(code, text, span, label)


def _unless(
    condition: Expression,
    values: Mapping[str, Value],
    span: Span,
    code: str,
    text: str,
    notes: tuple[str, ...],
) -> Iterator[Diagnostic]:
    found = evaluate(condition, values)
    if isinstance(found, Undefined):
        yield error("I0942", f"a condition has no value: {found.reason}", span)
    elif not found:
        yield error(code, text, span, "this must hold", notes=notes)


def _remembered(plan: Plan, condition: Expression, values: Mapping[str, Value]) -> tuple[str, ...]:
    """What a condition looks at that nobody chose today."""
    names = references(condition)
    return tuple(
        f"{item.name} is {value_text(item, values[item.name])}"
        for item in plan.variables
        if item.kind is VariableKind.MEMORY and item.name in names and item.name in values
    )


def cautions(plan: Plan, values: Mapping[str, Value]) -> tuple[Needed, ...]:
    """The cautions that these values call for."""
    return tuple(
        Needed(f"rules[{index}]", rule.text or "a caution applies", rule.span)
        for index, rule in enumerate(plan.rules)
        if rule.kind is RuleKind.CAUTION and evaluate(rule.condition, values) is True
    )


def history_problems(plan: Plan, values: Mapping[str, Value], everything: History) -> Iterator[Diagnostic]:
    """Too early, or too often, after earlier sessions (I0941)."""
    for limit in plan.limits:
        if limit.window_ms is None or limit.soft:
            continue
        history = counted_by(limit, plan, values, everything)
        if limit.kind is LimitKind.SESSIONS:
            yield from _session_limit(limit, limit.window_ms, history)
        past = past_pc(history, limit.window_ms, nominal=limit.nominal)
        if limit.kind is LimitKind.DOSE and not limit.per_electrode and past >= limit.bound:
            text = f"earlier sessions leave nothing of `{limit_text(limit)}`"
            yield error("I0941", text, limit.span, "decided here")


def _session_limit(limit: Limit, window_ms: int, history: History) -> Iterator[Diagnostic]:
    """Half open: a session that began exactly a window ago is outside of it."""
    recent = sorted(past.start_ms for past in history.sessions if past.start_ms > history.now_ms - window_ms)
    if len(recent) >= limit.bound:
        waiting = ""
        if limit.bound > 0:
            again_ms = recent[len(recent) - limit.bound] + window_ms - history.now_ms
            waiting = f"the next session may begin in {waiting_text(again_ms)}"
        text = f"one more session would pass `{limit_text(limit)}`"
        yield error("I0941", text, limit.span, "decided here", help=waiting or None)


def label_of(limit: Limit) -> Label:
    """Where a limit was decided."""
    hazard = "" if limit.hazard is None else f", against {limit.hazard}"
    return Label(limit.span, f"`{limit_text(limit)}` is decided here{hazard}")
