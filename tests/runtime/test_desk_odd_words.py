"""A console may send anything at all: the desk answers or ignores it, and the session goes on or stops."""

from __future__ import annotations

import json
import socket
from collections.abc import Iterator
from pathlib import Path
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ionto_ir.events import Adjust, Enter, Event, Pause, Press, Stop
from ionto_runtime.messages import COMMAND_BYTES_MAX, LineReader, Unreadable
from ionto_runtime.safety.desk import Desk
from ionto_runtime.simulation.clock import VirtualClock
from ionto_runtime.view import facts_of, view_of
from tests.runtime.bedside import Bedside
from tests.runtime.short_sessions import SHORT, check, reached

TOKEN = "t" * 32
BOUND = SHORT
PLAN = BOUND.plan

WORDS = ["", "\x00", "\ud800", "stop", "current", TOKEN, "a" * 70, "0" * 8, "é", "\u202e", "NaN", "4,0"]
ANYTHING = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(10**40), 10**40)
    | st.sampled_from(WORDS)
    | st.floats(allow_nan=True, allow_infinity=True),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(WORDS), inner, max_size=3),
    max_leaves=6,
)
MESSAGES = st.fixed_dictionaries(
    {"type": st.sampled_from(["command", "join", "beat", "view", "stopp", ""]) | ANYTHING},
    optional={
        name: ANYTHING
        | st.sampled_from(["enter", "adjust", "press", "pause", "resume", "acknowledge", "seen"])
        for name in ("do", "key", "token", "name", "commands", "value", "variable", "text", "button", "code")
    },
)


class Spoken:
    """A desk with one console that commands, and a session behind it."""

    def __init__(self, folder: Path) -> None:
        self.bedside: Bedside = reached(20)
        self.desk = Desk(folder / "desk", TOKEN, "session1", VirtualClock())
        self.desk.plan = PLAN
        self.facts = facts_of(BOUND, patient=None, operator=None, device="D", simulated=True, speed=1)
        self.line = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.line.connect(str(folder / "desk"))
        self.line.setblocking(False)
        self.say({"type": "join", "token": TOKEN, "name": "n", "commands": True})

    def say(self, message: object) -> list[Event]:
        """Send a message as a line, and give the session what the desk makes of it."""
        return self.send(json.dumps(message).encode() + b"\n")

    def send(self, data: bytes) -> list[Event]:
        self.line.sendall(data)
        heard: list[Event] = []
        for _ in range(3):
            events = self.desk.poll(view_of(self.bedside.session, self.facts))
            for event in events:
                self.bedside.session.hear(event)
            heard += events
        self.desk.show(view_of(self.bedside.session, self.facts))
        try:
            while self.line.recv(1 << 16):
                pass
        except BlockingIOError:
            pass
        return heard

    def close(self) -> None:
        self.line.close()
        self.desk.close()


@pytest.fixture(scope="module")
def spoken(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Spoken]:
    made = Spoken(tmp_path_factory.mktemp("odd"))
    yield made
    made.close()


@pytest.mark.requirement("R49")
@pytest.mark.requirement("R67")
@settings(max_examples=150)
@given(message=MESSAGES)
def test_no_message_of_a_console_breaks_the_desk_or_the_session(spoken: Spoken, message: object) -> None:
    for event in spoken.say(message):
        assert not isinstance(event, Adjust | Enter) or isinstance(event.value, int)
    assert spoken.bedside.session.journal.failure is None
    assert "F24" not in spoken.bedside.codes()


@pytest.mark.requirement("R49")
@settings(max_examples=60)
@given(data=st.binary(max_size=300))
def test_no_bytes_of_a_console_break_the_desk(spoken: Spoken, data: bytes) -> None:
    spoken.send(data + b"\n")
    assert "F24" not in spoken.bedside.codes()


@pytest.mark.requirement("R69")
@pytest.mark.parametrize(
    "line",
    [
        b'{"type": "command", "do": "adjust", "value": 1' + b"0" * 30 + b"}",
        b'{"type": "command", "do": "press", "button": "\\ud800"}',
        b'{"type": "join", "token": "\\udfff"}',
    ],
    ids=["number", "button", "token"],
)
def test_what_no_journal_can_say_is_no_message(line: bytes) -> None:
    (found,) = LineReader(COMMAND_BYTES_MAX).take(line + b"\n")
    assert isinstance(found, Unreadable)


@pytest.mark.requirement("R69")
@pytest.mark.parametrize("event", [Press("\ud800"), Adjust("current", 10**30), Enter("current", "much")])
def test_what_cannot_be_written_down_is_not_heard_by_the_session(event: Event) -> None:
    bedside = reached(30)
    bedside.session.hear(event)
    refused = bedside.session.refusal
    assert refused is not None and refused.reason == "no such thing can be said"
    bedside.until_closed()
    assert bedside.session.completed
    check(bedside)


@pytest.mark.requirement("R24")
def test_a_stop_is_heard_at_the_end_of_any_flood(tmp_path: Path) -> None:
    made = Spoken(tmp_path)
    flood = b"".join(
        json.dumps({"type": "command", "do": "pause", "key": f"{number:08}"}).encode() + b"\n"
        for number in range(200)
    )
    heard = made.send(flood + b'{"type": "stop"}\n')
    assert heard[0] == Stop() and heard.count(Pause()) <= 128
    made.close()


@pytest.mark.requirement("R12")
@pytest.mark.parametrize("seed", range(8))
def test_somebody_who_presses_everything_at_random_harms_nothing(seed: int) -> None:
    from tests.simulation.world import pressed

    chance, bedside = Random(seed), reached(5)
    for _ in range(400):
        if bedside.session.closed:
            break
        for _ in range(chance.randint(0, 4)):
            if not bedside.session.state.ended:
                bedside.session.hear(pressed(chance))
        bedside.tick(1)
    bedside.session.stop("enough")
    bedside.until_closed()
    check(bedside)
