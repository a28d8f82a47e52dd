"""A session as rows, one for each tick: what the journal's samples say, and what happened beside them.

Rows and events are read off the records and nothing is computed but differences, so that whoever has the rows
has the samples. Exports are made from them, and held against them.
"""

from __future__ import annotations

from collections.abc import Mapping

from ionto_ir.canonical import Json
from ionto_ir.dataclass import dataclass
from ionto_runtime.journal_format import Record, RecordType
from ionto_runtime.journal_reader import Reading
from ionto_runtime.session_records import was_sent


@dataclass(frozen=True, slots=True)
class Row:
    """One tick. `at_ms` runs from the session's `begin` on the machine's clock, `wall_ms` is calendar time.

    Measured values (magnitudes; None: no reading) belong to the interval that ends here, `set_na` (signed;
    None: the output is open) to the one that begins. `passed_ms` is how long the interval really lasted. The
    charges are the machine's ledgers, pC.
    """

    at_ms: int
    wall_ms: int
    passed_ms: int
    mode: str
    step: int
    set_na: int | None
    measured_na: int | None
    voltage_mv: int | None
    impedance_ohm: int | None
    acknowledged: bool
    nominal_pc: int
    upper_pc: int


@dataclass(frozen=True, slots=True)
class Happening:
    """Anything that is no tick: an event with its name, an alarm with its code, in words."""

    at_ms: int
    wall_ms: int
    name: str
    text: str


@dataclass(frozen=True, slots=True)
class Series:
    """A session's ticks and happenings, both in their order. `tick_ms` is the machine's tick."""

    tick_ms: int
    rows: tuple[Row, ...]
    happenings: tuple[Happening, ...]


def series_of(reading: Reading) -> Series | str:
    """The rows of a journal as far as it is proved, or why there are none."""
    header = reading.header
    if header is None:
        return "not even its header can be read"
    constants = header.get("constants")
    tick_ms = constants.get("tick_ms") if isinstance(constants, dict) else None
    if not isinstance(tick_ms, int):
        return "its header does not say how the session was bound"
    rows: list[Row] = []
    happenings: list[Happening] = []
    set_na: int | None = None
    at_ms = 0
    for record in reading.records[1:]:
        payload = record.payload
        clock_ms = payload.get("clock_ms")
        at_ms = clock_ms if isinstance(clock_ms, int) else at_ms
        if was_sent(payload):
            set_na = _set_na(payload.get("commands"), set_na)
        if record.kind is RecordType.SAMPLE:
            row = _row(record, at_ms, set_na)
            if isinstance(row, str):
                return f"record {record.sequence} is {row}"
            rows.append(row)
        elif record.kind in _TOLD:
            name, text = event_words(payload, record.kind)
            happenings.append(Happening(at_ms, record.wall_ms, name, text))
    return Series(tick_ms, tuple(rows), tuple(happenings))


_TOLD = frozenset({RecordType.EVENT, RecordType.ANSWER, RecordType.RECORDED, RecordType.ALARM})


def _row(record: Record, at_ms: int, set_na: int | None) -> Row | str:
    match record.payload:
        case {
            "measured_na": int() | None as measured_na,
            "voltage_mv": int() | None as voltage_mv,
            "impedance_ohm": int() | None as impedance_ohm,
            "acknowledged": bool() as acknowledged,
            "passed_ms": int() as passed_ms,
            "mode": str() as mode,
            "step": int() as step,
            "nominal_pc": int() as nominal_pc,
            "upper_pc": int() as upper_pc,
        }:
            return Row(
                at_ms=at_ms,
                wall_ms=record.wall_ms,
                passed_ms=passed_ms,
                mode=mode,
                step=step,
                set_na=set_na,
                measured_na=measured_na,
                voltage_mv=voltage_mv,
                impedance_ohm=impedance_ohm,
                acknowledged=acknowledged,
                nominal_pc=nominal_pc,
                upper_pc=upper_pc,
            )
        case _:
            return "no sample that this program understands"


def _set_na(commands: Json, before: int | None) -> int | None:
    """What is in force after these commands."""
    for command in commands if isinstance(commands, list) else []:
        match command:
            case {"command": "set_current", "current_na": int() as current_na}:
                before = current_na
            case {"command": "output_off"}:
                before = None
            case _:
                pass
    return before


def event_words(payload: Mapping[str, Json], kind: RecordType) -> tuple[str, str]:
    """What happened, as a name (`pause`, `F21`) and as words with what belongs to it."""
    name = str(payload.get("event") or payload.get("code") or kind.name.lower())
    parts = [
        str(payload[part])
        for part in ("variable", "value", "kind", "text", "cause", "button")
        if part in payload
    ]
    shown = name.replace("_", " ")
    return name, f"{shown}: {', '.join(parts)}" if parts else shown
