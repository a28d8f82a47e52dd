"""Replaying a journal: the recorded events go through the machine again, and the same commands must come out.

What a session did follows from its plan, the values in its header and its events, so a journal that replays
is one in which nothing was left out and nothing happened by chance.
"""

from __future__ import annotations

from collections.abc import Mapping

from ionto_ir.bound import BoundPlan
from ionto_ir.canonical import Json, digest
from ionto_ir.codec import plan_to_json
from ionto_ir.dataclass import dataclass
from ionto_ir.events import SetCurrent, Tick
from ionto_ir.executor import start, step
from ionto_ir.plan import Plan
from ionto_ir.state import State
from ionto_runtime.journal_format import Record, RecordType
from ionto_runtime.journal_reader import Reading, Sealed
from ionto_runtime.session_records import (
    command_to_json,
    commands_to_json,
    constants_from_json,
    constants_to_json,
    event_from_json,
    position_to_json,
    values_from_json,
    was_sent,
)


@dataclass(frozen=True, slots=True)
class Difference:
    """The first place where journal and machine differ: the record's number, what, and what each says."""

    sequence: int
    what: str
    journal: str
    machine: str


@dataclass(frozen=True, slots=True)
class ReplayReport:
    """What came of a replay: how many events, ticks among them, the first difference, the last state.

    `sealed` says that the journal is whole; one that is not is replayed as far as it goes.
    """

    events: int
    ticks: int
    difference: Difference | None
    final: State
    sealed: bool

    @property
    def agrees(self) -> bool:
        """Whether every command came out as it was written down."""
        return self.difference is None


def rebound(plan: Plan, reading: Reading) -> BoundPlan | str:
    """The bound plan of a journal's session, or why this is not its plan.

    Nothing is checked anew: what was bound on the day is taken from the header.
    """
    header = reading.header
    if header is None:
        return "not even the header can be read"
    if header["plan_sha256"] != digest(plan_to_json(plan)):
        return "the journal is of another plan"
    values, constants = values_from_json(header.get("values")), constants_from_json(header.get("constants"))
    polarity = header.get("polarity")
    if values is None or constants is None or polarity not in (1, -1):
        return "the header does not say how the plan was bound"
    assert isinstance(polarity, int)
    return BoundPlan(plan, values, constants, polarity)


def replay(bound: BoundPlan, reading: Reading) -> ReplayReport:
    """Run the events of `reading` through the machine and compare commands, ledgers and places."""
    state = start(bound)
    events = ticks = 0
    announced: set[int] = set()
    held_na: int | None = None
    difference = _header_difference(bound, reading)
    for record in reading.records:
        if difference is not None:
            break
        if record.kind is RecordType.INTENT:
            announced.add(_sequence(record.payload))
        if "event" not in record.payload:
            continue
        event = event_from_json(record.payload)
        if event is None:
            difference = _differs(record, "event", record.payload["event"], "an event that is known")
            break
        state, commands = step(bound, state, event)
        events += 1
        ticks += isinstance(event, Tick)
        difference = _difference(record, commands_to_json(commands), position_to_json(state))
        setting = next((found for found in commands if isinstance(found, SetCurrent)), None)
        if setting is not None and not was_sent(record.payload):
            continue
        if difference is None and setting is not None:
            difference = _unannounced(record, setting, held_na, announced)
            held_na = setting.current_na
        elif any(command_to_json(found)["command"] == "output_off" for found in commands):
            held_na = None
    return ReplayReport(events, ticks, difference, state, isinstance(reading.end, Sealed))


def _header_difference(bound: BoundPlan, reading: Reading) -> Difference | None:
    header: Mapping[str, Json] = reading.header or {}
    expected: dict[str, Json] = {
        "plan_sha256": digest(plan_to_json(bound.plan)),
        "values": dict(bound.values),
        "constants": constants_to_json(bound.constants),
        "polarity": bound.polarity,
    }
    for name, value in expected.items():
        if header.get(name) != value:
            return Difference(0, name, str(header.get(name)), str(value))
    return None


def _difference(record: Record, commands: list[Json], position: dict[str, Json]) -> Difference | None:
    found: Mapping[str, Json] = {"commands": commands, **position}
    for name, value in found.items():
        if record.payload.get(name) != value:
            return _differs(record, name, record.payload.get(name), value)
    return None


def _unannounced(
    record: Record, setting: SetCurrent, held_na: int | None, announced: set[int]
) -> Difference | None:
    """A raise that was sent without its intent on the disk (R58)."""
    raises = held_na is None or abs(setting.current_na) > abs(held_na)
    if not raises or setting.sequence in announced:
        return None
    return _differs(record, "intent", None, command_to_json(setting))


def _differs(record: Record, what: str, journal: Json, machine: Json) -> Difference:
    return Difference(record.sequence, what, str(journal), str(machine))


def _sequence(payload: Mapping[str, Json]) -> int:
    sequence = payload.get("sequence")
    return sequence if isinstance(sequence, int) else -1
