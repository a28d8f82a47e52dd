"""How the conclusions of the machine theorem are shown: from which beliefs, and by which lemmas.

The solver is quick when it is not told what does not matter. So each conclusion has a recipe: the beliefs
that bear on it, among them conclusions of the same step that are shown apart (`after_...`), and whether
definitions may be taken as mere numbers. Leaving beliefs out only makes a claim stronger, so a recipe can
make a proof fail but never make a false one pass, as long as no conclusion rests on itself.
"""

from __future__ import annotations

from collections.abc import Mapping

from ionto_ir.dataclass import dataclass
from ionto_ir.expression import (
    Expression,
    add,
    conjunction,
    disjunction,
    equal,
    integer_reference,
    less_equal,
    maximum,
    multiply,
    negation,
    substitute,
    subtract,
)
from ionto_ir.machine import ENERGISED
from ionto_ir.machine_invariant import at_risk, held, room_for_stop, silent, true_charge, unrecorded
from ionto_ir.machine_table import Case, Output
from ionto_ir.machine_terms import (
    NONE,
    EventKind,
    doubtful,
    exposure,
    fall,
    journal_lag,
    level,
    paid,
    settled,
    tick,
    top_worst,
    watchdog,
)
from ionto_ir.state import Mode
from ionto_verifier.machine_world import LEFT


@dataclass(frozen=True, slots=True)
class Recipe:
    """`beliefs` that bear on a conclusion; `opaque`: what definitions stand for does not matter to it."""

    beliefs: frozenset[str]
    opaque: bool = False


def _recipe(beliefs: str, opaque: bool = False) -> Recipe:
    return Recipe(frozenset({"constants", *beliefs.split()}), opaque)


RECIPES: dict[str, Recipe] = {
    # what the skin receives
    "dose": _recipe("guard at_rest device exposure world dose after_reserve after_current risk_after"),
    "at_risk": _recipe("device world spans after_settled after_exposure after_paid_falls", opaque=True),
    "reserve": _recipe("guard at_rest current within_upper within_current reserve after_at_risk risk_falls"),
    "nominal_dose": _recipe(
        "guard at_rest current within_current nominal_ledger nominal_dose after_nominal_reserve"
    ),
    "nominal_reserve": _recipe("guard current within_nominal nominal_reserve"),
    # the ledgers and the journal
    "ledger": _recipe("device world exposure spans after_settled after_doubtful after_exposure", opaque=True),
    "settled": _recipe("inputs exposure ledger at_rest"),
    "doubtful": _recipe("exposure ledger"),
    "crashed": _recipe("inputs device journal lag spans", opaque=True),
    "nominal_ledger": _recipe("inputs nominal_ledger journal_nominal lag current at_rest"),
    "ledger_grows": _recipe("inputs guard current within_current exposure untouched"),
    "journal": _recipe(
        "device world journal lag lagging spans after_ledger after_device after_paid_bound after_exposure",
        opaque=True,
    ),
    "journal_nominal": _recipe(
        "guard current within_current lag lagging journal_nominal after_nominal_ledger"
    ),
    "lag": _recipe("lag lagging"),
    # the device
    "device": _recipe("device world after_paid_bound after_exposure", opaque=True),
    "exposure": _recipe("inputs exposure device untouched within_current guard current"),
    "untouched": _recipe("untouched at_rest"),
    "paid": _recipe("guard current within_current"),
    "paid_bound": _recipe("at_rest current paid within_current guard"),
    "paid_falls": _recipe("guard current paid"),
    # the level, the time and the mode
    "current": _recipe("guard current within_current"),
    "slew": _recipe("guard current at_rest within_slew"),
    "falls": _recipe("guard current"),
    "polarity": _recipe("same_polarity"),
    "only_ticks_raise": _recipe("current at_rest"),
    "time": _recipe("guard current within_duration time"),
    "interruptions": _recipe("inputs guard may_interrupt interruptions within_duration"),
    "at_rest": _recipe("guard at_rest"),
    "screened": _recipe("guard screened"),
}
"""For each conclusion the beliefs that it rests on."""

RISK, RISK_AFTER = integer_reference("at_risk_pc"), integer_reference("at_risk_next_pc")
"""`at_risk` before and after, as numbers."""

Terms = dict[str, Expression]


def recipe_of(name: str, beliefs: Mapping[str, Expression]) -> Recipe:
    """The recipe of a conclusion where this is believed. One that is decided by itself needs nothing."""
    if name == "ledger" and "after_crashed" in beliefs:
        return _recipe("world after_crashed")
    if name == "ledger" and not beliefs.keys() & {"after_settled", "after_doubtful"}:
        return _recipe("inputs guard world ledger exposure device at_rest untouched")
    return RECIPES.get(name, _recipe(""))


def lemmas_of(event: EventKind, case: Case, after: Mapping[str, Expression]) -> Terms:
    """Conclusions that only serve others. `after` are the machine's new variables."""
    found: Terms = {"paid_bound": less_equal(after["paid_na"], top_worst)}
    if event is EventKind.TICK and "upper_pc" in case.updates:
        found["settled"] = less_equal(true_charge, settled)
    elif event is EventKind.RECOVERED and "upper_pc" in case.updates:
        found["crashed"] = less_equal(add(true_charge, LEFT), after["upper_pc"])
    elif "upper_pc" in case.updates:
        found["doubtful"] = less_equal(true_charge, doubtful)
    if case.output is Output.SET and not case.granted:
        found["paid_falls"] = less_equal(after["paid_na"], paid)
    return found


def risk_of(
    case: Case, mode: Mode, after: Mapping[str, Expression], moved: Mapping[str, Expression]
) -> Terms:
    """For a case that sets a current: the conclusions `at_risk` and `reserve`, and what they rest on.

    What is at risk is bounded first; the reserve then follows with what is at risk taken as a number. `moved`
    is `after` with the world's new variables.
    """
    bound = _bound(case, after, RISK)
    found = {
        "at_risk": less_equal(substitute(at_risk, moved), _bound(case, after, at_risk)),
        "reserve": room_for_stop(after["level_na"], RISK_AFTER),
        "believe after_at_risk": less_equal(RISK_AFTER, bound),
        "believe risk_falls": product(fall, subtract(bound, RISK_AFTER)),
        "believe risk_after": equal(RISK_AFTER, substitute(at_risk, moved)),
    }
    if mode in ENERGISED:
        found["believe reserve"] = room_for_stop(level, RISK)
    return found


def _bound(case: Case, after: Mapping[str, Expression], before: Expression) -> Expression:
    """What is at risk at most: what the table allowed for, or one tick of the fall more than before."""
    paid_next = after["paid_na"]
    if case.granted:
        return add(settled, multiply(tick, paid_next), multiply(watchdog, after["exposure_na"]))
    return add(before, multiply(tick, paid_next))


def product(one: Expression, other: Expression) -> Expression:
    """That a product of two numbers, neither negative, is not negative: always true, and spares a search."""
    both = conjunction(less_equal(NONE, one), less_equal(NONE, other))
    return disjunction(negation(both), less_equal(NONE, multiply(one, other)))


def spans(after: Mapping[str, Expression]) -> Expression:
    """Products that decide what may flow: each a span of time and a surplus of current that lasts for it."""
    paid_next = after["paid_na"]
    highest, highest_next = maximum(held, paid), maximum(held, paid_next)
    overdue, left = subtract(add(silent, tick), watchdog), subtract(watchdog, silent)
    return conjunction(
        product(watchdog, subtract(after["exposure_na"], highest_next)),
        product(watchdog, subtract(exposure, held)),
        product(silent, held),
        product(silent, subtract(highest_next, paid_next)),
        product(silent, subtract(paid, paid_next)),
        product(tick, subtract(highest_next, held)),
        product(tick, subtract(paid, paid_next)),
        product(tick, subtract(top_worst, held)),
        product(tick, subtract(top_worst, paid_next)),
        product(left, subtract(highest, highest_next)),
        product(left, subtract(highest_next, held)),
        product(overdue, paid_next),
        product(overdue, held),
        product(subtract(journal_lag, unrecorded), multiply(tick, top_worst)),
        product(watchdog, subtract(top_worst, held)),
    )
