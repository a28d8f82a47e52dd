"""A session as a strip chart of characters: what was set, what was measured, the voltage, what happened."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from ionto_cli import quantities
from ionto_runtime.series import Row, Series

WIDTH = 72
BLOCKS = " ▁▂▃▄▅▆▇█"
MARKS = {
    "pause": "P",
    "resume": "R",
    "stop": "S",
    "emergency_stop": "E",
    "link_lost": "L",
    "device_fault": "F",
    "adjust": "A",
    "press": "D",
}
"""Letters under the chart; alarms are `!`, and what happens most urgently at a place is what is shown."""


def strip_chart(series: Series, width: int = WIDTH) -> Iterator[str]:
    """The chart, line by line; each column is the highest value of its share of the time."""
    rows = series.rows
    if not rows:
        yield "nothing was sampled"
        return
    end_ms = max(rows[-1].at_ms, 1)
    columns = _parts(rows, end_ms, width)
    for name, values, shown in _lines(columns):
        highest = max((value for value in values if value is not None), default=0)
        yield f"{name:<9}{''.join(_block(value, highest) for value in values)} {shown(highest)}"
    marks = _marks(series, end_ms, width)
    if marks.strip():
        yield f"{'':<9}{marks}".rstrip()
    left, right = quantities.clock(0), quantities.clock(end_ms)
    yield f"{'':<9}{left}{right.rjust(width - len(left))}"
    yield from _legend(series)


def _lines(columns: list[list[Row]]) -> Iterator[tuple[str, list[int | None], Callable[[int], str]]]:
    yield "set", [_highest([abs(row.set_na or 0) for row in part]) for part in columns], quantities.current
    measured = [
        _highest([row.measured_na for row in part if row.measured_na is not None]) for part in columns
    ]
    yield "measured", measured, quantities.current
    voltages = [_highest([row.voltage_mv for row in part if row.voltage_mv is not None]) for part in columns]
    yield "voltage", voltages, quantities.voltage


def _parts(rows: Sequence[Row], end_ms: int, width: int) -> list[list[Row]]:
    parts: list[list[Row]] = [[] for _ in range(width)]
    for row in rows:
        parts[min(width - 1, row.at_ms * width // end_ms)].append(row)
    return parts


def _highest(values: Sequence[int]) -> int | None:
    return max(values, default=None)


def _block(value: int | None, highest: int) -> str:
    """No reading is a point; zero is empty; anything above zero is seen."""
    if value is None:
        return "·"
    if value <= 0 or highest <= 0:
        return BLOCKS[0]
    return BLOCKS[max(1, value * (len(BLOCKS) - 1) // highest)]


def _marks(series: Series, end_ms: int, width: int) -> str:
    line = [" "] * width
    for happening in series.happenings:
        mark = "!" if happening.name.startswith("F") else MARKS.get(happening.name)
        place = min(width - 1, happening.at_ms * width // end_ms)
        if mark is not None and line[place] in (" ", *MARKS.values()) and line[place] != "!":
            line[place] = mark
    return "".join(line)


def _legend(series: Series) -> Iterator[str]:
    """Every marked happening in words."""
    for happening in series.happenings:
        if happening.name in MARKS or happening.name.startswith("F"):
            mark = "!" if happening.name.startswith("F") else MARKS[happening.name]
            yield f"  {mark} {quantities.clock(happening.at_ms):>7}  {happening.text}"
