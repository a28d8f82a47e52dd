"""Several channels for the tests: simulated outputs in lockstep, and one journal in memory."""

from __future__ import annotations

from dataclasses import dataclass, field

from ionto_ir.bind_together import BoundTogether, bind_together
from ionto_ir.canonical import Json, digest
from ionto_ir.codec import plan_to_json
from ionto_ir.dry_run import TICKS_MAX
from ionto_ir.events import Confirm, Enter, PromptKind
from ionto_ir.expression import Value
from ionto_ir.ordinary import ordinary_values
from ionto_ir.state import Mode
from ionto_runtime.clock import Clock
from ionto_runtime.gathering import Unit, channels_header, ensemble_of
from ionto_runtime.journal import Durability, JournalWriter, Written
from ionto_runtime.journal_file import JournalFile
from ionto_runtime.journal_reader import Reading, scan
from ionto_runtime.session_records import constants_to_json
from ionto_runtime.simulation.channels import SimulatedChannels
from ionto_runtime.simulation.clock import VirtualClock
from tests.golden.everything import side_by_side
from tests.runtime.journals import MemoryFile

MA = 1_000_000
PLAN = side_by_side()
VALUES = ordinary_values(PLAN, {"current": MA, "active.area": 10**9, "active.pole": 0})


def bound_pair() -> BoundTogether:
    """Two channels of 1 mA, which share their return."""
    bound = bind_together(PLAN, VALUES, rehearsing=True)
    assert isinstance(bound, BoundTogether)
    return bound


def header_of_channels(bound: BoundTogether, **changes: Json) -> dict[str, Json]:
    """The header of a simulated session of several channels."""
    return {
        "session": "test",
        "plan_sha256": digest(plan_to_json(bound.plan)),
        "device": bound.plan.device.name,
        "software": "0.1.0",
        "simulated": True,
        "patient": "P1",
        "plan_name": bound.plan.name,
        "values": dict(bound.values),
        "constants": constants_to_json(bound.care.constants),
        "polarity": bound.care.polarity,
        **channels_header(bound, [None] * len(bound.channels)),
        **changes,
    }


@dataclass
class Bed:
    """A session of two channels, which has `begun`; people say yes to everything unless they are `silent`."""

    bound: BoundTogether = field(default_factory=bound_pair)
    file: JournalFile = field(default_factory=MemoryFile)
    clock: Clock = field(default_factory=VirtualClock)
    answers: dict[str, Value] = field(default_factory=dict)
    silent: bool = False
    begun: bool = True

    def __post_init__(self) -> None:
        self.device = SimulatedChannels(self.bound.plan, self.bound.values, 1)
        self.journal = JournalWriter(self.file, self.clock, Durability.SYNCED)
        assert isinstance(self.journal.begin(header_of_channels(self.bound)), Written)
        made = ensemble_of(self.bound, [Unit(item) for item in self.device.outputs], self.journal)
        assert not isinstance(made, str)
        self.ensemble = made
        if self.begun:
            self.ensemble.begin()

    def pass_ticks(self, count: int) -> Bed:
        """Let ticks go by."""
        for _ in range(count):
            self._answer()
            self.device.advance(100)
            self.clock.sleep_until(self.clock.now_ms() + 100)
            self.ensemble.tick(100)
        return self

    def _answer(self) -> None:
        while not self.silent and (prompt := self.ensemble.prompt) is not None:
            if prompt.kind is PromptKind.RECORD and prompt.variable in self.answers:
                self.ensemble.feed(Enter(prompt.variable, self.answers[prompt.variable]))
            elif prompt.kind in (PromptKind.CONFIRM, PromptKind.INSTRUCT):
                self.ensemble.feed(Confirm())
            else:
                return

    def to_the_end(self) -> Bed:
        """Until all outputs were seen off, and the journal is sealed."""
        for _ in range(TICKS_MAX):
            if self.ensemble.closed:
                break
            self.pass_ticks(1)
        self.ensemble.finish()
        return self

    @property
    def modes(self) -> list[Mode]:
        """The mode of each channel."""
        return [state.mode for state in self.ensemble.states]

    @property
    def reading(self) -> Reading:
        """The journal so far."""
        assert isinstance(self.file, MemoryFile)
        return scan(self.file.data)
