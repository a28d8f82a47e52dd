"""What the adversary does: for each kind of fault what begins it, and what ends it."""

from __future__ import annotations

import signal
from collections.abc import Callable

from ionto_ir.events import Adjust, Begin, Confirm, EmergencyStop, Enter, Event, Pause, Press, Resume, Stop
from ionto_runtime.journal import JournalFailure, Late, Written
from ionto_runtime.simulation.stimulator import Fault
from tests.simulation.faults import Kind, Planned
from tests.simulation.world import HostLostError, Undo, World


def _device_fault(fault: Fault) -> Callable[[World, Planned], Undo]:
    def begin(world: World, _planned: Planned) -> Undo:
        world.device.inject(fault)
        return lambda: world.device.clear(fault)

    return begin


def _link_fault(kind: Kind) -> Callable[[World, Planned], Undo]:
    def begin(world: World, _planned: Planned) -> Undo:
        world.link.active.add(kind)
        return lambda: world.link.active.discard(kind)

    return begin


def _saying(*events: Event) -> Callable[[World, Planned], Undo]:
    def begin(world: World, _planned: Planned) -> Undo:
        world.say(*events)
        return None

    return begin


def _gain(world: World, planned: Planned) -> Undo:
    before = world.device._gain
    world.device._gain = 0.06 + planned.size / 1_000_000 * 9

    def undo() -> None:
        world.device._gain = before

    return undo


def _skin(world: World, planned: Planned) -> Undo:
    for site in world.device.body.sites:
        site._dryness *= 4 if planned.size % 2 else 0.25
    return None


def _compliance(world: World, planned: Planned) -> Undo:
    for site in world.device.body.sites:
        site._dryness *= 60
    return None


def _corrupt(world: World, planned: Planned) -> Undo:
    if world.device._output_on:
        own = world.bound.plan.device
        wanted_na = planned.size * own.current_na_max // 1_000_000
        world.device._setpoint_na = wanted_na // own.step_na * own.step_na
    return None


def _bad_start(world: World, planned: Planned) -> Undo:
    world.device.set_current(planned.size % 40 * world.bound.plan.device.step_na, 200, 1)
    if planned.size % 2:
        world.device.inject(Fault.STUCK_OUTPUT)
    return None


def _reset(world: World, _planned: Planned) -> Undo:
    world.device.reset()
    return None


def _late(world: World, planned: Planned) -> Undo:
    world.oversleep(10 + planned.size % 230)
    return None


def _very_late(world: World, planned: Planned) -> Undo:
    world.oversleep(300 + planned.size % 5_000)
    return None


def _wall(world: World, planned: Planned) -> Undo:
    world.shift_wall((1 if planned.size % 2 else -1) * (planned.size % 90_000_000))
    return None


def _adjust(world: World, planned: Planned) -> Undo:
    world.say(Adjust("current", planned.size % 15 * 100_000 // world.size))
    return None


def _flood(world: World, _planned: Planned) -> Undo:
    world.say(*([Confirm(), Pause()] * 5_000))
    return None


def _console(world: World, planned: Planned) -> Undo:
    world.break_console("poll" if planned.size % 2 else "show")
    return None


def _signal(_world: World, planned: Planned) -> Undo:
    signal.raise_signal((signal.SIGTERM, signal.SIGINT, signal.SIGHUP)[planned.size % 3])
    return None


def _disk(name: str) -> Callable[[World, Planned], Undo]:
    def begin(world: World, _planned: Planned) -> Undo:
        setattr(world.disk, name, True)
        return None

    return begin


def _comes_and_goes(world: World, _planned: Planned) -> Undo:
    def toggle() -> None:
        change = world.device.inject if world.chance.random() < 0.5 else world.device.clear
        change(Fault.LEAD_OFF)

    stop = world.repeat(toggle)

    def undo() -> None:
        stop()
        world.device.clear(Fault.LEAD_OFF)

    return undo


def _dry_and_wet(world: World, planned: Planned) -> Undo:
    """Periods of up to three seconds, for as long as a session may last."""
    factor, ticks = 20 + planned.size % 60, 1 + planned.size % 30
    dry = False

    def turn() -> None:
        nonlocal dry
        if world.ticks % ticks == 0:
            dry = not dry
            for site in world.device.body.sites:
                site._dryness *= factor if dry else 1 / factor

    world.repeat(turn)
    return None


def _weak(world: World, planned: Planned) -> Undo:
    before = world.device._gain
    world.device._gain = -planned.size / 1_000_000

    def undo() -> None:
        world.device._gain = before

    return undo


def _restarts(world: World, _planned: Planned) -> Undo:
    return world.repeat(world.device.reset)


def _secret_reset(world: World, _planned: Planned) -> Undo:
    world.device.reset()
    world.device._boot_count -= 1
    return None


def _sleeps_paused(world: World, planned: Planned) -> Undo:
    world.say(Pause())
    return lambda: world.oversleep(planned.size % 400_000)


def _mashing(world: World, planned: Planned) -> Undo:
    world.mash(1 + planned.size % 8)
    return lambda: world.mash(0)


ODD = (
    Adjust("current", -1),
    Adjust("current", 10**30),
    Adjust("", 0),
    Adjust("current", True),
    Adjust("current", "rest"),
    Enter("current", -(10**30)),
    Enter("\x00", 1),
    Press(""),
    Press("current"),
)


def _at_sealing(world: World, planned: Planned) -> Undo:
    assert world.session is not None
    journal, seal = world.session.journal, world.session.journal.seal

    def failing(reason: str) -> Written | Late | JournalFailure:
        kind = planned.size % 4
        if kind == 3:
            raise HostLostError
        setattr(world.disk, ("full", "broken", "short")[kind], True)
        return seal(reason)

    journal.seal = failing  # type: ignore[method-assign]
    return None


def _stall(world: World, _planned: Planned) -> Undo:
    world.disk.stalled = True

    def undo() -> None:
        world.disk.stalled = False

    return undo


def _bug(world: World, planned: Planned) -> Undo:
    """The device's driver raises where it never should: the loop has to open the output in spite of it."""
    device, measure = world.link, world.link.measure
    calls = planned.size % 2

    def raising() -> None:
        nonlocal calls
        calls += 1
        del device.measure  # type: ignore[method-assign]
        raise ZeroDivisionError(f"a bug, after {calls} calls of {measure.__name__}")

    device.measure = raising  # type: ignore[method-assign, assignment]
    return None


BEGIN: dict[Kind, Callable[[World, Planned], Undo]] = {
    Kind.LEAD_OFF: _device_fault(Fault.LEAD_OFF),
    Kind.SHORT: _device_fault(Fault.SHORT),
    Kind.SKIN_JUMP: _skin,
    Kind.COMPLIANCE: _compliance,
    Kind.GAIN: _gain,
    Kind.CORRUPT_SETPOINT: _corrupt,
    Kind.STUCK: _device_fault(Fault.STUCK_OUTPUT),
    Kind.RESET: _reset,
    Kind.SIGN: _link_fault(Kind.SIGN),
    Kind.FROZEN: _link_fault(Kind.FROZEN),
    Kind.NONSENSE: _link_fault(Kind.NONSENSE),
    Kind.BAD_START: _bad_start,
    Kind.DEVICE_CLOCK: _link_fault(Kind.DEVICE_CLOCK),
    Kind.SILENT: _device_fault(Fault.SILENT),
    Kind.DEAF_HOST: _device_fault(Fault.DEAF_HOST),
    Kind.LOST_COMMANDS: _link_fault(Kind.LOST_COMMANDS),
    Kind.DUPLICATES: _link_fault(Kind.DUPLICATES),
    Kind.OLD_COMMANDS: _link_fault(Kind.OLD_COMMANDS),
    Kind.LOST_SAMPLES: _link_fault(Kind.LOST_SAMPLES),
    Kind.STALE_SAMPLES: _link_fault(Kind.STALE_SAMPLES),
    Kind.LATE: _late,
    Kind.VERY_LATE: _very_late,
    Kind.WALL_CLOCK: _wall,
    Kind.PAUSE: _saying(Pause()),
    Kind.RESUME: _saying(Resume()),
    Kind.STOP: _saying(Stop()),
    Kind.EMERGENCY: _saying(EmergencyStop()),
    Kind.ADJUST: _adjust,
    Kind.CONFUSED: _saying(Begin(), Confirm(), Enter("nothing", 1), Begin(), Adjust("nothing", 1)),
    Kind.FLOOD: _flood,
    Kind.CONSOLE_DIES: _console,
    Kind.SIGNAL: _signal,
    Kind.DISK_FULL: _disk("full"),
    Kind.SYNC_FAILS: _disk("broken"),
    Kind.SHORT_WRITE: _disk("short"),
    Kind.DISK_STALLS: _stall,
    Kind.OUR_BUG: _bug,
    Kind.COMES_AND_GOES: _comes_and_goes,
    Kind.DRY_AND_WET: _dry_and_wet,
    Kind.WEAK: _weak,
    Kind.SCALED: _link_fault(Kind.SCALED),
    Kind.SPIKE: _link_fault(Kind.SPIKE),
    Kind.REPEATED: _link_fault(Kind.REPEATED),
    Kind.DISORDER: _link_fault(Kind.DISORDER),
    Kind.CLOCK_RATE: _link_fault(Kind.CLOCK_RATE),
    Kind.LOST_ANSWERS: _link_fault(Kind.LOST_ANSWERS),
    Kind.RESTARTS: _restarts,
    Kind.SECRET_RESET: _secret_reset,
    Kind.SLEEPS_PAUSED: _sleeps_paused,
    Kind.MASHING: _mashing,
    Kind.ODD_WORDS: _saying(*ODD),
    Kind.AT_SEALING: _at_sealing,
}
