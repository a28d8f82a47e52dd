"""From the file of a sealed plan to a plan that may run: whole, trusted, understood, for a device we have."""

from __future__ import annotations

from pathlib import Path

from ionto_cli.files import system_words
from ionto_cli.home import trusted_folder
from ionto_ir.canonical import Json, printable
from ionto_ir.codec import plan_from_json
from ionto_ir.dataclass import dataclass
from ionto_ir.diagnostic import Diagnostic, error
from ionto_ir.plan import Plan
from ionto_ir.recheck.check import Rechecked
from ionto_ir.recheck.sealed import faults_of, recheck_sealed
from ionto_ir.seal import SEALED_BYTES_MAX, open_sealed
from ionto_ir.source import Span
from ionto_runtime.signing import TrustStore, read_trust_store, verifier_of

SIMULATED_DRIVER = "simulated"

PROVED = "proved"
"""The only outcome of a verification with which a plan runs."""


@dataclass(frozen=True, slots=True)
class Sealed:
    """A plan with its digest, who vouches for it, what they say was verified, and what its certificates say.

    `rechecked` is None for a plan that was sealed without certificates.
    """

    plan: Plan
    sha256: str
    signers: tuple[str, ...]
    predicate: dict[str, Json]
    rechecked: Rechecked | None


def open_plan(
    path: Path, trust: Path | None = None, *, to_run: bool = True
) -> Sealed | tuple[Diagnostic, ...]:
    """The plan in a sealed file, or every reason not to run it (I0801 to I0834, I0904, I0961, I0964).

    Each of its certificates is checked. `trust` is a folder of public keys; without it, the one in this
    person's settings. A plan that is not `to_run` may be for a device that is not here.
    """
    name = str(path)
    try:
        with path.open("rb") as file:
            data = file.read(SEALED_BYTES_MAX + 1)
    except OSError as problem:
        return (error("I0904", f"cannot read `{name}`: {system_words(problem)}", None),)
    store = _store(trust)
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
        sha256, predicate = opened.statement.plan_sha256, opened.statement.predicate
        found = recheck_sealed(plan, sha256, predicate, opened.certificates)
        faults = faults_of(found, name)
        if faults or isinstance(found, str):
            return faults
        checked = found
    if to_run and plan.device.driver != SIMULATED_DRIVER:
        return (_other_device(plan, name),)
    owners = {key.key_id: key.owner for key in store.keys}
    signers = tuple(owners[key_id] for key_id in opened.key_ids)
    return Sealed(plan, opened.statement.plan_sha256, signers, opened.statement.predicate, checked)


def _store(trust: Path | None) -> TrustStore:
    """Nobody is trusted where there is no folder; a folder that was named must be there."""
    folder = trusted_folder() if trust is None else trust
    return TrustStore(()) if trust is None and not folder.is_dir() else read_trust_store(folder)


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


def _other_device(plan: Plan, name: str) -> Diagnostic:
    driver = plan.device.driver
    return error(
        "I0961",
        f"the plan is for `{plan.device.name}`, whose driver is `{driver}`",
        Span(name, 1, 1, 1, 1),
        "in this plan",
        notes=(f"this version of ionto has one driver: `{SIMULATED_DRIVER}`",),
        help="compile the protocol for a simulated device: `ionto compile FILE --device NAME`",
    )
