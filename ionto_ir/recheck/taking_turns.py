"""Which channels may flow at the same time where channels take turns: seen from every way through each of
them.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from ionto_ir.plan import Confirm, Hold, Plan, Ramp, Section
from ionto_ir.recheck.polynomial import BeyondError
from ionto_ir.recheck.routes import Again, Route, routes_of


def takes_turns(parts: Sequence[Plan]) -> bool:
    """Whether any channel waits for the others in its session."""
    return any(_meets(part, index) for part in parts for index in range(len(part.steps)))


def meetings(parts: Sequence[Plan], channels: Sequence[int]) -> tuple[tuple[int, ...], ...]:
    """Of these channels those that flow between the same two meetings. Raises BeyondError."""
    if not takes_turns(parts):
        return (tuple(channels),)
    flowing = {
        channel: frozenset(
            turn for route in routes_of(parts[channel]) for turn in _turns_with_current(parts[channel], route)
        )
        for channel in channels
    }
    turns = sorted(frozenset(turn for found in flowing.values() for turn in found))
    met = [frozenset(channel for channel in channels if turn in flowing[channel]) for turn in turns]
    most = dict.fromkeys(item for item in met if not any(item < other for other in met))
    return tuple(tuple(sorted(item)) for item in most) or (tuple(channels),)


def _meets(part: Plan, index: int) -> bool:
    step = part.steps[index]
    return isinstance(step, Confirm) and step.section is Section.SESSION


def _turns_with_current(part: Plan, route: Route) -> Iterator[int]:
    """How many meetings were before each step of a way on which current flows."""
    turn = 0
    for item in route:
        if isinstance(item, Again):
            if any(_meets(part, index) for index in _within(item)):
                raise BeyondError("a repetition in which channels meet")
            if any(isinstance(part.steps[index], Ramp | Hold) for index in _within(item)):
                yield turn
        elif _meets(part, item):
            turn += 1
        elif isinstance(part.steps[item], Ramp | Hold):
            yield turn


def _within(item: Again) -> Iterator[int]:
    for body in (item.body, *item.ways):
        for inner in body:
            if isinstance(inner, Again):
                yield from _within(inner)
            else:
                yield inner
