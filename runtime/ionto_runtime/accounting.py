"""What a journal says was delivered: at least what was measured, at most the worst case of what was set.

A session whose journal was not closed is counted at its worst. Either the host was lost: then what may have
been in force when the last record was written went on until the device's watchdog ended it. Or the disk was
lost: then the session came down at its stop slew with nobody to write it down. The journal cannot say which,
so both are counted, one after the other.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from ionto_ir.bound import UNLIMITED, Constants, worst_na
from ionto_ir.canonical import Json
from ionto_ir.dataclass import dataclass, replace
from ionto_ir.expression import Value
from ionto_runtime.journal_channels import CHANNEL, channel_names, parts_of
from ionto_runtime.journal_format import Record, RecordType
from ionto_runtime.journal_reader import Corrupt, Reading, Sealed, TornTail
from ionto_runtime.recovery import Charge, charge_after_crash, descent_pc, unrecorded_ms_max
from ionto_runtime.session_records import constants_from_json, values_from_json, was_sent
from ionto_runtime.surely import surely_na

SAMPLE_BYTES_MIN = 256
"""No record of an energised tick is shorter."""

UNFINISHED_BYTES_MAX = 512
"""No intent is longer: where more is torn, more than the first intent may have stood there."""


@dataclass(frozen=True, slots=True)
class Account:
    """A session as its journal tells it: calendar ms, charges in pC.

    `charge` bounds what the skin received; `nominal_pc` is what was set, at most. `end_ms` is when the last
    of it may have flowed. `closed` says that the journal is whole. A session that never energised has
    `energised` False and charges of 0. `values` are those at its end, after every adjustment; `records` what
    was entered.
    """

    start_ms: int
    end_ms: int
    charge: Charge
    nominal_pc: int
    energised: bool
    closed: bool
    values: tuple[tuple[str, Value], ...]
    records: tuple[tuple[str, Value], ...]


@dataclass(slots=True)
class _Sums:
    """What the records so far add up to. `set_na` is what is in force, None when the output is open. In a
    `shared` journal the last record of a channel may be a tick older than the last of all.
    """

    constants: Constants
    shared: bool = False
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
        if was_sent(payload):
            self._commands(payload.get("commands"))
        self.intended_na = None
        return None

    def _sample(self, payload: Mapping[str, Json]) -> None:
        """Count what was surely delivered in the interval that ended: set, and measured before and after."""
        measured = _integer(payload, "measured_na") or 0
        impedance = _integer(payload, "impedance_ohm")
        if self.set_na is not None:
            least_na = surely_na(self.set_na, (measured, self.measured_na), impedance, self.constants)
            self.lower_pc += (_integer(payload, "passed_ms") or 0) * least_na
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

    def closed(self) -> tuple[Charge, int]:
        """Bounds of the charge, and the most that was set, when nothing is missing."""
        return Charge(self.lower_pc, self.upper_pc + max(0, self.drift_pc)), self.nominal_pc

    def open(self, torn_bytes: int) -> tuple[Charge, int, int]:
        """The same when the end is missing, and for how long after the last record current may have flowed.

        Bytes that are no record may have been records of raises, if the disk did not keep what it had
        promised to keep: then as many ticks are counted as may have stood there, at the highest current of
        the session.
        """
        recorded, nominal_pc = self.closed()
        own = self.constants
        intended_na = self.intended_na
        highest_na = max(self.exposure_na, 0 if intended_na is None else self._worst(intended_na))
        set_na = max(abs(self.set_na or 0), intended_na or 0)
        unrecorded_ms = unrecorded_ms_max(own.tick_ms) + own.tick_ms * self.shared
        if torn_bytes:
            set_na = max(set_na, own.current_cap_na, own.current_cap_reversed_na)
            highest_na = max(highest_na, self._worst(set_na))
            unrecorded_ms += -(-torn_bytes // SAMPLE_BYTES_MIN) * own.tick_ms
        # A session that cannot write bears no more lateness than the watchdog time, see `Session.tick`.
        alone_ms = 2 * own.watchdog_ms
        down_pc = descent_pc(highest_na, own.fall_na, own.tick_ms)
        charge = charge_after_crash(recorded, highest_na, unrecorded_ms, alone_ms, down_pc)
        nominal_pc += set_na * (unrecorded_ms + alone_ms) + descent_pc(set_na, own.fall_na, own.tick_ms)
        down_ms = -(-highest_na // own.fall_na) * own.tick_ms
        return charge, nominal_pc, unrecorded_ms + alone_ms + down_ms


def account_of(reading: Reading) -> Account | str:
    """What a journal says was delivered, by all channels together, or why that cannot be said."""
    if not channel_names(reading):
        return _account(reading)
    return _together([_account(part.reading) for part in parts_of(reading)])


def _together(found: Sequence[Account | str]) -> Account | str:
    """The channels added up; what people do, which comes first, adds values and records and no charge."""
    reason = next((item for item in found if isinstance(item, str)), None)
    if reason is not None:
        return reason
    care, *channels = [item for item in found if isinstance(item, Account)]
    energised = [item for item in channels if item.energised]
    return replace(
        care,
        start_ms=min((item.start_ms for item in energised), default=care.start_ms),
        end_ms=max(item.end_ms for item in (care, *energised)),
        charge=Charge(
            sum(item.charge.lower_pc for item in channels), sum(item.charge.upper_pc for item in channels)
        ),
        nominal_pc=sum(item.nominal_pc for item in channels),
        energised=bool(energised),
        closed=all(item.closed for item in channels),
    )


def _account(reading: Reading) -> Account | str:
    sums = _summed(reading)
    if isinstance(sums, str):
        return sums
    if isinstance(reading.end, Corrupt):
        return f"record {reading.end.sequence} is damaged: {reading.end.reason}"
    closed = isinstance(reading.end, Sealed)
    charge, nominal_pc = sums.closed()
    torn_bytes = reading.end.size if isinstance(reading.end, TornTail) else 0
    energised = sums.first_ms is not None or torn_bytes > UNFINISHED_BYTES_MAX
    after_ms = 0
    if not closed and energised:
        charge, nominal_pc, after_ms = sums.open(torn_bytes)
    return Account(
        start_ms=reading.records[0].wall_ms if sums.first_ms is None else sums.first_ms,
        end_ms=reading.records[-1].wall_ms + after_ms,
        charge=charge,
        nominal_pc=nominal_pc,
        energised=energised,
        closed=closed,
        values=_values_at_end((reading.header or {}).get("values"), reading),
        records=_recorded(reading),
    )


def account_at_worst(reading: Reading, last_ms: int) -> Account | str:
    """The most that a damaged journal's session can have delivered, or why even that cannot be said.

    What is gone may have been anything that the machine allows: all of the charge up to the cap that stands
    in the header. `last_ms` is the calendar time of the last record that is still sound, wherever it stands.
    What people entered may be lost.
    """
    if channel_names(reading):
        found = [_at_worst(part.reading, last_ms) for part in parts_of(reading)[1:]]
        return _together([found[0], *found])  # what people did adds nothing, and may be lost
    return _at_worst(reading, last_ms)


def _at_worst(reading: Reading, last_ms: int) -> Account | str:
    sums = _summed(reading)
    if isinstance(sums, str):
        return sums
    own = sums.constants
    if own.cap_pc >= UNLIMITED:
        return "it is damaged, and its session had no limit on the charge"
    sums.upper_pc = max(sums.upper_pc, own.cap_pc)
    sums.nominal_pc = max(sums.nominal_pc, min(own.cap_nominal_pc, own.cap_pc))
    charge, nominal_pc, after_ms = sums.open(SAMPLE_BYTES_MIN)
    start_ms = reading.records[0].wall_ms
    end_ms = max(last_ms, reading.records[-1].wall_ms) + after_ms
    return Account(start_ms, end_ms, charge, nominal_pc, True, False, (), ())


def _summed(reading: Reading) -> _Sums | str:
    header = reading.header
    if header is None:
        return "not even its header can be read"
    constants = constants_from_json(header.get("constants"))
    if constants is None:
        return "its header does not say how the session was bound"
    sums = _Sums(constants, shared=CHANNEL in header)
    for record in reading.records:
        reason = sums.take(record)
        if reason is not None:
            return f"record {record.sequence} is {reason}"
    return sums


def _values_at_end(begun: Json, reading: Reading) -> tuple[tuple[str, Value], ...]:
    """The values that the session was bound with, and then those that it was adjusted to."""
    found = dict(values_from_json(begun) or {})
    for record in reading.records:
        match record.payload.get("event"), record.payload.get("variable"), record.payload.get("value"):
            case "adjust", str() as name, int() as value:
                if not _refused(record.payload.get("commands")):
                    found[name] = value
            case _:
                pass
    return tuple(found.items())


def _refused(commands: Json) -> bool:
    listed = commands if isinstance(commands, list) else []
    return any(isinstance(item, dict) and item.get("command") == "refused" for item in listed)


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
