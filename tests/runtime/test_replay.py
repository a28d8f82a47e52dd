"""Replaying: the same events give the same commands, and whatever was changed is found and named."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from ionto_ir.canonical import Json
from ionto_ir.dataclass import replace
from ionto_ir.events import (
    Ack,
    Adjust,
    Begin,
    Confirm,
    DeviceFault,
    EmergencyStop,
    Enter,
    Event,
    FaultKind,
    LinkBack,
    LinkLost,
    Pause,
    Recovered,
    Resume,
    Stop,
    Tick,
)
from ionto_runtime.journal_format import RecordType
from ionto_runtime.journal_reader import Reading, scan
from ionto_runtime.replay import rebound, replay
from ionto_runtime.session_records import (
    constants_from_json,
    constants_to_json,
    event_from_json,
    event_to_json,
    values_from_json,
)
from ionto_runtime.simulation.stimulator import Fault
from tests.ir.sessions import MA, SECOND, bound_of, timed_plan, usual_plan
from tests.runtime.bedside import Bedside

BOUND = bound_of(timed_plan(hold_ms=3 * SECOND, ramp_ms=2 * SECOND))


@pytest.fixture(scope="module")
def journal() -> Bedside:
    """A short session with a lost answer, a pause and a lead that came off."""
    bedside = Bedside(BOUND).begin().tick(25)
    bedside.device.inject(Fault.SILENT)
    bedside.tick(1)
    bedside.device.clear(Fault.SILENT)
    bedside.tick(3)
    bedside.session.feed(Pause())
    bedside.tick(50)
    bedside.session.feed(Resume())
    bedside.tick(30)
    bedside.device.inject(Fault.LEAD_OFF)
    bedside.tick(1)
    bedside.device.clear(Fault.LEAD_OFF)
    bedside.session.feed(Resume())
    return bedside.until_closed()


def changed(reading: Reading, index: int, change: Callable[[dict[str, Json]], None]) -> Reading:
    """The reading with one payload changed, as if the chain said nothing."""
    records = list(reading.records)
    payload = dict(records[index].payload)
    change(payload)
    records[index] = replace(records[index], payload=payload)
    return replace(reading, records=tuple(records))


def indices(reading: Reading, kind: RecordType) -> list[int]:
    return [record.sequence for record in reading.records if record.kind is kind]


def test_a_whole_session_replays_to_the_same_commands_ledgers_and_state(journal: Bedside) -> None:
    report = replay(BOUND, journal.reading)
    assert report.agrees and report.sealed
    assert report.ticks == journal.ticks
    assert report.events > report.ticks
    assert report.final == journal.session.state


def test_a_journal_that_was_cut_replays_as_far_as_it_goes(journal: Bedside) -> None:
    data = b"".join(journal.file.writes)  # type: ignore[attr-defined]
    whole = replay(BOUND, journal.reading).events
    for part in range(1, 10):
        report = replay(BOUND, scan(data[: len(data) * part // 10]))
        assert report.agrees and not report.sealed
        assert 0 <= report.events < whole


def test_the_bound_plan_is_in_the_journal(journal: Bedside) -> None:
    again = rebound(BOUND.plan, journal.reading)
    assert again == BOUND
    assert rebound(usual_plan(), journal.reading) == "the journal is of another plan"
    odd = changed(journal.reading, 0, lambda payload: payload.pop("constants"))
    assert rebound(BOUND.plan, odd) == "the header does not say how the plan was bound"


def test_a_changed_reading_is_found(journal: Bedside) -> None:
    sample = indices(journal.reading, RecordType.SAMPLE)[30]
    report = replay(
        BOUND, changed(journal.reading, sample, lambda payload: payload.update(measured_na=3 * MA))
    )
    assert report.difference is not None
    assert report.difference.sequence == sample
    assert report.difference.what == "upper_pc"


@pytest.mark.parametrize("field", ["upper_pc", "nominal_pc", "exposure_na", "step", "clock_ms"])
def test_a_changed_ledger_or_place_is_found(journal: Bedside, field: str) -> None:
    sample = indices(journal.reading, RecordType.SAMPLE)[12]
    report = replay(BOUND, changed(journal.reading, sample, lambda payload: payload.update({field: 7})))
    assert report.difference is not None and report.difference.what == field
    assert report.difference.journal == "7"


def test_a_changed_command_is_found(journal: Bedside) -> None:
    sample = indices(journal.reading, RecordType.SAMPLE)[12]
    commands = journal.reading.records[sample].payload["commands"]
    assert isinstance(commands, list) and isinstance(commands[0], dict)
    forged = [{**commands[0], "current_na": 1}]
    report = replay(BOUND, changed(journal.reading, sample, lambda payload: payload.update(commands=forged)))
    assert report.difference is not None and report.difference.what == "commands"


def test_an_event_that_was_left_out_is_found(journal: Bedside) -> None:
    for kind in (RecordType.SAMPLE, RecordType.EVENT):
        for index in indices(journal.reading, kind)[3:6]:
            records = tuple(record for record in journal.reading.records if record.sequence != index)
            assert not replay(BOUND, replace(journal.reading, records=records)).agrees


def test_a_raise_that_was_not_announced_is_found(journal: Bedside) -> None:
    for index in indices(journal.reading, RecordType.INTENT)[::10]:
        records = tuple(record for record in journal.reading.records if record.sequence != index)
        report = replay(BOUND, replace(journal.reading, records=records))
        assert report.difference is not None and report.difference.what == "intent"


def test_an_event_that_nobody_knows_is_found(journal: Bedside) -> None:
    sample = indices(journal.reading, RecordType.SAMPLE)[12]
    report = replay(BOUND, changed(journal.reading, sample, lambda payload: payload.update(event="dance")))
    assert report.difference is not None and report.difference.what == "event"


def test_another_plan_other_values_or_another_machine_are_found_at_the_header(journal: Bedside) -> None:
    other = bound_of(timed_plan(hold_ms=3 * SECOND, ramp_ms=2 * SECOND), cap_pc=10**12)
    assert replay(other, journal.reading).difference.what == "constants"  # type: ignore[union-attr]
    assert replay(bound_of(timed_plan()), journal.reading).difference.what == "plan_sha256"  # type: ignore[union-attr]
    valued = bound_of(usual_plan(), {"current": 2 * MA})
    bedside = Bedside(valued).begin().tick(3)
    report = replay(bound_of(usual_plan(), {"current": 3 * MA}), bedside.reading)
    assert report.difference is not None and report.difference.what == "values"


EVENTS: tuple[Event, ...] = (
    Begin(),
    Tick(),
    Tick(1, 2, 3, False),
    Confirm(),
    Enter("skin", 1),
    Enter("clean", True),
    Adjust("current", 2 * MA),
    Pause(),
    Resume(),
    Stop(),
    EmergencyStop(),
    LinkLost(),
    LinkBack(),
    Ack(7),
    *(DeviceFault(kind) for kind in FaultKind),
    Recovered(1_000),
)


@pytest.mark.parametrize("event", EVENTS, ids=repr)
def test_every_event_can_be_written_and_read_back(event: Event) -> None:
    payload = event_to_json(event)
    again = event_from_json({**payload, "commands": [], "more": 1})
    assert again == event
    assert type(again) is type(event)


@pytest.mark.parametrize(
    "payload",
    [
        {},
        {"event": 1},
        {"event": "tick"},
        {"event": "tick", "measured_na": "1", "voltage_mv": 1, "impedance_ohm": 1, "acknowledged": True},
        {"event": "tick", "measured_na": True, "voltage_mv": 1, "impedance_ohm": 1, "acknowledged": True},
        {"event": "tick", "measured_na": 1, "voltage_mv": 1, "impedance_ohm": 1, "acknowledged": 1},
        {"event": "enter", "variable": 1, "value": 1},
        {"event": "device_fault", "kind": "bored"},
        {"event": "dance"},
    ],
)
def test_what_is_no_event_is_not_taken_for_one(payload: dict[str, Json]) -> None:
    assert event_from_json(payload) is None


def test_constants_can_be_written_and_read_back() -> None:
    for bound in (BOUND, bound_of(timed_plan(), cap_pc=-5, cap_nominal_pc=10**15, may_resume=False)):
        written = constants_to_json(bound.constants)
        assert constants_from_json(written) == bound.constants
        for name in written:
            assert constants_from_json({**written, name: "x"}) is None
            assert constants_from_json({key: value for key, value in written.items() if key != name}) is None
    assert constants_from_json(None) is None
    assert constants_from_json({**constants_to_json(BOUND.constants), "tick_ms": None}) is None
    assert values_from_json({"a": "b"}) is None
    assert values_from_json([]) is None


def test_a_reading_without_records_does_not_replay() -> None:
    report = replay(BOUND, scan(b""))
    assert report.difference is not None and report.difference.sequence == 0
    assert rebound(BOUND.plan, scan(b"")) == "not even the header can be read"
