"""One message about the input, as data: every package returns it, one renderer per medium shows it."""

from __future__ import annotations

from collections.abc import Iterable
from enum import Enum

from ionto_ir.dataclass import dataclass
from ionto_ir.source import Span


class Severity(Enum):
    """How bad it is. Only an error keeps a protocol from being compiled."""

    ERROR = "error"
    WARNING = "warning"
    NOTE = "note"


@dataclass(frozen=True, slots=True)
class Label:
    """A place in the source and what is to be said about it there."""

    span: Span
    text: str


@dataclass(frozen=True, slots=True)
class Edit:
    """A change of the source that a tool may apply: put `replacement` where `span` is."""

    span: Span
    replacement: str


@dataclass(frozen=True, slots=True)
class Diagnostic:
    """What was found, what was expected, where that was decided, and what to write instead.

    `code` is declared in `ionto_ir.codes`; `message` is one line, lower case, without a full stop, the user's
    words in backticks. `primary` is None only when no file is concerned (usage, device).
    """

    code: str
    severity: Severity
    message: str
    primary: Label | None = None
    labels: tuple[Label, ...] = ()
    notes: tuple[str, ...] = ()
    help: str | None = None
    edit: Edit | None = None


def has_errors(diagnostics: Iterable[Diagnostic]) -> bool:
    """Whether anything among them forbids to go on."""
    return any(diagnostic.severity is Severity.ERROR for diagnostic in diagnostics)


def in_reading_order(diagnostics: Iterable[Diagnostic]) -> tuple[Diagnostic, ...]:
    """The same diagnostics from the top of each file to its end, each once; those without a place last."""
    unique = dict.fromkeys(diagnostics)
    return tuple(sorted(unique, key=_place))


def _place(diagnostic: Diagnostic) -> tuple[int, str, int, int, str]:
    if diagnostic.primary is None:
        return (1, "", 0, 0, diagnostic.code)
    span = diagnostic.primary.span
    return (0, span.file, span.line, span.column, diagnostic.code)


def error(
    code: str,
    message: str,
    span: Span | None,
    text: str = "",
    *,
    labels: tuple[Label, ...] = (),
    notes: tuple[str, ...] = (),
    help: str | None = None,  # noqa: A002 - the word that readers of messages know
    edit: Edit | None = None,
) -> Diagnostic:
    """An error at `span`, in the order in which one thinks of its parts."""
    primary = None if span is None else Label(span, text)
    return Diagnostic(code, Severity.ERROR, message, primary, labels, notes, help, edit)


def warning(
    code: str,
    message: str,
    span: Span | None,
    text: str = "",
    *,
    labels: tuple[Label, ...] = (),
    notes: tuple[str, ...] = (),
    help: str | None = None,  # noqa: A002 - the word that readers of messages know
    edit: Edit | None = None,
) -> Diagnostic:
    """A warning at `span`."""
    primary = None if span is None else Label(span, text)
    return Diagnostic(code, Severity.WARNING, message, primary, labels, notes, help, edit)
