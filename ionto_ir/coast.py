"""Coasting: the ticks of a stretch in which nothing changes but what adds up, all at once.

While a level is held, or time is waited for, every tick adds the same to the same counters. Whatever the
machine, the sequencer and the interlock compare with these counters grows or falls evenly, so each comparison
turns at most once: a tick that does the same at both ends of a stretch does the same in between. A session of
a day is so followed in milliseconds. Only virtual time may coast; a real session takes every tick.
"""

from __future__ import annotations

from typing import Any

from ionto_ir.bound import BoundPlan
from ionto_ir.events import SetCurrent, Tick
from ionto_ir.executor import step
from ionto_ir.state import Phase, State

TICK = Tick()

STEADY = (Phase.HOLD, Phase.WAIT, Phase.PERIOD, Phase.PROMPT, Phase.STANDBY)
"""Phases in which the level may stand still."""

Change = Any
"""What a tick adds: an integer for an integer, a tuple of changes for a tuple, None where nothing may differ.
Nested as the state is, which no type can say."""


def coast(bound: BoundPlan, state: State, ticks_max: int, tick: Tick = TICK) -> tuple[State, int]:
    """The state after as many steady ticks as there are, at most `ticks_max`, and how many those were.

    `tick` is each of them: while the output stands still, so do the readings. None of them says anything but
    the output that is held already. 0 when the next tick is not steady.
    """
    if ticks_max < 1 or state.place.phase not in STEADY:
        return state, 0
    change = _steady_change(bound, state, tick)
    if change is None:
        return state, 0

    def are_steady(ticks: int) -> bool:
        further: Change = _steady_change(bound, _after(state, change, ticks - 1), tick)
        return bool(further == change)

    steady = _guess(bound, state, ticks_max)
    if steady > 1 and not are_steady(steady):
        steady = 1
    if steady < ticks_max and not are_steady(steady + 1):
        return _after(state, change, steady), steady
    while 2 * steady <= ticks_max and are_steady(2 * steady):
        steady *= 2
    unsteady = min(2 * steady, ticks_max + 1)
    while unsteady - steady > 1:
        middle = (steady + unsteady) // 2
        if are_steady(middle):
            steady = middle
        else:
            unsteady = middle
    return _after(state, change, steady), steady


def _guess(bound: BoundPlan, state: State, ticks_max: int) -> int:
    """How long it may last, at least one tick: until nothing is left of the step's time. Most stretches end
    there, and a guess that is right spares the search.
    """
    left = state.place.left_ms // bound.constants.tick_ms
    return min(max(1, left), ticks_max)


def _steady_change(bound: BoundPlan, state: State, tick: Tick) -> Change:
    """What the next tick adds; None when it moves the level, leaves the step or says something new."""
    after, said = step(bound, state, tick)
    before = state.machine
    moved = (before.mode, before.level_na, before.sign, state.place.step) != (
        after.machine.mode,
        after.machine.level_na,
        after.machine.sign,
        after.place.step,
    )
    step_na = bound.constants.step_na
    held_na = before.sign * (before.level_na // step_na * step_na)
    held = (held_na, state.place.waveform)
    news = any(not isinstance(item, SetCurrent) or (item.current_na, item.waveform) != held for item in said)
    return None if moved or news else _change(state, after)


def _change(before: Any, after: Any) -> Change:
    """What was added, None when something else happened."""
    if before is after:
        return 0
    if type(before) is int and type(after) is int:
        return after - before
    if isinstance(before, tuple) and isinstance(after, tuple) and len(before) == len(after):
        parts = tuple(_change(old, new) for old, new in zip(before, after, strict=True))
        return None if any(part is None for part in parts) else parts
    return 0 if before is after or before == after else None


def _after(value: Any, change: Change, times: int) -> Any:
    """`value` with `change` added `times` times."""
    if isinstance(change, tuple):
        parts = [_after(item, part, times) for item, part in zip(value, change, strict=True)]
        made = tuple(parts)
        return made if type(value) is tuple else type(value)._make(parts)
    return value + change * times if change else value
