"""Sessions of a driver on a bench, as far as a test wants them."""

from __future__ import annotations

from ionto_runtime.clock import Clock
from ionto_runtime.drivers.driver import Complaint, Identity, SessionLimits
from ionto_runtime.drivers.ionlink import IonLinkDriver
from ionto_runtime.drivers.transport import Transport
from ionto_runtime.stimulator import Accepted, Measurement
from tests.conformance.bench import Bench

MA = 1_000_000
TICK_MS = 100
LEASE_MS = 500
ATTEMPTS = 400
SESSION_LIMITS = SessionLimits(
    current_na_max=2 * MA,
    slew_na_s=10 * MA,
    compliance_mv=60_000,
    charge_pc_max=2_400_000_000_000,
    on_time_ms_max=1_800_000,
    lease_ms_max=500,
)


def connected(bench: Bench) -> IonLinkDriver:
    """A driver that has met its device."""
    driver = bench.driver()
    assert isinstance(driver.connect(), Identity)
    return driver


def armed(bench: Bench) -> IonLinkDriver:
    """A driver of a device that may drive."""
    driver = connected(bench)
    assert driver.configure(SESSION_LIMITS) is None
    assert driver.arm() is None
    return driver


def tick(bench: Bench, driver: IonLinkDriver) -> Measurement | None:
    """What a session does first in each tick."""
    bench.clock.sleep_until((bench.clock.now_ms() // TICK_MS + 1) * TICK_MS)
    return driver.measure()


def running(bench: Bench, na: int = MA) -> IonLinkDriver:
    """A driver in the middle of a session; it has used the numbers 1 to 5."""
    driver = armed(bench)
    for seq in range(1, 6):
        assert tick(bench, driver) is not None
        assert driver.set_current(na, LEASE_MS, seq) == Accepted(seq)
    return driver


def read(bench: Bench, driver: IonLinkDriver) -> Measurement:
    """A reading that comes."""
    reading = tick(bench, driver)
    assert reading is not None
    return reading


def alarms(complaints: tuple[Complaint, ...]) -> list[str]:
    """Their codes."""
    return [complaint.alarm for complaint in complaints]


def prepared(line: Transport, clock: Clock) -> IonLinkDriver:
    """A driver of an armed device in real time; a busy machine may need more than one attempt."""
    driver = IonLinkDriver(line, clock)
    said: object = None
    for _ in range(ATTEMPTS):
        said = driver.connect()
        if isinstance(said, Identity) and driver.configure(SESSION_LIMITS) is None and driver.arm() is None:
            return driver
    raise AssertionError(said)
