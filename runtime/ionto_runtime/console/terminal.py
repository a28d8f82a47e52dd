"""A session on a terminal: one panel that is always current, and single keys.

The panel says first that a simulated session is simulated, then in one word what is going on. Colour only
repeats what words and symbols say.
"""

from __future__ import annotations

from collections.abc import Sequence
from importlib import import_module
from types import TracebackType
from typing import TYPE_CHECKING, TextIO

from ionto_ir.diagnostic import Diagnostic
from ionto_ir.events import Confirm, Event, Press, Priority, PromptKind
from ionto_ir.state import Mode
from ionto_ir.wording import value_text
from ionto_runtime.alarms import SYMBOLS
from ionto_runtime.clock import Clock
from ionto_runtime.console.keys import Keys
from ionto_runtime.console.plain import channel_lines, contact_of
from ionto_runtime.prompts import COMMANDS, adjustable, answer, how_to_answer, moved, prompt_text
from ionto_runtime.view import View
from ionto_runtime.words import charge, clock, current

if TYPE_CHECKING:
    from rich.console import RenderableType
    from rich.live import Live

DRAW_EVERY_MS = 100
"""Drawing more often than this is not seen, and takes time from the session."""

ALARMS_SHOWN_MAX = 4
BAR_CHARACTERS = 40
TYPED_CHARACTERS_MAX = 200

STYLES = {Priority.HIGH: "bold white on red", Priority.MEDIUM: "bold black on yellow", Priority.LOW: "cyan"}
WORD_STYLES = {
    "RUNNING": "bold green",
    "RAMP UP": "bold green",
    "RAMP DOWN": "bold green",
    "DONE": "bold green",
    "PAUSED": "bold yellow",
    "PAUSING": "bold yellow",
    "STOPPING": "bold yellow",
    "STOPPED": "bold red",
    "FAULT": "bold red",
    "NO LINK": "bold red",
}


class TerminalConsole:
    """The live panel, as a context: inside it the terminal gives single keys."""

    def __init__(self, stream: TextIO, keys: Keys, real: Clock) -> None:
        self._stream = stream
        self._keys = keys
        self._real = real
        self._typed = ""
        self._note = ""
        self._selected = 0
        self._drawn_ms = -DRAW_EVERY_MS
        self._live: Live | None = None

    def __enter__(self) -> TerminalConsole:
        from rich.console import Console
        from rich.live import Live

        # All of it now: the first panel is drawn between two ticks.
        import_module("rich.panel")
        import_module("rich.text")

        self._keys.__enter__()
        try:
            console = Console(file=self._stream, highlight=False)
            self._live = Live(console=console, auto_refresh=False, vertical_overflow="crop")
            self._live.start()
        except BaseException:
            self._keys.__exit__(None, None, None)
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, problem: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            if self._live is not None:
                self._live.stop()
        except OSError:
            pass  # the terminal is gone, and with it whoever looked at it
        finally:
            self._keys.__exit__(kind, problem, trace)

    def poll(self, view: View) -> Sequence[Event]:
        """What the keys since the last look mean."""
        events: list[Event] = []
        for character in self._keys.read():
            event = self._key(view, character)
            if event is not None:
                events.append(event)
        return events

    def _key(self, view: View, character: str) -> Event | None:
        prompt = view.prompt
        if prompt is not None and prompt.kind is PromptKind.RECORD:
            return self._type(view, character)
        if character in "yY" and prompt is not None and prompt.kind is not PromptKind.RESUME:
            return Confirm()
        if character in "+-":
            return self._move(view, 1 if character == "+" else -1)
        if character == "\t":
            self._selected += 1
            return None
        self._note = ""
        if character in "dD":
            return None if view.button is None else Press(view.button)
        return COMMANDS.get("s" if character == " " else character.casefold())

    def _type(self, view: View, character: str) -> Event | None:
        """A character of a value that is typed in."""
        assert view.prompt is not None
        if character in "\r\n":
            typed, self._typed = self._typed, ""
            meant = answer(view.facts.bound.plan, view.prompt, typed)
            if isinstance(meant, Diagnostic):
                self._note = meant.message + (f"; {meant.help}" if meant.help else "")
                return None
            self._note = ""
            return meant
        if character in "\x7f\x08":
            self._typed = self._typed[:-1]
        elif character == "\x15":
            self._typed = ""
        elif character.isprintable():
            self._typed = (self._typed + character)[:TYPED_CHARACTERS_MAX]
        return None

    def _move(self, view: View, direction: int) -> Event | None:
        plan = view.facts.bound.plan
        parameters = adjustable(plan)
        if not parameters:
            self._note = "nothing is adjustable in this session"
            return None
        wanted = moved(plan, parameters[self._selected % len(parameters)], view.values, direction)
        if isinstance(wanted, str):
            self._note = wanted
            return None
        self._note = ""
        return wanted

    def show(self, view: View) -> None:
        """Draw the panel, at most ten times a second; the last one always."""
        now_ms = self._real.now_ms()
        if self._live is None or (now_ms - self._drawn_ms < DRAW_EVERY_MS and not view.closed):
            return
        self._drawn_ms = now_ms
        self._live.update(self._panel(view), refresh=True)

    def _panel(self, view: View) -> RenderableType:
        from rich.console import Group
        from rich.panel import Panel
        from rich.text import Text

        facts = view.facts
        plan = facts.bound.plan
        lines = [
            _headline(view),
            Text(view.step, style="bold"),
            Text(_current_line(view)),
            Text(_charge_line(view)),
            Text(_time_line(view)),
        ]
        if view.channels:
            lines += [Text(line) for line in channel_lines(view)]
        else:
            lines.append(Text(f"contact  {contact_of(view, view.reading)}"))
        lines += [Text(self._adjustable_line(view))] if adjustable(plan) else []
        lines += _alarm_lines(view)
        if view.prompt is not None:
            lines.append(Text(prompt_text(plan, view.prompt), style="bold reverse"))
            if view.prompt.kind is PromptKind.RECORD:
                lines.append(Text(f"> {self._typed}█"))
            lines += [] if view.waits is None else [Text(view.waits)]
        note = self._note or (f"nothing was changed: {view.refusal.reason}" if view.refusal else "")
        if note:
            lines.append(Text(note, style="yellow"))
        lines.append(Text(keys_line(view), style="dim"))
        title = f"{plan.title} {plan.version}" + (f" · {facts.patient}" if facts.patient else "")
        return Panel(
            Group(*lines), title=title, subtitle=f"{facts.device} · journal …{view.head[-12:]}", width=100
        )

    def _adjustable_line(self, view: View) -> str:
        parameters = adjustable(view.facts.bound.plan)
        chosen = parameters[self._selected % len(parameters)]
        others = " (Tab for the next)" if len(parameters) > 1 else ""
        return f"adjust   {chosen.name} = {value_text(chosen, view.values[chosen.name])}{others}"


def _headline(view: View) -> RenderableType:
    from rich.text import Text

    line = Text()
    if view.facts.simulated:
        line.append(" SIMULATED ", style="bold black on magenta")
        line.append(f" {view.facts.speed}× real time  " if view.facts.speed > 1 else "  ")
    if view.facts.banner is not None:
        line.append(f" {view.facts.banner} ", style=STYLES[Priority.HIGH])
        line.append("  ")
    line.append(view.word, style=WORD_STYLES.get(view.word, "bold"))
    if view.end is not None:
        line.append(f"  {view.end.reason}")
    return line


def _current_line(view: View) -> str:
    measured = "—" if view.reading is None else current(abs(view.reading.current_na))
    direction = "  reversed polarity" if view.setpoint_na < 0 else ""
    return f"current  {current(abs(view.setpoint_na))} set, {measured} measured{direction}"


def _charge_line(view: View) -> str:
    planned = view.facts.planned_pc
    percent = 0 if planned <= 0 else view.nominal_pc * 100 // planned
    full = min(BAR_CHARACTERS, percent * BAR_CHARACTERS // 100)
    bar = "█" * full + "░" * (BAR_CHARACTERS - full)
    return f"charge   {bar} {charge(view.nominal_pc)} of {charge(planned)} ({percent} %)"


def _time_line(view: View) -> str:
    about = "about " if view.about else ""
    return f"time     {clock(view.elapsed_ms)} elapsed, {about}{clock(view.remaining_ms)} remaining"


def _alarm_lines(view: View) -> list[RenderableType]:
    """The latest alarms, the most urgent first."""
    from rich.text import Text

    order = list(Priority)
    latest = sorted(view.alarms[-ALARMS_SHOWN_MAX:], key=lambda alarm: order.index(alarm.priority))
    return [
        Text(
            f"{SYMBOLS[alarm.priority]:<3} {alarm.priority.value}: {alarm.text} ({alarm.code})",
            style=STYLES[alarm.priority],
        )
        for alarm in latest
    ]


def keys_line(view: View) -> str:
    """The keys that mean something now."""
    if view.mode is Mode.ENDED:
        return "the session is over" if view.closed else "waiting until the output is seen to be off"
    keys = [] if view.prompt is None else [how_to_answer(view.prompt)]
    if view.mode is Mode.ON:
        keys.append("p pause")
    if view.prompt is None or view.prompt.kind is not PromptKind.RECORD:
        if view.prompt is None or view.prompt.kind is not PromptKind.RESUME:
            keys.append("s stop")
        keys.append("e emergency stop")
        if view.button is not None:
            keys.append(f"d {view.button}")
        if adjustable(view.facts.bound.plan):
            keys.append("+ - adjust")
    else:
        keys.append("Ctrl-C stops")
    return "keys     " + "   ".join(keys)
