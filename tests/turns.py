"""Channels of a plan put into parts of the session that follow each other."""

from __future__ import annotations

from collections.abc import Sequence

from ionto_ir.dataclass import replace
from ionto_ir.features import features_of
from ionto_ir.plan import Branch, Confirm, Demand, Finish, Loop, Plan, Section, Step
from tests.treatments import HERE


def in_parts(plan: Plan, parts: Sequence[int]) -> Plan:
    """The plan with each channel in one part; channels of the same part flow at the same time."""
    turns = max(parts)
    channels = tuple(
        replace(channel, steps=_placed(channel.steps, part, turns - part))
        for channel, part in zip(plan.channels, parts, strict=True)
    )
    plan = replace(plan, channels=channels)
    return replace(plan, requires=features_of(plan))


def _turn(index: int) -> Confirm:
    return Confirm("all channels are at zero", index + 1, Section.SESSION, HERE)


def _placed(steps: tuple[Step, ...], before: int, after: int) -> tuple[Step, ...]:
    """The steps with turns before and after them; the one at which they finish is the last."""
    finish = steps[-1]
    assert isinstance(finish, Finish), "the last step"
    assert not any(isinstance(step, Finish) for step in steps[:-1]), "there is one"
    first = tuple(_turn(index) for index in range(before))
    moved = tuple(_shifted(step, before) for step in steps[:-1])
    start = before + len(steps) - 1
    return (*first, *moved, *(_turn(start + number) for number in range(after)), finish)


def _shifted(step: Step, by: int) -> Step:
    match step:
        case Branch():
            return replace(step, then=step.then + by, otherwise=step.otherwise + by)
        case Loop() | Demand():
            return replace(step, body=step.body + by, exit=step.exit + by)
        case Finish():
            return step
        case _:
            return replace(step, next=step.next + by)
