"""Simulated devices and hosts as processes of their own, with the truth from the fault port."""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
import time
from pathlib import Path
from types import TracebackType

from tests.architecture.tree import ROOT
from tests.conformance.tools import BUILD, built

PATIENCE_S = 60
"""Far longer than anything takes; only a test that has failed waits so long."""


DEVICE_PRIORITY = 40
"""Below that of the safety process, which asks for its own."""


def children_of(pid: int) -> list[int]:
    """The processes that a process has started and that still run."""
    try:
        text = Path(f"/proc/{pid}/task/{pid}/children").read_text(encoding="ascii")
    except OSError:
        return []
    return [int(word) for word in text.split()]


def come_first(pid: int) -> None:
    """Let a simulated device run before other programs, as hardware does, where that is granted."""
    for one in (pid, *children_of(pid)):
        with contextlib.suppress(OSError, AttributeError):
            os.sched_setscheduler(one, os.SCHED_FIFO, os.sched_param(DEVICE_PRIORITY))


class DeviceProcess:
    """`python -m ionto_runtime.simulation.twin`, as a context."""

    def __init__(self, kind: str, link: Path, *more: str) -> None:
        self.link = link
        firmware: list[str] = []
        if kind == "firmware":
            built("bridge"), built("ionlink-4ma.elf")
            firmware = ["--firmware", str(BUILD)]
        self._process = subprocess.Popen(
            [
                *(sys.executable, "-m", "ionto_runtime.simulation.twin", "--until-eof"),
                *("--link", str(link), *firmware, *more),
            ],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def __enter__(self) -> DeviceProcess:
        assert self._process.stdout is not None
        assert self._process.stdout.readline() == f"{self.link}\n"
        come_first(self.pid)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, problem: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._process.communicate()

    def do(self, command: str) -> str:
        """One line to the fault port, and its answer."""
        assert self._process.stdin is not None and self._process.stdout is not None
        self._process.stdin.write(command + "\n")
        self._process.stdin.flush()
        return self._process.stdout.readline().rstrip("\n")

    @property
    def pid(self) -> int:
        """The number of its process."""
        return self._process.pid

    @property
    def current_na(self) -> int:
        """What really flows."""
        return int(json.loads(self.do("state"))["current_na"])

    def wait_for_current(self, least_na: int, most_na: int) -> None:
        """Until what flows lies between the two."""
        deadline = time.monotonic() + PATIENCE_S
        while not least_na <= (now_na := self.current_na) <= most_na:
            assert time.monotonic() < deadline, f"{now_na} nA flow, not {least_na} to {most_na}"
            time.sleep(0.02)


class InstrumentProcess:
    """`python -m ionto_runtime.simulation.instrument`, as a context."""

    def __init__(self, name: str, link: Path, relay: Path | None = None) -> None:
        command = [sys.executable, "-m", "ionto_runtime.simulation.instrument", name, "--link", str(link)]
        self._lines = [link] if relay is None else [link, relay]
        self._process = subprocess.Popen(
            command if relay is None else [*command, "--watchdog-link", str(relay)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def __enter__(self) -> InstrumentProcess:
        assert self._process.stdout is not None
        for line in self._lines:
            assert self._process.stdout.readline() == f"{line}\n"
        come_first(self._process.pid)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, problem: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._process.communicate()

    def state(self) -> dict[str, int]:
        """What really flows, and what has flowed."""
        assert self._process.stdin is not None and self._process.stdout is not None
        self._process.stdin.write("state\n")
        self._process.stdin.flush()
        found = json.loads(self._process.stdout.readline())
        assert isinstance(found, dict)
        return found

    def wait_until_nothing_flows(self) -> int:
        """Until the output has ended; the charge that had flowed by then, pC."""
        deadline = time.monotonic() + PATIENCE_S
        while (state := self.state())["current_na"]:
            assert time.monotonic() < deadline, f"{state['current_na']} nA still flow"
            time.sleep(0.02)
        return state["forward_pc"] + state["backward_pc"]


class HostProcess:
    """A host that drives 1 mA until somebody ends it, as a context."""

    def __init__(self, link: Path) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-m", "tests.conformance.host", str(link)],
            cwd=ROOT,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def __enter__(self) -> HostProcess:
        assert self.process.stdout is not None
        said = self.process.stdout.readline()
        assert said == "driving\n", self.process.communicate()[1]
        return self

    def __exit__(
        self, kind: type[BaseException] | None, problem: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.process.kill()
        self.process.communicate()
