"""Electrodes whose areas are measured on the day."""

from __future__ import annotations

from ionto_ir.dataclass import replace
from ionto_ir.device import Place
from ionto_ir.expression import integer_reference
from ionto_ir.limits import Role
from ionto_ir.plan import IntegerDomain, Plan, Variable, VariableKind
from tests.treatments import HERE, electrode

CM2 = 100_000_000


def measured_electrodes(plan: Plan, lo: int, hi: int) -> Plan:
    """The plan with an active electrode of lo to hi, um2, in steps of 1 cm2."""
    domain = IntegerDomain(lo, hi, CM2, None, "area", "cm2")
    area = Variable("active.area", VariableKind.GEOMETRY, domain, "", False, None, HERE)
    electrodes = (
        electrode(Place.ACTIVE, Role.CATHODE, integer_reference("active.area")),
        electrode(Place.RETURN, Role.ANODE, 100 * CM2),
    )
    return replace(plan, variables=(*plan.variables, area), electrodes=electrodes)
