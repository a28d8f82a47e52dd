"""Cases of the differential campaign: a plan drawn by its number, and what is to be limited in it.

The bounds are not drawn here: they are laid around what an adversary was seen to reach, so that half of them
are as tight as they can be.
"""

from __future__ import annotations

from collections.abc import Callable
from enum import Enum
from random import Random

from ionto_ir import expression as terms
from ionto_ir.course import DAY_MS, Memory, MemoryKind
from ionto_ir.dataclass import dataclass, replace
from ionto_ir.device import ALL, WHOLE, Place, Split
from ionto_ir.features import features_of
from ionto_ir.limits import Limit, LimitKind, Role
from ionto_ir.plan import (
    Branch,
    Channel,
    ChoiceDomain,
    Confirm,
    Course,
    ForTime,
    Hold,
    IntegerDomain,
    Plan,
    PropertyKind,
    Requirement,
    Reverse,
    Rule,
    RuleKind,
    Section,
    UserProperty,
    Variable,
    VariableKind,
)
from ionto_ir.wellformed import check
from tests.differential.drawing import ANSWER, Drawing, device
from tests.treatments import HERE, Treatment, electrode, finish, limit, plan_of

FAR_APART = Course(2, None, 2 * DAY_MS, (), None, None, HERE)
"""Sessions so far apart that no window of a campaign holds two of them."""

POLE, LASTING, AREA, LAST = "active.pole", "lasting", "active.area", "last"
GREATER = terms.Operator.GREATER


WIDE_FROM = 100_001
"""From this number on `Drawing` is wide. What was found among the numbers before keeps its number."""


class Family(Enum):
    """What kind of plan a case has, in the order in which they are drawn."""

    ONE = "one session"
    DEMAND = "doses on demand"
    MONITORED = "monitors"
    SPLIT = "electrodes that share, poles and areas of the day"
    CHANNELS = "several channels"
    COURSE = "a course of sessions"
    SMALL = "small enough to try everything"


SHARES = {
    Family.ONE: 34,
    Family.DEMAND: 14,
    Family.MONITORED: 10,
    Family.SPLIT: 12,
    Family.CHANNELS: 8,
    Family.COURSE: 12,
    Family.SMALL: 10,
}


@dataclass(frozen=True, slots=True)
class Case:
    """A plan whose limits still have the bound 0, except for those on ramps."""

    number: int
    family: Family
    plan: Plan


def drawn(number: int) -> Case:
    """The case of a number."""
    chance = Random(f"case {number}")
    family = chance.choices(list(SHARES), weights=list(SHARES.values()))[0]
    plan = _finished(_BUILDERS[family](chance, number >= WIDE_FROM), chance)
    problems = check(plan)
    assert problems == (), [item.message for item in problems]
    return Case(number, family, plan)


def _finished(plan: Plan, chance: Random) -> Plan:
    """The plan with what the campaign asks about it."""
    plan = replace(plan, limits=limits_of(plan, chance))
    if not plan.channels and chance.random() < 0.3:
        plan = replace(plan, properties=promises(chance))
    return replace(plan, requires=features_of(plan))


# --- families ---------------------------------------------------------------------------------------------


def _treated(chance: Random, wide: bool, **how: bool | int) -> Plan:
    bench = device(chance)
    treatment = Drawing(chance, bench.step_na, wide=wide).treatment(
        **{"doses": False, "watched": False, **how}
    )
    return guarded(plan_of(treatment, bench), chance)


def _one(chance: Random, wide: bool) -> Plan:
    plan = _treated(chance, wide, watched=chance.random() < 0.05)
    return replace(plan, course=FAR_APART) if chance.random() < 0.5 else plan


def _demand(chance: Random, wide: bool) -> Plan:
    return replace(_treated(chance, wide, doses=True, longest=1), course=FAR_APART)


def _monitored(chance: Random, wide: bool) -> Plan:
    return _treated(chance, wide, watched=True, doses=chance.random() < 0.1)


def _split(chance: Random, wide: bool) -> Plan:
    """Patches that share the current, poles that are chosen and areas that are measured on the day."""
    plan = _treated(chance, wide, doses=chance.random() < 0.1)
    active, back = plan.electrodes
    if chance.random() < 0.4:
        area = IntegerDomain(10**9, 10**9 * chance.randint(2, 4), None, None, "area", "cm2")
        item = Variable(AREA, VariableKind.GEOMETRY, area, "", False, None, HERE)
        plan = replace(plan, variables=(*plan.variables, item))
        active = replace(active, area_um2=terms.integer_reference(AREA))
    patches = (active,)
    if chance.random() < 0.7:
        low = chance.randint(10, 50) * 10_000
        shares = (Split(low, WHOLE - low), chance.choice((ALL, Split(low, WHOLE - low))))
        patches = (replace(active, split=shares[0]), replace(active, split=shares[1], site="leg"))
    plan = replace(plan, electrodes=(*patches, back))
    if chance.random() < 0.5:
        poles = ChoiceDomain(("cathode", "anode"))
        pole = Variable(POLE, VariableKind.PARAMETER, poles, "", False, None, HERE)
        plan = replace(plan, pole=POLE, variables=(*plan.variables, pole))
    return plan


def _channels(chance: Random, wide: bool) -> Plan:
    """Two treatments side by side, with a return in common or one each."""
    bench = replace(device(chance), channels=2)
    drawing = Drawing(chance, bench.step_na, people=False, wide=wide)
    one = drawing.treatment(doses=False, watched=False, longest=1)
    other = drawing.treatment(doses=False, watched=False, longest=1)
    parts = [plan_of(item, bench) for item in (one, _like(other, one))]
    shared = chance.random() < 0.6
    electrodes = [electrode(Place.ACTIVE, Role.CATHODE), electrode(Place.ACTIVE, Role.CATHODE)]
    electrodes += [electrode(Place.RETURN, Role.ANODE)] * (1 if shared else 2)
    channels = tuple(
        Channel(name, (number, 2 if shared else 2 + number), part.steps, part.counters, HERE)
        for number, (name, part) in enumerate(zip(("left", "right"), parts, strict=True))
    )
    gather = Confirm("all channels have come to their end", 1, Section.SESSION, HERE)
    return replace(
        parts[0],
        device=replace(bench, shared_return=shared and chance.random() < 0.5),
        steps=(gather, finish()),
        entry=0,
        counters=0,
        electrodes=tuple(electrodes),
        channels=channels,
    )


def _like(other: Treatment, one: Treatment) -> Treatment:
    """What is said once for all channels."""
    return replace(
        other,
        parameters=one.parameters,
        interruptions=one.interruptions,
        pause_ms=one.pause_ms,
        resume=one.resume,
        stop_na_s=one.stop_na_s,
    )


def _course(chance: Random, wide: bool) -> Plan:
    """Sessions minutes or days apart, whose values and polarity may be carried on."""
    plan = _treated(chance, wide, doses=chance.random() < 0.15, longest=1)
    gap_ms = chance.choice((chance.randint(1, 10) * 60_000, chance.randint(1, 60) * 3_600_000, 0))
    days = chance.choice((0, 0, 1, 2))
    rules = tuple((chance.randint(1, 3), chance.randint(1, 5)) for _ in range(chance.randint(0, 1)))
    if not (gap_ms or days or rules):
        gap_ms = 60_000
    most = chance.choice((None, None, 1, 2, 3, 6))
    weekdays = chance.choice(((), (), (0, 2, 4)))
    course = Course(days, None, gap_ms, rules, most, None, HERE, weekdays=weekdays)
    return _remembering(replace(plan, course=course), chance)


def _remembering(plan: Plan, chance: Random) -> Plan:
    course, memories, variables = plan.course, [], []
    assert course is not None, "it was just made"
    if chance.random() < 0.5:
        source = plan.variables[0]
        assert isinstance(source.domain, IntegerDomain), "it is the current"
        low = source.domain.lo
        domain = replace(source.domain, step=None, default=None)
        variables.append(Variable(LAST, VariableKind.MEMORY, domain, "", False, None, HERE))
        memories.append(Memory(LAST, MemoryKind.VALUE, source.name, low, None, HERE))
        most = terms.add(terms.integer_reference(LAST), terms.integer(chance.randint(1, 5) * 100_000))
        rise = terms.less_equal(terms.integer_reference(source.name), most)
        requirement = Requirement(rise, "no more than so much higher than the last time", HERE)
        plan = replace(plan, requirements=(*plan.requirements, requirement))
    if chance.random() < 0.3:
        name, domain_of_pole = "course.polarity", ChoiceDomain(("declared", "swapped"))
        variables.append(Variable(name, VariableKind.MEMORY, domain_of_pole, "", False, None, HERE))
        memories.append(Memory(name, MemoryKind.POLARITY, None, 0, terms.TRUE, HERE))
        plan = _turned(plan, terms.equal(terms.integer_reference(name), terms.integer(1)))
    return replace(
        plan,
        variables=(*plan.variables, *variables),
        course=replace(course, memories=tuple(memories)),
    )


def _turned(plan: Plan, condition: terms.Expression) -> Plan:
    """The plan with the polarity reversed before anything flows, where a condition holds."""
    fork = len(plan.steps)
    ahead = (
        Branch(condition, fork + 1, plan.entry, Section.SESSION, HERE),
        Reverse(plan.entry, Section.SESSION, HERE),
    )
    return replace(plan, steps=(*plan.steps, *ahead), entry=fork)


SMALL_MS = 12_000
"""How long the hold of a small case takes at most."""


def _small(chance: Random, wide: bool) -> Plan:
    """A session of some seconds with few values."""
    bench = replace(device(chance), tick_ms=500, watchdog_ms=1_500)
    drawing = Drawing(chance, bench.step_na, wide=wide)
    leg = drawing.leg()
    body = tuple(
        replace(part, amount=min(part.amount, SMALL_MS if part.kind == "time" else 15 * 10**9))
        if hasattr(part, "kind")
        else part
        for part in leg.body[:2]
    )
    treatment = drawing.treatment(doses=False, watched=False, longest=0)
    few = tuple(replace(item, hi=item.lo + item.step * chance.randint(1, 2)) for item in treatment.parameters)
    few = tuple(replace(item, default=item.lo) for item in few)
    leg = replace(leg, body=body)
    small = replace(treatment, parts=(leg,), parameters=few, interruptions=chance.randint(1, 2))
    return plan_of(small, bench)


_BUILDERS: dict[Family, Callable[[Random, bool], Plan]] = {
    Family.ONE: _one,
    Family.DEMAND: _demand,
    Family.MONITORED: _monitored,
    Family.SPLIT: _split,
    Family.CHANNELS: _channels,
    Family.COURSE: _course,
    Family.SMALL: _small,
}


# --- guards, promises, limits -----------------------------------------------------------------------------


def guarded(plan: Plan, chance: Random) -> Plan:
    """Some holds last as long as a parameter says, and some values are not admitted together."""
    timed = [
        index
        for index, step in enumerate(plan.steps)
        if isinstance(step, Hold) and isinstance(step.until, ForTime)
    ]
    conditions: list[terms.Expression] = []
    current = terms.integer_reference("current")
    if timed and chance.random() < 0.4:
        low = chance.randint(1, 5) * 1_000
        domain = IntegerDomain(low, low + chance.randint(1, 8) * 1_000, 500, low, "time", "s")
        item = Variable(LASTING, VariableKind.PARAMETER, domain, "", chance.random() < 0.3, None, HERE)
        steps = list(plan.steps)
        for index in timed:
            step = steps[index]
            assert isinstance(step, Hold), "they were picked out"
            steps[index] = replace(step, until=ForTime(terms.integer_reference(LASTING)))
        plan = replace(plan, steps=tuple(steps), variables=(*plan.variables, item))
        most = chance.randint(5, 30) * 10**9
        product = terms.multiply(current, terms.integer_reference(LASTING))
        conditions.append(terms.less_equal(product, terms.integer(most)))
    if chance.random() < 0.2:
        both = terms.add(current, terms.integer_reference("comfort"))
        conditions.append(terms.less_equal(both, terms.integer(chance.randint(10, 45) * 100_000)))
    if chance.random() < 0.2:
        low = terms.less_equal(current, terms.integer(chance.randint(5, 25) * 100_000))
        conditions.append(terms.disjunction(terms.negation(terms.boolean_reference(ANSWER)), low))
    requirements = tuple(
        Requirement(condition, f"condition {number}", HERE) for number, condition in enumerate(conditions)
    )
    rules: tuple[Rule, ...] = ()
    if chance.random() < 0.1:
        high = terms.compare(GREATER, current, terms.integer(chance.randint(5, 25) * 100_000))
        rules = (Rule(RuleKind.REFUSE, high, "too much for today", HERE),)
    return replace(plan, requirements=requirements, rules=rules)


def promises(chance: Random) -> tuple[UserProperty, ...]:
    """`prove` lines over what comes out, with numbers of the size that sessions reach."""
    current = terms.compare(
        GREATER, terms.integer_reference("output.current"), terms.integer(chance.randint(5, 40) * 100_000)
    )
    charge = terms.less_equal(
        terms.integer_reference("output.charge"), terms.integer(chance.randint(10, 120) * 10**9)
    )
    finished = chance.randint(10, 200) * 1_000
    every = (
        UserProperty(PropertyKind.NEVER, current, None, None, "never more current", HERE),
        UserProperty(PropertyKind.ALWAYS, charge, None, None, "never more charge", HERE),
        UserProperty(PropertyKind.FINISHED, None, None, finished, "finished in time", HERE),
    )
    return tuple(item for item in every if chance.random() < 0.6)


ROLES = (None, None, Role.ANODE, Role.CATHODE)


def limits_of(plan: Plan, chance: Random) -> tuple[Limit, ...]:
    """What is limited: the bounds are 0, except for those on ramps and on sessions."""
    role = chance.choice(ROLES)
    nominal = chance.random() < 0.4
    kinds = [
        limit(LimitKind.CURRENT, 0, "mA", nominal=nominal),
        limit(LimitKind.CURRENT, 0, "mA", role=chance.choice((Role.ANODE, Role.CATHODE))),
        limit(LimitKind.DENSITY, 0, "mA/cm2", role=role),
        limit(LimitKind.DOSE, 0, "mA.min", nominal=nominal),
        limit(LimitKind.DOSE, 0, "mA.min", nominal=not nominal, role=role),
        limit(LimitKind.CHARGE_DENSITY, 0, "mC/cm2", role=role),
        limit(LimitKind.DURATION, 0, "s"),
        limit(LimitKind.STOP_TIME, 0, "s"),
        limit(LimitKind.MEAN_DENSITY, 0, "mA/cm2", role=role),
        limit(LimitKind.PULSE_CHARGE, 0, "uC", nominal=nominal),
        replace(limit(LimitKind.DURATION, 0, "s"), apart=True),
    ]
    if plan.channels:
        kinds = [item for item in kinds if not item.apart and item.kind is not LimitKind.STOP_TIME]
    chosen = [item for item in kinds if chance.random() < 0.3] or [kinds[3]]
    if plan.course is not None and not plan.channels:
        chosen += _windowed(plan.course, chance)
    chosen = [
        replace(item, soft=True, needs="physician") if chance.random() < 0.08 else item for item in chosen
    ]
    ramp = chance.randint(500, 1_000) * 1000 if chance.random() < 0.08 else 1_000_000
    free = limit(LimitKind.CURRENT, plan.device.current_na_max, "mA", nominal=True)
    return tuple(dict.fromkeys((free, limit(LimitKind.RAMP, ramp, "mA/s"), *chosen)))


def _windowed(course: Course, chance: Random) -> list[Limit]:
    """Limits in windows: shorter than a session, or over several."""
    found = []
    for _ in range(chance.randint(1, 2)):
        window_ms = chance.randint(1, 120) * 500
        if course is not FAR_APART and chance.random() < 0.8:
            window_ms = chance.choice((5 * 60_000, 3_600_000, DAY_MS, 2 * DAY_MS, 7 * DAY_MS))
        kind = chance.choice((LimitKind.DOSE, LimitKind.DOSE, LimitKind.CHARGE_DENSITY))
        nominal = chance.random() < 0.4
        unit = "mA.min" if kind is LimitKind.DOSE else "mC/cm2"
        found.append(limit(kind, 0, unit, window_ms=window_ms, nominal=nominal))
    if course is not FAR_APART and chance.random() < 0.5:
        window_ms = chance.choice((3_600_000, DAY_MS, 2 * DAY_MS, 7 * DAY_MS))
        found.append(limit(LimitKind.SESSIONS, 0, "", window_ms=window_ms))
    return found
