"""`ionto explain`: the page of a diagnostic code."""

from __future__ import annotations

import argparse
from importlib import resources

from ionto_cli.exits import Exit
from ionto_cli.terminal import complain
from ionto_dsl.suggest import nearest
from ionto_ir.codes import CODES
from ionto_ir.diagnostic import error


def run(arguments: argparse.Namespace) -> Exit:
    """Print one page, or the list of all codes."""
    if arguments.code is None:
        for code, meaning in sorted(CODES.items()):
            print(f"{code}  {meaning}")
        return Exit.PROVED
    code = arguments.code.strip().upper()
    if code not in CODES:
        near = nearest(code, CODES)
        did_you_mean = f"did you mean `{near}`? " if near else ""
        advice = f"{did_you_mean}`ionto explain` lists all codes"
        return complain(error("I0902", f"there is no code `{arguments.code}`", None, help=advice))
    print(page(code))
    return Exit.PROVED


def page(code: str) -> str:
    """The text of a code's page (Markdown)."""
    return (resources.files("ionto_ir") / "pages" / f"{code}.md").read_text(encoding="utf-8").rstrip()
