"""A bench instrument at the end of a serial line, in virtual time, with its driver."""

from __future__ import annotations

from dataclasses import dataclass

from ionto_runtime.drivers.driver import Identity, SessionLimits
from ionto_runtime.drivers.keithley import Keithley
from ionto_runtime.drivers.stimjim import StimJimDriver
from ionto_runtime.drivers.watchdog_relay import WatchdogRelay
from ionto_runtime.simulation.clock import VirtualClock
from ionto_runtime.simulation.keithley import QUEUE_BYTES, Keithley2400
from ionto_runtime.simulation.line import MemoryLine
from ionto_runtime.simulation.load import Load
from ionto_runtime.simulation.skin import UM2_PER_CM2, body_of
from ionto_runtime.simulation.stimjim import StimJim
from ionto_runtime.simulation.uart import Uart
from ionto_runtime.simulation.watchdog_relay import SimulatedRelay

AREAS_UM2 = (12 * UM2_PER_CM2, 24 * UM2_PER_CM2)
LIMITS = SessionLimits(
    current_na_max=3_000_000,
    slew_na_s=1_000_000,
    compliance_mv=60_000,
    charge_pc_max=10**13,
    on_time_ms_max=3_600_000,
    lease_ms_max=500,
)
LEASE_MS = 500


@dataclass
class InstrumentBench:
    """An instrument, the line to it, and its driver. Time passes only in `wait` and while a driver waits."""

    device: Keithley2400 | StimJim
    uart: Uart
    clock: VirtualClock
    line: MemoryLine
    driver: Keithley | StimJimDriver
    seq: int = 0
    relay: SimulatedRelay | None = None

    def wait(self, ms: int) -> None:
        """Let time pass."""
        self.clock.sleep_until(self.clock.now_ms() + ms)

    def ready(self, limits: SessionLimits = LIMITS) -> InstrumentBench:
        """Connected, configured, armed."""
        assert isinstance(self.driver.connect(), Identity)
        assert self.driver.configure(limits) is None
        assert self.driver.arm() is None
        return self

    def set(self, na: int, lease_ms: int = LEASE_MS) -> object:
        """A setpoint with the next number."""
        self.seq += 1
        return self.driver.set_current(na, lease_ms, self.seq)

    def off(self) -> object:
        """Output off, with the next number."""
        self.seq += 1
        return self.driver.output_off(self.seq)


def keithley(
    seed: int = 1, terminator: bytes = b"\r", baud: int = 57_600, *, relay: bool = True
) -> InstrumentBench:
    """A 2400 that was just switched on, with a watchdog relay on its output-enable line."""
    device = Keithley2400(Load(body_of(AREAS_UM2, seed)), terminator=terminator)
    uart = Uart(device, baud, QUEUE_BYTES)
    wired = SimulatedRelay(device)

    def pass_time(ms: int) -> None:
        for _ in range(ms):
            wired.advance(1)
            uart.advance(1)

    clock = VirtualClock(pass_time)
    line = MemoryLine(uart, clock)
    driver = Keithley(line, clock, WatchdogRelay(MemoryLine(wired, clock)) if relay else None)
    return InstrumentBench(device, uart, clock, line, driver, relay=wired)


def stimjim(seed: int = 1) -> InstrumentBench:
    """A StimJim that starts now."""
    device = StimJim(Load(body_of(AREAS_UM2, seed)))
    uart = Uart(device, 115_200, 1_000)
    clock = VirtualClock(uart.advance)
    line = MemoryLine(uart, clock)
    return InstrumentBench(device, uart, clock, line, StimJimDriver(line, clock))
