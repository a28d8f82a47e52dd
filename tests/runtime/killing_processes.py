"""Kills the real safety process (`kill -9`) at every step of a whole session on a real line, and judges it.

`python -m tests.runtime.killing_processes --every 1`. The session has every kind of step: people are asked,
the current rises, holds, falls, the polarity turns, somebody pauses and resumes, something is entered. A step
of the process is a call by which it meets the world: a write to the journal (before it, with half of it done,
after it), a sync, a write to the device's line (the same). The process kills itself there, so nothing is
flushed, closed or told; the simulated device lives in another process, ends its output by its own lease, and
counts what really flowed. Then the journal must be repairable, its bounds must hold that charge, and what
tomorrow's session reads must count at least as much.
"""

from __future__ import annotations

import argparse
import json
import signal
import sys
import tempfile
import threading
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from ionto_ir.bind import History
from ionto_ir.dataclass import replace
from ionto_ir.features import features_of
from ionto_runtime.accounting import account_of
from ionto_runtime.clock import RealClock
from ionto_runtime.history import read_history
from ionto_runtime.journal_reader import Reading, Unsealed, read_journal
from ionto_runtime.recovery import Repaired, repair_journal
from tests.conformance.processes import DeviceProcess
from tests.runtime.safety_process import WAIT_MS, Spoken, job_at, spoken_to
from tests.runtime.sealed_plans import placed
from tests.runtime.test_on_a_line import on_the_reference_device
from tests.runtime.whole_session import whole_plan

PATIENT = "P1"
REFUSED = 2
"""On a busy machine a check before the session may find the simulated device too slow to answer."""

KILLED = """
import itertools, os, signal
import ionto_runtime.journal_file as journal_file
import ionto_runtime.drivers.serial_port as serial_port
last, steps, told = {last}, itertools.count(1), os.open({told!r}, os.O_WRONLY | os.O_CREAT, 0o600)
def step(name):
    number = next(steps)
    os.pwrite(told, f"{{number:9}} {{name:<32}}".encode(), 0)
    if number == last:
        os.kill(os.getpid(), signal.SIGKILL)
def watched(owner, method, name):
    real = getattr(owner, method)
    def call(self, *data, **named):
        step(f"before {{name}}")
        if next(steps) == last:
            if data:
                real(self, data[0][: len(data[0]) // 2], *data[1:], **named)
            os.pwrite(told, f"{{last:9}} half of {{name:<24}}".encode(), 0)
            os.kill(os.getpid(), signal.SIGKILL)
        result = real(self, *data, **named)
        step(f"after {{name}}")
        return result
    setattr(owner, method, call)
watched(journal_file.DiskFile, "write", "a record")
watched(journal_file.DiskFile, "sync", "a sync")
watched(serial_port.SerialPort, "write", "a word to the device")
"""


@dataclass(frozen=True, slots=True)
class Trial:
    """One session that was killed, or outlived its step (`where` is None)."""

    last: int
    where: str | None
    steps: int
    true_pc: int
    energised: bool
    violations: tuple[str, ...]


def accompany(spoken: Spoken) -> None:
    """Be a good console until the process is gone: begin, answer, pause once in the second hold, resume."""
    clock, begun, paused, resumed, runs = RealClock(), False, False, False, 0
    until_ms, word = clock.now_ms() + WAIT_MS, ""
    spoken.remote.join(spoken.job.token, "killing", commands=True)
    while not spoken.remote.gone and clock.now_ms() < until_ms:
        for message in spoken.remote.hear(20):
            spoken.note(message)
            if message["type"] == "armed" and not begun:
                begun = True
                spoken.remote.command("begin", confirm=spoken.confirm)
            now = str(message.get("word", word))
            runs += now == "RUNNING" != word
            word = now
        if word == "RUNNING" and runs == 2 and not paused:
            paused = True
            spoken.remote.command("pause")
        if word == "PAUSED" and not resumed:
            resumed = True
            spoken.remote.command("resume")


def received_pc(device: DeviceProcess) -> int:
    """What has really flowed since the device was made."""
    state = json.loads(device.do("state"))
    return int(state["forward_pc"]) + int(state["backward_pc"])


def trial(folder: Path, last: int, device: DeviceProcess) -> Trial:
    """One session that dies at its step number `last`, if it has as many."""
    folder.mkdir()
    job = job_at(folder, port=str(device.link), driver="ionlink", patient=PATIENT)
    for path in (folder / "home" / "trusted").iterdir():
        path.unlink()
    (folder / "home" / "trusted").rmdir()
    plan = on_the_reference_device(whole_plan())
    placed(folder, replace(plan, requires=features_of(plan)))
    before_pc = received_pc(device)
    with spoken_to(job, KILLED.format(last=last, told=str(folder / "told"))) as spoken:
        accompany(spoken)
        code = spoken.process.wait(WAIT_MS / 1000)
    device.wait_for_current(0, 0)
    true_pc = received_pc(device) - before_pc
    told = (folder / "told").read_text(encoding="ascii").split(maxsplit=1)
    killed = code == -signal.SIGKILL
    energised, violations = judged(job.records, true_pc, killed=killed)
    if not killed and code not in (0, 1, REFUSED):
        violations = (*violations, f"the process ended by itself with {code}")
    where = told[1].strip() if killed else None
    return Trial(last, where, int(told[0]), true_pc, energised, violations)


def judged(records: Path, true_pc: int, *, killed: bool) -> tuple[bool, tuple[str, ...]]:
    """Whether the session drove a current, and what is wrong with what it has left."""
    paths = list(records.glob("*.journal"))
    reading = read_journal(paths[0]) if paths else None
    if not isinstance(reading, Reading) or reading.header is None:
        return False, () if true_pc == 0 else (f"no journal, but {true_pc} pC flowed",)
    account = account_of(reading)
    if isinstance(account, str):
        return True, (account,)
    found = []
    if not account.charge.lower_pc <= true_pc <= account.charge.upper_pc:
        found.append(f"{true_pc} pC is not within {account.charge}")
    repaired = repair_journal(paths[0])
    if not isinstance(repaired, Repaired):
        found.append(f"it cannot be repaired: {repaired}")
    elif killed and not isinstance(repaired.reading.end, Unsealed) and repaired.reading != reading:
        found.append("after the repair it does not end with a whole record")
    history = read_history(records, PATIENT, "heel", RealClock().wall_ms())
    if not isinstance(history, History):
        found.append(f"tomorrow's session cannot read it: {[item.message for item in history]}")
    elif sum(past.upper_pc for past in history.sessions) < true_pc:
        found.append(f"tomorrow's session counts less than the {true_pc} pC that flowed")
    return account.energised, tuple(found)


def campaign(folder: Path, wanted: list[int], beside: int) -> list[Trial]:
    """All trials, `beside` at a time, each worker with a device of its own."""
    own = threading.local()
    devices: list[DeviceProcess] = []
    numbers = iter(range(1_000))

    def one(last: int) -> Trial:
        if not hasattr(own, "device"):
            own.device = DeviceProcess("twin", folder / f"line-{next(numbers)}")
            own.device.__enter__()
            devices.append(own.device)
        return trial(folder / str(last), last, own.device)

    try:
        with ThreadPoolExecutor(beside) as pool:
            return list(pool.map(one, wanted))
    finally:
        for device in devices:
            device.__exit__(None, None, None)


def report(trials: list[Trial]) -> dict[str, object]:
    """What came of them, as data."""
    killed = [item for item in trials if item.where is not None]
    return {
        "tried": len(trials),
        "killed": len(killed),
        "while current had flowed": sum(item.true_pc > 0 for item in killed),
        "outlived or not begun": len(trials) - len(killed),
        "steps": max((item.steps for item in trials), default=0),
        "where": dict(Counter(str(item.where) for item in killed)),
        "violations": [f"step {item.last}: {text}" for item in trials for text in item.violations],
    }


def main() -> int:
    """Kill, judge, print as JSON; 1 when something did not hold."""
    parser = argparse.ArgumentParser(prog="python -m tests.runtime.killing_processes", description=__doc__)
    parser.add_argument("--every", type=int, default=1, help="kill at each so-manieth step (default: 1)")
    parser.add_argument("--first", type=int, default=1, help="the first step (default: 1)")
    parser.add_argument("--at", type=int, nargs="*", help="kill at just these steps")
    parser.add_argument("--beside", type=int, default=4, help="sessions at a time (default: 4)")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        if given.at:
            wanted = given.at
        else:
            (whole,) = campaign(folder, [0], 1)
            wanted = list(range(given.first, whole.steps + 1, given.every))
        trials = campaign(folder, wanted, given.beside)
    found = report(trials)
    json.dump(found, sys.stdout, indent=1)
    return 1 if found["violations"] else 0


if __name__ == "__main__":
    sys.exit(main())
