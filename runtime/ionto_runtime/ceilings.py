"""Hard ceilings: what no session ever passes, whatever a certificate, an envelope or a device says (R2).

They are the runtime's own and stand here once. They are no recommendation: every envelope of the library is
below them. A site may be stricter by its envelopes; nothing can be laxer.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from ionto_ir.bind_together import BoundTogether
from ionto_ir.bound import BoundPlan
from ionto_ir.channels import channels_of
from ionto_ir.dataclass import dataclass
from ionto_ir.diagnostic import Diagnostic, error
from ionto_ir.plan import Plan
from ionto_ir.trace import Observation, area_um2

MA = 1_000_000
MINUTE_MS = 60_000
DAY_MS = 24 * 60 * MINUTE_MS
UM2_PER_CM2 = 100_000_000

DENSITY_NA_CM2_MAX = 2 * MA
"""2 mA/cm2 asks for special attention in IEC 60601-2-10; here it is the end (R33)."""


@dataclass(frozen=True, slots=True)
class Ceilings:
    """The most that a session may reach: current set on an output and on all channels together, charge, time,
    and voltage at the terminals.
    """

    what: str
    current_na_max: int
    together_na_max: int
    charge_pc_max: int
    duration_ms_max: int
    voltage_mv_max: int


DRUG = Ceilings("a session with a drug", 4 * MA, 8 * MA, 240 * MA * MINUTE_MS, 27 * 60 * MINUTE_MS, 80_000)
"""4 mA and 80 V are what clinic controllers have; 240 mA.min is 4 mA for an hour, three times what was tested
for the pH under electrodes; the longest worn patches go for 26 h. Sweat tests give four limbs 2 mA each."""

WATER = Ceilings(
    "a session in tap water", 30 * MA, 30 * MA, 1_200 * MA * MINUTE_MS, 2 * 60 * MINUTE_MS, 80_000
)
"""Strong bath machines rate 20 to 30 mA and trip at 35 mA; 1200 mA.min is 30 mA for 40 min."""


def ceilings_of(plan: Plan) -> Ceilings:
    """The ceilings of a plan: those of drugs as soon as any electrode holds one."""
    return DRUG if any(electrode.drugs for electrode in plan.electrodes) else WATER


def ceiling_problems(bound: BoundPlan, planned: Observation) -> Iterator[Diagnostic]:
    """Every ceiling that the undisturbed session would pass (I0920)."""
    plan, most = bound.plan, ceilings_of(bound.plan)
    if planned.peak_na > most.current_na_max:
        yield _passed(most, f"{planned.peak_na / MA:g} mA", f"{most.current_na_max / MA:g} mA")
    if planned.worst_pc > most.charge_pc_max:
        found, allowed = (pc / MA / MINUTE_MS for pc in (planned.worst_pc, most.charge_pc_max))
        yield _passed(most, f"{found:.1f} mA·min", f"{allowed:g} mA·min")
    if planned.duration_ms > most.duration_ms_max:
        found, allowed = (ms / MINUTE_MS for ms in (planned.duration_ms, most.duration_ms_max))
        yield _passed(most, f"{found:.0f} min", f"{allowed:g} min")
    if plan.device.compliance_mv > most.voltage_mv_max:
        found, allowed = plan.device.compliance_mv / 1000, most.voltage_mv_max / 1000
        yield _passed(most, f"{found:g} V", f"{allowed:g} V")
    for index in range(len(plan.electrodes)):
        yield from _density(bound, index, planned.peak_na, most)


def ceiling_problems_together(
    bound: BoundTogether, alone: Sequence[Observation], planned: Observation
) -> Iterator[Diagnostic]:
    """Every ceiling that a channel would pass, or all of them together in the person or at an electrode."""
    plan = bound.plan
    most = ceilings_of(plan)
    for part, observed in zip(bound.channels, alone, strict=True):
        yield from ceiling_problems(part, observed)
    if planned.peak_na > most.together_na_max:
        found, allowed = planned.peak_na / MA, most.together_na_max / MA
        yield _passed(most, f"{found:g} mA in all channels", f"{allowed:g} mA")
    if planned.worst_pc > most.charge_pc_max:
        found, allowed = (pc / MA / MINUTE_MS for pc in (planned.worst_pc, most.charge_pc_max))
        yield _passed(most, f"{found:.1f} mA·min in all channels", f"{allowed:g} mA·min")
    for index in range(len(plan.electrodes)):
        sharing = channels_of(plan, index)
        if len(sharing) > 1:
            peak_na = sum(alone[channel].peak_na for channel in sharing)
            yield from _density(bound.care, index, peak_na, most)


def _density(bound: BoundPlan, index: int, peak_na: int, most: Ceilings) -> Iterator[Diagnostic]:
    area = area_um2(bound.plan, bound.values, index)
    if area is not None and peak_na * UM2_PER_CM2 > DENSITY_NA_CM2_MAX * area:
        density = peak_na * UM2_PER_CM2 / area / MA
        place = bound.plan.electrodes[index].place.value
        yield _passed(most, f"{density:.2f} mA/cm² at the {place} electrode", "2 mA/cm²")


def _passed(most: Ceilings, found: str, allowed: str) -> Diagnostic:
    return error(
        "I0920",
        f"the plan reaches {found} where {most.what} never passes {allowed}",
        None,
        notes=("this ceiling is the runtime's own: no proof, envelope or signature lifts it",),
        help="change the protocol, and have it reviewed",
    )
