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
    divide_floor,
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
from ionto_ir.machine_invariant import (
    at_risk,
    before,
    before_nominal,
    held,
    journal_before,
    latest,
    limit,
    limit_nominal,
    set_charge,
    silent,
    true_charge,
    unrecorded,
)
from ionto_ir.machine_table import Case, Output
from ionto_ir.machine_terms import (
    MILLION,
    NONE,
    ONE,
    TWO,
    EventKind,
    accuracy,
    aim_share,
    braking_of,
    cap_nominal_now,
    cap_now,
    doubtful,
    exposure,
    fall,
    fallen,
    fallen_charged,
    fallen_set,
    held_set,
    journal_lag,
    level,
    mean_of,
    nominal,
    nominal_braking_of,
    nominal_room_of,
    offset,
    paid,
    room_of,
    rounding_of,
    settled,
    share,
    tick,
    top,
    top_worst,
    upper,
    watchdog,
    wished_mean,
    wished_set,
)
from ionto_ir.state import Mode
from ionto_verifier.machine_world import CLOCK_CAP, LEFT


@dataclass(frozen=True, slots=True)
class Recipe:
    """`beliefs` that bear on a conclusion; `opaque`: what definitions stand for does not matter to it."""

    beliefs: frozenset[str]
    opaque: bool = False


def _recipe(beliefs: str, opaque: bool = False) -> Recipe:
    return Recipe(frozenset({"constants", *beliefs.split()}), opaque)


RECIPES: dict[str, Recipe] = {
    # what the skin receives
    "dose": _recipe("guard at_rest device exposure world dose after_covered risk_after"),
    "covered": _recipe("after_reserve after_braking covering", opaque=True),
    "at_risk": _recipe("device world spans after_settled after_exposure after_paid_falls", opaque=True),
    "granted_room": _recipe("within_upper"),
    "cap_told": _recipe("inputs"),
    "cap_nominal_told": _recipe("inputs"),
    "reserve": _recipe(
        "reserve after_granted_room after_cap_told after_falls_less after_at_risk risk_falls", opaque=True
    ),
    "braking": _recipe("guard current paid within_current braked"),
    "fall_mean": _recipe("guard current paid fallen"),
    "fall_charge": _recipe("guard current paid fallen after_fall_mean"),
    "braking_nominal": _recipe("guard current paid within_current stop"),
    "count": _recipe("guard current"),
    "falls_less_nominal": _recipe("paid after_fall_mean fallen", opaque=True),
    "falls_less": _recipe("guard current paid after_fall_charge braked fallen", opaque=True),
    "nominal_dose": _recipe(
        "guard at_rest current within_current nominal_ledger nominal_dose after_nominal_reserve"
        " after_nominal_ledger after_braking_nominal"
    ),
    "granted_nominal": _recipe("within_nominal"),
    "nominal_reserve": _recipe(
        "nominal_reserve after_granted_nominal after_cap_nominal_told after_falls_less_nominal after_count",
        opaque=True,
    ),
    "received": _recipe("world received guard current paid within_current means"),
    # the ledgers and the journal
    "ledger": _recipe("device world exposure spans after_settled after_doubtful after_exposure", opaque=True),
    "settles": _recipe("inputs exposure"),
    "settled": _recipe("inputs exposure ledger at_rest"),
    "doubtful": _recipe("exposure ledger"),
    "crashed": _recipe("inputs device journal lag spans", opaque=True),
    "nominal_ledger": _recipe("inputs nominal_ledger journal_nominal lag current at_rest"),
    "ledger_grows": _recipe("inputs guard exposure untouched after_exposure"),
    "journal": _recipe(
        "device world journal lag lagging spans after_ledger after_device after_paid_bound after_exposure",
        opaque=True,
    ),
    "journal_nominal": _recipe(
        "guard current paid within_current lag lagging journal_nominal after_nominal_ledger world means"
    ),
    "lag": _recipe("lag lagging"),
    # the device
    "device": _recipe("device world after_paid_bound after_exposure", opaque=True),
    "exposure": _recipe("inputs exposure device untouched within_current guard current paid means"),
    "untouched": _recipe("untouched at_rest"),
    "paid": _recipe("guard current paid within_current"),
    "paid_bound": _recipe("at_rest current paid within_current guard means"),
    "paid_falls": _recipe("guard current paid fallen"),
    # the level, the time and the mode
    "current": _recipe("guard current within_current"),
    "slew": _recipe("guard current at_rest within_slew"),
    "falls": _recipe("guard current"),
    "polarity": _recipe("same_polarity"),
    "only_ticks_raise": _recipe("current at_rest"),
    "time": _recipe("guard current within_duration time later"),
    "interruptions": _recipe("inputs guard may_interrupt interruptions within_duration"),
    "at_rest": _recipe("guard at_rest"),
    "screened": _recipe("guard screened"),
}
"""For each conclusion the beliefs that it rests on."""

RISK, RISK_AFTER = integer_reference("at_risk_pc"), integer_reference("at_risk_next_pc")
"""`at_risk` before and after, as numbers."""

BRAKING, BRAKING_AFTER = integer_reference("braking_now"), integer_reference("braking_next")
NOMINAL, NOMINAL_AFTER = integer_reference("nominal_braking_now"), integer_reference("nominal_braking_next")
COUNT = integer_reference("count_now")
"""What is kept for the stop, and its ticks, in the same way."""

Terms = dict[str, Expression]


def recipe_of(name: str, beliefs: Mapping[str, Expression]) -> Recipe:
    """The recipe of a conclusion where this is believed. One that is decided by itself needs nothing."""
    if name == "ledger_grows" and "after_settles" in beliefs:
        return _recipe("after_settles after_exposure means", opaque=True)
    if name == "ledger" and "after_crashed" in beliefs:
        return _recipe("world after_crashed")
    if name == "ledger" and not beliefs.keys() & {"after_settled", "after_doubtful"}:
        return _recipe("inputs guard world ledger exposure device at_rest untouched")
    return RECIPES.get(name, _recipe(""))


def lemmas_of(event: EventKind, case: Case, after: Mapping[str, Expression]) -> Terms:
    """Conclusions that only serve others. `after` are the machine's new variables."""
    found: Terms = {"paid_bound": less_equal(after["paid_na"], top_worst)}
    if case.output is Output.SET:
        level_next, share_next = after["level_na"], after["share_ppm"]
        found["braking"] = less_equal(NONE, braking_of(level_next, share_next))
        found["braking_nominal"] = less_equal(NONE, nominal_braking_of(level_next, share_next))
    if event is EventKind.TICK and "upper_pc" in case.updates:
        found["settled"] = less_equal(true_charge, subtract(settled, before))
        found["settles"] = less_equal(upper, settled)
    elif event is EventKind.RECOVERED and "upper_pc" in case.updates:
        found["crashed"] = less_equal(add(true_charge, LEFT), subtract(after["upper_pc"], journal_before))
    elif "upper_pc" in case.updates:
        found["doubtful"] = less_equal(true_charge, subtract(doubtful, before))
    if case.output is Output.SET and not case.granted:
        found["paid_falls"] = less_equal(after["paid_na"], paid)
        found["fall_mean"] = less_equal(multiply(MILLION, fallen_charged), FALL_MEAN)
        found["fall_charge"] = less_equal(multiply(MILLION, MILLION, after["paid_na"]), FALL_CHARGED)
        found["falls_less"] = less_equal(
            add(braking_of(after["level_na"], share), room_of(multiply(tick, after["paid_na"]))),
            braking_of(level, share),
        )
        found["count"] = equal(add(divide_floor(fallen, fall), ONE), divide_floor(level, fall))
        found["falls_less_nominal"] = less_equal(
            add(
                nominal_braking_of(fallen, share, subtract(COUNT, ONE)),
                nominal_room_of(multiply(tick, fallen_charged)),
            ),
            nominal_braking_of(level, share, COUNT),
        )
    return found


inexact = add(MILLION, accuracy)
FALL_MEAN = add(multiply(share, fallen), multiply(MILLION, rounding_of(share)))
FALL_CHARGED = add(multiply(inexact, FALL_MEAN), multiply(MILLION, MILLION, add(offset, ONE)))
"""1e12 times what a tick of the fall is charged at most, nA."""


def products_of(after: Mapping[str, Expression]) -> Terms:
    """Products that say how means, and what a stop emits, move with the level and the waveform's share."""
    level_next, share_next = after["level_na"], after["share_ppm"]
    ticks = divide_floor(level_next, fall)
    twice = subtract(multiply(TWO, ticks, level_next), multiply(fall, ticks, add(ticks, ONE)))
    rounded = multiply(TWO, MILLION, ticks, rounding_of(share_next))
    squared = multiply(share_next, level_next, add(level_next, multiply(TWO, fall)))
    return {
        "means": conjunction(
            *(product(tick, current) for current in (wished_mean, fallen_charged, after["paid_na"])),
            product(tick, subtract(top, wished_mean)),
            product(tick, subtract(top, fallen_charged)),
            *(product(accuracy, current) for current in (wished_mean, fallen_charged)),
            product(accuracy, subtract(top, wished_mean)),
            product(accuracy, subtract(top, mean_of(held_set, share))),
            product(accuracy, subtract(top, fallen_charged)),
            product(wished_set, aim_share),
            product(fallen_set, share),
        ),
        "braked": conjunction(
            product(share_next, multiply(level_next, add(level_next, multiply(TWO, fall)))),
            product(level_next, add(level_next, multiply(TWO, fall))),
            product(inexact, squared),
            product(tick, multiply(inexact, squared)),
            product(multiply(tick, inexact), add(level_next, fall)),
            product(multiply(tick, add(offset, ONE)), add(level_next, fall)),
        ),
        "stop": conjunction(
            product(ticks, subtract(level_next, multiply(fall, ticks))),
            product(ticks, subtract(level_next, fall)),
            product(share_next, twice),
            product(tick, add(multiply(share_next, twice), rounded)),
        ),
        "fallen": conjunction(
            product(share, subtract(fallen, fallen_set)),
            product(share, subtract(held_set, fallen_set)),
            product(accuracy, subtract(mean_of(held_set, share), fallen_charged)),
            product(inexact, subtract(FALL_MEAN, multiply(MILLION, fallen_charged))),
            product(tick, subtract(FALL_MEAN, multiply(MILLION, fallen_charged))),
            equal(fallen, subtract(level, fall)),
            product(
                multiply(tick, fall), subtract(FALL_CHARGED, multiply(MILLION, MILLION, after["paid_na"]))
            ),
            product(multiply(tick, fall), multiply(fall, inexact, share)),
            product(fall, multiply(inexact, share)),
            product(inexact, share),
        ),
    }


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
        "reserve": _room(BRAKING_AFTER, limit, RISK_AFTER),
        "covered": less_equal(RISK_AFTER, limit),
        "believe after_at_risk": less_equal(RISK_AFTER, bound),
        "believe risk_falls": conjunction(
            product(fall, subtract(bound, RISK_AFTER)), product(fall, subtract(add(limit, before), cap_now))
        ),
        "believe risk_after": equal(RISK_AFTER, substitute(at_risk, moved)),
        "believe after_braking": less_equal(NONE, BRAKING_AFTER),
        "believe covering": product(subtract(fall, ONE), subtract(RISK_AFTER, limit)),
    }
    if mode in ENERGISED:
        found["believe reserve"] = _room(BRAKING, limit, RISK)
    return found | (_granted(after) if case.granted else _fallen(after))


def _granted(after: Mapping[str, Expression]) -> Terms:
    """What the table has left room for."""
    charge = add(settled, multiply(tick, after["paid_na"]), multiply(watchdog, after["exposure_na"]))
    left = nominal_room_of(subtract(cap_nominal_now, after["nominal_pc"]))
    return {
        "granted_room": _room(braking_of(after["level_na"], after["share_ppm"]), cap_now, charge),
        "believe after_granted_room": _room(BRAKING_AFTER, cap_now, charge),
        "granted_nominal": less_equal(nominal_braking_of(after["level_na"], after["share_ppm"]), left),
        "believe after_granted_nominal": less_equal(NOMINAL_AFTER, left),
        "cap_told": less_equal(cap_now, add(limit, before)),
        "cap_nominal_told": less_equal(cap_nominal_now, add(limit_nominal, before_nominal)),
        **_nominal(after),
    }


def _fallen(after: Mapping[str, Expression]) -> Terms:
    """A tick of the fall: what the lemmas say of it, of numbers."""
    costs = nominal_room_of(multiply(tick, fallen_charged))
    return {
        "believe after_falls_less": less_equal(
            add(BRAKING_AFTER, room_of(multiply(tick, after["paid_na"]))), BRAKING
        ),
        "believe after_falls_less_nominal": less_equal(add(NOMINAL_AFTER, costs), NOMINAL),
        "believe nominal_reserve": less_equal(NOMINAL, _left(nominal)),
        **_nominal(after),
    }


def _nominal(after: Mapping[str, Expression]) -> Terms:
    return {
        "nominal_reserve": less_equal(NOMINAL_AFTER, _left(after["nominal_pc"])),
        "believe after_braking_nominal": less_equal(NONE, NOMINAL_AFTER),
    }


def _left(counted_pc: Expression) -> Expression:
    """What the nominal limit leaves in the window, as `nominal_braking_of` measures it."""
    return nominal_room_of(subtract(limit_nominal, subtract(counted_pc, before_nominal)))


def _room(braking: Expression, most: Expression, charge: Expression) -> Expression:
    return less_equal(braking, room_of(subtract(most, charge)))


def _bound(case: Case, after: Mapping[str, Expression], risk: Expression) -> Expression:
    """What is at risk at most: what the table allowed for, or one tick of the fall more than before."""
    paid_next = after["paid_na"]
    if case.granted:
        counted = subtract(settled, before)
        return add(counted, multiply(tick, paid_next), multiply(watchdog, after["exposure_na"]))
    return add(risk, multiply(tick, paid_next))


def later(moved: Mapping[str, Expression]) -> Expression:
    """That the clock's cap only grows leaves more room for a stop."""
    latest_next = moved["latest_ms"]
    return conjunction(
        product(fall, subtract(latest_next, CLOCK_CAP)), product(fall, subtract(latest_next, latest))
    )


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


younger = conjunction(product(fall, true_charge), product(fall, set_charge), product(tick, held))
"""What makes a limit leave no less room in a window that begins now."""
