"""The device that generated plans are made for."""

from __future__ import annotations

from ionto_ir.device import Device
from ionto_ir.source import Span

HERE = Span("generated.ionto", 1, 1, 1, 2)

BENCH = Device(
    name="bench_dc",
    title="Stimulator on the bench",
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
    waveforms=("dc", "pulsed", "ac"),
    source=None,
    span=HERE,
)
