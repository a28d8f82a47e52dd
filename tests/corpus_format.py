"""The corpus on paper: a heading is a test, `ionto` blocks are its files, `diagnostics` what is said of them.

    ## A charge is no current

    ```ionto
    protocol ...
    ```

    ```diagnostics
    error[I0304]: ...
    ```

A block opened by ```` ```ionto name ```` is the file `name.ionto` beside the one under test, for imports; the
block without a name is the file under test. Prose anywhere is for the reader.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

HEADING = re.compile(r"^#{1,6}\s+(?P<text>.+?)\s*$")
FENCE = re.compile(r"^(?P<ticks>`{3,})(?P<info>.*)$")
MAIN_FILE = "protocol"


@dataclass(frozen=True, slots=True)
class Block:
    """One fenced block. Lines count from 0: `first` is inside it, `last` is the closing fence."""

    info: str
    first: int
    last: int
    text: str


@dataclass(frozen=True, slots=True)
class Case:
    """One test: its heading, its files by name, and what is expected of them (None if not yet written)."""

    name: str
    line: int
    files: dict[str, str]
    expected: Block | None
    after: int


class CorpusError(Exception):
    """The Markdown does not have the shape of a corpus file."""


def read_cases(markdown: str) -> list[Case]:
    """Return the tests of one Markdown file, in order. Raises CorpusError when a test is malformed."""
    headings, blocks = _scan(markdown.splitlines())
    cases = []
    for index, (line, name) in enumerate(headings):
        end = headings[index + 1][0] if index + 1 < len(headings) else len(markdown.splitlines())
        own = [block for block in blocks if line < block.first <= end]
        if any(block.info.split()[:1] == ["ionto"] for block in own):
            cases.append(_case(name, line, own))
    names = [case.name for case in cases]
    doubled = sorted({name for name in names if names.count(name) > 1})
    if doubled:
        raise CorpusError(f"two tests are called {doubled[0]!r}")
    if not cases:
        raise CorpusError("a corpus file without a test")
    return cases


def write_expected(markdown: str, seen: dict[str, str]) -> str:
    """Return the Markdown with the expected block of every named test replaced by what was seen."""
    lines = markdown.splitlines()
    for case in reversed(read_cases(markdown)):
        if case.name not in seen:
            continue
        body = seen[case.name].splitlines()
        if case.expected is None:
            lines[case.after + 1 : case.after + 1] = ["", "```diagnostics", *body, "```"]
        else:
            lines[case.expected.first : case.expected.last] = body
    return "\n".join(lines) + "\n"


def _scan(lines: list[str]) -> tuple[list[tuple[int, str]], list[Block]]:
    headings: list[tuple[int, str]] = []
    blocks: list[Block] = []
    opened: tuple[str, str, int] | None = None
    for number, line in enumerate(lines):
        fence = FENCE.match(line)
        if opened is not None:
            ticks, info, first = opened
            if line.rstrip() == ticks:
                blocks.append(Block(info, first, number, "\n".join(lines[first:number])))
                opened = None
        elif fence is not None:
            opened = (fence["ticks"], fence["info"].strip(), number + 1)
        elif heading := HEADING.match(line):
            headings.append((number, heading["text"]))
    if opened is not None:
        raise CorpusError(f"the block opened on line {opened[2]} is never closed")
    return headings, blocks


def _case(name: str, line: int, own: list[Block]) -> Case:
    files: dict[str, str] = {}
    expected: list[Block] = []
    for block in own:
        match block.info.split():
            case ["ionto"]:
                files[MAIN_FILE] = _once(name, MAIN_FILE, files, block)
            case ["ionto", file_name]:
                files[file_name] = _once(name, file_name, files, block)
            case ["diagnostics"]:
                expected.append(block)
            case _:
                raise CorpusError(f"{name!r} has a block of an unknown kind: {block.info!r}")
    if MAIN_FILE not in files:
        raise CorpusError(f"{name!r} has no block under test (an `ionto` block without a name)")
    if len(expected) > 1:
        raise CorpusError(f"{name!r} states twice what is expected")
    return Case(name, line + 1, files, expected[0] if expected else None, own[-1].last)


def _once(name: str, file_name: str, files: dict[str, str], block: Block) -> str:
    if file_name in files:
        raise CorpusError(f"{name!r} has two files called {file_name!r}")
    return block.text + "\n"
