"""Parts of a session of several channels: where each ends, and which channels flow in it.

A channel's plan says where a part ends by a confirmation within the session, which no person is asked (see
`ionto_ir.turns`). The plan in which all channels come to their end has one such place, too.
"""

from __future__ import annotations

from collections.abc import Sequence

from ionto_ir.plan import Confirm, Demand, Hold, Plan, Ramp, Section, Step, successors


def gathers(step: Step) -> bool:
    """Whether all channels are waited for at a step."""
    return isinstance(step, Confirm) and step.section is Section.SESSION


def turns_of(steps: Sequence[Step]) -> tuple[int, ...]:
    """The steps at which a channel waits for all others to be at zero."""
    return tuple(index for index, step in enumerate(steps) if gathers(step))


def parts_in(steps: Sequence[Step]) -> tuple[int, ...] | None:
    """The part of the session, from 0, that each step belongs to; None if that depends on the way to it."""
    turns = turns_of(steps)
    found: dict[int, int] = {0: 0}
    pending = [0]
    while pending:
        index = pending.pop()
        part = found[index] + (index in turns)
        for following in successors(steps[index]):
            if following not in found:
                found[following] = part
                pending.append(following)
            elif found[following] != part:
                return None
    return tuple(found.get(index, 0) for index in range(len(steps)))


def parts_count(plan: Plan) -> int:
    """How many parts follow each other; 1 where all channels run beside each other."""
    return 1 + max((len(turns_of(channel.steps)) for channel in plan.channels), default=0)


def flowing_together(plan: Plan) -> tuple[tuple[int, ...], ...]:
    """The channels that may flow at the same time: those of each part, without what another one contains."""
    if parts_count(plan) == 1:
        return (tuple(range(len(plan.channels))),)
    flowing = [_parts_with_current(channel.steps) for channel in plan.channels]
    groups = [
        frozenset(number for number, parts in enumerate(flowing) if part in parts)
        for part in range(parts_count(plan))
    ]
    kept = [item for item in dict.fromkeys(groups) if item and not any(item < other for other in groups)]
    return tuple(tuple(sorted(item)) for item in kept)


def among(plan: Plan, channels: Sequence[int]) -> tuple[tuple[int, ...], ...]:
    """Those of some channels that may flow at the same time, without what another group contains."""
    met = dict.fromkeys(frozenset(channels) & frozenset(group) for group in flowing_together(plan))
    return tuple(tuple(sorted(item)) for item in met if item and not any(item < other for other in met))


def _parts_with_current(steps: Sequence[Step]) -> frozenset[int]:
    parts = parts_in(steps)
    assert parts is not None, "the plan is well formed"
    return frozenset(
        part for part, step in zip(parts, steps, strict=True) if isinstance(step, Ramp | Hold | Demand)
    )
