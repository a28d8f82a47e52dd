"""Watches: what keeps an eye on the device beside the machine, and what they may ask for.

The machine proves what is set; a watch looks at what comes back. It never sets anything itself: it finds, and
the session acts on the gravest of what was found. Each watch is one idea and keeps its own short memory.
"""

from __future__ import annotations

from collections.abc import Iterator
from enum import IntEnum
from typing import Protocol

from ionto_ir.dataclass import dataclass
from ionto_ir.waveform import PPM
from ionto_runtime.stimulator import Measurement


class Act(IntEnum):
    """What the session should do about a finding, from the mildest to the gravest."""

    NOTE = 0  # say it
    HOLD = 1  # let nothing rise in this tick
    PAUSE = 2  # ramp down and wait for a person
    STOP = 3  # ramp down and end
    LEAD_OFF = 4  # open the output, and wait for a person
    OPEN = 5  # open the output at once and end: latched


@dataclass(frozen=True, slots=True)
class Finding:
    """Something is not as it should be: what to do, why, and the code of the alarm, if it is one."""

    act: Act
    cause: str
    alarm: str | None = None


@dataclass(frozen=True, slots=True)
class Sight:
    """What there is to see at a tick. `reading` is None when the device did not answer.

    `set_na` is what the output was told for the interval that ended (signed, None: open), `before_na` the
    same one interval earlier: a slow converter may still show that one. Both, and the reading, are means
    where a waveform is driven; `share_ppm` is the mean's part of the peak.
    """

    reading: Measurement | None
    set_na: int | None
    before_na: int | None
    passed_ms: int
    share_ppm: int = PPM

    @property
    def most_na(self) -> int:
        """The largest magnitude that the reading may truly show."""
        return max(abs(self.set_na or 0), abs(self.before_na or 0))

    @property
    def least_na(self) -> int:
        """The smallest magnitude that the reading may truly show."""
        set_na = abs(self.set_na or 0)
        return set_na if self.before_na is None else min(set_na, abs(self.before_na))


class Watch(Protocol):
    """Looks once a tick."""

    def look(self, sight: Sight) -> Iterator[Finding]:
        """What is wrong now; nothing when all is well."""
        ...
