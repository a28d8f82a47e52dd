"""What ends a course beside its calendar: a condition on what was recorded, and evaluations."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from ionto_ir import expression as terms
from ionto_ir.course import Course, Gate
from ionto_ir.dataclass import replace
from ionto_ir.expression import Expression, Value, evaluate, references
from ionto_ir.plan import BooleanDomain, Plan
from ionto_ir.wording import value_text
from ionto_verifier.aspects import Aspect, Change, Witness
from ionto_verifier.decision import Proved, Refuted
from ionto_verifier.encode import Encoding
from ionto_verifier.obligation import Obligation, formula_variables
from ionto_verifier.solve import decide

NOTHING = "nothing"


def merged(old: Plan, new: Plan) -> Plan:
    """The new plan, with whatever only the old one asks or records."""
    names = {item.name for item in new.variables}
    return replace(new, variables=(*new.variables, *(v for v in old.variables if v.name not in names)))


def same_condition(old: Plan, new: Plan, one: Expression | None, other: Expression | None) -> bool:
    """Whether two conditions are proved to say the same; None is no condition."""
    if one is None or other is None:
        return one is other
    both = _Both(old, new)
    return one == other or (
        isinstance(both.implies(one, other), Proved) and isinstance(both.implies(other, one), Proved)
    )


class _Both:
    """Two plans whose conditions are asked about together, over every value."""

    def __init__(self, old: Plan, new: Plan) -> None:
        self.plan = replace(merged(old, new), requirements=(), rules=())
        self.encoding = Encoding(self.plan)

    def implies(self, one: Expression, other: Expression) -> object:
        """The decision whether `other` holds wherever `one` does."""
        formula = self.encoding.formula(terms.disjunction(_denied(one), other))
        selection = self.encoding.environment.select(formula_variables(formula))
        return decide(Obligation("implies", "implies", selection.variables, selection.guards, formula))


def _denied(condition: Expression) -> Expression:
    return terms.FALSE if condition == terms.TRUE else terms.negation(condition)


def end_aspects(old: Plan, new: Plan, before: Course, after: Course) -> Iterator[Aspect]:
    """Whether the new course ends whenever the old one does."""
    if before.stop_when is not None:
        yield _end(old, new, before.stop_when, after.stop_when)
    elif after.stop_when is not None:
        yield Aspect("end of the course", Change.STRICTER, NOTHING, "a condition")
    yield from _gates(old, new, "", before.gates, after.gates)
    if len(before.phases) == len(after.phases):
        for one, other in zip(before.phases, after.phases, strict=True):
            yield from _gates(old, new, f" in `{one.name}`", one.gates, other.gates)
    elif any(phase.gates for phase in before.phases):
        reason = "the phases differ in number, so their evaluations cannot be set beside each other"
        yield Aspect("evaluations", Change.UNDECIDED, "some", "some", reason)


def _end(old: Plan, new: Plan, before: Expression, after: Expression | None) -> Aspect:
    subject, told = "end of the course", ("a condition", NOTHING if after is None else "a condition")
    found = _Both(old, new).implies(before, terms.FALSE if after is None else after)
    match found:
        case Proved():
            same = after is not None and same_condition(old, new, before, after)
            return Aspect(subject, Change.SAME if same else Change.STRICTER, *told)
        case Refuted(_, witness):
            values = _values(old, new, witness, before, after)
            over, goes_on = (
                evaluate(before, values) is True,
                after is None or evaluate(after, values) is not True,
            )
            if over and goes_on:
                shown = _witness(old, new, values, "the course is over", "the course goes on")
                return Aspect(subject, Change.LOOSER, *told, None, shown)
    return Aspect(subject, Change.UNDECIDED, *told, "it is not certain that the new course ends as early")


def _gates(
    old: Plan, new: Plan, where: str, before: Iterable[Gate], after: Iterable[Gate]
) -> Iterator[Aspect]:
    """Each old evaluation is kept by those that the new course has before the same session."""
    former, latter = tuple(before), tuple(after)
    for gate in former:
        asked = terms.conjunction(*(other.condition for other in latter if other.after == gate.after))
        subject = f"evaluation “{gate.reason}”{where}"
        told = ("a condition", NOTHING if asked == terms.TRUE else "a condition")
        found = _Both(old, new).implies(asked, gate.condition)
        if isinstance(found, Proved):
            change = Change.SAME if same_condition(old, new, gate.condition, asked) else Change.STRICTER
            yield Aspect(subject, change, *told)
            continue
        if isinstance(found, Refuted):
            values = _values(old, new, found.witness, gate.condition, asked)
            if evaluate(gate.condition, values) is False and evaluate(asked, values) is True:
                shown = _witness(old, new, values, f"ends the course: {gate.reason}", "goes on")
                yield Aspect(subject, Change.LOOSER, *told, None, shown)
                continue
        yield Aspect(subject, Change.UNDECIDED, *told, "it is not certain that nobody else passes")
    places = {gate.after for gate in former}
    for gate in latter:
        if gate.after not in places:
            yield Aspect(f"evaluation “{gate.reason}”{where}", Change.STRICTER, NOTHING, "a condition")


def _values(
    old: Plan, new: Plan, witness: Mapping[str, object], *conditions: Expression | None
) -> dict[str, Value]:
    """Values of what conditions speak of: the witness's, and the least of what it leaves open."""
    names = {name for item in conditions if item is not None for name in references(item)}
    found: dict[str, Value] = {}
    for item in merged(old, new).variables:
        if item.name in names:
            least = 0 if isinstance(item.domain, BooleanDomain) else getattr(item.domain, "lo", 0)
            value = int(str(witness.get(item.name, least)))
            found[item.name] = bool(value) if isinstance(item.domain, BooleanDomain) else value
    return found


def _witness(old: Plan, new: Plan, values: Mapping[str, Value], before: str, after: str) -> Witness:
    named = {item.name: item for item in merged(old, new).variables}
    told = tuple((name, value_text(named[name], value)) for name, value in sorted(values.items()))
    return Witness(tuple(sorted(values.items())), told, before, after)
