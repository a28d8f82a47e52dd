"""A real safety process for the tests: started with a job, spoken to, killed when it is left."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path

from ionto_ir.canonical import Json
from ionto_runtime.clock import RealClock
from ionto_runtime.messages import Message
from ionto_runtime.remote import Remote, reach
from ionto_runtime.safety.job import Job, job_to_json
from tests.architecture.tree import ROOT
from tests.runtime.sealed_plans import MA, heel_plan, placed

WAIT_MS = 60_000
"""No test waits for longer, however slow the machine is; none is decided by how long it took."""

QUICK = heel_plan(hold_ms=1_000, ramp_ms=1_000)
LASTING = heel_plan(hold_ms=120_000, ramp_ms=1_000)


def job_at(folder: Path, *, lasting: bool = False, **changes: object) -> Job:
    """A job on the simulated device, whose plan is sealed into the folder."""
    place = placed(folder, LASTING if lasting else QUICK)
    (folder / "records").mkdir(exist_ok=True)
    job = Job(
        session_id="5e551011",
        token="the token of this session",
        socket=folder / "desk",
        plan=place.folder / "heel.plan.json",
        trust=place.folder / "home" / "trusted",
        records=place.records,
        sealing=place.folder / "home" / "sealing",
        port="simulated",
        driver="simulated",
        device_file=None,
        values={"current": MA, "pacemaker": False, "sore": False},
        acknowledgements=(),
        patient="P1",
        operator="O",
        attended=True,
    )
    return replace(job, **changes)  # type: ignore[arg-type]


@dataclass
class Spoken:
    """A safety process and a console at its desk. `heard` is all that it said but for views."""

    job: Job
    process: subprocess.Popen[bytes]
    remote: Remote
    heard: list[Message] = field(default_factory=list)
    views: list[Message] = field(default_factory=list)
    confirm: Json = None
    pending: list[Message] = field(default_factory=list)

    def until(self, enough: Callable[[Message], bool]) -> Message:
        """Listen, as a good console does, until a message is what one waits for."""
        clock = RealClock()
        until_ms = clock.now_ms() + WAIT_MS
        while clock.now_ms() < until_ms:
            self.pending = self.pending or self.remote.hear(20)
            while self.pending:
                message = self.pending.pop(0)
                self.note(message)
                if enough(message):
                    return message
            assert not self.remote.gone, f"the safety process is gone: {self.heard[-3:]}"
        raise AssertionError(f"it never came: {self.heard[-3:]} {self.views[-1:]}")

    def note(self, message: Message) -> None:
        """Keep what was heard, and answer what is asked."""
        if message["type"] == "view":
            self.views.append(message)
            self._answer(message)
            return
        self.heard.append(message)
        if message["type"] == "facts":
            self.confirm = message["confirm"]
        elif message["type"] == "trial_alarm":
            self.remote.command("seen")

    def _answer(self, view: Message) -> None:
        prompt = view["prompt"]
        if isinstance(prompt, dict) and prompt["kind"] in ("confirm", "instruct"):
            self.remote.command("confirm")
        elif isinstance(prompt, dict) and prompt["kind"] == "record":
            self.remote.command("enter", variable="skin", text="none")

    def until_type(self, kind: str) -> Message:
        """Listen until a message of this type."""
        return self.until(lambda message: message["type"] == kind)

    def refusal(self) -> str:
        """Come to command, and be told why there is no session."""
        self.remote.join(self.job.token, "test", commands=True)
        return json.dumps(self.until_type("refused_session"))

    def begin(self) -> Spoken:
        """Wait until it is armed, confirm what must be confirmed, and begin."""
        self.remote.join(self.job.token, "test", commands=True)
        self.until_type("armed")
        self.remote.command("begin", confirm=self.confirm)
        self.until_type("begun")
        return self

    def until_word(self, word: str) -> Message:
        """Listen until the session is in this state."""
        return self.until(lambda message: message.get("word") == word)

    def signal(self, number: signal.Signals) -> None:
        """Send the process a signal."""
        os.kill(self.process.pid, number)

    def codes(self) -> list[str]:
        """The alarms so far."""
        alarms = self.views[-1]["alarms"] if self.views else []
        assert isinstance(alarms, list)
        return [str(alarm["code"]) for alarm in alarms if isinstance(alarm, dict)]

    def ended(self) -> int:
        """The exit code, once the process has left by itself."""
        return self.process.wait(WAIT_MS / 1000)


def console_at(job: Job) -> Remote:
    """Another console at the desk of a running process."""
    remote = reach(job.socket, RealClock(), WAIT_MS)
    assert remote is not None
    return remote


@contextmanager
def spoken_to(job: Job, prelude: str = "") -> Iterator[Spoken]:
    """Start the job's process. `prelude` is Python that runs in it first: how tests break it from within."""
    program = f"{prelude}\nimport sys\nfrom ionto_runtime.safety.__main__ import main\nsys.exit(main())"
    process = subprocess.Popen(
        [sys.executable, "-c", program],
        stdin=subprocess.PIPE,
        start_new_session=True,
        cwd=ROOT,
    )
    assert process.stdin is not None
    remote: Remote | None = None
    try:
        process.stdin.write(json.dumps(job_to_json(job)).encode())
        process.stdin.close()
        remote = console_at(job)
        yield Spoken(job, process, remote)
    finally:
        if remote is not None:
            remote.close()
        if process.poll() is None:
            os.kill(process.pid, signal.SIGCONT)
            process.kill()
        process.wait()
