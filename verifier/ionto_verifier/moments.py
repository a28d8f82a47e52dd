"""The moments at which a session may be at its worst: those that no later one outdoes."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

from ionto_ir.dataclass import dataclass
from ionto_verifier.inquiry import Inquiry
from ionto_verifier.motion import Motion
from ionto_verifier.paths import Visit
from ionto_verifier.term import Polynomial
from ionto_verifier.ways import Ways

COMPARED_MAX = 4
"""Later moments with which one is compared; the last ones outdo nearly all."""

Base = Callable[[Visit, Motion], Polynomial]
"""What is bounded, at a moment, without pauses: charge or time, with what a stop from there adds."""


@dataclass(frozen=True, slots=True)
class Moment:
    """A session that is stopped in this step: `base` is what is bounded, without pauses."""

    visit: Visit
    motion: Motion
    base: Polynomial


def worst_moments(
    inquiry: Inquiry, base_of: Base, visits: Iterable[Visit] | None = None
) -> tuple[Moment, ...]:
    """The moments that count, in the order of the session.

    What a session has delivered only grows, and so does what its pauses may have cost. So a moment counts
    for nothing if a later one is reached whenever it is, and either a stop adds the same there, or
    intervals show that it adds up to no less. `visits` are others than the inquiry's own.
    """
    ways = Ways(inquiry.plan)
    kept: list[Moment] = []
    alike: dict[Polynomial, list[Visit]] = {}
    for visit in reversed(inquiry.visits if visits is None else tuple(visits)):
        motion = visit.motion
        if motion is None:
            continue
        moment = Moment(visit, motion, base_of(visit, motion))
        braking = inquiry.environment.unnumbered(motion.braking_pc)
        if any(ways.goes_on_to(visit, later) for later in alike.get(braking, ())):
            continue
        if any(_outdoes(inquiry, ways, later, moment) for later in kept[:COMPARED_MAX]):
            continue
        alike.setdefault(braking, []).append(visit)
        kept.append(moment)
    return tuple(reversed(kept))


def _outdoes(inquiry: Inquiry, ways: Ways, later: Moment, moment: Moment) -> bool:
    """Whether `later` is never less, whatever the pauses; what a total absorbed is not compared."""
    return (
        later.visit.after.absorbed == moment.visit.after.absorbed
        and ways.goes_on_to(moment.visit, later.visit)
        and inquiry.environment.never_below(later.base, moment.base)
    )


def moving_humans(inquiry: Inquiry) -> Iterator[Visit]:
    """Energised steps before which a person was waited for since something was energised."""
    return (visit for visit, _ in inquiry.moving() if visit.before.humans)
