"""Equipment for the tests: the clinic stimulator of the library, written out, on a person."""

from __future__ import annotations

from ionto_ir.device import Device
from ionto_ir.source import Span
from ionto_runtime.simulation.skin import UM2_PER_CM2, Body, body_of
from ionto_runtime.simulation.stimulator import SimulatedStimulator
from ionto_runtime.stimulator import Measurement

AREAS_UM2 = (12 * UM2_PER_CM2, 24 * UM2_PER_CM2)


def clinic_device(
    *,
    accuracy_ppm: int = 20_000,
    accuracy_offset_na: int = 10_000,
    compliance_mv: int = 80_000,
    step_na: int = 10_000,
) -> Device:
    """0 to 4 mA, a tick of 100 ms and a watchdog of 500 ms."""
    return Device(
        name="clinic_dc_4ma",
        title="Two-electrode constant-current stimulator, simulated",
        driver="simulated",
        current_na_min=0,
        current_na_max=4_000_000,
        step_na=step_na,
        accuracy_ppm=accuracy_ppm,
        accuracy_offset_na=accuracy_offset_na,
        compliance_mv=compliance_mv,
        slew_na_s=1_000_000,
        tick_ms=100,
        watchdog_ms=500,
        host_gap_ms=250,
        waveforms=("dc",),
        source=None,
        span=Span("clinic_dc_4ma.ionto", 1, 1, 1, 1),
    )


def stimulator(
    device: Device | None = None, *, seed: int = 1, body: Body | None = None
) -> SimulatedStimulator:
    """A stimulator on the person that the seed stands for."""
    return SimulatedStimulator(device or clinic_device(), body or body_of(AREAS_UM2, seed), seed)


def reading(machine: SimulatedStimulator) -> Measurement:
    """What it measures; it answers."""
    measured = machine.measure()
    assert measured is not None
    return measured
