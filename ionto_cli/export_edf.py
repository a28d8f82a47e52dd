"""A session as EDF+: signals at the machine's tick, and what happened as annotations. The door to `edfio`.

EDF keeps 16 bits a sample over a range that is stated for each signal; the quantum is a 65535th of it, and an
annotation says so. The grid is the machine's own clock: a tick that came late is annotated, not moved.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from io import BytesIO
from typing import TYPE_CHECKING, Any

from ionto_cli.export_facts import Export, Track, evenly, span_of
from ionto_ir.dataclass import dataclass

if TYPE_CHECKING:
    from edfio import EdfSignal

TICKS_PER_RECORD = 10
DIGITAL_STEPS = 65_535


@dataclass(frozen=True, slots=True)
class Channel:
    """A signal in whole units: its values on the grid (None: nothing), and the range that they need."""

    label: str
    unit: str
    values: list[int | None]
    per_unit: int
    signed: bool

    @property
    def top(self) -> int:
        """The physical maximum: a whole number, because EDF has eight characters for it."""
        highest = max((abs(value) for value in self.values if value is not None), default=0)
        return max(1, -(-highest // self.per_unit))

    @property
    def quantum(self) -> float:
        """The difference between two neighbouring values, in the unit."""
        return self.top * (2 if self.signed else 1) / DIGITAL_STEPS


class NoEdfError(Exception):
    """The library that writes EDF is not installed."""


def edf_bytes(export: Export) -> bytes:
    """The whole file. NoEdfError when `edfio` is not installed."""
    try:
        from edfio import Edf, EdfAnnotation, Patient, Recording
    except ImportError as missing:
        raise NoEdfError from missing
    channels = channels_of(export)
    tick_s = export.series.tick_ms / 1000
    begun = datetime.fromtimestamp(export.begun_ms / 1000, UTC)
    count = len(channels[0].values)
    padded = max(TICKS_PER_RECORD, -(-count // TICKS_PER_RECORD) * TICKS_PER_RECORD)
    span = span_of(export.tracks)
    first_ms = 0 if span is None else span[0]
    annotations = [EdfAnnotation(0, None, text) for text in _said(export, channels, count)]
    annotations += [
        EdfAnnotation(max(0, at_ms - first_ms) / 1000, None, text) for at_ms, text in _happened(export)
    ]
    edf = Edf(
        [_signal(channel, padded, tick_s) for channel in channels],
        patient=Patient(code=_word(export.text("patient") or "X")),
        recording=Recording(
            startdate=begun.date(),
            hospital_administration_code=_word(export.text("session") or "X"),
            investigator_technician_code=_word(export.text("operator") or "X"),
            equipment_code="ionto_SIMULATED" if export.simulated else "ionto",
        ),
        starttime=begun.time(),
        data_record_duration=TICKS_PER_RECORD * tick_s,
        annotations=annotations,
    )
    buffer = BytesIO()
    edf.write(buffer)
    return buffer.getvalue()


def _happened(export: Export) -> Iterator[tuple[int, str]]:
    """What happened and when, with its channel where there are several; and every tick that was late."""
    if export.several:
        yield from ((found.at_ms, _plain(found.text)) for found in export.series.happenings)
    for track in export.tracks:
        where = "" if track.name is None else f"{track.name}: "
        for found in track.series.happenings:
            yield found.at_ms, _plain(where + found.text)
        for row in track.series.rows:
            if row.passed_ms != export.series.tick_ms:
                yield row.at_ms, f"{where}late: this tick lasted {row.passed_ms} ms"


def channels_of(export: Export) -> list[Channel]:
    """The signals of every output, on one even grid of ticks; with several channels also their sum."""
    found = [
        channel for number, track in enumerate(export.tracks, 1) for channel in _of(export, number, track)
    ]
    if export.several:
        signals = len(found) // len(export.tracks)
        for place, text in ((0, "set"), (1, "measured")):
            found.append(_added(f"sum {text}", found[place::signals]))
    return found


def _of(export: Export, number: int, track: Track) -> list[Channel]:
    rows = track.series.rows
    grid = [None if index is None else rows[index] for index in evenly(track.series, span_of(export.tracks))]

    def column(name: str) -> list[int | None]:
        return [None if row is None else getattr(row, name) for row in grid]

    def label(alone: str, short: str) -> str:
        """EDF has 16 characters for a label."""
        return alone if track.name is None else f"{number} {short} {_word(track.name)}"[:16].rstrip()

    valid: list[int | None] = [int(row is not None and row.measured_na is not None) for row in grid]
    return [
        Channel(label("Current set", "set"), "uA", column("set_na"), 1_000, True),
        Channel(label("Current measured", "meas"), "uA", column("measured_na"), 1_000, False),
        Channel(label("Voltage", "volt"), "mV", column("voltage_mv"), 1, False),
        Channel(label("Charge set", "charge"), "mC", column("nominal_pc"), 10**9, False),
        Channel(label("Charge at most", "at most"), "mC", column("upper_pc"), 10**9, False),
        Channel(label("Reading valid", "valid"), "", valid, 1, False),
    ]


def _added(label: str, channels: Sequence[Channel]) -> Channel:
    """The magnitudes of several channels added up, which is what a shared return carries."""
    columns = zip(*(channel.values for channel in channels), strict=True)
    values: list[int | None] = [
        sum(abs(value) for value in column if value is not None) for column in columns
    ]
    return Channel(label, channels[0].unit, values, channels[0].per_unit, False)


def _signal(channel: Channel, padded: int, tick_s: float) -> EdfSignal:
    import numpy as np
    from edfio import EdfSignal

    values = [0 if value is None else value for value in channel.values]
    data = np.zeros(padded)
    data[: len(values)] = np.array(values, dtype=float) / channel.per_unit
    low = -channel.top if channel.signed else 0
    settings: dict[str, Any] = {
        "label": channel.label,
        "physical_dimension": channel.unit,
        "physical_range": (low, channel.top),
    }
    return EdfSignal(data, 1 / tick_s, **settings)


def _said(export: Export, channels: list[Channel], count: int) -> list[str]:
    lines = [_plain(f"{name}: {value}") for name, value in export.provenance()]
    lines += [
        f"quantum of {channel.label}: {_significant(channel.quantum)} {channel.unit}".rstrip()
        for channel in channels
    ]
    if export.several:
        lines += [
            f"signals that begin with {number}: channel {track.name}"
            for number, track in enumerate(export.tracks, 1)
        ]
    return [*lines, f"ticks: {count}; what follows them in the last second is no sample"]


def _significant(value: float) -> str:
    digits = max(0, 4 - math.floor(math.log10(value)) - 1)
    return f"{value:.{digits}f}"


def _word(text: str) -> str:
    """A subfield of the EDF+ header: printable ASCII without spaces."""
    kept = "".join(letter if "!" <= letter <= "~" else "_" for letter in text)
    return kept[:30] or "X"


def _plain(text: str) -> str:
    """Annotation text on one line, without the two bytes that end one."""
    return " ".join(text.replace("\x14", " ").replace("\x15", " ").split())
