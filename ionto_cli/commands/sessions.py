"""`ionto sessions`: what is on record: list it, show one session, verify all seals, make the index anew."""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from datetime import UTC, date, datetime
from pathlib import Path

from ionto_cli import quantities
from ionto_cli.exits import Exit
from ionto_cli.files import system_words
from ionto_cli.recorded import channel_lines, charts_of
from ionto_cli.terminal import complain, note, paint, say, write_json
from ionto_ir.dataclass import dataclass, fields
from ionto_ir.diagnostic import Diagnostic, error
from ionto_runtime.history import SUFFIX
from ionto_runtime.index import Entry, Index, entry_of
from ionto_runtime.journal_reader import Unread, read_journal
from ionto_runtime.sealing import Chain, read_chain

SCHEMA = "ionto.sessions/1"


@dataclass(frozen=True, slots=True)
class Filter:
    """Which sessions are wanted; None: any. Dates are days of UTC, both included."""

    patient: str | None
    protocol: str | None
    first: date | None
    last: date | None

    def takes(self, entry: Entry) -> bool:
        """Whether a session is wanted."""
        begun = None if entry.begun_ms is None else _moment(entry.begun_ms).date()
        if (self.first is not None or self.last is not None) and begun is None:
            return False
        return (
            self.patient in (None, entry.patient)
            and self.protocol in (None, entry.protocol)
            and (self.first is None or begun is None or self.first <= begun)
            and (self.last is None or begun is None or begun <= self.last)
        )


def run(arguments: argparse.Namespace) -> Exit:
    """List, show, verify or rebuild."""
    folder = Path(arguments.records)
    if not folder.is_dir():
        text = f"there is no folder `{folder}`"
        return complain(
            error("I0904", text, None, help="`--records` names the folder that `ionto run` keeps")
        )
    wanted = _filter(arguments)
    if isinstance(wanted, Diagnostic):
        return complain(wanted)
    if arguments.action == "verify":
        return _verify(folder, as_json=arguments.json)
    if arguments.action == "rebuild":
        Index(folder).remove()
    entries = _entries(folder)
    if isinstance(entries, Diagnostic):
        return complain(entries)
    if arguments.action == "rebuild":
        say(f"read {len(entries)} journals into {folder / 'index.sqlite'}")
        return Exit.PROVED
    chosen = [entry for entry in entries if wanted.takes(entry)]
    if arguments.action == "show":
        return _show(folder, chosen, arguments.session, as_json=arguments.json)
    if arguments.session is not None:
        return complain(error("I0901", "`list` takes filters, `show` takes a session", None))
    return _list(chosen, len(entries), as_json=arguments.json)


def _filter(arguments: argparse.Namespace) -> Filter | Diagnostic:
    days: list[date | None] = []
    for name in ("since", "until"):
        text = getattr(arguments, name)
        try:
            days.append(None if text is None else date.fromisoformat(text))
        except ValueError:
            return error("I0901", f"`--{name} {text}` is no date", None, help="write it as 2026-01-31")
    return Filter(arguments.patient, arguments.protocol, days[0], days[1])


def _entries(folder: Path) -> list[Entry] | Diagnostic:
    try:
        return Index(folder).entries()
    except OSError as problem:
        note(f"without the index, which {system_words(problem)}: every journal is read")
    try:
        chain = read_chain(folder)
        return [entry_of(path, chain) for path in sorted(folder.glob(f"*{SUFFIX}"))]
    except OSError as problem:
        return error("I0904", f"cannot read `{folder}`: {system_words(problem)}", None)


# --- list -----------------------------------------------------------------------------------------------
def _list(entries: list[Entry], of: int, *, as_json: bool) -> Exit:
    if as_json:
        write_json({"schema": SCHEMA, "sessions": [entry_data(entry) for entry in entries]})
        return Exit.PROVED
    if not entries:
        say("no session is on record" if of == 0 else f"none of {of} sessions is like that")
        return Exit.PROVED
    heads = ("begun (UTC)", "session", "patient", "protocol", "delivered", "how it ended")
    rows = [heads, *(_cells(entry) for entry in entries)]
    widths = [max(len(row[column]) for row in rows) for column in range(len(heads))]
    for number, row in enumerate(rows):
        line = "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
        say(paint(line, "soft") if number == 0 else line)
    return Exit.PROVED


def _cells(entry: Entry) -> tuple[str, ...]:
    begun = "unknown" if entry.begun_ms is None else f"{_moment(entry.begun_ms):%Y-%m-%d %H:%M}"
    return (
        begun,
        entry.session or entry.name,
        entry.patient or "none",
        entry.protocol or "unknown",
        _delivered(entry),
        ending_words(entry),
    )


def _delivered(entry: Entry) -> str:
    if entry.upper_pc is None or entry.nominal_pc is None:
        return "unknown"
    if not entry.energised:
        return "nothing"
    if entry.state == "sealed":
        return quantities.charge(entry.nominal_pc)
    return f"at most {quantities.charge(entry.upper_pc)}"


def ending_words(entry: Entry) -> str:
    """How a session ended, with everything about it that is not as it should be."""
    words = {
        "sealed": entry.reason or "sealed",
        "open": "NOT CLOSED",
        "torn": "NOT CLOSED, last record torn",
        "damaged": "DAMAGED",
    }[entry.state]
    parts = [words]
    if entry.simulated is not False:
        parts.append("SIMULATED")
    if entry.fault is not None:
        parts.append(f"FAULT: {entry.fault}")
    return ", ".join(parts)


def entry_data(entry: Entry) -> dict[str, object]:
    """An entry as data."""
    return {item.name: getattr(entry, item.name) for item in fields(Entry)}


# --- show -----------------------------------------------------------------------------------------------
def _show(folder: Path, entries: list[Entry], wanted: str | None, *, as_json: bool) -> Exit:
    if wanted is None:
        return complain(error("I0901", "`show` needs a session", None, help="`ionto sessions` lists them"))
    found = [entry for entry in entries if wanted in (entry.session, entry.name)]
    found = found or [entry for entry in entries if (entry.session or "").startswith(wanted)]
    if len(found) != 1:
        text = f"{len(found) or 'no'} sessions are called `{wanted}`"
        return complain(error("I0953", text, None, help="`ionto sessions` lists them"))
    (entry,) = found
    if as_json:
        write_json({"schema": SCHEMA, "sessions": [entry_data(entry)]})
        return Exit.PROVED
    for line in _lines(entry):
        say(line)
    reading = read_journal(folder / entry.name)
    if not isinstance(reading, Unread):
        for line in (*(f"channel    {told}" for told in channel_lines(reading)), *charts_of(reading)):
            say(line)
    return Exit.PROVED


def _lines(entry: Entry) -> Iterator[str]:
    yield f"session    {entry.session or 'unknown'}, {ending_words(entry)}"
    yield f"protocol   {entry.title or entry.protocol or 'unknown'}"
    yield f"plan       sha256 {entry.plan_sha256 or 'unknown'}"
    yield f"patient    {entry.patient or 'no token'}"
    yield f"device     {entry.device or 'unknown'}"
    yield f"software   {entry.software or 'unknown'}"
    for name, moment_ms in (("begun", entry.begun_ms), ("ended", entry.ended_ms)):
        if moment_ms is not None:
            yield f"{name:<10} {_moment(moment_ms):%Y-%m-%d %H:%M:%S} UTC"
    if entry.lower_pc is not None and entry.nominal_pc is not None and entry.upper_pc is not None:
        low, high = quantities.charge(entry.lower_pc), quantities.charge(entry.upper_pc)
        yield f"delivered  {quantities.charge(entry.nominal_pc)} set; at least {low}, at most {high}"
    yield f"journal    {entry.name}, {entry.records} records"
    yield f"head       {entry.head}"


# --- verify ---------------------------------------------------------------------------------------------
def _verify(folder: Path, *, as_json: bool) -> Exit:
    """Read every journal and the whole chain of keys; whatever does not hold is said."""
    try:
        chain = read_chain(folder)
        entries = [entry_of(path, chain) for path in sorted(folder.glob(f"*{SUFFIX}"))]
    except OSError as problem:
        return complain(error("I0904", f"cannot read `{folder}`: {system_words(problem)}", None))
    wrong = [f"{entry.name}: {entry.fault}" for entry in entries if entry.fault is not None]
    wrong += _chain_faults(chain, entries)
    open_ones = [entry.name for entry in entries if entry.state in ("open", "torn")]
    if as_json:
        write_json(
            {
                "schema": SCHEMA,
                "faults": wrong,
                "not_closed": open_ones,
                "epochs": len(chain.epochs),
                "first_key": chain.epochs[0].key if chain.epochs else None,
                "sessions": [entry_data(entry) for entry in entries],
            }
        )
        return Exit.REFUTED if wrong else Exit.PROVED
    sealed = sum(entry.state == "sealed" and entry.fault is None for entry in entries)
    say(f"{sealed} of {len(entries)} journals are whole and sealed by their own sessions")
    for name in open_ones:
        say(f"  not closed  {name}: it counts at its worst")
    for text in wrong:
        say(paint(f"  WRONG       {text}", "red"))
    if chain.epochs:
        say(f"  chain       {len(chain.epochs)} epochs, first key {chain.epochs[0].key}")
    say("compare heads with the printed reports: no file can prove that nothing is missing at its end")
    return Exit.REFUTED if wrong else Exit.PROVED


def _chain_faults(chain: Chain, entries: list[Entry]) -> Iterator[str]:
    if chain.fault is not None:
        yield f"the chain of keys: {chain.fault}"
    for number in chain.anew:
        yield f"the chain of keys was begun anew at epoch {number}"
    there = {entry.session for entry in entries}
    for epoch in chain.epochs:
        if epoch.session not in there:
            when = f"{_moment(epoch.wall_ms):%Y-%m-%d %H:%M} UTC"
            yield f"session {epoch.session}, begun {when} in epoch {epoch.number}, has no journal here"


def _moment(wall_ms: int) -> datetime:
    return datetime.fromtimestamp(wall_ms / 1000, UTC)
