"""The state of a session: a machine part, which is proved, and a sequencer part, which only wishes."""

from __future__ import annotations

from collections.abc import Mapping
from enum import IntEnum
from typing import NamedTuple

from ionto_ir.expression import Value
from ionto_ir.interlock import Watch
from ionto_ir.past import Past
from ionto_ir.waveform import PPM, Waveform

# Named tuples, not frozen dataclasses: a state is made at every tick, and a tuple is made five times as fast.


class Mode(IntEnum):
    """Where the machine is. Only ON, PAUSING and STOPPING energise."""

    IDLE = 0  # before `Begin`
    READY = 1  # at rest, output off: waiting for time or for a person
    ON = 2
    PAUSING = 3  # falling to zero, then PAUSED
    PAUSED = 4
    STOPPING = 5  # falling to zero, then ENDED
    LOST = 6  # no link; the device's watchdog has taken or will take it to zero
    ENDED = 7


class Machine(NamedTuple):
    """Variables of the machine's table, in base units.

    level_na is the ideal level, whose floor on the device's step is the setpoint; sign is its polarity and
    share_ppm the part of it that is the mean of |I| (all of direct current);
    paid_na is the worst case of the setpoint that the running interval has been charged at (0: off);
    exposure_na is the highest current the skin may be receiving; upper_pc and nominal_pc are the ledgers;
    elapsed_ms runs from the first energised tick, duration_ms is its value at the last energised one.
    """

    mode: Mode
    level_na: int
    sign: int
    share_ppm: int
    paid_na: int
    exposure_na: int
    upper_pc: int
    nominal_pc: int
    elapsed_ms: int
    duration_ms: int
    interruptions: int
    pause_ms: int
    overcurrent: int
    reason: int


class Phase(IntEnum):
    """What the current step is waiting for."""

    RAMP = 0  # the level reaches the ramp's target
    HOLD = 1
    WAIT = 2  # time with the output off
    PERIOD = 3  # the next round of a loop
    PROMPT = 4  # a person
    FINISH = 5  # the plan is done
    STANDBY = 6  # somebody who asks for a dose


class Glide(NamedTuple):
    """A level on its way: start_na -> target_na at delta_na per over_ms, under way for elapsed_ms."""

    start_na: int
    target_na: int
    delta_na: int
    over_ms: int
    elapsed_ms: int


class Goal(NamedTuple):
    """A hold by charge: until the nominal ledger, less mark_pc, and the descent that follows reach charge_pc.

    The descent is a ramp to zero at descent_na per descent_ms; None when no such ramp counts. The shares are
    those of the mean in the peak, of the hold and of the descent.
    """

    charge_pc: int
    mark_pc: int
    descent_na: int | None
    descent_ms: int
    share_ppm: int = PPM
    descent_share_ppm: int = PPM


class Doses(NamedTuple):
    """A block of doses on demand that is under way; times are on the session's clock, ms.

    `starts_ms` are those of the latest doses, as many as a rule may look at; `ended_ms` is the end of the
    last one. `running`: a dose is being given.
    """

    head: int
    opened_ms: int
    given: int
    starts_ms: tuple[int, ...]
    ended_ms: int | None
    running: bool


class Place(NamedTuple):
    """Where the plan is: step and phase, the glide under way, what is left of the step, polarity, loops.

    `climbing` marks a re-ramp after a resume, whose time does not count towards `hold for`. `left_ms` is what
    is left of a wait, of a hold by time or of the time for which a person is waited for; `goal` belongs to a
    hold by charge. `rounds`, `round_starts_ms` and `loop_starts_ms` count the rounds of each loop and say
    when, on the session's clock, the last one and the first one began. `waveform` is that of the output;
    `doses` belongs to the block of doses on demand that was entered.
    """

    step: int
    phase: Phase
    glide: Glide
    climbing: bool
    left_ms: int
    goal: Goal | None
    sign: int
    polarity: int
    rounds: tuple[int, ...]
    round_starts_ms: tuple[int, ...]
    loop_starts_ms: tuple[int, ...]
    waveform: Waveform | None = None
    doses: Doses | None = None


class Seen(NamedTuple):
    """What one monitor has seen: how long its condition has held without a break, and whether it has acted
    and not let go since.
    """

    held_ms: int = 0
    acted: bool = False


class Vigil(NamedTuple):
    """All monitors of a session. `readings` are the latest ones of current, voltage and impedance, None where
    there was none; `cause` is the monitor that paused or stopped the session last.
    """

    seen: tuple[Seen, ...] = ()
    readings: tuple[int | None, int | None, int | None] = (None, None, None)
    cause: int | None = None


NO_VIGIL = Vigil()


class Told(NamedTuple):
    """What caps that move look at: the ledgers' past, where there are moving windows, and for how long people
    were waited for since the first energised tick, with the output off, where a limit leaves that out.
    """

    past: Past = Past()
    waited_ms: int = 0


NOTHING_TOLD = Told()


class State(NamedTuple):
    """All of a session.

    `clock_ms` runs from `Begin`. `watch` is what the interlock has counted for itself. `values` are the
    plan's variables now, adjusted and recorded. `sequence` is the number of the last output command. `vigil`
    is what the monitors have seen, `told` what caps that move look at.
    """

    machine: Machine
    place: Place
    clock_ms: int
    watch: Watch
    values: Mapping[str, Value]
    sequence: int
    vigil: Vigil = NO_VIGIL
    told: Told = NOTHING_TOLD

    @property
    def mode(self) -> Mode:
        """The machine's mode."""
        return self.machine.mode

    @property
    def ended(self) -> bool:
        """Whether the session is over."""
        return self.machine.mode is Mode.ENDED
