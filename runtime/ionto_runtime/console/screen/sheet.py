"""What stands on the screen, as texts: a story and an age in, words out, with no display in it.

A value is fresh, old or gone. What is old says so in words, and after five seconds there are dashes.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from ionto_ir.canonical import Json
from ionto_ir.dataclass import dataclass
from ionto_ir.events import Priority
from ionto_ir.units import format_quantity
from ionto_ir.wording import DIMENSIONS
from ionto_runtime.alarms import SYMBOLS
from ionto_runtime.console.screen.story import LOST_MS, STALE_MS, Story, alarms_of, items_of
from ionto_runtime.messages import READING, Message
from ionto_runtime.stimulator import Measurement
from ionto_runtime.words import charge, clock, contact_words, current, voltage

DASH = "–"
NOTHING = "--.--"
"""What large digits show where there is no value."""

NO_PROCESS = "no safety process"

ADVICE = {
    "high": "Look at the patient now; disconnect if the current does not end.",
    "medium": "See to it; the session waits or ends by itself.",
    "low": "Keep an eye on it.",
}
GOOD, WAITS, BAD, PLAIN = "good", "waits", "bad", "plain"
KINDS = {
    "RUNNING": GOOD,
    "RAMP UP": GOOD,
    "RAMP DOWN": GOOD,
    "DONE": GOOD,
    "PAUSED": WAITS,
    "PAUSING": WAITS,
    "STOPPING": WAITS,
    "ARMED": WAITS,
    "STOPPED": BAD,
    "FAULT": BAD,
    "REFUSED": BAD,
    "NO LINK": BAD,
}


@dataclass(frozen=True, slots=True)
class Standing:
    """How far the screen may be believed: `fresh`, `old` or `gone`, and why in a few words."""

    fresh: bool
    gone: bool
    text: str


@dataclass(frozen=True, slots=True)
class Numbers:
    """The values of the newest view with their units; dashes where there are none."""

    measured: str
    setpoint: str
    delivered: str
    planned: str
    bounds: str
    behind: str | None
    permille: int
    remaining: str
    elapsed: str
    voltage: str
    compliance: str
    contact: str
    density: str
    poles: str


@dataclass(frozen=True, slots=True)
class AlarmLine:
    """An alarm as it is read out: mark, urgency, code, sentence, what to do."""

    priority: str
    text: str
    seen: bool


def standing(story: Story, now_ms: int, *, connected: bool, ended: bool) -> Standing:
    """Whether what is shown is what is."""
    age = story.age_ms(now_ms)
    if story.over:
        return Standing(True, False, "ended")
    if ended:
        return Standing(False, True, NO_PROCESS)
    if not connected:
        return Standing(False, True, "NO LINK" if age is None else f"heard {age // 1000} s ago")
    if age is None:
        return Standing(not story.begun, False, "before the session")
    text = f"{age / 1000:.1f} s old"
    if age > LOST_MS:
        return Standing(False, True, f"heard {age // 1000} s ago")
    return Standing(age <= STALE_MS, False, text if age <= STALE_MS else f"STALE, {text}")


def state_word(story: Story, believed: Standing) -> str:
    """The state in a word or two."""
    match story.last:
        case {"type": "bye", "outcome": {"completed": completed}}:
            view_word = "" if story.view is None else str(story.view["word"])
            return "DONE" if completed else "FAULT" if view_word == "FAULT" else "STOPPED"
        case {"type": "refused_session"}:
            return "REFUSED"
        case {"type": "failed"}:
            return "FAULT"
        case _:
            pass
    if believed.gone:
        return "NO LINK"
    if story.view is not None:
        return str(story.view["word"])
    return "ARMED" if story.armed else "PREPARING"


def last_words(story: Story) -> str | None:
    """How the session ended, or why there was none."""
    match story.last:
        case {"type": "bye", "outcome": {"reason": reason}}:
            return f"The session is over: {reason}."
        case {"type": "refused_session", "diagnostics": list() as diagnostics}:
            said = [f"{item['code']}: {item['message']}" for item in diagnostics if isinstance(item, dict)]
            return "Nothing was begun. " + " · ".join(said)
        case {"type": "failed", "reason": reason}:
            return f"The safety process itself went wrong: {reason}. Look at the device."
        case _:
            return None


def numbers(story: Story, believed: Standing) -> Numbers:
    """The values, in words."""
    facts, view = story.facts or {}, story.view
    planned_pc, compliance_mv = facts.get("planned_pc"), facts.get("compliance_mv")
    planned = charge(planned_pc) if isinstance(planned_pc, int) else DASH
    limit = voltage(compliance_mv) if isinstance(compliance_mv, int) else DASH
    if view is None or believed.gone:
        delivered, bounds, permille = _dose(view, planned_pc)
        gone = (NOTHING, DASH, delivered, planned, bounds, None, permille, NOTHING, DASH)
        return Numbers(*gone, DASH, limit, "no reading", DASH, poles(facts, 0))
    reading = reading_of(view)
    set_na = _integer(view["setpoint_na"])
    delivered, bounds, permille = _dose(view, planned_pc)
    behind_pc = view.get("behind_pc")
    return Numbers(
        measured=NOTHING if reading is None else current(abs(reading.current_na)).removesuffix(" mA"),
        setpoint=current(abs(set_na)),
        delivered=delivered,
        planned=planned,
        bounds=bounds,
        behind=charge(behind_pc) if isinstance(behind_pc, int) and behind_pc >= BEHIND_PC_MIN else None,
        permille=permille,
        remaining=("" if not view["about"] else "≈") + clock(_integer(view["remaining_ms"])),
        elapsed=clock(_integer(view["elapsed_ms"])),
        voltage=DASH if reading is None else voltage(abs(reading.voltage_mv)),
        compliance=limit,
        contact=_channels(view, facts) or _contact(reading, facts),
        density=_density(outputs_of(view, facts), facts),
        poles=poles(facts, set_na, outputs_of(view, facts)),
    )


UNIT = " mA·min"
BEHIND_PC_MIN = 600_000_000
"""A hundredth of a mA·min: less is not to be seen in a display of two decimals."""


def _dose(view: Message | None, planned_pc: Json) -> tuple[str, str, int]:
    """What was delivered, at least and at most, and how much of the plan that is, in thousandths. It is never
    dashed: what the patient has had so far is known also when the link is gone.
    """
    if view is None:
        return NOTHING, DASH, 0
    nominal_pc, upper_pc = _integer(view["nominal_pc"]), _integer(view["upper_pc"])
    share = nominal_pc * 1000 // planned_pc if isinstance(planned_pc, int) and planned_pc > 0 else 0
    lower_pc, most = view.get("lower_pc"), charge(upper_pc)
    bounds = f"at most {most}"
    if isinstance(lower_pc, int):
        bounds = f"{charge(lower_pc).removesuffix(UNIT)} to {most}"
    return charge(nominal_pc).removesuffix(UNIT), bounds, min(1000, share)


def reading_of(view: Message) -> Measurement | None:
    """What the device said of itself."""
    said = view["reading"]
    if not isinstance(said, dict):
        return None
    return Measurement(**{name: said[name] for name in READING})  # type: ignore[arg-type]


CONTACT_MARKS = {"good": "● ", "fair": "◐ ", "poor": "○ "}


def _contact(reading: Measurement | None, facts: Message) -> str:
    if reading is not None and reading.lead_off:
        return "○ OPEN: an electrode is off"
    most, limit = facts.get("ohm_max"), facts.get("compliance_mv")
    words = contact_words(
        reading, most if isinstance(most, int) else None, limit if isinstance(limit, int) else 1
    )
    return f"{CONTACT_MARKS.get(words.partition(' ')[0].rstrip(':'), '')}{words}"


@dataclass(frozen=True, slots=True)
class Flowing:
    """What flows at one output, and through which electrodes."""

    set_na: int
    reading: Measurement | None
    electrodes: tuple[int, ...]


def outputs_of(view: Message, facts: Message) -> tuple[Flowing, ...]:
    """Each of several channels, or the only output with all electrodes."""
    known, channels = items_of(facts, "channels"), items_of(view, "channels")
    if not channels:
        everything = tuple(range(len(items_of(facts, "electrodes"))))
        return (Flowing(_integer(view["setpoint_na"]), reading_of(view), everything),)
    found = []
    for said, channel in zip(known, channels, strict=False):
        numbers = said["electrodes"]
        own = (
            tuple(number for number in numbers if isinstance(number, int))
            if isinstance(numbers, list)
            else ()
        )
        found.append(Flowing(_integer(channel["setpoint_na"]), reading_of(channel), own))
    return tuple(found)


def _channels(view: Message, facts: Message) -> str:
    """Each of several channels in a line; the large numbers are their sums. Empty where there is only one."""
    lines = []
    for channel in items_of(view, "channels"):
        reading = reading_of(channel)
        measured = DASH if reading is None else current(abs(reading.current_na))
        given = f"{current(abs(_integer(channel['setpoint_na'])))} set, {measured} measured"
        lines.append(f"{channel['name']}: {channel['word']}, {given}, {_contact(reading, facts)}")
    return "\n          ".join(lines)


def poles(facts: Message, set_na: int, outputs: Sequence[Flowing] = ()) -> str:
    """Each electrode with the sign that it has now; a return that channels of both signs share has none."""
    shown = []
    for index, item in enumerate(items_of(facts, "electrodes")):
        turned = {output.set_na < 0 for output in outputs if index in output.electrodes} or {set_na < 0}
        positive = (item["role"] == "anode") != (True in turned)
        sign = "±" if len(turned) > 1 else "+" if positive else "−"
        shown.append(f"{sign} {item['site']}")
    return "   ".join(shown)


def _density(outputs: Sequence[Flowing], facts: Message) -> str:
    """The highest at any active electrode, each by the current of its own output."""
    electrodes = items_of(facts, "electrodes")
    found = []
    for output in outputs:
        own = [electrodes[index] for index in output.electrodes if index < len(electrodes)]
        areas = [
            area
            for item in own
            if item["place"] == "active" and isinstance(area := item["area_um2"], int) and area > 0
        ]
        if output.reading is not None and areas:
            found.append(abs(output.reading.current_na) / 1_000_000 / (min(areas) / 100_000_000))
    return f"{max(found):.3f} mA/cm²" if found else DASH


# --- steps, alarms, banners ---------------------------------------------------------------------------------
def steps_ahead(story: Story) -> tuple[str, str]:
    """The step that runs, and what comes after it and will be asked next."""
    steps = story.facts.get("steps") if story.facts is not None else None
    if not isinstance(steps, list) or story.view is None:
        first = steps[0] if isinstance(steps, list) and steps else DASH
        return "not begun", f"first: {first}"
    index, asks = story.view.get("index"), story.facts.get("asks") if story.facts is not None else None
    if not isinstance(index, int):
        return str(story.view["step"]), ""
    parts = [f"then: {steps[index + 1]}"] if index + 1 < len(steps) else []
    coming = (
        [place for place in asks if isinstance(place, int) and place > index + 1]
        if isinstance(asks, list)
        else []
    )
    if coming and coming[0] < len(steps):
        parts.append(f"next question: {steps[coming[0]]}")
    return f"{story.view['step']}  (step {index + 1} of {len(steps)})", " · ".join(parts)


def channel_lines(story: Story) -> list[str]:
    """Each of several channels: its state, its currents, its step."""
    return [
        f"{item['name']}: {item['word']}  {_channel_current(item)}  {item['step']}"
        for item in items_of(story.view, "channels")
    ]


def _channel_current(channel: Message) -> str:
    reading = reading_of(channel)
    measured = DASH if reading is None else current(abs(reading.current_na))
    return f"{measured} measured, {current(abs(_integer(channel['setpoint_na'])))} set"


def alarm_lines(story: Story) -> list[AlarmLine]:
    """All alarms, those that nobody has acknowledged first, then by urgency."""
    if story.view is None:
        return []
    unseen = {str(alarm["code"]) for alarm in story.unseen()}
    lines = [_alarm_line(alarm, seen=str(alarm["code"]) not in unseen) for alarm in alarms_of(story.view)]
    return sorted(lines, key=lambda line: line.seen)


def _alarm_line(alarm: Message, *, seen: bool) -> AlarmLine:
    priority = str(alarm["priority"])
    mark, what = SYMBOLS[Priority(priority)], f"{alarm['code']}: {alarm['text']}"
    tail = "(acknowledged)" if seen else ADVICE[priority]
    return AlarmLine(priority, f"{mark:<3} {priority.upper()} {what}. {tail}", seen)


def banners(
    story: Story, believed: Standing, process: int | None, *, connected: bool
) -> Iterator[tuple[str, str]]:
    """What must be said all the time: which kind, and the sentence."""
    facts = story.facts or {}
    if believed.gone and not story.over:
        yield "lost", _lost_words(facts, believed, process, connected=connected)
    if facts.get("simulated") is True:
        yield "simulated", "SIMULATED HARDWARE: no current flows through anybody"
    if isinstance(banner := facts.get("banner"), str):
        yield "unsafe", banner
    if not story.commands and not story.over:
        commander = None if story.view is None else story.view.get("commander")
        whose = f"`{commander}` commands" if isinstance(commander, str) else "this console does not command"
        yield "watching", f"WATCHING: {whose}. This one can stop; c takes the command"


def _lost_words(facts: Message, believed: Standing, process: int | None, *, connected: bool) -> str:
    if believed.text == NO_PROCESS:
        ends = f"what ends its output: {facts.get('ended_by', DASH)}"
        if facts.get("dead_man") == "none":
            ends = "nothing ends its output, DISCONNECT THE PATIENT"
        return f"!!! THE SAFETY PROCESS IS GONE: look at the patient and the device; {ends}"
    way = "STOP still reaches the process by a signal" if process is not None else "stop at the device"
    if connected:
        return f"!!! THE SAFETY PROCESS SAYS NOTHING: look at the patient. {way}"
    return f"!!! NO LINK TO THE SAFETY PROCESS: look at the patient. {way}; connecting again"


def value_now(story: Story, item: Message) -> str:
    """What an adjustable parameter is at the moment."""
    values = story.view["values"] if story.view is not None else {}
    raw = values.get(str(item["name"]), item.get("value")) if isinstance(values, dict) else item.get("value")
    dimension = DIMENSIONS.get(str(item.get("dimension")))
    if not isinstance(raw, int) or dimension is None:
        return DASH
    return format_quantity(raw, dimension, str(item.get("unit")))


def foot(story: Story, now_ms: int) -> str:
    """Journal, operator, software."""
    facts, view = story.facts or {}, story.view
    parts = [f"operator {facts.get('operator') or 'not named'}"]
    if view is not None:
        age = "" if story.over else f", last entry {(now_ms - story.head_ms) / 1000:.1f} s ago"
        parts.append(f"journal …{str(view['head'])[-8:]}{age}")
    if isinstance(tool := facts.get("tool"), str):
        parts.append(tool)
    return "   ".join(parts)


def _integer(value: Json) -> int:
    assert isinstance(value, int), "the safety process counts in whole numbers"
    return value
