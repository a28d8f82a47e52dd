"""A sealed treatment to be tampered with: by somebody who holds the key and makes everything fit again."""

from __future__ import annotations

import json
from collections.abc import Callable
from functools import cache
from typing import Any

from ionto_dsl.driver import compile_file
from ionto_ir.canonical import digest
from ionto_ir.codec import plan_from_json, plan_to_json
from ionto_ir.plan import Plan
from ionto_ir.recheck.check import Rechecked, Wrong
from ionto_ir.recheck.sealed import faults_of, recheck_sealed
from ionto_verifier.budget import Budget
from ionto_verifier.certify import EFFORT, certificates_of
from ionto_verifier.driver import Options, verify
from ionto_verifier.report import VerificationReport
from ionto_verifier.report_json import predicate

PROVE_ONLY = Options(margins=False, advice=False)
TREATMENT = "treatments.plantar_fasciitis_dexamethasone"

Json = Any
Change = Callable[[Json, Json], None]
"""Changes the plan and the certificates, both as JSON, in place."""


def sealed_parts(plan: Plan, report: VerificationReport, effort: Budget = EFFORT) -> tuple[Json, Json, Json]:
    """Plan, verification record and certificates as they are sealed."""
    written = plan_to_json(plan)
    return written, predicate(report), certificates_of(report, digest(written), effort)


def rechecked_plan(plan: Plan, report: VerificationReport, effort: Budget = EFFORT) -> Rechecked:
    """What the recheck says of a plan with the certificates that the prover found; it may be refuted."""
    written, said, certificates = json.loads(json.dumps(sealed_parts(plan, report, effort)))
    checked = recheck_sealed(plan, digest(written), said, certificates)
    assert isinstance(checked, Rechecked), checked
    # What is refuted may be open, and the plan's numbers may say so.
    allowed = (Wrong.CONTRADICTED, Wrong.UNPROVED)
    wrong = [fault for fault in checked.faults if fault.kind not in allowed]
    assert wrong == []
    return checked


@cache
def _text_of(name: str) -> str:
    plan = compile_file(name).plans[0].plan
    return json.dumps(sealed_parts(plan, verify(plan, PROVE_ONLY)))


def parts_of(name: str = TREATMENT) -> tuple[Json, Json, Json]:
    """The parts of a shipped treatment, fresh."""
    plan, said, certificates = json.loads(_text_of(name))
    return plan, said, certificates


def rechecked(change: Change, name: str = TREATMENT, *, fitting: bool = True) -> Rechecked | str:
    """What the recheck says after a change; a `fitting` forger names the changed plan in the certificates."""
    plan, said, certificates = parts_of(name)
    change(plan, certificates)
    read = plan_from_json(plan, "tampered")
    assert isinstance(read, Plan), [item.message for item in read]
    if fitting:
        certificates["plan_sha256"] = digest(plan)
    return recheck_sealed(read, digest(plan), said, certificates)


def codes(change: Change, name: str = TREATMENT, *, fitting: bool = True) -> set[str]:
    """The codes with which the recheck refuses a changed plan; empty when it accepts it."""
    return {item.code for item in faults_of(rechecked(change, name, fitting=fitting), "tampered")}
