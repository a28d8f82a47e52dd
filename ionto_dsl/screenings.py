"""Screening: the questions of a protocol, who is refused and who is treated with caution, and whom envelopes
exclude.
"""

from __future__ import annotations

from collections.abc import Iterator

from ionto_dsl import surface
from ionto_dsl.limits_of import TypedEnvelope
from ionto_dsl.needs import references_in
from ionto_dsl.operands import condition
from ionto_dsl.resolve import Module
from ionto_dsl.scope import Entry, Origin, Scope
from ionto_dsl.settings import only, remark_hazard, remark_sources, remark_text
from ionto_dsl.suggest import nearest
from ionto_dsl.variables_of import declare_values
from ionto_dsl.wording import written
from ionto_ir.dataclass import dataclass
from ionto_ir.diagnostic import Diagnostic, Label, error
from ionto_ir.expression import Expression, negation, references
from ionto_ir.limits import Exclusion
from ionto_ir.plan import Requirement, Rule, RuleKind, Variable
from ionto_ir.source import Span


@dataclass(frozen=True, slots=True)
class Screening:
    """The questions of a list, its rules, and the names that its own rules use."""

    variables: tuple[Variable, ...]
    rules: tuple[Rule, ...]
    scope: Scope


def screening_of(declaration: surface.Screening, module: Module, found: list[Diagnostic]) -> Screening:
    """A screening list, read in its own names: its rules speak of its own questions."""
    scope = Scope(found, {name: symbol.bound_at for name, symbol in module.names.items()})
    items = declaration.items
    only([("`title`", item.span) for item in items if isinstance(item, surface.Title)], found)
    variables = declare_values(items, scope)
    rules = [
        rule
        for item in items
        if isinstance(item, surface.Rule) and (rule := rule_of(item, scope)) is not None
    ]
    return Screening(tuple(variables), tuple(rules), scope)


def adopt(screening: Screening, declaration: surface.Screening, scope: Scope) -> tuple[Variable, ...]:
    """Let the questions of a list be known in a protocol; those whose name is taken are reported and left
    out.
    """
    adopted = []
    variables = {variable.name: variable for variable in screening.variables}
    for item in declaration.items:
        if not isinstance(item, surface.Variable):
            continue
        entry = screening.scope.entries.get(item.name.text)
        if entry is None or entry.span != item.name.span:
            continue
        if scope.declare(item.name, Origin.ANSWER, entry.value) and item.name.text in variables:
            adopted.append(variables[item.name.text])
    scope.extents.update(screening.scope.extents)
    scope.used |= screening.scope.used & scope.entries.keys()
    return tuple(adopted)


def rule_of(item: surface.Rule, scope: Scope) -> Rule | None:
    """A refusal or a caution; None after an error."""
    holds = known_before(item.condition, scope, f"`{item.verdict} when`")
    what = "this refusal" if item.verdict == "refuse" else "this caution"
    text = _reason(item.remarks, what, item.span, scope)
    if holds is None or text is None:
        return None
    return Rule(RuleKind(item.verdict), holds, text, item.span)


def requirement_of(item: surface.Require, scope: Scope) -> Requirement | None:
    """A condition that is checked at the start and on every adjustment; None after an error."""
    if item.finish is not None:
        message = "`else finish` belongs to a `require` among the steps"
        advice = "move it to where the value is known, or leave out `else finish`"
        scope.found.append(error("I0410", message, item.finish.span, "nothing to finish here", help=advice))
    holds = known_before(item.condition, scope, "`require`")
    text = _reason(item.remarks, "this requirement", item.span, scope)
    if holds is None or text is None:
        return None
    return Requirement(holds, text, item.span)


def _reason(remarks: surface.Remarks, what: str, span: Span, scope: Scope) -> str | None:
    text = remark_text(remarks)
    if text is None:
        advice = "add it in quotes: it is what people read when it strikes"
        scope.found.append(error("I0401", f"{what} has no reason", span, "missing", help=advice))
    return text


def known_before(expression: surface.Expression, scope: Scope, place: str) -> Expression | None:
    """A condition on values that are known before anything flows; None after an error."""
    holds = condition(expression, scope)
    if holds is None:
        return None
    records = sorted(
        name
        for name in references(holds)
        if name in scope.entries and scope.entries[name].origin is Origin.RECORD
    )
    if not records:
        return holds
    entry = scope.entries[records[0]]
    scope.found.append(
        error(
            "I0410",
            f"{place} is decided before the session, and `{records[0]}` is recorded during or after it",
            expression.span,
            "not known yet",
            labels=(Label(entry.span, "recorded here"),),
            help="to end a session on a recorded value, write `require ... else finish` after it is recorded",
        )
    )
    return None


def exclusions_of(typed: TypedEnvelope, used_at: Span, scope: Scope) -> Iterator[Exclusion]:
    """Whom an envelope excludes, in the names of the protocol that uses it: also those for whom it is not
    meant.
    """
    lines: tuple[surface.Exclude | surface.MeantFor, ...] = (*typed.excludes, *typed.meant_for)
    for item in lines:
        meant = isinstance(item, surface.MeantFor)
        for part in item.conditions:
            if not _all_asked(part, typed.envelope.name, meant, used_at, scope):
                continue
            holds = known_before(part, scope, "whom an envelope is meant for" if meant else "an exclusion")
            if holds is not None:
                yield Exclusion(
                    negation(holds) if meant else holds,
                    remark_hazard(item.remarks),
                    remark_sources(item.remarks),
                    typed.envelope.name,
                    part.span,
                    written(part) if meant else None,
                )


def _all_asked(part: surface.Expression, envelope: str, meant: bool, used_at: Span, scope: Scope) -> bool:
    complete = True
    for reference in references_in(part):
        name = reference.dotted
        if name in scope.entries:
            continue
        complete = False
        near = nearest(name, [known for known, entry in scope.entries.items() if _is_answer(entry)])
        ask = (
            f"`ask {name}: yes/no` and `refuse when {name}`"
            if written(part) == name
            else f"`ask {name}: ...`"
        )
        scope.found.append(
            error(
                "I0210",
                f"the envelope `{envelope}` says by `{name}` for whom it is meant, and nobody asks for it"
                if meant
                else f"the envelope `{envelope}` excludes on `{name}`, and nobody asks for it",
                used_at,
                f"`{name}` is not a question of this protocol",
                labels=(Label(reference.span, "meant for these" if meant else "excluded here"),),
                help=f"use a screening list that asks it, or write {ask}"
                + ("" if near is None else f" (there is `{near}`)"),
            )
        )
    return complete


def _is_answer(entry: Entry) -> bool:
    return entry.origin is Origin.ANSWER
