"""Steps with current: ramps and holds, appended to a plan with what is known of the current around them."""

from __future__ import annotations

from ionto_dsl import typed
from ionto_dsl.assembler import Assembler, Total
from ionto_dsl.bounds import extent_of
from ionto_dsl.currents import Target, above_zero, operand, ramp_charge_min, slope_of, target_of
from ionto_dsl.flow import OFF, UNKNOWN, Current
from ionto_ir.dataclass import replace
from ionto_ir.diagnostic import warning
from ionto_ir.expression import ZERO, Expression, references
from ionto_ir.plan import ForTime, Hold, Ramp, Slope, UntilCharge, UntilTotal
from ionto_ir.source import Span
from ionto_ir.units import CHARGE, TIME
from ionto_ir.waveform import PPM, Waveform, drives, mean_share_ppm


def add_ramp(a: Assembler, step: typed.Ramp) -> None:
    """Append a ramp; what is known of the current afterwards is its target."""
    start = a.state.current
    target = target_of(step, a.grid, a.extents, a.found)
    if target is not None:
        a.recorded(references(target.level_na), step.target_span)
    if target is None or start.level_na is None:
        slope_of(step, ZERO, ZERO, a.extents, a.found)  # for its own errors
        a.state = replace(a.state, current=UNKNOWN if target is None else _after(step, target))
        return
    if target.level_na != ZERO and start.may_flow and target.reversed is not start.reversed:
        a.refuse(
            "I0433",
            "this ramp passes through zero",
            step.target_span,
            "the other direction",
            advice="ramp to 0 mA first, so that the change of direction is a step of its own",
        )
        a.state = replace(a.state, current=_after(step, target), energised=True)
        return
    slope = slope_of(step, start.level_na, target.level_na, a.extents, a.found)
    if slope is not None:
        a.recorded(references(slope.delta_na) | references(slope.over_ms), step.pace_span)
        _move(a, step, start.level_na, target.level_na, slope, target.reversed)
    flows = target.level_na != ZERO
    if flows:
        _check_ions(a, step.waveform, target.reversed, step.target_span)
    a.state = replace(a.state, current=_after(step, target), energised=a.state.energised or flows)


def _after(step: typed.Ramp, target: Target) -> Current:
    if target.level_na == ZERO:
        return OFF
    return Current(target.level_na, target.reversed, waveform=step.waveform)


def _check_ions(a: Assembler, waveform: Waveform | None, reversed_: bool, span: Span) -> None:
    """An output without a direct part drives no ion, under neither pole."""
    if drives(waveform):
        a.reversals.check(a.state.parities, reversed_, span)


def _move(
    a: Assembler, step: typed.Ramp, start: Expression, target: Expression, slope: Slope, reversed_: bool
) -> None:
    if start == target:
        # There is nothing to move, and a slope of zero would never bring the current back after a pause.
        a.found.append(
            warning(
                "I0505",
                "this ramp changes nothing",
                step.span,
                "it starts where it ends",
                help="leave it out, or write `hold for` if the time is meant",
            )
        )
        duration = slope.over_ms if step.by_time else ZERO
        a.follow(Hold(start, ForTime(duration), 0, a.section, step.span, step.waveform, step.text))
        return
    add_planned_ramp(a, start, target, slope, reversed_, step.span, step.waveform, step.text)


def add_planned_ramp(
    a: Assembler,
    start: Expression,
    target: Expression,
    slope: Slope,
    reversed_: bool,
    span: Span,
    waveform: Waveform | None,
    text: str = "",
) -> None:
    """Append a ramp between two known currents; what is known of the current is the caller's to say."""
    sign = reversed_ if target != ZERO else a.state.current.reversed
    a.follow(Ramp(target, start, slope, sign, 0, a.section, span, waveform, text))
    least = ramp_charge_min(start, target, slope, a.extents)
    charge = a.state.charge_pc_min + _share_of(least, waveform)
    a.state = replace(a.state, charge_pc_min=charge)


def _held_level(a: Assembler, span: Span) -> Expression | None:
    """The current that a hold keeps; None when it is not known, or depends on the way taken."""
    current = a.state.current
    if not current.joined:
        return current.level_na
    a.refuse(
        "I0437",
        "which current is held depends on the way taken before",
        span,
        "different currents meet here",
        advice="ramp to the current that is to be held first",
    )
    return None


def _held_waveform(a: Assembler, step: typed.HoldFor | typed.HoldUntil) -> Waveform | None:
    """The waveform of a hold: the one that it names, else that of what flows, which it keeps."""
    current = a.state.current
    if step.keeps:
        return current.waveform
    if current.may_flow:
        _check_ions(a, step.waveform, current.reversed, step.span)
    a.state = replace(a.state, current=replace(current, waveform=step.waveform))
    return step.waveform


def _share_of(charge_pc: int, waveform: Waveform | None) -> int:
    """What flows of a charge at the peak, as the machine counts it."""
    return charge_pc * mean_share_ppm(waveform) // PPM


def add_hold_for(a: Assembler, step: typed.HoldFor) -> None:
    """Append a hold for a time."""
    level = _held_level(a, step.span)
    time = None if step.duration is None else operand(step.duration, TIME, step.amount_span, a.found)
    if not above_zero(time, "the time of a hold", step.amount_span, a.extents, a.found, zero_allowed=True):
        return
    assert time is not None, "it is above zero"
    a.recorded(references(time), step.amount_span)
    if level is not None:
        waveform = _held_waveform(a, step)
        a.follow(Hold(level, ForTime(time), 0, a.section, step.span, waveform, step.text))
        low, long = extent_of(level, a.extents), extent_of(time, a.extents)
        if low is not None and long is not None:
            least = max(0, low.lo) * max(0, long.lo)
            charge = a.state.charge_pc_min + _share_of(least, waveform)
            a.state = replace(a.state, charge_pc_min=charge)


def add_hold_until(a: Assembler, step: typed.HoldUntil) -> None:
    """Append a hold until a charge; what a total looks ahead at is known when the next step is."""
    level = _held_level(a, step.span)
    charge = None if step.charge is None else operand(step.charge, CHARGE, step.amount_span, a.found)
    if not above_zero(charge, "the charge of a hold", step.amount_span, a.extents, a.found):
        return
    assert charge is not None, "it is above zero"
    a.recorded(references(charge), step.amount_span)
    if level == ZERO:
        a.refuse(
            "I0438",
            "no current flows here, so this charge is never reached",
            step.span,
            "would never end",
            advice="ramp to a current first",
        )
        return
    if level is None:
        return
    waveform = _held_waveform(a, step)
    if step.total:
        until = UntilTotal(charge, None)
        index = a.follow(Hold(level, until, 0, a.section, step.span, waveform, step.text))
        a.totals.append(Total(index, a.state.charge_pc_min, step.amount_span))
    else:
        a.follow(Hold(level, UntilCharge(charge), 0, a.section, step.span, waveform, step.text))
