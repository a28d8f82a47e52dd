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
import itertools
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from random import Random

from ionto_ir.bind import History
from ionto_ir.dataclass import replace
from ionto_ir.features import features_of
from ionto_runtime.accounting import account_of
from ionto_runtime.clock import RealClock
from ionto_runtime.history import read_history
from ionto_runtime.journal_format import RecordType
from ionto_runtime.journal_reader import Reading, Unsealed, read_journal
from ionto_runtime.recovery import Repaired, repair_journal
from tests.conformance.processes import DeviceProcess
from tests.runtime.bedside import settings_of
from tests.runtime.safety_process import WAIT_MS, Spoken, job_at, spoken_to
from tests.runtime.sealed_plans import placed
from tests.runtime.test_on_a_line import on_the_reference_device
from tests.runtime.whole_session import QUICK, whole_plan
from tests.soak.__main__ import RECORD, commit

PATIENT = "P1"
REFUSED = 2
"""On a busy machine a check before the session may find the simulated device too slow to answer."""

LATENESS = frozenset({"F03", "F22", "F26", "F30", "F32", "F44"})
"""Alarms with which a session ends on a machine that is too busy: ticks, answers or clocks were late."""

QUIET_S = 2.5
"""Longer than the longest lease that an IonLink device grants."""

ATTEMPTS_MAX = 10
EVERYTHING = frozenset(["begin", "confirm", "pause", "resume", "enter", "forward", "backward"])
"""What happens in a session of which every step is a step of every kind of session."""

AFTER_KILLS = "\n## The record\n"

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
    """One session that was to die at its step `last`: `where` it was killed, or what came of it instead."""

    last: int
    where: str | None
    instead: str
    steps: int
    true_pc: int
    acts: frozenset[str]
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


def settled_pc(device: DeviceProcess) -> int:
    """The same once nothing more can come of what was said to it.

    The last word of a process that is dead may still lie in the line, and raise the current from zero: only
    when nothing has flowed for longer than any lease is it over.
    """
    until_s, known_pc, since_s = time.monotonic() + WAIT_MS / 1000, -1, 0.0
    while time.monotonic() < until_s:
        now_pc = received_pc(device)
        if now_pc != known_pc:
            known_pc, since_s = now_pc, time.monotonic()
        elif time.monotonic() - since_s > QUIET_S:
            return now_pc
        time.sleep(0.05)
    raise AssertionError("current flows although nobody asks for it")


def trial(folder: Path, last: int, device: DeviceProcess) -> Trial:
    """One session that dies at its step number `last`, if it has as many."""
    folder.mkdir()
    job = job_at(folder, port=str(device.link), driver="ionlink", patient=PATIENT)
    shutil.rmtree(folder / "home" / "trusted")
    plan = on_the_reference_device(whole_plan(QUICK))
    placed(folder, replace(plan, requires=features_of(plan)))
    before_pc = received_pc(device)
    told, code = folder / "told", None
    with (
        suppress(AssertionError, subprocess.TimeoutExpired),  # it did not start, or end, within a minute
        spoken_to(job, KILLED.format(last=last, told=str(told))) as spoken,
    ):
        accompany(spoken)
        code = spoken.process.wait(WAIT_MS / 1000)
    true_pc = settled_pc(device) - before_pc
    steps, name = told.read_text(encoding="ascii").split(maxsplit=1) if told.exists() else ("0", "")
    killed = code == -signal.SIGKILL
    left = judged(job.records, true_pc, killed=killed or code is None)
    instead, violations = ("killed", ()) if killed else ended_as(code, left)
    where = name.strip() if killed else None
    shutil.rmtree(folder)
    return Trial(last, where, instead, int(steps), true_pc, left.acts, (*left.violations, *violations))


def ended_as(code: int | None, left: Left) -> tuple[str, tuple[str, ...]]:
    """What came of a session that was not killed, and whether that is a violation by itself."""
    if code is None:
        return "too slow", ()
    if code == REFUSED:
        return "refused", ()
    if code == 0:
        return "completed", ()
    why = () if left.alarms & LATENESS else (f"it ended by itself with {code} for {set(left.alarms)}",)
    return "stopped", why


@dataclass(frozen=True, slots=True)
class Left:
    """What a session has left: what people and plan did in it, its alarms, and what is wrong with it."""

    violations: tuple[str, ...]
    acts: frozenset[str] = frozenset()
    alarms: frozenset[str] = frozenset()


def judged(records: Path, true_pc: int, *, killed: bool) -> Left:
    """What is in the one journal, after what really flowed."""
    paths = list(records.glob("*.journal"))
    reading = read_journal(paths[0]) if paths else None
    if not isinstance(reading, Reading) or reading.header is None:
        return Left(() if true_pc == 0 else (f"no journal, but {true_pc} pC flowed",))
    account = account_of(reading)
    if isinstance(account, str):
        return Left((account,))
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
    alarms = (record.payload.get("code") for record in reading.records if record.kind is RecordType.ALARM)
    return Left(tuple(found), acts_of(reading), frozenset(str(code) for code in alarms if code))


def acts_of(reading: Reading) -> frozenset[str]:
    """What was done in a session: events but for ticks, and the polarities in which current was set."""
    events = {str(record.payload["event"]) for record in reading.records if "event" in record.payload}
    poles = {"forward" if na > 0 else "backward" for na in settings_of(reading) if na}
    return frozenset(events - {"tick"} | poles)


class Campaign:
    """Trials `beside` at a time, each worker with a device of its own."""

    def __init__(self, folder: Path, beside: int, minutes: float) -> None:
        self._folder, self._beside = folder, beside
        self._until_s = time.monotonic() + 60 * minutes
        self._numbers = itertools.count()
        self._own = threading.local()
        self._devices = ExitStack()

    def __enter__(self) -> Campaign:
        return self

    def __exit__(self, *_: object) -> None:
        self._devices.close()

    def whole(self) -> Trial:
        """A session that is not killed and does everything: how many steps there are."""
        tried = [self._once(0)]
        while tried[-1].acts != EVERYTHING and len(tried) < ATTEMPTS_MAX:
            tried.append(self._once(0))
        if tried[-1].acts != EVERYTHING or tried[-1].violations:
            sys.exit(f"no whole session can be had on this machine: {tried}")
        return tried[-1]

    def run(self, wanted: list[int]) -> list[Trial]:
        """All trials, those included that had to be repeated."""
        with ThreadPoolExecutor(self._beside) as pool:
            return [item for tried in pool.map(self._until_killed, wanted) for item in tried]

    def _until_killed(self, last: int) -> list[Trial]:
        """A session that the machine was too busy for, or that had fewer steps this time, is repeated."""
        if time.monotonic() > self._until_s:
            return []
        tried = [self._once(last)]
        while tried[-1].where is None and not tried[-1].violations and len(tried) < ATTEMPTS_MAX:
            tried.append(self._once(last))
        return tried

    def _once(self, last: int) -> Trial:
        if not hasattr(self._own, "device"):
            line = self._folder / f"line-{next(self._numbers)}"
            self._own.device = self._devices.enter_context(DeviceProcess("twin", line))
        return trial(self._folder / str(next(self._numbers)), last, self._own.device)


def report(trials: list[Trial], whole: Trial | None, seconds: float) -> dict[str, object]:
    """What came of them, as data."""
    killed = [item for item in trials if item.where is not None]
    steps = {item.last for item in trials}
    return {
        "steps of a whole session": None if whole is None else whole.steps,
        "wanted": len(steps),
        "killed": len(killed),
        "while or after current flowed": sum(item.true_pc > 0 for item in killed),
        "where": dict(sorted(Counter(str(item.where) for item in killed).items())),
        "repeated": dict(Counter(item.instead for item in trials if item.where is None)),
        "never reached": sorted(steps - {item.last for item in killed}),
        "minutes": round(seconds / 60, 1),
        "violations": [f"step {item.last}: {text}" for item in trials for text in item.violations],
    }


def record(found: dict[str, object]) -> None:
    """Add the campaign to the manual."""
    where = found["where"]
    assert isinstance(where, dict)
    repeated = found["repeated"]
    assert isinstance(repeated, dict)
    never = found["never reached"]
    assert isinstance(never, list)
    cells = [
        f"{datetime.now(UTC):%Y-%m-%d}",
        commit(),
        f"{found['killed']} of {found['steps of a whole session']}",
        str(found["while or after current flowed"]),
        ", ".join(f"{count} {name}" for name, count in where.items()),
        ", ".join(f"{count} {name}" for name, count in repeated.items()) or "none",
        str(len(never)),
        str(found["minutes"]),
        str(len(found["violations"])),  # type: ignore[arg-type]
    ]
    text = RECORD.read_text(encoding="utf-8")
    before, mark, after = text.partition(AFTER_KILLS)
    assert mark, "the manual has its table of kills"
    RECORD.write_text(f"{before}| {' | '.join(cells)} |\n{mark}{after}", encoding="utf-8")


def main() -> int:
    """Kill, judge, print as JSON; 1 when something did not hold."""
    parser = argparse.ArgumentParser(prog="python -m tests.runtime.killing_processes", description=__doc__)
    parser.add_argument("--every", type=int, default=1, help="kill at each so-manieth step (default: 1)")
    parser.add_argument("--first", type=int, default=1, help="the first step (default: 1)")
    parser.add_argument("--at", type=int, nargs="*", help="kill at just these steps")
    parser.add_argument("--beside", type=int, default=4 * (os.cpu_count() or 1), help="sessions at a time")
    parser.add_argument("--minutes", type=float, default=600, help="begin nothing after so long")
    parser.add_argument("--record", action="store_true", help="add a line to docs/safety/soak.md")
    given = parser.parse_args()
    began_s, whole = time.monotonic(), None
    with tempfile.TemporaryDirectory() as name, Campaign(Path(name), given.beside, given.minutes) as campaign:
        if given.at:
            wanted = given.at
        else:
            whole = campaign.whole()
            wanted = list(range(given.first, whole.steps + 1, given.every))
            Random(whole.steps).shuffle(wanted)  # one that is cut short has looked everywhere
        found = report(campaign.run(wanted), whole, time.monotonic() - began_s)
    json.dump(found, sys.stdout, indent=1)
    if given.record and whole is not None:
        record(found)
    return 1 if found["violations"] else 0


if __name__ == "__main__":
    sys.exit(main())
