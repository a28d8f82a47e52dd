"""Small treatments as data: what `tests.treatments` makes plans of, and `tests.treatment_source` text.

A treatment is a list of parts. A `Leg` rises from zero, holds, perhaps moves on, and comes back to zero;
between legs there is `Rest`, `Turn` (reverse polarity), `Repeat` and `Choice`. So every treatment is well
formed by construction.
"""

from __future__ import annotations

from ionto_ir.dataclass import dataclass
from ionto_ir.monitor import MonitorAction
from ionto_ir.plan import Variable
from ionto_ir.waveform import Waveform


@dataclass(frozen=True, slots=True)
class Fixed:
    """A level in nA."""

    na: int


@dataclass(frozen=True, slots=True)
class Chosen:
    """A level that a parameter gives."""

    name: str


Level = Fixed | Chosen


@dataclass(frozen=True, slots=True)
class Over:
    """A ramp that takes a time, ms."""

    ms: int


@dataclass(frozen=True, slots=True)
class At:
    """A ramp at a rate, nA/s."""

    na_s: int


Speed = Over | At


@dataclass(frozen=True, slots=True)
class Keep:
    """Hold for a time (ms), until a charge (pC) or until a total (pC)."""

    kind: str
    amount: int


@dataclass(frozen=True, slots=True)
class Move:
    """Ramp on to another level; `turns` says that from here on the leg has another waveform, or none."""

    level: Level
    speed: Speed
    turns: bool = False
    waveform: Waveform | None = None


@dataclass(frozen=True, slots=True)
class Rounds:
    """Rounds while current flows; each ends at the level at which the first began."""

    count: int
    body: tuple[Keep | Move, ...]


@dataclass(frozen=True, slots=True)
class Leg:
    """Up, some holds and moves, and down to zero."""

    up: Move
    body: tuple[Keep | Move | Rounds, ...]
    down: Speed
    negative: bool = False
    waveform: Waveform | None = None


@dataclass(frozen=True, slots=True)
class Rest:
    """Output off for a time, ms."""

    ms: int


@dataclass(frozen=True, slots=True)
class Turn:
    """Reverse the polarity."""


@dataclass(frozen=True, slots=True)
class Tell:
    """Tell a person something, who says that it was seen, within `within_ms` if that is given."""

    within_ms: int | None = None


@dataclass(frozen=True, slots=True)
class Repeat:
    """Rounds, perhaps with a period in ms. With `within_ms` there are as many as begin in that time, or one
    if the first of the answers is yes; `count` then says nothing, and there is a period.
    """

    count: int
    period_ms: int | None
    body: tuple[Part, ...]
    within_ms: int | None = None


@dataclass(frozen=True, slots=True)
class Choice:
    """If the answer is yes, one thing, else another."""

    answer: str
    yes: tuple[Part, ...]
    no: tuple[Part, ...]


@dataclass(frozen=True, slots=True)
class Doses:
    """Doses on demand, each up, a hold and back to the basal current (None: off); then down to zero.

    `rules` are counts with their windows, ms.
    """

    button: str
    basal: Level | None
    lockout_ms: int
    from_end: bool
    rules: tuple[tuple[int, int], ...]
    count: int
    within_ms: int
    up: Move
    keep: Keep
    back: Speed
    down: Speed


@dataclass(frozen=True, slots=True)
class Found:
    """A person enters a value, `within_ms` if that is given; in `body` it may be a level or an answer."""

    variable: Variable
    within_ms: int | None
    body: tuple[Part, ...]


@dataclass(frozen=True, slots=True)
class Late:
    """A person is told something: one thing for who sees it in time, another for who does not.

    No protocol says it: in the language who is late ends the session.
    """

    within_ms: int
    in_time: tuple[Part, ...]
    late: tuple[Part, ...]


Part = Leg | Rest | Turn | Tell | Repeat | Choice | Doses | Found | Late


@dataclass(frozen=True, slots=True)
class Parameter:
    """A parameter of current, nA."""

    name: str
    lo: int
    hi: int
    step: int
    default: int
    adjustable: bool


@dataclass(frozen=True, slots=True)
class Watch:
    """A monitor: `action` when a reading is beyond a bound for a time, perhaps until another bound."""

    action: MonitorAction
    reading: str
    above: bool
    bound: int
    persistence_ms: int
    until: int | None


@dataclass(frozen=True, slots=True)
class Treatment:
    """All of a generated protocol."""

    parts: tuple[Part, ...]
    parameters: tuple[Parameter, ...] = ()
    answers: tuple[str, ...] = ()
    interruptions: int = 3
    pause_ms: int = 60_000
    resume: bool = True
    dose_pc: int | None = None
    ramp_na_s: int = 500_000
    stop_na_s: int = 500_000
    watches: tuple[Watch, ...] = ()
