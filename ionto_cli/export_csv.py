"""A session as CSV: a header block of comments, then a row for each tick. Every number is exact but the dose.

Currents are written to the nA, voltages to the mV, the charge in mA·min to 1e-9 (60 pC), half to even.
"""

from __future__ import annotations

import csv
from collections.abc import Iterator
from decimal import Decimal
from io import StringIO

from ionto_cli.export_facts import Export, iso
from ionto_runtime.series import Happening, Row

COLUMNS = (
    "t_s",
    "time",
    "phase",
    "step",
    "set_mA",
    "meas_mA",
    "volts",
    "ohms",
    "charge_mA_min",
    "at_most_mA_min",
    "passed_ms",
    "flags",
)
QUANTA = (
    ("quantum_current_mA", "0.000001"),
    ("quantum_voltage_V", "0.001"),
    ("quantum_charge_mA_min", "0.000000001"),
    ("quantum_time_s", "0.001"),
)
_PC_PER_MA_MIN = Decimal(60_000_000_000)
_CHARGE_QUANTUM = Decimal("0.000000001")


def csv_text(export: Export) -> str:
    """The whole file."""
    out = StringIO()
    for name, value in (*export.provenance(), *QUANTA):
        out.write(f"# {name}: {_one_line(value)}\n")
    out.write(
        "# meas_mA, volts and ohms belong to the interval that ends at t_s; set_mA holds from then on\n"
    )
    writer = csv.writer(out, lineterminator="\n")
    if export.several:
        writer.writerow(("t_s", "channel", *COLUMNS[1:]))
        writer.writerows(_of_channels(export))
        return out.getvalue()
    writer.writerow(COLUMNS)
    happenings = list(export.series.happenings)
    for row in export.series.rows:
        told = [found for found in happenings if found.wall_ms <= row.wall_ms and found.at_ms <= row.at_ms]
        happenings = happenings[len(told) :]
        writer.writerow(_cells(row, told, simulated=export.simulated))
    for left in happenings:
        writer.writerow(_after(left, simulated=export.simulated))
    return out.getvalue()


def _of_channels(export: Export) -> Iterator[list[str]]:
    """The ticks of all channels in the order of time, each with its channel; what people did has none."""
    lines: list[tuple[int, int, list[str]]] = []
    for order, track in enumerate(export.tracks, 1):
        happenings = list(track.series.happenings)
        for row in track.series.rows:
            told = [item for item in happenings if item.wall_ms <= row.wall_ms and item.at_ms <= row.at_ms]
            happenings = happenings[len(told) :]
            cells = _cells(row, told, simulated=export.simulated)
            lines.append((row.at_ms, order, [cells[0], str(track.name), *cells[1:]]))
        for left in happenings:
            cells = _after(left, simulated=export.simulated)
            lines.append((left.at_ms, order, [cells[0], str(track.name), *cells[1:]]))
    for happening in export.series.happenings:
        cells = _after(happening, simulated=export.simulated)
        lines.append((happening.at_ms, 0, [cells[0], "", *cells[1:]]))
    for _, _, cells in sorted(lines, key=lambda line: line[:2]):
        yield cells


def _cells(row: Row, told: list[Happening], *, simulated: bool) -> list[str]:
    flags = ["SIMULATED"] if simulated else []
    flags += [] if row.acknowledged else ["unconfirmed"]
    flags += [found.text for found in told]
    return [
        _scaled(row.at_ms, 3),
        iso(row.wall_ms),
        row.mode,
        str(row.step),
        "off" if row.set_na is None else _scaled(row.set_na, 6),
        "" if row.measured_na is None else _scaled(row.measured_na, 6),
        "" if row.voltage_mv is None else _scaled(row.voltage_mv, 3),
        "" if row.impedance_ohm is None else str(row.impedance_ohm),
        _charge(row.nominal_pc),
        _charge(row.upper_pc),
        str(row.passed_ms),
        "; ".join(_one_line(flag) for flag in flags),
    ]


def _after(left: Happening, *, simulated: bool) -> list[str]:
    """What happened after the last tick has a line without readings."""
    flags = ["SIMULATED"] if simulated else []
    empty = [""] * 8
    return [_scaled(left.at_ms, 3), iso(left.wall_ms), *empty, "", "; ".join([*flags, _one_line(left.text)])]


def _scaled(value: int, digits: int) -> str:
    return f"{Decimal(value).scaleb(-digits):.{digits}f}"


def _charge(pc: int) -> str:
    return f"{(Decimal(pc) / _PC_PER_MA_MIN).quantize(_CHARGE_QUANTUM):f}"


def _one_line(text: str) -> str:
    """No line end in a header or a cell: what a person typed cannot look like a row."""
    return " ".join(text.split())
