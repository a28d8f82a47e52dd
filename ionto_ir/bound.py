"""A bound plan: a plan with every value of this patient and this day, and the constants that the machine enforces.

Binding (`ionto_ir.bind`) is where values meet limits; here is only the result and its arithmetic.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from ionto_ir.expression import Value
from ionto_ir.plan import Plan

UNLIMITED = 2**62
"""Stands for "no such limit": larger than the charge of a year at a hundred amperes, and it fits 64 bits."""

JOURNAL_LAG_TICKS = 2
"""At most this many ticks are in force before the journal holds them durably: one being written, one queued."""


@dataclass(frozen=True, slots=True)
class Constants:
    """What the machine knows of plan, device, patient and history; the theorem holds for all such values.

    tick_ms > 0; step_na > 0; fall_na > 0 is what a stop takes off in one tick; rise_na bounds any other change of
    the level in one tick; current_cap_na is the largest set magnitude under every current and density limit
    (accuracy already taken off where the limit is not nominal); cap_pc bounds the upper ledger (smallest dose
    limit that is not nominal, less what windows already hold), cap_nominal_pc the nominal one.
    """

    tick_ms: int
    step_na: int
    rise_na: int
    fall_na: int
    current_cap_na: int
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


@dataclass(frozen=True, slots=True)
class BoundPlan:
    """A plan ready to run. `values` holds every variable but records; `polarity` is +1 or -1 at the start."""

    plan: Plan
    values: Mapping[str, Value]
    constants: Constants
    polarity: int


def worst_na(current_na: int, accuracy_ppm: int, offset_na: int) -> int:
    """The highest current, nA, that the skin may receive while the output is on at `current_na`."""
    return current_na - (-current_na * accuracy_ppm // 1_000_000) + offset_na


def fall_per_tick_na(stop_slew_na_s: int, tick_ms: int) -> int:
    """What a stop takes off in one tick, nA: never nothing, or a stop would not end."""
    return max(1, stop_slew_na_s * tick_ms // 1000)


def rise_per_tick_na(ramp_limit_na_s: int, tick_ms: int) -> int:
    """The most by which the level may move in one tick, nA: the limit's line, and the rounding of a glide."""
    return ramp_limit_na_s * tick_ms // 1000 + 1
