"""What is said of one test of the corpus: by the front end and, among the verdicts, by the verifier too."""

from __future__ import annotations

from collections.abc import Mapping

from ionto_dsl.compilation import CompiledProtocol
from ionto_dsl.driver import Memory, compile_file
from ionto_ir.render import Files, render_all
from ionto_verifier.driver import verify
from ionto_verifier.report import summary_lines
from tests.corpus_format import MAIN_FILE

NOTHING = "nothing to say"


def run_case(files: Mapping[str, str], *, judged: bool) -> str:
    """Compile the file under test beside its neighbours; with `judged`, verify what came of it too.

    The text is what a person reads, without colours, so that the corpus also holds the messages.
    """
    folder = Memory({f"{name}.ionto": text for name, text in files.items()})
    compilation = compile_file(f"{MAIN_FILE}.ionto", folder=folder)
    sources = {file.name: file for file in compilation.files}
    said = [render_all(compilation.diagnostics, sources, colour=False)] if compilation.diagnostics else []
    if judged:
        said += [_judgement(compiled, sources) for compiled in compilation.plans]
    return "\n\n".join(said) or NOTHING


def _judgement(compiled: CompiledProtocol, sources: Files) -> str:
    report = verify(compiled.plan)
    outcome = report.outcome.name.lower().replace("_", " ")
    lines = [f"{compiled.name} on {compiled.plan.device.name}: {outcome}"]
    lines += [f"  {line}" for line in summary_lines(report)]
    if report.diagnostics:
        lines += ["", render_all(report.diagnostics, sources, colour=False)]
    return "\n".join(lines)
