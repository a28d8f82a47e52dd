"""Every example of the README and the manual is executed: what is shown is what is seen.

In Markdown, a fence ```` ```ionto heel.ionto ```` writes that file, and a fence ```` ```console ```` runs
the lines that begin with `$ `, all in one folder, page by page and top to bottom. What follows a command is
its output, exactly; a line `...` stands for any lines. `pytest --accept` rewrites what is not right.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
FENCE = re.compile(r"^```(ionto \S+|console)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
SECONDS_MAX = 120


def pages() -> list[Path]:
    """The pages that hold examples."""
    found = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
    return [page for page in found if page.exists() and FENCE.search(page.read_text(encoding="utf-8"))]


@dataclass(frozen=True, slots=True)
class Command:
    """A command of a console fence and the output that is shown below it."""

    line: str
    shown: str


def commands(body: str) -> Iterator[Command]:
    """The commands of a console fence."""
    for part in re.split(r"^(?=\$ )", body, flags=re.MULTILINE):
        if part.startswith("$ "):
            line, _, shown = part.partition("\n")
            yield Command(line[2:], shown)
        else:
            assert not part.strip(), f"output without a command: {part!r}"


def seen(line: str, folder: Path) -> str:
    """What a command prints, both streams in the order in which they are written."""
    scripts = str(Path(sys.executable).parent)
    environment = os.environ | {
        "PATH": f"{scripts}{os.pathsep}{os.environ['PATH']}",
        "IONTO_HOME": str(folder / ".home"),
        "COLUMNS": "100",
        "NO_COLOR": "1",
    }
    done = subprocess.run(
        ["bash", "-c", line],
        cwd=folder,
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        timeout=SECONDS_MAX,
        check=False,
    )
    return done.stdout.decode()


def agrees(shown: str, output: str) -> bool:
    """Whether the output is what is shown; a line `...` stands for any lines."""
    pattern = "".join(
        r"(?:.*\n)*?" if line.strip() == "..." else re.escape(line)
        for line in shown.splitlines(keepends=True)
    )
    return re.fullmatch(pattern, output) is not None


@pytest.mark.parametrize("page", pages(), ids=lambda page: str(page.relative_to(ROOT)))
def test_the_examples_of_a_page_print_what_the_page_shows(
    page: Path, tmp_path: Path, pytestconfig: pytest.Config
) -> None:
    text = page.read_text(encoding="utf-8")
    accepted = text
    wrong = []
    for kind, body in FENCE.findall(text):
        if kind.startswith("ionto "):
            (tmp_path / kind.removeprefix("ionto ")).write_text(body, encoding="utf-8")
            continue
        corrected = ""
        for command in commands(body):
            output = seen(command.line, tmp_path)
            right = agrees(command.shown, output)
            kept = command.shown if right else output
            corrected += f"$ {command.line}\n{kept}"
            if not right:
                wrong.append(f"$ {command.line}\nshown:\n{command.shown}\nseen:\n{output}")
        accepted = accepted.replace(f"```console\n{body}```", f"```console\n{corrected}```")
    if pytestconfig.getoption("--accept"):
        page.write_text(accepted, encoding="utf-8")
        return
    assert not wrong, "\n\n".join(wrong)
