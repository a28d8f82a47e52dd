"""The state of a session: a machine part, which is proved, and a sequencer part, which only wishes."""

from __future__ import annotations

from collections.abc import Mapping
from enum import IntEnum
from typing import NamedTuple

from ionto_ir.expression import Value

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

    level_na is the ideal level, whose floor on the device's step is the setpoint; sign is its polarity;
    paid_na is the worst case of the setpoint that the running interval has been charged at (0: off);
    exposure_na is the highest current the skin may be receiving; upper_pc and nominal_pc are the ledgers;
    elapsed_ms runs from the first energised tick, duration_ms is its value at the last energised one.
    """

    mode: Mode
    level_na: int
    sign: int
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


class Sequence(NamedTuple):
    """Where the plan is: step number, phase, the glide under way, what is left, loop counters, clock."""

    step: int
    phase: Phase
    glide_from_na: int
    glide_to_na: int
    glide_delta_na: int
    glide_over_ms: int
    glide_ms: int
    climbing: bool  # a re-ramp after a resume: time does not count towards `hold for`
    left_ms: int
    mark_pc: int  # nominal ledger when the step began
    goal_pc: int
    sign: int
    polarity: int
    counters: tuple[int, ...]
    round_starts_ms: tuple[int, ...]
    clock_ms: int


class State(NamedTuple):
    """All of a session. `values` are the plan's variables now; `sequence` counts output commands."""

    machine: Machine
    place: Sequence
    watch: tuple[int, ...]
    values: Mapping[str, Value]
    sequence: int

    @property
    def mode(self) -> Mode:
        """The machine's mode."""
        return self.machine.mode

    @property
    def ended(self) -> bool:
        """Whether the session is over."""
        return self.machine.mode is Mode.ENDED
