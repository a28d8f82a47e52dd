"""The watch on the contact: open, closed, shorted, at its highest voltage, suddenly different.

Until a closed circuit was seen, no more than a probe flows (R13): whoever touches an electrode then feels
nothing. After that an opening is noticed before the contact can come back (R29).
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator

from ionto_ir.device import Device
from ionto_runtime.accuracy import PROBE_NA, comparing_na, probe_na, telling_na
from ionto_runtime.stimulator import Measurement
from ionto_runtime.supervision import COMPLIANCE_MS, TOUCHING_OHM_MAX
from ionto_runtime.watching import Act, Finding, Sight

OPEN_MS = 300
"""How long less than half of the current may flow (R29)."""

SHORT_READINGS = 2
"""One reading of no resistance may be a spark of the converter; two are a short circuit (R30)."""

BLURRED_READINGS = 30
"""Where the step of a voltage reading hides what flows through good skin too, one looks for three seconds."""

JUMP_WITHIN_MS = 1_000
JUMP_RATIO = 2
JUMP_READINGS = 2
"""A contact that has twice or half the resistance of a second ago, in two readings, has changed (R32)."""

BEHIND_MS = 10_000
"""Time at the highest voltage after which the dose is said to be behind, louder (R31)."""

UNREACHED_MS = 60_000
"""Time for which a ramp waits for the contact to improve before a person is asked to improve it (R31)."""


class ContactWatch:
    """`closed` says that a closed circuit was seen since the output was last open.

    `shortfall_pc` is the charge that was set and did not flow.
    """

    def __init__(self, device: Device, *, may_saturate: bool, voltage_step_mv: int = 1) -> None:
        self.closed = False
        self.shortfall_pc = 0
        self._offset_na = device.accuracy_offset_na
        self._may_saturate = may_saturate
        self._voltage_step_mv = voltage_step_mv
        # Below this a reading is as much offset as current; a probe always tells.
        self._telling_na = min(PROBE_NA, probe_na(device), telling_na(device))
        self._comparing_na = comparing_na(device)
        self._open_ms = self._limited_ms = 0
        self._shorts = self._jumps = 0
        self._ohms: deque[tuple[int, int, int]] = deque()
        self._age_ms = 0

    def is_told_by(self, mean_na: int) -> bool:
        """Whether so much current tells a closed circuit from an open one."""
        return abs(mean_na) >= self._telling_na

    def look(self, sight: Sight) -> Iterator[Finding]:
        """What the reading says of the contact."""
        self._age_ms += sight.passed_ms
        reading = sight.reading
        if sight.set_na is None:
            self._forget()
            return
        if reading is None:
            return
        measured_na = abs(reading.current_na)
        self.shortfall_pc += sight.passed_ms * max(0, abs(sight.set_na) - measured_na)
        flows = 2 * measured_na + self._offset_na >= sight.least_na
        if sight.least_na >= self._telling_na:
            yield from self._open(sight, flows, reading)
        if not reading.lead_off and flows:
            yield from self._voltage(sight, reading)
            yield from self._short(reading)
            yield from self._jump(reading)

    def _forget(self) -> None:
        self.closed = False
        self._open_ms = self._limited_ms = self._shorts = self._jumps = 0
        self._ohms.clear()

    def _open(self, sight: Sight, flows: bool, reading: Measurement) -> Iterator[Finding]:
        if flows and not reading.at_compliance:
            self.closed = True
        self._open_ms = 0 if flows else self._open_ms + sight.passed_ms
        if self._open_ms >= OPEN_MS:
            yield Finding(Act.LEAD_OFF, f"less than half of the current flows for {self._open_ms} ms")

    def _voltage(self, sight: Sight, reading: Measurement) -> Iterator[Finding]:
        self._limited_ms = self._limited_ms + sight.passed_ms if reading.at_compliance else 0
        if self._limited_ms >= COMPLIANCE_MS:
            act = Act.NOTE if self._may_saturate else Act.HOLD
            yield Finding(act, "at the highest voltage", "F25")
        if self._limited_ms >= BEHIND_MS:
            yield Finding(Act.NOTE, f"at the highest voltage for {self._limited_ms} ms", "F42")
        if self._limited_ms >= UNREACHED_MS and not self._may_saturate:
            yield Finding(Act.PAUSE, "the contact does not let the current through")

    def _short(self, reading: Measurement) -> Iterator[Finding]:
        ohm = reading.impedance_ohm
        telling = ohm is not None and abs(reading.current_na) >= self._telling_na
        touching = telling and ohm is not None and ohm < TOUCHING_OHM_MAX
        self._shorts = self._shorts + 1 if touching else 0
        certain = touching and ohm is not None and ohm + self._blur(reading) < TOUCHING_OHM_MAX
        if self._shorts >= (SHORT_READINGS if certain else BLURRED_READINGS):
            yield Finding(Act.STOP, f"{ohm} ohm between the electrodes", "F40")

    def _jump(self, reading: Measurement) -> Iterator[Finding]:
        ohm = reading.impedance_ohm
        if ohm is None or reading.at_compliance or abs(reading.current_na) < self._comparing_na:
            return
        while self._ohms and self._ohms[0][0] < self._age_ms - JUMP_WITHIN_MS:
            self._ohms.popleft()
        blur = self._blur(reading)
        least, most = ohm - blur, ohm + blur
        lowest = min((above for _, _, above in self._ohms), default=least)
        highest = max((below for _, below, _ in self._ohms), default=most)
        jumped = bool(self._ohms) and (least >= JUMP_RATIO * lowest or JUMP_RATIO * most <= highest)
        self._jumps = self._jumps + 1 if jumped else 0
        if self._jumps >= JUMP_READINGS:
            earlier = max(below + above for _, below, above in self._ohms) // 2
            self._ohms.clear()
            yield Finding(Act.PAUSE, f"from {earlier} to {ohm} ohm within a second", "F41")
        if not jumped:
            self._ohms.append((self._age_ms, least, most))

    def _blur(self, reading: Measurement) -> int:
        """How much an impedance may be wrong, ohm: a voltage is only known to the device's step, which at a
        small current alone may double an impedance, or make none of it.
        """
        return self._voltage_step_mv * 1_000_000 // abs(reading.current_na)
