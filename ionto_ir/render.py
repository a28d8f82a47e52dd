"""A diagnostic as text for people and as plain data for machines; the message itself is never changed here.

    error[I0304]: a hold keeps a current, and `total` is a charge
       --> heel.ionto:14:8
        |
     9  |   let total = 40 mA.min
        |               --------- a charge, 2.4 C
    14  |   hold total for 20 min
        |        ^^^^^ expected a current
        = note: mA.min is a current multiplied by a time
        = help: to give this charge in 20 min, write ...

All labels of one file share one excerpt in the order of its lines; `^` marks the primary one, `-` the others.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence

from ionto_ir.dataclass import dataclass
from ionto_ir.diagnostic import Diagnostic, Edit, Label, Severity
from ionto_ir.source import SourceFile, Span

Files = Mapping[str, SourceFile]
"""The sources by the name that spans use. A label in a file that is missing is shown without excerpt."""

TAB = "    "
LINE_WIDTH_MAX = 160
"""Columns of a source line that are shown; a longer line is cut around what it is shown for."""
SPAN_LINES_MAX = 6
"""Lines of one label that are all shown; of a longer one only the first and the last."""
DIGITS_MIN = 2
"""The line numbers of short files take two columns too, so that excerpts line up with each other."""

_COLOURS = {Severity.ERROR: "\x1b[1;31m", Severity.WARNING: "\x1b[1;33m", Severity.NOTE: "\x1b[1;36m"}
_FAINT, _STRONG, _PLAIN = "\x1b[34m", "\x1b[1m", "\x1b[0m"
_Paint = Callable[[str, str], str]


@dataclass(frozen=True, slots=True)
class _Mark:
    """One underline: its line, its columns as displayed (counted from 0, end exclusive), and what it says."""

    line: int
    left: int
    right: int
    text: str
    primary: bool


def render_text(diagnostic: Diagnostic, files: Files, *, colour: bool = False) -> str:
    """The diagnostic as lines of text, without a line end after the last."""
    paint = _painted if colour else _plain
    loud = _COLOURS[diagnostic.severity]
    groups = _by_file(diagnostic)
    digits = max(
        (len(str(label.span.end_line)) for group in groups.values() for label, _ in group), default=0
    )
    digits = max(digits, DIGITS_MIN)
    head = paint(f"{diagnostic.severity.value}[{diagnostic.code}]", loud)
    lines = [head + paint(f": {diagnostic.message}", _STRONG)]
    for index, (file, group) in enumerate(groups.items()):
        place = group[0][0].span
        arrow = paint("-->" if index == 0 else ":::", _FAINT)
        lines.append(f"{' ' * (digits + 1)}{arrow} {file}:{place.line}:{place.column}")
        lines += _excerpt(group, files[file], digits, paint, loud) if file in files else _texts(group, digits)
    sign = " " * (digits + 2) + paint("=", _FAINT)
    following = "\n" + " " * (digits + 10)
    lines += [f"{sign} note: {note}".replace("\n", following) for note in diagnostic.notes]
    if diagnostic.help is not None:
        lines.append(f"{sign} help: {diagnostic.help}".replace("\n", following))
    return "\n".join(lines)


def render_all(diagnostics: Iterable[Diagnostic], files: Files, *, colour: bool = False) -> str:
    """Several diagnostics with a blank line between them; empty when there are none."""
    return "\n\n".join(render_text(diagnostic, files, colour=colour) for diagnostic in diagnostics)


def _painted(text: str, colour: str) -> str:
    return f"{colour}{text}{_PLAIN}"


def _plain(text: str, _: str) -> str:
    return text


def _by_file(diagnostic: Diagnostic) -> dict[str, list[tuple[Label, bool]]]:
    """The labels of each file with whether they are primary; the file of the primary label first."""
    labels = [] if diagnostic.primary is None else [(diagnostic.primary, True)]
    labels += [(label, False) for label in diagnostic.labels]
    groups: dict[str, list[tuple[Label, bool]]] = {}
    for label, primary in labels:
        groups.setdefault(label.span.file, []).append((label, primary))
    return groups


def _texts(group: Sequence[tuple[Label, bool]], digits: int) -> list[str]:
    """What labels say when the file that they are in cannot be shown."""
    return [f"{' ' * (digits + 2)}{label.span.line}: {label.text}" for label, _ in group if label.text]


def _excerpt(
    group: Sequence[tuple[Label, bool]], source: SourceFile, digits: int, paint: _Paint, loud: str
) -> list[str]:
    text = source.lines()
    marks = [mark for label, primary in group for mark in _marks(label, primary, text)]
    marks.sort(key=lambda mark: (mark.line, -mark.left, mark.primary))
    whole, shortened = _lines_of_long_labels(group)
    bar = paint("|", _FAINT)
    margin = " " * (digits + 2) + bar
    lines, previous = [margin], 0
    for number in sorted({mark.line for mark in marks} | whole):
        if previous in shortened and number > previous + 1:
            lines.append("." * digits)
        here = [mark for mark in marks if mark.line == number]
        shown, cut = _window(_expanded(text[number - 1]) if number <= len(text) else "", here)
        lines.append(f"{paint(f'{number:>{digits}}', _FAINT)}  {bar} {shown}".rstrip())
        for mark in here:
            sign, tone = ("^", loud) if mark.primary else ("-", _FAINT)
            under = sign * max(1, mark.right - mark.left) + (f" {mark.text}" if mark.text else "")
            lines.append(f"{margin} {' ' * (mark.left - cut)}{paint(under, tone)}")
        previous = number
    return lines


def _lines_of_long_labels(group: Sequence[tuple[Label, bool]]) -> tuple[set[int], set[int]]:
    """The lines that labels of several lines show, and those of them after which something is left out."""
    shown: set[int] = set()
    shortened: set[int] = set()
    for label, _ in group:
        first, last = label.span.line, label.span.end_line
        if last - first < SPAN_LINES_MAX:
            shown.update(range(first, last + 1))
        else:
            shown |= {first, last}
            shortened.add(first)
    return shown, shortened


def _marks(label: Label, primary: bool, text: Sequence[str]) -> list[_Mark]:
    """The underlines of a label: one, or for several lines one under the first and one under the last."""
    span = label.span
    first = text[span.line - 1] if span.line <= len(text) else ""
    left = _width(first[: span.column - 1])
    if span.line == span.end_line:
        right = _width(first[: span.end_column - 1])
        return [_Mark(span.line, left, right, label.text, primary)]
    last = text[span.end_line - 1] if span.end_line <= len(text) else ""
    start = _width(last[: len(last) - len(last.lstrip())])
    end = _width(last[: span.end_column - 1])
    return [
        _Mark(span.line, left, _width(first.rstrip()), "from here", primary),
        _Mark(span.end_line, min(start, end), end, label.text, primary),
    ]


def _expanded(line: str) -> str:
    return line.replace("\t", TAB)


def _width(text: str) -> int:
    """The columns that a text takes in a terminal."""
    text = _expanded(text)
    if text.isascii():
        return len(text)
    from unicodedata import category, east_asian_width

    return sum(
        0 if category(letter) in ("Mn", "Me", "Cf") else 2 if east_asian_width(letter) in "WF" else 1
        for letter in text
    )


def _window(line: str, marks: Sequence[_Mark]) -> tuple[str, int]:
    """The part of a line that is shown, and how many columns are cut off before it."""
    if len(line) <= LINE_WIDTH_MAX or not marks:
        return line if len(line) <= LINE_WIDTH_MAX else line[:LINE_WIDTH_MAX] + "…", 0
    left = min(mark.left for mark in marks)
    cut = max(0, left - LINE_WIDTH_MAX // 4)
    kept = line[cut : cut + LINE_WIDTH_MAX]
    if cut:
        kept = "…" + kept[1:]
    return kept + ("…" if cut + LINE_WIDTH_MAX < len(line) else ""), cut


Json = dict[str, object]
"""What a diagnostic is for machines: only text, numbers, lists, objects and null."""


def diagnostic_data(diagnostic: Diagnostic) -> Json:
    """The diagnostic as data for JSON. Lines and columns (of characters) count from 1, ends are exclusive."""
    return {
        "code": diagnostic.code,
        "severity": diagnostic.severity.value,
        "message": diagnostic.message,
        "primary": None if diagnostic.primary is None else _label_data(diagnostic.primary),
        "labels": [_label_data(label) for label in diagnostic.labels],
        "notes": list(diagnostic.notes),
        "help": diagnostic.help,
        "edit": None if diagnostic.edit is None else _edit_data(diagnostic.edit),
    }


def _label_data(label: Label) -> Json:
    return {"span": span_data(label.span), "text": label.text}


def _edit_data(edit: Edit) -> Json:
    return {"span": span_data(edit.span), "replacement": edit.replacement}


def span_data(span: Span) -> Json:
    """A place in a file as data for JSON."""
    return {
        "file": span.file,
        "line": span.line,
        "column": span.column,
        "end_line": span.end_line,
        "end_column": span.end_column,
    }
