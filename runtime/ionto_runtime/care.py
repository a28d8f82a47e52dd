"""What people do around several channels, as a session of its own on an output that there is not."""

from __future__ import annotations

from ionto_ir.waveform import Waveform
from ionto_runtime.stimulator import Accepted, Measurement, Refusal, Refused, Reply


class NoOutput:
    """A stimulator without an output: it is open, nothing flows, and its time is that of who advances it."""

    def __init__(self) -> None:
        self._seq = self._device_ms = 0

    def advance(self, ms: int) -> None:
        """Let time pass."""
        self._device_ms += ms

    def set_current(self, na: int, lease_ms: int, seq: int, waveform: Waveform | None = None) -> Reply | None:
        """Refused, always: a plan of what people do has no current."""
        return Refused(seq, Refusal.NOT_READY)

    def output_off(self, seq: int) -> Reply | None:
        """It is open already."""
        self._seq = max(self._seq, seq)
        return Accepted(seq)

    def measure(self) -> Measurement | None:
        """Nothing flows."""
        return Measurement(
            current_na=0,
            voltage_mv=0,
            impedance_ohm=None,
            at_compliance=False,
            output_on=False,
            lead_off=False,
            expired=False,
            setpoint_na=0,
            seq=self._seq,
            boot_count=0,
            device_ms=self._device_ms,
        )
