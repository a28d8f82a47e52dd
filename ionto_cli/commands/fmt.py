"""`ionto fmt`: files laid out the one way they are laid out."""

from __future__ import annotations

import argparse
import difflib
import sys
from pathlib import Path

from ionto_cli.exits import Exit, gravest
from ionto_cli.files import system_words, write_whole
from ionto_cli.terminal import complain, say
from ionto_dsl.formatter import format_source
from ionto_dsl.unreadable import decode
from ionto_ir.diagnostic import Diagnostic, error

STANDARD_INPUT = "-"


def run(arguments: argparse.Namespace) -> Exit:
    """Rewrite each file that is not laid out, or with --check only say so and show the difference."""
    return gravest([_format(name, arguments.check) for name in arguments.files])


def _format(name: str, check: bool) -> Exit:
    data = _read(name)
    if isinstance(data, Diagnostic):
        return complain(data)
    shown = "standard input" if name == STANDARD_INPUT else name
    source = decode(shown, data)
    if isinstance(source, Diagnostic):
        return complain(source)
    formatted = format_source(source)
    if not isinstance(formatted, str):
        return complain(*formatted, files={shown: source})
    if check:
        return _differs(shown, source.text, formatted)
    if name == STANDARD_INPUT:
        sys.stdout.write(formatted)
        return Exit.PROVED
    if formatted.encode() == data:
        return Exit.PROVED
    try:
        write_whole(Path(name), formatted.encode())
    except OSError as problem:
        return complain(error("I0904", f"cannot write `{name}`: {system_words(problem)}", None))
    say(f"laid out {name}")
    return Exit.PROVED


def _read(name: str) -> bytes | Diagnostic:
    try:
        return sys.stdin.buffer.read() if name == STANDARD_INPUT else Path(name).read_bytes()
    except OSError as problem:
        return error("I0904", f"cannot read `{name}`: {system_words(problem)}", None)


def _differs(name: str, before: str, after: str) -> Exit:
    if before == after:
        return Exit.PROVED
    lines = difflib.unified_diff(
        before.splitlines(keepends=True), after.splitlines(keepends=True), name, f"{name}, laid out"
    )
    sys.stdout.write("".join(lines))
    return Exit.REFUTED
