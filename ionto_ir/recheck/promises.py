"""The author's `prove` lines that say of a whole session what a limit says too: those the recheck derives.

`never output.current > 2 mA` is a nominal limit on the current, `always output.charge <= 40 mA.min` one on
the dose of a session. A line about some steps only, about time (what follows the last current counts too) or
about numbers of the day is neither, and rests on what the prover stated.
"""

from __future__ import annotations

from collections.abc import Iterator

from ionto_ir.expression import Constant, Expression, Operation, Operator, Reference
from ionto_ir.limits import Limit, LimitKind
from ionto_ir.plan import Plan, PropertyKind, UserProperty

KINDS = {"output.current": LimitKind.CURRENT, "output.charge": LimitKind.DOSE}

ABOVE = {Operator.GREATER: 0, Operator.GREATER_EQUAL: -1}
"""What `never` excludes, with what makes of its number the highest that is allowed."""

BELOW = {Operator.LESS_EQUAL: 0, Operator.LESS: -1}
"""The same for what is `always` so."""


def promised(plan: Plan) -> Iterator[tuple[str, Limit]]:
    """The names of such lines, each with the limits that say together what it says."""
    for index, item in enumerate(plan.properties):
        whole = item.during is None and item.after is None and item.before is None
        for limit in (_limits_of(item) or ()) if whole else ():
            yield f"properties[{index}]", limit


def _limits_of(item: UserProperty) -> tuple[Limit, ...] | None:
    if item.condition is None:
        return None
    return _bounds(item, item.condition, never=item.kind is PropertyKind.NEVER)


def _bounds(item: UserProperty, condition: Expression, *, never: bool) -> tuple[Limit, ...] | None:
    """What a condition that is never, or always, so bounds; None when it is more than bounds."""
    if not isinstance(condition, Operation):
        return None
    if condition.operator is Operator.NOT:
        return _bounds(item, condition.operands[0], never=not never)
    if condition.operator is (Operator.OR if never else Operator.AND):
        parts = [_bounds(item, part, never=never) for part in condition.operands]
        found = [part for part in parts if part is not None]
        return tuple(limit for part in found for limit in part) if len(found) == len(parts) else None
    less_by = (ABOVE if never else BELOW).get(condition.operator)
    match condition.operands:
        case (Reference(name), Constant(bound)) if less_by is not None and name in KINDS:
            return (_limit(item, KINDS[name], int(bound) + less_by),)
        case _:
            return None


def _limit(item: UserProperty, kind: LimitKind, bound: int) -> Limit:
    """A limit of what was set, in a session."""
    return Limit(kind, bound, "", None, None, True, False, None, None, None, "", item.span)
