"""Channels: which there are, what happens on each of them, and which electrodes they have."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from ionto_dsl import surface, typed
from ionto_dsl.scope import Scope
from ionto_dsl.steps_of import Around, type_steps
from ionto_dsl.suggest import nearest
from ionto_dsl.wording import listed
from ionto_ir.channels import CHANNELS_MAX
from ionto_ir.dataclass import dataclass, replace
from ionto_ir.diagnostic import Diagnostic, Label, error
from ionto_ir.plan import Variable

Items = Sequence[surface.ProtocolItem]


PARTS_MAX = 16
"""Parts of a session that follow each other: more than anybody can review."""


def blocks_of(items: Items) -> tuple[surface.ChannelSteps, ...]:
    """The channel blocks of the session."""
    return tuple(item for item in _channel_items(items) if isinstance(item, surface.ChannelSteps))


def _channel_items(items: Items) -> tuple[surface.ChannelSteps | surface.Then, ...]:
    return next((item.channels for item in items if isinstance(item, surface.Session)), ())


@dataclass(frozen=True, slots=True)
class _Part:
    """What happens until all channels are at zero, and the `then` before it."""

    then: surface.Then | None
    blocks: tuple[surface.ChannelSteps, ...]


def _parts_of(items: Items) -> tuple[_Part, ...]:
    """The session, cut at every `then`."""
    found = [_Part(None, ())]
    for item in _channel_items(items):
        match item:
            case surface.Then():
                found.append(_Part(item, ()))
            case surface.ChannelSteps():
                found[-1] = replace(found[-1], blocks=(*found[-1].blocks, item))
    return tuple(found)


def typed_channels(items: Items, records: dict[str, Variable], scope: Scope) -> tuple[typed.Channel, ...]:
    """The channels with their typed steps; without any the protocol has one output, which has no name."""
    parts, placements = _parts_of(items), [item for item in items if isinstance(item, surface.Placement)]
    names: dict[str, surface.Name] = {}
    for name in (name for part in parts for block in part.blocks for name in block.names):
        names.setdefault(name.text, name)
    _check_names(parts, placements, names, scope.found)
    steps: dict[str, tuple[typed.Step, ...]] = dict.fromkeys(names, ())
    for number, part in enumerate(parts):
        if part.then is not None:
            turn = typed.Turn(number + 1, part.then.span)
            steps = {name: (*before, turn) for name, before in steps.items()}
        given: set[str] = set()
        for block in part.blocks:
            _check_people(block, block.steps, scope.found)
            added = type_steps(block.steps, scope, Around("session", records, len(placements)))
            for text in (name.text for name in block.names if name.text not in given):
                steps[text] = (*steps[text], *added)
                given.add(text)
    return tuple(
        typed.Channel(
            text,
            tuple(index for index, item in enumerate(placements) if is_on(item, text)),
            steps[text],
            name.span,
        )
        for text, name in names.items()
    )


def is_on(item: surface.Placement, channel: str) -> bool:
    """Whether a placement is on a channel: on that which it names, and on all if it names none."""
    return not item.channel_names or channel in [name.text for name in item.channel_names]


def _check_names(
    parts: Sequence[_Part],
    placements: Sequence[surface.Placement],
    names: Mapping[str, surface.Name],
    found: list[Diagnostic],
) -> None:
    for part in parts:
        found += _said_twice(part)
    if len(parts) > PARTS_MAX:
        then = parts[PARTS_MAX].then
        assert then is not None, "every part but the first comes after a `then`"
        message = f"a session of several channels has at most {PARTS_MAX} parts"
        found.append(error("I0461", message, then.span, "one too many"))
    said = list(names.values())
    if len(said) > CHANNELS_MAX:
        found.append(
            error("I0461", f"a protocol has at most {CHANNELS_MAX} channels", said[-1].span, "one too many")
        )
    for item in placements:
        for name in item.channel_names:
            if name.text not in names:
                found.append(_no_such(name, list(names)))
    for name in said:
        found += _check_circuit(name, placements)
    for item in placements if said else ():
        if item.place == "active" and len(item.channel_names) != 1:
            message = "an active electrode is on one channel, and this one does not say on which"
            if item.channel_names:
                message = (
                    f"an active electrode is on one channel, and this one is on {len(item.channel_names)}"
                )
            advice = f"write `channel` and one of {listed(list(names))}"
            found.append(error("I0467", message, item.span, "on which channel?", help=advice))


def _said_twice(part: _Part) -> Iterator[Diagnostic]:
    said = [name for block in part.blocks for name in block.names]
    for number, name in enumerate(said):
        earlier = next((other for other in said[:number] if other.text == name.text), None)
        if earlier is not None:
            labels = (Label(earlier.span, "first said here"),)
            message = f"the channel `{name.text}` is given steps twice"
            advice = "write `then` between the two if the second comes after the first"
            yield error("I0465", message, name.span, "said again here", labels=labels, help=advice)


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
