"""A device looked at without a plan, at zero current: who it is, off, limits, dead-man, clock, errors, times.

Nothing is armed but for the proof of the dead-man, and nothing ever flows. Every finding is a `Check`; what
cannot be looked at because something before it failed is left out, and the report says where it stopped.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime

from ionto_ir.dataclass import dataclass
from ionto_ir.diagnostic import error
from ionto_runtime.ceilings import DRUG
from ionto_runtime.clock import Clock
from ionto_runtime.device_file import identity_problems
from ionto_runtime.drivers.driver import DeadMan, Driver, Identity, Problem, SessionLimits
from ionto_runtime.preparation import Check
from ionto_runtime.supervision import ZERO_NA_MAX, fault_at_start

ROUND_TRIPS = 100
CLOCK_MS = 3_000
CLOCK_PPM_MAX = 10_000
LINE_MS = 20
"""What the line may add to the difference of two clocks."""

SLOW_MS = 50
"""A round trip that takes half of a tick of 100 ms leaves no room for another."""

TRIAL = SessionLimits(
    current_na_max=100_000,
    slew_na_s=100_000,
    compliance_mv=1_000,
    charge_pc_max=DRUG.charge_pc_max,
    on_time_ms_max=DRUG.duration_ms_max,
    lease_ms_max=500,
)
"""Limits with which a device is tried: a probe, at 1 V."""


@dataclass(frozen=True, slots=True)
class Times:
    """Round trips in us, sorted, and how many questions got no answer."""

    us: tuple[int, ...]
    lost: int

    def at(self, percent: int) -> int:
        """The time that this share of the round trips did not exceed, us."""
        return self.us[min(len(self.us) - 1, len(self.us) * percent // 100)]


def examine(driver: Driver, clock: Clock) -> Iterator[Check | Identity]:
    """Check after check, until one fails that the others need; the identity when it is known."""
    identity = driver.connect()
    if isinstance(identity, Problem):
        yield _problem("identity", identity)
        return
    yield identity
    yield _identity(identity, clock)
    yield _off(driver)
    yield _errors(driver)
    times = _round_trips(driver, clock)
    yield _said(times)
    if not times.us:
        return
    yield _clock(driver, clock)
    limits = driver.configure(TRIAL) or driver.verify_limits()
    yield Check("limits", "taken, held and read back") if limits is None else _problem("limits", limits)
    if limits is None:
        yield _dead_man(driver)
    yield _errors(driver)
    yield _off(driver)


def _identity(identity: Identity, clock: Clock) -> Check:
    today = datetime.fromtimestamp(clock.wall_ms() / 1000, UTC).astimezone().date()
    due = identity.calibration_due
    serial = f"serial number {identity.serial}" if identity.serial else "no serial number"
    said = f"{identity.model}, {serial}, firmware {identity.firmware}"
    said += ", calibration unknown to it" if due is None else f", calibration due {due}"
    said += ", SIMULATED" if identity.simulated else ""
    problem = next(identity_problems(identity, None, today), None)
    return Check("identity", said, problem)


def _off(driver: Driver) -> Check:
    fault = fault_at_start(driver.measure(), ZERO_NA_MAX)
    if fault is None:
        return Check("output", "open, and nothing flows")
    return Check("output", fault, error("I0962", f"the device is not ready: {fault}", None))


def _errors(driver: Driver) -> Check:
    complaints = "; ".join(complaint.text for complaint in driver.errors())
    return _failed("errors", complaints) if complaints else Check("errors", "none in the device's list")


def _round_trips(driver: Driver, clock: Clock) -> Times:
    taken, lost = [], 0
    for _ in range(ROUND_TRIPS):
        began_ns = clock.now_ns()
        if driver.measure() is None:
            lost += 1
        else:
            taken.append((clock.now_ns() - began_ns) // 1000)
    return Times(tuple(sorted(taken)), lost)


def _said(times: Times) -> Check:
    if not times.us:
        return _failed("round trips", f"none of {ROUND_TRIPS} questions was answered")
    middle, late, worst = (times.at(percent) / 1000 for percent in (50, 99, 100))
    said = (
        f"{len(times.us)} of {ROUND_TRIPS} answered: half within {middle:.1f} ms, 99 % within {late:.1f} ms, "
    )
    said += f"all within {worst:.1f} ms"
    if times.lost or late > SLOW_MS:
        return _failed("round trips", said)
    return Check("round trips", said)


def _clock(driver: Driver, clock: Clock) -> Check:
    if not driver.capabilities.clock:
        return Check("clock", "the device has none: the computer's counts")
    first, began_ms = driver.measure(), clock.now_ms()
    clock.sleep_until(began_ms + CLOCK_MS)
    second, host_ms = driver.measure(), clock.now_ms() - began_ms
    if first is None or second is None:
        return _failed("clock", "the device does not answer")
    device_ms = second.device_ms - first.device_ms
    said = f"{(device_ms - host_ms) * 100 / host_ms:+.2f} % against this computer over {host_ms / 1000:.1f} s"
    if abs(device_ms - host_ms) > host_ms * CLOCK_PPM_MAX // 1_000_000 + LINE_MS:
        return _failed("clock", said)
    return Check("clock", said)


def _dead_man(driver: Driver) -> Check:
    kind = driver.capabilities.dead_man
    if kind is DeadMan.NONE:
        return Check("dead-man", "NONE: when the computer falls silent, the output stays on; no plan runs")
    took = driver.prove_dead_man()
    if isinstance(took, Problem):
        return _problem("dead-man", took)
    return Check("dead-man", f"proven: {took} ms after the last word the output was ended by {kind.value}")


def _problem(name: str, problem: Problem) -> Check:
    return Check(name, problem.text, problem.told())


def _failed(name: str, said: str) -> Check:
    return Check(name, said, error("I0925", f"{name}: {said}", None))
