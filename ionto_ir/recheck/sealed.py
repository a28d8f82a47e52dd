"""From what lies in a sealed file to a recheck: certificates and claims are read, faults become messages."""

from __future__ import annotations

from collections.abc import Mapping

from ionto_ir.canonical import Json
from ionto_ir.diagnostic import Diagnostic, error
from ionto_ir.plan import Plan
from ionto_ir.recheck.check import Rechecked, Wrong, recheck
from ionto_ir.recheck.record import read_record
from ionto_ir.source import Span

SHOWN_MAX = 8
"""Faults that a reader is told of; the first says it, the others help to find it."""

ADVICE = {
    Wrong.UNNAMED: "do not run it: a part of what must hold was not verified",
    Wrong.UNPROVED: "do not run it: compile the protocol again",
    Wrong.OTHER_PLAN: "do not run it: compile the protocol again",
    Wrong.FALSE: "do not run it: what it claims is not proved for this plan",
    Wrong.UNPAIRED: "do not run it: compile the protocol again",
    Wrong.UNANCHORED: "do not run it: the verification was of other numbers",
    Wrong.CONTRADICTED: "do not run it, and report it",
}


def recheck_sealed(
    plan: Plan, plan_sha256: str, predicate: Mapping[str, Json], certificates: Json
) -> Rechecked | str:
    """Check every certificate of a sealed plan; in words why they cannot be read."""
    record = read_record(certificates)
    if isinstance(record, str):
        return record
    claims = predicate.get("claims")
    found = [item for item in claims if isinstance(item, dict)] if isinstance(claims, list) else []
    return recheck(plan, plan_sha256, found, record)


def faults_of(checked: Rechecked | str, file: str) -> tuple[Diagnostic, ...]:
    """What is wrong, as diagnostics (I0629, I0630, I0829 to I0834)."""
    span = Span(file, 1, 1, 1, 1)
    if isinstance(checked, str):
        text = f"the certificates of this plan cannot be read: {checked}"
        return (error("I0829", text, span, "in this file", help="compile the protocol again"),)
    found = [
        error(fault.kind.value, fault.text, span, "in this file", help=ADVICE[fault.kind])
        for fault in checked.faults[:SHOWN_MAX]
    ]
    return tuple(found)
