"""Values and limits in the words and units of whoever wrote them, for messages."""

from __future__ import annotations

from fractions import Fraction
from typing import assert_never

from ionto_ir.expression import Value
from ionto_ir.limits import ADDS_UP, Envelope, Limit, LimitKind
from ionto_ir.plan import BooleanDomain, ChoiceDomain, IntegerDomain, Plan, Variable
from ionto_ir.units import (
    BASE_UNITS,
    CHARGE,
    CHARGE_DENSITY,
    CURRENT,
    DENSITY,
    DIMENSIONLESS,
    FRACTION,
    FREQUENCY,
    SLEW,
    TIME,
    VOLTAGE,
    Dimension,
    approximate,
    format_quantity,
)
from ionto_ir.waveform import Curve, Form, Waveform

DIMENSIONS: dict[str, Dimension] = {base.noun: dimension for dimension, base in BASE_UNITS.items()}
"""The dimensions by the names that domains call them by."""

LIMIT_DIMENSIONS: dict[LimitKind, Dimension] = {
    LimitKind.CURRENT: CURRENT,
    LimitKind.DENSITY: DENSITY,
    LimitKind.RAMP: SLEW,
    LimitKind.VOLTAGE: VOLTAGE,
    LimitKind.DOSE: CHARGE,
    LimitKind.CHARGE_DENSITY: CHARGE_DENSITY,
    LimitKind.SESSIONS: DIMENSIONLESS,
    LimitKind.DURATION: TIME,
    LimitKind.STOP_TIME: TIME,
    LimitKind.MEAN_DENSITY: DENSITY,
    LimitKind.PULSE_CHARGE: CHARGE,
}


def value_text(variable: Variable, value: Value) -> str:
    """`2 mA`, `yes`, `erythema`: a value of a variable as its author would write it."""
    match variable.domain:
        case IntegerDomain(dimension=dimension, unit=unit):
            return format_quantity(int(value), DIMENSIONS[dimension], unit)
        case BooleanDomain():
            return "yes" if value else "no"
        case ChoiceDomain(labels):
            index = int(value)
            return labels[index] if 0 <= index < len(labels) else str(index)
        case _:
            assert_never(variable.domain)


def limit_text(limit: Limit) -> str:
    """`dose <= 80 mA.min in any 24 h`: a limit as one writes it."""
    words = [limit.kind.value]
    if limit.role is not None:
        words.append(f"at {limit.role.value}")
    words.append("<= " + format_quantity(limit.bound, LIMIT_DIMENSIONS[limit.kind], limit.unit))
    if limit.nominal:
        words.append("nominal")
    if limit.window_ms is not None:
        words.append(f"in any {duration_text(limit.window_ms)}" + (" per site" if limit.per_site else ""))
    elif limit.kind in (*ADDS_UP, LimitKind.DURATION):
        words.append("per session")
    if limit.apart:
        words.append("apart from people")
    return " ".join(words)


def scope_text(envelope: Envelope) -> str | None:
    """`age >= 18 yr; on palm or sole; clinic devices`: what an envelope is meant for; None: for all."""
    parts = list(envelope.people)
    if envelope.sites:
        parts.append("on " + " or ".join(envelope.sites))
    if envelope.device_classes:
        parts.append(" or ".join(envelope.device_classes) + " devices")
    return "; ".join(parts) or None


def envelope_text(envelope: Envelope) -> str:
    """`adult_skin`, for age >= 18 yr: an envelope with what it is meant for, as a reviewer must see it."""
    scope = scope_text(envelope)
    return f"`{envelope.name}`, " + (f"for {scope}" if scope else "which does not say for whom and where")


def measured_text(limit: Limit, value: Fraction) -> str:
    """A value that a limit is compared with, in the limit's unit, to four digits."""
    return approximate(value, LIMIT_DIMENSIONS[limit.kind], limit.unit, 4)


def duration_text(time_ms: int) -> str:
    """A time in the largest unit that leaves it a whole number: `24 h`, `90 s`, `2 d`."""
    for unit, unit_ms in (("d", 86_400_000), ("h", 3_600_000), ("min", 60_000), ("s", 1_000)):
        # A day is written as 24 h: protocols speak of hours until there are several days.
        if time_ms % unit_ms == 0 and time_ms >= unit_ms * (2 if unit == "d" else 1):
            return format_quantity(time_ms, TIME, unit)
    return format_quantity(time_ms, TIME, "s" if time_ms >= 1_000 else "ms")


def waiting_text(time_ms: int) -> str:
    """How long somebody has to wait, rounded up to a minute where it takes several: `24 h 59 min`."""
    if time_ms < 120_000 or time_ms % 3_600_000 == 0:
        return duration_text(time_ms)
    hours, minutes = divmod(-(-time_ms // 60_000), 60)
    parts = [format_quantity(hours * 3_600_000, TIME, "h")] if hours else []
    parts += [format_quantity(minutes * 60_000, TIME, "min")] if minutes else []
    return " ".join(parts)


def clock_text(time_ms: int) -> str:
    """A time of the session as `m:ss`, from an hour on `h:mm:ss`, with tenths only where they matter."""
    minutes, rest = divmod(time_ms, 60_000)
    seconds, fraction = divmod(rest, 1_000)
    hours, minutes_left = divmod(minutes, 60)
    decimals = f".{fraction:03d}".rstrip("0") if fraction else ""
    whole = f"{hours}:{minutes_left:02d}" if hours else f"{minutes}"
    return f"{whole}:{seconds:02d}{decimals}"


def waveform_text(waveform: Waveform | None) -> str:
    """`pulsed 10 kHz duty 50 %`: a waveform as one writes it after `as`."""
    if waveform is None:
        return "dc"
    unit = "kHz" if waveform.frequency_mhz % 100_000 == 0 and waveform.frequency_mhz >= 1_000_000 else "Hz"
    words = [waveform.form.value, format_quantity(waveform.frequency_mhz, FREQUENCY, unit)]
    if waveform.form is Form.PULSED:
        words.append(f"duty {format_quantity(waveform.duty_ppm, FRACTION, '%')}")
    if waveform.curve is Curve.SQUARE:
        words.insert(1, waveform.curve.value)
    if waveform.offset_ppm:
        words.append(f"offset {format_quantity(waveform.offset_ppm, FRACTION, '%')}")
    return " ".join(words)


def current_unit(plan: Plan) -> str:
    """The unit in which this protocol speaks of currents."""
    for variable in plan.variables:
        if isinstance(variable.domain, IntegerDomain) and variable.domain.dimension == "current":
            return variable.domain.unit
    for limit in plan.limits:
        if limit.kind is LimitKind.CURRENT:
            return limit.unit
    return "mA"


def current_text(plan: Plan, current_na: int) -> str:
    """A current in the protocol's unit."""
    return format_quantity(current_na, CURRENT, current_unit(plan))


def charge_text(charge_pc: int) -> str:
    """A charge as a dose, in mA.min, to six digits: for people, who read doses in that unit."""
    return approximate(Fraction(charge_pc), CHARGE, "mA.min", 6)
