"""A current source on a body: what a simulated bench instrument drives, and what it sees at its terminals."""

from __future__ import annotations

from enum import Enum

from ionto_runtime.simulation.skin import STEP_MS_MAX, Body, Circuit
from ionto_runtime.simulation.stimulator import NO_FLOW, Received


class LoadFault(Enum):
    """What can go wrong between an instrument's output and its readings, until it is cleared."""

    LEAD_OFF = "an electrode comes off"
    SHORT = "the electrodes touch"
    SWAPPED = "the leads are swapped"
    CLIPPING = "the output gives half, and nobody says so"
    STUCK_OUTPUT = "the output keeps what it drives"


class Load:
    """One output on one body. `gain_ppm` and `offset_na` are the instrument's own error."""

    def __init__(self, body: Body) -> None:
        self.body = body
        self.received = Received()
        self.faults: set[LoadFault] = set()
        self.gain_ppm = 0
        self.offset_na = 0
        self.flow = NO_FLOW
        self._target_na = 0

    def drive(self, target_na: int | None, compliance_mv: int, ms: int) -> None:
        """Drive for `ms`; None is an open output."""
        if LoadFault.STUCK_OUTPUT not in self.faults:
            self._target_na = 0 if target_na is None else self._with_errors(target_na)
        while ms > 0:
            step_ms = min(ms, STEP_MS_MAX)
            self.flow = self.body.drive(
                self._target_na / 1_000_000, max(1, compliance_mv) / 1000, self._circuit(), step_ms
            )
            self._count(round(self.flow.skin_ma * 1_000_000), step_ms)
            ms -= step_ms

    @property
    def current_na(self) -> int:
        """What flows at the terminals."""
        return round(self.flow.current_ma * 1_000_000)

    @property
    def voltage_mv(self) -> int:
        """What stands across them."""
        return round(self.flow.voltage_v * 1000)

    def _with_errors(self, target_na: int) -> int:
        if target_na == 0:
            return 0
        driven = target_na + target_na * self.gain_ppm // 1_000_000
        driven += self.offset_na if target_na > 0 else -self.offset_na
        if LoadFault.CLIPPING in self.faults:
            driven //= 2
        return -driven if LoadFault.SWAPPED in self.faults else driven

    def _circuit(self) -> Circuit:
        if LoadFault.LEAD_OFF in self.faults:
            return Circuit.OPEN
        return Circuit.SHORTED if LoadFault.SHORT in self.faults else Circuit.CLOSED

    def _count(self, skin_na: int, ms: int) -> None:
        self.received.peak_na = max(self.received.peak_na, abs(skin_na))
        if skin_na >= 0:
            self.received.forward_pc += skin_na * ms
        else:
            self.received.backward_pc -= skin_na * ms
