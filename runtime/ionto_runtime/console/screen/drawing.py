"""Puts the texts of a moment onto the screen's parts. Each colour stands beside a word for the same."""

from __future__ import annotations

from rich.text import Text
from textual.screen import Screen

from ionto_ir.dataclass import dataclass
from ionto_runtime.console.screen.person import Asked, Person
from ionto_runtime.console.screen.sheet import (
    BAD,
    KINDS,
    PLAIN,
    Numbers,
    Standing,
    alarm_lines,
    banners,
    channel_lines,
    foot,
    last_words,
    numbers,
    state_word,
    steps_ahead,
)
from ionto_runtime.console.screen.story import Story
from ionto_runtime.console.screen.widgets import Chart, Number, Part

ALARMS_SHOWN_MAX = 4
FLASH_MS = {"high": 500, "medium": 1_700, "low": 0}
"""How fast an alarm flashes: 2 Hz and 0.6 Hz are within what IEC 60601-1-8 gives for its priorities."""

STOP_KEY = "bold #ffffff on #d0021b"
DIM, KEY = "#97a3b4", "bold #4aa3ff"


@dataclass(frozen=True, slots=True)
class Moment:
    """What is drawn: the story and the person at a time, and how far both may be believed."""

    story: Story
    person: Person
    believed: Standing
    process: int | None
    quiet_ms: int
    now_ms: int
    whole: bool
    connected: bool


def draw(screen: Screen[None], moment: Moment) -> None:
    """Draw all of it."""
    values = numbers(moment.story, moment.believed)
    old = not moment.believed.fresh
    screen.set_class(old, "old")
    _head(screen, moment)
    _banners(screen, moment)
    _alarms(screen, moment)
    _ask(screen, moment)
    if screen.has_class("compact"):
        _part(screen, "lines").show(_lines(values, old))
    else:
        _numbers(screen, values, old)
    _steps(screen, moment)
    _checks(screen, moment.story)
    for chart in screen.query(Chart):
        chart.whole = moment.whole
        age_ms = moment.story.age_ms(moment.now_ms) or 0
        chart.right = "now" if moment.believed.fresh else f"{age_ms // 1000} s ago"
        chart.refresh()
    _part(screen, "keys").show(_keys(moment, screen.size.width - 2))
    _part(screen, "foot").show(Text(foot(moment.story, moment.now_ms)))
    if screen.has_class("tiny"):
        _part(screen, "tiny").show(_tiny(screen, moment, values))


def _part(screen: Screen[None], name: str) -> Part:
    return screen.query_one(f"#{name}", Part)


# --- head ---------------------------------------------------------------------------------------------------
def _head(screen: Screen[None], moment: Moment) -> None:
    facts = moment.story.facts or {}
    plan = facts.get("plan")
    title = f"{plan.get('title')} {plan.get('version')}" if isinstance(plan, dict) else "connecting …"
    patient = facts.get("patient")
    ends = f" · dead-man: {facts['ended_by']}" if "ended_by" in facts else ""
    who = Text()
    who.append(f"{title}\n", "bold")
    who.append(f"{'patient ' + str(patient) if patient else 'no patient token'}{ends}\n" if facts else "\n")
    who.append(str(facts.get("device") or ""), DIM)
    _part(screen, "who").show(who)
    word = state_word(moment.story, moment.believed)
    how = _part(screen, "how")
    for kind in set(KINDS.values()):
        how.set_class((KINDS.get(word, PLAIN) if moment.believed.fresh else BAD) == kind, kind)
    how.show(Text.assemble("\n", (word, "bold"), f"\n{moment.believed.text}", justify="center"))
    stop = _part(screen, "stop")
    stop.set_class(moment.story.over, "over")
    keys = "it has ended" if moment.story.over else "Esc · Ctrl-C" if _types(moment) else "Esc · s · Space"
    stop.show(Text.assemble("\n", ("■ STOP\n", "bold"), keys, justify="center"))


def _types(moment: Moment) -> bool:
    asked = moment.person.asked(moment.story, moment.now_ms)
    return asked is not None and asked.typed is not None


def _banners(screen: Screen[None], moment: Moment) -> None:
    said = dict(banners(moment.story, moment.believed, moment.process, connected=moment.connected))
    for kind in ("lost", "unsafe", "watching", "simulated"):
        _part(screen, kind).show(Text(said[kind]) if kind in said else None)


def _alarms(screen: Screen[None], moment: Moment) -> None:
    lines = alarm_lines(moment.story)
    for index in range(ALARMS_SHOWN_MAX):
        part = _part(screen, f"alarm{index}")
        if index >= len(lines):
            part.show(None)
            continue
        line = lines[index]
        period_ms = 0 if line.seen else FLASH_MS[line.priority]
        dark = period_ms > 0 and moment.now_ms % period_ms >= period_ms // 2
        for name in FLASH_MS:
            part.set_class(line.priority == name, name)
        part.set_class(line.seen, "seen")
        part.set_class(dark, "dark")
        part.show(Text(line.text))
    more = len(lines) - ALARMS_SHOWN_MAX
    _part(screen, "more").show(Text(f"… and {more} more") if more > 0 else None)


def _ask(screen: Screen[None], moment: Moment) -> None:
    asked = moment.person.asked(moment.story, moment.now_ms)
    _part(screen, "ask").show(None if asked is None else _question(asked))
    _part(screen, "ask").set_class(asked is not None and asked.ours, "ours")
    refusal = None if moment.story.view is None else moment.story.view.get("refusal")
    note = moment.person.note or moment.story.reason or refusal
    if note and note in (moment.story.reason, refusal):
        note = f"nothing was changed: {note}"
    _part(screen, "note").show(Text(str(note)) if note else None)


def _question(asked: Asked) -> Text:
    text = Text.assemble((asked.text, "bold"), "\n")
    if asked.typed is not None:
        text.append("> ", KEY).append(asked.typed).append("█\n", KEY)
    return text.append(asked.how, KEY)


# --- numbers ------------------------------------------------------------------------------------------------
def _numbers(screen: Screen[None], values: Numbers, old: bool) -> None:
    mark = "  STALE" if old else ""
    of_plan = f"of {values.planned} planned"
    parts = {
        "measured": (f"Measured, mA{mark}", values.measured, f"set {values.setpoint}"),
        "delivered": (f"Delivered, mA·min{mark}", values.delivered, of_plan),
        "remaining": (f"Time left, min:s{mark}", values.remaining, f"elapsed {values.elapsed}"),
    }
    for name, (label, digits, below) in parts.items():
        screen.query_one(f"#{name}", Number).show(label, digits, below)
    _part(screen, "bar").show(_bar(values, max(10, screen.size.width - 24)))
    _part(screen, "small").show(_small(values, mark))


def _bar(values: Numbers, width: int) -> Text:
    full = values.permille * width // 1000
    text = Text("█" * full, "#4aa3ff").append("░" * (width - full), "#3a4a5e")
    text.append(f"  {values.permille // 10} % of the dose", "#e6ebf2")
    return text


def _small(values: Numbers, mark: str) -> Text:
    behind = f"   {values.behind} behind the plan" if values.behind else ""
    return Text.assemble(
        ("Voltage   ", DIM),
        (f"{values.voltage} of {values.compliance}{mark}", "bold"),
        ("   Density   ", DIM),
        (values.density, "bold"),
        ("\nReceived  ", DIM),
        (values.bounds, "bold"),
        (behind, "bold #ffd24a"),
        ("\nContact   ", DIM),
        (values.contact, "bold"),
        ("\nPolarity  ", DIM),
        (values.poles, "bold"),
    )


def _lines(values: Numbers, old: bool) -> Text:
    """The same numbers in a small room."""
    mark = "  STALE" if old else ""
    style = "dim" if old else "bold"
    behind = f", {values.behind} behind" if values.behind else ""
    return Text.assemble(
        ("current   ", DIM),
        (f"{values.measured} mA", style),
        f" measured, {values.setpoint} set{mark}\n",
        ("dose      ", DIM),
        (f"{values.delivered}", "bold"),
        f" of {values.planned} ({values.permille // 10} %), surely {values.bounds}{behind}\n",
        ("time      ", DIM),
        (values.remaining, style),
        f" left, {values.elapsed} elapsed{mark}\n",
        ("voltage   ", DIM),
        f"{values.voltage} of {values.compliance}   {values.density}\n",
        ("contact   ", DIM),
        values.contact,
        "   ",
        values.poles,
    )


def _steps(screen: Screen[None], moment: Moment) -> None:
    part = _part(screen, "steps")
    over, channels = last_words(moment.story), channel_lines(moment.story)
    part.set_class(over is not None or bool(channels), "long")
    if over is not None:
        part.show(Text(over, "bold"))
    elif channels:
        part.show(Text("\n").join(Text.assemble(("▶ ", KEY), (line, "bold")) for line in channels))
    elif not moment.story.begun:
        part.show(_preparing(moment.story))
    else:
        now, ahead = steps_ahead(moment.story)
        part.show(Text.assemble(("▶ ", KEY), (now, "bold"), f"\n  {ahead}"))


def _checks(screen: Screen[None], story: Story) -> None:
    """All checks, in the room of the charts, until there is something to draw."""
    if story.begun or not story.checks:
        return _part(screen, "checks").show(None)
    text = Text()
    for check in story.checks:
        passed = check["passed"] is True
        text.append(f"{'✓' if passed else '✗'} {check['name']}", "bold" if passed else "bold reverse")
        text.append(f": {check['detail']}\n")
    return _part(screen, "checks").show(text)


def _preparing(story: Story) -> Text:
    """How far the preparation is."""
    if not story.checks:
        return Text("the device is being prepared", DIM)
    count = sum(1 for check in story.checks if check["passed"])
    armed = "armed: b begins" if story.commands else "armed: whoever commands begins"
    return Text(f"{count} checks passed, {armed if story.armed else '…'}", "bold")


# --- below --------------------------------------------------------------------------------------------------
def _keys(moment: Moment, width: int) -> Text:
    """The keys that mean something, in as many lines as they need."""
    pairs = [] if moment.story.over else [("Esc", "stop"), ("e", "open the output at once")]
    pairs += moment.person.keys(moment.story, reached=not moment.believed.gone)
    text, column = Text(), 0
    for key, meaning in pairs:
        if key == "m" and moment.quiet_ms:
            meaning = f"sound off, {-(-moment.quiet_ms // 1000)} s"
        length = len(key) + len(meaning) + 4
        if column and column + length - 3 > width:
            text.append("\n")
            column = 0
        text.append(key, STOP_KEY if key == "Esc" else KEY).append(f" {meaning}   ")
        column += length
    return text


def _tiny(screen: Screen[None], moment: Moment, values: Numbers) -> Text:
    """A terminal that is too small says so, and says the least there is to know."""
    width = max(1, screen.size.width - 2)
    lines = [
        ("■ STOP: Esc", STOP_KEY),
        (state_word(moment.story, moment.believed), "bold"),
        *((line.text, "bold reverse") for line in alarm_lines(moment.story)[:1] if not line.seen),
        (f"{values.measured} mA, set {values.setpoint}", ""),
        (f"too small: {screen.size.width}×{screen.size.height}, needs 44×12", DIM),
    ]
    return Text("\n").join([Text(text[:width], style) for text, style in lines])
