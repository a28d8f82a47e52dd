"""The shape of the machine's table: rows of ordered cases, made total and exclusive by construction."""

from __future__ import annotations

from enum import IntEnum

from ionto_ir.dataclass import dataclass, field
from ionto_ir.expression import TRUE, Expression, conjunction, negation
from ionto_ir.machine_terms import EventKind
from ionto_ir.state import Mode


class Output(IntEnum):
    """What a case does to the device's output."""

    KEEP = 0
    SET = 1  # to the setpoint of the new level
    OFF = 2


class Ending(IntEnum):
    """Why a session ended; AS_DECIDED is what the machine decided when it began to stop."""

    AS_DECIDED = 0
    FINISHED = 1
    STOPPED = 2
    NO_RESUME = 3
    PAUSE_TOO_LONG = 4
    EMERGENCY = 5
    OVER_CURRENT = 6
    FAULT = 7
    LEAD_OFF = 8
    LINK_LOST = 9
    LIMIT = 10
    INTERNAL = 11
    NOT_SCREENED = 12
    HOST_FAILED = 13


ENDING_TEXTS: dict[Ending, str] = {
    Ending.FINISHED: "finished",
    Ending.STOPPED: "stopped",
    Ending.NO_RESUME: "interrupted, and no further interruption is allowed",
    Ending.PAUSE_TOO_LONG: "interrupted for longer than is allowed",
    Ending.EMERGENCY: "emergency stop",
    Ending.OVER_CURRENT: "more current was measured than was set",
    Ending.FAULT: "the device reported a fault",
    Ending.LEAD_OFF: "an electrode came off, and no further interruption is allowed",
    Ending.LINK_LOST: "the device did not answer, and no further interruption is allowed",
    Ending.LIMIT: "a limit would have been passed",
    Ending.INTERNAL: "machine and interlock disagree",
    Ending.NOT_SCREENED: "the screening was not passed",
    Ending.HOST_FAILED: "the host failed, and no further interruption is allowed",
}


@dataclass(frozen=True, slots=True)
class Case:
    """One guarded command. It applies when its condition holds and no case before it in the row applies.

    `target` None keeps the mode. `granted` says that the sequencer's (or person's) wish is followed, so that
    the place in the plan moves on. `prompt` asks a person to resume; `again` asks the open question again.
    """

    name: str
    condition: Expression = TRUE
    target: Mode | None = None
    updates: dict[str, Expression] = field(default_factory=dict)
    output: Output = Output.KEEP
    granted: bool = False
    alarm: str | None = None
    ending: Ending | None = None
    prompt: bool = False
    again: bool = False
    refusal: str | None = None


@dataclass(frozen=True, slots=True)
class Row:
    """What an event does in some modes: the first case whose condition holds; the last one always does."""

    modes: tuple[Mode, ...]
    event: EventKind
    cases: tuple[Case, ...]


def guard_of(row: Row, index: int) -> Expression:
    """The full guard of a case: its own condition and none of the conditions before it."""
    earlier = (negation(case.condition) for case in row.cases[:index])
    return conjunction(row.cases[index].condition, *earlier)


def completed(rows: tuple[Row, ...], refusals: dict[EventKind, str]) -> tuple[Row, ...]:
    """The rows, and for every mode and event that they leave out a row that changes nothing and says so."""
    seen: set[tuple[Mode, EventKind]] = set()
    for row in rows:
        assert row.cases[-1].condition == TRUE, f"{row.event.name}: the last case must always apply"
        for mode in row.modes:
            assert (mode, row.event) not in seen, f"{mode.name} x {row.event.name} is written twice"
            seen.add((mode, row.event))
    added = []
    for event in EventKind:
        modes = tuple(mode for mode in Mode if (mode, event) not in seen)
        if modes:
            name = f"{event.name.lower()}.nothing"
            added.append(Row(modes, event, (Case(name, refusal=refusals.get(event)),)))
    return (*rows, *added)
