"""A session for the tests: a bound plan, the simulated stimulator on simulated skin, a journal in memory."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from ionto_ir.bound import BoundPlan
from ionto_ir.canonical import Json, digest
from ionto_ir.codec import plan_to_json
from ionto_ir.events import Confirm, Enter, Event, PromptKind, SetCurrent
from ionto_ir.expression import Value
from ionto_runtime.clock import Clock
from ionto_runtime.journal import Durability, JournalWriter, Written
from ionto_runtime.journal_file import JournalFile
from ionto_runtime.journal_reader import Reading, scan
from ionto_runtime.loop import run_session
from ionto_runtime.session import Session
from ionto_runtime.session_records import constants_to_json
from ionto_runtime.simulation.clock import VirtualClock
from ionto_runtime.simulation.skin import body_of
from ionto_runtime.simulation.stimulator import SimulatedStimulator
from ionto_runtime.view import Facts, View, facts_of
from tests.runtime.journals import MemoryFile
from tests.runtime.simulated import AREAS_UM2

MA = 1_000_000
Happenings = Mapping[int, Callable[["Bedside"], None]]
"""What happens before the tick of that number."""


def header_of(bound: BoundPlan, **changes: Json) -> dict[str, Json]:
    """The header of a simulated session."""
    return {
        "format": 1,
        "session": "test",
        "plan_sha256": digest(plan_to_json(bound.plan)),
        "device": bound.plan.device.name,
        "software": "0.1.0",
        "simulated": True,
        "patient": "P1",
        "plan_name": bound.plan.name,
        "values": dict(bound.values),
        "constants": constants_to_json(bound.constants),
        "polarity": bound.polarity,
        **changes,
    }


@dataclass
class Bedside:
    """A session that is ticked by hand. `answers` are entered when they are asked for."""

    bound: BoundPlan
    file: JournalFile = field(default_factory=MemoryFile)
    seed: int = 1
    answers: Mapping[str, Value] = field(default_factory=dict)
    clock: Clock = field(default_factory=VirtualClock)
    changes: Mapping[str, Json] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.device = SimulatedStimulator(self.bound.plan.device, body_of(AREAS_UM2, self.seed), self.seed)
        self.journal = JournalWriter(self.file, self.clock, Durability.SYNCED)
        assert isinstance(self.journal.begin(header_of(self.bound, **self.changes)), Written)
        self.session = Session(self.bound, self.device, self.journal)
        self.ticks = 0

    def begin(self) -> Bedside:
        """Arm and begin."""
        assert self.session.arm() is None
        self.session.begin()
        return self

    def pass_ms(self, ms: int) -> None:
        """Time goes by for the device and on the clock, and for nobody else."""
        self.device.advance(ms)
        self.clock.sleep_until(self.clock.now_ms() + ms)

    def tick(self, count: int = 1, ms: int | None = None) -> Bedside:
        """Let ticks pass."""
        tick_ms = self.bound.constants.tick_ms if ms is None else ms
        for _ in range(count):
            self.answer()
            self.pass_ms(tick_ms)
            self.session.tick(tick_ms)
            self.ticks += 1
        return self

    def answer(self) -> None:
        """Answer what is asked, as far as answers are there."""
        while (prompt := self.session.prompt) is not None:
            if prompt.kind in (PromptKind.CONFIRM, PromptKind.INSTRUCT):
                self.session.feed(Confirm())
            elif prompt.kind is PromptKind.RECORD and prompt.variable in self.answers:
                self.session.feed(Enter(prompt.variable, self.answers[prompt.variable]))
            else:
                return

    def until_closed(self, happenings: Happenings | None = None, ticks_max: int = 50_000) -> Bedside:
        """Tick until the session is closed, and seal its journal."""
        while not self.session.closed:
            assert self.ticks < ticks_max, "the session does not end"
            if happenings and self.ticks in happenings:
                happenings[self.ticks](self)
            self.tick()
        self.session.finish()
        return self

    @property
    def reading(self) -> Reading:
        """The journal so far."""
        assert isinstance(self.file, MemoryFile)
        return scan(self.file.data)

    def codes(self) -> list[str]:
        """The alarms so far."""
        return [alarm.code for alarm in self.session.alarms]


@dataclass
class Script:
    """A console that says things at given looks and keeps what it was shown."""

    says: Mapping[int, Sequence[Event]] = field(default_factory=dict)
    answers: Mapping[str, Value] = field(default_factory=dict)
    views: list[View] = field(default_factory=list)
    looks: int = 0

    def poll(self, view: View) -> Sequence[Event]:
        """What the script says at this look, else the answer to what is asked."""
        self.looks += 1
        if self.looks in self.says:
            return self.says[self.looks]
        prompt = view.prompt
        if prompt is not None and prompt.kind in (PromptKind.CONFIRM, PromptKind.INSTRUCT):
            return (Confirm(),)
        if prompt is not None and prompt.kind is PromptKind.RECORD and prompt.variable in self.answers:
            return (Enter(prompt.variable, self.answers[prompt.variable]),)
        return ()

    def show(self, view: View) -> None:
        """Keep it."""
        self.views.append(view)


def facts_for(bound: BoundPlan) -> Facts:
    """Facts of a simulated session."""
    return facts_of(bound, patient="P1", operator="O", device="clinic", simulated=True, speed=1)


def run_through(bedside: Bedside, console: Script, *, real_time: bool = False) -> Bedside:
    """Run a session with the loop, in virtual time."""
    assert bedside.session.arm() is None
    run_session(
        bedside.session,
        console,
        facts_for(bedside.bound),
        bedside.clock,
        bedside.device.advance,
        real_time=real_time,
    )
    return bedside


def settings_of(reading: Reading) -> list[int]:
    """Every current that was set, in order."""
    return [
        command["current_na"]
        for record in reading.records
        if "event" in record.payload
        for command in record.payload["commands"]
        if command["command"] == "set_current"
    ]


def is_rise(before: SetCurrent | None, after: SetCurrent) -> bool:
    """Whether a setting raises the current."""
    return before is None or abs(after.current_na) > abs(before.current_na)
