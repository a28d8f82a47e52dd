"""Replaying a journal of several channels: each part through its machine, and all of them for the lockstep.

That every channel did what its machine says is not all: what happened to one must have happened to the
others, before any of them was told of time again, and none may have begun while others were interrupted.
"""

from __future__ import annotations

from collections.abc import Sequence

from ionto_ir.bound import BoundPlan
from ionto_ir.canonical import digest
from ionto_ir.channels import care_plan, channel_plans
from ionto_ir.codec import plan_to_json
from ionto_ir.dataclass import dataclass, replace
from ionto_ir.events import Confirm, Event, Tick
from ionto_ir.executor import start, step
from ionto_ir.plan import Plan
from ionto_ir.state import State
from ionto_ir.together import consequence, has_happened, is_held
from ionto_ir.turns import is_off, parts_by_step, stands
from ionto_runtime.journal_channels import CHANNEL, Part, parts_of
from ionto_runtime.journal_format import Record
from ionto_runtime.journal_reader import Reading
from ionto_runtime.replay import Difference, ReplayReport, rebound, replay
from ionto_runtime.session_records import event_from_json


@dataclass(frozen=True, slots=True)
class BoundPart:
    """A part of a journal with the plan that it is of; `name` is None for what has no channel."""

    name: str | None
    bound: BoundPlan
    reading: Reading


@dataclass(frozen=True, slots=True)
class Replayed:
    """What came of the replay of each part, and the first place where the channels were out of step."""

    parts: tuple[tuple[BoundPart, ReplayReport], ...]
    out_of_step: Difference | None

    @property
    def agrees(self) -> bool:
        """Whether every command came out as it was written down, in step."""
        return self.difference is None

    @property
    def difference(self) -> Difference | None:
        """The first place where journal and machines differ."""
        found = [report.difference for _, report in self.parts if report.difference is not None]
        found += [] if self.out_of_step is None else [self.out_of_step]
        return min(found, key=lambda item: item.sequence, default=None)

    @property
    def events(self) -> int:
        """How many events were replayed."""
        return sum(report.events for _, report in self.parts)

    @property
    def ticks(self) -> int:
        """How many of them were ticks."""
        return sum(report.ticks for _, report in self.parts)


def rebound_parts(plan: Plan, reading: Reading) -> tuple[BoundPart, ...] | str:
    """The bound plans of a journal, one for each part, or why this is not its plan."""
    parts = parts_of(reading)
    if not plan.channels:
        if len(parts) > 1:
            return "the journal has several channels, and the plan has one"
        bound = rebound(plan, reading)
        return bound if isinstance(bound, str) else (BoundPart(None, bound, reading),)
    header = reading.header
    if header is None:
        return "not even the header can be read"
    if header["plan_sha256"] != digest(plan_to_json(plan)):
        return "the journal is of another plan"
    if [part.name for part in parts[1:]] != [channel.name for channel in plan.channels]:
        return "the journal has other channels than the plan"
    found = []
    for alone, part in zip((care_plan(plan), *channel_plans(plan)), parts, strict=True):
        own = _of_plan(part, alone)
        bound = rebound(alone, own)
        if isinstance(bound, str):
            return bound
        found.append(BoundPart(part.name, bound, own))
    return tuple(found)


def _of_plan(part: Part, alone: Plan) -> Reading:
    """The part as a journal of its own plan: the whole plan's digest was compared before."""
    first, *others = part.reading.records
    payload = first.payload | {"plan_sha256": digest(plan_to_json(alone))}
    return replace(part.reading, records=(replace(first, payload=payload), *others))


def replay_parts(parts: Sequence[BoundPart], whole: Reading) -> Replayed:
    """Every part through its machine, and the channels for what must happen to all of them."""
    found = tuple((part, replay(part.bound, part.reading)) for part in parts)
    agree = all(report.agrees for _, report in found)
    channels = [part.bound for part in parts if part.name is not None]
    return Replayed(found, _out_of_step(channels, whole) if channels and agree else None)


def _out_of_step(bounds: Sequence[BoundPlan], whole: Reading) -> Difference | None:
    """The first record in which a channel was told of time before what happened to another one."""
    states: list[State] = [start(bound) for bound in bounds]
    owed: dict[int, Event] = {}
    parts = parts_by_step(bounds)
    for record in whole.records:
        number = record.payload.get(CHANNEL)
        event = event_from_json(record.payload) if "event" in record.payload else None
        if event is None or not isinstance(number, int):
            continue
        if isinstance(event, Tick):
            if number in owed:
                return _differs(record, event, owed[number])
            if is_held(states, number):
                return Difference(
                    record.sequence, "lockstep", "a tick", "at rest while others are interrupted"
                )
        if isinstance(event, Confirm) and not _in_turn(bounds, parts, states, number):
            return Difference(record.sequence, "lockstep", "a turn", "not all channels are at zero")
        before = states[number]
        states[number], _ = step(bounds[number], before, event)
        if number in owed and (owed[number] == event or has_happened(owed[number], states[number])):
            del owed[number]
        following = consequence(before, states[number])
        if following is not None:
            others = (other for other in range(len(bounds)) if other != number)
            owed |= {other: following for other in others if not has_happened(following, states[other])}
    return None


def _in_turn(
    bounds: Sequence[BoundPlan], parts: Sequence[tuple[int, ...]], states: Sequence[State], number: int
) -> bool:
    """Whether a channel may go on to its next part: each of the others waits for it or has just gone on."""
    at = [own[state.place.step] for own, state in zip(parts, states, strict=True)]
    others = (
        part > at[number] or (part == at[number] and stands(bound, state) and is_off(state))
        for bound, state, part in zip(bounds, states, at, strict=True)
    )
    return all(others)


def _differs(record: Record, found: Event, owed: Event) -> Difference:
    return Difference(record.sequence, "lockstep", type(found).__name__, f"{type(owed).__name__} first")
