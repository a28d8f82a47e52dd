"""The second solver, kept at arm's length: it is asked through a pipe, and killed when it takes too long.

A question that was not answered in time, and one over which the process died, are unknown; the next question
gets a new process.
"""

from __future__ import annotations

import json
import subprocess
import sys
from contextlib import suppress
from importlib.util import find_spec
from threading import Timer
from typing import IO

from ionto_ir.dataclass import dataclass
from ionto_verifier.cross_check import Opinion, Said

PACKAGE = "cvc5"
PROCESS = "ionto_verifier.cvc5_process"

LIMIT_MS = 5_000
"""What the solver is told to spend on one question; nearly all take a hundredth of it."""

KILL_S = 10
"""When it is killed: it does not always look at its own clock."""

START_S = 60
"""How long loading the solver may take, on the slowest machine."""


@dataclass(frozen=True, slots=True)
class Patience:
    """How long one question may take: by the solver's own clock, and by ours."""

    limit_ms: int = LIMIT_MS
    kill_s: int = KILL_S


def is_installed() -> bool:
    """Whether the solver can be had in this installation."""
    return find_spec(PACKAGE) is not None


class SecondSolver:
    """A process that is started when it is needed, and again when it was killed. Use it in a `with`."""

    def __init__(self, patience: Patience | None = None, process: tuple[str, ...] = ("-m", PROCESS)) -> None:
        self.name = PACKAGE
        self.killed = 0
        self._patience = patience or Patience()
        self._arguments = (sys.executable, *process)
        self._process: subprocess.Popen[str] | None = None

    def __enter__(self) -> SecondSolver:
        return self

    def __exit__(self, *_: object) -> None:
        self._end()

    def ask(self, text: str) -> Opinion:
        """What the solver says of one SMT-LIB script."""
        process = self._running()
        if process is None:
            return Opinion(Said.UNKNOWN, "it could not be started")
        assert process.stdin is not None, "the process was opened with pipes"
        try:
            process.stdin.write(json.dumps({"text": text, "limit_ms": self._patience.limit_ms}) + "\n")
            process.stdin.flush()
        except OSError:
            self._end()
            return Opinion(Said.UNKNOWN, "it ended by itself")
        return _opinion(self._line(process, self._patience.kill_s))

    def _running(self) -> subprocess.Popen[str] | None:
        if self._process is None:
            pipe = subprocess.PIPE
            self._process = subprocess.Popen(
                self._arguments,
                stdin=pipe,
                stdout=pipe,
                stderr=subprocess.DEVNULL,
                text=True,
                encoding="utf-8",
            )
            greeting = _read(self._line(self._process, START_S))
            self.name = greeting.get("solver", PACKAGE)
        return self._process

    def _line(self, process: subprocess.Popen[str], kill_s: int) -> str:
        """The next line; empty when there is none, and then the process is gone."""
        late: list[bool] = []

        def kill() -> None:
            late.append(True)
            process.kill()

        assert process.stdout is not None, "the process was opened with pipes"
        timer = Timer(kill_s, kill)
        timer.start()
        line = process.stdout.readline()
        timer.cancel()
        if late or not line:
            self.killed += len(late)
            self._end()
            return ""
        return line

    def _end(self) -> None:
        process, self._process = self._process, None
        if process is not None:
            process.kill()
            process.wait()
            for stream in (process.stdin, process.stdout):
                _close(stream)


def _close(stream: IO[str] | None) -> None:
    """Close a pipe; what is left in it is of no interest to a dead process."""
    if stream is not None:
        with suppress(OSError):
            stream.close()


def _opinion(line: str) -> Opinion:
    found = _read(line)
    if not found:
        return Opinion(Said.UNKNOWN, "it was killed or ended by itself")
    words = {said.value: said for said in Said}
    return Opinion(words.get(found.get("answer", ""), Said.UNKNOWN), found.get("reason", ""))


def _read(line: str) -> dict[str, str]:
    """An answer as it came; nothing when it is not one."""
    try:
        found = json.loads(line)
    except ValueError:
        return {}
    return {str(key): str(value) for key, value in found.items()} if isinstance(found, dict) else {}
