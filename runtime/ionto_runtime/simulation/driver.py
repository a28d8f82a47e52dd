"""The simulated stimulator behind the interface of a real device, in real time: to try all of it without one.

The "line" is the word `simulated`, or `simulated:SEED` for another person's skin. Its time is the computer's:
a host that hangs is a host that is silent, and the lease ends.
"""

from __future__ import annotations

from ionto_ir.device import Device
from ionto_ir.source import Span
from ionto_ir.waveform import Waveform
from ionto_runtime.accuracy import zero_na
from ionto_runtime.clock import Clock
from ionto_runtime.drivers.driver import (
    Capabilities,
    Complaint,
    DeadMan,
    Identity,
    Problem,
    SessionLimits,
)
from ionto_runtime.simulation.skin import UM2_PER_CM2, Body, body_of
from ionto_runtime.simulation.stimulator import SimulatedStimulator
from ionto_runtime.stimulator import Measurement, Refusal, Refused, Reply
from ionto_runtime.supervision import fault_at_start

CAPABILITIES = Capabilities(
    driver="simulated",
    title="Simulated stimulator on simulated skin",
    dead_man=DeadMan.DEVICE,
    bipolar=True,
    waveforms=("dc", "pulsed", "ac"),
    measures_voltage=True,
    reads_back_setpoint=True,
    clock=True,
    reset_is_off=True,
    for_people=True,
    source="ionto_runtime/simulation/stimulator.py: nothing flows through anybody",
    locks=True,
)

PORT = "simulated"

PROOF_STEP_MS = 20
"""How often the device is looked at while it is left alone."""

PROOF_SLACK_MS = 1_000
"""How long after its watchdog time a device that has not tripped is given up."""

AREAS_UM2 = (12 * UM2_PER_CM2, 24 * UM2_PER_CM2)
"""Electrodes of a person of whom only the seed is known."""

PLAIN = Device(
    name="simulated",
    title="Simulated stimulator",
    driver="simulated",
    current_na_min=0,
    current_na_max=4_000_000,
    step_na=10_000,
    accuracy_ppm=20_000,
    accuracy_offset_na=10_000,
    compliance_mv=80_000,
    slew_na_s=1_000_000,
    tick_ms=100,
    watchdog_ms=500,
    host_gap_ms=250,
    waveforms=("dc",),
    source=None,
    span=Span("simulated", 1, 1, 1, 1),
)
"""The device that is checked when there is no plan."""


def open_driver(port: str, device: Device | None, clock: Clock) -> SimulatedDriver | Problem:
    """A simulated device on the skin that the port's seed stands for."""
    name, _, seed = port.partition(":")
    if name != PORT or not (seed or "1").isdecimal():
        return Problem("I0911", f"`{port}` is no simulated line: write `simulated` or `simulated:SEED`")
    number = int(seed or "1")
    return SimulatedDriver(device or PLAIN, body_of(AREAS_UM2, number), number, clock)


class SimulatedDriver:
    """A `Driver` whose device lives in this process; `device` is open to tests, which break it."""

    def __init__(self, profile: Device, body: Body, seed: int, clock: Clock) -> None:
        self.device = SimulatedStimulator(profile, body, seed)
        self._serial = f"S{seed}"
        self._clock = clock
        self._told_ms = clock.now_ms()
        self._limits: SessionLimits | None = None
        self._armed = False
        self._complaints: list[Complaint] = []

    @property
    def capabilities(self) -> Capabilities:
        return CAPABILITIES

    def connect(self) -> Identity | Problem:
        self._pass()
        self.device.output_off(0)
        fault = fault_at_start(self.device.measure(), zero_na(self.device.device))
        if fault is not None:
            return Problem("I0962", f"the simulated device is not ready: {fault}")
        return Identity(self.device.device.title, self._serial, "1", None, simulated=True)

    def configure(self, limits: SessionLimits) -> Problem | None:
        profile = self.device.device
        if limits.current_na_max > profile.current_na_max or limits.compliance_mv > profile.compliance_mv:
            return Problem("I0925", "the limits of this session are above those of the device")
        self._limits = limits
        return self.verify_limits()

    def verify_limits(self) -> Problem | None:
        return None if self._limits is not None else Problem("I0925", "the device holds no limits")

    def prove_dead_man(self) -> int | Problem:
        began_ms, watchdog_ms = self._clock.now_ms(), self.device.device.watchdog_ms
        self._pass()
        before = self.device.measure()
        if before is None:
            return Problem("I0925", "the device does not answer")
        self.device.set_current(0, watchdog_ms, before.seq + 1)
        while (passed_ms := self._clock.now_ms() - began_ms) <= watchdog_ms + PROOF_SLACK_MS:
            self._clock.sleep_until(self._clock.now_ms() + PROOF_STEP_MS)
            self._pass()
            found = self.device.measure()
            if found is not None and found.expired and not found.output_on:
                self.device.output_off(found.seq + 1)
                return self._clock.now_ms() - began_ms
        return Problem("I0925", f"the dead-man did not trip within {passed_ms} ms")

    def arm(self) -> Problem | None:
        self._pass()
        if self._limits is None:
            return Problem("I0925", "the device is not armed before it has its limits")
        found = self.device.measure()
        if found is None or found.output_on or found.setpoint_na:
            return Problem("I0925", "the device is only armed at setpoint zero")
        self.device.prepare()
        self._armed = True
        return None

    def set_current(self, na: int, lease_ms: int, seq: int, waveform: Waveform | None = None) -> Reply | None:
        self._pass()
        if not self._armed or self._limits is None or abs(na) > self._limits.current_na_max:
            return Refused(seq, Refusal.OUT_OF_RANGE)
        return self.device.set_current(na, lease_ms, seq, waveform)

    def output_off(self, seq: int) -> Reply | None:
        self._pass()
        return self.device.output_off(seq)

    def measure(self) -> Measurement | None:
        self._pass()
        return self.device.measure()

    def complain(self, complaint: Complaint) -> None:
        """Have the device complain at the next look."""
        self._complaints.append(complaint)

    def errors(self) -> tuple[Complaint, ...]:
        found, self._complaints = tuple(self._complaints), []
        return found

    def close(self) -> None:
        self._armed = False
        self.output_off(self.device.device.watchdog_ms)

    def _pass(self) -> None:
        """The device's time is the computer's."""
        now_ms = self._clock.now_ms()
        self.device.advance(now_ms - self._told_ms)
        self._told_ms = now_ms
