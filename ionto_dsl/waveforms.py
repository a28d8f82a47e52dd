"""Waveforms: from `as pulsed 10 kHz duty 50 %` to the waveform of a plan, or the reason why it is none."""

from __future__ import annotations

from ionto_dsl import surface
from ionto_dsl.operands import constant
from ionto_dsl.scope import Scope
from ionto_ir.diagnostic import error
from ionto_ir.source import Span
from ionto_ir.units import FRACTION, FREQUENCY
from ionto_ir.waveform import PPM, Curve, Form, Waveform

DIRECT = "dc"


def waveform_of(item: surface.Waveform | None, scope: Scope) -> Waveform | None:
    """The waveform; None for direct current, and after an error."""
    if item is None:
        return None
    if item.form.text == DIRECT:
        _only_of("a periodic output", (item.frequency, item.duty, item.offset), scope)
        return None
    form = Form(item.form.text)
    frequency = None
    if item.frequency is None:
        example = "pulsed 10 kHz duty 50 %" if form is Form.PULSED else "ac 60 Hz"
        _refuse(scope, "a waveform has a frequency", item.span, "no frequency", f"write `as {example}`")
    else:
        frequency = constant(item.frequency, FREQUENCY, scope, "a waveform has a frequency")
        if frequency is not None and frequency <= 0:
            _refuse(
                scope, "the frequency of a waveform is more than zero", item.frequency.span, "never moves"
            )
            frequency = None
    if form is Form.PULSED:
        return _pulses(item, frequency, scope)
    return _alternating(item, frequency, scope)


def _pulses(item: surface.Waveform, frequency: int | None, scope: Scope) -> Waveform | None:
    _only_of("an alternating current", (item.offset,), scope)
    if item.curve is not None:
        _refuse(scope, "pulses are rectangular", item.span, "has no other shape", f"leave `{item.curve}` out")
    if item.duty is None:
        advice = "add for example `duty 50 %`"
        _refuse(scope, "pulses do not say for how much of a period they flow", item.span, "no duty", advice)
        return None
    duty = constant(item.duty, FRACTION, scope, "a duty is a part of the period")
    if duty is not None and not 0 < duty < PPM:
        label = "never flows" if duty <= 0 else "flows without a pause"
        _refuse(scope, "a duty lies between 0 % and 100 %", item.duty.span, label)
        return None
    return None if duty is None or frequency is None else Waveform(Form.PULSED, frequency, duty)


def _alternating(item: surface.Waveform, frequency: int | None, scope: Scope) -> Waveform | None:
    _only_of("pulses", (item.duty,), scope)
    offset: int | None = 0
    if item.offset is not None:
        offset = constant(item.offset, FRACTION, scope, "an offset is a part of the peak")
        if offset is not None and not 0 <= offset < PPM:
            advice = "the rest of the peak alternates: `offset 20 %` of 10 mA is 2 mA, and 8 mA alternate"
            _refuse(scope, "an offset lies between 0 % and 100 % of the peak", item.offset.span, "", advice)
            return None
    if frequency is None or offset is None:
        return None
    curve = Curve.SINE if item.curve is None else Curve(item.curve)
    return Waveform(Form.AC, frequency, offset_ppm=offset, curve=curve)


def _only_of(what: str, parts: tuple[surface.Expression | None, ...], scope: Scope) -> None:
    for part in parts:
        if part is not None:
            _refuse(scope, f"this belongs to {what}", part.span, "means nothing here", "leave it out")


def _refuse(scope: Scope, message: str, span: Span, label: str, advice: str | None = None) -> None:
    scope.found.append(error("I0473", message, span, label or "cannot mean anything", help=advice))
