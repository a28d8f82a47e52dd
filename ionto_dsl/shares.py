"""Shares: how much of one supply's current each of several patches may take.

Whoever says nothing is taken to carry all of it, so a limit for one patch is never met by trusting that
another one takes its part.
"""

from __future__ import annotations

from collections.abc import Sequence

from ionto_dsl import surface
from ionto_dsl.channels_of import is_on
from ionto_dsl.operands import at_least, constant
from ionto_dsl.scope import Scope
from ionto_dsl.wording import base_in_unit, written
from ionto_ir.device import WHOLE, Split
from ionto_ir.diagnostic import Label, error
from ionto_ir.units import FRACTION


def split_of(item: surface.Placement, scope: Scope) -> Split | None:
    """The share that a placement states; None when it states none, and after an error."""
    if item.split is None:
        return None
    place = "`split` takes a share of the current, such as `40 % .. 60 %`"
    range_ = item.split
    ends = (range_.low, range_.high) if isinstance(range_, surface.Range) else (range_, range_)
    low, high = (at_least(constant(end, FRACTION, scope, place), 0, end, scope, place) for end in ends)
    if low is None or high is None:
        return None
    if low > high:
        message, label = f"the range `{written(range_)}` is empty", "its low end is above its high end"
        scope.found.append(error("I0403", message, range_.span, label, help="write the smaller value first"))
        return None
    if high > WHOLE:
        message = f"`{written(range_)}` is more than all of the current"
        advice = "a share is at most 100 %"
        scope.found.append(error("I0458", message, range_.span, "more than 100 %", help=advice))
        return None
    return Split(low, high)


def check_shares(items: Sequence[surface.Placement], scope: Scope) -> None:
    """Whether the patches on each side of each supply can take 100 % between them (I0458)."""
    for group in _sides(items):
        known = Scope([])
        stated = {id(item): split_of(item, known) for item in group}
        if known.found:
            continue  # said where the share is read
        splits = [stated[id(item)] for item in group]
        said = [split for split in splits if split is not None]
        silent = len(splits) - len(said)
        least, most = sum(split.lo_ppm for split in said), sum(split.hi_ppm for split in said)
        if said and most + silent * WHOLE < WHOLE:
            _refuse(group, f"at most {_percent(most)}", "something has to take the rest", scope)
        elif least > WHOLE:
            _refuse(group, f"at least {_percent(least)}", "more than there is", scope)


def _sides(items: Sequence[surface.Placement]) -> list[list[surface.Placement]]:
    """The placements that share a current: on one side of the circuit, and on a channel in common."""
    names = dict.fromkeys(name.text for item in items for name in item.channel_names)
    groups = []
    for place in ("active", "return"):
        for channel in names or [""]:
            side = [item for item in items if item.place == place]
            group = [item for item in side if is_on(item, channel)]
            groups += [group] if group and group not in groups else []
    return groups


def _refuse(group: Sequence[surface.Placement], what: str, why: str, scope: Scope) -> None:
    stated = [item for item in group if item.split is not None]
    first, *others = [item.split.span for item in stated if item.split is not None]
    message = f"the {group[0].place} patches take {what} of the current together: {why}"
    if len(group) == 1:
        message = f"the only {group[0].place} patch takes {what} of the current: {why}"
    advice = "let the shares allow for 100 % together; a patch that states none may take all"
    labels = tuple(Label(span, "and this") for span in others)
    scope.found.append(error("I0458", message, first, "this share", labels=labels, help=advice))


def _percent(ppm: int) -> str:
    return base_in_unit(ppm, FRACTION, "%")
