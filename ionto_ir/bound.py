"""A bound plan: a plan with the values of this patient and this day, and what the machine must enforce.

Binding (`ionto_ir.bind`) is where values meet limits; here is only the result and its arithmetic.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from ionto_ir.constants import UNLIMITED as UNLIMITED
from ionto_ir.constants import Constants as Constants
from ionto_ir.dataclass import dataclass, field
from ionto_ir.expression import Value
from ionto_ir.plan import Plan

if TYPE_CHECKING:
    from ionto_ir.compile_machine import Rules
    from ionto_ir.interlock import Interlock
    from ionto_ir.route import Route

JOURNAL_LAG_TICKS = 2
"""The journal is at most this many ticks behind what is in force: one being written, one queued."""


@dataclass(frozen=True, slots=True)
class BoundPlan:
    """A plan ready to run. `values` holds every variable but records; `polarity` is +1 or -1 at the start.

    The last four fields follow from the others: the table's functions, the sequencer's route, the interlock,
    and, where no cap moves, what the table is told of them at every tick: both charges and the clock.
    """

    plan: Plan
    values: Mapping[str, Value]
    constants: Constants
    polarity: int
    rules: Rules = field(init=False, compare=False, repr=False)
    route: Route = field(init=False, compare=False, repr=False)
    interlock: Interlock = field(init=False, compare=False, repr=False)
    caps: tuple[int, int, int] | None = field(init=False, compare=False, repr=False)

    def __post_init__(self) -> None:
        # The machine is loaded when a plan is bound: who only needs this module's arithmetic does without it.
        from ionto_ir.compile_machine import rules_for
        from ionto_ir.interlock import Interlock
        from ionto_ir.route import route_of

        object.__setattr__(self, "rules", rules_for(self.constants))
        object.__setattr__(self, "route", route_of(self.plan, self.constants))
        object.__setattr__(self, "interlock", Interlock(self.constants))
        rules = self.constants
        moving = bool(rules.windows) or rules.duration_apart_cap_ms < UNLIMITED
        fixed = (rules.cap_pc, rules.cap_nominal_pc, rules.duration_cap_ms)
        object.__setattr__(self, "caps", None if moving else fixed)


def polarity_at_start(plan: Plan, values: Mapping[str, Value]) -> int:
    """The polarity with which a session begins: -1 where the other pole was chosen on the day."""
    return -1 if plan.pole is not None and int(values[plan.pole]) == 1 else 1


def worst_na(current_na: int, accuracy_ppm: int, offset_na: int) -> int:
    """The highest current, nA, that the skin may receive while the output is on at `current_na`."""
    return current_na - (-current_na * accuracy_ppm // 1_000_000) + offset_na


def fall_per_tick_na(stop_slew_na_s: int, tick_ms: int) -> int:
    """What a stop takes off in one tick, nA: never nothing, or a stop would not end."""
    return max(1, stop_slew_na_s * tick_ms // 1000)


def rise_per_tick_na(ramp_limit_na_s: int, tick_ms: int) -> int:
    """The most by which the level may move in one tick, nA: the limit's line, and the rounding of a glide."""
    return ramp_limit_na_s * tick_ms // 1000 + 1
