"""Who may be treated under two plans: is there anybody whom the new one treats and the old one does not?

The old plan's refusals, requirements, cautions and exclusions are asked of the new plan's people, one after
the other. A question that only the old plan asks is answered both ways. Somebody who is found is presented to
both plans before it is said.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from fractions import Fraction

from ionto_ir.bind import Refusal
from ionto_ir.dataclass import dataclass
from ionto_ir.expression import Value
from ionto_ir.limits import Exclusion
from ionto_ir.ordinary import ordinary_values
from ionto_ir.plan import BooleanDomain, Plan, RuleKind, Variable, VariableKind
from ionto_ir.rehearse import rehearse
from ionto_ir.scenario import Scenario
from ionto_ir.wording import value_text
from ionto_verifier.aspects import Aspect, Change, Witness
from ionto_verifier.carried import carried_witness, speaks_of_memory
from ionto_verifier.comparison_ends import merged
from ionto_verifier.decision import Proved, Refuted
from ionto_verifier.encode import Encoding
from ionto_verifier.obligation import Formula, Obligation, conjunction, formula_variables, negation
from ionto_verifier.solve import decide

REFUSED = "refuses"


@dataclass(frozen=True, slots=True)
class _Asked:
    """A condition under which the old plan treats nobody (or asks for a reason)."""

    subject: str
    text: str
    holds_off: Formula


def people_aspects(old: Plan, new: Plan) -> Iterator[Aspect]:
    """For each condition of the old plan: does the new one keep it?"""
    both = merged(old, new)
    strangers = _strangers(old, new)
    if strangers:
        reason = f"`{strangers[0]}` is answered in one way by one plan and in another by the other"
        yield Aspect("who may be treated", Change.UNDECIDED, "", "", reason, about_values=True)
        return
    encoding = Encoding(both)
    for asked in (*_conditions(old, encoding), *_cautions(old, new, encoding)):
        yield _kept(old, new, encoding, asked)
    if tuple(_conditions_of(new)) != tuple(_conditions_of(old)):
        yield from _added(old, new)


def _strangers(old: Plan, new: Plan) -> list[str]:
    """Names that mean different kinds of values in the two plans."""
    kinds = {item.name: type(item.domain) for item in old.variables}
    return [
        item.name
        for item in new.variables
        if kinds.get(item.name, type(item.domain)) is not type(item.domain)
    ]


def _conditions(old: Plan, encoding: Encoding) -> Iterator[_Asked]:
    for rule in old.rules:
        if rule.kind is RuleKind.REFUSE:
            yield _Asked("refusal", rule.text, encoding.formula(rule.condition))
    for requirement in old.requirements:
        yield _Asked("requirement", requirement.text, negation(encoding.formula(requirement.condition)))
    for exclusion in old.exclusions:
        yield _Asked("exclusion", _exclusion_text(exclusion), encoding.formula(exclusion.condition))


def _exclusion_text(exclusion: Exclusion) -> str:
    return f"whom `{exclusion.envelope}` excludes"


def _cautions(old: Plan, new: Plan, encoding: Encoding) -> Iterator[_Asked]:
    raised = [encoding.formula(rule.condition) for rule in new.rules if rule.kind is RuleKind.CAUTION]
    calm = conjunction([negation(condition) for condition in raised])
    for rule in old.rules:
        if rule.kind is RuleKind.CAUTION:
            yield _Asked("caution", rule.text, conjunction((encoding.formula(rule.condition), calm)))


def _kept(old: Plan, new: Plan, encoding: Encoding, asked: _Asked) -> Aspect:
    """Whether nobody whom the new plan treats meets the condition."""
    environment = encoding.environment
    conclusion = negation(asked.holds_off)
    selection = environment.select(formula_variables(conclusion), environment.shared())
    obligation = Obligation(asked.text, asked.subject, selection.variables, selection.guards, conclusion)
    found = decide(obligation)
    subject = f"{asked.subject}: {asked.text}"
    match found:
        case Proved():
            return Aspect(subject, Change.SAME, "stands", "is kept")
        case Refuted(_, witness):
            return _shown(old, new, subject, asked.subject == "caution", witness)
        case _:
            return Aspect(
                subject, Change.UNDECIDED, "stands", "is not certain", found.reason, about_values=True
            )


def _shown(old: Plan, new: Plan, subject: str, only_caution: bool, found: Mapping[str, Fraction]) -> Aspect:
    """Present the witness to both plans: the new one must take it, the old one must object."""
    names = {item.name: item for item in (*old.variables, *new.variables)}
    remembers = speaks_of_memory(old, frozenset(found)) or speaks_of_memory(new, frozenset(found))
    given = {
        name: _value(names[name], value)
        for name, value in found.items()
        if name in names and names[name].kind is not VariableKind.MEMORY
    }
    answers = {name: value for name, value in given.items() if names[name].kind is VariableKind.ANSWER}
    for tried in (given, answers) if remembers else (given,):
        treated, before = _presented(new, tried), _presented(old, tried)
        objects = before.startswith(REFUSED) or (only_caution and "caution" in before)
        if objects and not treated.startswith(REFUSED):
            told = _unusual(old, new, tried, names)
            witness = Witness(tuple(sorted(tried.items())), told, before, treated)
            return Aspect(subject, Change.LOOSER, "stands", "is gone", None, witness, about_values=True)
    if remembers:
        return _over_sessions(old, new, subject)
    reason = "a person was found, but the machine does not treat them differently"
    return Aspect(subject, Change.UNDECIDED, "stands", "is not certain", reason, about_values=True)


def _unusual(
    old: Plan, new: Plan, given: Mapping[str, Value], names: Mapping[str, Variable]
) -> tuple[tuple[str, str], ...]:
    """What is not as in an ordinary session."""
    usual = ordinary_values(old, {}) | ordinary_values(new, {})
    return tuple(
        (name, value_text(names[name], given[name]))
        for name in sorted(given)
        if given[name] != usual.get(name)
    )


def _over_sessions(old: Plan, new: Plan, subject: str) -> Aspect:
    """What depends on earlier sessions is shown by sessions that can have been."""
    witness = carried_witness(old, new)
    if witness is None:
        reason = "a remembered value was found, but no course in which it comes about"
        return Aspect(subject, Change.UNDECIDED, "stands", "is not certain", reason, about_values=True)
    return Aspect(subject, Change.LOOSER, "stands", "is gone", None, witness, about_values=True)


def _presented(plan: Plan, given: Mapping[str, Value]) -> str:
    """What a plan says to a person."""
    here = {item.name for item in plan.variables if item.kind is not VariableKind.RECORD}
    values = ordinary_values(plan, {name: value for name, value in given.items() if name in here})
    outcome = rehearse(plan, Scenario("", tuple(values.items()), (), (), None))
    if isinstance(outcome, Refusal):
        return f"{REFUSED}: {outcome.diagnostics[0].message}" if outcome.diagnostics else REFUSED
    return "treats, with a caution" if outcome.cautions else "treats"


def _value(item: Variable, value: Fraction) -> Value:
    return bool(value) if isinstance(item.domain, BooleanDomain) else int(value)


def _conditions_of(plan: Plan) -> Iterator[object]:
    yield from ((rule.kind, rule.condition) for rule in plan.rules)
    yield from (requirement.condition for requirement in plan.requirements)
    yield from (exclusion.condition for exclusion in plan.exclusions)


def _added(old: Plan, new: Plan) -> Iterator[Aspect]:
    """Conditions that only the new plan has: it admits fewer, or asks for more."""
    known = set(_conditions_of(old))
    for rule in new.rules:
        if (rule.kind, rule.condition) not in known:
            yield Aspect(f"{rule.kind.value}: {rule.text}", Change.STRICTER, "nothing", "stands")
    for requirement in new.requirements:
        if requirement.condition not in known:
            yield Aspect(f"requirement: {requirement.text}", Change.STRICTER, "nothing", "stands")
    for exclusion in new.exclusions:
        if exclusion.condition not in known:
            yield Aspect(f"exclusion: {_exclusion_text(exclusion)}", Change.STRICTER, "nothing", "stands")
