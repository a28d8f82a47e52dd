"""Which currents a plan can let flow, and how they may be turned: found from the steps alone.

For each step the planned level and polarity with which it may be entered, over every way through the plan,
whatever was answered: more ways than anybody can take, so what holds for all of them holds.
"""

from __future__ import annotations

from ionto_ir.dataclass import dataclass
from ionto_ir.expression import ZERO, Expression
from ionto_ir.plan import (
    Branch,
    Classify,
    Confirm,
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

UNDERSTOOD = (Ramp, Hold, Wait, Reverse, Confirm, Instruct, Record, Move, Branch, Loop, Classify, Finish)
"""The kinds of step whose meaning the recheck knows; with any other in a plan nothing of it is derived."""

WAYS_MAX = 4_096
"""Different levels and polarities at one step; a plan of a thousand steps has a handful."""


@dataclass(frozen=True, slots=True)
class Held:
    """A level, nA, as the plan writes it; the sign that its ramp gave it; whether reversals turned it."""

    level_na: Expression
    reversed: bool
    flipped: bool

    @property
    def turned(self) -> bool:
        """Whether current flows opposite to the declared polarity."""
        return self.reversed != self.flipped


@dataclass(frozen=True, slots=True)
class Flow:
    """A step in which current may flow: its level as written, and the ways in which it may be turned."""

    step: int
    level_na: Expression
    turned: frozenset[bool]


def entered(plan: Plan) -> dict[int, tuple[Held, ...]]:
    """For each step that can be reached, what it may find. Raises BeyondError."""
    # Where the poles are chosen on the day, all may flow either way.
    chosen = (False,) if plan.pole is None else (False, True)
    found: dict[int, list[Held]] = {plan.entry: [Held(ZERO, False, flipped) for flipped in chosen]}
    waiting = [plan.entry]
    while waiting:
        index = waiting.pop()
        for held in tuple(found[index]):
            for target, left in _left(plan.steps[index], held):
                known = found.setdefault(target, [])
                if left not in known:
                    if len(known) == WAYS_MAX:
                        raise BeyondError("more ways through the plan than are followed")
                    known.append(left)
                    waiting.append(target)
    return {index: tuple(known) for index, known in found.items()}


def _left(step: Step, held: Held) -> tuple[tuple[int, Held], ...]:
    """Where a step leads, and what it leaves."""
    match step:
        case Ramp():
            return ((step.next, Held(step.target_na, step.reversed, held.flipped)),)
        case Hold():
            return ((step.next, Held(step.level_na, held.reversed, held.flipped)),)
        case Reverse():
            return ((step.next, Held(held.level_na, held.reversed, not held.flipped)),)
        case Branch():
            return ((step.then, held), (step.otherwise, held))
        case Loop():
            return ((step.body, held), (step.exit, held))
        case Finish():
            return ()
        case Wait() | Classify():
            return ((step.next, held),)
        case Confirm() | Instruct() | Record() | Move():
            late = () if step.late is None else ((step.late, held),)
            return ((step.next, held), *late)
        case _:
            raise BeyondError(f"a step of kind `{type(step).__name__}`")


def flows(plan: Plan) -> tuple[Flow, ...]:
    """Every step with current, the same level and direction once. Raises BeyondError."""
    found: dict[tuple[Expression, frozenset[bool]], Flow] = {}
    for index, ways in sorted(entered(plan).items()):
        step = plan.steps[index]
        match step:
            case Ramp():
                level, signs = step.target_na, {step.reversed != held.flipped for held in ways}
            case Hold():
                level, signs = step.level_na, {held.turned for held in ways}
            case _:
                continue
        turned = frozenset(signs)
        found.setdefault((level, turned), Flow(index, level, turned))
    return tuple(found.values())
