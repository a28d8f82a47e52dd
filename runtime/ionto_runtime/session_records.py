"""What the records of a session say: events, commands and constants as JSON, and events read back.

A record of an event holds all of the event, the commands that it led to, and where the machine then was, so
that the events alone give the whole session again and every command can be compared.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import assert_never

from ionto_ir.bound import UNLIMITED, Constants
from ionto_ir.canonical import INTEGER_MAX, Json, unwritable
from ionto_ir.constants import MovingCap
from ionto_ir.dataclass import fields
from ionto_ir.events import (
    Ack,
    Adjust,
    Alarm,
    Begin,
    Command,
    Confirm,
    DeviceFault,
    Dose,
    EmergencyStop,
    End,
    Enter,
    Event,
    FaultKind,
    LinkBack,
    LinkLost,
    OutputOff,
    Pause,
    Press,
    Prompt,
    Record,
    Recovered,
    Refused,
    Resume,
    SetCurrent,
    Stop,
    Tick,
)
from ionto_ir.expression import Value
from ionto_ir.state import State
from ionto_ir.waveform import Waveform
from ionto_runtime.journal_format import RecordType

_PLAIN: dict[str, Event] = {
    "begin": Begin(),
    "confirm": Confirm(),
    "pause": Pause(),
    "resume": Resume(),
    "stop": Stop(),
    "emergency_stop": EmergencyStop(),
    "link_lost": LinkLost(),
    "link_back": LinkBack(),
}
_NAMES: dict[Event, str] = {event: name for name, event in _PLAIN.items()}


def record_type_of(event: Event) -> RecordType:
    """The kind of record that keeps an event."""
    match event:
        case Tick():
            return RecordType.SAMPLE
        case Confirm():
            return RecordType.ANSWER
        case Enter():
            return RecordType.RECORDED
        case _:
            return RecordType.EVENT


def event_to_json(event: Event) -> dict[str, Json]:
    """An event with its name under `event`."""
    match event:
        case Tick(measured_na, voltage_mv, impedance_ohm, acknowledged):
            return {
                "event": "tick",
                "measured_na": measured_na,
                "voltage_mv": voltage_mv,
                "impedance_ohm": impedance_ohm,
                "acknowledged": acknowledged,
            }
        case Enter(variable, value):
            return {"event": "enter", "variable": variable, "value": value}
        case Adjust(variable, value):
            return {"event": "adjust", "variable": variable, "value": value}
        case Press(button):
            return {"event": "press", "button": button}
        case Ack(sequence):
            return {"event": "ack", "sequence": sequence}
        case DeviceFault(kind):
            return {"event": "device_fault", "kind": kind.value}
        case Recovered(outage_ms):
            return {"event": "recovered", "outage_ms": outage_ms}
        case Begin() | Confirm() | Pause() | Resume() | Stop() | EmergencyStop() | LinkLost() | LinkBack():
            return {"event": _NAMES[event]}
        case _:
            assert_never(event)


def event_from_json(payload: Mapping[str, Json]) -> Event | None:
    """The event that a record keeps; None when it keeps none, or none that this program knows."""
    match payload:
        case {"event": "tick", "acknowledged": bool() as acknowledged, **fields}:
            return _tick(fields, acknowledged)
        case {"event": "enter", "variable": str() as variable, "value": bool() | int() as value}:
            return Enter(variable, value)
        case {"event": "adjust", "variable": str() as variable, "value": bool() | int() as value}:
            return Adjust(variable, value)
        case {"event": "press", "button": str() as button}:
            return Press(button)
        case {"event": "ack", "sequence": int() as sequence}:
            return Ack(sequence)
        case {"event": "device_fault", "kind": str() as kind} if kind in _FAULTS:
            return DeviceFault(_FAULTS[kind])
        case {"event": "recovered", "outage_ms": int() as outage_ms}:
            return Recovered(outage_ms)
        case {"event": str() as name}:
            return _PLAIN.get(name)
        case _:
            return None


_FAULTS = {kind.value: kind for kind in FaultKind}


def _tick(fields: Mapping[str, Json], acknowledged: bool) -> Tick | None:
    readings: list[int | None] = []
    for name in ("measured_na", "voltage_mv", "impedance_ohm"):
        reading = fields.get(name, False)
        if isinstance(reading, bool) or not isinstance(reading, int | None):
            return None
        readings.append(reading)
    return Tick(readings[0], readings[1], readings[2], acknowledged)


def command_to_json(command: Command) -> dict[str, Json]:
    """A command with its name under `command`."""
    match command:
        case SetCurrent(current_na, lease_ms, sequence, waveform):
            setting: dict[str, Json] = {
                "command": "set_current",
                "current_na": current_na,
                "lease_ms": lease_ms,
                "sequence": sequence,
            }
            return setting if waveform is None else setting | {"waveform": waveform_to_json(waveform)}
        case OutputOff(sequence):
            return {"command": "output_off", "sequence": sequence}
        case Prompt(kind, text, variable):
            return {"command": "prompt", "kind": kind.value, "text": text, "variable": variable}
        case Record(variable, value, meaning):
            return {"command": "record", "variable": variable, "value": value, "meaning": meaning}
        case Dose(button, number):
            return {"command": "dose", "button": button, "number": number}
        case Alarm(code, text, priority):
            return {"command": "alarm", "code": code, "text": text, "priority": priority.value}
        case Refused(event, reason):
            return {"command": "refused", "event": event, "reason": reason}
        case End(reason, completed):
            return {"command": "end", "reason": reason, "completed": completed}
        case _:
            assert_never(command)


def waveform_to_json(waveform: Waveform) -> dict[str, Json]:
    """A waveform with all of its numbers."""
    return {
        "form": waveform.form.value,
        "frequency_mhz": waveform.frequency_mhz,
        "duty_ppm": waveform.duty_ppm,
        "offset_ppm": waveform.offset_ppm,
        "curve": waveform.curve.value,
    }


def commands_to_json(commands: tuple[Command, ...]) -> list[Json]:
    """Commands in their order."""
    return [command_to_json(command) for command in commands]


def recordable(event: Event) -> bool:
    """Whether a journal can say what a console has said: consoles are programs, and may say anything."""
    match event:
        case Adjust(_, value) | Enter(_, value):
            fits = isinstance(value, int)
        case _:
            fits = True
    return fits and unwritable(event_to_json(event)) is None


def was_sent(payload: Mapping[str, Json]) -> bool:
    """Whether the current that a tick's record names was really sent: not without a fresh reading."""
    return payload.get("sent") is not False


def position_to_json(state: State) -> dict[str, Json]:
    """Where the machine is: what a replay compares, and what charge a crash is counted from."""
    machine = state.machine
    return {
        "upper_pc": machine.upper_pc,
        "nominal_pc": machine.nominal_pc,
        "exposure_na": machine.exposure_na,
        "step": state.place.step,
        "mode": machine.mode.name.lower(),
        "clock_ms": state.clock_ms,
    }


_MOVING_NAMES = ("duration_apart_cap_ms", "windows")
"""Constants that a header has only where there are such limits: older headers have none."""

CONSTANT_NAMES = tuple(item.name for item in fields(Constants) if item.name not in _MOVING_NAMES)


def constants_to_json(constants: Constants) -> dict[str, Json]:
    """The machine's constants; null stands for "no such limit", which is larger than JSON can say."""
    found: dict[str, Json] = {}
    for name in CONSTANT_NAMES:
        value = getattr(constants, name)
        assert value is True or value is False or value == UNLIMITED or abs(value) <= INTEGER_MAX
        found[name] = None if value == UNLIMITED else value
    if constants.duration_apart_cap_ms != UNLIMITED:
        found["duration_apart_cap_ms"] = constants.duration_apart_cap_ms
    if constants.windows:
        found["windows"] = [_window_to_json(window) for window in constants.windows]
    return found


def _window_to_json(window: MovingCap) -> dict[str, Json]:
    earlier: list[Json] = [[until, charge] for until, charge in window.earlier]
    return {
        "ticks": window.ticks,
        "cap_pc": window.cap_pc,
        "nominal": window.nominal,
        "earlier": earlier,
    }


def constants_from_json(found: Json) -> Constants | None:
    """The constants that a header states, or None when it does not state all of them and no others."""
    if not isinstance(found, dict) or found.keys() - _MOVING_NAMES != set(CONSTANT_NAMES):
        return None
    may_resume, screened = found["may_resume"], found["screened"]
    windows = _windows_from_json(found.get("windows", []))
    if not isinstance(may_resume, bool) or not isinstance(screened, bool) or windows is None:
        return None
    numbers: dict[str, int] = {}
    for name in found.keys() - {"may_resume", "screened", "windows"}:
        value = UNLIMITED if found[name] is None and name in _MAY_BE_UNLIMITED else found[name]
        if isinstance(value, bool) or not isinstance(value, int):
            return None
        numbers[name] = value
    return Constants(may_resume=may_resume, screened=screened, windows=windows, **numbers)


def _windows_from_json(found: Json) -> tuple[MovingCap, ...] | None:
    """The moving windows, or None when they are something else."""
    windows = []
    for item in found if isinstance(found, list) else [None]:
        match item:
            case {
                "ticks": int() as ticks,
                "cap_pc": int() as cap_pc,
                "nominal": bool() as nominal,
                "earlier": list() as earlier,
                **others,
            } if ticks > 0 and not others:
                pairs = tuple((pair[0], pair[1]) for pair in map(_pair, earlier) if pair is not None)
                if len(pairs) != len(earlier):
                    return None
                windows.append(MovingCap(ticks, cap_pc, nominal, pairs))
            case _:
                return None
    return tuple(windows)


def _pair(found: Json) -> tuple[int, int] | None:
    match found:
        case [int() as until, int() as charge_pc]:
            return until, charge_pc
        case _:
            return None


_MAY_BE_UNLIMITED = frozenset({"cap_pc", "cap_nominal_pc", "duration_cap_ms"})


def values_from_json(found: Json) -> dict[str, Value] | None:
    """Values by name, or None when they are something else."""
    if not isinstance(found, dict):
        return None
    values = {name: value for name, value in found.items() if isinstance(value, int)}
    return values if len(values) == len(found) else None
