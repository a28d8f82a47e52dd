"""Messages between safety process and consoles: bounded, published, and harmless whatever comes in."""

from __future__ import annotations

import gc
import json
import tracemalloc

import pytest
from hypothesis import given
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from ionto_ir.events import Adjust, Confirm, EmergencyStop, Enter, Pause, Press, Resume, Stop
from ionto_runtime.messages import (
    COMMAND_BYTES_MAX,
    MESSAGE_BYTES_MAX,
    LineReader,
    Unreadable,
    command_of,
    event_of,
    line_of,
    outcome_from_json,
    outcome_to_json,
    view_from_json,
    view_to_json,
)
from ionto_runtime.outcome import outcome_of
from ionto_runtime.safety.process import take_precedence, tame_collector
from ionto_runtime.view import view_of
from tests.architecture.tree import ROOT
from tests.runtime.bedside import Bedside, facts_for
from tests.runtime.broken import LONG
from tests.runtime.sealed_plans import heel_plan
from tests.runtime.short_sessions import SHORT

SCHEMA = json.loads((ROOT / "docs" / "reference" / "safety.schema.json").read_text(encoding="utf-8"))
PUBLISHED = Draft202012Validator(SCHEMA)


def test_the_schema_is_a_schema() -> None:
    Draft202012Validator.check_schema(SCHEMA)


@pytest.mark.parametrize("ticks", [0, 1, 60, 139, 400])
def test_a_view_comes_over_as_it_was(ticks: int) -> None:
    bedside = Bedside(SHORT).begin().tick(ticks)
    facts = facts_for(SHORT)
    view = view_of(bedside.session, facts)
    line = line_of(view_to_json(view, 7, 1_000, 2_000))
    assert len(line) < 4_096
    (message,) = LineReader(MESSAGE_BYTES_MAX).take(line)
    assert isinstance(message, dict)
    PUBLISHED.validate(message)
    assert view_from_json(facts, message) == view


def test_an_outcome_comes_over_as_it_was() -> None:
    bedside = Bedside(SHORT).begin().until_closed()
    outcome = outcome_of(bedside.session)
    PUBLISHED.validate({"type": "bye", "outcome": outcome_to_json(outcome)})
    assert outcome_from_json(json.loads(line_of(outcome_to_json(outcome)))) == outcome


EVENTS = (
    Confirm(),
    Pause(),
    Resume(),
    Stop(),
    EmergencyStop(),
    Press("more"),
    Adjust("current", 1_500_000),
    Enter("skin", 1),
)


@pytest.mark.parametrize("event", EVENTS, ids=lambda event: type(event).__name__)
def test_what_a_person_does_comes_over_as_it_was(event: object) -> None:
    said = command_of(event)  # type: ignore[arg-type]
    PUBLISHED.validate({"type": "command", "key": "12345678", **said})
    assert event_of(heel_plan(), said) == event


@pytest.mark.requirement("R69")
@pytest.mark.parametrize("text", ["4,0", "4", "4 mC", "NaN", "", "4 MA", "1e3 mA"])
def test_a_value_that_is_typed_takes_one_form(text: str) -> None:
    assert isinstance(event_of(heel_plan(), {"do": "adjust", "variable": "current", "text": text}), str)
    given_right = event_of(heel_plan(), {"do": "adjust", "variable": "current", "text": "4 mA"})
    assert given_right == Adjust("current", 4_000_000)


@pytest.mark.requirement("R49")
@given(st.lists(st.binary(max_size=400), max_size=40))
def test_whatever_bytes_come_in_nothing_is_raised_and_little_is_kept(portions: list[bytes]) -> None:
    reader = LineReader(256)
    for portion in portions:
        for message in reader.take(portion):
            assert isinstance(message, dict | Unreadable)
        assert len(reader._held) <= 256
    found = reader.take(b"\n" + line_of({"type": "beat"}))
    assert found[-1] == {"type": "beat"}, "a good line is read whatever came before"


@pytest.mark.requirement("R49")
def test_an_endless_line_takes_no_memory_and_is_said_once() -> None:
    reader = LineReader(COMMAND_BYTES_MAX)
    portion = b"x" * 65_536
    reader.take(portion)
    tracemalloc.start()
    said = [message for _ in range(160) for message in reader.take(portion)]
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert said == [] and peak < 1_000_000


@pytest.mark.parametrize(
    "line", [b"[]", b"1", b'{"type":1}', b"{}", b'{"type":"beat"', b'{"type":"x","a":1.5}']
)
def test_a_line_that_is_no_message_is_said_to_be_none(line: bytes) -> None:
    (found,) = LineReader(COMMAND_BYTES_MAX).take(line + b"\n")
    assert isinstance(found, Unreadable)


def test_a_session_leaves_nothing_for_a_collector_that_is_off() -> None:
    """The safety process switches the collector off, so cycles would stay for ever."""
    bedside = Bedside(LONG).begin().tick(50)
    facts = facts_for(LONG)
    enabled = gc.isenabled()
    tame_collector()
    try:
        for _ in range(300):
            bedside.tick(1)
            line_of(view_to_json(view_of(bedside.session, facts), 1, 1, 1))
        assert gc.collect() < 50
    finally:
        gc.unfreeze()
        if enabled:
            gc.enable()


def test_the_scheduler_that_is_in_force_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    def refused(*_: object) -> None:
        raise PermissionError

    monkeypatch.setattr("os.sched_setscheduler", refused)
    assert take_precedence() == "the system's"
