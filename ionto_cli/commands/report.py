"""`ionto report`: one HTML page about a protocol, its proof, and a run if there was one."""

from __future__ import annotations

import argparse
from pathlib import Path

from ionto_cli.drawing import picture_of_outcome
from ionto_cli.examples import examples_of
from ionto_cli.exits import Exit
from ionto_cli.files import system_words, write_whole
from ionto_cli.loading import Chosen, choose_one
from ionto_cli.page import RunSection, page
from ionto_cli.recorded import recorded_run
from ionto_cli.rehearsal import rehearsed
from ionto_cli.terminal import complain, say
from ionto_cli.verdicts import bars_of
from ionto_ir.diagnostic import Diagnostic, error
from ionto_verifier.driver import verify


def run(arguments: argparse.Namespace) -> Exit:
    """Verify, rehearse, write the page. A refuted protocol has a page too: it says why."""
    chosen = choose_one(arguments)
    if isinstance(chosen, Exit):
        return chosen
    journal = recorded_run(Path(arguments.journal), chosen.protocol.plan) if arguments.journal else None
    if isinstance(journal, Diagnostic):
        return complain(journal)
    path = Path(arguments.output or f"{chosen.protocol.plan.name}.html")
    return write_report(chosen, path, arguments.values, journal)


def write_report(chosen: Chosen, path: Path, assignments: list[str], journal: RunSection | None) -> Exit:
    """Write the page of one protocol, drawn for the given values."""
    plan = chosen.protocol.plan
    outcome = rehearsed(chosen, assignments)
    if isinstance(outcome, Exit):
        return outcome
    report = verify(plan)
    bars = bars_of(report)
    picture = picture_of_outcome(plan, outcome, chosen.sources, bars=bars)
    text = page(report, chosen.sources, picture, examples_of(report, chosen.sources), journal)
    try:
        write_whole(path, text.encode())
    except OSError as problem:
        return complain(error("I0904", f"cannot write `{path}`: {system_words(problem)}", None))
    say(f"wrote {path}")
    return Exit.PROVED
