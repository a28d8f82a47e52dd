"""The terminal console's line to a desk, at a real socket: it joins, beats, comes back, and never waits."""

from __future__ import annotations

import asyncio
import json
import os
import socket
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from ionto_runtime.behind import process_behind
from ionto_runtime.console.screen import line as module
from ionto_runtime.console.screen.line import DeskLine
from ionto_runtime.messages import Message, line_of

WAIT_S = 20.0


class Desk:
    """The other end: one console at a time, in the same loop."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.heard: list[Message] = []
        self.writers: list[asyncio.StreamWriter] = []
        self._server: asyncio.Server | None = None

    async def open(self) -> None:
        """Listen."""
        self.path.unlink(missing_ok=True)
        self._server = await asyncio.start_unix_server(self._take, str(self.path))

    async def _take(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.writers.append(writer)
        while text := await reader.readline():
            self.heard.append(json.loads(text))
        writer.close()

    async def close(self) -> None:
        """Go away, as a process that is killed does."""
        assert self._server is not None
        self._server.close()
        for writer in self.writers:
            writer.close()
        self.path.unlink(missing_ok=True)

    def types(self) -> list[str]:
        """What was said so far."""
        return [str(item["type"]) for item in self.heard]


async def until(holds: Callable[[], bool]) -> None:
    """Wait for something; a test is never decided by how long it took."""
    async with asyncio.timeout(WAIT_S):
        while not holds():
            await asyncio.sleep(0.01)


@pytest.fixture(autouse=True)
def quickly(monkeypatch: pytest.MonkeyPatch) -> None:
    """Beats and new attempts come fast, so that a test need not wait for them."""
    monkeypatch.setattr(module, "BEAT_EVERY_S", 0.02)
    monkeypatch.setattr(module, "AGAIN_S", 0.02)


def test_it_joins_hears_and_speaks_and_beats_only_while_it_commands(tmp_path: Path) -> None:
    async def test() -> None:
        desk, heard = Desk(tmp_path / "desk"), list[Message]()
        await desk.open()
        line = DeskLine(desk.path, "token", "terminal", commands=False)
        running = asyncio.create_task(line.run(heard.append))
        await until(lambda: "join" in desk.types())
        assert desk.heard[0] == {
            "type": "join",
            "token": "token",
            "name": "terminal",
            "commands": False,
            "takes": False,
        }
        desk.writers[0].write(b"no json\n" + line_of({"type": "hello"}))
        await until(lambda: heard == [{"type": "hello"}])
        await asyncio.sleep(0.1)
        assert "beat" not in desk.types()
        line.join(takes=True)
        line.commands = True
        await until(lambda: desk.types().count("beat") >= 2)
        assert desk.heard[1] == {**desk.heard[0], "commands": True, "takes": True}
        assert line.say({"type": "stop"})
        await until(lambda: "stop" in desk.types())
        running.cancel()
        line.close()
        await desk.close()

    asyncio.run(test())


@pytest.mark.requirement("R65")
def test_it_comes_back_when_the_desk_does_and_says_meanwhile_that_nothing_is_sent(tmp_path: Path) -> None:
    async def test() -> None:
        desk = Desk(tmp_path / "desk")
        line = DeskLine(desk.path, "token", "terminal", commands=True)
        running = asyncio.create_task(line.run(lambda message: None))
        await asyncio.sleep(0.1)
        assert not line.connected and not line.reached and not line.say({"type": "stop"})
        await desk.open()
        await until(lambda: line.connected)
        await desk.close()
        await until(lambda: not line.connected)
        assert not line.say({"type": "stop"})
        desk.writers.clear()
        await desk.open()
        await until(lambda: desk.types().count("join") == 2)
        assert desk.heard[-1]["takes"] is False, "what was lost is not taken from somebody else"
        running.cancel()
        line.close()
        await desk.close()

    asyncio.run(test())


@pytest.mark.requirement("R50")
def test_a_desk_that_does_not_read_is_noticed_and_waited_for_by_nobody(tmp_path: Path) -> None:
    async def test() -> None:
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as listener:
            listener.bind(str(tmp_path / "desk"))
            listener.listen(1)
            line = DeskLine(tmp_path / "desk", "token", "terminal", commands=True)
            running = asyncio.create_task(line.run(lambda message: None))
            await until(lambda: line.connected)
            taken = [line.say({"type": "x", "text": "y" * 4_000}) for _ in range(1_000)]
            assert taken[0] and not taken[-1]
            running.cancel()
            line.close()

    asyncio.run(test())


@pytest.mark.requirement("R25")
def test_the_process_behind_a_desk_is_known_and_stopped_by_a_signal(tmp_path: Path) -> None:
    program = (
        "import socket, sys\n"
        "listener = socket.socket(socket.AF_UNIX)\n"
        f"listener.bind({str(tmp_path / 'desk')!r})\n"
        "listener.listen()\n"
        "print('here', flush=True)\n"
        "sys.stdin.read()\n"
    )
    process = subprocess.Popen(
        [sys.executable, "-c", program], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None and process.stdin is not None
    process.stdout.readline()
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as connection:
        connection.connect(str(tmp_path / "desk"))
        behind = process_behind(connection)
    assert behind is not None
    assert behind.number == process.pid != os.getpid()
    assert behind.alive
    assert behind.stop()
    assert process.wait(WAIT_S) == -15
    assert not behind.alive
    assert not behind.stop(), "a number may come to belong to another program; this is no number"
    behind.close()
    process.stdin.close()
    process.stdout.close()
