"""Limits on what adds up: charge per session and in moving windows, and the duration of a session.

The worst moment of a session is after some step, with every allowed pause where it costs most, and a stop
from the level reached there. The interlock keeps room for that stop and for a lost link, so the proof does
too: then no admitted session is ever ended by the interlock.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from ionto_ir.limits import Limit, LimitKind
from ionto_verifier.charge import Emission
from ionto_verifier.decision import Unknown
from ionto_verifier.inquiry import NOWHERE, Inquiry, Place
from ionto_verifier.instant import accuracy, limit_claim
from ionto_verifier.ledger import PauseCost, dearest
from ionto_verifier.motion import Motion
from ionto_verifier.obligation import FALSE, Guard
from ionto_verifier.paths import Visit
from ionto_verifier.properties import Asked, Claim, Property, Provocation, Question
from ionto_verifier.term import ZERO, Polynomial, constant, substitute
from ionto_verifier.term import variable as variable_term
from ionto_verifier.windows import DAY_MS, sessions_within

SOME_TIME_MS = 365 * DAY_MS
"""Stands for the length of a session in which a person is waited for between two energised steps."""


def sum_claims(inquiry: Inquiry) -> Iterator[Asked]:
    """The claims of every limit on what adds up."""
    for index, limit in enumerate(inquiry.plan.limits):
        name = f"limits[{index}]"
        match limit.kind:
            case LimitKind.DOSE:
                yield _dose(inquiry, limit, name)
            case LimitKind.SESSIONS:
                yield _sessions(inquiry, limit, name)
            case LimitKind.DURATION:
                yield _duration(inquiry, limit, name)
            case _:
                pass


# --- charge -----------------------------------------------------------------------------------------------


def _dose(inquiry: Inquiry, limit: Limit, name: str) -> Asked:
    facts = (*accuracy(inquiry, limit), "stop slew", "watchdog", "tick")
    claim = limit_claim(limit, name, Property.DOSE, facts)
    sessions = 1
    if limit.window_ms is not None:
        counted = sessions_within(inquiry.plan.course, limit.window_ms + longest_ms(inquiry))
        if counted is None:
            return Asked(claim, (_unbounded(inquiry, claim),))
        sessions = counted
    questions = []
    for visit, motion in worst_moments(inquiry):
        for value, place in _charges(inquiry, limit, visit, motion):
            questions.append(inquiry.never_above(claim, value * sessions, limit.bound, place))
    return Asked(claim, tuple(questions))


def _unbounded(inquiry: Inquiry, claim: Claim) -> Question:
    """Nothing says how far apart sessions are: any number of them may fall into one window."""
    return inquiry.question(claim, FALSE, NOWHERE)


def _charges(
    inquiry: Inquiry, limit: Limit, visit: Visit, motion: Motion
) -> Iterator[tuple[Polynomial, Place]]:
    """What a session may have delivered when it is stopped at this step, once for each kind of worst pause."""
    ledger = visit.after
    braking = motion.braking_nominal_pc if limit.nominal else motion.braking_pc
    base = _charge(inquiry, limit, Emission(ledger.nominal_pc, ledger.on_ms)) + braking

    def cost_of(cost: PauseCost) -> Polynomial:
        return _charge(inquiry, limit, Emission(cost.nominal_pc, cost.on_ms))

    yield from _with_pauses(inquiry, visit, base, ((cost_of(cost), cost.step) for cost in ledger.pauses))


def _charge(inquiry: Inquiry, limit: Limit, emission: Emission) -> Polynomial:
    return emission.nominal_pc if limit.nominal else inquiry.arithmetic.worst_charge(emission)


def _with_pauses(
    inquiry: Inquiry, visit: Visit, base: Polynomial, costs: Iterable[tuple[Polynomial, int]]
) -> Iterator[tuple[Polynomial, Place]]:
    most = pauses_of(inquiry)
    worst = dearest(costs, inquiry.environment) if most else ()
    elapsed = visit.after.elapsed_ms
    if not worst:
        yield base, Place(visit.step, visit.path, Provocation.STOP, None, elapsed)
    for cost, step in worst:
        how = Provocation.STOP if cost == ZERO else Provocation.PAUSES
        yield base + cost * most, Place(visit.step, visit.path, how, step, elapsed)


def worst_moments(inquiry: Inquiry) -> tuple[tuple[Visit, Motion], ...]:
    """The steps after which a session may be at its worst: for each way of braking the last one on every
    path.

    What a session has delivered only grows; so a moment counts for nothing if one just like it comes later
    and is reached whenever it is.
    """
    later: dict[tuple[Polynomial, Polynomial], list[frozenset[Guard]]] = {}
    kept = []
    for visit, motion in reversed(tuple(inquiry.moving())):
        key = _unnumbered(inquiry, motion.braking_pc), _unnumbered(inquiry, motion.braking_ms)
        path = frozenset(visit.path)
        if any(other <= path for other in later.get(key, ())):
            continue
        later.setdefault(key, []).append(path)
        kept.append((visit, motion))
    return tuple(reversed(kept))


def _unnumbered(inquiry: Inquiry, term: Polynomial) -> Polynomial:
    """The term with the adjustable's own name for its value at a step: two such values range alike."""
    copies = inquiry.environment.copies
    names = {name: variable_term(copies[name]) for name in _names(term) if name in copies}
    return substitute(term, names) if names else term


def _names(term: Polynomial) -> Iterator[str]:
    return (name for monomial, _ in term.terms for name, _ in monomial)


# --- time ---------------------------------------------------------------------------------------------------


def _duration(inquiry: Inquiry, limit: Limit, name: str) -> Asked:
    claim = limit_claim(limit, name, Property.DURATION, ("stop slew", "tick"))
    questions = []
    for visit, motion in worst_moments(inquiry):
        if visit.before.humans:
            questions.append(_waits_for_person(inquiry, claim, visit))
        for value, place in times_at(inquiry, visit, visit.after.elapsed_ms + motion.braking_ms):
            questions.append(inquiry.never_above(claim, value, limit.bound, place))
    return Asked(claim, tuple(questions))


def _waits_for_person(inquiry: Inquiry, claim: Claim, visit: Visit) -> Question:
    step = inquiry.plan.steps[visit.before.humans[0]]
    reason = (
        f"line {step.span.line} waits for a person between two energised steps, "
        "and nothing bounds how long a person takes"
    )
    place = Place(visit.before.humans[0], visit.path)
    return inquiry.question(claim, FALSE, place, decided=Unknown(reason))


def times_at(inquiry: Inquiry, visit: Visit, base_ms: Polynomial) -> Iterator[tuple[Polynomial, Place]]:
    """How long a session may have lasted at a moment, pauses included."""
    costs = ((cost.elapsed_ms, cost.step) for cost in visit.after.pauses)
    yield from _with_pauses(inquiry, visit, base_ms, costs)


def nominal_at(inquiry: Inquiry, visit: Visit) -> Polynomial:
    """The set charge, pC, that a session may have delivered once it was paused, and stopped in this step."""
    costs = [cost.nominal_pc for cost in visit.after.pauses]
    braking = ZERO if visit.motion is None else visit.motion.braking_nominal_pc
    paused = inquiry.environment.largest((*costs, ZERO), "dearest pause") * pauses_of(inquiry)
    return visit.after.nominal_pc + paused + braking


def elapsed_at(inquiry: Inquiry, visit: Visit) -> Polynomial:
    """The time, ms, that a session may have lasted once it was paused, and stopped in this step."""
    if visit.after.humans:
        return constant(SOME_TIME_MS)
    costs = [cost.elapsed_ms for cost in visit.after.pauses]
    braking = ZERO if visit.motion is None else visit.motion.braking_ms + inquiry.arithmetic.tick_ms
    paused = inquiry.environment.largest((*costs, ZERO), "slowest pause") * pauses_of(inquiry)
    return visit.after.elapsed_ms + paused + braking


def pauses_of(inquiry: Inquiry) -> int:
    """How many pauses there may be that the session goes on after."""
    rules = inquiry.plan.interruptions
    return rules.count_max if rules.resume else 0


def longest_ms(inquiry: Inquiry) -> int:
    """How long a session can last at most, ms: what intervals say, or the duration limit that is proved
    beside it.
    """
    found = 0
    if any(visit.before.humans for visit, _ in inquiry.moving()):
        found = SOME_TIME_MS
    for visit, motion in worst_moments(inquiry):
        for value, _ in times_at(inquiry, visit, visit.after.elapsed_ms + motion.braking_ms):
            found = max(found, int(inquiry.environment.bounds(value)[1]) + 1)
    limits = [
        limit.bound for limit in inquiry.plan.limits if limit.kind is LimitKind.DURATION and not limit.soft
    ]
    return min([found, *limits])


def _sessions(inquiry: Inquiry, limit: Limit, name: str) -> Asked:
    claim = limit_claim(limit, name, Property.SESSIONS, ("course",))
    assert limit.window_ms is not None, "a limit of sessions has a window"
    counted = sessions_within(inquiry.plan.course, limit.window_ms)
    if counted is None:
        return Asked(claim, (_unbounded(inquiry, claim),))
    return Asked(claim, (inquiry.never_above(claim, constant(counted), limit.bound, NOWHERE),))
