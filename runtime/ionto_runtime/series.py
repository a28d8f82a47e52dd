"""A session as rows, one for each tick: what the journal's samples say, and what happened beside them.

Rows and events are read off the records and nothing is computed but differences, so that whoever has the rows
has the samples. Exports are made from them, and held against them.
"""

from __future__ import annotations

from collections.abc import Mapping

from ionto_ir.canonical import Json
from ionto_ir.dataclass import dataclass, field, replace
from ionto_runtime.journal_channels import CHANNEL, channel_names
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
    gathered = _Gathered()
    for record in reading.records[1:]:
        reason = gathered.take(record, record.payload.get("clock_ms"))
        if reason is not None:
            return reason
    return gathered.series(tick_ms)


def channel_series(reading: Reading) -> tuple[Series, ...] | str:
    """What people did, and then each channel of a journal, all by one clock: that of what people do, which
    goes on while a channel is held.
    """
    whole = series_of(replace(reading, records=reading.records[:1]))
    if isinstance(whole, str):
        return whole
    found = [_Gathered() for _ in range(len(channel_names(reading)) + 1)]
    clock_ms: Json = 0
    for record in reading.records[1:]:
        number = record.payload.get(CHANNEL)
        if number is None:
            clock_ms = record.payload.get("clock_ms", clock_ms)
        place = number + 1 if isinstance(number, int) else 0
        if place >= len(found):
            return f"record {record.sequence} is of a channel that the header does not name"
        reason = found[place].take(record, clock_ms)
        if reason is not None:
            return reason
    return tuple(gathered.series(whole.tick_ms) for gathered in found)


@dataclass(slots=True)
class _Gathered:
    """Rows and happenings as records come in, with what is in force and the time of the last one."""

    rows: list[Row] = field(default_factory=list)
    happenings: list[Happening] = field(default_factory=list)
    set_na: int | None = None
    at_ms: int = 0

    def take(self, record: Record, clock_ms: Json) -> str | None:
        """Add a record at a time; why it cannot be read, or None."""
        payload = record.payload
        self.at_ms = clock_ms if isinstance(clock_ms, int) else self.at_ms
        if was_sent(payload):
            self.set_na = _set_na(payload.get("commands"), self.set_na)
        if record.kind is RecordType.SAMPLE:
            row = _row(record, self.at_ms, self.set_na)
            if isinstance(row, str):
                return f"record {record.sequence} is {row}"
            self.rows.append(row)
        elif record.kind in _TOLD:
            name, text = event_words(payload, record.kind)
            self.happenings.append(Happening(self.at_ms, record.wall_ms, name, text))
        return None

    def series(self, tick_ms: int) -> Series:
        """What was gathered."""
        return Series(tick_ms, tuple(self.rows), tuple(self.happenings))


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


def command_words(payload: Mapping[str, Json]) -> str:
    """Which console has come to command, and from which one it has taken the command."""
    taken_from = payload.get("taken_from")
    return f"{payload['commander']} commands" + (f", taken from {taken_from}" if taken_from else "")


def event_words(payload: Mapping[str, Json], kind: RecordType) -> tuple[str, str]:
    """What happened, as a name (`pause`, `F21`) and as words with what belongs to it."""
    if "commander" in payload:
        return "command", command_words(payload)
    name = str(payload.get("event") or payload.get("code") or kind.name.lower())
    parts = [
        str(payload[part])
        for part in ("variable", "value", "kind", "text", "cause", "button")
        if part in payload
    ]
    shown = name.replace("_", " ")
    return name, f"{shown}: {', '.join(parts)}" if parts else shown
