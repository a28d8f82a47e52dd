"""What the newest reading says of the device: pure judgement, which the session acts on."""

from __future__ import annotations

from ionto_ir.dataclass import dataclass
from ionto_ir.state import Mode
from ionto_ir.waveform import PPM, Waveform, mean_share_ppm
from ionto_ir.wording import waveform_text
from ionto_runtime.stimulator import Measurement

ENERGISED = (Mode.ON, Mode.PAUSING, Mode.STOPPING)

PAUSE_MS_MAX = 300_000
"""A pause of five minutes is no pause of this treatment any more, whatever the plan allows (R27)."""

MISSES_MAX = 3
"""Readings in a row that may stay away before the link counts as lost (R21)."""

ZERO_NA_MAX = 20_000
"""A reading of at most 20 uA with the output open is zero (R8); of a small device less, see `accuracy`."""

ZERO_FOR_MS = 1_000
"""How long zero is looked at before it is believed at the end of a session (R22)."""

UNSEEN_ALARM_MS = 2_000
"""When zero has not been seen for ZERO_FOR_MS this long after the end, it is an alarm."""

UNSEEN_MS_MAX = 10_000
"""How long the output is told to open after the end before the program gives up and says so."""

STANDING_MS_MAX = 90_000
"""How long nothing may be let rise before the session stops. Where a person can help (a contact that does not
let the current through) a pause comes before, so this is for what nobody has thought of."""

SLOWED_MS_MAX = 300_000
"""How long in all something may be kept from rising in a session, however short each time: as long as a pause
may be (R27)."""

COMPLIANCE_MS = 2_000
"""Time at the highest voltage before it is said (R31): a touch of it while skin adapts is usual."""

TOUCHING_OHM_MAX = 100
"""No skin has so little resistance: the electrodes or their gels touch."""


@dataclass(frozen=True, slots=True)
class Held:
    """What the device was last told, and whether it is known to have done it.

    `na` is signed by polarity, None when the output was opened. `sequence` is the device's number of the
    command. `limited` says that less was sent than the machine wished.
    """

    na: int | None
    sequence: int
    confirmed: bool
    waveform: Waveform | None = None
    limited: bool = False

    @property
    def mean_na(self) -> int | None:
        """The mean of what was set, which is what a device measures."""
        return None if self.na is None else self.na * mean_share_ppm(self.waveform) // PPM


def contradiction(reading: Measurement, held: Held) -> str | None:
    """What the device does otherwise than it confirmed; None when it does as it was told."""
    if held.na is None:
        return "the output is on although it was opened" if reading.output_on else None
    if not reading.output_on:
        return "the output is open although it was set"
    if reading.setpoint_na != held.na:
        return f"the device is set to {reading.setpoint_na} nA where {held.na} nA was set"
    if reading.waveform != held.waveform:
        given, asked = waveform_text(reading.waveform), waveform_text(held.waveform)
        return f"the device gives {given} where {asked} was set"
    return None


def shows(reading: Measurement, held: Held) -> bool:
    """Whether the reading proves that the last command was carried out, although its answer stayed away."""
    return reading.seq == held.sequence and contradiction(reading, held) is None


def is_zero(reading: Measurement | None, zero_na: int) -> bool:
    """Whether the output is seen to be off and nothing flows; `zero_na` is the highest zero of the device."""
    return reading is not None and not reading.output_on and abs(reading.current_na) <= zero_na


def fault_at_start(reading: Measurement | None, zero_na: int) -> str | None:
    """Why a session cannot begin on a device that was told to open its output, or None (R8)."""
    if reading is None:
        return "it does not answer"
    if reading.output_on:
        return "its output does not open"
    if abs(reading.current_na) > zero_na:
        return (
            f"it measures {abs(reading.current_na) / 1000:g} µA with its output open, "
            f"where at most {zero_na / 1000:g} µA are zero"
        )
    return None
