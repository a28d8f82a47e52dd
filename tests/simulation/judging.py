"""What must hold when a session is over, whatever has happened: output, journal, charge, what comes after."""

from __future__ import annotations

import tempfile
from pathlib import Path

from ionto_ir.bind_constants import History
from ionto_ir.codec import plan_to_json
from ionto_ir.seal import open_sealed, seal
from ionto_runtime.accounting import account_of
from ionto_runtime.history import read_history
from ionto_runtime.journal_reader import Corrupt, Sealed, scan
from ionto_runtime.replay import replay
from ionto_runtime.signing import TrustStore, secret_key, signer_of, verifier_of
from ionto_runtime.simulation.clock import WALL_START_MS
from ionto_runtime.simulation.stimulator import Fault
from tests.simulation.faults import LYING, WISHES, Kind
from tests.simulation.running import left_alone, run_world
from tests.simulation.world import World

AUTHOR = secret_key("the world", bytes(range(32)))

ALARMING = {"F02", "F03", "F05", "F06", "F20", "F21", "F22", "F24", "F37", "F38", "F39", "F43", "F44", "F49"}
"""Alarms that say that something is broken. Others may come of a dry skin on a device with little voltage."""

CHECKED_AT_THE_END = (
    "no alarm without a fault",
    "closed at the end",
    "output off or alarm",
    "no false completion",
    "sealed only when off",
)

REPLAYED_EVERY = 8
"""Each so many sessions are replayed through the machine as well, which takes as long as running them."""


def judge(world: World) -> None:
    """Run a world and look at what it has left; what is wrong goes to its `violations`."""
    run_world(world)
    session = world.session
    assert session is not None
    wrong = world.violations
    if not world.lost and world.begun:
        _ended(world, wrong)
    image = world.disk.data
    if world.injected[Kind.POWER_LOST]:
        image = world.disk.after_power_loss(world.chance)
    true_pc = world.device.received.total_pc
    left_alone(world, 2 * world.bound.constants.watchdog_ms)
    _off_by_itself(world, wrong)
    _counted(world, image, true_pc, wrong)
    if world.injected[Kind.TAMPERED] or world.seed % REPLAYED_EVERY == 0:
        _tampered(world, image, wrong)
    if world.injected[Kind.CLOCK_BACK]:
        _remembered(world, image, true_pc, wrong)
    if world.injected[Kind.PLAN_FLIPPED]:
        _sealed(world, wrong)
    if world.seed % REPLAYED_EVERY == 0 and world.begun and not world.lost:
        report = replay(world.bound, scan(world.disk.data))
        if (
            report.difference is not None
            and session.journal.failure is None
            and not world.injected[Kind.OUR_BUG]
        ):
            wrong.append(f"replay: {report.difference}")
        world.checked["the journal replays"] += 1


def _ended(world: World, wrong: list[str]) -> None:
    session = world.session
    assert session is not None
    codes = [alarm.code for alarm in session.alarms]
    if not session.closed or session.end is None:
        wrong.append("ends: the loop returned before the session was closed")
    if world.device._output_on and "F20" not in codes:
        wrong.append("off: the output is on, and nobody is told")
    if session.completed and (world.disk.failed or session.journal.failure is not None):
        wrong.append("completed: a session whose journal failed counts as completed")
    if session.journal.sealed and not session.seen_off:
        wrong.append("seal: sealed without having seen the output off")
    if set(world.injected) <= WISHES and (false := ALARMING & set(codes)):
        wrong.append(f"calm: {', '.join(sorted(false))} although nothing is wrong")
    for name in CHECKED_AT_THE_END:
        world.checked[name] += 1


def _off_by_itself(world: World, wrong: list[str]) -> None:
    """With nobody there the device is at zero when its lease is over, and stays there (R28)."""
    if Fault.STUCK_OUTPUT in world.device.faults:
        return
    before_pc = world.device.received.total_pc
    left_alone(world, 1_000)
    if world.device._output_on or world.device.received.total_pc != before_pc:
        wrong.append("alone: current flows with nobody there")
    world.checked["nothing flows with nobody there"] += 1


def _counted(world: World, image: bytes, true_pc: int, wrong: list[str]) -> None:
    """What the journal says was delivered holds, whatever the disk has kept."""
    reading = scan(image)
    if isinstance(reading.end, Corrupt):
        wrong.append(f"journal: taken for corruption: {reading.end.reason}")
        return
    account = account_of(reading)
    if isinstance(account, str):
        wrong.append(f"journal: {account}")
        return
    later_pc = world.device.received.total_pc - world.excess_pc
    # What is stuck flows for ever, and what our own bug hides nobody has written down.
    unbounded = Fault.STUCK_OUTPUT in world.device.faults
    if later_pc > account.charge.upper_pc and not unbounded:
        wrong.append(f"account: {later_pc} pC flowed, the journal says at most {account.charge.upper_pc} pC")
    lied = any(world.injected[kind] for kind in LYING)
    if account.charge.lower_pc > true_pc and not lied:
        wrong.append(f"account: {true_pc} pC flowed, the journal says at least {account.charge.lower_pc} pC")
    for name in ("the journal is recoverable", "true <= recovered upper", "recovered lower <= true"):
        world.checked[name] += 1


def _remembered(world: World, image: bytes, true_pc: int, wrong: list[str]) -> None:
    """The next session knows what this one gave, also when the clock is set back (R6)."""
    now_ms = WALL_START_MS + world.now_ms() + 3_600_000
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "session.journal").write_bytes(image)
        header = scan(image).header
        before = read_history(Path(folder), "P1", world.bound.plan.name, now_ms - 26 * 3_600_000)
        after = read_history(Path(folder), "P1", world.bound.plan.name, now_ms + 2 * 24 * 3_600_000)
    if header is not None and isinstance(before, History):
        wrong.append("history: a clock that was set back is not noticed")
    if not isinstance(after, History):
        wrong.append(f"history: {after[0].message}")
    elif sum(past.upper_pc for past in after.sessions) < true_pc - world.excess_pc:
        wrong.append("history: less is remembered than flowed")
    world.checked["the next session knows the dose"] += 1


def _sealed(world: World, wrong: list[str]) -> None:
    """A sealed plan in which any byte was changed is not opened, and an unchanged one is (R1)."""
    data = seal(plan_to_json(world.bound.plan), "world", {"outcome": "proved"}, [signer_of(AUTHOR)])
    assert isinstance(data, bytes)
    verifier = verifier_of(TrustStore((AUTHOR.public,)))
    if isinstance(open_sealed(data, verifier, "plan"), tuple):
        wrong.append("plan: a good plan is refused")
    changed = bytearray(data)
    changed[world.chance.randrange(len(changed))] ^= 1 << world.chance.randrange(8)
    opened = open_sealed(bytes(changed), verifier, "plan")
    if not isinstance(opened, tuple) and opened.plan != plan_to_json(world.bound.plan):
        wrong.append("plan: a plan that was changed is opened")
    world.checked["a changed plan is refused"] += 1


def _tampered(world: World, image: bytes, wrong: list[str]) -> None:
    """One bit anywhere, or a missing tail: never taken for the sealed journal that it was."""
    whole = scan(image)
    if not isinstance(whole.end, Sealed):
        return
    damaged = bytearray(image)
    damaged[world.chance.randrange(len(damaged))] ^= 1 << world.chance.randrange(8)
    cut = image[: world.chance.randrange(len(image))]
    for changed in (bytes(damaged), cut):
        reading = scan(changed)
        if isinstance(reading.end, Sealed):
            wrong.append("tamper: a journal that was changed passes for sealed")
        if reading.records != whole.records[: len(reading.records)]:
            wrong.append("tamper: a record that was never written is believed")
    world.checked["tampering is seen"] += 1
