"""Where electrodes lay and will lie: which sessions were on one place of the body."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from ionto_ir.device import Electrode, Place
from ionto_ir.expression import Value
from ionto_ir.plan import ChoiceDomain, Move, Plan, variable


def site_of(plan: Plan, electrode: Electrode, values: Mapping[str, Value]) -> str:
    """Where an electrode lies: as written, or what was chosen on the day."""
    name = electrode.site_variable
    if name is None:
        return electrode.site
    domain = variable(plan, name).domain
    assert isinstance(domain, ChoiceDomain), "a site is one of some"
    return domain.labels[int(values[name])].replace("_", " ")


def sites_of(plan: Plan, values: Mapping[str, Value]) -> tuple[str, ...]:
    """Where the active electrodes lie or are moved to, each place once."""
    active = [item for item in plan.electrodes if item.place is Place.ACTIVE]
    moved = [
        step.site
        for step in plan.steps
        if isinstance(step, Move) and plan.electrodes[step.electrode].place is Place.ACTIVE
    ]
    return tuple(dict.fromkeys([*(site_of(plan, item, values) for item in active), *moved]))


def same_place(one: str, other: str) -> bool:
    """Whether two names mean one place: neither case nor blanks tell places apart, and left is not right."""
    return one.casefold().split() == other.casefold().split()


def share_site(some: Sequence[str], others: Sequence[str]) -> bool:
    """Whether two sessions may have been on one site; one that does not say where it was may have been."""
    return not some or not others or any(same_place(one, other) for one in some for other in others)
