"""`ionto export`: a session as CSV, EDF+ or FHIR, which say what they come from and what they are."""

from __future__ import annotations

import argparse
from pathlib import Path

from ionto_cli.commands.replay import opened_journal, plan_of_journal
from ionto_cli.exits import Exit
from ionto_cli.export_facts import Export, export_of
from ionto_cli.files import system_words, write_whole
from ionto_cli.terminal import complain, note, say
from ionto_ir.diagnostic import Diagnostic, error
from ionto_runtime.replay_channels import rebound_parts
from ionto_runtime.sealing import read_chain

ENDINGS = {"csv": ".csv", "edf": ".edf", "fhir": ".fhir.json"}


def run(arguments: argparse.Namespace) -> Exit:
    """Read, refuse what cannot be believed, write whole or not at all."""
    path = Path(arguments.journal)
    export = _export(path, arguments)
    if isinstance(export, Diagnostic):
        return complain(export)
    data = _written(export, arguments.format)
    if isinstance(data, Diagnostic):
        return complain(data)
    output = Path(arguments.output) if arguments.output else path.with_suffix(ENDINGS[arguments.format])
    try:
        if arguments.output and output.is_file() and output.read_bytes() != data:
            text, advice = (
                f"`{output}` is there already, and is not this export",
                "name another file, or remove it",
            )
            return complain(error("I0967", text, None, help=advice))
        write_whole(output, data)
    except OSError as problem:
        text = f"cannot write `{output}`: {system_words(problem)}"
        return complain(
            error("I0904", text, None, help="name a file in a folder that is there: `--output PATH`")
        )
    marked = " (SIMULATED: no record of a treatment)" if export.simulated else ""
    say(f"wrote {output}: {export.ticks} ticks{marked}")
    return Exit.PROVED


def _export(path: Path, arguments: argparse.Namespace) -> Export | Diagnostic:
    reading = opened_journal(path)
    if isinstance(reading, Diagnostic):
        return reading
    found = plan_of_journal(path, reading, arguments.plan)
    if isinstance(found, tuple) and arguments.plan is not None:
        return found[0]
    plan = None if isinstance(found, tuple) else found
    if plan is None:
        note("the plan of this session is not at hand: sites and drugs are left out")
    elif isinstance(bound := rebound_parts(plan, reading), str):
        return error("I0910", f"`{path}` does not belong to `{plan.name}`: {bound}", None)
    export = export_of(reading, plan, read_chain(path.parent), treatment=arguments.as_treatment)
    if not isinstance(export, str):
        return export
    advice = "what is left of it is shown by `ionto replay`; a journal is exported where `ionto run` keeps it"
    if arguments.as_treatment:
        advice = "leave out `--as-treatment`: it is exported for what it is"
    return error("I0954", f"`{path}` cannot be exported: {export}", None, help=advice)


def _written(export: Export, form: str) -> bytes | Diagnostic:
    match form:
        case "csv":
            from ionto_cli.export_csv import csv_text

            return csv_text(export).encode()
        case "fhir":
            from ionto_cli.export_fhir import fhir_text

            return fhir_text(export).encode()
        case _:
            from ionto_cli.export_edf import NoEdfError, edf_bytes

            try:
                return edf_bytes(export)
            except NoEdfError:
                advice = "install it: `pip install 'ionto[export]'`"
                return error(
                    "I0955", "EDF+ is written by the library edfio, which is not here", None, help=advice
                )
