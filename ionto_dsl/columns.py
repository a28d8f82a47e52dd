"""Sets neighbouring lines of one kind in columns: what the cells of a line are, how wide a column becomes."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from ionto_dsl.lexer import Token
from ionto_ir.dataclass import dataclass, field

CELL_WIDTH_MAX = 60
"""A wider cell keeps to itself: the others set the column, and what follows it comes after one blank."""
COMMENT_COLUMN_MAX = 90
"""Comments are set below each other up to here; after a longer line a comment follows at once."""
INDENT = "  "


@dataclass(slots=True)
class Line:
    """A line on its way: its cells by column (a column may be missing), and the comment after it."""

    indent: int
    group: str = ""
    cells: dict[int, str] = field(default_factory=dict)
    comment: str | None = None
    blank_before: bool = False

    @property
    def is_comment(self) -> bool:
        """Whether the line is nothing but a comment."""
        return not self.cells


Split = Callable[[Sequence[Token]], dict[int, int]]
"""From the tokens of a line to the columns that begin in it: column -> index of its first token."""


def single(_: Sequence[Token]) -> dict[int, int]:
    """A line that is not set in columns."""
    return {0: 0}


def first_word(_: Sequence[Token]) -> dict[int, int]:
    """The first word, then the rest."""
    return {0: 0, 1: 1}


def placement(tokens: Sequence[Token]) -> dict[int, int]:
    """Place, pole (perhaps one of two), electrode, the rest."""
    electrode = 4 if len(tokens) > 2 and tokens[2].kind == "or" else 2
    return {column: at for column, at in enumerate((0, 1, electrode, electrode + 1)) if at < len(tokens)}


_REMARKS = frozenset(
    {"STRING", "source", "icd10", "icd10cm", "icd10gm", "icd11", "snomed", "loinc", "atc", "rxnorm", "udi"}
)


def _first(tokens: Sequence[Token], kinds: frozenset[str], after: int = 0) -> int | None:
    return next((index for index in range(after, len(tokens)) if tokens[index].kind in kinds), None)


def _columns(*starts: int | None) -> dict[int, int]:
    """Columns that begin where the starts say; one that is missing or not after the one before is none."""
    found: dict[int, int] = {}
    last = -1
    for column, start in enumerate(starts):
        if start is not None and start > last:
            found[column] = last = start
    return found


def value(tokens: Sequence[Token]) -> dict[int, int]:
    """`param`, its name, its range and default, its step, its text."""
    return _value(tokens, 1)


def adjustable(tokens: Sequence[Token]) -> dict[int, int]:
    """`adjustable param`, and the rest as of other values."""
    return _value(tokens, 2)


def _value(tokens: Sequence[Token], name: int) -> dict[int, int]:
    colon = _first(tokens, frozenset({":"}))
    step = _first(tokens, frozenset({"step"}), colon or 0)
    remark = _first(tokens, _REMARKS, colon or 0)
    if step is not None and remark is not None and remark < step:
        step = None
    return _columns(0, name, None if colon is None else colon + 1, step, remark)


def let(tokens: Sequence[Token]) -> dict[int, int]:
    """`let` and the name, then the value."""
    return _columns(0, 2)


def rule(tokens: Sequence[Token]) -> dict[int, int]:
    """`refuse`, the condition, the text."""
    return _columns(0, 1, _first(tokens, _REMARKS | {"hazard"}))


def limit(tokens: Sequence[Token]) -> dict[int, int]:
    """What is limited, the bound, the hazard, the source or text."""
    bound = _first(tokens, frozenset({"<="})) or 0
    hazard = _first(tokens, frozenset({"hazard"}), bound)
    return _columns(0, bound, hazard, _first(tokens, _REMARKS, hazard or bound))


def setting(tokens: Sequence[Token]) -> dict[int, int]:
    """The key in one word or two, its value, its source."""
    return _columns(0, 2 if tokens[0].kind == "host" else 1, _first(tokens, _REMARKS, 2))


def row(tokens: Sequence[Token]) -> dict[int, int]:
    """The range of a row, its meaning."""
    return _columns(0, _first(tokens, frozenset({"STRING"})))


def flat_test(tokens: Sequence[Token]) -> dict[int, int]:
    """The name of a test, what happens in it."""
    return _columns(0, _first(tokens, frozenset({"{"})))


def set_in_columns(lines: Sequence[Line]) -> list[str]:
    """The lines as text: runs of one group below each other, and neighbouring comments too."""
    texts: list[str] = []
    start = 0
    while start < len(lines):
        end = start + 1
        while end < len(lines) and _same_run(lines[start], lines[end]):
            end += 1
        texts += _run(lines[start:end])
        start = end
    return _with_comments(lines, texts)


def _same_run(first: Line, line: Line) -> bool:
    return (
        bool(first.group)
        and line.group == first.group
        and line.indent == first.indent
        and not line.blank_before
    )


def _run(lines: Sequence[Line]) -> list[str]:
    widths: dict[int, int] = {}
    for line in lines:
        columns = sorted(line.cells)
        for column in columns[:-1]:
            width = len(line.cells[column])
            if width <= CELL_WIDTH_MAX:
                widths[column] = max(widths.get(column, 0), width)
    return [_row_text(line, widths) for line in lines]


def _row_text(line: Line, widths: dict[int, int]) -> str:
    if not line.cells:
        return ""
    text, last = INDENT * line.indent, max(line.cells)
    for column in range(last + 1):
        cell = line.cells.get(column, "")
        if column == last:
            text += cell
        elif cell or column in widths:
            text += cell.ljust(widths.get(column, 0)) + " "
    return text


def _with_comments(lines: Sequence[Line], texts: Sequence[str]) -> list[str]:
    """Each line with its comment, neighbouring comments in one column, and blank lines where they were."""
    columns = _comment_columns(lines, texts)
    result: list[str] = []
    for index, line in enumerate(lines):
        if line.blank_before and result:
            result.append("")
        if line.comment is None:
            result.append(texts[index])
        elif line.is_comment:
            result.append(INDENT * line.indent + line.comment)
        else:
            result.append(texts[index].ljust(columns[index]) + "  " + line.comment)
    return result


def _comment_columns(lines: Sequence[Line], texts: Sequence[str]) -> list[int]:
    """For each line the width up to its comment, the same for neighbours that have one."""
    columns = [len(text) for text in texts]
    start = 0
    while start < len(lines):
        end = start
        while end < len(lines) and _commented(lines[end]) and (end == start or not lines[end].blank_before):
            end += 1
        widths = [columns[index] for index in range(start, end) if columns[index] <= COMMENT_COLUMN_MAX]
        for index in range(start, end):
            columns[index] = (
                max([columns[index], *widths]) if columns[index] <= COMMENT_COLUMN_MAX else columns[index]
            )
        start = max(end, start + 1)
    return columns


def _commented(line: Line) -> bool:
    return line.comment is not None and not line.is_comment
