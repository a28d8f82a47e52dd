"""The constants of the machine: all that it knows of a plan, a device, a patient and a history."""

from __future__ import annotations

from ionto_ir.dataclass import dataclass

UNLIMITED = 2**62
"""Stands for "no such limit": larger than the charge of a year at a hundred amperes, and it fits 64 bits."""


@dataclass(frozen=True, slots=True)
class MovingCap:
    """At most `cap_pc` of the upper ledger (`nominal`: of the nominal one) in any `ticks` ticks.

    `earlier` is the charge, pC, of earlier sessions that a window holds too as long as it ends before the
    given tick of this session.
    """

    ticks: int
    cap_pc: int
    nominal: bool
    earlier: tuple[tuple[int, int], ...] = ()


@dataclass(frozen=True, slots=True)
class Constants:
    """Charges in pC, currents in nA, times in ms; the machine theorem holds for all such values.

    tick_ms, step_na, fall_na and rise_na are positive. fall_na is what a stop takes off in one tick; rise_na
    bounds any other change of the level in one tick. current_cap_na and current_cap_reversed_na are the
    largest set magnitudes, in the declared polarity and in the other, under every current and density limit
    (accuracy already taken off where the limit is not nominal). cap_pc bounds the upper ledger (smallest dose
    limit that is not nominal, less what its window already holds), cap_nominal_pc the nominal one; `windows`
    are those that are shorter than a session. duration_cap_ms bounds the clock, duration_apart_cap_ms the
    clock without the time in which people are waited for. screened: no refusal holds, and every caution was
    answered for.
    """

    tick_ms: int
    step_na: int
    rise_na: int
    fall_na: int
    current_cap_na: int
    current_cap_reversed_na: int
    accuracy_ppm: int
    offset_na: int
    watchdog_ms: int
    journal_lag_ticks: int
    cap_pc: int
    cap_nominal_pc: int
    duration_cap_ms: int
    interruptions_max: int
    pause_ms_max: int
    may_resume: bool
    screened: bool
    duration_apart_cap_ms: int = UNLIMITED
    windows: tuple[MovingCap, ...] = ()

    @property
    def window_ticks(self) -> int:
        """The length of the longest window."""
        return max((window.ticks for window in self.windows), default=0)
