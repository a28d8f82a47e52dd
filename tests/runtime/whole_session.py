"""A session with every kind of step: it is killed at each of them, in virtual time and in real processes."""

from __future__ import annotations

from ionto_ir import expression as terms
from ionto_ir.dataclass import replace
from ionto_ir.features import features_of
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
from tests.runtime.sealed_plans import heel_plan
from tests.treatments import HERE

RAMP_MS = 1_000
SECOND_HOLD_MS = 1_500


def whole_plan() -> Plan:
    """A session with every kind of step."""
    plan = heel_plan()
    current = terms.integer_reference("current")
    slope = Slope(current, terms.integer(RAMP_MS))
    part = Section.SESSION
    steps: tuple[Step, ...] = (
        Confirm("Skin is clean and dry", 1, Section.BEFORE, HERE),
        Ramp(current, terms.ZERO, slope, False, 2, part, HERE),
        Hold(current, ForTime(terms.integer(500)), 3, part, HERE),
        Ramp(terms.ZERO, current, slope, False, 4, part, HERE),
        Instruct("Look at the skin", 5, part, HERE),
        Reverse(6, part, HERE),
        Ramp(current, terms.ZERO, slope, False, 7, part, HERE),
        Hold(current, ForTime(terms.integer(SECOND_HOLD_MS)), 8, part, HERE),
        Ramp(terms.ZERO, current, slope, False, 9, part, HERE),
        Record("skin", 10, Section.AFTER, HERE),
        Finish("finished", True, Section.AFTER, HERE),
    )
    plan = replace(plan, steps=steps)
    return replace(plan, requires=features_of(plan))
