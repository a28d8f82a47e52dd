"""Scenarios: values, a timeline of events and expectations; a test and a counterexample are both this."""

from __future__ import annotations

from enum import Enum

from ionto_ir.dataclass import dataclass
from ionto_ir.expression import Value
from ionto_ir.source import Span


class Happening(Enum):
    """What a timeline can make happen; `variable` and `value` go with ADJUST and RECORD; with PRESS the
    `variable` is the button's name.

    The last three change what the device reads from then on: to `value`, or, as `variable` says, to `missing`
    or `normal`. A changed impedance also changes the voltage that is needed, as on skin.
    """

    PAUSE = "pause"
    RESUME = "resume"
    STOP = "stop"
    EMERGENCY_STOP = "emergency_stop"
    LEAD_OFF = "lead_off"
    LINK_LOST = "link_lost"
    LINK_BACK = "link_back"
    ADJUST = "adjust"
    RECORD = "record"
    PRESS = "press"
    AWAY = "away"  # from now on nobody answers what is asked
    BACK = "back"
    CURRENT = "current"
    IMPEDANCE = "impedance"
    VOLTAGE = "voltage"


READINGS = (Happening.CURRENT, Happening.IMPEDANCE, Happening.VOLTAGE)


@dataclass(frozen=True, slots=True)
class Occurrence:
    """A happening at a time of the session (ms after the first energised step began).

    It happens to the named channel, or where none is named to all.
    """

    at_ms: int
    happening: Happening
    variable: str | None
    value: Value | None
    span: Span | None
    channel: str | None = None


class Expected(Enum):
    """What a test can expect; `bound` is in base units, `text` a reason or a table's meaning."""

    REFUSED = "refused"
    SAFE = "safe"  # the protocol itself refuses it, or keeps every limit without being stopped
    CAUTIONED = "cautioned"
    DELIVERED = "delivered ="  # nominal charge is `bound`, or less by at most one tick's charge
    DELIVERED_AT_MOST = "delivered <="
    DELIVERED_AT_LEAST = "delivered >="
    DURATION_AT_MOST = "duration <="
    DURATION_AT_LEAST = "duration >="
    PEAK_AT_MOST = "peak <="
    STOPPED = "stopped"  # with `text`: for that reason
    PAUSED = "paused"  # at least once; with `text`: by the monitor of that text
    WARNED = "warned"  # by a monitor; with `text`: by the one of that text
    FINISHED = "finished"  # with `text`: finished for that reason
    CLASSIFIED = "classified"  # `variable` was given the meaning `text`


@dataclass(frozen=True, slots=True)
class Expectation:
    """One `expect` line: of the named channel, or of the whole session."""

    kind: Expected
    bound: int | None
    variable: str | None
    text: str | None
    unit: str | None
    span: Span | None
    channel: str | None = None


@dataclass(frozen=True, slots=True)
class Moment:
    """A moment of the course: `day` 1 is a Monday; `at_ms` after midnight."""

    day: int
    at_ms: int


@dataclass(frozen=True, slots=True)
class Earlier:
    """A session that was given before, and what was set or recorded in it (the rest is as usual)."""

    begun: Moment
    values: tuple[tuple[str, Value], ...]


@dataclass(frozen=True, slots=True)
class Scenario:
    """A named test: given values (the others take their defaults), a timeline and expectations.

    `earlier` are the sessions of the course before it, `begun` when it begins; without either it is a first
    session.

    RECORD variables may be given too: the value is entered when the record step is reached.
    """

    name: str
    given: tuple[tuple[str, Value], ...]
    timeline: tuple[Occurrence, ...]
    expectations: tuple[Expectation, ...]
    span: Span | None
    earlier: tuple[Earlier, ...] = ()
    begun: Moment | None = None
