"""What the cases of the machine's table do to its variables: each block is one idea, with one name."""

from __future__ import annotations

from ionto_ir.expression import (
    Constant,
    Expression,
    Operator,
    add,
    choose,
    compare,
    conjunction,
    equal,
    less_equal,
    maximum,
    multiply,
)
from ionto_ir.machine_terms import (
    NONE,
    ONE,
    Wish,
    ahead,
    aim,
    aim_share,
    aim_sign,
    doubtful,
    elapsed,
    elapsed_next,
    exposed,
    exposure,
    fall,
    fallen,
    fallen_charged,
    fallen_worst,
    held_set,
    interruptions,
    journal_lag,
    journalled_nominal,
    journalled_upper,
    level,
    nominal,
    outage,
    overcurrent,
    paid,
    pause,
    pause_max,
    settled,
    tick,
    too_much,
    top,
    top_worst,
    watchdog,
    wish,
    wished_exposure,
    wished_mean,
    wished_worst,
)

Updates = dict[str, Expression]


def positive(term: Expression) -> Expression:
    """term > 0."""
    return compare(Operator.GREATER, term, NONE)


STARTED = positive(elapsed)
OVERCURRENT_NEXT = choose(too_much, add(overcurrent, ONE), NONE)
INTERRUPTED: Updates = {"interruptions": add(interruptions, ONE), "pause_ms": NONE}

# The interval that ended is settled; the next one is at rest.
AT_REST: Updates = {
    "level_na": NONE,
    "paid_na": NONE,
    "exposure_na": exposed,
    "upper_pc": settled,
    "elapsed_ms": elapsed_next,
    "overcurrent": OVERCURRENT_NEXT,
}
PAUSE_CLOCK: Updates = {"pause_ms": add(pause, tick)}
CLOCK: Updates = {"elapsed_ms": elapsed_next}

# The next interval is at what was wished for.
AS_WISHED: Updates = {
    "level_na": aim,
    "sign": aim_sign,
    "share_ppm": aim_share,
    "paid_na": wished_worst,
    "exposure_na": wished_exposure,
    "upper_pc": add(settled, multiply(tick, wished_worst)),
    "nominal_pc": add(nominal, multiply(tick, wished_mean)),
    "elapsed_ms": add(elapsed, tick),
    "duration_ms": add(elapsed, tick),
    "overcurrent": OVERCURRENT_NEXT,
}

# The next interval is one fall lower.
FALLING: Updates = {
    "level_na": fallen,
    "paid_na": fallen_worst,
    "exposure_na": maximum(exposed, fallen_worst),
    "upper_pc": add(settled, multiply(tick, fallen_worst)),
    "nominal_pc": add(nominal, multiply(tick, fallen_charged)),
    "elapsed_ms": add(elapsed, tick),
    "duration_ms": add(elapsed, tick),
    "overcurrent": OVERCURRENT_NEXT,
}

# Opened between two ticks: what the device holds is not known until it confirms.
OPENED: Updates = {"level_na": NONE, "paid_na": NONE, "upper_pc": doubtful}

# Confirmed late: the interval that runs may have been at what was held before.
SETTLED_LATE: Updates = {"exposure_na": paid, "upper_pc": doubtful}

# The link is gone: all that the device may still deliver is charged now.
LEFT_ALONE: Updates = {
    "level_na": NONE,
    "paid_na": NONE,
    "exposure_na": NONE,
    "upper_pc": add(doubtful, multiply(watchdog, exposure)),
    "nominal_pc": add(nominal, multiply(watchdog, held_set)),
}

# After a crash nothing is known but the journal.
UNKNOWN_MS = add(multiply(add(journal_lag, ONE), tick), watchdog)
CRASHED: Updates = {
    "level_na": NONE,
    "paid_na": NONE,
    "exposure_na": NONE,
    "upper_pc": add(journalled_upper, multiply(UNKNOWN_MS, top_worst)),
    "nominal_pc": add(journalled_nominal, multiply(UNKNOWN_MS, top)),
    "elapsed_ms": choose(STARTED, add(elapsed, outage), NONE),
}

WISHES_REST = equal(wish, Constant(Wish.REST.value))
WISHES_END = equal(wish, Constant(Wish.FINISH.value))
AT_ZERO = equal(level, NONE)
STILL_HIGH = compare(Operator.GREATER, level, fall)
UNCONFIRMED = positive(exposed)
AHEAD_AND_STARTED = conjunction(ahead, STARTED)
PAUSE_OVER = compare(Operator.GREATER, add(pause, tick), pause_max)
OUTAGE_BEARABLE = less_equal(add(pause, outage), pause_max)
OUTAGE_ONLY: Updates = {"pause_ms": outage}
PAUSE_AND_OUTAGE: Updates = {"pause_ms": add(pause, outage)}
