"""What is written to the terminal: diagnostics, colours, and whether anybody is there to see them."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Mapping
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
_USAGE = frozenset({"I0841", "I0842", "I0901", "I0902", "I0903", "I0908"})


def say(text: str = "") -> None:
    """A line to standard output."""
    sys.stdout.write(text + "\n")


class _Recorder:
    """Stands for a stream while text for it is collected; `isatty` answers for the stream that is meant."""

    def __init__(self, complaint: bool, painted: bool, said: list[tuple[bool, str]]) -> None:
        self._complaint, self._painted, self._said = complaint, painted, said

    def isatty(self) -> bool:
        return self._painted

    def write(self, text: str) -> int:
        if self._said and self._said[-1][0] == self._complaint:
            text = self._said.pop()[1] + text
        self._said.append((self._complaint, text))
        return len(text)

    def flush(self) -> None:
        pass


def recorded(tell: Callable[[], object], paints: tuple[bool, bool]) -> tuple[tuple[bool, str], ...]:
    """What `tell` writes, in order, each piece with whether it is for standard error; nothing is shown."""
    from contextlib import redirect_stderr, redirect_stdout

    said: list[tuple[bool, str]] = []
    with (
        redirect_stdout(_Recorder(False, paints[0], said)),
        redirect_stderr(_Recorder(True, paints[1], said)),
    ):
        tell()
    return tuple(said)


def show(said: tuple[tuple[bool, str], ...]) -> None:
    """Write what was recorded to the streams that it is for."""
    for complaint, text in said:
        (sys.stderr if complaint else sys.stdout).write(text)


def write_json(value: object) -> None:
    """A JSON document to standard output, indented, in a stable order of keys."""
    import json

    json.dump(value, sys.stdout, ensure_ascii=False, indent=2)
    sys.stdout.write("\n")


def note(text: str) -> None:
    """A remark to standard error, so that it never mixes with what a machine reads."""
    sys.stderr.write(paint(f"note: {text}", "soft", sys.stderr) + "\n")
