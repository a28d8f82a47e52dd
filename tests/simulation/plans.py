"""Short treatments drawn by chance: plans, devices, limits and people differ from seed to seed."""

from __future__ import annotations

from random import Random

from ionto_ir.bound import UNLIMITED, BoundPlan
from ionto_ir.dataclass import replace
from ionto_ir.expression import Constant, integer_reference
from ionto_ir.plan import ForTime, IntegerDomain, Interruptions, Plan, Step, Variable, VariableKind
from ionto_runtime.simulation.skin import DEFAULT_SKIN, Body, body_of
from tests.ir.sessions import DEVICE, MA, SECOND, SPAN, bound_of, finish, hold, plan_of, pulse, ramp
from tests.runtime.simulated import AREAS_UM2

TICK_MS = DEVICE.tick_ms


FIRST_OF_SIZES = 1_000_000
"""From this number on a world also draws how large its device is; the worlds below are what they were before
that was drawn.
"""


def drawn_size(seed: int) -> int:
    """By how much the device, and all currents of the plan, are smaller than 4 mA: 1 mA, 100 uA, 10 uA."""
    return 1 if seed < FIRST_OF_SIZES else Random(f"{seed}/size").choice((1, 4, 40, 400))


def drawn_bound(chance: Random, size: int = 1) -> BoundPlan:
    """A plan of a few seconds, bound with or without caps, in either polarity."""
    device = replace(
        DEVICE,
        current_na_max=DEVICE.current_na_max // size,
        step_na=DEVICE.step_na // size,
        slew_na_s=DEVICE.slew_na_s // size,
        accuracy_ppm=chance.choice((0, 10_000, 20_000, 50_000)),
        accuracy_offset_na=chance.choice((0, 10_000, 30_000)) // size,
        compliance_mv=chance.choice((8_000, 30_000, 80_000)),
        watchdog_ms=chance.choice((400, 500, 1_000)),
    )
    interruptions = Interruptions(
        chance.randint(0, 4), chance.choice((1_000, 3_000)), chance.random() < 0.9, SPAN
    )
    plan = chance.choice((_timed, _timed, _adjustable, _reversed))(chance, interruptions, size)
    stop_slew_na_s = chance.choice((MA // 4, MA // 2, MA)) // size
    resume_slew_na_s = plan.resume_slew_na_s // size
    plan = replace(plan, device=device, stop_slew_na_s=stop_slew_na_s, resume_slew_na_s=resume_slew_na_s)
    values = {"current": MA // size} if plan.variables else {}
    caps: dict[str, int] = {}
    if chance.random() < 0.2:
        caps["cap_pc"] = chance.randint(MA * 200, MA * 3_000) // size
    if chance.random() < 0.1:
        caps["duration_cap_ms"] = chance.randint(1_000, 4_000)
    return bound_of(plan, values, chance.choice((1, -1)), **{"cap_pc": UNLIMITED, **caps})


def _timed(chance: Random, interruptions: Interruptions, size: int) -> Plan:
    level = chance.randrange(MA // 10, MA, 10_000)
    ramp_ms = max(TICK_MS, -(-level // TICK_MS // 10_000) * TICK_MS) + chance.randint(0, 5) * TICK_MS
    level //= size
    steps = (
        ramp(level, ramp_ms, 0, level, 1),
        hold(level, ForTime(Constant(chance.randint(1, 15) * TICK_MS)), 2),
        ramp(0, ramp_ms, level, level, 3),
        finish(),
    )
    return plan_of(steps, interruptions=interruptions)


def _adjustable(chance: Random, interruptions: Interruptions, size: int) -> Plan:
    """A level that a person may move during the session."""
    unit, now = MA // size, integer_reference("current")
    steps: tuple[Step, ...] = (
        ramp(now, 2 * SECOND, 0, now, 1),
        hold(now, ForTime(Constant(chance.randint(5, 15) * TICK_MS)), 2),
        ramp(0, 2 * SECOND, now, now, 3),
        finish(),
    )
    domain = IntegerDomain(unit // 2, 3 * unit // 2, unit // 10, unit, "current", "mA")
    variable = Variable("current", VariableKind.PARAMETER, domain, "", True, None, SPAN)
    return plan_of(steps, variables=(variable,), interruptions=interruptions)


def _reversed(chance: Random, interruptions: Interruptions, size: int) -> Plan:
    """Up and down in one polarity, then in the other."""
    level = chance.randrange(MA // 5, MA, 10_000) // size
    steps = (*pulse(0, 3, level), *pulse(3, 6, level, reverse=True), finish())
    return plan_of(steps, interruptions=interruptions)


def drawn_body(chance: Random, seed: int) -> Body:
    """A person: 3 to 4 times more or less resistant than another, whose skin may dry out."""
    parameters = replace(DEFAULT_SKIN, dry_out_per_min=chance.choice((0.0, 0.05, 2.0)))
    return body_of(AREAS_UM2, seed, parameters)
