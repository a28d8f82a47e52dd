"""Waveforms: how an output moves between zero and its peak, and the exact bounds that follow from it.

Direct current needs no waveform and is None everywhere. What a step asks for, what moves along a ramp and
what a limit of current speaks of is the peak. What adds up, in a hold until a charge, in the ledgers and in a
limit of dose, is the mean of |I|: the peak times a share that depends on the form alone, so that both rise
and fall together.
"""

from __future__ import annotations

from enum import Enum

from ionto_ir.dataclass import dataclass

PPM = 1_000_000

SINE_MEAN_PPM = 636_620
"""2 / pi, rounded up: the mean of |sin|."""

SINE_BENT_PPM = 273_239
"""4 / pi - 1, rounded down: how much of a direct part the mean of a sine saves."""


class Form(Enum):
    """How the output moves, as device profiles name it."""

    PULSED = "pulsed"  # zero, then the peak for a share of each period, in one direction
    AC = "ac"  # to the peak and back through zero to the other side


class Curve(Enum):
    """The shape of an alternating part."""

    SINE = "sine"
    SQUARE = "square"


@dataclass(frozen=True, slots=True)
class Waveform:
    """A periodic output with `frequency_mhz` periods in 1000 s.

    `duty_ppm` is the part of a period in which a pulse flows (all of it for AC). `offset_ppm` is the part of
    the peak that is direct current, in the declared direction, under an alternating part that takes the rest:
    0 for pulses. `curve` is the shape of the alternating part.
    """

    form: Form
    frequency_mhz: int
    duty_ppm: int = PPM
    offset_ppm: int = 0
    curve: Curve = Curve.SINE


def mean_share_ppm(waveform: Waveform | None) -> int:
    """At most this part of the peak is the mean of |I|; exact but for a sine.

    With a direct part o and an alternating amplitude A the mean of |o + A sin| is convex in o, 2A/pi at o = 0
    and A at o = A, and o beyond: so it is at most the chord between those two, or o.
    """
    if waveform is None:
        return PPM
    if waveform.form is Form.PULSED:
        return waveform.duty_ppm
    direct = waveform.offset_ppm
    if waveform.curve is Curve.SQUARE:
        return max(direct, PPM - direct)
    return max(direct, SINE_MEAN_PPM - SINE_BENT_PPM * direct // PPM)


def mean_na(waveform: Waveform | None, peak_na: int) -> int:
    """The mean of |I|, nA, of an output with this peak (a magnitude), rounded up."""
    if waveform is None:
        return peak_na
    return -(-peak_na * mean_share_ppm(waveform) // PPM)


def pulse_share_ppm(waveform: Waveform) -> int:
    """A pulse (of AC: the larger half-wave) carries at most this part of peak times period.

    What flows forwards and what flows backwards in a period add up to the mean and differ by the direct part.
    """
    if waveform.form is Form.PULSED:
        return waveform.duty_ppm
    return -(-(mean_share_ppm(waveform) + waveform.offset_ppm) // 2)


def alternates(waveform: Waveform | None) -> bool:
    """Whether the current also flows opposite to its direction."""
    return waveform is not None and waveform.form is Form.AC and 2 * waveform.offset_ppm < PPM


def drives(waveform: Waveform | None) -> bool:
    """Whether charge is left in one direction, so that an ion is driven."""
    return waveform is None or waveform.form is Form.PULSED or waveform.offset_ppm > 0


def whole_periods(waveform: Waveform, tick_ms: int) -> bool:
    """Whether a tick holds a whole number of periods, so that its charge is exactly the mean's."""
    return tick_ms * waveform.frequency_mhz % PPM == 0


def fault_of(waveform: Waveform) -> str | None:
    """Why a waveform means nothing, or None."""
    if waveform.frequency_mhz <= 0:
        return "a waveform has a frequency"
    if waveform.form is Form.PULSED:
        if not 0 < waveform.duty_ppm < PPM:
            return "pulses flow for more than nothing and less than all of a period"
        return None if waveform.offset_ppm == 0 else "pulses have no direct part"
    if waveform.duty_ppm != PPM:
        return "an alternating current has no duty"
    return None if 0 <= waveform.offset_ppm < PPM else "the direct part is less than the peak"
