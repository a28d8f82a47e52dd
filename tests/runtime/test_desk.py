"""The desk in the same process: who commands, who takes the command, and what everybody is told of it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from jsonschema import Draft202012Validator

from ionto_runtime.messages import Message
from ionto_runtime.remote import Remote, reach
from ionto_runtime.safety.desk import UNATTENDED_MS_MAX, Desk
from ionto_runtime.safety.shown import shown
from ionto_runtime.simulation.clock import VirtualClock
from tests.architecture.tree import ROOT
from tests.runtime.consoles import FACTS, at

PUBLISHED = Draft202012Validator(
    json.loads((ROOT / "docs" / "reference" / "safety.schema.json").read_text(encoding="utf-8"))
)
TOKEN = "the token"


class Ward:
    """A desk, its clock, and the consoles that have come to it."""

    def __init__(self, path: Path) -> None:
        self.clock = VirtualClock()
        self.desk = Desk(path, TOKEN, "5e551011", self.clock)
        self.desk.plan = FACTS.bound.plan
        self.consoles: list[Remote] = []

    def console(self) -> Remote:
        """A console that has come in."""
        remote = reach(self.desk.path, self.clock, 0)
        assert remote is not None
        self.consoles.append(remote)
        self.desk.serve(100)
        return remote

    def hears(self, remote: Remote) -> list[Message]:
        """What a console is told, once the desk has looked at what it said."""
        self.desk.serve(100)
        self.desk.serve()
        return [message for message in remote.hear(100) if message["type"] != "view"]

    def close(self) -> None:
        """Everybody leaves."""
        for remote in self.consoles:
            remote.close()
        self.desk.close()


@pytest.fixture
def ward(tmp_path: Path) -> Iterator[Ward]:
    made = Ward(tmp_path / "desk")
    yield made
    made.close()


def joined(commands: bool) -> Message:
    """The answer to `join`."""
    return {"type": "joined", "commands": commands, "session": "5e551011"}


@pytest.mark.requirement("R67")
def test_the_command_is_taken_only_by_who_says_so_and_has_the_token(ward: Ward) -> None:
    first, second = ward.console(), ward.console()
    first.join(TOKEN, "page", commands=True)
    assert ward.hears(first) == [joined(True)]
    second.join(TOKEN, "terminal", commands=True)
    assert ward.hears(second) == [joined(False)]
    second.join("a guess", "terminal", commands=True, takes=True)
    assert [message["type"] for message in ward.hears(second)] == ["refused"]
    assert ward.desk.commander == "page"
    second.join(TOKEN, "terminal", commands=True, takes=True)
    assert ward.hears(second) == [joined(True)]
    assert first.hear(100) == [joined(False)], "who loses the command is told"
    assert ward.desk.commander == "terminal"
    key = first.command("pause")
    assert ward.hears(first) == [{"type": "reply", "key": key, "taken": False, "reason": "you only watch"}]
    second.command("pause")
    ward.hears(second)
    assert [message["do"] for message in ward.desk.take()] == ["pause"]


@pytest.mark.requirement("R66")
def test_who_takes_the_command_is_the_one_that_must_be_heard_of(ward: Ward) -> None:
    first, second = ward.console(), ward.console()
    first.join(TOKEN, "page", commands=True)
    ward.hears(first)
    second.join(TOKEN, "terminal", commands=True, takes=True)
    ward.hears(second)
    ward.clock.sleep_until(UNATTENDED_MS_MAX + 1)
    first.say({"type": "beat"})
    ward.desk.serve(100)
    assert ward.desk.unattended_ms() > UNATTENDED_MS_MAX
    second.say({"type": "beat"})
    ward.desk.serve(100)
    assert ward.desk.unattended_ms() == 0


def test_views_say_who_commands(ward: Ward) -> None:
    console = ward.console()
    ward.desk.show(at(10))
    console.join(TOKEN, "terminal", commands=True)
    ward.hears(console)
    ward.clock.sleep_until(1_000)
    ward.desk.show(at(60))
    (view,) = (message for message in console.hear(100) if message["type"] == "view")
    assert view["commander"] == "terminal"
    assert isinstance(view["index"], int) and FACTS.steps[view["index"]] == view["step"]
    PUBLISHED.validate(view)


def test_facts_say_what_can_be_moved_and_what_will_be_asked() -> None:
    said = shown(FACTS)
    assert said["adjustable"] == [
        {
            "name": "current",
            "text": "Set to comfort",
            "range": "1 mA to 4 mA",
            "example": "4 mA",
            "dimension": "current",
            "unit": "mA",
            "value": 2_000_000,
        }
    ]
    assert said["records"] == [
        {"name": "skin", "text": "Skin under the electrodes", "expected": "none, erythema or blister"}
    ]
    assert said["asks"] == [0, 4]
