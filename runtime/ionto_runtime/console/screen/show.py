"""Shows the screen on this terminal until it is left, and puts the terminal back."""

from __future__ import annotations

from ionto_ir.dataclass import dataclass
from ionto_runtime.clock import RealClock
from ionto_runtime.console.screen.app import ConsoleApp
from ionto_runtime.console.screen.line import DeskLine
from ionto_runtime.console.screen.sheet import last_words
from ionto_runtime.running import Running

NAME = "terminal"
"""What other consoles are told of this one."""


@dataclass(frozen=True, slots=True)
class Left:
    """How a screen was left: the session's last words, None while it goes on, and whether it was completed.

    `lost` says that the safety process ended without a word.
    """

    words: str | None
    completed: bool
    lost: bool


def show_session(running: Running, *, commands: bool) -> Left:
    """Show a session. `commands`: command it if nobody does."""
    line = DeskLine(running.socket, running.token, NAME, commands=commands)
    app = ConsoleApp(line, RealClock().now_ms, on_terminal=True)
    try:
        app.run()
        story = app.story
        outcome = None if story.last is None else story.last.get("outcome")
        completed = isinstance(outcome, dict) and outcome["completed"] is True
        return Left(last_words(story), completed, not story.over and line.ended)
    finally:
        line.close()
