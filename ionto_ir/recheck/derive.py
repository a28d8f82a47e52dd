"""What must hold of a plan, derived from the plan alone: by another path than the prover's, on purpose.

Nothing here looks at what was proved. What the recheck does not understand, a feature that a plan requires
or an operand of a new kind, is left out with its reason and counted, never taken for settled.
"""

from __future__ import annotations

from collections.abc import Iterator

from ionto_ir.dataclass import dataclass
from ionto_ir.limits import LimitKind
from ionto_ir.plan import Plan
from ionto_ir.recheck.currents import UNDERSTOOD, entered, flows
from ionto_ir.recheck.derived import Derived, Left, Numbering, Settled
from ionto_ir.recheck.instants import Instants
from ionto_ir.recheck.persons import drugs, exclusions, scopes, tables, zeros
from ionto_ir.recheck.polynomial import BeyondError
from ionto_ir.recheck.statement import Question
from ionto_ir.recheck.totals import Totals

FEATURES = frozenset(
    {
        "adjust",
        "branch",
        "calendar",
        "chosen pole",
        "classify",
        "course",
        "early finish",
        "electrode sums",
        "loop",
        "memory",
        "monitor",
        "move",
        "phases",
        "record",
        "reverse",
        "site",
        "split",
        "timed loop",
        "waiting",
    }
)
"""What a plan may require for the recheck to understand it. A list of its own: a feature that is new to the
machine is new to the recheck until somebody taught it. A monitor pauses and stops where people may, so it
changes nothing; a repetition in a time has no more rounds than the plan says."""

INSTANT = frozenset(
    {LimitKind.CURRENT, LimitKind.DENSITY, LimitKind.RAMP, LimitKind.VOLTAGE, LimitKind.STOP_TIME}
)
SUM = frozenset({LimitKind.DOSE, LimitKind.SESSIONS, LimitKind.DURATION})


@dataclass(frozen=True, slots=True)
class Derivation:
    """Everything derived of a plan. `not_understood` says why nothing was, where that is so."""

    questions: tuple[Question, ...]
    settled: tuple[Settled, ...]
    left: tuple[Left, ...]
    not_understood: str | None


def derive(plan: Plan) -> Derivation:
    """Derive what must hold of a well-formed plan. Total: what is beyond it is left out."""
    reason = _beyond(plan)
    if reason is not None:
        return Derivation((), (), (), reason)
    try:
        found = tuple(_found(plan))
    except BeyondError as beyond:
        return Derivation((), (), (), str(beyond))
    return Derivation(
        tuple(item for item in found if isinstance(item, Question)),
        tuple(item for item in found if isinstance(item, Settled)),
        tuple(item for item in found if isinstance(item, Left)),
        None,
    )


def _beyond(plan: Plan) -> str | None:
    """Why nothing of this plan is derived."""
    unknown = sorted(set(plan.requires) - FEATURES)
    if unknown:
        return f"the plan uses `{unknown[0]}`, of which the recheck knows nothing"
    kinds = {type(step): None for step in plan.steps}
    foreign = [kind.__name__ for kind in kinds if kind not in UNDERSTOOD]
    return (
        f"the plan has a step of kind `{foreign[0]}`, of which the recheck knows nothing" if foreign else None
    )


def _found(plan: Plan) -> Iterator[Derived]:
    numbering = Numbering()
    ways = entered(plan)
    currents = flows(plan)
    instants = Instants(plan, currents, numbering)
    totals = Totals(plan, numbering)
    for index, limit in enumerate(plan.limits):
        name = f"limits[{index}]"
        if limit.per_electrode and limit.kind is not LimitKind.DENSITY:
            yield Left(name, "a sum or a current of each electrode apart")
        elif limit.kind in INSTANT:
            yield from instants.limit(limit, name)
        elif limit.kind in SUM:
            yield from totals.limit(limit, name)
        else:
            yield Left(name, "a limit of a new kind")
    yield from exclusions(plan, numbering)
    yield from zeros(plan, ways, numbering)
    yield from instants.device()
    yield from drugs(plan, currents)
    yield from scopes(plan)
    yield from tables(plan)
