"""The author's own `prove` lines, over what comes out of the session: current, charge and elapsed time.

At any moment of an energised step the current may be anything from zero (a pause, a stop) to the highest
level of the step, and charge and time anything up to their bounds after it. That is more than can happen
together, so a line may stay undecided that is true; a line that is proved is true.
"""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction

from ionto_ir.plan import Confirm, Finish, Instruct, PropertyKind, UserProperty, Wait, successors
from ionto_verifier.inquiry import Inquiry, Place
from ionto_verifier.moments import worst_moments
from ionto_verifier.obligation import at_most, negation
from ionto_verifier.paths import Visit
from ionto_verifier.properties import Asked, Claim, Property, Provocation, Question
from ionto_verifier.sums import elapsed_at, lasting, nominal_at, times_at
from ionto_verifier.term import ZERO, Polynomial


def promise_claims(inquiry: Inquiry) -> Iterator[Asked]:
    """One claim for each `prove` line."""
    for index, item in enumerate(inquiry.plan.properties):
        claim = Claim(
            f"properties[{index}]", Property.PROVE, item.text, item.span, None, None, ("people take no time",)
        )
        if item.kind is PropertyKind.FINISHED:
            yield Asked(claim, tuple(_finished(inquiry, claim, item)))
        else:
            yield Asked(claim, tuple(_always(inquiry, claim, item)))


def _finished(inquiry: Inquiry, claim: Claim, item: UserProperty) -> Iterator[Question]:
    assert item.within_ms is not None, "the plan is well formed"
    for moment in worst_moments(inquiry, lasting):
        for value, place in times_at(inquiry, moment.visit, moment.base):
            yield inquiry.never_above(claim, value, item.within_ms, place)
    for visit in inquiry.visits:
        if isinstance(inquiry.plan.steps[visit.step], Finish):
            for value, place in times_at(inquiry, visit, visit.after.elapsed_ms):
                yield inquiry.never_above(claim, value, item.within_ms, place)


def _always(inquiry: Inquiry, claim: Claim, item: UserProperty) -> Iterator[Question]:
    assert item.condition is not None, "the plan is well formed"
    within = _steps_after(inquiry, item.after)
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


def _steps_after(inquiry: Inquiry, text: str | None) -> set[int]:
    """The steps that can run once the step with that text has ended; all steps when none is named."""
    steps = inquiry.plan.steps
    if text is None:
        return set(range(len(steps)))
    pending = [
        after
        for step in steps
        if isinstance(step, Wait | Confirm | Instruct) and step.text == text
        for after in successors(step)
    ]
    found: set[int] = set()
    while pending:
        index = pending.pop()
        if index not in found:
            found.add(index)
            pending.extend(successors(steps[index]))
    return found


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
