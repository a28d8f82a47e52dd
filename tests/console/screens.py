"""A screen without a terminal: a line that keeps what it is told, and what stands where."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from dataclasses import dataclass, field
from typing import Any
from unittest.mock import patch

from textual.pilot import Pilot
from textual.widgets import Digits

from ionto_ir.canonical import Json
from ionto_runtime.console.screen import app as application
from ionto_runtime.console.screen.app import ConsoleApp
from ionto_runtime.console.screen.story import Story
from ionto_runtime.console.screen.widgets import Part
from ionto_runtime.messages import Message
from tests.console import fake_desk

FACTS: Message = {
    **fake_desk.FACTS,
    "steps": ["Ramp to 2 mA over 30 s", "Hold 2 mA for 20 min", "Ramp to 0 mA over 30 s", "Record skin"],
    "asks": [3],
    "adjustable": [
        {
            "name": "current",
            "text": "Set to comfort",
            "range": "1 mA to 4 mA",
            "example": "4 mA",
            "dimension": "current",
            "unit": "mA",
            "value": 2 * fake_desk.MA,
        }
    ],
    "records": [{"name": "skin", "text": "Skin under it", "expected": "none, erythema or blister"}],
    "confirm": {"plan_sha256": "ab", "patient": "P-117", "electrodes": fake_desk.FACTS["electrodes"]},
}
COMMANDS: Message = {"type": "joined", "commands": True, "session": "s"}
WATCHES: Message = {"type": "joined", "commands": False, "session": "s"}
ARMED: Message = {"type": "armed"}
CONFIRM: Json = {"kind": "confirm", "text": "The skin is dry", "variable": None}
RECORD: Json = {"kind": "record", "text": "Skin", "variable": "skin"}
BYE: Message = {"type": "bye", "outcome": {"completed": True, "reason": "the plan is finished"}}


def view(**changes: Json) -> Message:
    """A quiet session, commanded from here."""
    return fake_desk.view(**{"index": 1, "lower_pc": 98 * 6_000_000_000, "commander": "terminal", **changes})


def story_of(*messages: Message, commands: bool = True) -> Story:
    """A story in which this was said, all of it at time 0."""
    story = Story()
    for message in (COMMANDS if commands else WATCHES, FACTS, *messages):
        story.hear(message, 0)
    return story


@dataclass
class FakeLine:
    """A line that keeps what it is told. `takes` False: nobody takes anything."""

    connected: bool = True
    commands: bool = True
    ended: bool = False
    takes: bool = True
    number: int | None = 4711
    said: list[Message] = field(default_factory=list)
    joined: list[bool] = field(default_factory=list)
    signals: int = 0

    async def run(self, hear: Callable[[Message], None]) -> None:
        """Nothing is heard by itself."""

    def join(self, *, takes: bool = False) -> bool:
        """Keep whether the command was taken."""
        self.joined.append(takes)
        return self.takes

    def say(self, message: Message) -> bool:
        """Keep it."""
        if self.takes:
            self.said.append(message)
        return self.takes

    def signal(self) -> bool:
        """Count it."""
        self.signals += 1
        return self.number is not None

    def done(self) -> list[str]:
        """What was asked for so far."""
        return [str(item.get("do", item["type"])) for item in self.said]


@dataclass
class Shown:
    """A screen that runs. Time stands still but for `later`."""

    app: ConsoleApp
    line: FakeLine
    pilot: Pilot[None]
    clock: list[int]

    async def hear(self, *messages: Message) -> None:
        """Let the safety process say something."""
        for message in messages:
            self.app.hear(message)
        await self.drawn()

    async def press(self, *keys: str) -> None:
        """Press keys."""
        await self.pilot.press(*keys)
        await self.drawn()

    async def later(self, ms: int) -> None:
        """Let time pass."""
        self.clock[0] += ms
        await self.drawn()

    async def drawn(self) -> None:
        """Draw, and let it be laid out."""
        self.app.draw()
        await self.pilot.pause()

    def text(self, name: str) -> str:
        """What stands in a part; nothing where it is hidden."""
        part = self.app.sheet.query_one(f"#{name}", Part)
        return str(part.render()) if part.display else ""

    def digits(self, name: str) -> str:
        """The large digits of a number."""
        return self.app.sheet.query_one(f"#{name} Digits", Digits).value

    def everything(self) -> str:
        """All that stands on the screen, line by line, as a terminal shows it."""
        width, height = self.app.size
        lines = self.app.screen._compositor.render_strips()
        assert len(lines) == height and width
        return "\n".join("".join(segment.text for segment in line) for line in lines)


def on_screen(
    test: Callable[[Shown], Coroutine[Any, Any, None]],
    *messages: Message,
    size: tuple[int, int] = (110, 40),
    line: FakeLine | None = None,
) -> None:
    """Run a test on a screen to which this was said."""

    async def running() -> None:
        clock = [0]
        own = line or FakeLine()
        app = ConsoleApp(own, lambda: clock[0])
        async with app.run_test(size=size) as pilot:
            shown = Shown(app, own, pilot, clock)
            await shown.hear(COMMANDS if own.commands else WATCHES, FACTS, *messages)
            await test(shown)

    # Nothing is drawn by itself: time is the test's.
    with patch.multiple(application, DRAW_EVERY_S=3_600, LOOK_EVERY_S=3_600):
        asyncio.run(running())
