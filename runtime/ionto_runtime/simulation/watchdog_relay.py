"""A simulated watchdog relay: closed for a time after each byte, and the instrument that hangs on it."""

from __future__ import annotations

from ionto_runtime.simulation.keithley import Keithley2400
from ionto_runtime.simulation.line import QUIET_MS

OPENS_AFTER_MS = 400


class SimulatedRelay:
    """See `simulation.line.Peer`. `stuck` is a contact that has welded; `cut` one whose wire is off."""

    def __init__(self, instrument: Keithley2400, opens_after_ms: int = OPENS_AFTER_MS) -> None:
        self._instrument = instrument
        self.opens_after_ms = opens_after_ms
        self.stuck = self.cut = False
        self._left_ms = 0
        self._act()

    def receive(self, data: bytes) -> None:
        if data:
            self._left_ms = self.opens_after_ms
        self._act()

    def transmit(self) -> bytes:
        return b""

    def advance(self, ms: int) -> None:
        self._left_ms = max(0, self._left_ms - ms)
        self._act()

    def due_in_ms(self) -> int:
        return min(QUIET_MS, self._left_ms) or QUIET_MS

    def _act(self) -> None:
        self._instrument.pin_low = (self._left_ms > 0 or self.stuck) and not self.cut
