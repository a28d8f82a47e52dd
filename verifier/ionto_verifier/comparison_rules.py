"""What stands written in two plans, line by line: limits, ranges, interruptions, course, equipment."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

from ionto_ir.dataclass import replace
from ionto_ir.device import Drug
from ionto_ir.limits import Limit
from ionto_ir.plan import (
    BooleanDomain,
    Classify,
    Confirm,
    Finish,
    Instruct,
    IntegerDomain,
    Plan,
    Ramp,
    Record,
    Reverse,
    Variable,
    VariableKind,
)
from ionto_ir.wording import duration_text, limit_text, value_text
from ionto_verifier.aspects import Aspect, Change
from ionto_verifier.comparison_course import course_aspects
from ionto_verifier.comparison_monitors import monitor_aspects
from ionto_verifier.covering import covers

NOTHING = "nothing"


def rule_aspects(old: Plan, new: Plan) -> Iterator[Aspect]:
    """Every rule that can be compared as it stands."""
    yield from _limits(old, new)
    yield from _ranges(old, new)
    yield from _interruptions(old, new)
    yield from monitor_aspects(old, new)
    yield from course_aspects(old, new)
    yield from _equipment(old, new)


# --- limits --------------------------------------------------------------------------------------------


def _limits(old: Plan, new: Plan) -> Iterator[Aspect]:
    for limit in old.limits:
        bound = _tightest(limit, new.limits)
        subject = f"limit {limit_text(limit)}" if not limit.soft else f"soft limit {limit_text(limit)}"
        if bound is None:
            yield Aspect(subject, Change.LOOSER, limit_text(limit), NOTHING, "the new plan has no such limit")
        else:
            change = _smaller(bound.bound, limit.bound)
            yield Aspect(subject, change, limit_text(limit), limit_text(bound))
    for limit in new.limits:
        if _tightest(limit, old.limits) is None:
            yield Aspect(f"limit {limit_text(limit)}", Change.STRICTER, NOTHING, limit_text(limit))


def _tightest(limit: Limit, among: Iterable[Limit]) -> Limit | None:
    """The limit that holds at least wherever this one does, with the smallest bound."""
    found = [other for other in among if covers(other, limit)]
    return min(found, key=lambda item: item.bound, default=None)


def _smaller(new: int, old: int) -> Change:
    if new == old:
        return Change.SAME
    return Change.STRICTER if new < old else Change.LOOSER


# --- ranges --------------------------------------------------------------------------------------------


def _ranges(old: Plan, new: Plan) -> Iterator[Aspect]:
    former, latter = _parameters(old), _parameters(new)
    for name in dict.fromkeys((*former, *latter)):
        before, after = former.get(name), latter.get(name)
        if before is None or after is None:
            change = Change.OTHER
        elif before == after:
            continue
        else:
            change = _widened(before, after)
        told = [NOTHING if item is None else _range_text(item) for item in (before, after)]
        yield Aspect(f"{_noun(before or after)} {name}", change, told[0], told[1], about_values=True)


def _parameters(plan: Plan) -> dict[str, Variable]:
    """Everything that is chosen or measured: an answer is yes or no, and is compared with whom it refuses."""
    return {
        item.name: replace(item, span=plan.span, text="", code=None)
        for item in plan.variables
        if not isinstance(item.domain, BooleanDomain) and item.kind is not VariableKind.MEMORY
    }


def _noun(item: Variable | None) -> str:
    return "value" if item is None else NOUNS[item.kind]


NOUNS = {
    VariableKind.PARAMETER: "parameter",
    VariableKind.ANSWER: "answer",
    VariableKind.GEOMETRY: "area",
    VariableKind.RECORD: "recorded",
}


def _widened(old: Variable, new: Variable) -> Change:
    freed = new.adjustable and not old.adjustable
    if not (isinstance(old.domain, IntegerDomain) and isinstance(new.domain, IntegerDomain)):
        same = old.domain == new.domain
        return Change.LOOSER if freed else Change.SAME if same else Change.OTHER
    wider = new.domain.lo < old.domain.lo or new.domain.hi > old.domain.hi
    if wider or freed:
        return Change.LOOSER
    narrower = new.domain.lo > old.domain.lo or new.domain.hi < old.domain.hi
    if narrower or (old.adjustable and not new.adjustable):
        return Change.STRICTER
    return Change.SAME if (old.domain.step, old.domain.default) == _fine(new.domain) else Change.OTHER


def _fine(domain: IntegerDomain) -> tuple[int | None, int | None]:
    return domain.step, domain.default


def _range_text(item: Variable) -> str:
    if not isinstance(item.domain, IntegerDomain):
        return "a choice"
    low, high = value_text(item, item.domain.lo), value_text(item, item.domain.hi)
    return f"{low} .. {high}" + (", adjustable" if item.adjustable else "")


# --- interruptions and slews ---------------------------------------------------------------------------


def _interruptions(old: Plan, new: Plan) -> Iterator[Aspect]:
    before, after = old.interruptions, new.interruptions
    counts = (before.count_max if before.resume else 0, after.count_max if after.resume else 0)
    told = [f"at most {count}" for count in counts]
    yield Aspect("interruptions", _smaller(counts[1], counts[0]), told[0], told[1])
    if all(counts):
        lengths = [f"at most {duration_text(rules.each_ms_max)}" for rules in (before, after)]
        change = _smaller(after.each_ms_max, before.each_ms_max)
        yield Aspect("length of a pause", change, lengths[0], lengths[1])


# --- equipment -----------------------------------------------------------------------------------------

_EQUIPMENT: tuple[tuple[str, Callable[[Plan], object]], ...] = (
    ("device", lambda plan: plan.device.name),
    ("accuracy of the device", lambda plan: (plan.device.accuracy_ppm, plan.device.accuracy_offset_na)),
    ("compliance voltage", lambda plan: plan.device.compliance_mv),
    ("watchdog", lambda plan: plan.device.watchdog_ms),
    ("tick", lambda plan: plan.device.tick_ms),
    ("stop slew", lambda plan: plan.stop_slew_na_s),
    ("resume slew", lambda plan: plan.resume_slew_na_s),
    ("assumed impedance", lambda plan: tuple(_impedance(plan))),
    ("saturation", lambda plan: "may saturate" if plan.may_saturate else "drives the current"),
    (
        "electrodes",
        lambda plan: tuple((e.place.value, e.role.value, e.profile, e.site) for e in plan.electrodes),
    ),
    ("drugs", lambda plan: tuple(_drug(e.site, d) for e in plan.electrodes for d in e.drugs)),
    ("polarity", lambda plan: tuple(_polarity(plan))),
    ("what people confirm", lambda plan: tuple(sorted(_said(plan, Confirm)))),
    ("what people are told", lambda plan: tuple(sorted(_said(plan, Instruct)))),
    (
        "what is recorded",
        lambda plan: tuple(sorted({s.variable for s in plan.steps if isinstance(s, Record)})),
    ),
    ("what results mean", lambda plan: tuple(_meanings(plan))),
)


def _impedance(plan: Plan) -> Iterator[tuple[int, int]]:
    for envelope in plan.envelopes:
        if envelope.impedance is not None:
            yield envelope.impedance.ohm_min, envelope.impedance.ohm_max


def _equipment(old: Plan, new: Plan) -> Iterator[Aspect]:
    for subject, fact in _EQUIPMENT:
        before, after = fact(old), fact(new)
        if before != after:
            yield Aspect(subject, Change.OTHER, _plain(before), _plain(after))


def _plain(fact: object) -> str:
    if isinstance(fact, tuple):
        return ", ".join(_plain(item) for item in fact) or NOTHING
    return str(fact)


def _drug(site: str, drug: Drug) -> tuple[object, ...]:
    return site, drug.name, drug.ion, drug.molar_mass_mg_mol, drug.concentration_ug_l, drug.transport_ppm


def _polarity(plan: Plan) -> Iterator[str]:
    """The order in which the poles are used, as far as the steps say it."""
    for step in plan.steps:
        if isinstance(step, Reverse):
            yield "reversed"
        elif isinstance(step, Ramp) and step.reversed:
            yield "against the declared polarity"


def _said(plan: Plan, kind: type[Confirm | Instruct]) -> Iterator[str]:
    yield from (step.text for step in plan.steps if isinstance(step, kind))


def _meanings(plan: Plan) -> Iterator[object]:
    for step in plan.steps:
        if isinstance(step, Classify):
            rows = ((row.lo, row.lo_included, row.hi, row.hi_included, row.meaning) for row in step.rows)
            yield (step.variable, *rows)
        elif isinstance(step, Finish) and not step.completed:
            yield step.reason
