"""Turns: when the next part of a session begins.

Each channel's machine waits at the end of a part with the output off, as it would for a person, and whoever
drives the channels confirms for all of them in the same moment: when each stands there and its output is
known to be off. So no two channels ever flow in different parts, whatever their devices do and however long
anything takes; no clock has to be believed.
"""

from __future__ import annotations

from collections.abc import Sequence

from ionto_ir.bound import BoundPlan
from ionto_ir.parts import gathers, parts_in
from ionto_ir.state import Mode, Phase, State


def stands(bound: BoundPlan, state: State) -> bool:
    """Whether a channel has come to the end of a part, and waits for the others."""
    place = state.place
    return state.mode is Mode.READY and place.phase is Phase.PROMPT and gathers(bound.route.steps[place.step])


def is_off(state: State) -> bool:
    """Whether the device has said that the output is off: nothing of what it was told is in doubt."""
    return state.machine.exposure_na == 0 and state.machine.level_na == 0


def may_go_on(bounds: Sequence[BoundPlan], states: Sequence[State]) -> bool:
    """Whether the next part begins: every channel stands at the end of this one, with its output off."""
    return all(map(stands, bounds, states)) and all(map(is_off, states))


def parts_by_step(bounds: Sequence[BoundPlan]) -> tuple[tuple[int, ...], ...]:
    """The part of the session that each step of each channel belongs to."""
    found = tuple(parts_in(bound.plan.steps) for bound in bounds)
    return tuple(item for item in found if item is not None)
