"""Writes the pages of the manual that follow from the code (`make docs`); a test holds them against it."""

from __future__ import annotations

import argparse
import ast
import json
from pathlib import Path

from docs.ionlink import ionlink_tables
from docs.regimens import table
from docs.requirements import NOTES, REQUIREMENTS
from ionto_cli import arguments
from ionto_cli.verify_schema import verify_run_schema
from ionto_ir.codec_schema import plan_schema, scenario_schema
from ionto_ir.codes import CODES
from ionto_ir.diagram import mermaid
from ionto_ir.machine import TABLE
from ionto_ir.machine_table import ENDING_TEXTS, Case, Output
from ionto_runtime.link.c_header import c_header
from ionto_verifier.report_json import verify_schema

DOCS = Path(__file__).resolve().parent
REFERENCE = DOCS / "reference"
SAFETY = DOCS / "safety"
RESULTS = SAFETY / "requirements.results.json"
FIRMWARE = DOCS.parent / "firmware"

FAMILIES = {
    "I00": "Our own bugs",
    "I01": "Syntax",
    "I02": "Names",
    "I03": "Types and dimensions",
    "I04": "Structure",
    "I05": "Lints",
    "I06": "Refuted",
    "I07": "Vacuous or undecided",
    "I08": "Sealed plans and keys",
    "I09": "Usage, devices and the values of a session",
}


def pages() -> dict[Path, str]:
    """The text of every generated page, by where it lies."""
    return {
        REFERENCE / "commands.md": _commands(),
        REFERENCE / "regimens.md": table(),
        REFERENCE / "errors.md": _errors(),
        REFERENCE / "machine.md": _machine(),
        REFERENCE / "plan.schema.json": _json(plan_schema()),
        REFERENCE / "scenario.schema.json": _json(scenario_schema()),
        REFERENCE / "verify.schema.json": _json(verify_schema()),
        REFERENCE / "verify-run.schema.json": _json(verify_run_schema()),
        REFERENCE / "ionlink-bytes.md": ionlink_tables(),
        SAFETY / "requirements.md": _requirements(),
        FIRMWARE / "ionlink_schema.h": c_header(),
    }


def requirement_tests() -> dict[str, list[str]]:
    """The tests that inject the fault of each requirement: `path::name`, by requirement.

    The long campaigns of `make soak` are left out, as `make requirements` leaves them out.
    """
    found: dict[str, list[str]] = {}
    for path in sorted((DOCS.parent / "tests").rglob("test_*.py")):
        module = ast.parse(path.read_text(encoding="utf-8"))
        of_all = _requirements_of_all(module)
        for node in ast.walk(module):
            if not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) or not node.name.startswith(
                "test_"
            ):
                continue
            if any(ast.unparse(mark) == "pytest.mark.soak" for mark in node.decorator_list):
                continue
            for name in dict.fromkeys([*_requirements_of(node), *of_all]):
                found.setdefault(name, []).append(f"{path.relative_to(DOCS.parent).as_posix()}::{node.name}")
    return found


def _requirements_of_all(module: ast.Module) -> list[str]:
    """What a module says of all of its tests, by `pytestmark`."""
    return [
        str(argument.value)
        for line in module.body
        if isinstance(line, ast.Assign) and ast.unparse(line.targets[0]) == "pytestmark"
        for mark in ast.walk(line.value)
        if isinstance(mark, ast.Call) and ast.unparse(mark.func) == "pytest.mark.requirement"
        for argument in mark.args
        if isinstance(argument, ast.Constant)
    ]


def _requirements_of(test: ast.FunctionDef | ast.AsyncFunctionDef) -> list[str]:
    """What its `@pytest.mark.requirement("Rn")` lines name, in order and once."""
    names = [
        str(argument.value)
        for mark in test.decorator_list
        if isinstance(mark, ast.Call) and ast.unparse(mark.func) == "pytest.mark.requirement"
        for argument in mark.args
        if isinstance(argument, ast.Constant)
    ]
    return list(dict.fromkeys(names))


def _requirements() -> str:
    """The table of requirements with their tests, and what came of these when they were last recorded."""
    tests, results = requirement_tests(), json.loads(RESULTS.read_text(encoding="utf-8"))
    lines = [
        "# Requirements of the runtime",
        "",
        "What the runtime must do, and the tests that inject what would go wrong. Made by `make docs`; the",
        f"results are those of `make requirements` on {results['date']}.",
        "",
        "| | requirement | tests | last result |",
        "| --- | --- | --- | --- |",
    ]
    for number, text in REQUIREMENTS.items():
        names = tests.get(number, [])
        shown = "<br>".join(f"[{_title(name)}](../../{name.partition('::')[0]})" for name in names)
        note = f"<br>*{NOTES[number]}*" if number in NOTES else ""
        lines.append(
            f"| {number} | {text}{note} | {shown or '*none yet*'} | {_result(names, results['tests'])} |"
        )
    return "\n".join(lines) + "\n"


def _title(name: str) -> str:
    return name.partition("::")[2].removeprefix("test_").replace("_", " ")


def _result(names: list[str], results: dict[str, str]) -> str:
    """The worst of what the tests came to."""
    outcomes = {results.get(name, "not run") for name in names} or {"not run"}
    return next(word for word in ("failed", "not run", "skipped", "passed") if word in outcomes)


def _json(value: object) -> str:
    return json.dumps(value, indent=2, ensure_ascii=False) + "\n"


def _machine() -> str:
    lines = [
        "# The machine",
        "",
        "Drawn from the table that the executor runs and the prover proves. Made by `make docs`.",
    ]
    lines += [
        "",
        "```mermaid",
        *mermaid(TABLE),
        "```",
        "",
        "| in | on | case | leads to | and |",
        "|" + " --- |" * 5,
    ]
    for row in TABLE:
        modes = ", ".join(mode.name.lower() for mode in row.modes)
        for case in row.cases:
            if case.name.endswith(".nothing"):
                continue
            target = "" if case.target is None else case.target.name.lower()
            cells = [modes, row.event.name.lower(), f"`{case.name}`", target, "; ".join(_effects(case))]
            lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines) + "\n"


def _effects(case: Case) -> list[str]:
    said = []
    if case.output is Output.SET:
        said.append("sets the current")
    if case.output is Output.OFF:
        said.append("opens the output")
    if case.alarm is not None:
        said.append(f"alarm {case.alarm}")
    if case.ending is not None:
        said.append(
            "ends as decided" if case.ending not in ENDING_TEXTS else f"ends: {ENDING_TEXTS[case.ending]}"
        )
    if case.refusal is not None:
        said.append(f"refused: {case.refusal}")
    return said


def _errors() -> str:
    lines = ["# Messages", "", "Each has a page, which `ionto explain CODE` shows too. Made by `make docs`."]
    for family, about in FAMILIES.items():
        lines += ["", f"## {about}", "", "| code | what it says |", "| --- | --- |"]
        lines += [
            f"| [{code}](../../ionto_ir/pages/{code}.md) | {meaning} |"
            for code, meaning in sorted(CODES.items())
            if code.startswith(family)
        ]
    return "\n".join(lines) + "\n"


def _commands() -> str:
    lines = [
        "# Commands",
        "",
        "What each command takes; `ionto COMMAND --help` says the same. Made by `make docs`.",
    ]
    commands = next(
        action for action in arguments.build()._actions if isinstance(action, argparse._SubParsersAction)
    )
    for name, command in commands.choices.items():
        lines += ["", f"## ionto {name}", "", command.description, ""]
        lines += [
            f"- {_spelling(action)}: {action.help}" for action in command._actions if action.dest != "help"
        ]
        lines += ["", "```", *(command.epilog or "").removeprefix("example: ").split("\n"), "```"]
    return "\n".join(line.rstrip() for line in lines) + "\n"


def _spelling(action: argparse.Action) -> str:
    """How an argument is written; not taken from argparse, whose layout differs between versions."""
    names = action.option_strings or [str(action.metavar or action.dest)]
    value = f" {action.metavar or action.dest.upper()}" if action.option_strings and action.nargs != 0 else ""
    return ", ".join(f"`{name}{value}`" for name in names)


def main() -> None:
    """Write every page."""
    for path, text in pages().items():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
        print(path.relative_to(DOCS.parent))


if __name__ == "__main__":
    main()
