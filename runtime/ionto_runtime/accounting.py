"""What a journal says was delivered: at least what was measured, at most the worst case of what was set.

A session whose journal was not closed is counted at its worst: whatever may have been in force when the last
record was written may have gone on unrecorded, and then until the device's watchdog ended it.
"""

from __future__ import annotations

from collections.abc import Mapping

from ionto_ir.bound import Constants, worst_na
from ionto_ir.canonical import Json
from ionto_ir.dataclass import dataclass
from ionto_ir.expression import Value
from ionto_runtime.journal_format import Record, RecordType
from ionto_runtime.journal_reader import Corrupt, Reading, Sealed
from ionto_runtime.recovery import Charge, charge_after_crash, unrecorded_ms_max
from ionto_runtime.session_records import constants_from_json
from ionto_runtime.supervision import TOUCHING_OHM_MAX


@dataclass(frozen=True, slots=True)
class Account:
    """A session as its journal tells it: calendar ms, charges in pC.

    `charge` bounds what the skin received; `nominal_pc` is what was set, at most. `closed` says that the
    journal is whole. A session that never energised has `energised` False and charges of 0.
    """

    start_ms: int
    end_ms: int
    charge: Charge
    nominal_pc: int
    energised: bool
    closed: bool
    records: tuple[tuple[str, Value], ...]


@dataclass(slots=True)
class _Sums:
    """What the records so far add up to. `set_na` is what is in force, None when the output is open."""

    constants: Constants
    lower_pc: int = 0
    upper_pc: int = 0
    nominal_pc: int = 0
    drift_pc: int = 0
    exposure_na: int = 0
    set_na: int | None = None
    measured_na: int = 0
    intended_na: int | None = None
    first_ms: int | None = None

    def take(self, record: Record) -> str | None:
        """Add a record; why it cannot be counted, or None."""
        payload = record.payload
        if record.kind is RecordType.INTENT:
            intended = _integer(payload, "current_na")
            if intended is None:
                return "an intent without a current"
            self.intended_na = max(abs(intended), self.intended_na or 0)
            self.first_ms = record.wall_ms if self.first_ms is None else self.first_ms
        if "event" not in payload:
            return None
        if record.kind is RecordType.SAMPLE:
            self._sample(payload)
        places = [_integer(payload, name) for name in ("upper_pc", "nominal_pc", "exposure_na")]
        upper, nominal, exposure = places
        if upper is None or nominal is None or exposure is None:
            return "an event without ledgers"
        self.upper_pc, self.nominal_pc, self.exposure_na = upper, nominal, exposure
        self._commands(payload.get("commands"))
        self.intended_na = None
        return None

    def _sample(self, payload: Mapping[str, Json]) -> None:
        """Count what was surely delivered in the interval that ended: set, and measured before and after."""
        measured = _integer(payload, "measured_na") or 0
        impedance = _integer(payload, "impedance_ohm")
        touching = impedance is not None and impedance < TOUCHING_OHM_MAX
        if self.set_na is not None and not touching:
            least_na = min(abs(self.set_na), measured, self.measured_na)
            error_na = self._worst(least_na) - least_na
            passed_ms = _integer(payload, "passed_ms") or 0
            self.lower_pc += passed_ms * max(0, least_na - error_na)
        self.measured_na = measured
        self.drift_pc = _integer(payload, "drift_pc") or 0

    def _commands(self, commands: Json) -> None:
        for command in commands if isinstance(commands, list) else []:
            match command:
                case {"command": "set_current", "current_na": int() as current_na}:
                    self.set_na = current_na
                case {"command": "output_off"}:
                    self.set_na = None
                case _:
                    pass

    def _worst(self, current_na: int) -> int:
        return worst_na(current_na, self.constants.accuracy_ppm, self.constants.offset_na)

    def charge(self, *, closed: bool) -> tuple[Charge, int]:
        """Bounds of the charge, and the most that was set."""
        recorded = Charge(self.lower_pc, self.upper_pc + max(0, self.drift_pc))
        if closed:
            return recorded, self.nominal_pc
        intended_na = self.intended_na
        highest_na = max(self.exposure_na, 0 if intended_na is None else self._worst(intended_na))
        unrecorded_ms = unrecorded_ms_max(self.constants.tick_ms)
        watchdog_ms = self.constants.watchdog_ms
        set_na = max(abs(self.set_na or 0), intended_na or 0)
        nominal_pc = self.nominal_pc + set_na * (unrecorded_ms + watchdog_ms)
        return charge_after_crash(recorded, highest_na, unrecorded_ms, watchdog_ms), nominal_pc


def account_of(reading: Reading) -> Account | str:
    """What a journal says was delivered, or why that cannot be said."""
    header = reading.header
    if header is None:
        return "not even its header can be read"
    if isinstance(reading.end, Corrupt):
        return f"record {reading.end.sequence} is damaged: {reading.end.reason}"
    constants = constants_from_json(header.get("constants"))
    if constants is None:
        return "its header does not say how the session was bound"
    sums = _Sums(constants)
    for record in reading.records:
        reason = sums.take(record)
        if reason is not None:
            return f"record {record.sequence} is {reason}"
    closed = isinstance(reading.end, Sealed)
    charge, nominal_pc = sums.charge(closed=closed)
    return Account(
        start_ms=reading.records[0].wall_ms if sums.first_ms is None else sums.first_ms,
        end_ms=reading.records[-1].wall_ms,
        charge=charge,
        nominal_pc=nominal_pc,
        energised=sums.first_ms is not None,
        closed=closed,
        records=_recorded(reading),
    )


def _recorded(reading: Reading) -> tuple[tuple[str, Value], ...]:
    """The values that were entered, the last one of each."""
    found: dict[str, Value] = {}
    entered = (record for record in reading.records if record.kind is RecordType.RECORDED)
    for record in entered:
        match record.payload.get("commands"):
            case [{"command": "record", "variable": str() as name, "value": int() as value}, *_]:
                found[name] = value
            case _:
                pass
    return tuple(found.items())


def _integer(payload: Mapping[str, Json], name: str) -> int | None:
    value = payload.get(name)
    return value if isinstance(value, int) and not isinstance(value, bool) else None
