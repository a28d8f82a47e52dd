"""Which currents a plan can let flow, and how they may be turned: found from the steps alone.

For each step the planned level and polarity with which it may be entered, over every way through the plan,
whatever was answered: more ways than anybody can take, so what holds for all of them holds.
"""

from __future__ import annotations

from collections.abc import Iterator

from ionto_ir.dataclass import dataclass, replace
from ionto_ir.expression import ZERO, Constant, Expression
from ionto_ir.plan import (
    Branch,
    Classify,
    Confirm,
    Demand,
    Finish,
    Hold,
    Instruct,
    Loop,
    Move,
    Plan,
    Ramp,
    Record,
    Reverse,
    Step,
    Wait,
)
from ionto_ir.recheck.polynomial import BeyondError
from ionto_ir.waveform import Waveform
from ionto_ir.wellformed_graph import loop_regions

UNDERSTOOD = (
    *(Ramp, Hold, Wait, Reverse, Confirm, Instruct, Record, Move),
    *(Branch, Loop, Demand, Classify, Finish),
)
"""The kinds of step whose meaning the recheck knows; with any other in a plan nothing of it is derived."""

WAYS_MAX = 4_096
"""Different levels and polarities at one step; a plan of a thousand steps has a handful."""


@dataclass(frozen=True, slots=True)
class Held:
    """A level (a peak), nA, as the plan writes it, in its waveform; the sign that its ramp gave it; whether
    reversals turned it.
    """

    level_na: Expression
    reversed: bool
    flipped: bool
    waveform: Waveform | None = None

    @property
    def turned(self) -> bool:
        """Whether current flows opposite to the declared polarity."""
        return self.reversed != self.flipped


@dataclass(frozen=True, slots=True)
class Flow:
    """A step in which current may flow: its level as written, the ways in which it may be turned, and its
    waveform.
    """

    step: int
    level_na: Expression
    turned: frozenset[bool]
    waveform: Waveform | None = None


def entered(plan: Plan) -> dict[int, tuple[Held, ...]]:
    """For each step that can be reached, what it may find. Raises BeyondError."""
    # Where the poles are chosen on the day, all may flow either way.
    chosen = (False,) if plan.pole is None else (False, True)
    bodies = loop_regions(plan)
    # A step, and whether it is the head of a repetition that is come back to.
    start = (plan.entry, False)
    found: dict[tuple[int, bool], list[Held]] = {start: [Held(ZERO, False, flipped) for flipped in chosen]}
    waiting = [start]
    while waiting:
        place = waiting.pop()
        index, again = place
        for held in tuple(found[place]):
            for target, left in _left(plan.steps[index], held, again):
                reached = target, index in bodies.get(target, ())
                known = found.setdefault(reached, [])
                if left not in known:
                    if len(known) == WAYS_MAX:
                        raise BeyondError("more ways through the plan than are followed")
                    known.append(left)
                    waiting.append(reached)
    every: dict[int, dict[Held, None]] = {}
    for (index, _), ways in found.items():
        every.setdefault(index, {}).update(dict.fromkeys(ways))
    return {index: tuple(ways) for index, ways in every.items()}


def _left(step: Step, held: Held, again: bool) -> tuple[tuple[int, Held], ...]:
    """Where a step leads, and what it leaves. `again`: it was come back to from its own rounds."""
    match step:
        case Ramp():
            return ((step.next, Held(step.target_na, step.reversed, held.flipped, step.waveform)),)
        case Hold():
            return ((step.next, Held(step.level_na, held.reversed, held.flipped, step.waveform)),)
        case Reverse():
            return ((step.next, replace(held, flipped=not held.flipped)),)
        case Demand():
            # A dose begins at the basal current; a block that is over is left where it happens to be.
            waiting = Held(step.basal_na, held.reversed, held.flipped)
            return ((step.body, waiting), (step.exit, waiting), (step.exit, held))
        case Branch():
            return ((step.then, held), (step.otherwise, held))
        case Loop():
            begins, ends = _rounds(step, again)
            return (*(((step.body, held),) if begins else ()), *(((step.exit, held),) if ends else ()))
        case Finish():
            return ()
        case Wait() | Classify():
            return ((step.next, held),)
        case Confirm() | Instruct() | Record() | Move():
            late = () if step.late is None else ((step.late, held),)
            return ((step.next, held), *late)
        case _:
            raise BeyondError(f"a step of kind `{type(step).__name__}`")


def _rounds(step: Loop, again: bool) -> tuple[bool, bool]:
    """Whether a round may begin, and whether the rounds may be over. What is due once always begins."""
    if not isinstance(step.count, Constant):
        return True, True
    count = int(step.count.value)
    return (count > 1, True) if again else (count >= 1, count < 1)


def flows(plan: Plan) -> tuple[Flow, ...]:
    """Every step with current, the same level, direction and waveform once. Raises BeyondError."""
    found: dict[tuple[Expression, frozenset[bool], Waveform | None], Flow] = {}
    for index, ways in sorted(entered(plan).items()):
        for flow in _flowing(index, plan.steps[index], ways):
            found.setdefault((flow.level_na, flow.turned, flow.waveform), flow)
    return tuple(found.values())


def _flowing(index: int, step: Step, ways: tuple[Held, ...]) -> Iterator[Flow]:
    """The level that a step goes to, and what it finds where that flowed in another waveform before."""
    match step:
        case Ramp():
            level, waveform = step.target_na, step.waveform
            turned = frozenset(step.reversed != held.flipped for held in ways)
        case Hold():
            level, waveform = step.level_na, step.waveform
            turned = frozenset(held.turned for held in ways)
        case Demand() if step.basal_na != ZERO:
            level, waveform = step.basal_na, None
            turned = frozenset(held.turned for held in ways)
        case _:
            return
    yield Flow(index, level, turned, waveform)
    for held in ways:
        if held.waveform != waveform and held.level_na != ZERO:
            yield Flow(index, held.level_na, turned, waveform)
