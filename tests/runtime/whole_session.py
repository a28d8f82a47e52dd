"""A session with every kind of step: it is killed at each of them, in virtual time and in real processes."""

from __future__ import annotations

from ionto_ir import expression as terms
from ionto_ir.dataclass import dataclass, replace
from ionto_ir.features import features_of
from ionto_ir.limits import LimitKind
from ionto_ir.plan import (
    Confirm,
    Finish,
    ForTime,
    Hold,
    Instruct,
    Plan,
    Ramp,
    Record,
    Reverse,
    Section,
    Slope,
    Step,
)
from tests.runtime.sealed_plans import MA, heel_plan
from tests.treatments import HERE


@dataclass(frozen=True, slots=True)
class Pace:
    """How long its parts take. The second hold is long enough for somebody to pause in it."""

    ramp_ms: int
    hold_ms: int
    second_hold_ms: int
    slew_na_s: int


LEISURELY = Pace(1_000, 500, 1_500, MA // 2)
QUICK = Pace(400, 300, 800, 4 * MA)
"""For real time: whoever kills at every step waits for half of the session at each."""


def whole_plan(pace: Pace = LEISURELY) -> Plan:
    """A session with every kind of step."""
    plan = heel_plan()
    current = terms.integer_reference("current")
    slope = Slope(current, terms.integer(pace.ramp_ms))
    part = Section.SESSION
    steps: tuple[Step, ...] = (
        Confirm("Skin is clean and dry", 1, Section.BEFORE, HERE),
        Ramp(current, terms.ZERO, slope, False, 2, part, HERE),
        Hold(current, ForTime(terms.integer(pace.hold_ms)), 3, part, HERE),
        Ramp(terms.ZERO, current, slope, False, 4, part, HERE),
        Instruct("Look at the skin", 5, part, HERE),
        Reverse(6, part, HERE),
        Ramp(current, terms.ZERO, slope, False, 7, part, HERE),
        Hold(current, ForTime(terms.integer(pace.second_hold_ms)), 8, part, HERE),
        Ramp(terms.ZERO, current, slope, False, 9, part, HERE),
        Record("skin", 10, Section.AFTER, HERE),
        Finish("finished", True, Section.AFTER, HERE),
    )
    quick = tuple(
        replace(item, bound=max(item.bound, pace.slew_na_s)) if item.kind is LimitKind.RAMP else item
        for item in plan.limits
    )
    plan = replace(
        plan, steps=steps, limits=quick, stop_slew_na_s=pace.slew_na_s, resume_slew_na_s=pace.slew_na_s
    )
    return replace(plan, requires=features_of(plan))
