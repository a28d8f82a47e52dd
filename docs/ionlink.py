"""The tables of IonLink for the manual: every message byte by byte, every code, every bound of a board."""

from __future__ import annotations

from collections.abc import Iterator
from enum import IntEnum, IntFlag

from ionto_runtime.link import schema
from ionto_runtime.link.schema import BOARDS, FACTS, HEADER, PAYLOADS, Board, Field, Kind, size_of

MEANINGS: dict[type[IntEnum] | type[IntFlag], str] = {
    schema.Answer: "What became of a command",
    schema.Reason: "Why it was denied",
    schema.State: "What the device is doing",
    schema.Trip: "Why it went to zero by itself; cause n latches bit n-1",
    schema.Flag: "What is the case at the output",
    schema.Fact: "What the device is",
}
CHECK_BYTES = 4


def ionlink_tables() -> str:
    """The whole page."""
    lines = [
        "# IonLink, byte by byte",
        "",
        "What the words mean is told in [IonLink](ionlink.md). Made by `make docs`.",
        "",
        f"Version {schema.VERSION}; the check value of every frame begins at `{schema.SEED:08X}`.",
    ]
    lines += ["", "## Header", "", *_fields(HEADER)]
    for kind, fields in PAYLOADS.items():
        whole = size_of(HEADER) + size_of(fields) + CHECK_BYTES
        lines += ["", f"## {kind.name.replace('_', '-')} `{kind.value:02X}`", ""]
        lines += [f"{whole} bytes with header and check value, {whole + 3} on the line.", ""]
        lines += _fields(fields) if fields else ["No payload."]
    lines += ["", f"An answer to the stop bytes names `{Kind.STOP.value:02X}` as what it answers."]
    pages = -(-size_of(FACTS) // schema.PAGE_BYTES)
    lines += ["", "## The facts about a device", ""]
    lines += [f"Read by QUERY in {pages} pages of {schema.PAGE_BYTES} bytes.", "", *_fields(FACTS)]
    lines += ["", "## Codes"]
    for enum, meaning in MEANINGS.items():
        lines += ["", f"{meaning}:", "", "| code | name |", "| --- | --- |"]
        lines += [f"| {member.value} | {member.name} |" for member in enum]
    for board in BOARDS:
        lines += ["", f"## The board `{board.model}`", "", *_board(board)]
    return "\n".join(lines) + "\n"


def _fields(fields: tuple[Field, ...]) -> Iterator[str]:
    yield "| at | bytes | form | name | meaning |"
    yield "|" + " --- |" * 5
    at = 0
    for field in fields:
        form = field.form if field.form[0] in "ui" else "text" if field.name != "detail" else "bytes"
        yield f"| {at} | {field.size} | {form} | `{field.name}` | {field.meaning} |"
        at += field.size


def _board(board: Board) -> Iterator[str]:
    yield "| bound or step | value |"
    yield "| --- | --- |"
    for name in Board.__slots__:
        if name != "model":
            yield f"| `{name}` | {getattr(board, name):,} |".replace(",", " ")
