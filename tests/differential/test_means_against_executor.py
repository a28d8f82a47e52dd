"""The mean of a waveform, as the observer counts it: no bound below it is proved, wherever one rounds."""

from __future__ import annotations

from math import ceil

import pytest

from ionto_ir.bind import bind_disarmed
from ionto_ir.dataclass import replace
from ionto_ir.dry_run import obliging, run
from ionto_ir.limits import LimitKind
from ionto_ir.observer import violations
from ionto_ir.plan import Plan
from ionto_ir.waveform import Curve, Form, Waveform
from tests.differential.mutants import decided
from tests.treatments import BENCH, Fixed, Keep, Leg, Move, Over, Treatment, limit, plan_of

SINE = Waveform(Form.AC, 20_000, curve=Curve.SINE)
WAVEFORMS = (
    SINE,
    replace(SINE, offset_ppm=500_000),
    replace(SINE, curve=Curve.SQUARE, offset_ppm=100_000),
    Waveform(Form.PULSED, 20_000, 330_000),
    Waveform(Form.PULSED, 20_000, 500_000),
)
LEVELS = (1_000_000, 1_230_000, 2_570_000)
SLACK_NA = 3
"""What the prover may add to a mean: it is rounded up twice, each time by less than a nA."""


def session(waveform: Waveform, level_na: int, step_na: int, accuracy_ppm: int) -> Plan:
    device = replace(BENCH, step_na=step_na, accuracy_ppm=accuracy_ppm, accuracy_offset_na=10_000)
    up = Move(Fixed(level_na), Over(4_000))
    leg = Leg(up, (Keep("time", 4_000),), Over(4_000), waveform=waveform)
    return plan_of(Treatment((leg,), interruptions=0, resume=False, ramp_na_s=1_000_000), device)


@pytest.mark.parametrize("kind", [LimitKind.MEAN_DENSITY, LimitKind.DOSE], ids=lambda kind: kind.value)
@pytest.mark.parametrize("accuracy_ppm", [0, 10_000, 20_000, 33_333])
@pytest.mark.parametrize("step_na", [10_000, 1_000])
def test_no_mean_below_the_one_that_is_counted_is_proved(
    kind: LimitKind, accuracy_ppm: int, step_na: int
) -> None:
    for waveform in WAVEFORMS:
        for level_na in LEVELS:
            plan = session(waveform, level_na, step_na, accuracy_ppm)
            unbounded = replace(plan, limits=(limit(kind, 0, "mA/cm2"),))
            trace = run(bind_disarmed(unbounded, {}), obliging({})).trace
            reached = max(item.value for item in violations(unbounded, {}, trace))
            below = replace(plan, limits=(limit(kind, ceil(reached) - 1, "mA/cm2"),))
            told = (waveform, level_na, reached)
            assert decided(below, frozenset({0}))[0] != "proved", told
            if kind is LimitKind.MEAN_DENSITY:
                above = replace(plan, limits=(limit(kind, ceil(reached) + SLACK_NA, "mA/cm2"),))
                assert decided(above, frozenset({0}))[0] == "proved", told
