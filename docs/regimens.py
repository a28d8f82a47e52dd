"""Writes the table of the published regimens: what each came to, and how close it comes to its limits."""

from __future__ import annotations

from pathlib import Path

import ionto_protocols
from ionto_cli.verdicts import margin_rows, overall, percent
from ionto_dsl.driver import compile_file
from ionto_ir.diagnostic import Severity
from ionto_verifier.driver import verify

FOLDER = Path(ionto_protocols.__file__).parent / "regimens"
MARGINS_SHOWN = 3
PLAIN = ("ramp", "sessions", "voltage", "stop time")
"""Limits that nearly every file uses up by its choice of device and course: they would hide the others."""

HEAD = """# Published regimens

Forty-six regimens from papers, labels and makers' pages, written in the language with values only from what
was read of them: what is unknown is a parameter, or is said to be assumed (see the comments in each file).
Each is proved under the envelope that it chose, or refused for the reason that is given. **A proof says that
a file keeps its envelope; it does not say that a treatment is right.** Made by `make docs`; a test holds it
against the files.

| regimen | what it is | limits by | verdict | closest to its limits |
| --- | --- | --- | --- | --- |
"""


def table() -> str:
    """The page."""
    paths = sorted(FOLDER.glob("*.ionto"))
    return HEAD + "".join(_row(path) for path in paths)


def _row(path: Path) -> str:
    compilation = compile_file(str(path))
    name = f"[{path.stem}](../../protocols/ionto_protocols/regimens/{path.name})"
    if not compilation.ok:
        found = next(item for item in compilation.diagnostics if item.severity is Severity.ERROR)
        title = _title(path)
        return f"| {name} | {title} | | refused ({found.code}) | {found.message.replace('|', '/')} |\n"
    [compiled] = compilation.plans
    report = verify(compiled.plan)
    plan = compiled.plan
    envelopes = ", ".join(item.name for item in plan.envelopes)
    rows = [row for row in margin_rows(report) if not row.limit.startswith(PLAIN)][:MARGINS_SHOWN]
    margins = "; ".join(f"{percent(row.share)} of {row.limit}" for row in rows)
    return f"| {name} | {plan.title} | {envelopes} | {overall(report)} | {margins} |\n"


def _title(path: Path) -> str:
    """The title of a file that does not compile."""
    for line in path.read_text(encoding="utf-8").splitlines():
        word, _, rest = line.strip().partition(" ")
        if word == "title":
            return rest.strip().strip('"')
    return ""
