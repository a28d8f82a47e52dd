"""What a waveform makes of its peak, from the shape alone: most and least of the mean of |I|, and of a pulse.

The ledger counts a sine by constants of its own. Here it is bounded by two fractions for pi, so that the two
reckonings share neither numbers nor words.
"""

from __future__ import annotations

from fractions import Fraction

from ionto_ir.recheck.derived import PPM
from ionto_ir.waveform import Curve, Form, Waveform

WHOLE = Fraction(1)
MEAN_OF_SINE_MOST = Fraction(212, 333)
"""Above 2 / pi, because pi is more than 333 / 106."""
MEAN_OF_SINE_LEAST = Fraction(226, 355)
"""Below 2 / pi, because pi is less than 355 / 113."""
COUNTED = Fraction(2, PPM)
"""The ledger counts in whole millionths."""


def mean_most(waveform: Waveform | None) -> Fraction:
    """At most this part of the peak adds up.

    A direct part o under an alternating amplitude 1 - o: the mean of |o + (1 - o) sin| is convex in o, 2 / pi
    at 0 and a half at a half, so it lies below the line between those; from a half on it is o.
    """
    if waveform is None:
        return WHOLE
    if waveform.form is Form.PULSED:
        return Fraction(waveform.duty_ppm, PPM)
    direct = Fraction(waveform.offset_ppm, PPM)
    if waveform.curve is Curve.SQUARE:
        return max(direct, 1 - direct)
    return max(direct, MEAN_OF_SINE_MOST - (2 * MEAN_OF_SINE_MOST - 1) * direct + COUNTED)


def mean_least(waveform: Waveform | None) -> Fraction:
    """At least this part of the peak adds up: no mean of |x| is below |the mean of x| or of its swing."""
    if waveform is None:
        return WHOLE
    if waveform.form is Form.PULSED:
        return Fraction(waveform.duty_ppm, PPM)
    direct = Fraction(waveform.offset_ppm, PPM)
    swing = Fraction(1) if waveform.curve is Curve.SQUARE else MEAN_OF_SINE_LEAST
    return max(direct, (1 - direct) * swing)


def pulse_most(waveform: Waveform) -> Fraction:
    """A pulse, or the larger half-wave, carries at most this part of peak times period.

    The two half-waves add up to the mean and differ by the direct part.
    """
    if waveform.form is Form.PULSED:
        return Fraction(waveform.duty_ppm, PPM)
    return (mean_most(waveform) + Fraction(waveform.offset_ppm, PPM)) / 2


def period_ms(waveform: Waveform) -> Fraction:
    """How long one period takes."""
    return Fraction(PPM, waveform.frequency_mhz)


def flows_back(waveform: Waveform | None) -> bool:
    """Whether current also flows against its direction: the swing is larger than the direct part."""
    return waveform is not None and waveform.form is Form.AC and 2 * waveform.offset_ppm < PPM


def carries(waveform: Waveform | None) -> bool:
    """Whether charge is left over in one direction, so that ions go somewhere."""
    return waveform is None or waveform.form is Form.PULSED or waveform.offset_ppm > 0
