"""One file: compiled, verified, and told as plain data. This part of `ionto verify` loads the prover."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable, Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING

from ionto_cli.exits import Exit, gravest
from ionto_cli.loading import announce_devices
from ionto_cli.outcome import Case, Judged, Outcome, Request, Suite
from ionto_cli.states import UNREADABLE, state_of
from ionto_cli.terminal import complain, paint, recorded, say
from ionto_cli.tool_state import PACKAGES, SOLVER, folder_of
from ionto_cli.verdicts import counted_verdicts, margin_lines, margin_rows, overall, stage_counts
from ionto_dsl.compilation import Compilation
from ionto_dsl.driver import Disk, Folder, compile_file, shipped
from ionto_ir.dataclass import dataclass, field
from ionto_ir.diagnostic import Diagnostic, Severity
from ionto_ir.source import SourceFile
from ionto_ir.wording import envelope_text
from ionto_verifier.driver import Options, verify
from ionto_verifier.report import VerificationReport, verdict_name
from ionto_verifier.rests import rests_text

if TYPE_CHECKING:
    from ionto_verifier.cross_check import CrossCheck
    from ionto_verifier.second_solver import SecondSolver

MARGINS_SHOWN = 6
"""The closest margins are what a reader looks for; `--margins` shows all."""

COLOURS = {"proved": "green", "refuted": "red", "vacuous": "yellow", "undecided": "yellow"}
SETTLED = frozenset({"proved", "refuted"})


@dataclass(frozen=True, slots=True)
class Verified:
    """A file with all that was found out about it."""

    name: str
    compilation: Compilation
    reports: tuple[VerificationReport, ...]
    opinions: tuple[CrossCheck, ...]

    @property
    def sources(self) -> Mapping[str, SourceFile]:
        """The sources that messages point into."""
        return {source.name: source for source in self.compilation.files}

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

    @property
    def settled(self) -> bool:
        """Whether every claim, soft ones too, is proved or refuted, and nothing else is wrong."""
        words = {verdict_name(finding.verdict) for report in self.reports for finding in report.findings}
        return self.exit in (Exit.PROVED, Exit.REFUTED) and bool(words) and words <= SETTLED


@dataclass(frozen=True, slots=True)
class Recording:
    """A folder that remembers what was looked for and in which state it was.

    `doubts` are paths that were no source or were seen in two states; and the folder itself (""), when it was
    listed. The shipped library may be listed: the names of its files are part of the state of the tool.
    """

    inner: Folder
    may_be_listed: bool
    states: dict[str, str] = field(default_factory=dict)
    doubts: list[str] = field(default_factory=list)

    def read(self, path: str) -> bytes | str | None:
        """What the folder gives, noted down."""
        content = self.inner.read(path)
        state = state_of(content)
        if state == UNREADABLE or self.states.setdefault(path, state) != state:
            self.doubts.append(path)
        return content

    def paths(self) -> Iterable[str]:
        """What the folder gives, noted down."""
        if not self.may_be_listed:
            self.doubts.append("")
        return self.inner.paths()


def judge(request: Request, solver: SecondSolver | None = None) -> Judged:
    """Compile, verify, and tell; nothing is written to any stream or file."""
    local, library = Recording(Disk(""), False), Recording(shipped(), True)
    compilation = compile_file(
        request.file, request.device, folder=local, library=library, protocol=request.protocol
    )
    options = Options(sources={source.name: source for source in compilation.files})
    plans = compilation.plans if compilation.ok else ()
    reports = tuple(verify(compiled.plan, options) for compiled in plans)
    opinions: tuple[CrossCheck, ...] = ()
    if solver is not None:
        from ionto_cli.second_opinions import opinions_on

        opinions = opinions_on(reports, solver)
    item = Verified(request.file, compilation, reports, opinions)
    certain = solver is None and not local.doubts and not library.doubts
    return Judged(
        _outcome(request, item), local.states, library.states, certain and item.settled and tool_is_known()
    )


def tool_is_known() -> bool:
    """Whether what was loaded for the proof is what the state of the tool speaks of.

    Packages can be imported from elsewhere than from where they would be looked for, and a solver that does
    not load is replaced by the system's.
    """
    for package in PACKAGES:
        module = sys.modules.get(package)
        file = None if module is None else module.__file__
        if module is not None and (file is None or os.path.dirname(file) != folder_of(package)):
            return False
    if "ionto_verifier.smt" not in sys.modules:
        return True  # nothing needed the solver
    from ionto_verifier import smt

    if not smt.is_loaded():
        return True
    used, folder = smt.library(), folder_of(SOLVER)
    return used is not None and folder is not None and used.startswith(folder + os.sep)


def _outcome(request: Request, item: Verified) -> Outcome:
    tell = partial(_tell, item, everything=request.margins, counterexamples=request.counterexamples)
    return Outcome(
        request.file,
        item.exit,
        () if request.json else recorded(tell, request.paints),
        _data(item) if request.json else "",
        _findings(item.diagnostics) if request.sarif else "",
        tuple(_suites(item)) if request.junit else (),
    )


def _tell(item: Verified, *, everything: bool, counterexamples: bool) -> None:
    announce_devices(item.compilation)
    if not item.compilation.plans and item.compilation.ok:
        complain(*item.compilation.diagnostics, files=item.sources)
        say(f"{item.name}: no protocol in it; nothing to prove")
        return
    complain(*item.diagnostics, files=item.sources)
    for number, report in enumerate(item.reports):
        _tell_report(report, everything=everything)
        if item.opinions:
            from ionto_cli.second_opinions import tell_opinion

            tell_opinion(item.opinions[number])
        say(f"  {rests_text(report)}")
        say(f"  under {len(report.assumptions)} assumptions, which `ionto report` and `--json` list")
        _show(report, counterexamples=counterexamples)


def _tell_report(report: VerificationReport, *, everything: bool) -> None:
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


def _show(report: VerificationReport, *, counterexamples: bool) -> None:
    """The counterexamples, or a line that says how to see them."""
    if all(finding.counterexample is None or finding.claim.soft for finding in report.findings):
        return
    if not counterexamples:
        say("  `--show` draws each counterexample and gives a test to paste")
        return
    from ionto_cli.failure_words import failure_lines

    for line in failure_lines(report):
        say(line)


def _data(item: Verified) -> str:
    import json

    from ionto_ir.render import diagnostic_data
    from ionto_verifier.report_json import report_to_json

    opinions: list[dict[str, object]] = []
    if item.opinions:
        from ionto_cli.second_opinions import opinion_data

        opinions = [opinion_data(opinion) for opinion in item.opinions]
    found = {
        "file": item.name,
        "exit": int(item.exit),
        "diagnostics": [diagnostic_data(found) for found in item.compilation.diagnostics],
        "reports": [report_to_json(report) for report in item.reports],
        "opinions": opinions,
    }
    return json.dumps(found, ensure_ascii=False)


def _findings(diagnostics: Sequence[Diagnostic]) -> str:
    import json

    from ionto_cli.sarif import sarif_result

    return json.dumps([sarif_result(found) for found in diagnostics])


def _suites(item: Verified) -> list[Suite]:
    if not item.compilation.ok:
        errors = [found for found in item.compilation.diagnostics if found.severity is Severity.ERROR]
        return [Suite(item.name, tuple(Case(f"{found.code}", "error", found.message) for found in errors))]
    suites = []
    for report in item.reports:
        cases = []
        for finding in report.findings:
            word = verdict_name(finding.verdict)
            failed = word != "proved" and not finding.claim.soft
            message = (finding.reason or f"{word}: {finding.claim.statement}") if failed else None
            cases.append(Case(f"{finding.claim.id}: {finding.claim.statement}", word, message))
        suites.append(Suite(f"{report.plan.name} on {report.plan.device.name}", tuple(cases)))
    return suites
