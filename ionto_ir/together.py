"""Several channels in lockstep: one machine each, the same ticks for all, and what happens to one of them
happens to all.

Each machine is the ordinary one and is told nothing but events that it knows. The rules here are few: a pause
of one pauses the others, a stop of one stops them, what opens one output at once opens them all, and nothing
is resumed before all are at zero. A channel in which nothing has flowed yet has nothing to pause; it is not
given ticks until the others go on, so that it cannot begin while they wait.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple

from ionto_ir.bound import BoundPlan
from ionto_ir.dataclass import dataclass, replace
from ionto_ir.dry_run import TICKS_MAX, Recorder
from ionto_ir.events import (
    Adjust,
    Alarm,
    Begin,
    Command,
    Confirm,
    DeviceFault,
    EmergencyStop,
    End,
    Event,
    Pause,
    Refused,
    Resume,
    Stop,
    Tick,
)
from ionto_ir.executor import start, step
from ionto_ir.machine_table import Ending
from ionto_ir.state import Mode, State
from ionto_ir.terminals import Terminals, terminals_of
from ionto_ir.trace import Trace
from ionto_ir.turns import may_go_on
from ionto_ir.waveform import PPM

INTERRUPTED = (Mode.PAUSING, Mode.PAUSED, Mode.LOST)
OPENED_AT_ONCE = frozenset(
    {Ending.EMERGENCY.value, Ending.OVER_CURRENT.value, Ending.FAULT.value, Ending.INTERNAL.value}
)
"""Endings that left no time for a ramp: nobody knows what else is wrong, so every output opens."""


class Stepped(NamedTuple):
    """What an event did to one channel."""

    channel: int
    before: State
    after: State
    event: Event
    commands: tuple[Command, ...]


def consequence(before: State, after: State) -> Event | None:
    """What must happen to the other channels when this happened to one of them."""
    was, now = before.mode, after.mode
    if was is now:
        return None
    if now is Mode.ENDED:
        reason = after.machine.reason
        if reason == Ending.FINISHED.value:
            return None
        return EmergencyStop() if reason in OPENED_AT_ONCE else Stop()
    if now is Mode.STOPPING:
        return Stop()
    return Pause() if now in INTERRUPTED and was not in INTERRUPTED else None


def has_happened(event: Event, state: State) -> bool:
    """Whether what must happen to a channel has: it was interrupted, stopped or opened already."""
    if isinstance(event, Pause):
        return state.mode not in (Mode.READY, Mode.ON)
    return state.ended or (isinstance(event, Stop) and state.mode is Mode.STOPPING)


def may_resume(states: Sequence[State]) -> bool:
    """Whether all that is interrupted has come to zero, and may go on."""
    return not any(state.mode is Mode.PAUSING for state in states)


def is_held(states: Sequence[State], channel: int) -> bool:
    """Whether a channel at rest is given no ticks, because others are interrupted."""
    return states[channel].mode is Mode.READY and any(state.mode in INTERRUPTED for state in states)


def refusing(bounds: Sequence[BoundPlan], states: Sequence[State], event: Event) -> Stepped | None:
    """The first channel that refuses what concerns all of them: then it happens to none."""
    for channel, (bound, state) in enumerate(zip(bounds, states, strict=True)):
        if not state.ended:
            after, commands = step(bound, state, event)
            if any(isinstance(command, Refused) for command in commands):
                return Stepped(channel, state, after, event, commands)
    return None


def deliver(
    bounds: Sequence[BoundPlan], states: list[State], event: Event, only: int | None = None
) -> Iterator[Stepped]:
    """Let an event happen, on one channel or on all, and what follows from it; `states` are kept up to date.

    A resumption or an adjustment happens to all or to none.
    """
    if isinstance(event, Resume) and not may_resume(states):
        return
    if isinstance(event, DeviceFault) and only is None:
        flowing = (channel for channel, state in enumerate(states) if state.mode is Mode.ON)
        only = next(flowing, 0)  # one electrode came off; the others follow from that
    if isinstance(event, Adjust):
        refused = refusing(bounds, states, event)
        if refused is not None:
            yield refused
            return
    targets = range(len(states)) if only is None else (only,)
    pending: list[tuple[int, Event]] = [(channel, event) for channel in targets]
    while pending:
        channel, happening = pending.pop(0)
        before = states[channel]
        if before.ended:
            continue
        after, commands = step(bounds[channel], before, happening)
        states[channel] = after
        yield Stepped(channel, before, after, happening, commands)
        following = consequence(before, after)
        if following is not None:
            pending += [(other, following) for other in range(len(states)) if other != channel]


@dataclass(frozen=True, slots=True)
class TogetherRun:
    """What came of the channels of a session. The times of all traces count from the first energised tick of
    any channel; `heard` are the alarms of each channel, `needs_pc` the most that its ledger and reserve came
    to.
    """

    traces: tuple[Trace, ...]
    finals: tuple[State, ...]
    endings: tuple[End | None, ...]
    heard: tuple[tuple[Alarm, ...], ...]
    needs_pc: tuple[int, ...]

    @property
    def alarms(self) -> tuple[Alarm, ...]:
        """What was heard of any channel, each once."""
        return tuple(dict.fromkeys(alarm for alarms in self.heard for alarm in alarms))

    @property
    def finished(self) -> bool:
        """Whether every channel came to the end of its steps."""
        return all(ending is not None and ending.completed for ending in self.endings)


class ToOne(NamedTuple):
    """An event that happens to one channel."""

    channel: int
    event: Event


Happens = Callable[[int, Sequence[State]], Event | ToOne | None]
"""What happens before the next tick, to all channels or to one, seen from the time of the session (0 until
something flows).
"""


def silent(_: int, __: Sequence[State]) -> Event | None:
    """Nothing happens."""
    return None


def run_together(
    bounds: Sequence[BoundPlan],
    happens: Happens = silent,
    ticks_max: int = TICKS_MAX,
    terminals: Sequence[Terminals] | None = None,
) -> TogetherRun:
    """Run the channels of a session on outputs that read as their `terminals` say, else on ideal ones, until
    all have ended.
    """
    tick_ms = bounds[0].constants.tick_ms
    states = [start(bound) for bound in bounds]
    recorders = [Recorder(tick_ms) for _ in bounds]
    needs = [0] * len(bounds)
    monitored = any(bound.plan.monitors for bound in bounds)
    ideal = terminals or [terminals_of(bound.plan) for bound in bounds]
    watched = ideal if monitored else None
    clock_ms, flowing = 0, False

    def take(stepped: Stepped) -> None:
        recorders[stepped.channel].take(
            stepped.before, stepped.after, stepped.event, stepped.commands, clock_ms
        )

    for stepped in deliver(bounds, states, Begin()):
        take(stepped)
    for _ in range(ticks_max):
        while (event := happens(clock_ms, states)) is not None:
            only, told = event if isinstance(event, ToOne) else (None, event)
            for stepped in deliver(bounds, states, told, only):
                take(stepped)
        if all(state.ended for state in states):
            break
        for channel in range(len(states)):
            if not is_held(states, channel):  # also by what happened to another one in this very tick
                tick = Tick() if watched is None else watched[channel].tick(recorders[channel].current_na)
                for stepped in deliver(bounds, states, tick, channel):
                    take(stepped)
            needs[channel] = max(needs[channel], needed_pc(bounds[channel], states[channel]))
        if may_go_on(bounds, states):
            for channel in range(len(states)):
                for stepped in deliver(bounds, states, Confirm(), channel):
                    take(stepped)
        flowing = flowing or any(state.machine.elapsed_ms > 0 for state in states)
        clock_ms += tick_ms if flowing else 0
    return TogetherRun(
        tuple(Trace(tuple(item.points), tuple(item.visits), clock_ms, tick_ms) for item in recorders),
        tuple(states),
        tuple(item.ending for item in recorders),
        tuple(tuple(item.alarms) for item in recorders),
        tuple(needs),
    )


def needed_pc(bound: BoundPlan, state: State) -> int:
    """What the ledger holds with what is kept back for a stop and for a lost link, pC: a cap must hold it.

    The formula is that of `machine_terms.braking_of`, at the present level.
    """
    rules, level_na, share_ppm = bound.constants, state.machine.level_na, state.machine.share_ppm
    if state.mode not in (Mode.ON, Mode.PAUSING, Mode.STOPPING):
        return state.machine.upper_pc
    inexact = 1_000_000 + rules.accuracy_ppm
    each = 1_000_000 * (rules.offset_na + 1) + (inexact if share_ppm < PPM else 0)
    square = inexact * share_ppm * level_na * (level_na + 2 * rules.fall_na)
    stop = rules.tick_ms * (square + 2_000_000 * each * (level_na + rules.fall_na))
    return (
        state.machine.upper_pc
        - (-stop // (2 * 10**12 * rules.fall_na))
        + rules.watchdog_ms * state.machine.exposure_na
    )


def from_start(trace: Trace) -> Trace:
    """The trace of one channel with its times counted from its own first energised tick, as its machine
    counts them.
    """
    first_ms = next((point.at_ms for point in trace.points if point.on), 0)
    points = tuple(replace(point, at_ms=max(0, point.at_ms - first_ms)) for point in trace.points)
    visits = tuple((max(0, at_ms - first_ms), step) for at_ms, step in trace.visits)
    return Trace(points, visits, max(0, trace.end_ms - first_ms), trace.tick_ms)
