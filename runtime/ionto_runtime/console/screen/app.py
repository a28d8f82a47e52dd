"""The full-screen console: draws a story, hands keys to the person's part and their acts to the line.

It decides nothing about the session. Stop goes over the line, and by a signal to the safety process when the
line cannot take it or nothing is seen to come of it.
"""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from collections.abc import Callable
from typing import ClassVar, Protocol

from rich.text import Text
from textual import events
from textual.app import App, ComposeResult
from textual.containers import Horizontal, Vertical
from textual.screen import Screen

from ionto_runtime.console.screen.drawing import ALARMS_SHOWN_MAX, Moment, draw
from ionto_runtime.console.screen.person import Act, Command, Local, Person, Stop
from ionto_runtime.console.screen.sheet import Standing, standing
from ionto_runtime.console.screen.sound import Sound
from ionto_runtime.console.screen.story import Story
from ionto_runtime.console.screen.widgets import STYLES, Chart, Number, Part
from ionto_runtime.messages import Message
from ionto_runtime.words import current, voltage

DRAW_EVERY_S = 0.2
LOOK_EVERY_S = 0.5
TAKEN_MS = 1_500
"""How long a stop may take to be seen before it is also sent as a signal."""

AGAIN_MS = 300
"""Between two signals: two at once would be one."""

STOP_SENT = "STOP is sent"
GONE = 129
"""The exit code of a program whose terminal hung up."""

WIDTH_MIN, HEIGHT_MIN = 44, 12
WIDTH_WIDE, HEIGHT_TALL, HEIGHT_CHART = 88, 32, 20


class Line(Protocol):
    """What the screen needs of its line to the safety process."""

    connected: bool
    commands: bool

    @property
    def ended(self) -> bool:
        """Whether the safety process has ended."""
        ...

    @property
    def number(self) -> int | None:
        """The number of the safety process, where the system says it."""
        ...

    async def run(self, hear: Callable[[Message], None]) -> None:
        """Hear what is said until the process has ended."""
        ...

    def join(self, *, takes: bool = False) -> bool:
        """Say who we are; `takes`: take the command."""
        ...

    def say(self, message: Message) -> bool:
        """Say something; whether anybody takes it."""
        ...

    def signal(self) -> bool:
        """Stop by a signal; whether it was sent."""
        ...


class Sheet(Screen[None], inherit_bindings=False):
    """The one screen. No key of it has a meaning of the toolkit's."""

    ALLOW_SELECT = False


class ConsoleApp(App[None], inherit_bindings=False):
    """One session on a full screen."""

    CSS_PATH = "screen.tcss"
    ENABLE_COMMAND_PALETTE: ClassVar[bool] = False
    TITLE = "ionto"

    def __init__(self, line: Line, now_ms: Callable[[], int], *, on_terminal: bool = False) -> None:
        super().__init__()
        self.story = Story()
        self.person = Person()
        self.sound = Sound()
        self.line = line
        self.now_ms = now_ms
        self.whole = False
        self.sheet = Sheet()
        self._on_terminal = on_terminal
        self._stop_ms: int | None = None
        self._emergency = False
        self._signals = 0

    def get_default_screen(self) -> Sheet:
        """Our own screen."""
        return self.sheet

    def compose(self) -> ComposeResult:
        """Everything that can stand on the screen; what is not needed is hidden."""
        with Vertical(id="page"):
            with Horizontal(id="head"):
                yield Part(id="who")
                yield Part(id="how")
                yield Part(id="stop")
            for kind in ("lost", "unsafe", "watching", "simulated"):
                yield Part(id=kind, classes="banner")
            for index in range(ALARMS_SHOWN_MAX):
                yield Part(id=f"alarm{index}", classes="alarm")
            yield Part(id="more")
            yield Part(id="ask")
            yield Part(id="note")
            with Horizontal(id="big"):
                for name in ("measured", "delivered", "remaining"):
                    yield Number(name)
            yield Part(id="bar")
            yield Part(id="small")
            yield Part(id="lines")
            yield Part(id="steps")
            yield Part(id="checks")
            yield Chart("current", self.story, 1_000_000, current, _legend("Current", both=True))
            yield Chart("voltage", self.story, 1_000, voltage, _legend("Voltage", both=False))
        with Vertical(id="below"):
            yield Part(id="keys")
            yield Part(id="foot")
        yield Part(id="tiny")

    def on_mount(self) -> None:
        """Begin to listen and to draw."""
        if self._on_terminal:
            loop = asyncio.get_running_loop()
            # What ends other programs leaves this one in good order; SIGINT stops, as Ctrl-C does.
            loop.add_signal_handler(signal.SIGTERM, self.exit)
            loop.add_signal_handler(signal.SIGINT, lambda: self.stop(emergency=False))
        self.run_worker(self.line.run(self.hear), exit_on_error=False)
        self.set_interval(DRAW_EVERY_S, self.draw)
        self.set_interval(LOOK_EVERY_S, self._look)
        self.draw()

    # --- hearing ----------------------------------------------------------------------------------------
    def hear(self, message: Message) -> None:
        """Take in what the safety process says; what cannot be understood does not end the screen."""
        try:
            self._hear(message)
        except (KeyError, TypeError, ValueError, AssertionError):
            self.person.note = "what the safety process says cannot be shown: is it of another version?"

    def _hear(self, message: Message) -> None:
        word_before = self.story.mode
        self.story.hear(message, self.now_ms())
        match message["type"]:
            case "trial_alarm" if self.story.commands:
                self.bell()
                self.line.say({"type": "command", "key": "trial-alarm", "do": "seen"})
            case "joined":
                self.line.commands = self.story.commands
            case _:
                pass
        if self.story.mode != word_before:
            self.draw()

    def standing(self) -> Standing:
        """How far the screen may be believed."""
        return standing(self.story, self.now_ms(), connected=self.line.connected, ended=self.line.ended)

    # --- keys and clicks --------------------------------------------------------------------------------
    def on_key(self, event: events.Key) -> None:
        """Every key comes here."""
        event.stop()
        event.prevent_default()
        self.act(self.person.press(event.key, event.character, self.story, self.now_ms()))
        self.draw()

    def on_paste(self, event: events.Paste) -> None:
        """Text that was pasted."""
        self.person.paste(event.text, self.story)
        self.draw()

    def on_click(self, event: events.Click) -> None:
        """The stop is a button too; nothing else can be clicked."""
        if event.widget is not None and event.widget.id == "stop":
            self.stop(emergency=False)

    def act(self, act: Act | None) -> None:
        """Do what a person wants."""
        match act:
            case Stop(emergency):
                self.stop(emergency=emergency)
            case Command(key, do, more):
                if not self.line.say({"type": "command", "key": key, "do": do, **more}):
                    self.person.note = "not sent: the safety process is not reached"
            case Local("take"):
                self.line.join(takes=True)
            case Local("leave"):
                self.exit()
            case Local("sound"):
                self.sound.pause(self.now_ms())
            case Local(_):
                self.whole = not self.whole
            case None:
                pass

    def stop(self, *, emergency: bool) -> None:
        """Stop by the line, and by a signal at once where the line does not take it."""
        self._emergency = self._emergency or emergency
        if self.story.over:
            return
        said = self.line.say({"type": "emergency_stop" if emergency else "stop"})
        self._stop_ms = self.now_ms()
        self.person.note = STOP_SENT
        if not said:
            self._signal()
        self.draw()

    def _signal(self) -> None:
        """The second path: a signal, and one more when the output is to be opened at once."""
        if self._signals >= (2 if self._emergency else 1):
            return
        sent = self.line.signal()
        self._signals += sent
        self._stop_ms = self.now_ms()
        self.person.note = (
            "STOP is sent by a signal to the safety process"
            if sent
            else "STOP CANNOT BE SENT: stop at the device, disconnect the patient"
        )

    # --- time -------------------------------------------------------------------------------------------
    def _look(self) -> None:
        """What has to be seen to now and then: a stop that was not taken, a terminal that is gone."""
        now_ms, story = self.now_ms(), self.story
        if story.stopping and self.person.note == STOP_SENT:
            self.person.note = ""  # one sees it
        if self._stop_ms is not None and not story.over:
            waited_ms = now_ms - self._stop_ms
            more = self._emergency and self._signals == 1 and waited_ms > AGAIN_MS
            if more or (not story.stopping and waited_ms > TAKEN_MS):
                self._signal()
        if self.sound.rings(story.unseen(), now_ms):
            self.bell()
        if self._on_terminal and not _terminal_is_there():
            os._exit(GONE)  # nobody can see or press anything, and nothing can be put back

    def on_resize(self, _: events.Resize) -> None:
        """Fit into the room that there is."""
        self.draw()

    def _fit(self) -> None:
        width, height = self.size
        tiny = width < WIDTH_MIN or height < HEIGHT_MIN
        self.sheet.set_class(tiny, "tiny")
        self.sheet.set_class(not tiny and (width < WIDTH_WIDE or height < HEIGHT_TALL), "compact")
        self.sheet.set_class(height < HEIGHT_CHART, "low")

    def draw(self) -> None:
        """Draw what is. What cannot be drawn takes the picture away, never the keys."""
        now_ms = self.now_ms()
        moment = Moment(
            self.story,
            self.person,
            self.standing(),
            self.line.number,
            self.sound.paused_for_ms(now_ms),
            now_ms,
            self.whole,
            self.line.connected,
        )
        if not self.sheet.query("#tiny"):
            return  # not there yet, or not any more
        self._fit()
        try:
            draw(self.sheet, moment)
        except Exception as bug:
            self.sheet.set_class(True, "tiny")
            text = f"STOP: Esc\nthe screen cannot be drawn: {type(bug).__name__}: {bug}"
            self.sheet.query_one("#tiny", Part).show(Text(text))


def _terminal_is_there() -> bool:
    """Whether there is a terminal at the other end; one that hangs up is not always told by a signal."""
    import termios

    try:
        termios.tcgetattr(sys.__stdin__.fileno() if sys.__stdin__ is not None else -1)
    except (termios.error, OSError, ValueError):
        return False
    return True


def _legend(name: str, *, both: bool) -> Text:
    text = Text.assemble((f"{name}  ", "bold"), ("━ measured", STYLES["measured"]))
    return text.append("  ··· set", STYLES["set"]) if both else text
