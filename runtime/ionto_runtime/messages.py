"""What is said between the safety process and its consoles: one JSON object a line, small and bounded.

`docs/reference/safety.schema.json` is the published form. Whatever comes in is a stranger's: a line that is
too long, no JSON or no object of ours is answered with a refusal and changes nothing.
"""

from __future__ import annotations

import json
from collections.abc import Mapping

from ionto_ir.canonical import Json, JsonLike, unwritable
from ionto_ir.dataclass import dataclass, fields
from ionto_ir.diagnostic import Diagnostic
from ionto_ir.entry import parse_entry
from ionto_ir.events import (
    Adjust,
    Alarm,
    Confirm,
    EmergencyStop,
    End,
    Enter,
    Event,
    Pause,
    Press,
    Priority,
    Prompt,
    PromptKind,
    Record,
    Refused,
    Resume,
    Stop,
)
from ionto_ir.expression import Value
from ionto_ir.plan import Plan
from ionto_ir.state import Mode
from ionto_runtime.outcome import ChannelOutcome, Outcome
from ionto_runtime.stimulator import Measurement
from ionto_runtime.view import ChannelView, Facts, View

SCHEMA = "ionto.safety/1"

COMMAND_BYTES_MAX = 8 * 1024
"""The longest line that a console may send: a confirmation names a few electrodes."""

MESSAGE_BYTES_MAX = 256 * 1024
"""The longest line that the safety process sends: the facts of a session, with the words of all its steps."""

PLAIN: dict[str, Event] = {
    "confirm": Confirm(),
    "pause": Pause(),
    "resume": Resume(),
    "stop": Stop(),
    "emergency_stop": EmergencyStop(),
}
STOPS = frozenset({"stop", "emergency_stop"})
"""What anybody may say at any time, without a token and without being asked whether it was meant."""

Message = dict[str, Json]


def line_of(message: Mapping[str, JsonLike]) -> bytes:
    """A message as it goes over the socket."""
    text = json.dumps(message, ensure_ascii=False, separators=(",", ":")).encode("utf-8")
    assert len(text) < MESSAGE_BYTES_MAX, "messages are bounded"
    return text + b"\n"


@dataclass(frozen=True, slots=True)
class Unreadable:
    """A line that is no message, and why."""

    reason: str


class LineReader:
    """Bytes in, messages out. What is kept is at most one line of `bytes_max`; the rest of a longer one is
    thrown away as it comes.
    """

    def __init__(self, bytes_max: int) -> None:
        self._bytes_max = bytes_max
        self._held = b""
        self._skipping = False

    def take(self, data: bytes) -> list[Message | Unreadable]:
        """The messages that end in `data`."""
        *lines, rest = (self._held + data).split(b"\n")
        found: list[Message | Unreadable] = []
        for line in lines:
            if self._skipping:
                self._skipping = False
                continue
            found.append(self._message(line))
        if len(rest) > self._bytes_max:
            if not self._skipping:
                found.append(Unreadable("a line that is too long"))
            self._skipping, rest = True, b""
        self._held = b"" if self._skipping else rest
        return found

    def _message(self, line: bytes) -> Message | Unreadable:
        if len(line) > self._bytes_max:
            return Unreadable("a line that is too long")
        try:
            found = json.loads(line, parse_float=_no_number, parse_constant=_no_number)
        except (ValueError, RecursionError):
            return Unreadable("a line that is no JSON")
        if not isinstance(found, dict) or not isinstance(found.get("type"), str):
            return Unreadable("a line that is no message")
        if unwritable(found) is not None:
            return Unreadable("a line that says what no journal can")
        return found


def _no_number(digits: str) -> Json:
    raise ValueError(digits)


# --- what consoles say --------------------------------------------------------------------------------------
def event_of(plan: Plan, message: Mapping[str, Json]) -> Event | str:
    """What a command means for the session, or why it means nothing. Values may come as text, with unit."""
    do = message.get("do")
    if isinstance(do, str) and do in PLAIN:
        return PLAIN[do]
    if do == "press":
        button = message.get("button")
        return Press(button) if isinstance(button, str) else "a press names its button"
    if do not in ("enter", "adjust"):
        return "there is no such command"
    name = message.get("variable")
    variable = next((item for item in plan.variables if item.name == name), None)
    if variable is None:
        return "there is no such variable"
    value: Json = message.get("value")
    if isinstance(text := message.get("text"), str):
        parsed = parse_entry(variable, text)
        if isinstance(parsed, Diagnostic):
            return parsed.message
        value = parsed
    if not isinstance(value, int):
        return "a value is a whole number, yes or no"
    return Enter(variable.name, value) if do == "enter" else Adjust(variable.name, value)


def command_of(event: Event) -> Message:
    """How a console says an event of a person."""
    match event:
        case Enter(variable, value):
            return {"do": "enter", "variable": variable, "value": value}
        case Press(button):
            return {"do": "press", "button": button}
        case Adjust(variable, value):
            return {"do": "adjust", "variable": variable, "value": value}
        case _:
            return {"do": next(name for name, plain in PLAIN.items() if plain == event)}


# --- what the safety process says ---------------------------------------------------------------------------
def view_to_json(view: View, sequence: int, sent_ms: int, wall_ms: int) -> Message:
    """A view with its number and time: of the values only those that differ from the facts."""
    changed = {
        name: value for name, value in view.values.items() if view.facts.bound.values.get(name) != value
    }
    prompt, end = view.prompt, view.end
    return {
        "type": "view",
        "sequence": sequence,
        "sent_ms": sent_ms,
        "wall_ms": wall_ms,
        "mode": view.mode.name.lower(),
        "word": view.word,
        "step": view.step,
        "index": view.index,
        "setpoint_na": view.setpoint_na,
        "reading": _reading_to_json(view.reading),
        "nominal_pc": view.nominal_pc,
        "upper_pc": view.upper_pc,
        "lower_pc": view.lower_pc,
        "behind_pc": view.behind_pc,
        "button": view.button,
        "elapsed_ms": view.elapsed_ms,
        "remaining_ms": view.remaining_ms,
        "about": view.about,
        "prompt": None
        if prompt is None
        else {"kind": prompt.kind.value, "text": prompt.text, "variable": prompt.variable},
        "waits": view.waits,
        "alarms": [alarm_to_json(alarm) for alarm in view.alarms],
        "acknowledged": list(view.acknowledged),
        "refusal": None if view.refusal is None else view.refusal.reason,
        "values": dict(changed),
        "channels": [
            {
                **{name: getattr(channel, name) for name in _CHANNEL},
                "mode": channel.mode.name.lower(),
                "reading": _reading_to_json(channel.reading),
            }
            for channel in view.channels
        ],
        "head": view.head,
        "end": None if end is None else {"reason": end.reason, "completed": end.completed},
        "closed": view.closed,
    }


READING = tuple(item.name for item in fields(Measurement) if item.name != "waveform")
_CHANNEL = ("name", "word", "step", "setpoint_na", "nominal_pc", "upper_pc")


def _reading_to_json(reading: Measurement | None) -> Message | None:
    return None if reading is None else {name: getattr(reading, name) for name in READING}


def _reading(said: Json) -> Measurement | None:
    return Measurement(**said) if isinstance(said, dict) else None  # type: ignore[arg-type]


def view_from_json(facts: Facts, said: Mapping[str, Json]) -> View:
    """A view as the safety process has shown it. What comes from it is of its own making and is believed."""
    found: dict[str, object] = dict(said)
    reading, prompt, end, refusal = (said[name] for name in ("reading", "prompt", "end", "refusal"))
    alarms, values, acknowledged = said["alarms"], said["values"], said["acknowledged"]
    channels = said["channels"]
    assert isinstance(alarms, list) and isinstance(values, dict) and isinstance(acknowledged, list)
    assert isinstance(channels, list)
    for name in ("type", "sequence", "sent_ms", "wall_ms", "commander"):
        found.pop(name, None)
    found |= {
        "mode": Mode[str(said["mode"]).upper()],
        "reading": _reading(reading),
        "channels": tuple(_channel(channel) for channel in channels if isinstance(channel, dict)),
        "prompt": _prompt(prompt) if isinstance(prompt, dict) else None,
        "alarms": tuple(_alarm(alarm) for alarm in alarms if isinstance(alarm, dict)),
        "acknowledged": tuple(str(code) for code in acknowledged),
        "refusal": Refused("", refusal) if isinstance(refusal, str) else None,
        "values": {**facts.bound.values, **values},
        "end": End(str(end["reason"]), bool(end["completed"])) if isinstance(end, dict) else None,
    }
    return View(facts=facts, **found)  # type: ignore[arg-type]


def _channel(said: Mapping[str, Json]) -> ChannelView:
    found: dict[str, object] = dict(said)
    found |= {"mode": Mode[str(said["mode"]).upper()], "reading": _reading(said["reading"])}
    return ChannelView(**found)  # type: ignore[arg-type]


def alarm_to_json(alarm: Alarm) -> Message:
    """An alarm in words and urgency."""
    return {"code": alarm.code, "text": alarm.text, "priority": alarm.priority.value}


def _alarm(said: Mapping[str, Json]) -> Alarm:
    return Alarm(str(said["code"]), str(said["text"]), Priority(said["priority"]))


def _prompt(said: Mapping[str, Json]) -> Prompt:
    name = said["variable"]
    return Prompt(PromptKind(said["kind"]), str(said["text"]), name if isinstance(name, str) else None)


def outcome_to_json(outcome: Outcome) -> Message:
    """How a session ended."""
    records: list[Json] = [
        {"variable": item.variable, "value": item.value, "meaning": item.meaning} for item in outcome.records
    ]
    return {
        **{name: getattr(outcome, name) for name in _OUTCOME},
        "by_sign_pc": {str(sign): pc for sign, pc in outcome.by_sign_pc},
        "records": records,
        "alarms": [alarm_to_json(alarm) for alarm in outcome.alarms],
        "channels": [
            {
                **{name: getattr(channel, name) for name in _CHANNEL_OUTCOME},
                "by_sign_pc": {str(sign): pc for sign, pc in channel.by_sign_pc},
            }
            for channel in outcome.channels
        ],
    }


_CHANNEL_OUTCOME = (
    "name",
    "completed",
    "reason",
    "nominal_pc",
    "upper_pc",
    "duration_ms",
    "interruptions",
    "peak_na",
)
_OUTCOME = (
    "completed",
    "reason",
    "nominal_pc",
    "upper_pc",
    "duration_ms",
    "interruptions",
    "peak_na",
    "head",
    "sealed",
)


def outcome_from_json(said: Mapping[str, Json]) -> Outcome:
    """How a session ended, as the safety process says it."""
    records, alarms, channels = said["records"], said["alarms"], said["channels"]
    assert isinstance(records, list) and isinstance(alarms, list) and isinstance(channels, list)
    plain: dict[str, object] = {name: said[name] for name in _OUTCOME}
    return Outcome(
        **plain,  # type: ignore[arg-type]
        by_sign_pc=_by_sign(said["by_sign_pc"]),
        records=tuple(_record(item) for item in records if isinstance(item, dict)),
        alarms=tuple(_alarm(item) for item in alarms if isinstance(item, dict)),
        channels=tuple(_channel_outcome(item) for item in channels if isinstance(item, dict)),
    )


def _channel_outcome(said: Mapping[str, Json]) -> ChannelOutcome:
    plain: dict[str, object] = {name: said[name] for name in _CHANNEL_OUTCOME}
    return ChannelOutcome(**plain, by_sign_pc=_by_sign(said["by_sign_pc"]))  # type: ignore[arg-type]


def _by_sign(said: Json) -> tuple[tuple[int, int], ...]:
    assert isinstance(said, dict)
    return tuple((int(sign), pc) for sign, pc in said.items() if isinstance(pc, int))


def _record(said: Mapping[str, Json]) -> Record:
    value, meaning = said["value"], said["meaning"]
    assert isinstance(value, int)
    known: Value = value
    return Record(str(said["variable"]), known, meaning if isinstance(meaning, str) else None)


def diagnostics_to_json(diagnostics: tuple[Diagnostic, ...]) -> list[Json]:
    """Diagnostics in the few fields that a console shows."""
    return [
        {
            "code": item.code,
            "message": item.message,
            "notes": list(item.notes),
            "help": item.help,
            "file": None if item.primary is None else item.primary.span.file,
        }
        for item in diagnostics
    ]
