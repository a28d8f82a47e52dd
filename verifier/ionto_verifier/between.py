"""Whether a proof holds between grid values too: what is safe only on the grid must not pass silently."""

from __future__ import annotations

from ionto_ir.dataclass import replace
from ionto_verifier.bounding import attack, close_by_rows
from ionto_verifier.certificate import GOAL, assumed, check
from ionto_verifier.decision import Proved
from ionto_verifier.obligation import Obligation, Witness
from ionto_verifier.splitting import Fuel, Search
from ionto_verifier.term import TermTooLargeError
from ionto_verifier.witness import first_guess, guess, repaired


def smooth(obligation: Obligation) -> Obligation | None:
    """The obligation with every stepped variable continuous (counts stay whole); None if it has none."""
    items = tuple(
        replace(item, step=None) if item.step is not None and not item.integer else item
        for item in obligation.variables
    )
    return None if items == obligation.variables else replace(obligation, variables=items)


def with_grid_noted(decision: Proved, obligation: Obligation, cases: int) -> Proved:
    """The decision, marked if it seems to hold on the grid only, with a point between where it fails if
    found.

    It is not marked if its own certificate needs no grid, or if another is found with so many cases.
    """
    wider = smooth(obligation)
    if wider is None or decision.certificate is None or check(decision.certificate, wider):
        return decision
    known = assumed(wider)
    targets = tuple(name for name in known.facts if name.startswith(GOAL))
    proof = Search(close_by_rows, Fuel(cases), halves=True).refute(known, targets)
    if proof is not None and check(proof, wider):
        return decision
    return replace(decision, grid_only=True, unsafe_between=_fails_at(wider))


def _fails_at(obligation: Obligation) -> Witness | None:
    known = assumed(obligation)
    try:
        found = attack(known, GOAL) if GOAL in known.facts else None
    except TermTooLargeError:
        found = None
    if isinstance(found, dict):
        likely = {name: found.get(name, low) for name, (low, _) in known.box.items()}
        witness = repaired(obligation, likely)
        if witness is not None:
            return witness
    elif found is not None:
        return None
    return first_guess(obligation, known) or guess(obligation, known)
