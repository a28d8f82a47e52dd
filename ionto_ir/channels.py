"""A plan with several channels, taken apart: an ordinary plan for each channel, and one for the people.

Channels run side by side, each on a machine of its own, and nothing about that machine is different because
there are others: what is proved of it for all plans is true of each. What people do before and after the
session is a plan of its own, without current; between the two it waits, as for a confirmation, until all
channels have come to their end. What the channels do together is judged on their sum (`ionto_ir.together`).
"""

from __future__ import annotations

from collections.abc import Iterator

from ionto_ir.dataclass import replace
from ionto_ir.diagnostic import Diagnostic, error
from ionto_ir.features import features_of
from ionto_ir.labels import text_of
from ionto_ir.limits import Limit, LimitKind
from ionto_ir.parts import gathers, turns_of
from ionto_ir.plan import (
    Channel,
    Classify,
    Confirm,
    Hold,
    Instruct,
    Move,
    Plan,
    Ramp,
    Record,
    Step,
    UserProperty,
)

CHANNELS_MAX = 8
"""Channels of one plan; a device has two to four, and a person four limbs."""

SUMMED = (LimitKind.CURRENT, LimitKind.DOSE)
"""Limits on everything that flows in a person, unless they name a pole: several channels add up."""


def care_plan(plan: Plan) -> Plan:
    """What people do around the session: no current flows in it."""
    return _with_features(replace(plan, channels=(), properties=(), monitors=()))


def channel_plan(plan: Plan, channel: Channel) -> Plan:
    """One channel as a plan of its own, under every limit of the whole."""
    alone = replace(
        plan,
        channels=(),
        electrodes=tuple(plan.electrodes[index] for index in channel.electrodes),
        steps=channel.steps,
        entry=0,
        counters=channel.counters,
        properties=tuple(item for item in plan.properties if speaks_of(item, channel.steps)),
    )
    return _with_features(alone)


def channel_plans(plan: Plan) -> tuple[Plan, ...]:
    """Every channel as a plan of its own, in order."""
    return tuple(channel_plan(plan, channel) for channel in plan.channels)


def _with_features(plan: Plan) -> Plan:
    return replace(plan, requires=features_of(plan))


def speaks_of(item: UserProperty, steps: tuple[Step, ...]) -> bool:
    """Whether a `prove` line can be asked of these steps: they have those that it names."""
    named = {text for text in (item.after, item.before, item.during) if text is not None}
    return named <= {text_of(step) for step in steps}


def is_together(limit: Limit) -> bool:
    """Whether the limit is about everything that flows, whichever channel it flows in."""
    return limit.role is None and limit.kind in SUMMED


def gathering(plan: Plan) -> int:
    """The step of the care plan at which the channels run; there is one in a well-formed plan."""
    return next(index for index, step in enumerate(plan.steps) if gathers(step))


def channels_of(plan: Plan, electrode: int) -> tuple[int, ...]:
    """The channels whose current flows through an electrode."""
    return tuple(index for index, item in enumerate(plan.channels) if electrode in item.electrodes)


def channel_problems(plan: Plan) -> Iterator[Diagnostic]:
    """What is wrong with how channels stand together (I0827); each alone is looked at as a plan."""
    names = [channel.name for channel in plan.channels]
    if len(set(names)) < len(names) or len(names) > CHANNELS_MAX or not all(names):
        yield error(
            "I0827", f"channels have names of their own, and there are at most {CHANNELS_MAX}", plan.span
        )
    if len(names) > plan.device.channels:
        text = f"the plan has {len(names)} channels and its device {plan.device.channels}"
        yield error("I0827", text, plan.device.span)
    if sum(map(gathers, plan.steps)) != 1 or any(isinstance(step, Ramp | Hold) for step in plan.steps):
        yield error("I0827", "beside channels a plan has one place where they run, and no current", plan.span)
    used = {index for channel in plan.channels for index in channel.electrodes}
    if used != set(range(len(plan.electrodes))):
        yield error("I0827", "every electrode is on a channel, and every channel has electrodes", plan.span)
    for index, electrode in enumerate(plan.electrodes):
        if electrode.place.value == "active" and len(channels_of(plan, index)) > 1:
            yield error("I0827", "an active electrode is on one channel", electrode.span)
    for channel in plan.channels:
        if any(_asks(step) for step in channel.steps):
            yield error("I0827", f"people are asked outside of the channel `{channel.name}`", channel.span)
    yield from _turn_problems(plan)
    if plan.device.shared_return:
        yield from _apart(plan)


def _asks(step: Step) -> bool:
    return isinstance(step, Confirm | Instruct | Record | Move | Classify) and not gathers(step)


def _apart(plan: Plan) -> Iterator[Diagnostic]:
    """Where the device joins the returns, each return electrode is on every channel."""
    for index, electrode in enumerate(plan.electrodes):
        if electrode.place.value == "return" and len(channels_of(plan, index)) < len(plan.channels):
            text = "the device joins the returns of its channels, and this one is taken to be apart"
            yield error("I0827", text, electrode.span)


def _turn_problems(plan: Plan) -> Iterator[Diagnostic]:
    """Where the parts of a session end is the same on every way through every channel, or one would wait for
    ever.
    """
    counts = {len(turns_of(channel.steps)) for channel in plan.channels}
    if len(counts) > 1:
        yield error("I0827", "the channels do not all take the same number of turns", plan.span)
    for channel in plan.channels:
        if any(isinstance(step, Confirm) and step.late is not None for step in channel.steps):
            yield error("I0827", f"the channel `{channel.name}` does not wait for the others", channel.span)


def step_at(plan: Plan, index: int) -> Step:
    """A step by its number in reports, which count on through all channels."""
    return (*plan.steps, *(step for channel in plan.channels for step in channel.steps))[index]
