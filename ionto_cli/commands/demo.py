"""`ionto demo`: the main job from end to end on a shipped protocol, then the same protocol made unsafe."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Callable
from pathlib import Path

from ionto_cli import arguments as command_line
from ionto_cli.exits import Exit
from ionto_cli.files import system_words, write_whole
from ionto_cli.terminal import complain, paint, say
from ionto_dsl.driver import shipped
from ionto_ir.diagnostic import error

TREATMENT = "plantar_fasciitis_dexamethasone"
SAFE, UNSAFE = "ramp to current over 30 s", "ramp to current over 5 s"
DAY = ["current=2 mA", "prescribed=40 mA.min", "skin=none", "pain=3"]
ACCELERATION = 240
"""A session of twenty minutes in five seconds: quick, and slow enough to be watched."""


def run(arguments: argparse.Namespace) -> Exit:
    """Each step is an ordinary command, shown as one could type it."""
    folder = Path(arguments.folder)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        source = Path(shipped().root) / "treatments" / f"{TREATMENT}.ionto"
        text = source.read_text(encoding="utf-8")
        write_whole(folder / f"{TREATMENT}.ionto", text.encode())
        assert SAFE in text, "the shipped protocol has the line that the demonstration changes"
        write_whole(folder / "too_steep.ionto", text.replace(SAFE, UNSAFE).encode())
    except OSError as problem:
        return complain(error("I0904", f"cannot write into `{folder}`: {system_words(problem)}", None))
    before = Path.cwd()
    os.chdir(folder)
    # The demonstration brings its own key and trusts nobody else's.
    os.environ["IONTO_HOME"] = str(Path("settings").absolute())
    try:
        return _steps(folder)
    finally:
        os.chdir(before)


def _steps(folder: Path) -> Exit:
    protocol = f"{TREATMENT}.ionto"
    _heading("1. Prove the protocol, for all values, patients and interruptions")
    if _do(["verify", protocol]) is not Exit.PROVED:
        return Exit.DISAGREEMENT
    _heading("2. Run the tests that stand in it")
    _do(["test", protocol])
    _heading("3. Compile it to a sealed plan")
    if not any(Path("settings").glob("keys/*")):
        _do(["keys", "new", "--owner", "demonstration"])
    if _do(["compile", protocol, "--output", "heel.plan.json"]) is not Exit.PROVED:
        return Exit.DISAGREEMENT
    _heading(f"4. Run the plan on simulated hardware, {ACCELERATION} times as fast as on a patient")
    ran = _run_plan()
    if ran is not Exit.PROVED:
        return ran
    _heading("5. Look at it")
    journal = max(Path("records").glob("*.journal"), key=lambda path: path.stat().st_mtime)
    _do(["plot", protocol, "--output", "heel"])
    _do(["report", protocol, "--output", "report.html", "--journal", str(journal)])
    _heading(f"6. Change one number: `{SAFE}` becomes `{UNSAFE}`")
    refuted = _do(["verify", "too_steep.ionto"])
    _do(["report", "too_steep.ionto", "--output", "too_steep.html"])
    if refuted is not Exit.REFUTED:
        return Exit.DISAGREEMENT
    _heading("Done")
    say(f"The refuted protocol exits with {int(refuted)}, as CI would see it. Look at:")
    for name in ("report.html", "heel.png", "too_steep.html"):
        say(f"  {folder / name}")
    return Exit.PROVED


def _run_plan() -> Exit:
    given = [part for item in DAY for part in ("--set", item)]
    answers = [part for name in _questions() for part in ("--set", f"{name}=no")]
    options = ["--accelerate", str(ACCELERATION), "--patient", _token(), "--yes", "--plain"]
    return _do(
        ["run", "heel.plan.json", *options, *given, *answers], shown=["run", "heel.plan.json", *options]
    )


def _questions() -> list[str]:
    """The yes/no questions of the demonstrated protocol, all answered with no."""
    from ionto_dsl.driver import compile_file
    from ionto_ir.plan import VariableKind

    plan = compile_file(f"{TREATMENT}.ionto").plans[0].plan
    return [item.name for item in plan.variables if item.kind is VariableKind.ANSWER]


def _token() -> str:
    """A new patient each time: the same one may be treated only once a day, also by a demonstration."""
    from secrets import token_hex

    return f"demo-{token_hex(3)}"


def _heading(text: str) -> None:
    say()
    say(paint(text, "bold"))


def _do(words: list[str], shown: list[str] | None = None) -> Exit:
    """Carry out a command as if it had been typed, and show what was typed."""
    from importlib import import_module

    say(paint("$ ionto " + " ".join(shown or words), "soft"))
    sys.stdout.flush()
    parsed = command_line.build().parse_args(words)
    command: Callable[[argparse.Namespace], int] = import_module(f"ionto_cli.commands.{words[0]}").run
    outcome = Exit(command(parsed))
    sys.stdout.flush()
    return outcome
