"""Which of several channels a line of a test speaks of, and whether it can be said of one alone."""

from __future__ import annotations

from ionto_dsl import surface
from ionto_dsl.scope import Scope
from ionto_dsl.suggest import nearest
from ionto_dsl.wording import listed
from ionto_ir.diagnostic import error

_READINGS = frozenset({"current", "impedance", "voltage"})
_OF_A_DEVICE = frozenset({"lead_off", "link_lost", "link_back"}) | _READINGS
"""What happens at one output, or to the device that drives it. What people do happens to all channels."""

_ABSENCES = frozenset({"away", "back"})
_OF_THE_WHOLE = frozenset({"refused", "safe", "cautioned", "classified"})
"""What is found of people and values, not of what an output did."""


def event_can_be(line: surface.Event, channels: tuple[str, ...], scope: Scope) -> bool:
    """Whether an event can be said as it is of these channels; what is wrong goes to the scope (I0478)."""
    if line.channel is not None:
        if not _is_known(line.channel, channels, scope):
            return False
        if line.event not in _OF_A_DEVICE:
            message = f"`{line.event}` happens to all channels, not to `{line.channel.text}` alone"
            advice = f"write it without `channel {line.channel.text}`"
            scope.found.append(error("I0478", message, line.channel.span, "of all", help=advice))
            return False
        return True
    if channels and line.event in _READINGS:
        message = f"`{line.event}` is read at one output, and this protocol has {len(channels)}"
        advice = f"say of which: `at ... channel {channels[0]} {line.event} ...`"
        scope.found.append(error("I0478", message, line.span, "of which channel?", help=advice))
        return False
    if channels and line.event in _ABSENCES:
        message = f"`{line.event}` cannot be made up where several channels run: nobody is asked beside them"
        scope.found.append(error("I0478", message, line.span, "only for one output"))
        return False
    return True


def expectation_can_be(line: surface.Expect, channels: tuple[str, ...], scope: Scope) -> bool:
    """The same of an expectation."""
    if line.channel is None:
        return True
    if not _is_known(line.channel, channels, scope):
        return False
    if line.outcome in _OF_THE_WHOLE:
        message = f"`{line.outcome}` is said of the whole session, not of `{line.channel.text}` alone"
        advice = f"write it without `channel {line.channel.text}`"
        scope.found.append(error("I0478", message, line.channel.span, "of the whole", help=advice))
        return False
    return True


def _is_known(name: surface.Name, channels: tuple[str, ...], scope: Scope) -> bool:
    if name.text in channels:
        return True
    if not channels:
        message = "this protocol has one output, which has no name"
        advice = f"leave out `channel {name.text}`"
    else:
        near = nearest(name.text, channels)
        message = f"there is no channel `{name.text}`"
        advice = (
            f"did you mean `{near}`?" if near is not None else f"its channels are {listed(list(channels))}"
        )
    scope.found.append(error("I0478", message, name.span, "no such channel", help=advice))
    return False
