"""A strip chart of characters several lines high, with the line that must not be passed and marks under it.

The line stands between two rows, so that whatever passes it, by however little, is seen above it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from fractions import Fraction

from ionto_ir.dataclass import dataclass, field
from ionto_ir.wording import clock_text

BLOCKS = " ▁▂▃▄▅▆▇█"
EIGHTHS = len(BLOCKS) - 1
WIDTH = 60
HEIGHT = 6
MARGIN = 4
PASSED = "▲"


@dataclass(frozen=True, slots=True)
class Piece:
    """A time in which a value changes evenly from `first` to `last`; times in ms."""

    from_ms: int
    to_ms: int
    first: Fraction
    last: Fraction


@dataclass(frozen=True, slots=True)
class Strip:
    """What is drawn: a value over the time from `from_ms` to `to_ms`, and the level that it must not pass.

    `highest` and `level_text` are what is written beside its highest value and its level. `passed_ms` is the
    place where it passes, `marks` letters at other times.
    """

    pieces: Sequence[Piece]
    from_ms: int
    to_ms: int
    highest: str
    level: Fraction | None = None
    level_text: str = ""
    passed_ms: int | None = None
    marks: Sequence[tuple[int, str]] = field(default_factory=tuple)


def tall_strip(strip: Strip, width: int = WIDTH, height: int = HEIGHT) -> Iterator[str]:
    """The chart, line by line; each column is the highest value of its share of the time."""
    columns = _columns(strip, width)
    top = max(columns, default=Fraction(0))
    if top <= 0:
        return
    level, below = strip.level, height
    eighth = top / (height * EIGHTHS)
    if level is not None and level > 0:
        # A level above everything has its line on top; one that is passed has at least one row above it.
        below = height if top <= level else min(height - 1, max(1, int(height * level / top)))
        eighth = max(eighth, level / (below * EIGHTHS)) if top <= level else level / (below * EIGHTHS)
    heights = [-(-value // eighth) for value in columns]
    rows = max(below, min(height, -(-max(heights) // EIGHTHS)))
    for row in reversed(range(rows)):
        if level is not None and row == below - 1:
            line = "".join("█" if value > level else "┄" for value in columns)
            yield f"{'':<{MARGIN}}{line} {strip.level_text}".rstrip()
        cells = "".join(BLOCKS[min(EIGHTHS, max(0, height - row * EIGHTHS))] for height in heights)
        yield f"{'':<{MARGIN}}{cells}{_beside(heights, row, height, strip.highest)}".rstrip()
    marks = _marks(strip, width)
    if marks:
        yield f"{'':<{MARGIN}}{marks}"
    left, right = clock_text(strip.from_ms), clock_text(strip.to_ms)
    yield f"{'':<{MARGIN}}{left}{right.rjust(width - len(left))}"


def _beside(heights: Sequence[int], row: int, height: int, highest: str) -> str:
    """What is written beside the row in which the highest column ends; a column cut off says so."""
    top = max(heights)
    if top > height * EIGHTHS:
        return f" {highest}, more than fits here" if row == height - 1 else ""
    return f" {highest}" if row == (top - 1) // EIGHTHS else ""


def _columns(strip: Strip, width: int) -> list[Fraction]:
    """The highest value in each column; a time without pieces is zero."""
    columns = [Fraction(0)] * width
    length = max(1, strip.to_ms - strip.from_ms)
    for piece in strip.pieces:
        start, end = max(piece.from_ms, strip.from_ms), min(piece.to_ms, strip.to_ms)
        if start >= end:
            continue
        first, last = (start - strip.from_ms) * width // length, (end - 1 - strip.from_ms) * width // length
        for column in range(first, min(last, width - 1) + 1):
            left = max(start, strip.from_ms + column * length // width)
            right = min(end, strip.from_ms + -(-(column + 1) * length // width))
            columns[column] = max(columns[column], _at(piece, left), _at(piece, right))
    return columns


def _at(piece: Piece, at_ms: int) -> Fraction:
    if piece.first == piece.last:
        return piece.first
    part = Fraction(at_ms - piece.from_ms, piece.to_ms - piece.from_ms)
    return piece.first + (piece.last - piece.first) * part


def _marks(strip: Strip, width: int) -> str:
    line = [" "] * width
    length = max(1, strip.to_ms - strip.from_ms)
    passed = [] if strip.passed_ms is None else [(strip.passed_ms, PASSED)]
    for at_ms, mark in (*strip.marks, *passed):
        if strip.from_ms <= at_ms <= strip.to_ms:
            line[min(width - 1, (at_ms - strip.from_ms) * width // length)] = mark
    return "".join(line).rstrip()


MARKS: Mapping[str, str] = {
    "pause": "P",
    "resume": "R",
    "stop": "S",
    "emergency_stop": "E",
    "link_lost": "L",
    "device_fault": "F",
    "adjust": "A",
    "press": "D",
}
"""Letters under a chart for what happens."""
