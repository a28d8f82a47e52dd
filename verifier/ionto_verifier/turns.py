"""How long a session lasts whose channels take turns: each part as long as its slowest channel.

A part begins when all channels have come to the end of the one before. So the session takes, part after
part, what the slowest channel takes, and a pause holds it up by no more than its dearest cost in any channel.
"""

from __future__ import annotations

from collections.abc import Sequence

from ionto_ir.limits import LimitKind
from ionto_ir.parts import parts_count, parts_in, turns_of
from ionto_ir.plan import Plan
from ionto_verifier.inquiry import Inquiry
from ionto_verifier.paths import Visit, follow
from ionto_verifier.sums import SOME_TIME_MS, lasting, pauses_of
from ionto_verifier.term import ZERO, Polynomial

TURN_TICKS = 2
"""Between two parts: the first tick at rest, and the one that says that the output is off."""


def times_in_turns(plan: Plan, inquiries: Sequence[Inquiry]) -> tuple[Polynomial, ...]:
    """How long a session may have lasted that is stopped in each of its parts, pauses included, ms."""
    return _times(plan, inquiries)[0]


def end_in_turns(plan: Plan, inquiries: Sequence[Inquiry]) -> Polynomial:
    """How long a session may last until the last channel has come to its end, pauses included, ms."""
    return _times(plan, inquiries)[1]


def _times(plan: Plan, inquiries: Sequence[Inquiry]) -> tuple[tuple[Polynomial, ...], Polynomial]:
    tick_ms = plan.device.tick_ms
    pauses = pauses_of(inquiries[0])
    costs = [cost.elapsed_ms for item in inquiries for visit in item.visits for cost in visit.after.pauses]
    environment = inquiries[0].environment
    paused = environment.upper((*costs, ZERO), "slowest pause of a channel") * pauses
    before, found = ZERO + (pauses + 1) * tick_ms, []
    for part in range(parts_count(plan)):
        whole: list[Polynomial] = [ZERO]
        stopped: list[Polynomial] = []
        for number, inquiry in enumerate(inquiries):
            with inquiry.here():
                visits = _visits(plan, number, inquiry, part)
                whole += [visit.after.elapsed_ms for visit in visits]
                stopped += [lasting(visit, visit.motion) for visit in visits if visit.motion is not None]
        if stopped:
            found.append(before + environment.upper(stopped, f"stopped in part {part + 1}") + paused)
        slowest = environment.upper(whole, f"slowest channel of part {part + 1}")
        before = before + slowest + TURN_TICKS * tick_ms
    return tuple(found), before + paused


def longest_in_turns(plan: Plan, inquiries: Sequence[Inquiry]) -> int:
    """How long a session can last at most, ms: what intervals say, or the limit that is proved beside it."""
    times = times_in_turns(plan, inquiries)
    found = max((int(inquiries[0].environment.bounds(value)[1]) + 1 for value in times), default=0)
    limits = [
        limit.bound
        for limit in plan.limits
        if limit.kind is LimitKind.DURATION and not limit.soft and not limit.apart
    ]
    return min([found, *limits, SOME_TIME_MS])


def _visits(plan: Plan, number: int, inquiry: Inquiry, part: int) -> tuple[Visit, ...]:
    """What a channel does in a part, with time counted from the beginning of that part."""
    steps = plan.channels[number].steps
    parts = parts_in(steps)
    assert parts is not None, "the plan is well formed"
    visits = inquiry.visits
    if part:
        turns = frozenset(turn for turn in turns_of(steps) if parts[turn] == part - 1)
        visits = follow(inquiry.encoding, turns, begun=True)
    return tuple(visit for visit in visits if parts[visit.step] == part)
