"""A simulated constant-current stimulator on simulated skin: what a good device does, and how it can fail.

The device trusts the host as little as the host trusts it. It checks every setpoint against its own range,
step and lease, never lets a lease be renewed by a repeated message, turns its polarity only at zero, and
goes to zero by itself when the host falls silent. Its output errs by a fixed amount within its stated
accuracy and its readings jitter within what is left of it, unless a fault says otherwise. Time passes only
in `advance`.

All that crosses the interface is an exact integer; signs are signs of polarity.
"""

from __future__ import annotations

import math
from enum import Enum
from random import Random

from ionto_ir.dataclass import dataclass
from ionto_ir.device import Device
from ionto_ir.waveform import PPM, Form, Waveform, fault_of, mean_share_ppm
from ionto_runtime.simulation.skin import STEP_MS_MAX, Body, Circuit, Flow
from ionto_runtime.stimulator import Accepted, Measurement, Refusal, Refused, Reply

OUTPUT_SHARE = 0.7
"""Part of the stated accuracy that the output may use up; the rest is left for the jitter of the readings."""

VOLTAGE_JITTER = 0.005
"""Voltage readings jitter by up to half a percent. No published source: general knowledge."""

IMPEDANCE_CURRENT_NA_MIN = 10_000
"""Below 10 uA a quotient of two jittering readings says nothing about the load; of a device of less than 1 mA
below a hundredth of its range.
"""


NO_FLOW = Flow(0.0, 0.0, 0.0, False)


class Fault(Enum):
    """What can be made to go wrong and stays wrong until it is cleared."""

    LEAD_OFF = "an electrode comes off"
    SHORT = "the electrodes touch"
    SILENT = "the link is dead in both directions"
    DEAF_HOST = "commands arrive, answers are lost"
    STUCK_OUTPUT = "the output ignores commands and leases"


@dataclass(slots=True)
class Received:
    """What really went through the skin, which no device knows: charge in pC by direction, and its peak in
    nA.
    """

    forward_pc: int = 0
    backward_pc: int = 0
    peak_na: int = 0

    @property
    def total_pc(self) -> int:
        """Charge in either direction."""
        return self.forward_pc + self.backward_pc


class SimulatedStimulator:
    """One device of a profile on one body; equal seeds give equal devices, errors and readings.

    `locks` says that after a restart it takes no setpoint before it is prepared again, as a device for people
    does; an instrument of the laboratory takes the next one that comes.
    """

    def __init__(self, device: Device, body: Body, seed: int, *, locks: bool = True) -> None:
        self.device = device
        self.body = body
        self.received = Received()
        self.faults: set[Fault] = set()
        self._locks = locks
        self._locked = False
        calibration = Random(f"{seed}/calibration")
        self._gain = calibration.uniform(-1, 1) * OUTPUT_SHARE * device.accuracy_ppm / 1_000_000
        self._offset_na = calibration.uniform(-1, 1) * OUTPUT_SHARE * device.accuracy_offset_na
        self._jitter = Random(f"{seed}/readings")
        self._device_ms = 0
        self._boot_count = 1
        self._power_up()

    def _power_up(self) -> None:
        """The state after a reset: no output, no memory of the host."""
        self._setpoint_na = 0
        self._waveform: Waveform | None = None
        self._output_on = False
        self._lease_left_ms = 0
        self._seq = 0
        self._last: tuple[int, int, Waveform | None] | None = None
        self._expired = False
        self._read_terminals(NO_FLOW)

    def set_current(self, na: int, lease_ms: int, seq: int, waveform: Waveform | None = None) -> Reply | None:
        """Hold `na` (sign = polarity) for `lease_ms` from now. None when no answer reaches the host.

        A repeated message is answered again but renews nothing.
        """
        if Fault.SILENT in self.faults:
            return None
        reply = self._take(na, lease_ms, seq, waveform)
        return None if Fault.DEAF_HOST in self.faults else reply

    def output_off(self, seq: int) -> Reply | None:
        """Open the output now. Never refused: no message that makes things safer can be too late."""
        if Fault.SILENT in self.faults:
            return None
        self._seq = max(self._seq, seq)
        self._last = None
        self._expired = False
        if Fault.STUCK_OUTPUT not in self.faults:
            self._open_output()
        return None if Fault.DEAF_HOST in self.faults else Accepted(seq)

    def measure(self) -> Measurement | None:
        """The device's state, with what it last read at its terminals; None when no answer reaches the
        host.
        """
        if self.faults & {Fault.SILENT, Fault.DEAF_HOST}:
            return None
        magnitude_na = abs(self._current_na)
        telling = magnitude_na >= min(IMPEDANCE_CURRENT_NA_MIN, self.device.current_na_max // 100)
        return Measurement(
            current_na=self._current_na,
            voltage_mv=self._voltage_mv,
            impedance_ohm=self._impedance_ohm(magnitude_na) if telling else None,
            at_compliance=self._limited,
            output_on=self._output_on,
            lead_off=self._limited and 2 * magnitude_na < abs(self._setpoint_na) * self._share(),
            expired=self._expired,
            setpoint_na=self._setpoint_na,
            seq=self._seq,
            boot_count=self._boot_count,
            device_ms=self._device_ms,
            waveform=self._waveform,
        )

    def _impedance_ohm(self, magnitude_na: int) -> int:
        """Voltage over current, both at the peak."""
        return round(abs(self._voltage_mv) * 1_000_000 * self._share()) // magnitude_na

    def advance(self, ms: int) -> None:
        """Let `ms` of device time pass. The terminals are read at its end."""
        assert ms >= 0, "time runs forward"
        flow: Flow | None = None
        while ms > 0:
            step_ms = min(ms, STEP_MS_MAX)
            if self._output_on and self._lease_left_ms > 0:
                step_ms = min(step_ms, self._lease_left_ms)
            flow = self._pass(step_ms)
            ms -= step_ms
        if flow is not None and self._output_on:
            self._read_terminals(flow)

    def inject(self, fault: Fault) -> None:
        """Make something go wrong from now on."""
        self.faults.add(fault)

    def clear(self, fault: Fault) -> None:
        """Put it right again. An output that was stuck is under the lease again, which may have run out."""
        self.faults.discard(fault)
        if fault is Fault.STUCK_OUTPUT and self._output_on and self._lease_left_ms == 0:
            self._expire()

    def reset(self) -> None:
        """The device restarts by itself (brown-out, its own watchdog). Even a stuck output loses its
        drive.
        """
        self._boot_count += 1
        self._locked = self._locks
        self._power_up()

    def prepare(self) -> None:
        """A host has met the device anew, and arms it."""
        self._locked = False

    def _take(self, na: int, lease_ms: int, seq: int, waveform: Waveform | None) -> Reply:
        repeated = seq == self._seq and self._last == (na, lease_ms, waveform)
        if repeated:
            return Accepted(seq)
        reason = self._refusal(na, lease_ms, seq) or self._lacks(waveform)
        if reason is not None:
            return Refused(seq, reason)
        self._seq = seq
        self._last = (na, lease_ms, waveform)
        if Fault.STUCK_OUTPUT not in self.faults:
            self._setpoint_na = na
            self._waveform = waveform
            self._output_on = True
            self._lease_left_ms = lease_ms
            self._expired = False
        return Accepted(seq)

    def _refusal(self, na: int, lease_ms: int, seq: int) -> Refusal | None:
        if self._locked:
            return Refusal.NOT_READY
        if seq <= self._seq:
            return Refusal.STALE
        if abs(na) > self.device.current_na_max:
            return Refusal.OUT_OF_RANGE
        if na % self.device.step_na != 0:
            return Refusal.NOT_ON_STEP
        if not 1 <= lease_ms <= self.device.watchdog_ms:
            return Refusal.LEASE
        if self._output_on and self._setpoint_na * na < 0:
            return Refusal.POLARITY
        return None

    def _lacks(self, waveform: Waveform | None) -> Refusal | None:
        form = "dc" if waveform is None else waveform.form.value
        known = form in self.device.waveforms and (waveform is None or fault_of(waveform) is None)
        return None if known else Refusal.WAVEFORM

    def _share(self) -> float:
        """The part of the peak that is the mean of |I|: what the skin sees of a fast waveform."""
        return mean_share_ppm(self._waveform) / PPM

    def _forwards(self) -> float:
        """The part of what flows that flows in the direction of the setpoint."""
        if self._waveform is None or self._waveform.form is Form.PULSED:
            return 1.0
        return (1 + min(1.0, self._waveform.offset_ppm / PPM / self._share())) / 2

    def _pass(self, ms: int) -> Flow:
        """At most one step, in which no lease ends but at its end."""
        target_ma = self._target_na() / 1_000_000
        share = self._share()
        # The peak must be driven, and the mean is what adds up: its voltage is the same share.
        volts = self.device.compliance_mv / 1000 * share
        flow = self.body.drive(target_ma * share, volts, self._circuit(), ms)
        self._device_ms += ms
        skin_na = round(flow.skin_ma * 1_000_000)
        self.received.peak_na = max(self.received.peak_na, round(abs(skin_na) / share))
        total_pc = abs(skin_na) * ms
        along_pc = round(total_pc * self._forwards())
        forward_pc = along_pc if skin_na >= 0 else total_pc - along_pc
        self.received.forward_pc += forward_pc
        self.received.backward_pc += total_pc - forward_pc
        if self._output_on and self._lease_left_ms > 0:
            self._lease_left_ms -= ms
            if self._lease_left_ms == 0 and Fault.STUCK_OUTPUT not in self.faults:
                self._expire()
        return flow

    def _target_na(self) -> float:
        """What the output drives when it can: the setpoint with this device's own error."""
        if not self._output_on:
            return 0.0
        direction = math.copysign(1.0, self._setpoint_na)
        return self._setpoint_na * (1 + self._gain) + direction * self._offset_na

    def _circuit(self) -> Circuit:
        if Fault.LEAD_OFF in self.faults:
            return Circuit.OPEN
        return Circuit.SHORTED if Fault.SHORT in self.faults else Circuit.CLOSED

    def _expire(self) -> None:
        self._open_output()
        self._expired = True

    def _open_output(self) -> None:
        self._setpoint_na = 0
        self._waveform = None
        self._output_on = False
        self._lease_left_ms = 0
        self._read_terminals(NO_FLOW)

    def _read_terminals(self, flow: Flow) -> None:
        """The readings that the device makes of what happens at its terminals, with their jitter."""
        real_na = flow.current_ma * 1_000_000
        allowed_na = 0.0
        if self._output_on:
            of_reading = abs(real_na) * self.device.accuracy_ppm / 1_000_000
            allowed_na = of_reading + self.device.accuracy_offset_na
        # Half of what the output leaves, so that rounding to whole nA cannot carry a reading over the edge.
        jitter_na = self._jitter.uniform(-1, 1) * allowed_na * (1 - OUTPUT_SHARE) / 2
        self._current_na = round(real_na + jitter_na)
        jitter = self._jitter.uniform(-1, 1) * VOLTAGE_JITTER
        self._voltage_mv = round(flow.voltage_v * 1000 / self._share() * (1 + jitter))
        self._limited = flow.limited
