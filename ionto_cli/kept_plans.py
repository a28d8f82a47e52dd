"""Plans beside the journals of their sessions: a record that needs nobody else to be read and replayed.

A plan is kept under its own digest, so that it is kept once, cannot be taken for another, and needs no trust.
"""

from __future__ import annotations

from pathlib import Path

from ionto_cli.files import system_words, write_whole
from ionto_ir.canonical import JsonProblem, canonical, digest, read_json
from ionto_ir.codec import plan_from_json, plan_to_json
from ionto_ir.diagnostic import Diagnostic, error
from ionto_ir.plan import Plan
from ionto_ir.seal import SEALED_BYTES_MAX

FOLDER_NAME = "plans"


def keep_plan(records: Path, plan: Plan) -> Diagnostic | None:
    """Put a plan beside the journals, unless it is there already."""
    data = canonical(plan_to_json(plan))
    path = records / FOLDER_NAME / f"{digest(plan_to_json(plan))}.json"
    try:
        if path.exists() and path.read_bytes() == data:
            return None
        path.parent.mkdir(exist_ok=True)
        write_whole(path, data)
    except OSError as problem:
        return error("I0904", f"cannot keep the plan in `{path.parent}`: {system_words(problem)}", None)
    return None


def kept_plan(records: Path, sha256: str) -> Plan | tuple[Diagnostic, ...]:
    """The plan of a session, from beside its journal (I0904, I0910, or what is wrong with it)."""
    path = records / FOLDER_NAME / f"{sha256}.json"
    try:
        with path.open("rb") as file:
            data = file.read(SEALED_BYTES_MAX + 1)
    except OSError as problem:
        advice = "name the sealed plan with `--plan`"
        text = f"the plan of the journal is not at `{path}`: {system_words(problem)}"
        return (error("I0904", text, None, help=advice),)
    read = read_json(data)
    if isinstance(read, JsonProblem) or digest(read) != sha256:
        text = f"`{path}` is not the plan that its name says"
        return (error("I0910", text, None, help="name the sealed plan with `--plan`"),)
    return plan_from_json(read, str(path))
