"""What is always true of a running machine: the invariant, beside the table it belongs to.

The terms speak of the machine's variables and of the world, which the machine cannot see: what the skin truly
received, what the device truly holds, how long it has not heard from us, and what the journal has of it.
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
    TWO,
    braking_of,
    cap,
    cap_nominal,
    duration_cap,
    elapsed,
    exposure,
    fall,
    interruptions,
    interruptions_max,
    journal_lag,
    level,
    nominal,
    paid,
    screened,
    setpoint_of,
    tick,
    top,
    top_worst,
    twice_nominal_braking_of,
    upper,
    watchdog,
    worst_of,
)
from ionto_ir.state import Mode

# --- the world --------------------------------------------------------------------------------------------
true_charge = integer_reference(
    "true_charge_pc"
)  # what the skin has received at the end of the running interval
set_charge = integer_reference("set_charge_pc")  # the sum of what was set
held = integer_reference("held_na")  # at most this flows: the worst case of what the device last heard
silent = integer_reference("silent_ms")  # how long it has not heard from us when the running interval ends
journal_upper = integer_reference("journal_upper_pc")
journal_nominal = integer_reference("journal_nominal_pc")
unrecorded = integer_reference("unrecorded_ticks")  # ticks that the journal lacks

WORLD = (
    "true_charge_pc",
    "set_charge_pc",
    "held_na",
    "silent_ms",
    "journal_upper_pc",
    "journal_nominal_pc",
    "unrecorded_ticks",
)


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


def room_for_stop(current: Expression, charge: Expression) -> Expression:
    """That the cap leaves room for `charge` and a stop from `current`."""
    return less_equal(braking_of(current), multiply(TWO, MILLION, fall, subtract(cap, charge)))


INVARIANT: tuple[Invariant, ...] = (
    Invariant(
        "dose",
        "what the skin received, and what the device would still deliver if it never heard from us again,"
        " is at most the cap",
        EVERYWHERE,
        less_equal(add(true_charge, multiply(still_heard, held)), cap),
        of_world=True,
    ),
    Invariant(
        "nominal_dose",
        "the charge that was set is at most the nominal cap",
        EVERYWHERE,
        less_equal(set_charge, cap_nominal),
        of_world=True,
    ),
    Invariant(
        "journal",
        "the journal lacks at most its lag, one unconfirmed tick and the watchdog's time",
        EVERYWHERE,
        less_equal(true_charge, add(journal_upper, multiply(add(unrecorded, ONE), tick, top_worst))),
        of_world=True,
    ),
    Invariant(
        "journal_nominal",
        "of what was set the journal lacks at most its lag",
        EVERYWHERE,
        less_equal(set_charge, add(journal_nominal, multiply(unrecorded, tick, top))),
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
        less_equal(true_charge, add(upper, multiply(tick, subtract(at_most_held, paid)))),
    ),
    Invariant(
        "nominal_ledger",
        "the nominal ledger is at least what was set",
        EVERYWHERE,
        less_equal(set_charge, nominal),
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
        "the running tick was charged at no more than the worst case of what is set",
        ENERGISED,
        less_equal(paid, worst_of(setpoint_of(level))),
    ),
    Invariant(
        "reserve",
        "the cap leaves room for the stop, and for the link to be lost during it",
        ENERGISED,
        room_for_stop(level, at_risk),
    ),
    Invariant(
        "nominal_reserve",
        "the nominal cap leaves room for the stop",
        ENERGISED,
        less_equal(twice_nominal_braking_of(level), multiply(TWO, subtract(cap_nominal, nominal))),
    ),
    Invariant(
        "time",
        "the time leaves room for the stop",
        ENERGISED,
        less_equal(multiply(tick, level), multiply(fall, subtract(duration_cap, elapsed))),
    ),
)
