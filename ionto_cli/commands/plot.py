"""`ionto plot`: the current over time with its limits and margins, as SVG and PNG."""

from __future__ import annotations

import argparse
from pathlib import Path

from ionto_cli.drawing import picture_of_outcome
from ionto_cli.exits import Exit
from ionto_cli.files import system_words
from ionto_cli.loading import choose_one
from ionto_cli.picture import draw
from ionto_cli.rehearsal import rehearsed
from ionto_cli.terminal import complain, say
from ionto_cli.verdicts import bars_of
from ionto_ir.diagnostic import error
from ionto_verifier.driver import verify

ENDINGS = (".svg", ".png")


def run(arguments: argparse.Namespace) -> Exit:
    """Verify, rehearse and draw. A refuted protocol is drawn too: its bars pass the line."""
    chosen = choose_one(arguments)
    if isinstance(chosen, Exit):
        return chosen
    plan = chosen.protocol.plan
    name = arguments.output or plan.name
    paths = [name] if Path(name).suffix in ENDINGS else [name + ending for ending in ENDINGS]
    if Path(name).suffix not in ("", *ENDINGS):
        advice = "end the name in .svg or .png; without an ending both are drawn"
        return complain(error("I0901", f"`{name}` is neither an SVG nor a PNG", None, help=advice))
    outcome = rehearsed(chosen, arguments.values)
    if isinstance(outcome, Exit):
        return outcome
    bars = bars_of(verify(plan))
    picture = picture_of_outcome(plan, outcome, chosen.sources, bars=bars)
    try:
        draw(picture, paths)
    except OSError as problem:
        return complain(error("I0904", f"cannot write `{name}`: {system_words(problem)}", None))
    for path in paths:
        say(f"drew {path}")
    return Exit.PROVED
