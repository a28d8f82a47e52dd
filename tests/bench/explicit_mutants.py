"""The two small instances, and mutants of the machine, each without one safeguard: every checker must say so
in the instance that is named with it.
"""

from __future__ import annotations

from collections.abc import Callable

from ionto_ir.dataclass import replace
from ionto_ir.expression import Expression, Operation, add, conjunction, less_equal, multiply
from ionto_ir.machine import TABLE
from ionto_ir.machine_table import Case, Row
from ionto_ir.machine_terms import (
    DEFINITIONS,
    allowed,
    cap_nominal_now,
    cap_now,
    journalled_nominal,
    journalled_upper,
    nominal,
    paid,
    settled,
    tick,
    upper,
    watchdog,
    wished_exposure,
    wished_mean,
    wished_worst,
    within_nominal,
    within_upper,
)
from ionto_ir.state import Mode
from tests.bench.explicit_model import Design, Instance

_NO_RESERVE: dict[str, Expression] = {
    "within_upper": less_equal(
        add(settled, multiply(tick, wished_worst), multiply(watchdog, wished_exposure)), cap_now
    ),
    "within_nominal": less_equal(add(nominal, multiply(tick, wished_mean)), cap_nominal_now),
}
_COMMANDED: dict[str, Expression] = {"settled_pc": upper, "doubtful_pc": upper}


RAMPS = Instance(levels=2, cap=90, cap_nominal=40, watchdog=0, ticks=5, crashes=0)
"""Two levels, so that a ramp-down takes time; the nominal cap ends the session."""

LINKS = Instance(levels=1, cap=57, cap_nominal=90, watchdog=2, ticks=4, crashes=1)
"""One level, a device that goes on for two ticks when it hears nothing, a crash; the upper cap ends it."""

INSTANCES = {"ramps": RAMPS, "links": LINKS}


def mutants() -> tuple[tuple[Instance, Design], ...]:
    """All of them, each with the smallest instance in which it does harm."""
    crash = _free("recovered.", journalled_upper, journalled_nominal)
    return (
        (RAMPS, Design("no room is kept for the ramp-down", definitions={**DEFINITIONS, **_NO_RESERVE})),
        (RAMPS, Design("the ramp-down is not counted", table=_table(_free("tick.fall_", upper, nominal)))),
        (LINKS, Design("only what was commanded is counted", definitions={**DEFINITIONS, **_COMMANDED})),
        (
            LINKS,
            Design("commands are believed unconfirmed", definitions={**DEFINITIONS, "exposed_na": paid}),
        ),
        (LINKS, Design("what is resumed passes no cap", table=_table(_unchecked))),
        (LINKS, Design("a lost link costs nothing", table=_table(_free("link_lost.", upper, nominal)))),
        (LINKS, Design("a crash costs nothing", table=_table(crash))),
    )


def _table(changed: Callable[[Row, Case], Case]) -> tuple[Row, ...]:
    table = tuple(replace(row, cases=tuple(changed(row, case) for case in row.cases)) for row in TABLE)
    assert table != TABLE, "a mutant differs from the machine"
    return table


def _free(names: str, upper_next: Expression, nominal_next: Expression) -> Callable[[Row, Case], Case]:
    """Cases of these names charge nothing."""

    def changed(_: Row, case: Case) -> Case:
        if not case.name.startswith(names) or "upper_pc" not in case.updates:
            return case
        nothing = {"upper_pc": upper_next, "nominal_pc": nominal_next}
        charged = {name: term for name, term in nothing.items() if name in case.updates}
        return replace(case, updates={**case.updates, **charged})

    return changed


def _unchecked(row: Row, case: Case) -> Case:
    """The first tick out of rest looks at no cap."""
    if Mode.READY not in row.modes or case.condition != allowed:
        return case
    whole = DEFINITIONS["allowed"]
    assert isinstance(whole, Operation), "it is a conjunction"
    kept = (part for part in whole.operands if part not in (within_nominal, within_upper))
    return replace(case, condition=conjunction(*kept))
