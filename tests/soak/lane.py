"""One simulated device on a line of its own, and sessions of `ionto run` on it, one after another."""

from __future__ import annotations

import contextlib
import json
import signal
import subprocess
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import accumulate
from pathlib import Path

from ionto_ir.dataclass import replace
from ionto_ir.features import features_of
from ionto_ir.limits import LimitKind
from ionto_ir.plan import Plan
from ionto_runtime.accounting import account_of
from ionto_runtime.journal_reader import Reading, Sealed, read_journal
from tests.conformance.processes import DeviceProcess, children_of
from tests.runtime.sealed_plans import MA, Workplace, heel_plan, placed
from tests.runtime.test_on_a_line import on_the_reference_device
from tests.soak.watching import Watched, is_safety_process
from tests.treatments import limit

AFTER_FAULT_S = 60
"""What goes wrong at once would otherwise go wrong a thousand times."""

DOSE_MA_MIN = 240
TICK_MS = 100
USUALLY_LATE_MS = 20
"""The usual tick is hardly late; what comes half a period before it is a tick that was half a period late."""

LATE = frozenset({"F22"})
"""The loop was too late for its device, and the session came down as it should (R54)."""

LINK = frozenset({"F03", "F02"})
"""The device's answers stayed away: on a busy machine the simulated device is late like any other program."""

NOT_BEGUN = "not begun"
"""A check before the session, at zero current, was not passed, for the same reason: nothing has flowed."""

NOT_WRITTEN = "error[I0904]"
"""The disk took too long to begin a journal, so that nothing was started."""

ANSWERS = "yes\n" * 4 + "y\nnone\n"
"""Plan and patient, two electrodes, start; the plan's own confirmation, and what was seen of the skin."""


def plan_of(hold_ms: int) -> Plan:
    """1 mA for so long, on the reference device."""
    plan = heel_plan(hold_ms=hold_ms, ramp_ms=2_000)
    limits = tuple(item for item in plan.limits if item.kind is not LimitKind.DOSE)
    dose = limit(LimitKind.DOSE, DOSE_MA_MIN * MA * 60_000, "mA.min", window_ms=24 * 3_600_000)
    plan = on_the_reference_device(replace(plan, limits=(*limits, dose)))
    return replace(plan, requires=features_of(plan))


@dataclass(frozen=True, slots=True)
class Ended:
    """What came of one session. `as_what`: completed, late, link, refused, stopped, or wrong."""

    as_what: str
    seconds: float
    faults: tuple[str, ...]
    alarms: tuple[str, ...]
    late_ms: tuple[int, ...]
    journal_bytes: int


@dataclass
class Lane:
    """A device and its sessions. `fresh`: the device is started anew for each; `rest_s` between them."""

    name: str
    kind: str
    folder: Path
    hold_s: float
    fresh: bool = False
    rest_s: float = 0.0
    ended: list[Ended] = field(default_factory=list)
    watched: list[Watched] = field(default_factory=list)
    device: DeviceProcess | None = None
    process: subprocess.Popen[str] | None = None
    safety: Watched | None = None
    place: Workplace | None = None
    started_s: float = 0.0
    next_s: float = 0.0
    before_pc: int = 0
    stopping: bool = False

    # --- its life ---------------------------------------------------------------------------------------
    def step(self, now_s: float, ends_s: float) -> None:
        """Start a session, look at the one that runs, or judge the one that has ended."""
        if self.process is None:
            hold_s = min(self.hold_s, ends_s - now_s - 30)
            if now_s >= self.next_s and hold_s >= 20:
                self._start(now_s, round(hold_s * 1000))
            return
        self._look(now_s)
        if self.process.poll() is not None:
            self._take(now_s)

    def stop(self) -> None:
        """Let the session that runs come down, as a signal to its process does."""
        self.stopping = True
        if self.process is not None and self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)

    def close(self) -> None:
        """End the device; a session that still runs is killed."""
        if self.process is not None:
            self.process.kill()
            self.process.wait()
        if self.device is not None:
            self.device.__exit__(None, None, None)
            self.device = None

    @property
    def running(self) -> bool:
        """Whether a session runs."""
        return self.process is not None

    def _start(self, now_s: float, hold_ms: int) -> None:
        number = len(self.ended) + 1
        folder = self.folder / f"{self.name}-{number}"
        folder.mkdir(parents=True)
        if self.device is None:
            self.device = DeviceProcess(self.kind, self.folder / f"{self.name}.line")
            self.device.__enter__()
            self._watch_device(number)
        self.before_pc = self._received_pc()
        self.place = placed(folder, plan_of(hold_ms))
        given = ("--set", "current=1 mA", "--set", "pacemaker=no", "--set", "sore=no")
        self.process = subprocess.Popen(
            self.place.command(
                *("run", "heel.plan.json", "--port", str(self.device.link), "--plain", "--patient", "P1"),
                *given,
            ),
            stdin=subprocess.PIPE,
            stdout=(folder / "said").open("w"),
            stderr=subprocess.STDOUT,
            text=True,
            cwd=folder,
            env=self.place.environment,
        )
        assert self.process.stdin is not None
        self.process.stdin.write(ANSWERS)
        self.process.stdin.flush()
        self.started_s, self.safety = now_s, None
        console = Watched(f"{self.name} {number} console", self.process.pid)
        self.watched.append(console)

    def _watch_device(self, number: int) -> None:
        assert self.device is not None
        pids = [self.device.pid, *children_of(self.device.pid)]
        names = [f"{self.name} device", f"{self.name} emulator"]
        known = f" {number}" if self.fresh else ""
        self.watched += [Watched(name + known, pid) for name, pid in zip(names, pids, strict=False)]

    def _look(self, now_s: float) -> None:
        assert self.process is not None
        if self.safety is None:
            found = [pid for pid in children_of(self.process.pid) if is_safety_process(pid)]
            if found:
                self.safety = Watched(f"{self.name} {len(self.ended) + 1} safety process", found[0])
                self.watched.append(self.safety)
        for watched in self.watched:
            if watched.pid:
                watched.look(now_s)

    def _received_pc(self) -> int:
        assert self.device is not None
        state = json.loads(self.device.do("state"))
        return int(state["forward_pc"]) + int(state["backward_pc"])

    # --- what came of it --------------------------------------------------------------------------------
    def _take(self, now_s: float) -> None:
        assert self.process is not None and self.device is not None and self.place is not None
        code = self.process.returncode
        if self.process.stdin is not None:
            with contextlib.suppress(OSError):
                self.process.stdin.close()
        true_pc = self._received_pc() - self.before_pc
        current_na = self.device.current_na
        self.process = None
        for watched in self.watched:
            if not watched.name.endswith(("device", "emulator")):
                watched.pid = 0  # numbers of processes are used again
        self.ended.append(self._judged(code, true_pc, current_na, now_s - self.started_s))
        wrong = bool(self.ended[-1].faults)
        self.next_s = now_s + max(self.rest_s, AFTER_FAULT_S if wrong else 0)
        if self.fresh:
            self.device.__exit__(None, None, None)
            self.device = None

    def _judged(self, code: int, true_pc: int, current_na: int, seconds: float) -> Ended:
        assert self.place is not None
        paths = list(self.place.records.glob("*.journal"))
        reading = read_journal(paths[0]) if paths else None
        if not isinstance(reading, Reading):
            said = (self.place.folder / "said").read_text(encoding="utf-8", errors="replace")
            if code == 2 and NOT_WRITTEN in said and not true_pc and not current_na:
                return Ended("refused", seconds, (), (), (), 0)
            return Ended("wrong", seconds, (f"no journal: {said[-400:]}",), (), (), 0)
        size = paths[0].stat().st_size
        alarms = tuple(str(r.payload["code"]) for r in reading.records if "code" in r.payload)
        faults = tuple(_wrong(reading, true_pc, current_na, code))
        reason = str(reading.records[-1].payload.get("reason"))
        as_what = "refused" if code == 2 and reason.startswith(NOT_BEGUN) else self._ended_as(code, alarms)
        if as_what == "wrong":
            faults = (*faults, f"ended with {code} after {sorted(set(alarms))}")
        return Ended(as_what, seconds, faults, alarms, tuple(late_ms_of(reading)), size)

    def _ended_as(self, code: int, alarms: tuple[str, ...]) -> str:
        if code == 0:
            return "completed"
        if code == 1 and LATE & set(alarms):
            return "late"
        if code == 1 and LINK & set(alarms):
            return "link"
        return "stopped" if code == 1 and self.stopping else "wrong"


def _wrong(reading: Reading, true_pc: int, current_na: int, code: int) -> Iterator[str]:
    """What does not hold of a session that has ended, however it ended."""
    if not isinstance(reading.end, Sealed):
        yield f"the journal ends as {reading.end}"
    account = account_of(reading)
    if isinstance(account, str):
        yield account
    elif not account.charge.lower_pc <= true_pc <= account.charge.upper_pc:
        yield f"{true_pc} pC flowed, which is not within {account.charge}"
    if current_na:
        yield f"{current_na} nA flow after the end"
    if code not in (0, 1, 2):
        yield f"the exit code is {code}"


def late_ms_of(reading: Reading) -> Iterator[int]:
    """How late each tick was, ms, from the times between ticks, which the journal keeps."""
    passed = [r.payload.get("passed_ms") for r in reading.records if r.payload.get("event") == "tick"]
    times = list(accumulate(ms for ms in passed if isinstance(ms, int)))
    if not times:
        return
    # Deadlines lie on one grid. The phase that most ticks have is nearly it; the earliest just before is it.
    usual = Counter(at % TICK_MS for at in times).most_common(1)[0][0]
    before = [back for at in times if (back := (usual - at) % TICK_MS) <= USUALLY_LATE_MS]
    phase = usual - max(before)
    last = (times[0] - phase) // TICK_MS - 1
    for at in times:
        slot, beyond = divmod(at - phase, TICK_MS)
        yield max(0, slot - last - 1) * TICK_MS + beyond
        last = slot
