"""Limits on what adds up: charge per session and in moving windows, and the duration of a session.

The worst moment of a session is after some step, with every allowed pause where it costs most, and a stop
from the level reached there. The interlock keeps room for that stop and for a lost link, so the proof does
too: then no admitted session is ever ended by the interlock.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from fractions import Fraction

from ionto_ir.course import DAY_MS, Course
from ionto_ir.dataclass import replace
from ionto_ir.limits import Limit, LimitKind
from ionto_verifier.charge import Emission
from ionto_verifier.decision import Unknown
from ionto_verifier.inquiry import NOWHERE, Inquiry, Place
from ionto_verifier.instant import accuracy, at_electrode, limit_claim
from ionto_verifier.ledger import PauseCost, dearest
from ionto_verifier.moments import Moment, moving_humans, worst_moments
from ionto_verifier.motion import Motion
from ionto_verifier.moving import Held, held_in_window
from ionto_verifier.obligation import FALSE
from ionto_verifier.paths import Visit
from ionto_verifier.properties import Asked, Claim, Property, Provocation, Question
from ionto_verifier.term import ZERO, Polynomial, constant
from ionto_verifier.windows import on_one_site, sessions_within

SOME_TIME_MS = 365 * DAY_MS
"""Stands for the length of a session in which a person is waited for between two energised steps."""

MANY = 1_000_000
"""Stands for sessions without number."""


def sum_claims(inquiry: Inquiry) -> Iterator[Asked]:
    """The claims of every limit on what adds up."""
    for index, limit in enumerate(inquiry.plan.limits):
        name = f"limits[{index}]"
        match limit.kind:
            case LimitKind.DOSE if limit.role is None:
                yield _dose(inquiry, limit, name)
            case LimitKind.DOSE | LimitKind.CHARGE_DENSITY:
                yield from _at_electrodes(inquiry, limit, name)
            case LimitKind.SESSIONS:
                yield _sessions(inquiry, limit, name)
            case LimitKind.DURATION:
                yield _duration(inquiry, limit, name)
            case _:
                pass


# --- charge -----------------------------------------------------------------------------------------------


SUMMED = ("stop slew", "watchdog", "tick")
"""The facts about the device that every sum of charge contains."""


def _dose(inquiry: Inquiry, limit: Limit, name: str) -> Asked:
    facts = (*accuracy(inquiry, limit), *SUMMED)
    claim = limit_claim(limit, name, Property.DOSE, facts)
    return Asked(claim, tuple(_added_up(inquiry, claim, limit, inquiry.visits, (Fraction(1), None))))


def _at_electrodes(inquiry: Inquiry, limit: Limit, name: str) -> Iterator[Asked]:
    """What flows through each electrode, at the largest share that it may have, while it has the limit's
    role.
    """
    for number, electrode in enumerate(inquiry.plan.electrodes):
        if not electrode.split.hi_ppm:
            continue
        facts = (*accuracy(inquiry, limit), *SUMMED, f"electrode {number}")
        claim = limit_claim(limit, f"{name}.electrodes[{number}]", Property.DOSE, facts, number)
        turned = None if limit.role is None else limit.role is not electrode.role
        visits = inquiry.charging(turned)
        scale = at_electrode(inquiry, limit, number)
        yield Asked(claim, tuple(_added_up(inquiry, claim, limit, visits, scale)) if visits else ())


def charges_of(inquiry: Inquiry, limit: Limit, visits: tuple[Visit, ...]) -> Iterator[Polynomial]:
    """What a session may have delivered at each of its worst moments, pauses and a stop included, pC."""
    for moment in _worst(inquiry, limit, visits):
        for value, _ in _charges(inquiry, limit, moment):
            yield value


def _worst(inquiry: Inquiry, limit: Limit, visits: tuple[Visit, ...]) -> tuple[Moment, ...]:
    """The moments that count for a sum of charge: all limits that reckon alike ask for the same ones.

    The visits are kept with what was found for them, lest others get their identity.
    """
    key = (limit.nominal, id(visits))
    if key not in inquiry.moments:

        def base_of(visit: Visit, motion: Motion) -> Polynomial:
            return _charged(inquiry, limit, visit, motion)

        inquiry.moments[key] = visits, worst_moments(inquiry, base_of, visits)
    found: tuple[Moment, ...] = inquiry.moments[key][1]
    return found


def sessions_of(inquiry: Inquiry, limit: Limit) -> int | None:
    """How many sessions count under a limit; None when nothing bounds it."""
    if limit.window_ms is None:
        return 1
    return sessions_within(inquiry.plan.course, limit.window_ms + longest_ms(inquiry))


def _added_up(
    inquiry: Inquiry,
    claim: Claim,
    limit: Limit,
    visits: tuple[Visit, ...],
    scale: tuple[Fraction, Polynomial | None],
) -> Iterator[Question]:
    """Whether the charge of these visits, times a factor and perhaps over an area, stays within the limit."""
    sessions = 1
    if limit.window_ms is not None:
        longest = longest_ms(inquiry)
        counted = sessions_within(counted_course(inquiry, limit), limit.window_ms + longest)
        within = _held_within(inquiry, limit, counted, longest, visits, scale)
        if within:
            for held in within:
                value = held.value * scale[0]
                yield inquiry.never_above(claim, value, limit.bound, held.place, over=scale[1])
            return
        if counted is None:
            yield _unbounded(inquiry, claim)
            return
        sessions = counted
    factor, area = scale[0] * sessions, scale[1]
    for moment in _worst(inquiry, limit, visits):
        for value, place in _charges(inquiry, limit, moment):
            asked = inquiry.never_above(claim, value * factor, limit.bound, place, over=area)
            yield replace(asked, sessions=sessions)


def counted_course(inquiry: Inquiry, limit: Limit) -> Course | None:
    """The course as a limit sees it: of all sessions, or of those on one site."""
    course = inquiry.plan.course
    return on_one_site(course) if limit.per_site else course


def _held_within(
    inquiry: Inquiry,
    limit: Limit,
    sessions: int | None,
    longest: int,
    visits: tuple[Visit, ...],
    scale: tuple[Fraction, Polynomial | None],
) -> tuple[Held, ...]:
    """What a window holds of sessions that may outlast it; nothing where whole sessions say more."""
    assert limit.window_ms is not None, "asked of a window"
    if limit.window_ms >= longest and sessions is not None:
        return ()
    held = held_in_window(inquiry, limit, sessions, pauses_of(inquiry), visits)
    bounds = inquiry.environment.bounds
    if sessions is None:
        factor, area = scale
        allowed = limit.bound * (1 if area is None else bounds(area)[0])
        return held if all(bounds(item.value)[1] * factor <= allowed for item in held) else ()
    whole = [
        value for moment in _worst(inquiry, limit, visits) for value, _ in _charges(inquiry, limit, moment)
    ]
    most = max((bounds(value)[1] for value in whole), default=Fraction(0)) * sessions
    return held if max((bounds(item.value)[1] for item in held), default=Fraction(0)) < most else ()


def _unbounded(inquiry: Inquiry, claim: Claim) -> Question:
    """Nothing says how far apart sessions are: any number of them may fall into one window."""
    return replace(inquiry.question(claim, FALSE, NOWHERE), sessions=MANY)


def _charged(inquiry: Inquiry, limit: Limit, visit: Visit, motion: Motion) -> Polynomial:
    """What a session may have delivered that is stopped in this step and was never paused."""
    braking = motion.braking_nominal_pc if limit.nominal else motion.braking_pc
    return _charge(inquiry, limit, Emission(visit.after.nominal_pc, visit.after.on_ms)) + braking


def _charges(inquiry: Inquiry, limit: Limit, moment: Moment) -> Iterator[tuple[Polynomial, Place]]:
    """What a session may have delivered that is stopped in this step, for each kind of worst pause."""

    def cost_of(cost: PauseCost) -> Polynomial:
        return _charge(inquiry, limit, Emission(cost.nominal_pc, cost.on_ms))

    costs = ((cost_of(cost), cost.step) for cost in moment.visit.after.pauses)
    yield from _with_pauses(inquiry, moment.visit, moment.base, costs)


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
    for cost, kinds in worst:
        how = Provocation.STOP if cost == ZERO else Provocation.PAUSES
        place = Place(visit.step, visit.path, how, kinds[0][1], elapsed, kinds)
        yield base + cost * most, place


# --- time ---------------------------------------------------------------------------------------------------


def _duration(inquiry: Inquiry, limit: Limit, name: str) -> Asked:
    claim = limit_claim(limit, name, Property.DURATION, ("stop slew", "tick"))
    waits = () if limit.apart else moving_humans(inquiry)
    questions = [_waits_for_person(inquiry, claim, visit) for visit in waits]
    for moment in worst_moments(inquiry, lasting_apart if limit.apart else lasting):
        for value, place in times_at(inquiry, moment.visit, moment.base):
            questions.append(inquiry.never_above(claim, value, limit.bound, place))
    return Asked(claim, tuple(questions))


def lasting(visit: Visit, motion: Motion) -> Polynomial:
    """How long a session may have lasted that is stopped in this step and was never paused, ms."""
    return visit.after.elapsed_ms + motion.braking_ms


def lasting_apart(visit: Visit, motion: Motion) -> Polynomial:
    """The same without the time in which people were waited for."""
    return lasting(visit, motion) - visit.after.asked_ms


def _waits_for_person(inquiry: Inquiry, claim: Claim, visit: Visit) -> Question:
    step = inquiry.plan.steps[visit.before.humans[0]]
    reason = (
        f"line {step.span.line} waits for a person between two energised steps, "
        'and nothing bounds how long a person takes: write `waiting at most 10 min else finish "..."`'
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
    paused = inquiry.environment.upper((*costs, ZERO), "dearest pause") * pauses_of(inquiry)
    return visit.after.nominal_pc + paused + braking


def elapsed_at(inquiry: Inquiry, visit: Visit) -> Polynomial:
    """The time, ms, that a session may have lasted once it was paused, and stopped in this step."""
    if visit.after.humans:
        return constant(SOME_TIME_MS)
    costs = [cost.elapsed_ms for cost in visit.after.pauses]
    braking = ZERO if visit.motion is None else visit.motion.braking_ms + inquiry.arithmetic.tick_ms
    paused = inquiry.environment.upper((*costs, ZERO), "slowest pause") * pauses_of(inquiry)
    return visit.after.elapsed_ms + paused + braking


def pauses_of(inquiry: Inquiry) -> int:
    """How many pauses there may be that the session goes on after."""
    rules = inquiry.plan.interruptions
    return rules.count_max if rules.resume else 0


def longest_ms(inquiry: Inquiry) -> int:
    """How long a session can last at most, ms: what intervals say, or the duration limit that is proved
    beside it.
    """
    found = SOME_TIME_MS if any(moving_humans(inquiry)) else 0
    for moment in worst_moments(inquiry, lasting):
        for value, _ in times_at(inquiry, moment.visit, moment.base):
            found = max(found, int(inquiry.environment.bounds(value)[1]) + 1)
    limits = [
        limit.bound
        for limit in inquiry.plan.limits
        if limit.kind is LimitKind.DURATION and not limit.soft and not limit.apart
    ]
    return min([found, *limits])


def _sessions(inquiry: Inquiry, limit: Limit, name: str) -> Asked:
    claim = limit_claim(limit, name, Property.SESSIONS, ("course",))
    assert limit.window_ms is not None, "a limit of sessions has a window"
    counted = sessions_within(counted_course(inquiry, limit), limit.window_ms)
    if counted is None:
        return Asked(claim, (_unbounded(inquiry, claim),))
    question = inquiry.never_above(claim, constant(counted), limit.bound, NOWHERE)
    return Asked(claim, (replace(question, sessions=counted),))
