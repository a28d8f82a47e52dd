"""From a device on a line to one that is armed: every check in its order, at zero current, none skipped.

connect (off first) -> who is it -> what can it do -> journal -> limits -> self test -> dead-man -> arm. A
check that fails is the last one; what was written down until then says why nothing was begun.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime
from functools import partial
from hashlib import sha256
from pathlib import Path

from ionto_ir.bound import UNLIMITED, BoundPlan
from ionto_ir.dataclass import dataclass
from ionto_ir.device import Device
from ionto_ir.diagnostic import Diagnostic, error
from ionto_ir.limits import LimitKind
from ionto_ir.plan import Plan
from ionto_ir.trace import Observation
from ionto_runtime.accuracy import unseen, zero_na
from ionto_runtime.admission import capability_problems
from ionto_runtime.ceilings import ceilings_of
from ionto_runtime.clock import Clock
from ionto_runtime.device_file import DeviceFile, identity_problems
from ionto_runtime.drivers.driver import Driver, Identity, Problem, SessionLimits
from ionto_runtime.journal import JournalWriter
from ionto_runtime.supervision import fault_at_start

CLOCK_MS = 1_000
CLOCK_SLACK_MS = 40
"""The two clocks are compared over a second: 1 % of it, and what a busy line may delay an answer."""

JOURNAL_BYTES_H = 64 * 1024 * 1024
"""What an hour of records takes, generously: ten samples a second of less than a kilobyte."""

DEAD_MAN_SLACK_MS = 500
"""How much later than its watchdog time a device may be seen to have tripped: the line, and the looking."""


@dataclass(frozen=True, slots=True)
class Check:
    """One thing that was looked at; `problem` is None when it is as it should be."""

    name: str
    detail: str
    problem: Diagnostic | None = None


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What the checks need beside the device. `files` are those that were read, with their digests;
    `alarm_path` is whether somebody sees an alarm; `planned` is what flows in the undisturbed session, in one
    of `channels` that write the journal.
    """

    clock: Clock
    folder: Path
    files: tuple[tuple[Path, str], ...]
    alarm_path: Callable[[], bool]
    planned: Observation
    channels: int = 1


def met(
    driver: Driver, plan: Plan, allowed: DeviceFile | None, clock: Clock
) -> Identity | Sequence[Diagnostic]:
    """Connect, and see that who answers is who was meant and can do what is needed (R4, R5, R8, R45)."""
    lacks = tuple(capability_problems(plan, driver.capabilities))
    if lacks:
        return lacks
    identity = driver.connect()
    if isinstance(identity, Problem):
        return (identity.told(),)
    today = datetime.fromtimestamp(clock.wall_ms() / 1000, UTC).astimezone().date()
    return tuple(identity_problems(identity, allowed, today)) or identity


def checks(driver: Driver, bound: BoundPlan, journal: JournalWriter, around: Surroundings) -> Iterator[Check]:
    """Check after check, until one fails or the device is armed."""
    for check in inspections(driver, bound, journal, around):
        yield check
        if check.problem is not None:
            return
    yield from arming(driver, bound.plan.device)


def inspections(
    driver: Driver, bound: BoundPlan, journal: JournalWriter, around: Surroundings
) -> Iterator[Check]:
    """Check after check until one fails; nothing is armed yet."""
    steps: tuple[Callable[[], Check], ...] = (
        lambda: _off(driver, bound.plan.device),
        lambda: _done(
            "limits", "handed over and read back", driver.configure(limits_of(bound, around.planned))
        ),
        lambda: _errors(driver),
        lambda: _clock(driver, around.clock),
        lambda: _journal(journal),
        lambda: _disk(around),
        lambda: _files(around),
        lambda: _alarm_path(around),
        lambda: _dead_man(driver, bound.constants.watchdog_ms),
        *(partial(Check, "assumed", said) for said in unseen(bound.plan.device, around.planned.peak_na)),
    )
    yield from _until_failed(steps)


def arming(driver: Driver, device: Device) -> Iterator[Check]:
    """See the output off once more, and arm the device: the last that is done before a person begins."""
    yield from _until_failed(
        (lambda: _off(driver, device), lambda: _done("armed", "at setpoint zero", driver.arm()))
    )


def _until_failed(steps: Sequence[Callable[[], Check]]) -> Iterator[Check]:
    for step in steps:
        check = step()
        yield check
        if check.problem is not None:
            return


def limits_of(bound: BoundPlan, planned: Observation) -> SessionLimits:
    """What the device itself shall never pass: the plan's limits, the hard ceilings, whichever is smaller."""
    plan, constants, most = bound.plan, bound.constants, ceilings_of(bound.plan)
    cap_na = max(constants.current_cap_na, constants.current_cap_reversed_na)
    voltages = [limit.bound for limit in plan.limits if limit.kind is LimitKind.VOLTAGE and not limit.soft]
    return SessionLimits(
        current_na_max=min(cap_na, most.current_na_max, plan.device.current_na_max),
        slew_na_s=plan.device.slew_na_s,
        compliance_mv=min([plan.device.compliance_mv, most.voltage_mv_max, *voltages]),
        charge_pc_max=min(_limited(constants.cap_pc), most.charge_pc_max),
        on_time_ms_max=min(_limited(constants.duration_cap_ms), most.duration_ms_max),
        lease_ms_max=constants.watchdog_ms,
        charge_pc_needed=planned.worst_pc,
        on_time_ms_needed=planned.on_ms,
    )


def _limited(cap: int) -> int:
    return UNLIMITED if cap >= UNLIMITED else max(0, cap)


def _done(name: str, detail: str, problem: Problem | None) -> Check:
    if problem is None:
        return Check(name, detail)
    return Check(name, problem.text, problem.told())


def _failed(name: str, text: str, advice: str | None = None) -> Check:
    return Check(name, text, error("I0925", text, None, help=advice))


def _off(driver: Driver, device: Device) -> Check:
    fault = fault_at_start(driver.measure(), zero_na(device))
    if fault is None:
        return Check("output", "open, and nothing flows")
    return Check("output", fault, error("I0962", f"the device is not ready: {fault}", None))


def _errors(driver: Driver) -> Check:
    complaints = [complaint.text for complaint in driver.errors()]
    if complaints:
        return _failed("errors", f"the device complains: {'; '.join(complaints)}")
    return Check("errors", "none in the device's list")


def _clock(driver: Driver, clock: Clock) -> Check:
    first, began_ms = driver.measure(), clock.now_ms()
    clock.sleep_until(began_ms + CLOCK_MS)
    second, host_ms = driver.measure(), clock.now_ms() - began_ms
    if first is None or second is None:
        return _failed("clock", "the device does not answer")
    if not driver.capabilities.clock:
        return Check("clock", "the device has none: the computer's counts")
    device_ms = second.device_ms - first.device_ms
    said = f"{device_ms} ms on the device, {host_ms} ms on this computer"
    if abs(device_ms - host_ms) > host_ms // 100 + CLOCK_SLACK_MS:
        return _failed("clock", f"the clocks disagree: {said}")
    return Check("clock", said)


def _journal(journal: JournalWriter) -> Check:
    failure = journal.sync()
    if failure is not None:
        return _failed("journal", f"it cannot be written: {failure.operation}: {failure.reason}")
    return Check("journal", f"begun and on the disk, head …{journal.head[-12:]}")


def _disk(around: Surroundings) -> Check:
    needed = JOURNAL_BYTES_H * around.channels * (around.planned.duration_ms // 3_600_000 + 1)
    try:
        free = shutil.disk_usage(around.folder).free
    except OSError as problem:
        return _failed("disk", f"`{around.folder}` cannot be looked at: {problem.strerror}")
    if free < needed:
        return _failed("disk", f"{free // 2**20} MB are free where {needed // 2**20} MB are needed")
    return Check("disk", f"{free // 2**20} MB free")


def _files(around: Surroundings) -> Check:
    for path, before in around.files:
        try:
            now = sha256(path.read_bytes()).hexdigest()
        except OSError as problem:
            return _failed("files", f"`{path}` cannot be read again: {problem.strerror}")
        if now != before:
            return _failed("files", f"`{path}` has changed since it was read", "start again")
    return Check("files", "as they were read")


def _alarm_path(around: Surroundings) -> Check:
    if around.alarm_path():
        return Check("alarms", "a console sees them")
    return _failed("alarms", "no console has answered to a trial alarm")


def _dead_man(driver: Driver, watchdog_ms: int) -> Check:
    took = driver.prove_dead_man()
    if isinstance(took, Problem):
        return _done("dead-man", "", took)
    if took > watchdog_ms + DEAD_MAN_SLACK_MS:
        return _failed("dead-man", f"it tripped only after {took} ms, where {watchdog_ms} ms are promised")
    return Check("dead-man", f"tripped after {took} ms of silence: {driver.capabilities.dead_man.value}")
