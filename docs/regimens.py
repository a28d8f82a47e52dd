"""Writes the table of the published regimens: what each came to, and how close it comes to its limits."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import cast

import ionto_protocols
from ionto_cli.verdicts import margin_rows, overall, percent
from ionto_dsl.driver import compile_file
from ionto_ir.canonical import Json, digest
from ionto_ir.codec import plan_to_json
from ionto_ir.diagnostic import Severity
from ionto_ir.recheck.check import Standing
from ionto_ir.recheck.sealed import recheck_sealed
from ionto_verifier.certify import certificates_of
from ionto_verifier.driver import verify
from ionto_verifier.report import VerificationReport
from ionto_verifier.report_json import predicate

FOLDER = Path(ionto_protocols.__file__).parent / "regimens"
MARGINS_SHOWN = 3
PLAIN = ("ramp", "sessions", "voltage", "stop time")
"""Limits that nearly every file uses up by its choice of device and course: they would hide the others."""

HEAD = """# Published regimens

Forty-six regimens from papers, labels and makers' pages, written in the language with values only from what
was read of them: what is unknown is a parameter, or is said to be assumed (see the comments in each file).
Each is proved under the envelope that it chose, or refused for the reason that is given. **A proof says that
a file keeps its envelope; it does not say that a treatment is right.** The last column counts the
claims that the recheck derives again from the sealed plan, without a solver (see
[certificates](certificates.md)), and those that rest on a solver's word alone. Made by `make docs`; a test
holds it against the files.

| regimen | what it is | limits by | verdict | closest to its limits | derived again, solver's word |
| --- | --- | --- | --- | --- | --- |
"""


def table() -> str:
    """The page."""
    counted = Counter[Standing]()
    rows = "".join(_row(path, counted) for path in sorted(FOLDER.glob("*.ionto")))
    derived, word = counted[Standing.DERIVED], counted[Standing.SOLVER]
    whole = f"{derived} of {counted.total()} claims in all are derived again"
    return f"{HEAD}{rows}\n{whole}, {word} rest on a solver's word alone.\n"


def _row(path: Path, counted: Counter[Standing]) -> str:
    compilation = compile_file(str(path))
    name = f"[{path.stem}](../../protocols/ionto_protocols/regimens/{path.name})"
    if not compilation.ok:
        found = next(item for item in compilation.diagnostics if item.severity is Severity.ERROR)
        title = _title(path)
        return f"| {name} | {title} | | refused ({found.code}) | {found.message.replace('|', '/')} | |\n"
    [compiled] = compilation.plans
    report = verify(compiled.plan)
    plan = compiled.plan
    envelopes = ", ".join(item.name for item in plan.envelopes)
    rows = [row for row in margin_rows(report) if not row.limit.startswith(PLAIN)][:MARGINS_SHOWN]
    margins = "; ".join(f"{percent(row.share)} of {row.limit}" for row in rows)
    rests = _rests(report, counted)
    return f"| {name} | {plan.title} | {envelopes} | {overall(report)} | {margins} | {rests} |\n"


def _rests(report: VerificationReport, counted: Counter[Standing]) -> str:
    """What the claims of a proved plan rest on; nothing is sealed of any other."""
    if not report.proved:
        return ""
    written = plan_to_json(report.plan)
    certificates = cast("dict[str, Json]", certificates_of(report, digest(written)))
    found = recheck_sealed(
        report.plan, digest(written), cast("dict[str, Json]", predicate(report)), certificates
    )
    assert not isinstance(found, str) and not found.faults, found
    counted.update(item.standing for item in found.claims)
    return f"{found.count(Standing.DERIVED)} of {len(found.claims)}, {found.count(Standing.SOLVER)}"


def _title(path: Path) -> str:
    """The title of a file that does not compile."""
    for line in path.read_text(encoding="utf-8").splitlines():
        word, _, rest = line.strip().partition(" ")
        if word == "title":
            return rest.strip().strip('"')
    return ""
