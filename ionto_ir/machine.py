"""The machine: every rule by which current may flow, as one table of guarded commands.

It is written once. `compile_machine` makes functions of it that run, `machine_proof` makes solver terms of it
that are proved, `diagram` draws it for the manual. The rules in words:

 1. Nothing is energised before screening was passed and a person said begin, nor after the session has ended.
 2. Only a tick sets a current. What the sequencer wants of the next tick is a wish; the table grants it or
    does not.
 3. A wish is granted when the level stays under the current cap; moves by at most `rise_na`, and upwards only
    if the device has confirmed the last command; keeps its polarity unless the level is zero; and leaves room
    in both ledgers and in the time for this tick and for the stop that may follow it. The upper ledger also
    keeps room for a lost link: the device may hold the current until its watchdog ends it.
 4. A wish that is not granted is a trip: the session stops.
 5. A tick is charged when it begins, at the worst case of what is set (under a waveform, of its mean of
    |I|). When it ends, what an unconfirmed device may have held instead, or what was measured beyond the
    stated accuracy, is added. The upper ledger only grows.
 6. A pause, a stop and a trip fall by `fall_na` a tick and open the output at zero.
 7. A lead that came off, a fault, an emergency stop and a lost link open the output at once. So does more
    current than the device's accuracy allows, measured in two ticks that follow each other.
 8. A lost link is charged at the highest current that the device may hold until its watchdog ends it; a crash
    at the highest current there is, for the ticks that the journal may lack, one more, and the watchdog.
 9. Only a person resumes: from a pause, from a lost link, from a crash. What is resumed starts from zero and
    passes rule 3 again. Interruptions are counted; where no further one is allowed, it ends the session.
10. An ended session stays ended.
11. Every other event changes nothing, and is answered with the reason.
"""

from __future__ import annotations

from ionto_ir.expression import TRUE, Expression, conjunction, less_equal, negation
from ionto_ir.machine_table import Case, Ending, Output, Row, completed
from ionto_ir.machine_terms import NONE, EventKind, ahead, may_interrupt, newest, outage, pause_max, screened
from ionto_ir.machine_ticks import TICKS, ends, reason_is
from ionto_ir.machine_updates import (
    AHEAD_AND_STARTED,
    CRASHED,
    INTERRUPTED,
    LEFT_ALONE,
    OPENED,
    OUTAGE_BEARABLE,
    OUTAGE_ONLY,
    PAUSE_AND_OUTAGE,
    SETTLED_LATE,
    STARTED,
)
from ionto_ir.state import Mode

IDLE, READY, ON, PAUSING, PAUSED, STOPPING, LOST, ENDED = Mode

ENERGISED = (ON, PAUSING, STOPPING)
"""The modes in which the output is on."""

RESTART: dict[str, Expression] = {"pause_ms": NONE}

PERSONS: tuple[Row, ...] = (
    Row(
        (IDLE,),
        EventKind.BEGIN,
        (
            Case("begin", screened, READY, granted=True),
            ends("begin.refused", Ending.NOT_SCREENED, {}),
        ),
    ),
    Row((READY,), EventKind.CONFIRM, (Case("confirm", granted=True),)),
    Row((READY,), EventKind.ENTER, (Case("enter", granted=True),)),
    Row((READY, ON, PAUSING, PAUSED, LOST), EventKind.ADJUST, (Case("adjust", granted=True),)),
    Row((READY, ON), EventKind.DEMAND, (Case("demand", granted=True),)),
    Row(
        (READY,),
        EventKind.PAUSE,
        (
            Case(
                "pause.at_rest",
                conjunction(AHEAD_AND_STARTED, may_interrupt),
                PAUSED,
                INTERRUPTED,
                prompt=True,
            ),
            ends("pause.ends", Ending.NO_RESUME, OPENED, AHEAD_AND_STARTED),
            Case("pause.nothing", refusal="no current flows"),
        ),
    ),
    Row(
        (ON,),
        EventKind.PAUSE,
        (
            Case("pause.falls", may_interrupt, PAUSING, INTERRUPTED),
            Case("pause.stops", TRUE, STOPPING, reason_is(Ending.NO_RESUME)),
        ),
    ),
    Row((PAUSED,), EventKind.RESUME, (Case("resume", TRUE, READY, RESTART, granted=True, again=True),)),
    Row((IDLE, READY, PAUSED, LOST), EventKind.STOP, (ends("stop.at_rest", Ending.STOPPED, OPENED),)),
    Row((ON, PAUSING), EventKind.STOP, (Case("stop.falls", TRUE, STOPPING, reason_is(Ending.STOPPED)),)),
    Row(
        (IDLE, READY, ON, PAUSING, PAUSED, STOPPING, LOST),
        EventKind.EMERGENCY_STOP,
        (ends("emergency_stop", Ending.EMERGENCY, OPENED, alarm="F09"),),
    ),
)


def _lose(name: str, updates: dict[str, Expression], when: Expression = TRUE) -> Case:
    return Case(name, when, LOST, {**LEFT_ALONE, **updates}, Output.OFF, alarm="F03")


def _open(name: str, updates: dict[str, Expression], when: Expression = TRUE) -> Case:
    return Case(name, when, PAUSED, {**OPENED, **updates}, Output.OFF, alarm="F01", prompt=True)


def _recover(name: str, updates: dict[str, Expression], when: Expression = TRUE) -> Case:
    return Case(name, when, PAUSED, {**CRASHED, **updates}, Output.OFF, alarm="F07", prompt=True)


LINK: tuple[Row, ...] = (
    Row(
        (READY,),
        EventKind.LINK_LOST,
        (
            _lose("link_lost.at_rest", INTERRUPTED, conjunction(AHEAD_AND_STARTED, may_interrupt)),
            ends("link_lost.ends", Ending.LINK_LOST, LEFT_ALONE, AHEAD_AND_STARTED, "F03"),
            _lose("link_lost.before", RESTART, ahead),
            Case("link_lost.after", refusal="no more current is to come"),
        ),
    ),
    Row(
        (ON,),
        EventKind.LINK_LOST,
        (
            _lose("link_lost.on", INTERRUPTED, may_interrupt),
            ends("link_lost.ends", Ending.LINK_LOST, LEFT_ALONE, alarm="F03"),
        ),
    ),
    Row((PAUSING, PAUSED), EventKind.LINK_LOST, (_lose("link_lost.pausing", {}),)),
    Row(
        (STOPPING,),
        EventKind.LINK_LOST,
        (ends("link_lost.stopping", Ending.AS_DECIDED, LEFT_ALONE, alarm="F03"),),
    ),
    Row((LOST,), EventKind.LINK_BACK, (Case("link_back", TRUE, PAUSED, prompt=True),)),
    Row(tuple(Mode), EventKind.ACK, (Case("ack.newest", newest, None, SETTLED_LATE), Case("ack.older"))),
)

FAULTS: tuple[Row, ...] = (
    Row(
        (READY,),
        EventKind.LEAD_OFF,
        (
            _open("lead_off.at_rest", INTERRUPTED, conjunction(AHEAD_AND_STARTED, may_interrupt)),
            ends("lead_off.ends", Ending.LEAD_OFF, OPENED, AHEAD_AND_STARTED, "F01"),
            _open("lead_off.before", RESTART, ahead),
            Case("lead_off.after", refusal="no more current is to come"),
        ),
    ),
    Row(
        (ON,),
        EventKind.LEAD_OFF,
        (
            _open("lead_off.on", INTERRUPTED, may_interrupt),
            ends("lead_off.ends", Ending.LEAD_OFF, OPENED, alarm="F01"),
        ),
    ),
    Row((PAUSING,), EventKind.LEAD_OFF, (_open("lead_off.pausing", {}),)),
    Row(
        (STOPPING,),
        EventKind.LEAD_OFF,
        (ends("lead_off.stopping", Ending.AS_DECIDED, OPENED, alarm="F01"),),
    ),
    Row(
        (READY,),
        EventKind.FAULT,
        (
            ends("fault.at_rest", Ending.FAULT, OPENED, ahead, "F06"),
            Case("fault.after", refusal="no more current is to come"),
        ),
    ),
    Row(
        (IDLE, ON, PAUSING, PAUSED, STOPPING, LOST),
        EventKind.FAULT,
        (ends("fault", Ending.FAULT, OPENED, alarm="F06"),),
    ),
)

CRASHES: tuple[Row, ...] = (
    Row(
        (READY,),
        EventKind.RECOVERED,
        (
            Case("recovered.after", negation(ahead), None, CRASHED, Output.OFF, alarm="F07", again=True),
            _recover("recovered.before", RESTART, negation(STARTED)),
            _recover(
                "recovered.at_rest",
                {**INTERRUPTED, **OUTAGE_ONLY},
                conjunction(may_interrupt, less_equal(outage, pause_max)),
            ),
            ends("recovered.ends", Ending.HOST_FAILED, CRASHED, alarm="F07"),
        ),
    ),
    Row(
        (ON,),
        EventKind.RECOVERED,
        (
            _recover(
                "recovered.on",
                {**INTERRUPTED, **OUTAGE_ONLY},
                conjunction(may_interrupt, less_equal(outage, pause_max)),
            ),
            ends("recovered.ends", Ending.HOST_FAILED, CRASHED, alarm="F07"),
        ),
    ),
    Row(
        (PAUSING, PAUSED, LOST),
        EventKind.RECOVERED,
        (
            _recover("recovered.pausing", PAUSE_AND_OUTAGE, OUTAGE_BEARABLE),
            ends("recovered.too_late", Ending.PAUSE_TOO_LONG, CRASHED, alarm="F08"),
        ),
    ),
    Row(
        (STOPPING,),
        EventKind.RECOVERED,
        (ends("recovered.stopping", Ending.AS_DECIDED, CRASHED, alarm="F07"),),
    ),
    Row((ENDED,), EventKind.RECOVERED, (Case("recovered.ended", TRUE, None, CRASHED, Output.OFF),)),
)

REFUSALS: dict[EventKind, str] = {
    EventKind.BEGIN: "the session has already begun",
    EventKind.CONFIRM: "nothing is to be confirmed now",
    EventKind.ENTER: "no value is asked for now",
    EventKind.ADJUST: "nothing can be adjusted now",
    EventKind.DEMAND: "no dose can begin now",
    EventKind.PAUSE: "there is nothing to pause",
    EventKind.RESUME: "there is nothing to resume, or the current has not reached zero",
    EventKind.STOP: "the session is stopping or has ended",
    EventKind.EMERGENCY_STOP: "the session has ended",
    EventKind.LINK_LOST: "no link was needed",
    EventKind.LINK_BACK: "no link was lost",
    EventKind.LEAD_OFF: "the output is open already",
    EventKind.FAULT: "the session has ended",
    EventKind.RECOVERED: "there was no session to recover",
}

TABLE: tuple[Row, ...] = completed((*TICKS, *PERSONS, *LINK, *FAULTS, *CRASHES), REFUSALS)
"""Every mode and event, once. Cases of a row are tried in order and the last always applies."""
