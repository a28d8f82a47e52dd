"""What is written to the terminal: diagnostics, colours, and whether anybody is there to see them."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from typing import TextIO

from ionto_cli.exits import Exit
from ionto_ir.diagnostic import Diagnostic, Severity
from ionto_ir.source import SourceFile

RESET = "\x1b[0m"
PAINTS = {
    "bold": "\x1b[1m",
    "red": "\x1b[1;31m",
    "green": "\x1b[1;32m",
    "yellow": "\x1b[1;33m",
    "soft": "\x1b[2m",
}


def colours(stream: TextIO) -> bool:
    """Whether to write colours: only to a terminal, and never against NO_COLOR."""
    return stream.isatty() and "NO_COLOR" not in os.environ and os.environ.get("TERM") != "dumb"


def paint(text: str, name: str, stream: TextIO | None = None) -> str:
    """The text in a colour, or as it is where colours are not wanted."""
    return f"{PAINTS[name]}{text}{RESET}" if colours(stream or sys.stdout) else text


def complain(*diagnostics: Diagnostic, files: Mapping[str, SourceFile] | None = None) -> Exit:
    """Write diagnostics to standard error; the exit code that the worst of them asks for."""
    if not diagnostics:
        return Exit.PROVED
    from ionto_ir.render import render_all

    sys.stderr.write(render_all(diagnostics, files or {}, colour=colours(sys.stderr)) + "\n")
    if not any(diagnostic.severity is Severity.ERROR for diagnostic in diagnostics):
        return Exit.PROVED
    usage = all(diagnostic.code in _USAGE for diagnostic in diagnostics)
    return Exit.USAGE if usage else Exit.SOURCE


# Codes that are about the command line and not about a protocol, a plan or a value.
_USAGE = frozenset({"I0901", "I0902", "I0903", "I0908"})


def say(text: str = "") -> None:
    """A line to standard output."""
    sys.stdout.write(text + "\n")


def write_json(value: object) -> None:
    """A JSON document to standard output, indented, in a stable order of keys."""
    import json

    json.dump(value, sys.stdout, ensure_ascii=False, indent=2)
    sys.stdout.write("\n")


def note(text: str) -> None:
    """A remark to standard error, so that it never mixes with what a machine reads."""
    sys.stderr.write(paint(f"note: {text}", "soft", sys.stderr) + "\n")
