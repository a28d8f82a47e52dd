"""Electrodes as a protocol places them: areas, poles, shares of the current, what fills their reservoirs."""

from __future__ import annotations

from ionto_dsl import surface
from ionto_dsl.equipment import Profile, area_of, drug_of, electrode_of, unit_in
from ionto_dsl.operands import positive
from ionto_dsl.poles import check_poles, roles_of
from ionto_dsl.quantities import in_base_units, named
from ionto_dsl.resolve import Program, find
from ionto_dsl.scope import Entry, Origin, Scope, extent_of_domain
from ionto_dsl.settings import remark_sources
from ionto_dsl.shares import check_shares, split_of
from ionto_dsl.typed import POISON
from ionto_dsl.wording import base_in_unit
from ionto_ir.dataclass import dataclass
from ionto_ir.device import ALL, Drug, Electrode, Place
from ionto_ir.diagnostic import Label, error, warning
from ionto_ir.expression import Constant, integer_reference
from ionto_ir.limits import Role
from ionto_ir.plan import IntegerDomain, Variable, VariableKind
from ionto_ir.units import AREA, BASE_UNITS, VOLUME

ELECTRODES_MAX = 16
"""Electrodes of one protocol; a site has two to four."""


@dataclass(frozen=True, slots=True)
class Placed:
    """An electrode in its place, and the geometry variable of its area when that is asked on the day."""

    electrode: Electrode
    geometry: Variable | None


def place_electrodes(
    program: Program, placements: list[tuple[surface.Placement, str]], scope: Scope
) -> list[Placed]:
    """All electrodes; declares `active.area` and `return.area` when there is one of each, and `active.pole`
    when it is chosen on the day.
    """
    placed = []
    roles = roles_of([item for item, _ in placements], scope)
    for number, (item, module) in enumerate(placements[:ELECTRODES_MAX]):
        before = [other for other, _ in placements[:number] if other.place == item.place]
        alone = sum(other.place == item.place for other, _ in placements) == 1
        name = f"{item.place}.area" if not before else f"{item.place}_{len(before) + 1}.area"
        found = _placed(program, item, module, name, roles.get(id(item)), scope)
        if found is not None:
            placed.append(found)
        if alone:
            _declare_area(name, item, found, scope)
    if len(placements) > ELECTRODES_MAX:
        message = f"a protocol has at most {ELECTRODES_MAX} electrodes"
        scope.found.append(error("I0461", message, placements[ELECTRODES_MAX][0].span, "one too many"))
    check_shares([item for item, _ in placements], scope)
    return placed


def _declare_area(name: str, item: surface.Placement, found: Placed | None, scope: Scope) -> None:
    if found is None:
        scope.entries[name] = Entry(Origin.GEOMETRY, POISON, item.span)
        return
    if found.geometry is None:
        value = in_base_units(found.electrode.area_um2, AREA, "cm2")
    else:
        assert isinstance(found.geometry.domain, IntegerDomain), "an area is a number"
        value = named(name, AREA, found.geometry.domain.unit)
    scope.entries[name] = Entry(Origin.GEOMETRY, value, item.span)


def _placed(
    program: Program, item: surface.Placement, module: str, name: str, role: Role | None, scope: Scope
) -> Placed | None:
    found = scope.found
    drugs = _drugs(program, item, module, scope)
    symbol = find(program, module, item.electrode, "electrode", found)
    if symbol is None:
        return None
    assert isinstance(symbol.declaration, surface.Electrode), "find returns the expected kind"
    profile = electrode_of(symbol.declaration, found)
    if profile is None:
        return None
    area = profile.area if item.area is None else area_of(item.area, scope)
    if area is None:
        if item.area is None:
            _no_area(item, profile, scope)
        return None
    geometry = None
    if area[0] != area[1]:
        unit = unit_in(item.area) if item.area is not None else profile.area_unit
        domain = IntegerDomain(
            area[0], area[1], _area_step(item, area, unit, scope), None, BASE_UNITS[AREA].noun, unit
        )
        text = f"Area of the {item.place} electrode" + (
            f" on {item.site.value}" if isinstance(item.site, surface.Text) else ""
        )
        geometry = Variable(name, VariableKind.GEOMETRY, domain, text, False, None, item.span)
        extent = extent_of_domain(domain)
        assert extent is not None, "an area is a number"
        scope.extents[name] = extent
    if item.site is None:
        message = f"the {item.place} electrode does not say where it lies"
        found.append(
            error("I0401", message, item.span, "missing", help='add the site, for example `on "calf"`')
        )
    electrode = Electrode(
        place=Place(item.place),
        role=role or Role(item.pole),
        profile=profile.name,
        site=item.site.value if isinstance(item.site, surface.Text) else "",
        area_um2=Constant(area[0]) if geometry is None else integer_reference(name),
        reusable=profile.reusable,
        fill_nl=_fill(item, profile, scope),
        drugs=drugs,
        despite=None if item.remarks.despite is None else item.remarks.despite.value,
        source=remark_sources(item.remarks) or profile.source,
        span=item.span,
        split=split_of(item, scope) or ALL,
        site_variable=item.site.text if isinstance(item.site, surface.Name) else None,
    )
    check_poles(electrode, item, scope)
    return Placed(electrode, geometry)


def _area_step(item: surface.Placement, area: tuple[int, int], unit: str, scope: Scope) -> int | None:
    if item.area_step is None:
        return None
    step = positive(item.area_step, AREA, scope, "the step of an area is an area")
    rest = 0 if step is None else (area[1] - area[0]) % step
    if step is not None and rest:
        low = base_in_unit(area[1] - rest, AREA, unit)
        high = base_in_unit(area[1] - rest + step, AREA, unit)
        message = "the largest area is not a whole number of steps above the smallest"
        advice = f"let the range end at {low} or {high}"
        label = f"lies between {low} and {high}"
        scope.found.append(error("I0405", message, item.area_step.span, label, help=advice))
        return None
    return step


def _no_area(item: surface.Placement, profile: Profile, scope: Scope) -> None:
    scope.found.append(
        error(
            "I0454",
            f"the area of `{profile.name}` is not known",
            item.electrode.span,
            "its profile gives no area",
            labels=(Label(profile.span, "the profile"),),
            help="give a range that is asked on the day, for example `area 80 cm2 .. 200 cm2`",
        )
    )


def _drugs(program: Program, item: surface.Placement, module: str, scope: Scope) -> tuple[Drug, ...]:
    drugs = []
    for medicine in item.medicines:
        symbol = find(program, module, medicine.drug, "drug", scope.found)
        if symbol is not None:
            assert isinstance(symbol.declaration, surface.Drug), "find returns the expected kind"
            drug = drug_of(symbol.declaration, scope.found)
            if drug is not None:
                drugs.append(drug)
    return tuple(drugs)


def _fill(item: surface.Placement, profile: Profile, scope: Scope) -> int | None:
    """What is filled in: the sum of the volumes if the protocol gives any, else what the reservoir holds."""
    total = 0
    for medicine in item.medicines:
        if medicine.volume is not None:
            place = f"`with {medicine.drug.text}` takes a volume"
            total += positive(medicine.volume, VOLUME, scope, place) or 0
    if profile.fill_nl is not None and total > profile.fill_nl:
        scope.found.append(
            warning(
                "I0508",
                f"{base_in_unit(total, VOLUME, 'mL')} are more than `{profile.name}` holds",
                item.span,
                f"its profile says {base_in_unit(profile.fill_nl, VOLUME, 'mL')}",
                labels=(Label(profile.span, "the profile"),),
            )
        )
    return total or profile.fill_nl
