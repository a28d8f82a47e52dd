"""A plain session to bind, and what one expects of binding it."""

from __future__ import annotations

from collections.abc import Mapping

from ionto_ir.bind import Refusal, bind
from ionto_ir.bound import BoundPlan
from ionto_ir.dataclass import replace
from ionto_ir.diagnostic import Diagnostic
from ionto_ir.expression import Value
from ionto_ir.limits import Limit
from ionto_ir.plan import Plan
from ionto_ir.wellformed import check
from tests.treatments import Chosen, Keep, Leg, Move, Over, Parameter, Treatment, plan_of

MA = 1_000_000
MA_S = 1_000_000_000  # pC
CURRENT = Parameter("current", MA, 4 * MA, 100_000, 2 * MA, adjustable=False)
LEG = Leg(Move(Chosen("current"), Over(8_000)), (Keep("time", 10_000),), Over(8_000))
VALUES: dict[str, Value] = {"current": 2 * MA}


def session(*limits: Limit, leg: Leg = LEG, **changes: object) -> Plan:
    """A session of one leg; limits come on top of the usual ones."""
    plan = plan_of(Treatment((leg,), (CURRENT,)))
    plan = replace(plan, limits=(*plan.limits, *limits), **changes)  # type: ignore[arg-type]
    assert check(plan) == ()
    return plan


def refusal(plan: Plan, values: Mapping[str, Value] = VALUES, **more: object) -> Refusal:
    """The refusal, which there must be."""
    found = bind(plan, values, **more)  # type: ignore[arg-type]
    assert isinstance(found, Refusal)
    return found


def complaint(plan: Plan, values: Mapping[str, Value] = VALUES, **more: object) -> Diagnostic:
    """The only reason to refuse."""
    (problem,) = refusal(plan, values, **more).diagnostics
    return problem


def accepted(plan: Plan, values: Mapping[str, Value] = VALUES, **more: object) -> BoundPlan:
    """The bound plan, which there must be."""
    found = bind(plan, values, **more)  # type: ignore[arg-type]
    assert isinstance(found, BoundPlan), found
    return found
