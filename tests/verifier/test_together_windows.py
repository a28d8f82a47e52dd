"""A window over several channels meets as many sessions as the longest of them lets it meet."""

from __future__ import annotations

import pytest

from ionto_ir.course import DAY_MS, Course
from ionto_ir.dataclass import replace
from ionto_ir.device import Place
from ionto_ir.features import features_of
from ionto_ir.limits import LimitKind, Role
from ionto_ir.plan import Channel, Confirm, Plan, Section
from ionto_verifier.driver import verify
from ionto_verifier.report import verdict_name
from tests.ir.sealing import PROVE_ONLY
from tests.strategies import ANSWERS, PARAMETERS
from tests.treatments import (
    BENCH,
    HERE,
    At,
    Fixed,
    Keep,
    Leg,
    Move,
    Treatment,
    electrode,
    finish,
    limit,
    plan_of,
)

MA = 1_000_000


def held(time_ms: int) -> Plan:
    leg = Leg(Move(Fixed(MA), At(MA)), (Keep("time", time_ms),), At(MA), False, None)
    return plan_of(Treatment((leg,), PARAMETERS, ANSWERS, interruptions=0, ramp_na_s=MA, stop_na_s=MA))


@pytest.mark.parametrize("times_ms", [(60_000, 3_600_000), (3_600_000, 60_000)])
def test_a_second_session_is_met_where_any_channel_lasts_that_long(times_ms: tuple[int, int]) -> None:
    """Sessions begin a day and ten minutes apart, and one channel lasts an hour: two reach into a day."""
    parts = [held(time_ms) for time_ms in times_ms]
    electrodes = [electrode(Place.ACTIVE, Role.CATHODE)] * 2 + [electrode(Place.RETURN, Role.ANODE)] * 2
    channels = tuple(
        Channel(name, (number, 2 + number), part.steps, part.counters, HERE)
        for number, (name, part) in enumerate(zip(("left", "right"), parts, strict=True))
    )
    once = MA * sum(times_ms) * 13 // 10
    plan = replace(
        parts[0],
        device=replace(BENCH, channels=2),
        steps=(Confirm("all channels have ended", 1, Section.SESSION, HERE), finish()),
        entry=0,
        counters=0,
        electrodes=tuple(electrodes),
        channels=channels,
        limits=(limit(LimitKind.DOSE, once, "mA.min", window_ms=DAY_MS),),
        course=Course(0, None, DAY_MS + 600_000, (), None, None, HERE),
    )
    report = verify(replace(plan, requires=features_of(plan)), PROVE_ONLY)
    (found,) = [item for item in report.findings if item.claim.limit is not None]
    assert verdict_name(found.verdict) != "proved"
