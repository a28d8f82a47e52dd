"""`ionto verify`: every property of every protocol in the files, with margins or counterexamples."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from ionto_cli.exits import Exit, gravest
from ionto_cli.loading import announce_devices, compile_all
from ionto_cli.terminal import complain, paint, say
from ionto_cli.verdicts import counted_verdicts, margin_lines, margin_rows, overall, stage_counts
from ionto_dsl.compilation import Compilation
from ionto_ir.dataclass import dataclass
from ionto_ir.diagnostic import Diagnostic, Severity
from ionto_ir.source import SourceFile
from ionto_verifier.driver import verify
from ionto_verifier.report import VerificationReport

if TYPE_CHECKING:
    from ionto_cli.junit import Suite

Machine = dict[str, Any]
"""The machine's theorem as it stands in the JSON output."""

MARGINS_SHOWN = 6
"""The closest margins are what a reader looks for; `--margins` shows all."""

COLOURS = {"proved": "green", "refuted": "red", "vacuous": "yellow", "undecided": "yellow"}


@dataclass(frozen=True, slots=True)
class Judged:
    """A file with what came of it."""

    name: str
    compilation: Compilation
    sources: Mapping[str, SourceFile]
    reports: tuple[VerificationReport, ...]

    @property
    def diagnostics(self) -> tuple[Diagnostic, ...]:
        """All that was found in the file, by compiler and verifier."""
        return (
            *self.compilation.diagnostics,
            *(item for report in self.reports for item in report.diagnostics),
        )

    @property
    def exit(self) -> Exit:
        """What the file came to."""
        if not self.compilation.ok:
            return Exit.SOURCE
        return gravest([Exit(report.exit_code) for report in self.reports])


def run(arguments: argparse.Namespace) -> Exit:
    """Verify each file; the gravest outcome decides the exit code."""
    judged = []
    many = len(arguments.files) > 1 and sys.stderr.isatty()
    for number, name in enumerate(arguments.files):
        if many:
            sys.stderr.write(f"\r\x1b[K{number + 1} of {len(arguments.files)}: {name}")
        compilation, sources = compile_all(name, arguments)
        reports = tuple(verify(compiled.plan) for compiled in compilation.plans) if compilation.ok else ()
        if many:
            sys.stderr.write("\r\x1b[K")
        judged.append(Judged(name, compilation, sources, reports))
        if not arguments.json:
            _tell(judged[-1], everything=arguments.margins)
    exits = [item.exit for item in judged]
    machine = _machine() if arguments.machine else None
    if machine is not None:
        exits.append(Exit.PROVED if machine["finding"] == "proved" else Exit.DISAGREEMENT)
    exits.append(_write_files(arguments, judged))
    if arguments.json:
        _write_json(judged, machine)
    elif machine is not None:
        _tell_machine(machine)
    return gravest(exits)


def _tell(item: Judged, *, everything: bool) -> None:
    announce_devices(item.compilation)
    if not item.compilation.plans and item.compilation.ok:
        complain(*item.compilation.diagnostics, files=item.sources)
        say(f"{item.name}: no protocol in it; nothing to prove")
        return
    complain(*item.diagnostics, files=item.sources)
    for report in item.reports:
        plan = report.plan
        word = overall(report)
        headline = f"{plan.name} {plan.version} on {plan.device.name}: "
        say(paint(headline, "bold") + paint(word, COLOURS.get(word, "red")))
        claims = ", ".join(f"{count} {name}" for name, count in counted_verdicts(report).items())
        stages = ", ".join(f"{count} by {name}" for name, count in stage_counts(report).items())
        say(f"  claims: {claims}; questions settled: {stages}")
        rows = margin_rows(report)
        shown = rows if everything else rows[:MARGINS_SHOWN]
        for line in margin_lines(shown):
            say(line)
        if len(shown) < len(rows):
            say(f"  and {len(rows) - len(shown)} wider margins (`--margins` shows all)")
        say(f"  under {len(report.assumptions)} assumptions, which `ionto report` and `--json` list")


def _machine() -> Machine:
    """The theorem of the machine, proved anew."""
    from ionto_verifier.machine_proof import prove_machine

    theorem = prove_machine()
    return {
        "finding": theorem.finding.value,
        "solver": theorem.solver,
        "claims": list(theorem.claims),
        "queries": [
            {
                "conclusion": query.conclusion,
                "steps": [{"step": step, "mode": mode.name.lower()} for step, mode in query.steps],
                "finding": query.finding.value,
                "core": list(query.core),
            }
            for query in theorem.queries
        ],
        "assumptions": list(theorem.assumptions),
    }


def _tell_machine(machine: Machine) -> None:
    finding = str(machine["finding"])
    headline = f"the machine, for all plans ({len(machine['queries'])} queries, {machine['solver']}): "
    say(paint(headline, "bold") + paint(finding, COLOURS[finding]))
    for claim in machine["claims"]:
        say(f"  {claim}")
    for conclusion in sorted({query["conclusion"] for query in machine["queries"]}):
        asked = [query for query in machine["queries"] if query["conclusion"] == conclusion]
        words = sorted({query["finding"] for query in asked} - {"proved"}) or ["proved"]
        steps = sum(len(query["steps"]) for query in asked)
        say(f"  {', '.join(words):<9} {conclusion}: {len(asked)} queries, {steps} steps of the induction")
    for text in machine["assumptions"]:
        say(f"  assumed: {text}")


def _write_json(judged: list[Judged], machine: Machine | None) -> None:
    from ionto_cli.terminal import write_json
    from ionto_ir.render import diagnostic_data
    from ionto_verifier.report_json import report_to_json

    files = [
        {
            "file": item.name,
            "exit": int(item.exit),
            "diagnostics": [diagnostic_data(found) for found in item.compilation.diagnostics],
            "reports": [report_to_json(report) for report in item.reports],
        }
        for item in judged
    ]
    write_json({"schema": "ionto.verify.run/1", "files": files, "machine": machine})


def _write_files(arguments: argparse.Namespace, judged: list[Judged]) -> Exit:
    """The files that CI reads beside the exit code."""
    written: list[tuple[str, bytes]] = []
    if arguments.sarif:
        import json

        from ionto_cli.sarif import sarif
        from ionto_cli.version import version

        findings = [found for item in judged for found in item.diagnostics]
        written.append((arguments.sarif, json.dumps(sarif(findings, version()), indent=2).encode() + b"\n"))
    if arguments.junit:
        from ionto_cli.junit import junit

        suites = [suite for item in judged for suite in _suites(item)]
        written.append((arguments.junit, junit(suites)))
    return gravest([_write(path, data) for path, data in written])


def _write(name: str, data: bytes) -> Exit:
    from pathlib import Path

    from ionto_cli.files import system_words, write_whole
    from ionto_ir.diagnostic import error

    try:
        write_whole(Path(name), data)
    except OSError as problem:
        return complain(error("I0904", f"cannot write `{name}`: {system_words(problem)}", None))
    return Exit.PROVED


def _suites(item: Judged) -> list[Suite]:
    from ionto_cli.junit import Case, Suite
    from ionto_verifier.report import verdict_name

    if not item.compilation.ok:
        errors = [found for found in item.compilation.diagnostics if found.severity is Severity.ERROR]
        return [Suite(item.name, [Case(f"{found.code}", "error", found.message) for found in errors])]
    suites = []
    for report in item.reports:
        cases = []
        for finding in report.findings:
            word = verdict_name(finding.verdict)
            failed = word != "proved" and not finding.claim.soft
            message = (finding.reason or f"{word}: {finding.claim.statement}") if failed else None
            cases.append(Case(f"{finding.claim.id}: {finding.claim.statement}", word, message))
        suites.append(Suite(f"{report.plan.name} on {report.plan.device.name}", cases))
    return suites
