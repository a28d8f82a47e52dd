"""A plan of two channels for the bedside: two sites with a return that both share, and people around them."""

from __future__ import annotations

from collections.abc import Sequence

from ionto_ir import expression as terms
from ionto_ir.dataclass import replace
from ionto_ir.device import Device, Place
from ionto_ir.features import features_of
from ionto_ir.limits import LimitKind, Role
from ionto_ir.plan import (
    Channel,
    ChoiceDomain,
    Confirm,
    Finish,
    ForTime,
    Hold,
    Interruptions,
    Plan,
    Ramp,
    Record,
    Section,
    Slope,
    Step,
    Variable,
    VariableKind,
    Wait,
)
from tests.runtime.sealed_plans import DRUG, MA
from tests.treatments import BENCH, HERE, electrode, limit, plan_with

NAMES = ("upper", "lower")


def _steps(hold_ms: int, wait_ms: int) -> tuple[Step, ...]:
    level = terms.integer(MA)
    slope = Slope(level, terms.integer(2_000))
    flowing: list[Step] = [
        Ramp(level, terms.ZERO, slope, False, 0, Section.SESSION, HERE),
        Hold(level, ForTime(terms.integer(hold_ms)), 0, Section.SESSION, HERE),
        Ramp(terms.ZERO, level, slope, False, 0, Section.SESSION, HERE),
    ]
    if wait_ms:
        flowing.insert(0, Wait(terms.integer(wait_ms), "The other one first", 0, Section.SESSION, HERE))
    linked = [replace(step, next=number + 1) for number, step in enumerate(flowing)]
    return (*linked, Finish("finished", True, Section.AFTER, HERE))


def two_sites(holds_ms: Sequence[int] = (3_000, 2_000), wait_ms: int = 1_000, device: Device = BENCH) -> Plan:
    """1 mA at two sites; the lower one begins later. Somebody confirms before and records after."""
    active = replace(electrode(Place.ACTIVE, Role.CATHODE), drugs=(DRUG,), site="forearm")
    waits = (0, wait_ms)
    channels = tuple(
        Channel(name, (number, 2), _steps(hold_ms, waits[number]), 0, HERE)
        for number, (name, hold_ms) in enumerate(zip(NAMES, holds_ms, strict=True))
    )
    skin = ChoiceDomain(("none", "erythema", "blister"))
    plan = plan_with(
        (
            Confirm("Skin is clean and dry", 1, Section.BEFORE, HERE),
            Confirm("All channels have come to their end", 2, Section.SESSION, HERE),
            Record("skin", 3, Section.AFTER, HERE),
            Finish("finished", True, Section.AFTER, HERE),
        ),
        name="two_sites",
        title="Two sites",
        device=replace(device, channels=2, shared_return=True, waveforms=("dc",)),
        electrodes=(active, replace(active, site="calf"), electrode(Place.RETURN, Role.ANODE)),
        variables=(
            Variable("skin", VariableKind.RECORD, skin, "Skin under the electrodes", False, None, HERE),
        ),
        limits=(
            limit(LimitKind.CURRENT, 4 * MA, "mA"),
            limit(LimitKind.RAMP, MA, "mA/s"),
            limit(LimitKind.DOSE, 10 * MA * 60_000, "mA.min", window_ms=24 * 3_600_000),
        ),
        interruptions=Interruptions(2, 60_000, True, HERE),
        channels=channels,
    )
    return replace(plan, requires=features_of(plan))
