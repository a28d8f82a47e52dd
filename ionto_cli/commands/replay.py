"""`ionto replay`: a journal's events go through the machine again, and the same commands must come out."""

from __future__ import annotations

import argparse
from pathlib import Path

from ionto_cli import quantities
from ionto_cli.exits import Exit
from ionto_cli.kept_plans import kept_plan
from ionto_cli.recorded import channel_lines, charts_of
from ionto_cli.sealed import open_plan
from ionto_cli.terminal import complain, paint, say, write_json
from ionto_ir.diagnostic import Diagnostic, error
from ionto_ir.plan import Plan
from ionto_runtime.accounting import account_of
from ionto_runtime.index import state_word
from ionto_runtime.journal_reader import Reading, Unread, read_journal
from ionto_runtime.replay_channels import Replayed, rebound_parts, replay_parts
from ionto_runtime.sealing import read_chain, seal_fault
from ionto_runtime.series import command_words

SCHEMA = "ionto.replay/1"


LISTED = "name a file that `ionto run` has kept: `ionto sessions --records FOLDER` lists them"


def run(arguments: argparse.Namespace) -> Exit:
    """Read, replay, compare, draw."""
    path = Path(arguments.journal)
    opened = opened_journal(path)
    if isinstance(opened, Diagnostic):
        return complain(opened)
    plan = plan_of_journal(path, opened, arguments.plan)
    if isinstance(plan, tuple):
        return complain(*plan)
    parts = rebound_parts(plan, opened)
    if isinstance(parts, str):
        return complain(error("I0910", f"`{path}` does not belong to `{plan.name}`: {parts}", None))
    report = replay_parts(parts, opened)
    forged = seal_fault(opened, read_chain(path.parent))
    outcome = Exit.PROVED if report.agrees and forged is None else Exit.REFUTED
    if arguments.json:
        write_json(_data(opened, report, forged))
        return outcome
    for line in _lines(path, opened, report, forged):
        say(line)
    return outcome


def opened_journal(path: Path) -> Reading | Diagnostic:
    """The journal in a file, with a header at least."""
    reading = read_journal(path)
    if isinstance(reading, Unread):
        return error("I0904", f"cannot read `{path}`: {reading.reason}", None, help=LISTED)
    if reading.header is None:
        text = f"`{path}` is no journal, or its first record is damaged: no header could be read"
        return error("I0904", text, None, help=LISTED)
    return reading


def plan_of_journal(path: Path, reading: Reading, given: str | None) -> Plan | tuple[Diagnostic, ...]:
    """The plan that was named, else the one that was kept beside the journal."""
    if given is not None:
        sealed = open_plan(Path(given))
        return sealed if isinstance(sealed, tuple) else sealed.plan
    header = reading.header or {}
    return kept_plan(path.parent, str(header.get("plan_sha256")))


def _lines(path: Path, reading: Reading, report: Replayed, forged: str | None) -> list[str]:
    header = reading.header or {}
    simulated = "SIMULATED " if header.get("simulated") is True else ""
    lines = [
        f"{simulated}session {header.get('session')} of {header.get('plan_title') or header.get('plan_name')}"
    ]
    lines.append(f"  journal   {path}: {state_word(reading)}, {len(reading.records)} records")
    lines.append(f"  head      {reading.link.hex()}")
    if forged is not None:
        lines.append(paint(f"  seal      WRONG: {forged}", "red"))
    account = account_of(reading)
    if not isinstance(account, str):
        low, high = quantities.charge(account.charge.lower_pc), quantities.charge(account.charge.upper_pc)
        lines.append(
            f"  delivered {quantities.charge(account.nominal_pc)} set; at least {low}, at most {high}"
        )
    difference = report.difference
    if difference is None:
        told = f"{report.events} events, {report.ticks} of them ticks: the machine gives the same commands"
        lines.append(paint(f"  replayed  {told}", "green"))
    else:
        lines.append(paint(f"  replayed  DIFFERS at record {difference.sequence}: {difference.what}", "red"))
        lines += [f"    journal  {difference.journal}", f"    machine  {difference.machine}"]
    lines += [f"  command   {words}" for words in _commanders(reading)]
    lines += [f"  channel   {line}" for line in channel_lines(reading)]
    return [*lines, *charts_of(reading)]


def _commanders(reading: Reading) -> list[str]:
    """Which consoles commanded, in their order, and from which other one each had the command."""
    return [command_words(record.payload) for record in reading.records if "commander" in record.payload]


def _data(reading: Reading, report: Replayed, forged: str | None) -> dict[str, object]:
    header = reading.header or {}
    difference = report.difference
    return {
        "schema": SCHEMA,
        "session": header.get("session"),
        "simulated": header.get("simulated"),
        "state": state_word(reading),
        "seal_fault": forged,
        "head": reading.link.hex(),
        "events": report.events,
        "ticks": report.ticks,
        "agrees": report.agrees,
        "commanders": _commanders(reading),
        "channels": [
            {"name": part.name, "events": alone.events, "ticks": alone.ticks, "agrees": alone.agrees}
            for part, alone in report.parts
            if part.name is not None
        ],
        "difference": None
        if difference is None
        else {
            "record": difference.sequence,
            "what": difference.what,
            "journal": difference.journal,
            "machine": difference.machine,
        },
    }
