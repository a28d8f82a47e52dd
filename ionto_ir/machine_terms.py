"""The vocabulary of the machine's table: its constants, variables, inputs and the terms that its rules share.

Everything here is data in `ionto_ir.expression`, so that the rules run, are proved and are drawn from one
text. A definition is a named term; the compiler computes it once where it is needed, the prover unfolds it.
"""

from __future__ import annotations

from enum import IntEnum

from ionto_ir.expression import (
    Constant,
    Expression,
    Operator,
    Sort,
    absolute,
    add,
    boolean_reference,
    choose,
    compare,
    conjunction,
    disjunction,
    divide_ceiling,
    divide_floor,
    equal,
    integer_reference,
    less_equal,
    maximum,
    minimum,
    multiply,
    subtract,
)

MILLION = Constant(1_000_000)
ONE = Constant(1)
TWO = Constant(2)
NONE = Constant(0)


class Wish(IntEnum):
    """What the sequencer wants of the next interval. It is only a wish: the table decides."""

    DRIVE = 0  # output on at a level
    REST = 1  # output off
    FINISH = 2  # the plan is done


class EventKind(IntEnum):
    """Events as the table tells them apart."""

    BEGIN = 0
    TICK = 1
    CONFIRM = 2
    ENTER = 3
    ADJUST = 4
    PAUSE = 5
    RESUME = 6
    STOP = 7
    EMERGENCY_STOP = 8
    LINK_LOST = 9
    LINK_BACK = 10
    ACK = 11
    LEAD_OFF = 12
    FAULT = 13
    RECOVERED = 14
    DEMAND = 15


# --- constants, by the names of `ionto_ir.constants` ------------------------------------------------------
tick = integer_reference("tick_ms")
step = integer_reference("step_na")
rise = integer_reference("rise_na")
fall = integer_reference("fall_na")
current_cap = integer_reference("current_cap_na")
current_cap_reversed = integer_reference("current_cap_reversed_na")
accuracy = integer_reference("accuracy_ppm")
offset = integer_reference("offset_na")
watchdog = integer_reference("watchdog_ms")
journal_lag = integer_reference("journal_lag_ticks")
cap = integer_reference("cap_pc")
cap_nominal = integer_reference("cap_nominal_pc")
duration_cap = integer_reference("duration_cap_ms")
interruptions_max = integer_reference("interruptions_max")
pause_max = integer_reference("pause_ms_max")
may_resume = boolean_reference("may_resume")
screened = boolean_reference("screened")

# --- variables, by the names of `ionto_ir.state.Machine` --------------------------------------------
level = integer_reference("level_na")
sign = integer_reference("sign")
share = integer_reference("share_ppm")
paid = integer_reference("paid_na")
exposure = integer_reference("exposure_na")
upper = integer_reference("upper_pc")
nominal = integer_reference("nominal_pc")
elapsed = integer_reference("elapsed_ms")
interruptions = integer_reference("interruptions")
pause = integer_reference("pause_ms")
overcurrent = integer_reference("overcurrent")

# --- inputs: whatever the sequencer wishes, the device reports and people do --------------------------
wish = integer_reference("wish")
aim = integer_reference("aim_na")
aim_sign = integer_reference("aim_sign")
aim_share = integer_reference("aim_share_ppm")  # the mean of |I| in the peak of what is wished for
acknowledged = boolean_reference("acknowledged")
measured = integer_reference("measured_na")
ahead = boolean_reference("ahead")  # current may still flow from this step of the plan on
newest = boolean_reference("newest")  # an acknowledgement is for the last output command
outage = integer_reference("outage_ms")
journalled_upper = integer_reference("journalled_upper_pc")
journalled_nominal = integer_reference("journalled_nominal_pc")
window_cap = integer_reference("window_cap_pc")  # what the upper ledger may come to under every moving window
window_cap_nominal = integer_reference("window_cap_nominal_pc")
deadline = integer_reference("deadline_ms")  # what the clock may come to under every limit on the duration

INPUTS: dict[EventKind, tuple[str, ...]] = {
    EventKind.TICK: (
        "wish",
        "aim_na",
        "aim_sign",
        "aim_share_ppm",
        "window_cap_pc",
        "window_cap_nominal_pc",
        "deadline_ms",
        "acknowledged",
        "measured_na",
    ),
    EventKind.PAUSE: ("ahead",),
    EventKind.LINK_LOST: ("ahead",),
    EventKind.ACK: ("newest",),
    EventKind.LEAD_OFF: ("ahead",),
    EventKind.FAULT: ("ahead",),
    EventKind.RECOVERED: ("ahead", "outage_ms", "journalled_upper_pc", "journalled_nominal_pc"),
}


# --- shapes of terms ----------------------------------------------------------------------------------
def setpoint_of(current: Expression) -> Expression:
    """A level floored to the device's current step, nA."""
    return multiply(step, divide_floor(current, step))


def worst_of(current: Expression) -> Expression:
    """The highest current that the skin may receive while the output is on at `current`, nA."""
    return add(current, divide_ceiling(multiply(current, accuracy), MILLION), offset)


def mean_of(current: Expression, part_ppm: Expression) -> Expression:
    """The mean of |I|, nA, of a setpoint under a waveform of this share, rounded up; of direct current."""
    rounded = minimum(current, divide_ceiling(multiply(current, part_ppm), MILLION))
    return choose(equal(part_ppm, MILLION), current, rounded)


def rounding_of(part_ppm: Expression) -> Expression:
    """At most what rounding adds to a mean, nA: nothing to that of direct current."""
    return choose(equal(part_ppm, MILLION), NONE, ONE)


def braking_of(current: Expression, part_ppm: Expression) -> Expression:
    """2e12 * fall times a bound on the charge, pC, of the stop that begins from `current`.

    Let I be the level, d the fall of a tick, s the waveform's share and r the rounding of a mean. The stop
    emits at most s (I - d) + r, s (I - 2d) + r, ... each for a tick, in the worst case (1 + p) of it plus
    offset plus one for rounding: less than (1 + p) * s * tick * I * (I + 2d) / 2d
    + tick * (offset + 1 + (1 + p) r) * (I + d) / d. The bound is kept as a product so that the rules need no
    division; everything is an integer, so comparing the products loses nothing.
    """
    inexact = add(MILLION, accuracy)
    each = add(multiply(MILLION, add(offset, ONE)), multiply(inexact, rounding_of(part_ppm)))
    return multiply(
        tick,
        add(
            multiply(inexact, part_ppm, current, add(current, multiply(TWO, fall))),
            multiply(TWO, MILLION, each, add(current, fall)),
        ),
    )


def room_of(charge: Expression) -> Expression:
    """A charge, pC, as `braking_of` measures it."""
    return multiply(TWO, MILLION, MILLION, fall, charge)


def nominal_braking_of(
    current: Expression, part_ppm: Expression, count: Expression | None = None
) -> Expression:
    """2e6 times a bound on the nominal charge, pC, of the stop that begins from `current`, its levels not yet
    floored; exact for direct current. It goes on for `count` ticks: as many falls as are in the level.
    """
    ticks = divide_floor(current, fall) if count is None else count
    return multiply(
        tick,
        add(
            multiply(
                part_ppm,
                subtract(multiply(TWO, ticks, current), multiply(fall, ticks, add(ticks, ONE))),
            ),
            multiply(TWO, MILLION, ticks, rounding_of(part_ppm)),
        ),
    )


def nominal_room_of(charge: Expression) -> Expression:
    """A charge, pC, as `nominal_braking_of` measures it."""
    return multiply(TWO, MILLION, charge)


def _greater(left: Expression, right: Expression) -> Expression:
    return compare(Operator.GREATER, left, right)


def define(name: str, sort: Sort = Sort.INTEGER) -> Expression:
    """A reference to a definition."""
    return integer_reference(name) if sort is Sort.INTEGER else boolean_reference(name)


# --- definitions: in an order in which each needs only the ones before it -------------------------------
exposed = define("exposed_na")
too_much = define("too_much", Sort.BOOLEAN)
settled = define("settled_pc")
doubtful = define("doubtful_pc")
wished_set = define("wished_set_na")
wished_mean = define("wished_mean_na")
wished_worst = define("wished_worst_na")
wished_falls = define("wished_falls")
wished_exposure = define("wished_exposure_na")
fallen = define("fallen_na")
fallen_set = define("fallen_set_na")
fallen_charged = define("fallen_charged_na")
fallen_worst = define("fallen_worst_na")
top = define("top_na")
top_worst = define("top_worst_na")
held_set = define("held_set_na")
elapsed_next = define("elapsed_next_ms")
cap_now = define("cap_now_pc")
cap_nominal_now = define("cap_nominal_now_pc")
duration_cap_now = define("duration_cap_now_ms")
within_current = define("within_current", Sort.BOOLEAN)
within_slew = define("within_slew", Sort.BOOLEAN)
within_upper = define("within_upper", Sort.BOOLEAN)
within_nominal = define("within_nominal", Sort.BOOLEAN)
within_duration = define("within_duration", Sort.BOOLEAN)
same_polarity = define("same_polarity", Sort.BOOLEAN)
allowed = define("allowed", Sort.BOOLEAN)
may_interrupt = define("may_interrupt", Sort.BOOLEAN)

DEFINITIONS: dict[str, Expression] = {
    # What the interval that ends may have been at: what was asked for if the device has confirmed it.
    "exposed_na": choose(acknowledged, paid, exposure),
    # A reading inside the stated accuracy says nothing new; with the output off the offset still reads.
    "too_much": _greater(measured, maximum(exposed, offset)),
    # The upper ledger, once the interval that ends is settled. It was charged at `paid_na` when it began.
    "settled_pc": add(upper, multiply(tick, subtract(choose(too_much, worst_of(measured), exposed), paid))),
    # The same between ticks, when nothing is known yet about the interval that runs.
    "doubtful_pc": add(upper, multiply(tick, subtract(exposure, paid))),
    "wished_set_na": setpoint_of(aim),
    # What adds up is the mean of |I|.
    "wished_mean_na": mean_of(wished_set, aim_share),
    "wished_worst_na": worst_of(wished_mean),
    "wished_falls": divide_floor(aim, fall),
    "wished_exposure_na": maximum(exposed, wished_worst),
    "fallen_na": subtract(level, fall),
    "fallen_set_na": setpoint_of(fallen),
    "fallen_charged_na": mean_of(fallen_set, share),
    "fallen_worst_na": worst_of(fallen_charged),
    "top_na": maximum(current_cap, current_cap_reversed),
    "top_worst_na": worst_of(top),
    "held_set_na": setpoint_of(level),
    # Time runs from the first energised tick, which makes it positive.
    "elapsed_next_ms": choose(_greater(elapsed, NONE), add(elapsed, tick), NONE),
    # No cap is above that of the session, whatever is said of moving windows and of people's time.
    "cap_now_pc": minimum(cap, window_cap),
    "cap_nominal_now_pc": minimum(cap_nominal, window_cap_nominal),
    "duration_cap_now_ms": minimum(duration_cap, deadline),
    "within_current": conjunction(
        less_equal(NONE, aim),
        less_equal(aim, choose(equal(aim_sign, ONE), current_cap, current_cap_reversed)),
        less_equal(NONE, aim_share),
        less_equal(aim_share, MILLION),
    ),
    "within_slew": conjunction(
        less_equal(absolute(subtract(aim, level)), rise), disjunction(less_equal(aim, level), acknowledged)
    ),
    "within_upper": less_equal(
        braking_of(aim, aim_share),
        room_of(
            subtract(cap_now, add(settled, multiply(tick, wished_worst), multiply(watchdog, wished_exposure)))
        ),
    ),
    "within_nominal": less_equal(
        nominal_braking_of(aim, aim_share, wished_falls),
        nominal_room_of(subtract(cap_nominal_now, add(nominal, multiply(tick, wished_mean)))),
    ),
    "within_duration": less_equal(
        multiply(tick, aim), multiply(fall, subtract(duration_cap_now, add(elapsed, tick)))
    ),
    "same_polarity": conjunction(
        equal(absolute(aim_sign), ONE), disjunction(equal(aim_sign, sign), equal(level, NONE))
    ),
    "allowed": conjunction(
        equal(wish, Constant(Wish.DRIVE.value)),
        within_current,
        within_slew,
        same_polarity,
        within_duration,
        within_nominal,
        within_upper,
    ),
    "may_interrupt": conjunction(may_resume, less_equal(add(interruptions, ONE), interruptions_max)),
}
