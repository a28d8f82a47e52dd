"""The world's link and device as the session sees them, with everything that can happen to a message.

Here also stands who knows what was really in force, which no session can know.
"""

from __future__ import annotations

from collections.abc import Callable
from random import Random

from ionto_ir.dataclass import replace
from ionto_ir.waveform import Waveform
from ionto_runtime.simulation.stimulator import Fault, SimulatedStimulator
from ionto_runtime.stimulator import Measurement, Reply
from tests.simulation.faults import Kind

Watch = Callable[[int, int], None]
"""Told of every command that changed the device's setpoint: before and after, signed, 0: open."""


class Link:
    """A stimulator at the far end of a line that `active` faults disturb."""

    def __init__(self, device: SimulatedStimulator, chance: Random, watch: Watch) -> None:
        self.device = device
        self.active: set[Kind] = set()
        self.in_force_na = 0
        self.told = 0
        self._chance = chance
        self._watch = watch
        self._earlier: list[tuple[int, int, int]] = []
        self._last: Measurement | None = None
        self._frozen: Measurement | None = None

    def set_current(self, na: int, lease_ms: int, seq: int, waveform: Waveform | None = None) -> Reply | None:
        self.told += 1
        if Kind.LOST_COMMANDS in self.active:
            return None
        reply = self._deliver(na, lease_ms, seq, waveform)
        if Kind.DUPLICATES in self.active:
            self._deliver(na, lease_ms, seq, waveform)
        if Kind.OLD_COMMANDS in self.active and self._earlier:
            self._deliver(*self._chance.choice(self._earlier), None)
        self._earlier = [*self._earlier[-5:], (na, lease_ms, seq)]
        return reply

    def output_off(self, seq: int) -> Reply | None:
        self.told += 1
        if Kind.LOST_COMMANDS in self.active:
            return None
        reply = self.device.output_off(seq)
        if not self.device.faults & {Fault.STUCK_OUTPUT, Fault.SILENT}:
            self.in_force_na = 0
        return reply

    def measure(self) -> Measurement | None:
        if Kind.LOST_SAMPLES in self.active and self._chance.random() < 0.5:
            return None
        found = self.device.measure()
        if found is None:
            return None
        found, self._last = self._disturbed(found), found
        return found

    def _deliver(self, na: int, lease_ms: int, seq: int, waveform: Waveform | None) -> Reply | None:
        device = self.device
        before = device._setpoint_na if device._output_on else 0
        reply = device.set_current(na, lease_ms, seq, waveform)
        after = device._setpoint_na if device._output_on else 0
        taken = device._seq == seq and after == na and not device.faults & {Fault.STUCK_OUTPUT, Fault.SILENT}
        if taken:
            self.in_force_na = na
            self._watch(before, after)
        return reply

    def _disturbed(self, found: Measurement) -> Measurement:
        if Kind.STALE_SAMPLES in self.active and self._last is not None:
            return self._last
        if Kind.FROZEN in self.active:
            self._frozen = self._frozen or found
            return replace(self._frozen, seq=found.seq, device_ms=found.device_ms)
        self._frozen = None
        if Kind.SIGN in self.active:
            return replace(found, current_na=-found.current_na)
        if Kind.NONSENSE in self.active:
            return replace(found, current_na=10**12, voltage_mv=-(10**9), impedance_ohm=10**9)
        if Kind.DEVICE_CLOCK in self.active:
            return replace(found, device_ms=found.device_ms - self._chance.randint(0, 10**6))
        return found
