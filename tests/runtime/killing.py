"""Kills a session that writes to a real file, at every step of its way (`kill -9`), and judges what is left.

A step is a call by which the session meets the world: a write, a sync, a command to the device. A session in
a process of its own kills itself, without warning, just before a given step; the device, which lives in the
parent's shared memory as two numbers, goes on until its lease ends.
"""

from __future__ import annotations

import argparse
import copy
import json
import mmap
import os
import signal
import struct
import sys
import tempfile
import traceback
from pathlib import Path

from ionto_ir.bind import bind
from ionto_ir.bound import BoundPlan
from ionto_ir.events import Confirm, Enter, Pause, PromptKind, Resume
from ionto_ir.plan import Interruptions
from ionto_ir.state import Mode
from ionto_ir.waveform import Waveform
from ionto_runtime.accounting import account_of
from ionto_runtime.history import first_session
from ionto_runtime.journal import Durability, JournalWriter, create_journal
from ionto_runtime.journal_file import DiskFile
from ionto_runtime.journal_reader import Reading, Unsealed, read_journal
from ionto_runtime.recovery import Repaired, repair_journal
from ionto_runtime.session import Session
from ionto_runtime.simulation.clock import VirtualClock
from ionto_runtime.simulation.skin import body_of
from ionto_runtime.simulation.stimulator import SimulatedStimulator
from ionto_runtime.stimulator import Measurement, Reply
from tests.ir.sessions import MA, SECOND, SPAN, bound_of, timed_plan
from tests.runtime.bedside import header_of
from tests.runtime.simulated import AREAS_UM2
from tests.runtime.whole_session import whole_plan

BOUND = bound_of(
    timed_plan(hold_ms=SECOND, ramp_ms=2 * SECOND, interruptions=Interruptions(0, 0, False, SPAN))
)


class Steps:
    """Counts steps, tells the parent what has flowed, and ends the process at the last one."""

    def __init__(self, shared: mmap.mmap, last: int) -> None:
        self.device: SimulatedStimulator | None = None
        self._shared, self._last, self._count = shared, last, 0

    def take(self) -> None:
        """One step further."""
        self._count += 1
        now_pc = later_pc = 0
        if self.device is not None and self._count >= self._last:
            now_pc = self.device.received.total_pc
            left_alone = copy.deepcopy(self.device)
            left_alone.advance(2 * left_alone.device.watchdog_ms)
            later_pc = left_alone.received.total_pc
        self._shared[:24] = struct.pack("<qqq", self._count, now_pc, later_pc)
        if self._count >= self._last:
            os.kill(os.getpid(), signal.SIGKILL)


class Watched:
    """A stimulator each of whose commands is a step, before and after."""

    def __init__(self, inner: SimulatedStimulator, steps: Steps) -> None:
        self._inner, self._steps = inner, steps

    def set_current(self, na: int, lease_ms: int, seq: int, waveform: Waveform | None = None) -> Reply | None:
        self._steps.take()
        reply = self._inner.set_current(na, lease_ms, seq, waveform)
        self._steps.take()
        return reply

    def output_off(self, seq: int) -> Reply | None:
        self._steps.take()
        return self._inner.output_off(seq)

    def measure(self) -> Measurement | None:
        return self._inner.measure()


def bound_whole() -> BoundPlan:
    """A session with every kind of step, bound to this day."""
    bound = bind(whole_plan(), {"current": MA, "pacemaker": False, "sore": False}, (), first_session(0))
    assert isinstance(bound, BoundPlan), bound
    return bound


class Person:
    """Answers what is asked; pauses in the second hold, and resumes when the current is down."""

    def __init__(self) -> None:
        self._holds, self._paused, self._resumed, self._held = 0, False, False, False

    def act(self, running: Session) -> None:
        """What somebody at the bedside does before a tick."""
        prompt = running.prompt
        if prompt is not None and prompt.kind in (PromptKind.CONFIRM, PromptKind.INSTRUCT):
            running.feed(Confirm())
        elif prompt is not None and prompt.kind is PromptKind.RECORD:
            running.feed(Enter("skin", 0))
        held = running.reading is not None and abs(running.reading.setpoint_na) == MA
        self._holds += held and not self._held
        self._held = held
        if self._holds == 2 and not self._paused:
            self._paused = True
            running.feed(Pause())
        if running.state.mode is Mode.PAUSED and not self._resumed:
            self._resumed = True
            running.feed(Resume())


def session(path: Path, shared: mmap.mmap, last: int, bound: BoundPlan) -> None:
    """A session that dies at its step number `last`, if it has as many."""
    steps = Steps(shared, last)
    write, sync = DiskFile.write, DiskFile.sync

    def counted_write(file: DiskFile, data: bytes) -> int:
        steps.take()
        return write(file, data)

    def counted_sync(file: DiskFile) -> None:
        steps.take()
        sync(file)

    DiskFile.write, DiskFile.sync = counted_write, counted_sync  # type: ignore[method-assign]
    clock = VirtualClock()
    journal = create_journal(path, header_of(bound), clock, Durability.SYNCED)
    assert isinstance(journal, JournalWriter)
    device = SimulatedStimulator(bound.plan.device, body_of(AREAS_UM2, 1), 1)
    steps.device = device
    running = Session(bound, Watched(device, steps), journal)
    assert running.arm() is None
    running.begin()
    person = Person()
    while not running.closed:
        clock.sleep_until(clock.now_ms() + 100)
        person.act(running)
        device.advance(100)
        running.tick(100)
    running.finish()


def judged(path: Path, now_pc: int, later_pc: int) -> str | None:
    """What is wrong with what a killed session has left."""
    reading = read_journal(path)
    if not isinstance(reading, Reading):
        return None if later_pc == 0 else "no journal, but current flowed"
    if reading.header is None:
        return None if later_pc == 0 else "no header, but current flowed"
    account = account_of(reading)
    if isinstance(account, str):
        return account
    if not account.charge.lower_pc <= now_pc <= later_pc <= account.charge.upper_pc:
        return f"{now_pc}..{later_pc} is not within {account.charge}"
    repaired = repair_journal(path)
    if not isinstance(repaired, Repaired):
        return f"it cannot be repaired: {repaired}"
    whole = isinstance(repaired.reading.end, Unsealed) or repaired.reading == reading
    return None if whole else "it does not end with a whole record"


def main() -> None:
    """Kill at every n-th step until the session outlives its step; tell what was left, as JSON."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--every", type=int, default=1)
    parser.add_argument("--whole", action="store_true", help="a session with every kind of step")
    given = parser.parse_args()
    every, bound = given.every, bound_whole() if given.whole else BOUND
    tried = killed = 0
    violations: list[str] = []
    with tempfile.TemporaryDirectory() as folder:
        last, outlived = 1, False
        while not outlived:
            path = Path(folder) / f"{last}.journal"
            shared = mmap.mmap(-1, 24)
            child = os.fork()
            if child == 0:
                try:
                    session(path, shared, last, bound)
                    os._exit(0)
                except BaseException:
                    traceback.print_exc()
                    os._exit(1)
            _, status = os.waitpid(child, 0)
            if os.WIFEXITED(status) and os.WEXITSTATUS(status) != 0:
                sys.exit("a session failed by itself")
            outlived = os.WIFEXITED(status)
            if not outlived:
                tried += 1
                killed += os.WIFSIGNALED(status) and os.WTERMSIG(status) == signal.SIGKILL
                _, now_pc, later_pc = struct.unpack("<qqq", shared[:24])
                wrong = judged(path, now_pc, later_pc)
                violations += [] if wrong is None else [f"step {last}: {wrong}"]
            last += every
    json.dump({"tried": tried, "killed": killed, "violations": violations}, sys.stdout)


if __name__ == "__main__":
    main()
