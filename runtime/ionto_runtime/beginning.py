"""The beginning of a session's record: a journal in a file that has never been there before."""

from __future__ import annotations

from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path

from ionto_ir.bind import Acknowledgement
from ionto_ir.bound import BoundPlan
from ionto_ir.canonical import Json
from ionto_ir.dataclass import dataclass
from ionto_ir.diagnostic import Diagnostic, error
from ionto_ir.site_memory import sites_of
from ionto_runtime.clock import Clock
from ionto_runtime.history import SUFFIX
from ionto_runtime.journal import Durability, JournalFailure, JournalWriter, create_journal
from ionto_runtime.sealed import Sealed
from ionto_runtime.sealing import begin_epoch
from ionto_runtime.session_records import constants_to_json
from ionto_runtime.software import software_sha256
from ionto_runtime.view import Facts


@dataclass(frozen=True, slots=True)
class Beginning:
    """What a session's record begins with. `seed` is None on a real device, `device_identity` on an embedded
    one; `process` says under which scheduler and with which collector the control loop runs, empty where it
    shares a process. `channels` is what the header says of several channels, see
    `channels_header`; `assumed` is what nobody will see in this session on this device.
    """

    session_id: str
    sealed: Sealed
    bound: BoundPlan
    facts: Facts
    acknowledgements: tuple[Acknowledgement, ...]
    seed: int | None
    device_identity: str | None
    process: dict[str, Json]
    channels: dict[str, Json] | None = None
    assumed: tuple[str, ...] = ()


def begin_journal(
    begun: Beginning,
    records: Path,
    sealing: Path,
    clock: Clock,
    wall_ms: int,
    durability: Durability,
    *,
    background: bool,
) -> tuple[Path, JournalWriter] | Diagnostic:
    """The journal of a session and its file, or why nothing can be written down (I0904, I0951)."""
    plan = begun.bound.plan
    started = datetime.fromtimestamp(clock.wall_ms() / 1000, UTC)
    path = records / f"{plan.name}-{started:%Y%m%dT%H%M%SZ}-{begun.session_id}{SUFFIX}"
    key = begin_epoch(records, sealing, begun.session_id, wall_ms)
    if isinstance(key, str):
        text = f"no key can be made to seal the journal with: {key}"
        return error("I0951", text, None, help="`ionto sessions verify` says what is wrong with the records")
    journal = create_journal(path, _header(begun), clock, durability, key, background=background)
    if isinstance(journal, JournalFailure):
        text = f"the journal `{path}` cannot be begun: {journal.operation}: {journal.reason}"
        return error("I0904", text, None, help="nothing is started that cannot be written down")
    return path, journal


def _header(begun: Beginning) -> dict[str, Json]:
    plan, facts = begun.bound.plan, begun.facts
    identity: dict[str, Json] = (
        {} if begun.device_identity is None else {"device_identity": begun.device_identity}
    )
    return {
        **identity,
        "format": 1,
        "session": begun.session_id,
        "plan_sha256": begun.sealed.sha256,
        "device": facts.device,
        "software": f"ionto {version('ionto')}",
        "software_sha256": software_sha256(),
        "simulated": facts.simulated,
        "plan_name": plan.name,
        "plan_version": plan.version,
        "plan_title": plan.title,
        "signers": list(begun.sealed.signers),
        "patient": facts.patient,
        "operator": facts.operator,
        "values": dict(begun.bound.values),
        "sites": list(sites_of(plan, begun.bound.values)),
        "acknowledgements": acknowledgements_data(begun.acknowledgements),
        "constants": constants_to_json(begun.bound.constants),
        "polarity": begun.bound.polarity,
        "seed": begun.seed,
        "speed": facts.speed,
        "planned_pc": facts.planned_pc,
        "planned_ms": facts.planned_ms,
        "dead_man": facts.dead_man.name.lower(),
        "process": begun.process,
        **({"assumed": list(begun.assumed)} if begun.assumed else {}),
        **(begun.channels or {}),
    }


def acknowledgements_data(given: tuple[Acknowledgement, ...]) -> list[Json]:
    """Who took what upon themselves, and why."""
    return [
        {"subject": item.subject, "person": item.person, "reason": item.reason, "role": item.role}
        for item in given
    ]
