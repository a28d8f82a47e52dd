"""The model checkers as programs: how each is built and run on a text, and what it must print to be believed.

Only a search that says itself that it is complete and without errors counts as `holds`. A limit of depth, of
memory or of time, a crash, and any output that is not understood are `incomplete`, with the reason.
"""

from __future__ import annotations

import re
import shutil
import subprocess
import time
from collections.abc import Callable
from enum import Enum
from pathlib import Path

from ionto_ir.dataclass import dataclass
from tests.bench.explicit_model import Model
from tests.bench.explicit_text import murphi, promela

DEPTH_MAX = 1_000_000
MEMORY_MB = 4_000
SECONDS_MAX = 900
"""A search that takes longer is given up, and that is told."""


OPTIMISED = "-O"
"""Stands for how much the compiler is to do."""


class Verdict(Enum):
    """What a search came to."""

    HOLDS = "holds"
    REFUTED = "refuted"
    INCOMPLETE = "incomplete"


@dataclass(frozen=True, slots=True)
class Said:
    """What the output of a search says: states are all that there are only if it holds."""

    verdict: Verdict
    states: int
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Answer:
    """What was said, and the seconds: to make the program that searches, and to search."""

    said: Said
    making: float
    searching: float


@dataclass(frozen=True, slots=True)
class Tool:
    """A checker: its program, which is also its Debian package, its text, the commands that build `./search`,
    and how to read what that prints.
    """

    name: str
    version: tuple[str, ...]
    file: str
    text: Callable[[Model], str]
    building: tuple[tuple[str, ...], ...]
    search: tuple[str, ...]
    read: Callable[[int, str], Said]

    @property
    def missing(self) -> tuple[str, ...]:
        """The programs that it needs and that are not here."""
        return tuple(program for program in (self.name, "cc") if shutil.which(program) is None)

    def told_version(self) -> str:
        """Name and version, as the tool says it."""
        said = subprocess.run(self.version, capture_output=True, text=True, check=True)
        found = re.search(r"\d[\w.+-]*", said.stdout + said.stderr)
        assert found is not None, f"{self.name} does not say which version it is"
        return f"{self.name} {found.group()}"

    def ask(
        self, model: Model, folder: Path, seconds_max: int = SECONDS_MAX, optimised: str = "-O2"
    ) -> Answer:
        """Write the model into an empty folder, build the program, and let it search."""
        folder.mkdir(parents=True)  # a program that was built before could answer for another model
        (folder / self.file).write_text(self.text(model), encoding="utf-8")
        began = time.perf_counter()
        for command in self.building:
            words = [optimised if word == OPTIMISED else word for word in command]
            made = subprocess.run(words, cwd=folder, capture_output=True, text=True, check=False)
            if made.returncode:
                reason = f"`{command[0]}` failed: {_last_line(made.stdout + made.stderr)}"
                return Answer(Said(Verdict.INCOMPLETE, 0, reason), time.perf_counter() - began, 0.0)
        built = time.perf_counter()
        said = self._searched(folder, seconds_max)
        return Answer(said, built - began, time.perf_counter() - built)

    def _searched(self, folder: Path, seconds_max: int) -> Said:
        try:
            ran = subprocess.run(
                self.search, cwd=folder, capture_output=True, text=True, check=False, timeout=seconds_max
            )
        except subprocess.TimeoutExpired:
            return Said(Verdict.INCOMPLETE, 0, f"given up after {seconds_max} s")
        return self.read(ran.returncode, ran.stdout + ran.stderr)


def read_spin(code: int, output: str) -> Said:
    """`pan` ends with 0 whatever it found: its words decide."""
    states = re.search(r"^ *([\d.e+]+) states, stored", output, re.MULTILINE)
    errors = re.search(r"errors: (\d+)", output)
    if states is None or errors is None:
        return Said(Verdict.INCOMPLETE, 0, f"it ended with {code}: {_last_line(output)}")
    count = int(float(states.group(1)))
    for words in ("max search depth too small", "out of memory", "Search not completed", "hash factor"):
        if words in output and "assertion violated" not in output:
            return Said(Verdict.INCOMPLETE, count, words)
    if int(errors.group(1)) and "assertion violated" in output:
        return Said(Verdict.REFUTED, count)
    if int(errors.group(1)) or code or "Full statespace search" not in output:
        return Said(Verdict.INCOMPLETE, count, _last_line(output))
    return Said(Verdict.HOLDS, count)


def read_rumur(code: int, output: str) -> Said:
    """Its verifier ends with a summary; an error that is not our invariant is none of the machine."""
    found = re.search(r'<summary states="(\d+)" rules_fired="\d+" errors="(\d+)"', output)
    message = re.search(r"<message>(.*?)</message>", output, re.DOTALL)
    if found is None:
        return Said(Verdict.INCOMPLETE, 0, f"it ended with {code}: {_last_line(output)}")
    states, errors = int(found.group(1)), int(found.group(2))
    if message is not None and 'invariant "as asked" failed' in message.group(1).replace("&quot;", '"'):
        return Said(Verdict.REFUTED, states)
    if errors or code or message is not None:
        return Said(Verdict.INCOMPLETE, states, message.group(1) if message else f"it ended with {code}")
    return Said(Verdict.HOLDS, states)


def _last_line(output: str) -> str:
    lines = [line.strip() for line in output.splitlines() if line.strip()]
    return lines[-1] if lines else "it said nothing"


SPIN = Tool(
    "spin",
    ("spin", "-V"),
    "machine.pml",
    promela,
    (
        ("spin", "-a", "machine.pml"),
        ("cc", OPTIMISED, "-w", "-DSAFETY", f"-DMEMLIM={MEMORY_MB}", "-o", "search", "pan.c"),
    ),
    ("./search", f"-m{DEPTH_MAX}", "-n"),
    read_spin,
)
RUMUR = Tool(
    "rumur",
    ("rumur", "--version"),
    "machine.m",
    murphi,
    (
        (
            *("rumur", "--threads", "1", "--deadlock-detection", "off", "--value-type", "int32_t"),
            *("--output-format", "machine-readable", "--output", "search.c", "machine.m"),
        ),
        ("cc", "-std=c11", OPTIMISED, "-w", "-mcx16", "-o", "search", "search.c", "-lpthread"),
    ),
    ("./search",),
    read_rumur,
)
TOOLS = (SPIN, RUMUR)
