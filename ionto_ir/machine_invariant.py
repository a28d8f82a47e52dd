"""What is always true of a running machine: the invariant, beside the table it belongs to.

The terms speak of the machine's variables and of the world, which the machine cannot see: what the skin truly
received, what the device truly holds, how long it has not heard from us, and what the journal has of it.

They speak of one window of time that began at any tick, and of any limit on it. The whole session under its
cap is such a window; so is each that a moving limit looks at, for as long as it lasts.

`machine_proof` shows that every case of the table keeps all of this; change the table, and this must follow.
"""

from __future__ import annotations

from ionto_ir.dataclass import dataclass
from ionto_ir.expression import (
    Expression,
    add,
    conjunction,
    equal,
    integer_reference,
    less_equal,
    maximum,
    multiply,
    subtract,
)
from ionto_ir.machine import ENERGISED
from ionto_ir.machine_terms import (
    MILLION,
    NONE,
    ONE,
    braking_of,
    elapsed,
    exposure,
    fall,
    interruptions,
    interruptions_max,
    journal_lag,
    level,
    mean_of,
    nominal,
    nominal_braking_of,
    nominal_room_of,
    paid,
    room_of,
    screened,
    setpoint_of,
    share,
    tick,
    top,
    top_worst,
    upper,
    watchdog,
    worst_of,
)
from ionto_ir.state import Mode

# --- the world --------------------------------------------------------------------------------------------
limit = integer_reference("limit_pc")  # what may be received, and set, in the window
limit_nominal = integer_reference("limit_nominal_pc")

true_charge = integer_reference(
    "true_charge_pc"
)  # what the skin has received in the window at the end of the running interval
set_charge = integer_reference("set_charge_pc")  # the sum of what was set in it
before = integer_reference("before_pc")  # what the ledgers held when the window began
before_nominal = integer_reference("before_nominal_pc")
held = integer_reference("held_na")  # at most this flows: the worst case of what the device last heard
silent = integer_reference("silent_ms")  # how long it has not heard from us when the running interval ends
journal_upper = integer_reference("journal_upper_pc")
journal_nominal = integer_reference("journal_nominal_pc")
journal_before = integer_reference("journal_before_pc")  # what the journal's ledgers held then
journal_before_nominal = integer_reference("journal_before_nominal_pc")
unrecorded = integer_reference("unrecorded_ticks")  # ticks that the journal lacks
latest = integer_reference("latest_ms")  # the highest cap on the clock so far

WORLD = (
    "true_charge_pc",
    "set_charge_pc",
    "before_pc",
    "before_nominal_pc",
    "held_na",
    "silent_ms",
    "journal_upper_pc",
    "journal_nominal_pc",
    "journal_before_pc",
    "journal_before_nominal_pc",
    "unrecorded_ticks",
    "latest_ms",
)

BEGINS: dict[str, Expression] = {
    "true_charge_pc": NONE,
    "set_charge_pc": NONE,
    "before_pc": upper,
    "before_nominal_pc": nominal,
    "journal_before_pc": journal_upper,
    "journal_before_nominal_pc": journal_nominal,
}
"""What becomes of the world when the window begins anew, between two ticks."""


@dataclass(frozen=True, slots=True)
class Invariant:
    """One conjunct, with its sentence. `of_world`: it speaks of the world and constants alone."""

    name: str
    sentence: str
    modes: tuple[Mode, ...]
    holds: Expression
    of_world: bool = False


EVERYWHERE = tuple(Mode)
AT_REST = tuple(mode for mode in Mode if mode not in ENERGISED)
RUNNING = tuple(mode for mode in Mode if mode not in (Mode.IDLE, Mode.ENDED))


def _between(low: Expression, term: Expression, high: Expression) -> Expression:
    return conjunction(less_equal(low, term), less_equal(term, high))


still_heard = subtract(watchdog, silent)
at_most_held = maximum(held, paid)

at_risk = add(true_charge, multiply(still_heard, at_most_held), multiply(silent, paid))
"""What the skin received, and what it would if the device heard no more or only the present setpoint, pC."""


counted = subtract(upper, before)
counted_nominal = subtract(nominal, before_nominal)
"""What the ledgers have counted in the window, pC."""


def room_for_stop(current: Expression, part_ppm: Expression, charge: Expression) -> Expression:
    """That the limit leaves room for `charge` and a stop from `current`."""
    return less_equal(braking_of(current, part_ppm), room_of(subtract(limit, charge)))


INVARIANT: tuple[Invariant, ...] = (
    Invariant(
        "dose",
        "what the skin received, and what the device would still deliver if it never heard from us again,"
        " is at most the limit",
        EVERYWHERE,
        less_equal(add(true_charge, multiply(still_heard, held)), limit),
        of_world=True,
    ),
    Invariant(
        "nominal_dose",
        "the charge that was set is at most the nominal limit",
        EVERYWHERE,
        less_equal(set_charge, limit_nominal),
        of_world=True,
    ),
    Invariant(
        "journal",
        "the journal lacks at most its lag, one unconfirmed tick and the watchdog's time",
        EVERYWHERE,
        less_equal(
            true_charge,
            add(subtract(journal_upper, journal_before), multiply(add(unrecorded, ONE), tick, top_worst)),
        ),
        of_world=True,
    ),
    Invariant(
        "journal_nominal",
        "of what was set the journal lacks at most its lag",
        EVERYWHERE,
        less_equal(
            set_charge,
            add(subtract(journal_nominal, journal_before_nominal), multiply(unrecorded, tick, top)),
        ),
        of_world=True,
    ),
    Invariant(
        "device",
        "the device holds no more than the worst case of the current cap, and no longer than its watchdog"
        " allows",
        EVERYWHERE,
        conjunction(_between(NONE, held, top_worst), _between(NONE, silent, watchdog)),
        of_world=True,
    ),
    Invariant(
        "lag",
        "the journal lacks no more ticks than stated",
        EVERYWHERE,
        _between(NONE, unrecorded, journal_lag),
        of_world=True,
    ),
    Invariant(
        "ledger",
        "the upper ledger is at least what the skin received, but for a tick that the device did not hear",
        EVERYWHERE,
        less_equal(true_charge, add(counted, multiply(tick, subtract(at_most_held, paid)))),
    ),
    Invariant(
        "nominal_ledger",
        "the nominal ledger is at least what was set",
        EVERYWHERE,
        less_equal(set_charge, counted_nominal),
    ),
    Invariant(
        "received",
        "nobody gives back what was received",
        EVERYWHERE,
        conjunction(less_equal(NONE, true_charge), less_equal(NONE, set_charge)),
        of_world=True,
    ),
    Invariant(
        "exposure",
        "the machine knows the highest current that may flow",
        EVERYWHERE,
        conjunction(less_equal(held, exposure), _between(NONE, paid, exposure)),
    ),
    Invariant(
        "interruptions",
        "there are no more interruptions than are allowed",
        EVERYWHERE,
        conjunction(_between(NONE, interruptions, interruptions_max), less_equal(NONE, elapsed)),
    ),
    Invariant(
        "at_rest",
        "outside of a treatment the output is off",
        AT_REST,
        conjunction(equal(level, NONE), equal(paid, NONE)),
    ),
    Invariant(
        "untouched",
        "before the beginning nothing flows, and of a lost link nothing is left that was not charged",
        (Mode.IDLE, Mode.LOST),
        conjunction(equal(held, NONE), equal(exposure, NONE)),
    ),
    Invariant("screened", "nothing runs before the screening was passed", RUNNING, screened),
    Invariant("current", "the current is at most its cap", ENERGISED, _between(NONE, level, top)),
    Invariant(
        "paid",
        "the running tick was charged at the worst case of the mean of what is set",
        ENERGISED,
        conjunction(
            equal(paid, worst_of(mean_of(setpoint_of(level), share))), _between(NONE, share, MILLION)
        ),
    ),
    Invariant(
        "reserve",
        "the limit leaves room for the stop, and for the link to be lost during it",
        ENERGISED,
        room_for_stop(level, share, at_risk),
    ),
    Invariant(
        "nominal_reserve",
        "the nominal limit leaves room for the stop",
        ENERGISED,
        less_equal(
            nominal_braking_of(level, share), nominal_room_of(subtract(limit_nominal, counted_nominal))
        ),
    ),
    Invariant(
        "time",
        "the time leaves room for the stop",
        ENERGISED,
        less_equal(multiply(tick, level), multiply(fall, subtract(latest, elapsed))),
    ),
)
