"""Treatments of `tests.treatments` as `.ionto` text, for whatever begins with a file."""

from __future__ import annotations

from fractions import Fraction

from ionto_ir.device import Device
from ionto_ir.plan import IntegerDomain, Variable
from ionto_ir.units import CHARGE, CURRENT, SLEW, TIME, format_quantity
from ionto_ir.waveform import Waveform
from ionto_ir.wording import waveform_text
from tests.treatments import (
    BENCH,
    At,
    Choice,
    Chosen,
    Doses,
    Fixed,
    Found,
    Keep,
    Late,
    Leg,
    Level,
    Move,
    Parameter,
    Part,
    Repeat,
    Rest,
    Rounds,
    Speed,
    Tell,
    Treatment,
    Turn,
    Watch,
)

ANSWER = "sore"
"""The answer that ends a repetition which a time bounds."""

_UNITS = {"impedance": "Ohm", "voltage": "mV", "current": "nA", "charge": "pC", "elapsed": "ms"}
_PREFIX = {"charge": "output.", "elapsed": "output."}


def source_of(treatment: Treatment, device: Device = BENCH) -> str:
    """The text of a file that declares everything it uses and one protocol, `generated`."""
    sections = [
        _envelope(treatment),
        _device(device),
        "electrode patch { area 25 cm2 }",
        _protocol(treatment, device),
    ]
    return "\n\n".join(sections) + "\n"


def _current(na: int) -> str:
    return format_quantity(na, CURRENT, "uA")


def _slew(na_s: int) -> str:
    return format_quantity(na_s, SLEW, "uA/s")


def _time(ms: int) -> str:
    return format_quantity(ms, TIME, "ms")


def _charge(pc: int) -> str:
    return format_quantity(pc, CHARGE, "nC")


def _envelope(treatment: Treatment) -> str:
    lines = [
        '  title "Bench"',
        "  limit current <= 4 mA nominal hazard H-BURN",
        f"  limit ramp <= {_slew(treatment.ramp_na_s)} hazard H-PAIN",
    ]
    if treatment.dose_pc is not None:
        lines.append(f"  limit dose <= {_charge(treatment.dose_pc)} per session hazard H-BURN")
    return "\n".join(["envelope bench {", *lines, "}"])


def _device(device: Device) -> str:
    percent = Fraction(device.accuracy_ppm, 10_000)
    assert percent.denominator == 1, "whole percents are enough for tests"
    span = f"{_current(device.current_na_min)} .. {_current(device.current_na_max)}"
    accuracy = f"{percent.numerator} % + {_current(device.accuracy_offset_na)}"
    lines = [
        f'  title "{device.title}"',
        "  driver simulated",
        f"  current {span} step {_current(device.step_na)} accuracy {accuracy}",
        f"  compliance {device.compliance_mv} mV",
        f"  slew at most {_slew(device.slew_na_s)}",
        f"  tick {_time(device.tick_ms)}",
        f"  watchdog {_time(device.watchdog_ms)}",
        f"  host gap {_time(device.host_gap_ms)}",
        f"  waveforms {', '.join(device.waveforms)}",
    ]
    return "\n".join([f"device {device.name} {{", *lines, "}"])


def _protocol(treatment: Treatment, device: Device) -> str:
    lines = [
        'protocol generated version "1.0.0" {',
        '  title "Generated"',
        "  within bench",
        f"  device {device.name}",
        '  active cathode patch on "arm"',
        '  return anode patch on "leg"',
        *(_parameter(item) for item in treatment.parameters),
        *(f'  ask {name}: yes/no "{name}?"' for name in treatment.answers),
        "  session {",
        *_parts(treatment.parts, "    "),
        "  }",
        *(f"  {_watch(watch)}" for watch in treatment.watches),
        _interruptions(treatment),
        f"  stop at {_slew(min(treatment.stop_na_s, device.slew_na_s))}",
        "}",
    ]
    return "\n".join(lines)


def _parameter(item: Parameter) -> str:
    adjustable = "adjustable " if item.adjustable else ""
    span = f"{_current(item.lo)} .. {_current(item.hi)} = {_current(item.default)}"
    return f'  {adjustable}param {item.name}: {span} step {_current(item.step)} "{item.name}"'


def _watch(watch: Watch) -> str:
    name = _PREFIX.get(watch.reading, "measured.") + watch.reading
    first, other = (">", "<") if watch.above else ("<", ">")
    unit = _UNITS[watch.reading]
    until = "" if watch.until is None else f" until {name} {other} {watch.until} {unit}"
    bounds = f"{name} {first} {watch.bound} {unit} for {_time(watch.persistence_ms)}{until}"
    return f'{watch.action.value} when {bounds} "{watch.reading} watched"'


def _interruptions(treatment: Treatment) -> str:
    if not treatment.resume:
        return "  no resume"
    return f"  interruptions at most {treatment.interruptions}, each at most {_time(treatment.pause_ms)}"


def _parts(parts: tuple[Part, ...], indent: str) -> list[str]:
    return [line for part in parts for line in _part(part, indent)]


def _part(part: Part, indent: str) -> list[str]:
    inner = indent + "  "
    match part:
        case Leg():
            return [indent + line for line in _leg(part)]
        case Found(variable, within_ms, body):
            return [f"{indent}record {_recorded(variable)}{_waiting(within_ms)}", *_parts(body, indent)]
        case Late():
            raise AssertionError("no protocol says what else happens when somebody is late")
        case Doses():
            return [indent + line for line in _doses(part)]
        case Rest(ms):
            return [f'{indent}wait {_time(ms)} "rest"']
        case Tell(within_ms):
            return [f'{indent}instruct "look"{_waiting(within_ms)}']
        case Turn():
            return [f"{indent}reverse polarity"]
        case Repeat(count, period_ms, body, within_ms):
            period = "" if period_ms is None else f" every {_time(period_ms)}"
            rounds = f"{count} times"
            if within_ms is not None:
                rounds = f"until {ANSWER} at most {_time(within_ms)}"
            return [f"{indent}repeat {rounds}{period} {{", *_parts(body, inner), indent + "}"]
        case Choice(answer, yes, no):
            lines = [f"{indent}if {answer} {{", *_parts(yes, inner), indent + "}"]
            return lines if not no else [*lines[:-1], indent + "} else {", *_parts(no, inner), indent + "}"]


def _waiting(within_ms: int | None) -> str:
    return "" if within_ms is None else f' waiting at most {_time(within_ms)} else finish "nobody"'


def _recorded(variable: Variable) -> str:
    """A recorded value of current, or yes or no."""
    domain = variable.domain
    if isinstance(domain, IntegerDomain):
        assert domain.step is not None, "it was drawn with one"
        span = f"{_current(domain.lo)} .. {_current(domain.hi)} step {_current(domain.step)}"
        return f'{variable.name}: {span} "{variable.name}"'
    return f'{variable.name}: yes/no "{variable.name}"'


def _leg(leg: Leg) -> list[str]:
    """Each line with the waveform that flows from there on."""
    form = _as(leg.waveform)
    lines = [_move(leg.up, leg.negative) + form]
    for item in leg.body:
        if isinstance(item, Move) and item.turns:
            form = _as(item.waveform)
        if isinstance(item, Rounds):
            inner = [f"  {_moved(each, leg.negative)}{form}" for each in item.body]
            lines += [f"repeat {item.count} times {{", *inner, "}"]
        else:
            lines.append(_moved(item, leg.negative) + form)
    return [*lines, f"ramp to 0 mA {_speed(leg.down)}{form}"]


def _as(waveform: Waveform | None) -> str:
    return "" if waveform is None else f" as {waveform_text(waveform)}"


def _moved(part: Move | Keep, negative: bool) -> str:
    return _move(part, negative) if isinstance(part, Move) else _keep(part)


def _doses(part: Doses) -> list[str]:
    basal = "" if part.basal is None else f" basal {_level(part.basal, False)}"
    # No lockout is written as none: the language refuses one of zero.
    since = "end" if part.from_end else "start"
    lockout = f" lockout {_time(part.lockout_ms)} from {since}" if part.lockout_ms else ""
    rules = "".join(f" at most {count} in any {_time(ms)}" for count, ms in part.rules)
    whole = f" at most {part.count} times within {_time(part.within_ms)}"
    back = "0 mA" if part.basal is None else _level(part.basal, False)
    lines = [
        f'on demand "{part.button}"{basal}{lockout}{rules}{whole} {{',
        "  " + _move(part.up, False),
        "  " + _keep(part.keep),
        f"  ramp to {back} {_speed(part.back)}",
        "}",
    ]
    return lines if part.basal is None else [*lines, f"ramp to 0 mA {_speed(part.down)}"]


def _move(move: Move, negative: bool) -> str:
    return f"ramp to {_level(move.level, negative)} {_speed(move.speed)}"


def _level(level: Level, negative: bool) -> str:
    sign = "-" if negative else ""
    match level:
        case Fixed(na):
            return sign + _current(na)
        case Chosen(name):
            return sign + name


def _speed(speed: Speed) -> str:
    return f"at {_slew(speed.na_s)}" if isinstance(speed, At) else f"over {_time(speed.ms)}"


def _keep(keep: Keep) -> str:
    match keep.kind:
        case "time":
            return f"hold for {_time(keep.amount)}"
        case "charge":
            return f"hold until {_charge(keep.amount)}"
        case _:
            return f"hold until total {_charge(keep.amount)}"
