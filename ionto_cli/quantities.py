"""Quantities as people read them: base-unit integers of a plan in the unit that fits their size, exactly."""

from __future__ import annotations

from fractions import Fraction

from ionto_ir.units import (
    AREA,
    CHARGE,
    CURRENT,
    DENSITY,
    FRACTION,
    RESISTANCE,
    SLEW,
    TIME,
    VOLTAGE,
    approximate,
    format_quantity,
)

MS_PER_MINUTE = 60_000
MS_PER_HOUR = 3_600_000


def current(na: int) -> str:
    """A current in mA, or in µA below 0.1 mA."""
    return format_quantity(na, CURRENT, "mA" if na == 0 or abs(na) >= 100_000 else "µA")


def charge(pc: int | Fraction, digits: int = 4) -> str:
    """A charge in mA·min, rounded for reading and marked ≈ where it was."""
    return approximate(Fraction(pc), CHARGE, "mA·min", digits)


def area(um2: int) -> str:
    """An area in cm²."""
    return format_quantity(um2, AREA, "cm²")


def density(ua_m2: int | Fraction, digits: int = 4) -> str:
    """A current density in mA/cm², rounded for reading."""
    return approximate(Fraction(ua_m2), DENSITY, "mA/cm²", digits)


def share(ppm: int) -> str:
    """`40 %`: a part of a whole."""
    return format_quantity(ppm, FRACTION, "%")


def slew(na_s: int) -> str:
    """A slew rate in mA/s."""
    return format_quantity(na_s, SLEW, "mA/s")


def voltage(mv: int) -> str:
    """A voltage in V."""
    return format_quantity(mv, VOLTAGE, "V")


def resistance(ohm: int) -> str:
    """A resistance in kΩ, or in Ω below 1 kΩ."""
    return format_quantity(ohm, RESISTANCE, "kΩ" if ohm >= 1000 else "Ω")


def duration(ms: int) -> str:
    """A time in the largest unit that shows it without a fraction: `30 s`, `20 min`, `2 h`, `1.5 s`."""
    for size, unit in ((MS_PER_HOUR, "h"), (MS_PER_MINUTE, "min")):
        if ms and ms % size == 0:
            return format_quantity(ms, TIME, unit)
    return format_quantity(ms, TIME, "s")


def clock(ms: int) -> str:
    """A moment of a session as minutes and seconds: `21:04`, with hours from one hour on: `1:02:03`."""
    seconds = ms // 1000
    hours, minutes = seconds // 3600, seconds // 60 % 60
    if hours:
        return f"{hours}:{minutes:02d}:{seconds % 60:02d}"
    return f"{minutes}:{seconds % 60:02d}"
