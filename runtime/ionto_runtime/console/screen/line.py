"""The screen's own line to the safety process: connects, connects again, and never waits for anybody.

What is said goes into a bounded buffer; what cannot be said is told to the caller, who has another way to
stop. A beat is sent from the same loop that draws, so a screen that hangs is missed at the desk (R66).
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections.abc import Callable
from pathlib import Path

from ionto_runtime.behind import SafetyProcess, process_behind
from ionto_runtime.messages import MESSAGE_BYTES_MAX, LineReader, Message, line_of

AGAIN_S = 0.5
"""How long after a lost or refused connection the next one is tried."""

CONNECT_S_MAX = 2.0
BEAT_EVERY_S = 1.0
READ_BYTES = 64 * 1024
WAITING_BYTES_MAX = 16 * 1024
"""What may wait for a safety process that does not read: some hundred commands, and then it hangs."""


class DeskLine:
    """One console's connection. `hear` is given every message, in order.

    `connected` says that the desk is reached now, `reached` that it ever was; `process` is who listens there.
    """

    def __init__(self, path: Path, token: str, name: str, *, commands: bool) -> None:
        self.connected = False
        self.reached = False
        self.process: SafetyProcess | None = None
        self.commands = commands
        self._path = path
        self._token = token
        self._name = name
        self._writer: asyncio.StreamWriter | None = None

    @property
    def ended(self) -> bool:
        """Whether the safety process is known to have ended."""
        return self.process is not None and not self.process.alive

    @property
    def number(self) -> int | None:
        """The number of the safety process, where the system says it."""
        return None if self.process is None else self.process.number

    async def run(self, hear: Callable[[Message], None]) -> None:
        """Hear what is said, connecting again whenever that is lost, until the process has ended."""
        while not self.ended:
            await self._listen(hear)
            if not self.ended:
                await asyncio.sleep(AGAIN_S)

    async def _listen(self, hear: Callable[[Message], None]) -> None:
        try:
            connecting = asyncio.open_unix_connection(str(self._path))
            reader, writer = await asyncio.wait_for(connecting, CONNECT_S_MAX)
        except (OSError, TimeoutError):
            return
        self._know_process(writer.get_extra_info("socket"))
        self._writer = writer
        self.connected = self.reached = True
        self.join()
        beating = asyncio.create_task(self._beat())
        lines = LineReader(MESSAGE_BYTES_MAX)
        try:
            while data := await reader.read(READ_BYTES):
                for message in lines.take(data):
                    if isinstance(message, dict):
                        hear(message)
        except OSError:
            pass
        finally:
            beating.cancel()
            self.connected = False
            self._writer = None
            writer.close()

    def _know_process(self, connection: socket.socket) -> None:
        if self.process is not None:
            self.process.close()
        self.process = process_behind(connection)

    async def _beat(self) -> None:
        while True:
            await asyncio.sleep(BEAT_EVERY_S)
            if self.commands:
                self.say({"type": "beat"})

    def join(self, *, takes: bool = False) -> bool:
        """Say who we are; with `takes` also take the command from whoever has it."""
        wants = self.commands or takes
        said: Message = {"type": "join", "token": self._token, "name": self._name, "commands": wants}
        return self.say({**said, "takes": takes})

    def say(self, message: Message) -> bool:
        """Say something at the desk; whether there is anybody who takes it."""
        writer = self._writer
        if writer is None or writer.transport.get_write_buffer_size() > WAITING_BYTES_MAX:
            return False
        with contextlib.suppress(OSError, RuntimeError):
            writer.write(line_of(message))
            return not writer.is_closing()
        return False

    def signal(self) -> bool:
        """Stop by a signal, which needs neither desk nor connection; whether it was sent."""
        return self.process is not None and self.process.stop()

    def close(self) -> None:
        """Let go of the process."""
        if self.process is not None:
            self.process.close()
            self.process = None
