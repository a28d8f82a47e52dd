"""The author's own `prove` lines, over what comes out of the session: current, charge and elapsed time.

At any moment of an energised step the current may be anything from zero (a pause, a stop) to the highest
level of the step, and charge and time anything up to their bounds after it. That is more than can happen
together, so a line may stay undecided that is true; a line that is proved is true.
"""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction

from ionto_ir.labels import steps_called
from ionto_ir.plan import Finish, PropertyKind, Section, UserProperty, successors
from ionto_ir.wellformed_graph import reachable
from ionto_verifier.decision import Unknown
from ionto_verifier.inquiry import Inquiry, Place
from ionto_verifier.moments import worst_moments
from ionto_verifier.obligation import FALSE, at_most, negation
from ionto_verifier.paths import Visit
from ionto_verifier.properties import Asked, Claim, Property, Provocation, Question
from ionto_verifier.sums import elapsed_at, lasting, lasting_apart, nominal_at, times_at
from ionto_verifier.term import ZERO, Polynomial


def promise_claims(inquiry: Inquiry) -> Iterator[Asked]:
    """One claim for each `prove` line."""
    for index, item in enumerate(inquiry.plan.properties):
        claim = Claim(
            f"properties[{index}]",
            Property.PROVE,
            item.text,
            item.span,
            None,
            None,
            ("people take no time",) if item.apart else (),
        )
        if item.kind is PropertyKind.FINISHED:
            yield Asked(claim, tuple(_finished(inquiry, claim, item)))
        else:
            yield Asked(claim, tuple(_always(inquiry, claim, item)))


def _finished(inquiry: Inquiry, claim: Claim, item: UserProperty) -> Iterator[Question]:
    assert item.within_ms is not None, "the plan is well formed"
    if item.after is not None:
        inquiry = inquiry.after(steps_called(inquiry.plan, item.after), _place_of(inquiry, item))
    if not item.apart:
        yield from _unbounded_people(inquiry, claim)
    for moment in worst_moments(inquiry, lasting_apart if item.apart else lasting):
        for value, place in times_at(inquiry, moment.visit, moment.base):
            yield inquiry.never_above(claim, value, item.within_ms, place)
    for visit in inquiry.visits:
        if isinstance(inquiry.plan.steps[visit.step], Finish):
            asked_ms = visit.after.asked_ms if item.apart else ZERO
            for value, place in times_at(inquiry, visit, visit.after.elapsed_ms - asked_ms):
                yield inquiry.never_above(claim, value, item.within_ms, place)


def _unbounded_people(inquiry: Inquiry, claim: Claim) -> Iterator[Question]:
    """Nothing bounds how long a person takes; what is done after the session does not belong to it."""
    seen: dict[int, None] = {}
    for visit in inquiry.visits:
        for step in visit.after.humans:
            if inquiry.plan.steps[step].section is not Section.AFTER:
                seen[step] = None
    for step in seen:
        line = inquiry.plan.steps[step].span.line
        reason = (
            f"line {line} waits for a person, and nothing bounds how long a person takes: bound it "
            '(`waiting at most 10 min else finish "..."`), or claim it `apart from people`'
        )
        yield inquiry.question(claim, FALSE, Place(step, ()), decided=Unknown(reason))


def _always(inquiry: Inquiry, claim: Claim, item: UserProperty) -> Iterator[Question]:
    assert item.condition is not None, "the plan is well formed"
    within = _place_of(inquiry, item)
    for number, visit in enumerate(inquiry.visits):
        if visit.step not in within:
            continue
        scope = {
            "output.current": _observed(inquiry, f"current {number}", _highest(visit)),
            "output.charge": _observed(inquiry, f"charge {number}", nominal_at(inquiry, visit)),
            "output.elapsed": _observed(inquiry, f"elapsed {number}", elapsed_at(inquiry, visit)),
        }
        condition = inquiry.encoding.formula(item.condition, {**dict(visit.records), **scope})
        conclusion = negation(condition) if item.kind is PropertyKind.NEVER else condition
        place = Place(visit.step, visit.path, Provocation.STOP, None, visit.after.elapsed_ms)
        yield inquiry.question(claim, conclusion, place)


def _place_of(inquiry: Inquiry, item: UserProperty) -> set[int]:
    """The steps of which a line speaks: those that can run after the end of the named ones, before they
    begin, or they themselves; all steps when none is named.
    """
    steps = inquiry.plan.steps
    if item.during is not None:
        return set(steps_called(inquiry.plan, item.during))
    if item.before is not None:
        return reachable(inquiry.plan, [inquiry.plan.entry], steps_called(inquiry.plan, item.before))
    if item.after is None:
        return set(range(len(steps)))
    named = steps_called(inquiry.plan, item.after)
    starts = {after for index in named for after in successors(steps[index])} - named
    return reachable(inquiry.plan, starts, frozenset())


def _observed(inquiry: Inquiry, name: str, highest: Polynomial) -> str:
    """The name of a variable for a whole number from zero to `highest`."""
    bounds = Fraction(0), max(Fraction(0), inquiry.environment.bounds(highest)[1])
    term = inquiry.environment.fresh(
        ("observed", name), f"output {name}", bounds, lambda value: [at_most(value, highest)], integer=True
    )
    ((((found, _),), _),) = term.terms
    return found


def _highest(visit: Visit) -> Polynomial:
    return ZERO if visit.motion is None else visit.motion.higher_na
