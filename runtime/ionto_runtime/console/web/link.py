"""The page's connection to the safety process: what was said is kept for pages that come later.

The page's server joins the desk as one console. It beats for the page only while a commanding tab does, so a
browser that was closed or hangs is missed at the desk as any console is (R66).
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable
from pathlib import Path

from ionto_ir.canonical import Json
from ionto_runtime.messages import MESSAGE_BYTES_MAX, LineReader, Message, line_of

BEAT_EVERY_S = 1.0
LOOK_EVERY_S = 0.05
READ_BYTES = 64 * 1024
WAITING_MAX = 32
"""Messages that wait for one page: views are left out before that, so that a slow page sees the newest."""

PAGES_MAX = 16
KEPT_MAX = 500
"""Messages that are kept: the facts, some twenty checks, and the last words."""


class DeskLink:
    """One connection. `view` is the newest view, `kept` everything else that was said, in order."""

    def __init__(self, path: Path, token: str, name: str, attended: Callable[[], bool]) -> None:
        self.kept: list[Message] = []
        self.view: Message | None = None
        self.connected = False
        self._path = path
        self._token = token
        self._name = name
        self._attended = attended
        self._pages: set[asyncio.Queue[Message]] = set()
        self._writer: asyncio.StreamWriter | None = None

    async def run(self) -> None:
        """Once somebody is at a page: connect, join, and pass on what is said until the desk is gone."""
        while not self._attended():
            await asyncio.sleep(LOOK_EVERY_S)
        try:
            reader, self._writer = await asyncio.open_unix_connection(str(self._path))
        except OSError:
            self._tell({"type": "desk", "connected": False})
            return
        self.connected = True
        self._tell({"type": "desk", "connected": True})
        self.join(takes=False)
        beating = asyncio.create_task(self._beat())
        lines = LineReader(MESSAGE_BYTES_MAX)
        try:
            while data := await reader.read(READ_BYTES):
                for message in lines.take(data):
                    if isinstance(message, dict):
                        self._take(message)
        except OSError:
            pass
        finally:
            beating.cancel()
            self.connected = False
            self._tell({"type": "desk", "connected": False})

    def join(self, *, takes: bool) -> bool:
        """Come to command, where nobody does; `takes`: also from a console that does, because a person wants
        to. Whether anybody is there to hear it.
        """
        words: Message = {"type": "join", "token": self._token, "name": self._name, "commands": True}
        return self.say({**words, "takes": takes})

    def say(self, message: Message) -> bool:
        """Say something at the desk; whether anybody is there to hear it."""
        if self._writer is None or not self.connected:
            return False
        with contextlib.suppress(OSError, RuntimeError):
            self._writer.write(line_of(message))
            return True
        return False

    def open_page(self) -> asyncio.Queue[Message] | None:
        """What a page will be told from now on, what was kept first; None when there are too many."""
        if len(self._pages) >= PAGES_MAX:
            return None
        page: asyncio.Queue[Message] = asyncio.Queue()
        page.put_nowait({"type": "desk", "connected": self.connected})
        for message in self.kept:
            page.put_nowait(message)
        if self.view is not None:
            page.put_nowait(self.view)
        self._pages.add(page)
        return page

    def close_page(self, page: asyncio.Queue[Message]) -> None:
        """A page has gone."""
        self._pages.discard(page)

    def tell(self, message: dict[str, Json]) -> None:
        """Tell every page something of our own."""
        self._tell(message)

    async def _beat(self) -> None:
        while True:
            await asyncio.sleep(BEAT_EVERY_S)
            if self._attended():
                self.say({"type": "beat"})

    def _take(self, message: Message) -> None:
        if message["type"] == "view":
            self.view = message
        elif message["type"] != "reply" and len(self.kept) < KEPT_MAX:
            self.kept.append(message)
        self._tell(message)

    def _tell(self, message: Message) -> None:
        for page in self._pages:
            if page.qsize() < WAITING_MAX or message["type"] != "view":
                page.put_nowait(message)
