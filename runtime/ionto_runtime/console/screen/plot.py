"""A strip chart in letters: Braille dots, eight to a letter, with an axis; points in, styled runs out.

What was measured is a line and what was set a row of dots, so that the two differ also without colour.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

from ionto_ir.dataclass import dataclass
from ionto_runtime.console.screen.story import Point

LABEL_CHARACTERS = 9
EMPTY, SET, MEASURED, AXIS, MARK = "", "set", "measured", "axis", "mark"
CHANNELS = ("channel 1", "channel 2", "channel 3", "channel 4")
"""What the line of each of several channels is; a fifth begins anew."""

_DOTS = ((0x01, 0x08), (0x02, 0x10), (0x04, 0x20), (0x40, 0x80))
"""The bit of each dot in a Braille letter, by row and column."""

Run = tuple[str, str]
"""Some letters, and what they are."""


@dataclass(frozen=True, slots=True)
class Scale:
    """What the chart spans: time, and values with their words."""

    from_ms: int
    to_ms: int
    low: int
    high: int
    words: Callable[[int], str]


def nice(value: int) -> int:
    """The next number from `value` on that is good to read on an axis."""
    power: int = 10 ** max(0, len(str(max(10, value))) - 2)
    return next(
        factor * power for factor in (10, 15, 20, 25, 30, 40, 50, 60, 80, 100) if factor * power >= value
    )


def scale_of(
    points: Sequence[Point], from_ms: int, least: int, words: Callable[[int], str], kind: str
) -> Scale:
    """A scale on which all of `kind` (`current` or `voltage`) fits; `least` is the smallest top of it."""
    values = [value for point in points for value in _values(point, kind) if value is not None]
    largest = max([abs(value) for value in values], default=0)
    top = nice(max(least, largest + largest // 20))  # the line does not run along the edge
    to_ms = points[-1].at_ms if points else from_ms + 1
    return Scale(
        from_ms, max(to_ms, from_ms + 1), -top if min(values, default=0) < -top // 50 else 0, top, words
    )


def _values(point: Point, kind: str) -> tuple[int | None, int | None]:
    """What was set, and what was measured."""
    if kind == "current":
        return point.set_na, point.measured_na
    return None, point.voltage_mv


class _Canvas:
    """Letters of two by four dots; the last layer that was drawn on a letter gives it its style."""

    def __init__(self, width: int, height: int) -> None:
        self.columns, self.rows = 2 * width, 4 * height
        self._bits = [[0] * width for _ in range(height)]
        self._kinds = [[EMPTY] * width for _ in range(height)]

    def dot(self, column: int, row: int, kind: str) -> None:
        if 0 <= column < self.columns and 0 <= row < self.rows:
            self._bits[row // 4][column // 2] |= _DOTS[row % 4][column % 2]
            self._kinds[row // 4][column // 2] = kind

    def row(self, index: int) -> list[Run]:
        """A row of letters, as runs of one kind each."""
        runs: list[Run] = []
        for bits, kind in zip(self._bits[index], self._kinds[index], strict=True):
            letter = chr(0x2800 + bits) if bits else " "
            if runs and runs[-1][1] == kind:
                runs[-1] = (runs[-1][0] + letter, kind)
            else:
                runs.append((letter, kind))
        return runs


def chart(points: Sequence[Point], scale: Scale, width: int, height: int, kind: str) -> list[list[Run]]:
    """Rows of a chart with its labels, `width` letters wide and `height` high."""
    inner = width - LABEL_CHARACTERS - 1
    if inner < 8 or height < 2:
        return []
    canvas = _Canvas(inner, height)
    place = _placing(scale, canvas)
    for point in points:
        set_value, _ = _values(point, kind)
        column, row = place(point.at_ms, set_value or 0)
        if set_value is not None and column % 3 == 0:
            canvas.dot(column, row, SET)
    _draw(canvas, place, [(point.at_ms, _values(point, kind)[1]) for point in points], MEASURED)
    if kind == "current":
        # Over the sum, which is another line only where several channels flow at once.
        for number in range(max(len(point.channels) for point in points)):
            lines = ((point.at_ms, point.channels[number : number + 1]) for point in points)
            measured = [(at_ms, found[0] if found else None) for at_ms, found in lines]
            _draw(canvas, place, measured, CHANNELS[number % len(CHANNELS)])
    labels = {0: scale.words(scale.high), height - 1: scale.words(scale.low)}
    if scale.low < 0:
        labels[height // 2] = scale.words(0)
    return [
        [
            (f"{labels.get(index, ''):>{LABEL_CHARACTERS}}", AXIS),
            ("┤" if index in labels else "│", AXIS),
            *canvas.row(index),
        ]
        for index in range(height)
    ]


Placing = Callable[[int, int], tuple[int, int]]


def _draw(canvas: _Canvas, place: Placing, values: Sequence[tuple[int, int | None]], kind: str) -> None:
    """A line through values at times. One that stayed away is a gap, and so is nothing that flows in a
    channel.
    """
    before: tuple[int, int] | None = None
    for at_ms, value in values:
        if value is None or (kind in CHANNELS and value == 0):
            before = None
            continue
        here = place(at_ms, value)
        for column, row in _line(before or here, here):
            canvas.dot(column, row, kind)
        before = here


def _placing(scale: Scale, canvas: _Canvas) -> Placing:
    span_ms, span = scale.to_ms - scale.from_ms, scale.high - scale.low

    def place(at_ms: int, value: int) -> tuple[int, int]:
        column = (at_ms - scale.from_ms) * (canvas.columns - 1) // span_ms
        row = (scale.high - value) * (canvas.rows - 1) // span
        return column, min(canvas.rows - 1, max(0, row))

    return place


def _line(start: tuple[int, int], end: tuple[int, int]) -> Iterable[tuple[int, int]]:
    """Dots from one place to another."""
    (column, row), (to_column, to_row) = start, end
    steps = max(abs(to_column - column), abs(to_row - row), 1)
    for index in range(steps + 1):
        yield column + (to_column - column) * index // steps, row + (to_row - row) * index // steps


def time_axis(scale: Scale, marks: Iterable[tuple[int, str]], width: int, right: str) -> list[Run]:
    """The line below: how far back it goes, where alarms were raised, and when its right end is."""
    inner = width - LABEL_CHARACTERS - 1
    if inner < 8:
        return []
    seconds = (scale.to_ms - scale.from_ms) // 1000
    left = f"−{seconds // 60}:{seconds % 60:02d}"
    letters = list(left + " " * (inner - len(left) - len(right)) + right)
    kinds = [AXIS] * inner
    for at_ms, mark in marks:
        column = (at_ms - scale.from_ms) * (inner - 1) // (scale.to_ms - scale.from_ms)
        column = min(column, inner - len(right) - len(mark) - 1)
        for offset, letter in enumerate(mark):
            if len(left) < column + offset < inner:
                letters[column + offset], kinds[column + offset] = letter, MARK
    runs: list[Run] = [(" " * LABEL_CHARACTERS + "└", AXIS)]
    runs += [(letter, kind) for letter, kind in zip(letters, kinds, strict=True)]
    return runs
