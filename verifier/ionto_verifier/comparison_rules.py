"""What stands written in two plans, line by line: limits, ranges, interruptions, course, equipment."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

from ionto_ir.course import DAY_MS, Course, Gate
from ionto_ir.dataclass import replace
from ionto_ir.limits import Limit
from ionto_ir.monitor import Monitor, MonitorAction
from ionto_ir.plan import BooleanDomain, IntegerDomain, Plan, Variable, VariableKind
from ionto_ir.wording import duration_text, limit_text, value_text
from ionto_verifier.aspects import Aspect, Change
from ionto_verifier.covering import covers
from ionto_verifier.windows import sessions_within

WINDOWS_MS = (DAY_MS, 7 * DAY_MS, 30 * DAY_MS, 365 * DAY_MS)
"""Windows in which the sessions of two courses are counted, besides those that a limit names."""

NOTHING = "nothing"


def rule_aspects(old: Plan, new: Plan) -> Iterator[Aspect]:
    """Every rule that can be compared as it stands."""
    yield from _limits(old, new)
    yield from _ranges(old, new)
    yield from _interruptions(old, new)
    yield from _monitors(old, new)
    yield from _courses(old, new)
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


# --- monitors ------------------------------------------------------------------------------------------


def _monitors(old: Plan, new: Plan) -> Iterator[Aspect]:
    """A monitor that is gone, or waits longer, no longer stops what it stopped."""
    for monitor in old.monitors:
        subject = f"monitor {monitor.text}"
        kept = [other for other in new.monitors if _looks_alike(monitor, other)]
        if not kept:
            warns = monitor.action is MonitorAction.WARN
            change = Change.OTHER if warns else Change.LOOSER
            yield Aspect(subject, change, monitor.action.value, NOTHING, "the new plan has no such monitor")
            continue
        soonest = min(other.persistence_ms for other in kept)
        before, after = (f"after {duration_text(time_ms)}" for time_ms in (monitor.persistence_ms, soonest))
        yield Aspect(subject, _smaller(soonest, monitor.persistence_ms), before, after)
    for monitor in new.monitors:
        if not any(_looks_alike(monitor, other) for other in old.monitors):
            yield Aspect(f"new monitor {monitor.text}", Change.STRICTER, NOTHING, monitor.action.value)


def _looks_alike(one: Monitor, other: Monitor) -> bool:
    mine = (one.action, one.condition, one.until)
    return mine == (other.action, other.condition, other.until)


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
    """Everything that has a range: an answer is yes or no, and is compared with whom it refuses."""
    return {
        item.name: replace(item, span=plan.span, text="", code=None)
        for item in plan.variables
        if not isinstance(item.domain, BooleanDomain)
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


# --- course --------------------------------------------------------------------------------------------


def _courses(old: Plan, new: Plan) -> Iterator[Aspect]:
    named = {limit.window_ms for limit in (*old.limits, *new.limits) if limit.window_ms is not None}
    for window_ms in sorted({*named, *WINDOWS_MS}):
        before, after = sessions_within(old.course, window_ms), sessions_within(new.course, window_ms)
        told = ["without bound" if count is None else f"at most {count}" for count in (before, after)]
        yield Aspect(f"sessions in any {duration_text(window_ms)}", _fewer(after, before), told[0], told[1])
    if old.course is not None and new.course is not None:
        before_stop, after_stop = old.course.stop_when, new.course.stop_when
        if before_stop != after_stop:
            change = Change.LOOSER if after_stop is None else Change.OTHER
            if before_stop is None:
                change = Change.STRICTER
            yield Aspect("end of the course", change, _there(before_stop), _there(after_stop))
        yield from _parts(old.course, new.course)


def _parts(old: Course, new: Course) -> Iterator[Aspect]:
    """What a count of sessions does not tell: rests, breaks, evaluations, phases, what is carried."""
    if old.rest_site_ms != new.rest_site_ms:
        change = Change.STRICTER if new.rest_site_ms > old.rest_site_ms else Change.LOOSER
        told = [duration_text(item.rest_site_ms) if item.rest_site_ms else NOTHING for item in (old, new)]
        yield Aspect("rest of a site", change, told[0], told[1])
    breaks = [item.gap_ms_max for item in (old, new)]
    if breaks[0] != breaks[1]:
        change = Change.LOOSER if _fewer(breaks[1], breaks[0]) is Change.LOOSER else Change.STRICTER
        told = [NOTHING if item is None else duration_text(item) for item in breaks]
        yield Aspect("longest break of the course", change, told[0], told[1])
    for subject, before, after in (
        ("evaluations of the course", _gates(old.gates), _gates(new.gates)),
        ("phases of the course", _phases(old), _phases(new)),
        ("what is carried from session to session", _memories(old), _memories(new)),
        ("days of the course", (old.weekdays, old.days), (new.weekdays, new.days)),
    ):
        if before != after:
            reason = "they differ, and which of them admits more is not worked out"
            yield Aspect(subject, Change.UNDECIDED, "otherwise", "otherwise", reason)


def _gates(gates: Iterable[Gate]) -> tuple[object, ...]:
    return tuple((gate.condition, gate.after) for gate in gates)


def _phases(course: Course) -> tuple[object, ...]:
    return tuple((phase.rhythm, phase.next_when, _gates(phase.gates)) for phase in course.phases)


def _memories(course: Course) -> tuple[object, ...]:
    return tuple(
        (memory.variable, memory.kind, memory.source, memory.first, memory.swap_when)
        for memory in course.memories
    )


def _fewer(new: int | None, old: int | None) -> Change:
    if new == old:
        return Change.SAME
    if new is None:
        return Change.LOOSER
    return Change.STRICTER if old is None or new < old else Change.LOOSER


def _there(condition: object) -> str:
    return NOTHING if condition is None else "a condition"


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
    (
        "electrodes",
        lambda plan: tuple((e.place.value, e.role.value, e.profile, e.site) for e in plan.electrodes),
    ),
    ("drugs", lambda plan: tuple((e.site, d.name, d.ion) for e in plan.electrodes for d in e.drugs)),
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
