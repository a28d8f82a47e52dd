"""How the world around the machine moves: the assumptions of the machine theorem, as terms and as sentences.

The device may or may not hear a command; if it does not, it holds what it has until its watchdog ends it. The
journal may or may not have a tick yet. The sequencer, people and faults may do anything at any moment.
"""

from __future__ import annotations

from ionto_ir.dataclass import dataclass
from ionto_ir.expression import (
    TRUE,
    Expression,
    add,
    conjunction,
    disjunction,
    equal,
    integer_reference,
    less_equal,
    maximum,
    minimum,
    multiply,
    negation,
    subtract,
)
from ionto_ir.machine_invariant import (
    before,
    before_nominal,
    held,
    journal_before,
    journal_before_nominal,
    journal_nominal,
    journal_upper,
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
    NONE,
    ONE,
    EventKind,
    accuracy,
    acknowledged,
    cap,
    cap_nominal,
    current_cap,
    current_cap_reversed,
    deadline,
    duration_cap,
    fall,
    fallen_charged,
    interruptions_max,
    journal_lag,
    journalled_nominal,
    journalled_upper,
    measured,
    newest,
    offset,
    outage,
    paid,
    rise,
    step,
    tick,
    watchdog,
    window_cap,
    window_cap_nominal,
    wished_mean,
)

ASSUMPTIONS = (
    "between two ticks the device holds what it last heard, for at most the tick's length",
    "the skin receives at most the setpoint and the device's stated accuracy, and nothing while it is open",
    "under a waveform the mean of |I| is at most its share of the setpoint, rounded up to whole nA",
    "a moving window is told the session's ledger as it was when the window began, or less",
    "a device that hears nothing goes to zero by itself when its watchdog's time has passed",
    "a command that the device has acknowledged is in force from the tick at which it was sent",
    "the journal lacks at most its stated number of ticks; every other event is in it before it is acted on",
    "after a crash the clock has gone on by no less than the journal lacks",
    "after a lost link, and after a crash, the output is seen to be off before the session goes on",
    "power loss, lost links, emergency stops and faults open the output at once, exempt from the slew rule",
    "a change of the output by one step of the device counts as continuous",
)

true_next = integer_reference("true_charge_next_pc")
"""What the skin has received after a transition: the only variable of the world that is merely bounded."""

CLOCK_CAP = minimum(duration_cap, deadline)
"""What the clock may come to in the tick that begins, ms."""

LEFT = multiply(subtract(watchdog, silent), held)
"""What the device may still deliver if it never hears from us again, pC."""


@dataclass(frozen=True, slots=True)
class Move:
    """One way in which the world may move: its variables afterwards, and what is believed of them."""

    name: str
    after: dict[str, Expression]
    believed: Expression


def constants_assumed() -> Expression:
    """What is assumed of the constants: nothing but their signs."""
    positive = (tick, step, rise, fall)
    others = (
        current_cap,
        current_cap_reversed,
        accuracy,
        offset,
        watchdog,
        journal_lag,
        limit,
        limit_nominal,
        interruptions_max,
    )
    return conjunction(
        *(less_equal(ONE, constant) for constant in positive),
        *(less_equal(NONE, constant) for constant in others),
    )


def inputs_assumed(event: EventKind) -> Expression:
    """What is assumed of an event's inputs; everything else about them is arbitrary."""
    match event:
        case EventKind.TICK:
            heard = disjunction(negation(acknowledged), less_equal(held, paid))
            told = (
                less_equal(minimum(cap, window_cap), add(limit, before)),
                less_equal(minimum(cap_nominal, window_cap_nominal), add(limit_nominal, before_nominal)),
            )
            return conjunction(less_equal(NONE, measured), heard, *told)
        case EventKind.ACK:
            return disjunction(negation(newest), less_equal(held, paid))
        case EventKind.RECOVERED:
            return conjunction(
                less_equal(NONE, outage),
                equal(journalled_upper, journal_upper),
                equal(journalled_nominal, journal_nominal),
            )
        case _:
            return conjunction()


def device_moves(event: EventKind, case: Case, after: dict[str, Expression]) -> tuple[Move, ...]:
    """What the device may do with this case; `after` are the machine's new variables."""
    if event is not EventKind.TICK:
        return _between_ticks(event, case)
    emitted = multiply(tick, wished_mean if case.granted else fallen_charged)
    emitted = emitted if case.output is Output.SET else NONE
    moves = _unheard() if case.output is Output.KEEP else (_heard(after["paid_na"]), *_unheard())
    others = {"set_charge_pc": add(set_charge, emitted), "latest_ms": maximum(latest, CLOCK_CAP)}
    return tuple(Move(move.name, {**others, **move.after}, move.believed) for move in moves)


def journal_moves(event: EventKind, after: dict[str, Expression]) -> tuple[Move, ...]:
    """What the journal may have of this case: a tick may still be missing, every other event is there."""
    recorded = {
        "journal_upper_pc": after["upper_pc"],
        "journal_nominal_pc": after["nominal_pc"],
        "journal_before_pc": after["before_pc"],
        "journal_before_nominal_pc": after["before_nominal_pc"],
        "unrecorded_ticks": NONE,
    }
    if event is not EventKind.TICK:
        return (Move("recorded", recorded, TRUE),)
    missing = add(unrecorded, ONE)
    lagging = Move("not yet recorded", {"unrecorded_ticks": missing}, less_equal(missing, journal_lag))
    return (Move("recorded", recorded, TRUE), lagging)


def _heard(paid_next: Expression) -> Move:
    after = {"held_na": paid_next, "silent_ms": NONE, "true_charge_pc": true_next}
    return Move("heard", after, _receives(multiply(tick, paid_next)))


def _receives(most: Expression) -> Expression:
    """The skin receives something, and at most this much."""
    return conjunction(less_equal(true_charge, true_next), less_equal(true_next, add(true_charge, most)))


def _unheard() -> tuple[Move, Move]:
    """The device holds what it has: for the whole tick, or until its watchdog's time has passed."""
    later = add(silent, tick)
    held_on = Move(
        "unheard",
        {"silent_ms": later, "true_charge_pc": true_next},
        conjunction(less_equal(later, watchdog), _receives(multiply(tick, held))),
    )
    expired = Move(
        "expired",
        {"silent_ms": watchdog, "true_charge_pc": true_next},
        conjunction(less_equal(watchdog, later), _receives(LEFT)),
    )
    return held_on, expired


def _between_ticks(event: EventKind, case: Case) -> tuple[Move, ...]:
    """The running interval is accounted for to its end; only what is held after it can change."""
    if case.output is Output.KEEP:
        return (Move("as before", {}, TRUE),)
    silence: dict[str, Expression] = {"held_na": NONE, "silent_ms": NONE}
    if event is EventKind.RECOVERED:
        # The machine goes on from the journal: what it knows of the window is what the journal knew.
        silence |= {"before_pc": journal_before, "before_nominal_pc": journal_before_nominal}
    if event in (EventKind.LINK_LOST, EventKind.RECOVERED):
        return (Move("left alone", {**silence, "true_charge_pc": true_next}, _receives(LEFT)),)
    return (Move("heard", silence, TRUE), Move("unheard", {}, TRUE))
