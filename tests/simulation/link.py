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
        self._repeated: Measurement | None = None
        self._latest: list[Measurement] = []
        self._tenfold: bool | None = None
        self._from_ms: int | None = None

    def set_current(self, na: int, lease_ms: int, seq: int, waveform: Waveform | None = None) -> Reply | None:
        self.told += 1
        if Kind.LOST_COMMANDS in self.active:
            return None
        reply = self._deliver(na, lease_ms, seq, waveform)
        if Kind.LOST_ANSWERS in self.active:
            reply = None
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
        if Kind.LOST_ANSWERS in self.active:
            reply = None
        if not self.device.faults & {Fault.STUCK_OUTPUT, Fault.SILENT}:
            self.in_force_na = 0
        return reply

    def measure(self) -> Measurement | None:
        if Kind.LOST_SAMPLES in self.active and self._chance.random() < 0.5:
            return None
        found = self.device.measure()
        if found is None:
            return None
        told, self._last = self._out_of_time(found), found
        return self._disturbed(told)

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

    def _out_of_time(self, found: Measurement) -> Measurement:
        """Readings that are told late, again, or in the wrong order."""
        self._latest = [*self._latest[-3:], found]
        if Kind.STALE_SAMPLES in self.active and self._last is not None:
            return self._last
        if Kind.REPEATED in self.active:
            self._repeated = self._repeated or found
            return self._repeated
        self._repeated = None
        return self._chance.choice(self._latest) if Kind.DISORDER in self.active else found

    def _disturbed(self, found: Measurement) -> Measurement:
        if Kind.FROZEN in self.active:
            self._frozen = self._frozen or found
            return replace(self._frozen, seq=found.seq, device_ms=found.device_ms)
        self._frozen = None
        if Kind.SIGN in self.active:
            return replace(found, current_na=-found.current_na)
        if Kind.NONSENSE in self.active:
            return replace(found, current_na=10**12, voltage_mv=-(10**9), impedance_ohm=10**9)
        if Kind.SCALED in self.active:
            self._tenfold = self._chance.random() < 0.5 if self._tenfold is None else self._tenfold
            current_na = found.current_na * 10 if self._tenfold else found.current_na // 10
            return replace(found, current_na=current_na)
        self._tenfold = None
        if Kind.SPIKE in self.active:
            return self._spiked(found)
        if Kind.DEVICE_CLOCK in self.active:
            return replace(found, device_ms=found.device_ms - self._chance.randint(0, 10**6))
        if Kind.CLOCK_RATE in self.active:
            self._from_ms = found.device_ms if self._from_ms is None else self._from_ms
            passed_ms = (found.device_ms - self._from_ms) * self._chance.choice((9, 11)) // 10
            return replace(found, device_ms=self._from_ms + passed_ms)
        self._from_ms = None
        return found

    def _spiked(self, found: Measurement) -> Measurement:
        """One value that cannot be, or is not so."""
        match self._chance.randrange(8):
            case 0:
                return replace(
                    found, current_na=self._chance.choice((-1, 1)) * self._chance.randint(0, 10**7)
                )
            case 1:
                return replace(found, voltage_mv=self._chance.randint(-(10**6), 10**6))
            case 2:
                return replace(found, impedance_ohm=self._chance.choice((None, 0, -1, 1, 10**12)))
            case 3:
                return replace(found, at_compliance=not found.at_compliance)
            case 4:
                return replace(found, lead_off=True)
            case 5:
                return replace(found, setpoint_na=-found.setpoint_na)
            case 6:
                return replace(found, seq=self._chance.choice((-1, 0, found.seq - 1, found.seq + 1, 10**9)))
            case _:
                return replace(found, output_on=not found.output_on)
