"""A stimulator whose answers are bent on their way to the session, and a driver around it: test doubles."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import pairwise

from ionto_ir.bound import BoundPlan
from ionto_ir.waveform import Waveform
from ionto_runtime.drivers.driver import Capabilities, Complaint, Identity, Problem, SessionLimits
from ionto_runtime.session import Session
from ionto_runtime.simulation.driver import CAPABILITIES
from ionto_runtime.simulation.stimulator import SimulatedStimulator
from ionto_runtime.stimulator import Measurement, Reply
from tests.ir.sessions import SECOND, bound_of, timed_plan
from tests.runtime.bedside import Bedside

Bend = Callable[[Measurement], Measurement | None]


@dataclass
class Broken:
    """A whole driver around a simulated stimulator; each of its answers can be made wrong by a test."""

    device: SimulatedStimulator
    bend: Bend = lambda reading: reading
    answers: Callable[[Reply], Reply | None] = lambda reply: reply
    arrives: Callable[[int], bool] = lambda na: True
    capabilities: Capabilities = CAPABILITIES
    identity: Identity | Problem = field(default_factory=lambda: Identity("Bench", "B1", "1.0", None, True))
    refuses: dict[str, Problem] = field(default_factory=dict)
    complaints: list[Complaint] = field(default_factory=list)
    trips_after_ms: int = 500
    sent: list[int | None] = field(default_factory=list)
    limits: SessionLimits | None = None
    calls: list[str] = field(default_factory=list)

    def set_current(self, na: int, lease_ms: int, seq: int, waveform: Waveform | None = None) -> Reply | None:
        self.sent.append(na)
        if not self.arrives(na):
            return None
        reply = self.device.set_current(na, lease_ms, seq, waveform)
        return None if reply is None else self.answers(reply)

    def output_off(self, seq: int) -> Reply | None:
        self.calls.append("output_off")
        self.sent.append(None)
        reply = self.device.output_off(seq)
        return None if reply is None else self.answers(reply)

    def measure(self) -> Measurement | None:
        found = self.device.measure()
        return None if found is None else self.bend(found)

    def connect(self) -> Identity | Problem:
        self.calls.append("connect")
        self.device.output_off(0)
        return self.refuses.get("connect", self.identity)

    def configure(self, limits: SessionLimits) -> Problem | None:
        self.calls.append("configure")
        self.limits = limits
        return self.refuses.get("configure")

    def verify_limits(self) -> Problem | None:
        self.calls.append("verify_limits")
        return self.refuses.get("verify_limits")

    def prove_dead_man(self) -> int | Problem:
        self.calls.append("prove_dead_man")
        return self.refuses.get("prove_dead_man", self.trips_after_ms)

    def arm(self) -> Problem | None:
        self.calls.append("arm")
        return self.refuses.get("arm")

    def errors(self) -> tuple[Complaint, ...]:
        found, self.complaints = tuple(self.complaints), []
        return found

    def close(self) -> None:
        self.calls.append("close")
        self.device.output_off(10**6)


LONG = bound_of(timed_plan(hold_ms=60 * SECOND, ramp_ms=4 * SECOND))
"""Up to 2 mA in 4 s, a minute of hold, down in 4 s."""


def broken_bedside(
    bound: BoundPlan = LONG, *, as_driver: bool = True, seed: int = 1
) -> tuple[Bedside, Broken]:
    """A bedside whose session speaks to a stimulator that can be broken."""
    bedside = Bedside(bound, seed=seed)
    broken = Broken(bedside.device)
    bedside.session = Session(
        bound,
        broken,
        bedside.journal,
        driver=broken if as_driver else None,
        planned_pc=2_000_000 * 64 * SECOND,
    )
    return bedside, broken


def is_off(bedside: Bedside) -> bool:
    """Whether the device's output is really open."""
    reading = bedside.device.measure()
    return reading is not None and not reading.output_on and reading.current_na == 0


def falls(sent: list[int | None]) -> bool:
    """Whether a session that was stopped went down in steps of at most 50 uA, and then opened."""
    levels = [na for na in sent if na is not None]
    steps = [before - after for before, after in pairwise(levels)]
    return levels[-1] <= 50_000 and all(step <= 60_000 for step in steps)
