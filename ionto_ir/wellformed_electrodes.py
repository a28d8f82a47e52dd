"""Electrodes, their shares and poles: the part of well-formedness that is about the circuit."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from ionto_ir.device import DEVICE_CLASSES, WHOLE, Electrode, Place, Split
from ionto_ir.diagnostic import Diagnostic, error
from ionto_ir.plan import ChoiceDomain, Plan, VariableKind
from ionto_ir.sites import same_site

POLES = ("anode", "cathode")
"""The labels of a pole that is chosen on the day, in any order."""


def electrode_problems(plan: Plan) -> Iterator[Diagnostic]:
    """What is wrong with the circuit (I0827)."""
    places = {electrode.place for electrode in plan.electrodes}
    if places != {Place.ACTIVE, Place.RETURN}:
        yield error("I0827", "the plan needs an active and a return electrode", plan.span)
    for place in Place:
        together = [electrode for electrode in plan.electrodes if electrode.place is place]
        problem = split_problem([electrode.split for electrode in together])
        if problem is not None:
            yield error("I0827", f"the {place.value} electrodes: {problem}", together[0].span)
    if not _pole_is_chosen(plan):
        yield error("I0827", "the pole is chosen by a parameter that is either anode or cathode", plan.span)
    known = plan.device.device_class
    if known is not None and known not in DEVICE_CLASSES:
        yield error("I0827", "the device is of a class that does not exist", plan.device.span)


def split_problem(splits: Sequence[Split]) -> str | None:
    """Why electrodes cannot share one current like this, or None.

    One that says nothing has a share of at most all, and nobody knows how little.
    """
    if any(not 0 <= split.lo_ppm <= split.hi_ppm <= WHOLE for split in splits):
        return "a share is less than nothing or more than all"
    if splits and sum(split.hi_ppm for split in splits) < WHOLE:
        return "their shares are less than 100 % together"
    if len(splits) > 1 and sum(split.lo_ppm for split in splits if split.lo_ppm < WHOLE) > WHOLE:
        return "their shares are more than 100 % together"
    return None


def _pole_is_chosen(plan: Plan) -> bool:
    if plan.pole is None:
        return True
    return any(
        item.name == plan.pole
        and item.kind is VariableKind.PARAMETER
        and not item.adjustable
        and isinstance(item.domain, ChoiceDomain)
        and sorted(item.domain.labels) == sorted(POLES)
        for item in plan.variables
    )


def at_site(electrode: Electrode, sites: Sequence[str]) -> bool:
    """Whether an electrode lies where an envelope for these sites wants active electrodes to lie."""
    if electrode.place is not Place.ACTIVE or not sites:
        return True
    return any(same_site(electrode.site, site) for site in sites)
