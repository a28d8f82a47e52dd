"""Channels: which there are, what happens on each of them, and which electrodes they have."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from ionto_dsl import surface, typed
from ionto_dsl.scope import Scope
from ionto_dsl.steps_of import Around, type_steps
from ionto_dsl.suggest import nearest
from ionto_dsl.wording import listed
from ionto_ir.channels import CHANNELS_MAX
from ionto_ir.diagnostic import Diagnostic, Label, error
from ionto_ir.plan import Variable

Items = Sequence[surface.ProtocolItem]


def blocks_of(items: Items) -> tuple[surface.ChannelSteps, ...]:
    """The channel blocks of the session."""
    return next((item.channels for item in items if isinstance(item, surface.Session)), ())


def typed_channels(items: Items, records: dict[str, Variable], scope: Scope) -> tuple[typed.Channel, ...]:
    """The channels with their typed steps; without any the protocol has one output, which has no name."""
    blocks = blocks_of(items)
    placements = [item for item in items if isinstance(item, surface.Placement)]
    names = [name.text for block in blocks for name in block.names]
    _check_names(blocks, placements, names, scope.found)
    channels = []
    for block in blocks:
        _check_people(block, block.steps, scope.found)
        steps = type_steps(block.steps, scope, Around("session", records, len(placements)))
        for name in block.names:
            on_it = (index for index, item in enumerate(placements) if is_on(item, name.text))
            channels.append(typed.Channel(name.text, tuple(on_it), steps, name.span))
    return tuple(channels)


def is_on(item: surface.Placement, channel: str) -> bool:
    """Whether a placement is on a channel: on that which it names, and on all if it names none."""
    return not item.channel_names or channel in [name.text for name in item.channel_names]


def _check_names(
    blocks: Sequence[surface.ChannelSteps],
    placements: Sequence[surface.Placement],
    names: list[str],
    found: list[Diagnostic],
) -> None:
    said = [name for block in blocks for name in block.names]
    for number, name in enumerate(said):
        earlier = next((other for other in said[:number] if other.text == name.text), None)
        if earlier is not None:
            labels = (Label(earlier.span, "first said here"),)
            message = f"the channel `{name.text}` is given steps twice"
            found.append(error("I0465", message, name.span, "said again here", labels=labels))
    if len(said) > CHANNELS_MAX:
        found.append(
            error("I0461", f"a protocol has at most {CHANNELS_MAX} channels", said[-1].span, "one too many")
        )
    for item in placements:
        for name in item.channel_names:
            if name.text not in names:
                found.append(_no_such(name, names))
    for name in said:
        found += _check_circuit(name, placements)
    for item in placements if blocks else ():
        if item.place == "active" and len(item.channel_names) != 1:
            message = "an active electrode is on one channel, and this one does not say on which"
            if item.channel_names:
                message = (
                    f"an active electrode is on one channel, and this one is on {len(item.channel_names)}"
                )
            advice = f"write `channel` and one of {listed(names)}"
            found.append(error("I0467", message, item.span, "on which channel?", help=advice))


def _no_such(name: surface.Name, names: list[str]) -> Diagnostic:
    near = nearest(name.text, names)
    advice = f"did you mean `{near}`?" if near is not None else None
    if not names:
        example = f"session {{ channel {name.text} {{ ... }} }}"
        advice = f"say what happens on it: `{example}`"
    return error("I0462", f"nothing happens on a channel `{name.text}`", name.span, "no steps", help=advice)


def _check_circuit(name: surface.Name, placements: Sequence[surface.Placement]) -> Iterator[Diagnostic]:
    for place, example in (("active", "anode patch"), ("return", "cathode patch")):
        if not any(item.place == place and is_on(item, name.text) for item in placements):
            message = f"the channel `{name.text}` has no {place} electrode"
            advice = f'for example `{place} {example} on "wrist" channel {name.text}`'
            yield error("I0467", message, name.span, "no circuit", help=advice)


def _check_people(
    block: surface.ChannelSteps, steps: Sequence[surface.Step], found: list[Diagnostic]
) -> None:
    """People are asked one thing at a time, and a channel does not wait for them while others run."""
    for step in steps:
        match step:
            case surface.If():
                _check_people(block, (*step.then, *step.otherwise), found)
            case surface.Repeat():
                _check_people(block, step.steps, found)
            case (
                surface.Ramp()
                | surface.Hold()
                | surface.Deliver()
                | surface.Wait()
                | surface.Reverse()
                | surface.Let()
            ):
                pass
            case _:
                message = "people are not asked, and nothing is recorded, within a channel"
                labels = (Label(block.names[0].span, "this channel"),)
                advice = "ask it in `before { ... }` or in `after { ... }`"
                found.append(
                    error("I0463", message, step.span, "while others run", labels=labels, help=advice)
                )
