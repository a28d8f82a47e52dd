"""The other end of the desk: how a console reaches the safety process. Nothing here waits without a bound."""

from __future__ import annotations

import secrets
import select
import socket
from collections.abc import Mapping
from pathlib import Path

from ionto_ir.canonical import Json
from ionto_runtime.behind import SafetyProcess, process_behind
from ionto_runtime.clock import Clock
from ionto_runtime.messages import MESSAGE_BYTES_MAX, LineReader, Message, line_of

BEAT_EVERY_MS = 1_000
"""How often a commanding console shows that it is alive: five times before it counts as gone."""

CONNECT_EVERY_MS = 20
WRITE_TIMEOUT_S = 1.0
READ_BYTES_MAX = 64 * 1024


class Remote:
    """A connection to a safety process. `gone` says that there is none any more."""

    def __init__(self, connection: socket.socket, clock: Clock) -> None:
        self.gone = False
        self._connection = connection
        self._clock = clock
        self._reader = LineReader(MESSAGE_BYTES_MAX)
        self._beaten_ms = clock.now_ms()

    def join(self, token: str, name: str, *, commands: bool, takes: bool = False) -> None:
        """Say who we are; the answer is a `joined` message. `takes`: also from a console that commands."""
        self.say({"type": "join", "token": token, "name": name, "commands": commands, "takes": takes})

    def command(self, do: str, **more: Json) -> str:
        """Ask for something; the key under which it is answered. The same key is never acted on twice."""
        key = secrets.token_hex(8)
        self.say({"type": "command", "key": key, "do": do, **more})
        return key

    def stop(self, *, emergency: bool = False) -> None:
        """Stop the session; needs no token and no answer."""
        self.say({"type": "emergency_stop" if emergency else "stop"})

    def say(self, message: Mapping[str, Json]) -> None:
        """Send a message; one that is not taken within a second means that nobody is there."""
        try:
            self._connection.settimeout(WRITE_TIMEOUT_S)
            self._connection.sendall(line_of(message))
        except OSError:
            self.gone = True

    def hear(self, timeout_ms: int) -> list[Message]:
        """What has been said, waiting at most `timeout_ms` for it; a beat is sent when it is due."""
        if self._clock.now_ms() - self._beaten_ms >= BEAT_EVERY_MS:
            self._beaten_ms = self._clock.now_ms()
            self.say({"type": "beat"})
        try:
            readable, _, _ = select.select([self._connection], [], [], timeout_ms / 1000)
            if not readable:
                return []
            data = self._connection.recv(READ_BYTES_MAX)
        except OSError:
            data = b""
        if not data:
            self.gone = True
        return [message for message in self._reader.take(data) if isinstance(message, dict)]

    def behind(self) -> SafetyProcess | None:
        """The process that listens there, where the system says it."""
        return process_behind(self._connection)

    def close(self) -> None:
        """Leave the desk."""
        self._connection.close()


def reach(path: Path, clock: Clock, within_ms: int) -> Remote | None:
    """The safety process behind a socket, which may still be starting; None when it is not there in time."""
    until_ms = clock.now_ms() + within_ms
    while True:
        connection = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        try:
            connection.connect(str(path))
            return Remote(connection, clock)
        except OSError:
            connection.close()
        if clock.now_ms() >= until_ms:
            return None
        clock.sleep_until(clock.now_ms() + CONNECT_EVERY_MS)
