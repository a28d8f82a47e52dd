"""`ionto verify`: every property of every protocol in the files, with margins or counterexamples."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Mapping
from contextlib import ExitStack
from typing import TYPE_CHECKING, Any

from ionto_cli.exits import Exit, gravest
from ionto_cli.loading import announce_devices, compile_all
from ionto_cli.terminal import complain, paint, say
from ionto_cli.verdicts import counted_verdicts, margin_lines, margin_rows, overall, stage_counts
from ionto_dsl.compilation import Compilation
from ionto_ir.dataclass import dataclass
from ionto_ir.diagnostic import Diagnostic, Severity
from ionto_ir.source import SourceFile
from ionto_ir.wording import envelope_text
from ionto_verifier.driver import verify
from ionto_verifier.report import VerificationReport
from ionto_verifier.rests import rests_text

if TYPE_CHECKING:
    from ionto_cli.junit import Suite
    from ionto_verifier.cross_check import CrossCheck
    from ionto_verifier.second_solver import SecondSolver

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
    opinions: tuple[CrossCheck, ...] = ()

    @property
    def diagnostics(self) -> tuple[Diagnostic, ...]:
        """All that was found in the file, by compiler and verifier."""
        return (
            *self.compilation.diagnostics,
            *(item for report in self.reports for item in report.diagnostics),
            *self.contradictions,
        )

    @property
    def contradictions(self) -> tuple[Diagnostic, ...]:
        """Where the second solver says otherwise."""
        if not self.opinions:
            return ()
        from ionto_cli.second_opinions import contradictions

        pairs = zip(self.reports, self.opinions, strict=True)
        return tuple(found for report, opinion in pairs for found in contradictions(report, opinion))

    @property
    def exit(self) -> Exit:
        """What the file came to."""
        if not self.compilation.ok:
            return Exit.SOURCE
        contradicted = [Exit.DISAGREEMENT] if self.contradictions else []
        return gravest([Exit(report.exit_code) for report in self.reports] + contradicted)


def run(arguments: argparse.Namespace) -> Exit:
    """Verify each file; the gravest outcome decides the exit code."""
    with ExitStack() as stack:
        solver = None
        if arguments.cross_check:
            from ionto_cli.second_opinions import missing
            from ionto_verifier.second_solver import SecondSolver

            lacking = missing()
            if lacking is not None:
                return complain(lacking)
            solver = stack.enter_context(SecondSolver())
        judged = _judged(arguments, solver)
        exits = [item.exit for item in judged]
        machine = None
        if arguments.machine or arguments.queries is not None:
            from ionto_cli.machine_shown import machine_shown

            machine, outcome = machine_shown(arguments.queries, solver, quiet=arguments.json)
            exits.append(outcome)
    exits.append(_write_files(arguments, judged))
    if arguments.json:
        _write_json(judged, machine)
    return gravest(exits)


def _judged(arguments: argparse.Namespace, solver: SecondSolver | None) -> list[Judged]:
    """Each file with its reports and second opinions; told as soon as it is there."""
    judged = []
    many = len(arguments.files) > 1 and sys.stderr.isatty()
    for number, name in enumerate(arguments.files):
        if many:
            sys.stderr.write(f"\r\x1b[K{number + 1} of {len(arguments.files)}: {name}")
        compilation, sources = compile_all(name, arguments)
        reports = tuple(verify(compiled.plan) for compiled in compilation.plans) if compilation.ok else ()
        if many:
            sys.stderr.write("\r\x1b[K")
        opinions: tuple[CrossCheck, ...] = ()
        if solver is not None:
            from ionto_cli.second_opinions import opinions_on

            opinions = opinions_on(reports, solver)
        judged.append(Judged(name, compilation, sources, reports, opinions))
        if not arguments.json:
            _tell(judged[-1], everything=arguments.margins)
    return judged


def _tell(item: Judged, *, everything: bool) -> None:
    announce_devices(item.compilation)
    if not item.compilation.plans and item.compilation.ok:
        complain(*item.compilation.diagnostics, files=item.sources)
        say(f"{item.name}: no protocol in it; nothing to prove")
        return
    complain(*item.diagnostics, files=item.sources)
    for number, report in enumerate(item.reports):
        plan = report.plan
        word = overall(report)
        headline = f"{plan.name} {plan.version} on {plan.device.name}: "
        say(paint(headline, "bold") + paint(word, COLOURS.get(word, "red")))
        for envelope in plan.envelopes:
            say(f"  limits by {envelope_text(envelope)}")
        claims = ", ".join(f"{count} {name}" for name, count in counted_verdicts(report).items())
        stages = ", ".join(f"{count} by {name}" for name, count in stage_counts(report).items())
        say(f"  claims: {claims}; questions settled: {stages}")
        rows = margin_rows(report)
        shown = rows if everything else rows[:MARGINS_SHOWN]
        for line in margin_lines(shown):
            say(line)
        if len(shown) < len(rows):
            say(f"  and {len(rows) - len(shown)} wider margins (`--margins` shows all)")
        if item.opinions:
            from ionto_cli.second_opinions import tell_opinion

            tell_opinion(item.opinions[number])
        say(f"  {rests_text(report)}")
        say(f"  under {len(report.assumptions)} assumptions, which `ionto report` and `--json` list")


def _opinions(item: Judged) -> list[dict[str, object]]:
    """What the second solver says of each report; empty when it was not asked."""
    if not item.opinions:
        return []
    from ionto_cli.second_opinions import opinion_data

    return [opinion_data(opinion) for opinion in item.opinions]


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
            "opinions": _opinions(item),
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
