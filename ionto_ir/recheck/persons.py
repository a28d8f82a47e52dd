"""Questions about people and order: who is excluded, where the output is off, which drug is under what."""

from __future__ import annotations

import re
from collections.abc import Iterator

from ionto_ir.device import Place
from ionto_ir.expression import ZERO as _NOTHING
from ionto_ir.limits import Role
from ionto_ir.plan import (
    Branch,
    Classify,
    Demand,
    Hold,
    IntegerDomain,
    Loop,
    Plan,
    Ramp,
    Reverse,
)
from ionto_ir.recheck.currents import Flow, Held
from ionto_ir.recheck.derived import Derived, Left, Numbering, Settled
from ionto_ir.recheck.instants import role_of
from ionto_ir.recheck.polynomial import BeyondError, constant
from ionto_ir.recheck.sight import Sight
from ionto_ir.recheck.statement import at_most, opposite
from ionto_ir.recheck.waves import carries


def exclusions(plan: Plan, numbering: Numbering) -> Iterator[Derived]:
    """Nobody whom an envelope excludes is left by the refusals."""
    for index, exclusion in enumerate(plan.exclusions):
        claim = f"exclusions[{index}]"
        sight = Sight(plan)
        try:
            excluded = sight.formula(exclusion.condition)
            yield sight.question(numbering.next(claim), claim, opposite(excluded))
        except BeyondError as beyond:
            yield Left(claim, str(beyond))


def zeros(plan: Plan, ways: dict[int, tuple[Held, ...]], numbering: Numbering) -> Iterator[Derived]:
    """The level is zero wherever the output goes off, and where the polarity turns."""
    for index, found in sorted(ways.items()):
        step = plan.steps[index]
        turns = isinstance(step, Reverse)
        if not turns and isinstance(step, Ramp | Hold | Branch | Classify):
            pairs = [held for held in found if isinstance(step, Ramp) and held.reversed != step.reversed]
            yield from _zero(plan, "reversal", index, _moving(step, pairs), numbering)
            continue
        standing = isinstance(step, Demand) and step.basal_na != _NOTHING
        if standing or (isinstance(step, Loop) and step.period_ms is None):
            continue
        yield from _zero(plan, "reversal" if turns else "zero", index, found, numbering)


def _moving(step: object, pairs: list[Held]) -> tuple[Held, ...]:
    """A ramp to zero turns nothing."""
    return tuple(pairs) if isinstance(step, Ramp) and step.target_na != _NOTHING else ()


def _zero(
    plan: Plan, claim: str, index: int, found: tuple[Held, ...], numbering: Numbering
) -> Iterator[Derived]:
    for level in {held.level_na: None for held in found}:
        sight = Sight(plan)
        try:
            off = at_most(sight.number(level, str(index)), constant(0))
            yield sight.question(numbering.next(claim), claim, off)
        except BeyondError as beyond:
            yield Left(claim, str(beyond))


def drugs(plan: Plan, flows: tuple[Flow, ...]) -> Iterator[Derived]:
    """A cation under the anode, an anion under the cathode, whenever current flows; or a stated reason.

    Water flows from anode to cathode and carries what is neutral. An ion whose sign is known on the day is
    under the pole that is chosen with it, unless the session turns that round.
    """
    driving = [flow for flow in flows if flow.level_na != _NOTHING and carries(flow.waveform)]
    turned = {way for flow in driving for way in flow.turned}
    turns = any(
        isinstance(step, Reverse) or (isinstance(step, Ramp) and step.reversed) for step in plan.steps
    )
    for number, electrode in enumerate(plan.electrodes):
        excused = electrode.despite is not None
        poles = [_pole(drug.ion) for drug in electrode.drugs]
        for place, pole in enumerate(poles):
            claim = f"electrodes[{number}].drugs[{place}]"
            if pole is None:
                right = plan.pole is not None and not turns
            else:
                right = all(role_of(electrode.role, way) is pole for way in turned)
            yield Settled(claim, True) if excused or right else Left(claim, "a polarity that turns")
        if len(set(poles)) > 1:
            yield Settled(f"electrodes[{number}].drugs", excused)


def _pole(ion: int | None) -> Role | None:
    """The pole that drives a drug into the skin."""
    if ion is None:
        return None
    return Role.CATHODE if ion < 0 else Role.ANODE


SIDES = ("left", "right", "both")


def scopes(plan: Plan) -> Iterator[Derived]:
    """An envelope is used at the sites, and with a device of a class, that it is meant for."""
    for index, envelope in enumerate(plan.envelopes):
        claim = f"envelopes[{index}]"
        if envelope.sites:
            meant = {_words(site) for site in envelope.sites} - {()}
            active = [item for item in plan.electrodes if item.place is Place.ACTIVE]
            yield Settled(claim, all(_words(item.site) in meant for item in active))
        if envelope.device_classes:
            yield Settled(claim, plan.device.device_class in envelope.device_classes)


def _words(site: str) -> tuple[str, ...]:
    """What a site is called, whatever the side: exactly these words, in this order."""
    parts = re.split(r"[\s,]+", site.casefold())
    return tuple(part for part in parts if part and part not in SIDES)


def tables(plan: Plan) -> Iterator[Derived]:
    """Each whole number of the range, and each gap between two, lies in exactly one row."""
    domains = {item.name: item.domain for item in plan.variables}
    for index, step in enumerate(plan.steps):
        if not isinstance(step, Classify):
            continue
        domain = domains.get(step.variable)
        if isinstance(domain, IntegerDomain):
            yield Settled(f"steps[{index}].table", _covers(step, domain.lo, domain.hi))


def _covers(table: Classify, lo: int, hi: int) -> bool:
    """Rows sorted by their lower ends follow each other without gap or overlap and reach both ends."""
    rows = sorted(table.rows, key=lambda row: lo - 1 if row.lo is None else row.lo)
    reached, included = lo, False  # everything below `reached` is covered, itself only if `included`
    for number, row in enumerate(rows):
        starts = row.lo is None or row.lo < lo or (row.lo == lo and row.lo_included)
        if number == 0:
            if not starts:
                return False
        elif row.lo != reached or row.lo_included == included:
            return False
        if row.hi is None or row.hi > hi or (row.hi == hi and row.hi_included):
            return number == len(rows) - 1
        if row.lo is not None and row.hi < row.lo:
            return False
        reached, included = row.hi, row.hi_included
    return False
