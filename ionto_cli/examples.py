"""Counterexamples for a page: what was found, what happened when it was replayed, and a test to paste."""

from __future__ import annotations

from ionto_cli.drawing import picture_of
from ionto_cli.page import Example
from ionto_cli.picture import Mark, Picture
from ionto_cli.words import Sources
from ionto_ir.bind import Refusal
from ionto_ir.channels import step_at
from ionto_ir.plan import Plan
from ionto_ir.rehearse import rehearse
from ionto_ir.trace import setpoint_at
from ionto_verifier.counterexample import Counterexample
from ionto_verifier.report import VerificationReport

NA_PER_MA = 1e6
MS_PER_S = 1e3


def examples_of(report: VerificationReport, sources: Sources) -> list[Example]:
    """One for each refuted claim, with the replay drawn where there is something to draw."""
    messages = {item.primary.span: item.message for item in report.diagnostics if item.primary is not None}
    examples = []
    for finding in report.findings:
        found = finding.counterexample
        if found is None or finding.claim.soft:
            continue
        told = [f"{name} = {value}" for name, value in found.given]
        lines = [
            *([f"with {', '.join(told)}"] if told else []),
            *(f"and {text}" for text in found.happenings),
            "",
            found.test,
        ]
        step = None if found.step is None else step_at(report.plan, found.step).span
        title = messages.get(step, finding.claim.statement) if step is not None else finding.claim.statement
        examples.append(Example(title, "\n".join(lines).strip(), _replayed(report.plan, found, sources)))
    return examples


def _replayed(plan: Plan, found: Counterexample, sources: Sources) -> Picture | None:
    outcome = rehearse(plan, found.scenario, armed=False)
    if isinstance(outcome, Refusal) or found.at_ms is None:
        return None
    trace = outcome.run.trace
    current_ma = setpoint_at(trace, found.at_ms) / NA_PER_MA
    mark = Mark(found.at_ms / MS_PER_S, current_ma, "the limit is passed")
    return picture_of(plan, outcome.values, trace, sources, marks=[mark])
