"""All claims about a plan, in the order of the catalogue."""

from __future__ import annotations

from collections.abc import Iterator

from ionto_verifier.fit import fit_claims
from ionto_verifier.guards import course_claims, guard_claims, reachable_claims
from ionto_verifier.inquiry import Inquiry
from ionto_verifier.instant import instant_claims
from ionto_verifier.promises import promise_claims
from ionto_verifier.properties import Asked, Property
from ionto_verifier.structure import structure_claims
from ionto_verifier.sums import sum_claims
from ionto_verifier.watch import monitor_claims

_ORDER = {kind: place for place, kind in enumerate(Property)}


def all_claims(inquiry: Inquiry) -> tuple[Asked, ...]:
    """Every claim that applies, with its questions. Raises TermTooLargeError."""
    found = [*_unordered(inquiry)]
    return tuple(sorted(found, key=lambda asked: _ORDER[asked.claim.property]))


def _unordered(inquiry: Inquiry) -> Iterator[Asked]:
    yield from instant_claims(inquiry)
    yield from sum_claims(inquiry)
    yield from guard_claims(inquiry)
    yield from structure_claims(inquiry)
    yield from fit_claims(inquiry)
    yield from monitor_claims(inquiry)
    yield from promise_claims(inquiry)
    yield from reachable_claims(inquiry)
    yield from course_claims(inquiry)
