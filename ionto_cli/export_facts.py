"""What every export of a session says about itself: what ran, on what, by which software, how sure it is."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime

from ionto_ir.canonical import Json
from ionto_ir.channels import channel_plans
from ionto_ir.dataclass import dataclass
from ionto_ir.plan import Plan
from ionto_runtime.accounting import Account, account_of
from ionto_runtime.alarms import FAILURES
from ionto_runtime.index import state_word
from ionto_runtime.journal_channels import channel_names, parts_of
from ionto_runtime.journal_reader import Reading, Sealed
from ionto_runtime.sealing import Chain, seal_fault
from ionto_runtime.series import Series, channel_series, series_of

SIMULATED_WORDS = "SIMULATED: no current flowed through anybody"


@dataclass(frozen=True, slots=True)
class Track:
    """What flowed at one output; `name` is None where there is only one. `plan` is that of the output, None
    when it could not be found.
    """

    name: str | None
    series: Series
    account: Account
    plan: Plan | None


@dataclass(frozen=True, slots=True)
class Export:
    """A session to be exported. `plan` is None when it could not be found; `treatment`: it is called one.

    `tracks` has an entry for each output, all by one clock. `series` are the only output's ticks and what
    happened there, or what people did around several; `completed` says that the plan was finished as written.
    """

    header: dict[str, Json]
    series: Series
    tracks: tuple[Track, ...]
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
        for track in self.tracks if self.several else ():
            charge = track.account.charge
            said = f"set {track.account.nominal_pc}, at least {charge.lower_pc}, at most {charge.upper_pc}"
            yield f"channel {track.name} charge_pC", said

    @property
    def several(self) -> bool:
        """Whether the session had several channels."""
        return self.tracks[0].name is not None

    @property
    def ticks(self) -> int:
        """How many rows there are in all."""
        return sum(len(track.series.rows) for track in self.tracks)


def export_of(reading: Reading, plan: Plan | None, chain: Chain, *, treatment: bool) -> Export | str:
    """A journal as an export, or why it cannot be one. Who calls it a treatment must be able to prove it."""
    header = reading.header
    if header is None:
        return "not even its header can be read"
    account = account_of(reading)
    if isinstance(account, str):
        return account
    found = _tracks(reading, plan, account)
    if isinstance(found, str):
        return found
    series, tracks = found
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
        tracks=tracks,
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


def _tracks(reading: Reading, plan: Plan | None, account: Account) -> tuple[Series, tuple[Track, ...]] | str:
    """What happened around the outputs, and what flowed at each of them."""
    if not channel_names(reading):
        series = series_of(reading)
        return series if isinstance(series, str) else (series, (Track(None, series, account, plan),))
    listed = channel_series(reading)
    if isinstance(listed, str):
        return listed
    around, *others = listed
    parts = parts_of(reading)[1:]
    plans: tuple[Plan | None, ...] = (None,) * len(parts) if plan is None else channel_plans(plan)
    tracks = []
    for part, series, own in zip(parts, others, plans, strict=True):
        alone = account_of(part.reading)
        if isinstance(alone, str):
            return alone
        tracks.append(Track(part.name, series, alone, own))
    return around, tuple(tracks)


def _completed(reading: Reading) -> bool:
    """Whether every machine ended the session as completed, and nothing of ours failed."""
    return all(_part_completed(part.reading) for part in parts_of(reading))


def _part_completed(reading: Reading) -> bool:
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


def span_of(tracks: Sequence[Track]) -> tuple[int, int] | None:
    """The times of the first and of the last row of all outputs; None when there are no rows."""
    rows = [row.at_ms for track in tracks for row in (*track.series.rows[:1], *track.series.rows[-1:])]
    return (min(rows), max(rows)) if rows else None


def evenly(series: Series, span: tuple[int, int] | None = None) -> list[int | None]:
    """Which row belongs to each tick of an even grid over a span (from its first row to its last if none is
    given); None where there is none.
    """
    if span is None:
        if not series.rows:
            return []
        span = (series.rows[0].at_ms, series.rows[-1].at_ms)
    first, last = span
    grid: list[int | None] = [None] * ((last - first) // series.tick_ms + 1)
    for index, row in enumerate(series.rows):
        grid[(row.at_ms - first) // series.tick_ms] = index
    return grid
