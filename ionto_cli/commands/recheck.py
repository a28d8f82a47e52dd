"""`ionto recheck`: every certificate of a sealed plan, checked without a solver."""

from __future__ import annotations

import argparse
from pathlib import Path

from ionto_cli.exits import Exit
from ionto_cli.sealed import open_plan
from ionto_cli.standings import standing_data, standing_lines
from ionto_cli.terminal import complain, paint, say, write_json
from ionto_ir.diagnostic import Diagnostic, error
from ionto_ir.source import Span
from ionto_runtime.sealed import Sealed


def run(arguments: argparse.Namespace) -> Exit:
    """Open, recheck, and say what each claim rests on."""
    trust = Path(arguments.trust) if arguments.trust else None
    sealed = open_plan(Path(arguments.plan), trust)
    if isinstance(sealed, tuple):
        return complain(*sealed)
    if sealed.rechecked is None:
        return complain(_none(arguments.plan))
    checked = sealed.rechecked
    if arguments.json:
        write_json(
            {
                "schema": "ionto.recheck/1",
                "plan": {"name": sealed.plan.name, "version": sealed.plan.version, "sha256": sealed.sha256},
                "device": sealed.plan.device.name,
                "signers": list(sealed.signers),
                **standing_data(checked),
            }
        )
        return Exit.PROVED
    _tell(sealed)
    return Exit.PROVED


def _tell(sealed: Sealed) -> None:
    checked, plan = sealed.rechecked, sealed.plan
    assert checked is not None, "there is something to tell"
    say(
        paint(f"{plan.name} {plan.version} on {plan.device.name}: ", "bold")
        + paint(f"all {checked.certificates} certificates check", "green")
    )
    say(f"  sealed by {', '.join(sealed.signers)}; no solver was used")
    certified, asked = checked.derived
    if checked.not_understood is not None:
        say(f"  nothing was derived again: {checked.not_understood}")
    else:
        say(
            f"  {asked} questions derived again from the plan, by another path: {certified} certified, "
            f"{asked - certified} beyond this reckoning; {checked.arithmetic} findings of plain arithmetic"
        )
        say(f"  {checked.shown} claims that somebody exists: for each a person is named and was seen to fit")
    certified, asked = checked.stated
    say(
        f"  {asked} questions as the verifier stated them: {certified} certified; "
        "of these only the arithmetic and the plan's own numbers in them were checked"
    )
    for line in standing_lines(checked):
        say(line)


def _none(name: str) -> Diagnostic:
    text = "no certificates are sealed with this plan, so all of it rests on the word of who sealed it"
    span = Span(name, 1, 1, 1, 1)
    return error(
        "I0828", text, span, "in this file", help="`ionto compile` seals a plan with its certificates"
    )
