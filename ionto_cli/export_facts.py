"""What every export of a session says about itself: what ran, on what, by which software, how sure it is."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime

from ionto_ir.canonical import Json
from ionto_ir.dataclass import dataclass
from ionto_ir.plan import Plan
from ionto_runtime.accounting import Account, account_of
from ionto_runtime.alarms import FAILURES
from ionto_runtime.index import state_word
from ionto_runtime.journal_reader import Reading, Sealed
from ionto_runtime.sealing import Chain, seal_fault
from ionto_runtime.series import Series, series_of

SIMULATED_WORDS = "SIMULATED: no current flowed through anybody"


@dataclass(frozen=True, slots=True)
class Export:
    """A session to be exported. `plan` is None when it could not be found; `treatment`: it is called one.

    `completed` says that the plan was finished as written.
    """

    header: dict[str, Json]
    series: Series
    account: Account
    plan: Plan | None
    state: str
    head: str
    reason: str
    completed: bool
    begun_ms: int
    ended_ms: int
    simulated: bool
    treatment: bool

    def text(self, name: str) -> str | None:
        """A field of the header in words; None when it says nothing."""
        value = self.header.get(name)
        return None if value is None or isinstance(value, dict | list) else str(value)

    def provenance(self) -> Iterator[tuple[str, str]]:
        """Names and values that stand at the top of every export."""
        if self.simulated:
            yield "SIMULATED", "yes: no current flowed through anybody; this is no record of a treatment"
        yield "treatment", "yes" if self.treatment else "no"
        yield "session", self.text("session") or "unknown"
        yield "patient", self.text("patient") or "none"
        yield "operator", self.text("operator") or "none"
        yield "plan", " ".join(self.text(name) or "" for name in ("plan_name", "plan_version")).strip()
        yield "plan_sha256", self.text("plan_sha256") or "unknown"
        yield "device", self.text("device") or "unknown"
        yield "device_identity", self.text("device_identity") or "unknown"
        yield "software", self.text("software") or "unknown"
        yield "software_sha256", self.text("software_sha256") or "unknown"
        yield "journal", self.state
        yield "journal_head", self.head
        yield "begun", iso(self.begun_ms)
        yield "ended", iso(self.ended_ms)
        yield "reason", self.reason
        yield "charge_set_pC", str(self.account.nominal_pc)
        yield "charge_at_least_pC", str(self.account.charge.lower_pc)
        yield "charge_at_most_pC", str(self.account.charge.upper_pc)


def export_of(reading: Reading, plan: Plan | None, chain: Chain, *, treatment: bool) -> Export | str:
    """A journal as an export, or why it cannot be one. Who calls it a treatment must be able to prove it."""
    header = reading.header
    if header is None:
        return "not even its header can be read"
    series, account = series_of(reading), account_of(reading)
    if isinstance(series, str):
        return series
    if isinstance(account, str):
        return account
    simulated = header.get("simulated") is not False
    forged = seal_fault(reading, chain)
    if forged is not None:
        return forged
    if treatment and simulated:
        return "it was simulated, and is no treatment"
    if treatment and not isinstance(reading.end, Sealed):
        return "it was never closed, so nobody knows all of it"
    last = reading.records[-1]
    closed = isinstance(reading.end, Sealed)
    return Export(
        header=header,
        series=series,
        account=account,
        plan=plan,
        state=state_word(reading),
        head=reading.link.hex(),
        completed=_completed(reading),
        reason=str(last.payload.get("reason")) if closed else "the journal was not closed",
        begun_ms=reading.records[0].wall_ms,
        ended_ms=last.wall_ms,
        simulated=simulated,
        treatment=treatment,
    )


def _completed(reading: Reading) -> bool:
    """Whether the machine ended the session as completed, and nothing of ours failed."""
    ended = failed = False
    for record in reading.records:
        commands = record.payload.get("commands")
        for command in commands if isinstance(commands, list) else []:
            match command:
                case {"command": "end", "completed": bool() as completed}:
                    ended = completed
                case _:
                    pass
        failed = failed or record.payload.get("code") in FAILURES
    return ended and not failed


def iso(wall_ms: int) -> str:
    """A moment in ISO 8601, to the millisecond, in UTC with its offset."""
    return datetime.fromtimestamp(wall_ms / 1000, UTC).isoformat(timespec="milliseconds")


def evenly(series: Series) -> list[int | None]:
    """Which row belongs to each tick of an even grid from the first row on; None where there is none."""
    if not series.rows:
        return []
    first, last = series.rows[0].at_ms, series.rows[-1].at_ms
    grid: list[int | None] = [None] * ((last - first) // series.tick_ms + 1)
    for index, row in enumerate(series.rows):
        grid[(row.at_ms - first) // series.tick_ms] = index
    return grid
