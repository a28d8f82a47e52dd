"""A session in words: steps with their numbers, the state in one word, the quality of the contact."""

from __future__ import annotations

from fractions import Fraction
from typing import assert_never

from ionto_ir.bound import BoundPlan
from ionto_ir.expression import Environment, Expression, Undefined, evaluate
from ionto_ir.machine_table import Ending
from ionto_ir.plan import (
    Branch,
    Classify,
    Confirm,
    Demand,
    Finish,
    ForTime,
    Hold,
    Instruct,
    Loop,
    Move,
    Ramp,
    Record,
    Reverse,
    UntilCharge,
    UntilTotal,
    Wait,
)
from ionto_ir.state import Mode, Phase, State
from ionto_ir.units import RESISTANCE, VOLTAGE, approximate
from ionto_ir.waveform import Waveform
from ionto_ir.wording import charge_text, current_text, duration_text, waveform_text
from ionto_runtime.stimulator import Measurement
from ionto_runtime.supervision import TOUCHING_OHM_MAX

UNKNOWN = "a recorded amount"
"""What stands for an operand whose value is only entered during the session."""

FAULTS = frozenset(
    {
        Ending.OVER_CURRENT,
        Ending.FAULT,
        Ending.LEAD_OFF,
        Ending.LINK_LOST,
        Ending.LIMIT,
        Ending.INTERNAL,
        Ending.HOST_FAILED,
    }
)
"""Ends that nobody wanted."""


def step_words(bound: BoundPlan, index: int, values: Environment) -> str:
    """A step as a sentence without a full stop, with the numbers that it has under `values`."""
    step = bound.plan.steps[index]
    match step:
        case Ramp():
            return _ramp_words(bound, step, values)
        case Hold():
            return _hold_words(bound, step, values)
        case Wait():
            return f"Wait {_time(step.duration_ms, values)} with the output off: {step.text}"
        case Reverse():
            return "Reverse the polarity, at zero"
        case Confirm() | Instruct():
            return step.text
        case Record():
            return f"Record {step.variable}"
        case Move():
            place = bound.plan.electrodes[step.electrode].place.value
            return f"Move the {place} electrode to {step.site}"
        case Branch():
            return "Choose how to go on"
        case Loop():
            return "Repeat"
        case Demand():
            basal = _value(step.basal_na, values)
            meanwhile = f", {current_text(bound.plan, basal)} meanwhile" if basal else ""
            return f"{step.text}: a dose on demand{meanwhile}"
        case Classify():
            return f"Say what {step.variable} means"
        case Finish():
            return "The treatment is complete" if step.completed else f"End early: {step.reason}"
        case _:
            assert_never(step)


def _ramp_words(bound: BoundPlan, step: Ramp, values: Environment) -> str:
    target, start = _value(step.target_na, values), _value(step.start_na, values)
    level = UNKNOWN if target is None else current_text(bound.plan, target)
    against = " against the declared polarity" if step.reversed else ""
    delta, over = _value(step.slope.delta_na, values), _value(step.slope.over_ms, values)
    ramp = f"Ramp to {level}{against}{_as(step.waveform)}"
    if None in (target, start, delta, over) or not delta:
        return ramp
    assert target is not None and start is not None and over is not None
    # What a ramp says of its speed is the whole way in a time, or a rate.
    if abs(target - start) == delta:
        return f"{ramp} over {duration_text(over)}"
    return f"{ramp} in {duration_text(abs(target - start) * over // delta)}"


def _as(waveform: Waveform | None) -> str:
    return "" if waveform is None else f" as {waveform_text(waveform)}"


def _hold_words(bound: BoundPlan, step: Hold, values: Environment) -> str:
    level = _value(step.level_na, values)
    held = f"Hold {UNKNOWN if level is None else current_text(bound.plan, level)}{_as(step.waveform)}"
    match step.until:
        case ForTime(duration_ms):
            return f"{held} for {_time(duration_ms, values)}"
        case UntilCharge(charge_pc):
            return f"{held} until this step has given {_charge(charge_pc, values)}"
        case UntilTotal(charge_pc, _):
            return f"{held} until the session has given {_charge(charge_pc, values)}"
        case _:
            assert_never(step.until)


def _value(expression: Expression, values: Environment) -> int | None:
    found = evaluate(expression, values)
    return None if isinstance(found, Undefined) else int(found)


def _time(expression: Expression, values: Environment) -> str:
    found = _value(expression, values)
    return UNKNOWN if found is None else duration_text(found)


def _charge(expression: Expression, values: Environment) -> str:
    found = _value(expression, values)
    return UNKNOWN if found is None else charge_text(found)


def state_word(state: State, completed: bool) -> str:
    """The state in a word or two."""
    match state.mode:
        case Mode.IDLE:
            return "READY"
        case Mode.READY:
            return "WAITING" if state.machine.elapsed_ms > 0 else "READY"
        case Mode.ON:
            glide, level_na = state.place.glide, state.machine.level_na
            if state.place.phase is Phase.RAMP:
                return "RAMP UP" if glide.target_na >= glide.start_na else "RAMP DOWN"
            if level_na != glide.target_na:
                return "RAMP UP" if glide.target_na > level_na else "RAMP DOWN"
            return "RUNNING"
        case Mode.PAUSING:
            return "PAUSING"
        case Mode.PAUSED:
            return "PAUSED"
        case Mode.STOPPING:
            return "STOPPING"
        case Mode.LOST:
            return "NO LINK"
        case Mode.ENDED:
            if completed:
                return "DONE"
            return "FAULT" if Ending(state.machine.reason) in FAULTS else "STOPPED"
        case _:
            assert_never(state.mode)


def contact_words(reading: Measurement | None, ohm_max: int | None, compliance_mv: int) -> str:
    """How good the contact is, with the numbers that say so.

    Poor: the device is at its highest voltage, or the impedance is above what the envelope assumes. Fair:
    above half of either.
    """
    if reading is None:
        return "no reading"
    if reading.impedance_ohm is None:
        return "too little current to tell"
    ohm, mv = reading.impedance_ohm, abs(reading.voltage_mv)
    numbers = f"{resistance(ohm)}, {voltage(mv)} of {voltage(compliance_mv)}"
    if ohm < TOUCHING_OHM_MAX:
        return f"poor: do the electrodes touch? ({numbers})"
    if reading.at_compliance or (ohm_max is not None and ohm > ohm_max):
        return f"poor ({numbers})"
    if 2 * mv > compliance_mv or (ohm_max is not None and 2 * ohm > ohm_max):
        return f"fair ({numbers})"
    return f"good ({numbers})"


def current(na: int) -> str:
    """A current in mA with as many decimals as a display needs: always as many, so that it does not jump."""
    return f"{na / 1_000_000:.2f} mA"


def voltage(mv: int) -> str:
    """A voltage in V to three digits."""
    return approximate(Fraction(mv), VOLTAGE, "V", 3).removeprefix("≈ ")


def resistance(ohm: int) -> str:
    """A resistance in kΩ or Ω to three digits."""
    return approximate(Fraction(ohm), RESISTANCE, "kΩ" if ohm >= 1000 else "Ω", 3).removeprefix("≈ ")


def charge(pc: int) -> str:
    """A charge in mA·min for a display."""
    return f"{pc / 60_000_000_000:.2f} mA·min"


def clock(ms: int) -> str:
    """A time as minutes and seconds, with hours from one hour on."""
    seconds = ms // 1000
    hours, minutes = seconds // 3600, seconds // 60 % 60
    return f"{hours}:{minutes:02d}:{seconds % 60:02d}" if hours else f"{minutes}:{seconds % 60:02d}"


def waiting_words(bound: BoundPlan, state: State, pause_ms_max: int) -> str:
    """For how long an open prompt can be answered: a step without `waiting at most` waits without limit."""
    if state.mode is Mode.PAUSED:
        left_ms = min(pause_ms_max, bound.constants.pause_ms_max) - state.machine.pause_ms
        return f"{clock(max(0, left_ms))} left, then the session ends"
    step = bound.plan.steps[state.place.step]
    if not isinstance(step, Confirm | Instruct | Record | Move) or step.late is None:
        return "waits without limit, the output is open"
    return f"{clock(max(0, state.place.left_ms))} left, then the plan goes on without an answer"
