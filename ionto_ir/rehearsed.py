"""What comes of a scenario, and what its occurrences are to the machine."""

from __future__ import annotations

from collections.abc import Mapping

from ionto_ir.bind import Needed, Refusal
from ionto_ir.dataclass import dataclass
from ionto_ir.dry_run import Run
from ionto_ir.events import (
    Adjust,
    DeviceFault,
    EmergencyStop,
    Event,
    FaultKind,
    LinkBack,
    LinkLost,
    Pause,
    Press,
    Resume,
    Stop,
)
from ionto_ir.expression import Value
from ionto_ir.observer import Violation
from ionto_ir.scenario import Happening, Occurrence
from ionto_ir.terminals import Terminals
from ionto_ir.trace import Observation, Trace


@dataclass(frozen=True, slots=True)
class Rehearsed:
    """A scenario that ran: `values` are those of its start; `finished` says that the plan reached an end of
    its own.

    `reason` is why it ended; `classified` what tables said of recorded values; `violations` what the observer
    saw. With several channels `traces` has one for each, `alone` says what came of each, and `run` is what
    people do around them.
    """

    values: Mapping[str, Value]
    run: Run
    observed: Observation
    finished: bool
    reason: str
    classified: tuple[tuple[str, str], ...]
    violations: tuple[Violation, ...]
    cautions: tuple[Needed, ...]
    traces: tuple[Trace, ...] = ()
    alone: tuple[Rehearsed, ...] = ()


Outcome = Rehearsed | Refusal


def event_of(item: Occurrence) -> Event:
    """The event of an occurrence that is one for the machine."""
    if item.happening is Happening.ADJUST:
        assert item.variable is not None and item.value is not None, "an adjustment says what is adjusted"
        return Adjust(item.variable, item.value)
    if item.happening is Happening.PRESS:
        assert item.variable is not None, "a press says which button"
        return Press(item.variable)
    return _EVENTS[item.happening]


def read(item: Occurrence, terminals: Terminals) -> None:
    """Change what is read from then on, as an occurrence says."""
    name = item.happening.value
    terminals.forced.pop(name, None)
    if item.variable == "missing":
        terminals.forced[name] = None
    elif item.value is not None and item.happening is Happening.IMPEDANCE:
        terminals.impedance_ohm = int(item.value)
    elif item.value is not None:
        terminals.forced[name] = int(item.value)
    elif item.happening is Happening.IMPEDANCE:
        terminals.impedance_ohm = terminals.usual_ohm


_EVENTS: dict[Happening, Event] = {
    Happening.PAUSE: Pause(),
    Happening.RESUME: Resume(),
    Happening.STOP: Stop(),
    Happening.EMERGENCY_STOP: EmergencyStop(),
    Happening.LEAD_OFF: DeviceFault(FaultKind.LEAD_OFF),
    Happening.LINK_LOST: LinkLost(),
    Happening.LINK_BACK: LinkBack(),
}
