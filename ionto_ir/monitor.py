"""Monitors: what is watched while a session runs, and what is done about it."""

from __future__ import annotations

from enum import Enum

from ionto_ir.dataclass import dataclass
from ionto_ir.expression import Expression
from ionto_ir.source import Span


class MonitorAction(Enum):
    """What a monitor does when its condition has held for long enough."""

    PAUSE = "pause"  # an interruption like any other: it counts, and a person resumes
    STOP = "stop"
    WARN = "warn"  # an alarm; nothing else changes


@dataclass(frozen=True, slots=True)
class Monitor:
    """`pause when C for T until C2 "..."`: what is done once `condition` has held for `persistence_ms`.

    Conditions may refer to what `MEASURED` and `DELIVERED` name besides the plan's variables. `until` is when
    it lets go again: a pause is resumed only then, a warning may be given again only then.
    """

    action: MonitorAction
    condition: Expression
    persistence_ms: int
    until: Expression | None
    text: str
    span: Span


MEASURED = ("measured.current", "measured.voltage", "measured.impedance")
"""Readings of the device, in nA (magnitude), mV and ohm, that monitors may refer to."""

DELIVERED = ("output.charge", "output.elapsed")
"""What monitors may refer to of the session: charge as set, pC; time from the first energised tick, ms."""
