"""The desk: a local socket at which consoles see the session and say what should happen.

One thread serves it, between the ticks, and never waits for anybody: what a console does not take is kept up
to a bound, and a console that does not read loses views, not the session. One console commands, with the
session's token; anybody who reaches the socket may stop. Who commands must show that it is alive. Another one
that has the token may take the command from it, when its person says so.
"""

from __future__ import annotations

import hmac
import os
import selectors
import socket
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from pathlib import Path

from ionto_ir.canonical import Json, JsonLike
from ionto_ir.events import Event
from ionto_ir.plan import Plan
from ionto_runtime.clock import Clock
from ionto_runtime.messages import (
    COMMAND_BYTES_MAX,
    MESSAGE_BYTES_MAX,
    PLAIN,
    STOPS,
    LineReader,
    Message,
    Unreadable,
    event_of,
    line_of,
    view_to_json,
)
from ionto_runtime.view import Commanding, View

CLIENTS_MAX = 16
"""A ward has fewer screens; a program that opens more is out of order."""

WAITING_BYTES_MAX = 4 * MESSAGE_BYTES_MAX
"""What is kept for a console that does not read. Views are left out before this is reached."""

READ_BYTES_MAX = 4 * COMMAND_BYTES_MAX
MESSAGES_PER_LOOK_MAX = 64
"""What one console may say between two looks: nobody's hands are faster. Of a flood only stops are heard."""

KEYS_KEPT_MAX = 256
"""Commands whose keys are remembered, so that one that is sent twice is done once."""

UNATTENDED_MS_MAX = 5_000
"""How long the commanding console may be silent in an attended session (R66)."""

VIEW_EVERY_MS = 100
"""Views are sent at most this often: a display that wants more is no display for people."""


class Client:
    """One console: what it has not taken yet, and what it may do."""

    def __init__(self, connection: socket.socket) -> None:
        self.connection = connection
        self.reader = LineReader(COMMAND_BYTES_MAX)
        self.waiting = b""
        self.commands = False
        self.name = "?"
        self.gone = False


def _clear(path: Path) -> None:
    """Take away the socket that a process left behind when it was killed; never one that somebody serves."""
    if not path.exists():
        return
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as trial:
        try:
            trial.connect(str(path))
        except OSError:
            path.unlink(missing_ok=True)


def _stops(message: Message | Unreadable) -> bool:
    """Whether a message is a stop, which is heard in any flood."""
    if isinstance(message, Unreadable):
        return False
    said = (message["type"], message.get("do"))
    return any(isinstance(word, str) and word in STOPS for word in said)


class Desk:
    """A `Console` over a socket. `kept` is what a console that comes late is told first, in order."""

    def __init__(self, path: Path, token: str, session: str, clock: Clock) -> None:
        self.path = path
        self.kept: list[Message] = []
        self.plan: Plan | None = None
        self.said: list[Message] = []
        self._token = token
        self._session = session
        self._clock = clock
        self._clients: list[Client] = []
        self._answers: OrderedDict[str, Message] = OrderedDict()
        self._seen: list[str] = []
        self._changes: list[Commanding] = []
        self._visited = False
        self._sequence = 0
        self._viewed_ms = -VIEW_EVERY_MS
        self._beat_ms = clock.now_ms()
        self._selector = selectors.DefaultSelector()
        self._listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        _clear(path)
        mask = os.umask(0o177)
        try:
            self._listener.bind(str(path))
        finally:
            os.umask(mask)
        self._listener.listen(CLIENTS_MAX)
        self._listener.setblocking(False)
        self._selector.register(self._listener, selectors.EVENT_READ)

    # --- what the safety process says -------------------------------------------------------------------
    def tell(self, message: Mapping[str, JsonLike], *, keep: bool = True) -> None:
        """Say something to everybody, and (`keep`) to whoever comes later."""
        said: Message = dict(message)  # type: ignore[arg-type]
        if keep:
            self.kept.append(said)
        line = line_of(said)
        for client in self._clients:
            self._put(client, line)
        self._flush()

    def show(self, view: View) -> None:
        """Send a view to everybody who takes it; the last one always."""
        now_ms = self._clock.now_ms()
        if now_ms - self._viewed_ms < VIEW_EVERY_MS and not view.closed:
            return
        self._viewed_ms = now_ms
        self._sequence += 1
        said = view_to_json(view, self._sequence, now_ms, self._clock.wall_ms())
        line = line_of({**said, "commander": self.commander})
        for client in self._clients:
            # Who still has something to take gets the next view instead of this one: never an old one.
            if not client.waiting or view.closed:
                self._put(client, line)
        self._flush()

    # --- what consoles say ------------------------------------------------------------------------------
    def poll(self, view: View) -> Sequence[Event]:
        """What consoles want of the session, stops first (R24); returns at once."""
        self.serve()
        assert self.plan is not None, "a session has a plan"
        events: list[Event] = []
        for message in self.take():
            if message.get("do") == "acknowledge":
                self._seen.append(str(message.get("code")))
                continue
            event = event_of(self.plan, message)
            if not isinstance(event, str):
                events.append(event)
        stops = [PLAIN[name] for name in ("emergency_stop", "stop")]
        return sorted(events, key=lambda event: stops.index(event) if event in stops else len(stops))

    def take(self) -> list[Message]:
        """The commands that came in and were not taken yet."""
        said, self.said = self.said, []
        return said

    def acknowledged(self) -> tuple[str, ...]:
        """The alarms that somebody has seen since the last time."""
        codes, self._seen = tuple(self._seen), []
        return codes

    def changes(self) -> tuple[Commanding, ...]:
        """Who has come to command since the last time."""
        changes, self._changes = tuple(self._changes), []
        return changes

    def busy(self) -> bool:
        """Whether somebody still has something to read, or nobody has come yet."""
        return not self._visited or any(client.waiting for client in self._clients if not client.gone)

    @property
    def commander(self) -> str | None:
        """The name of the console that commands."""
        return next((client.name for client in self._clients if client.commands and not client.gone), None)

    @property
    def commanded(self) -> bool:
        """Whether a console commands."""
        return self.commander is not None

    def unattended_ms(self) -> int:
        """How long the commanding console has been silent."""
        return self._clock.now_ms() - self._beat_ms

    def serve(self, timeout_ms: int = 0) -> None:
        """Let in whoever knocks, read what is there, send what is taken; waits at most `timeout_ms`."""
        for key, _ in self._selector.select(timeout_ms / 1000):
            if key.fileobj is self._listener:
                self._let_in()
            else:
                self._read(key.data)
        self._flush()
        for client in [client for client in self._clients if client.gone]:
            self._clients.remove(client)
            self._selector.unregister(client.connection)
            client.connection.close()

    def close(self) -> None:
        """Say nothing more; what waits is sent as far as it is taken at once."""
        self._flush()
        for client in self._clients:
            client.connection.close()
        self._clients.clear()
        self._selector.close()
        self._listener.close()
        self.path.unlink(missing_ok=True)

    def _let_in(self) -> None:
        try:
            connection, _ = self._listener.accept()
        except OSError:
            return
        connection.setblocking(False)
        client = Client(connection)
        if len(self._clients) >= CLIENTS_MAX:
            self._send(client, line_of({"type": "refused", "reason": "too many consoles"}))
            connection.close()
            return
        self._clients.append(client)
        self._visited = True
        self._selector.register(connection, selectors.EVENT_READ, client)
        for message in self.kept:
            self._put(client, line_of(message))

    def _read(self, client: Client) -> None:
        try:
            data = client.connection.recv(READ_BYTES_MAX)
        except BlockingIOError:
            return
        except OSError:
            data = b""
        if not data:
            client.gone = True
            return
        for number, message in enumerate(client.reader.take(data)):
            if number >= MESSAGES_PER_LOOK_MAX and not _stops(message):
                continue
            if isinstance(message, Unreadable):
                self._answer(client, {"type": "refused", "reason": message.reason})
            else:
                self._hear(client, message)

    def _hear(self, client: Client, message: Message) -> None:
        match message["type"]:
            case "stop" | "emergency_stop" as stop:
                self.said.append({"type": "command", "do": stop, "by": client.name})
            case "join":
                self._join(client, message)
            case "beat":
                if client.commands:
                    self._beat_ms = self._clock.now_ms()
            case "command":
                self._command(client, message)
            case _:
                self._answer(client, {"type": "refused", "reason": "there is no such message"})

    def _join(self, client: Client, message: Message) -> None:
        """A console says who it is. It commands when it has the token, wants to, and nobody else does or its
        person takes the command from whoever does; who loses it is told.
        """
        token, name = message.get("token"), message.get("name")
        known = isinstance(token, str) and hmac.compare_digest(token.encode(), self._token.encode())
        client.name = name[:64] if isinstance(name, str) and name.isprintable() else "?"
        if not known:
            self._answer(client, {"type": "refused", "reason": "the token is not that of this session"})
            return
        others = [other for other in self._clients if other.commands and other is not client]
        free = not others or self.unattended_ms() > UNATTENDED_MS_MAX or message.get("takes") is True
        if message.get("commands") is True and free:
            if not client.commands:
                self._changes.append(Commanding(client.name, next((other.name for other in others), None)))
            for other in others:
                other.commands = False
                self._answer_joined(other)
            client.commands = True
            self._beat_ms = self._clock.now_ms()
        self._answer_joined(client)

    def _answer_joined(self, client: Client) -> None:
        self._answer(client, {"type": "joined", "commands": client.commands, "session": self._session})

    def _command(self, client: Client, message: Message) -> None:
        """Take a command once: with the key of an earlier one, only the earlier answer is given again."""
        key, do = message.get("key"), message.get("do")
        if isinstance(do, str) and do in STOPS:
            self.said.append({**message, "by": client.name})
            return
        if not isinstance(key, str) or not 8 <= len(key) <= 64:
            self._answer(client, {"type": "refused", "reason": "a command has a key of 8 to 64 characters"})
            return
        if not client.commands:
            self._answer(client, {"type": "reply", "key": key, "taken": False, "reason": "you only watch"})
            return
        if key in self._answers:
            self._answer(client, self._answers[key])
            return
        self._beat_ms = self._clock.now_ms()
        reason = self._objection(message)
        answer: Message = {"type": "reply", "key": key, "taken": reason is None, "reason": reason}
        self._answers[key] = answer
        if len(self._answers) > KEYS_KEPT_MAX:
            self._answers.popitem(last=False)
        if reason is None:
            self.said.append({**message, "by": client.name})
        self._answer(client, answer)

    def _objection(self, message: Message) -> str | None:
        if message.get("do") in ("begin", "acknowledge", "leave", "seen"):
            return None
        if self.plan is None:
            return "there is no session yet"
        event = event_of(self.plan, message)
        return event if isinstance(event, str) else None

    # --- bytes --------------------------------------------------------------------------------------------
    def _answer(self, client: Client, message: Mapping[str, Json]) -> None:
        self._put(client, line_of(message))

    def _put(self, client: Client, line: bytes) -> None:
        if len(client.waiting) + len(line) > WAITING_BYTES_MAX:
            client.gone = True  # it has not read for a very long time
            return
        client.waiting += line

    def _flush(self) -> None:
        for client in self._clients:
            if client.waiting and not client.gone:
                self._send(client, b"")

    @staticmethod
    def _send(client: Client, line: bytes) -> None:
        client.waiting += line
        try:
            sent = client.connection.send(client.waiting)
        except BlockingIOError:
            return
        except OSError:
            client.gone = True
            return
        client.waiting = client.waiting[sent:]
