"""From the file of a sealed plan to a plan that may run: whole, trusted, understood, proved.

The command opens it to ask and to show; the safety process opens it again, because what it runs it has judged
itself (R1).
"""

from __future__ import annotations

from hashlib import sha256
from pathlib import Path

from ionto_ir.canonical import Json, printable
from ionto_ir.codec import plan_from_json
from ionto_ir.dataclass import dataclass
from ionto_ir.diagnostic import Diagnostic, error
from ionto_ir.plan import Plan
from ionto_ir.recheck.check import Rechecked
from ionto_ir.recheck.sealed import faults_of, recheck_sealed
from ionto_ir.seal import SEALED_BYTES_MAX, open_sealed
from ionto_ir.source import Span
from ionto_runtime.signing import TrustStore, verifier_of

PROVED = "proved"
"""The only outcome of a verification with which a plan runs."""


@dataclass(frozen=True, slots=True)
class Sealed:
    """A plan with its digest, who vouches for it, what they say was verified, and what its certificates say.

    `rechecked` is None for a plan that was sealed without certificates. `file_sha256` is that of the whole
    file.
    """

    plan: Plan
    sha256: str
    signers: tuple[str, ...]
    predicate: dict[str, Json]
    rechecked: Rechecked | None
    file_sha256: str = ""


def open_plan(path: Path, store: TrustStore) -> Sealed | tuple[Diagnostic, ...]:
    """The plan in a sealed file, or every reason not to run it (I0801 to I0834, I0904, I0964).

    Each of its certificates is checked.
    """
    name = str(path)
    try:
        with path.open("rb") as file:
            data = file.read(SEALED_BYTES_MAX + 1)
    except OSError as problem:
        reason = (problem.strerror or "the system refused").lower()
        return (error("I0904", f"cannot read `{name}`: {reason}", None),)
    opened = open_sealed(data, verifier_of(store), name)
    if isinstance(opened, tuple):
        return (*opened, *store.problems)
    plan = plan_from_json(opened.plan, name)
    if isinstance(plan, tuple):
        return plan
    outcome = opened.statement.predicate.get("outcome")
    if outcome != PROVED:
        return (_not_proved(outcome, name),)
    checked = None
    if opened.certificates is not None:
        plan_sha256, predicate = opened.statement.plan_sha256, opened.statement.predicate
        found = recheck_sealed(plan, plan_sha256, predicate, opened.certificates)
        faults = faults_of(found, name)
        if faults or isinstance(found, str):
            return faults
        checked = found
    owners = {key.key_id: key.owner for key in store.keys}
    signers = tuple(owners[key_id] for key_id in opened.key_ids)
    return Sealed(
        plan,
        opened.statement.plan_sha256,
        signers,
        opened.statement.predicate,
        checked,
        sha256(data).hexdigest(),
    )


def _not_proved(outcome: Json, name: str) -> Diagnostic:
    shown = f"`{printable(outcome)}`" if isinstance(outcome, str) else "nothing"
    return error(
        "I0964",
        f"the plan is sealed, but what was verified of it came to {shown}",
        Span(name, 1, 1, 1, 1),
        "in this plan",
        notes=(f"a plan runs when its verification came to `{PROVED}`",),
        help="`ionto compile` seals only what is proved; ask its author",
    )
