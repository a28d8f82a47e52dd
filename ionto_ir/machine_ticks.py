"""The rows of the machine's table for a tick: the only event that sets a current."""

from __future__ import annotations

from ionto_ir.expression import TRUE, Constant, Expression, conjunction
from ionto_ir.machine_table import Case, Ending, Output, Row
from ionto_ir.machine_terms import EventKind, allowed, overcurrent, too_much
from ionto_ir.machine_updates import (
    AS_WISHED,
    AT_REST,
    AT_ZERO,
    CLOCK,
    FALLING,
    PAUSE_CLOCK,
    PAUSE_OVER,
    STILL_HIGH,
    UNCONFIRMED,
    WISHES_END,
    WISHES_REST,
    Updates,
    positive,
)
from ionto_ir.state import Mode

IDLE, READY, ON, PAUSING, PAUSED, STOPPING, LOST, ENDED = Mode


def reason_is(ending: Ending) -> Updates:
    """Remember why the machine stops, for the words at the end."""
    return {"reason": Constant(ending.value)}


def ends(
    name: str, ending: Ending, updates: Updates, when: Expression = TRUE, alarm: str | None = None
) -> Case:
    """A case that opens the output and ends the session."""
    reason = {} if ending is Ending.AS_DECIDED else reason_is(ending)
    return Case(name, when, ENDED, {**updates, **reason}, Output.OFF, alarm=alarm, ending=ending)


OVER_CURRENT = ends(
    "tick.over_current", Ending.OVER_CURRENT, AT_REST, conjunction(too_much, positive(overcurrent)), "F02"
)
DRIVE = Case("tick.drive", allowed, ON, AS_WISHED, Output.SET, granted=True)


def _finish(when: Expression) -> Case:
    return Case(
        "tick.finish",
        when,
        ENDED,
        {**AT_REST, **reason_is(Ending.FINISHED)},
        Output.OFF,
        granted=True,
        ending=Ending.FINISHED,
    )


TICKS: tuple[Row, ...] = (
    Row((IDLE,), EventKind.TICK, (Case("tick.idle"),)),
    Row(
        (READY,),
        EventKind.TICK,
        (
            OVER_CURRENT,
            DRIVE,
            _finish(WISHES_END),
            Case(
                "tick.rest_unconfirmed",
                conjunction(WISHES_REST, UNCONFIRMED),
                None,
                AT_REST,
                Output.OFF,
                granted=True,
            ),
            Case("tick.rest", WISHES_REST, None, AT_REST, granted=True),
            ends("tick.trip", Ending.LIMIT, AT_REST, alarm="F04"),
        ),
    ),
    Row(
        (ON,),
        EventKind.TICK,
        (
            OVER_CURRENT,
            DRIVE,
            Case(
                "tick.come_to_rest",
                conjunction(WISHES_REST, AT_ZERO),
                READY,
                AT_REST,
                Output.OFF,
                granted=True,
            ),
            _finish(conjunction(WISHES_END, AT_ZERO)),
            Case(
                "tick.trip_falling",
                STILL_HIGH,
                STOPPING,
                {**FALLING, **reason_is(Ending.LIMIT)},
                Output.SET,
                alarm="F04",
            ),
            ends("tick.trip", Ending.LIMIT, AT_REST, alarm="F04"),
        ),
    ),
    Row(
        (PAUSING,),
        EventKind.TICK,
        (
            OVER_CURRENT,
            Case("tick.fall_to_pause", STILL_HIGH, None, {**FALLING, **PAUSE_CLOCK}, Output.SET),
            Case("tick.paused", TRUE, PAUSED, {**AT_REST, **PAUSE_CLOCK}, Output.OFF, prompt=True),
        ),
    ),
    Row(
        (STOPPING,),
        EventKind.TICK,
        (
            OVER_CURRENT,
            Case("tick.fall_to_end", STILL_HIGH, None, FALLING, Output.SET),
            ends("tick.stopped", Ending.AS_DECIDED, AT_REST),
        ),
    ),
    Row(
        (PAUSED,),
        EventKind.TICK,
        (
            OVER_CURRENT,
            ends("tick.pause_over", Ending.PAUSE_TOO_LONG, {**AT_REST, **PAUSE_CLOCK}, PAUSE_OVER, "F08"),
            Case("tick.pause_unconfirmed", UNCONFIRMED, None, {**AT_REST, **PAUSE_CLOCK}, Output.OFF),
            Case("tick.pause", TRUE, None, {**AT_REST, **PAUSE_CLOCK}),
        ),
    ),
    Row(
        (LOST,),
        EventKind.TICK,
        (
            ends("tick.link_away", Ending.PAUSE_TOO_LONG, {**PAUSE_CLOCK, **CLOCK}, PAUSE_OVER, "F08"),
            Case("tick.link_awaited", TRUE, None, {**PAUSE_CLOCK, **CLOCK}),
        ),
    ),
    Row(
        (ENDED,),
        EventKind.TICK,
        (
            Case("tick.end_unconfirmed", UNCONFIRMED, None, AT_REST, Output.OFF),
            Case("tick.ended"),
        ),
    ),
)
