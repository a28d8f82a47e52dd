"""The names of one protocol (or of one screening list) and what they stand for, with the diagnostics found so
far.
"""

from __future__ import annotations

from collections.abc import Iterable
from enum import Enum
from math import gcd

from ionto_dsl.bounds import Extent, exactly
from ionto_dsl.suggest import nearest
from ionto_dsl.surface import Name
from ionto_dsl.typed import POISON, Value
from ionto_ir.dataclass import dataclass
from ionto_ir.diagnostic import Diagnostic, Label, error
from ionto_ir.plan import BooleanDomain, ChoiceDomain, Domain, IntegerDomain
from ionto_ir.source import Span

RESERVED = frozenset({"output", "measured", "active", "return", "yes", "no", "min", "max"})
"""Names that the language gives a meaning of its own inside expressions."""


class Origin(Enum):
    """Where the value of a name comes from; the value is its noun."""

    PARAMETER = "parameter"
    ANSWER = "question"
    RECORD = "record"
    GEOMETRY = "area"
    LET = "`let`"
    MEMORY = "memory"
    DECLARATION = "declaration"


@dataclass(frozen=True, slots=True)
class Entry:
    """What a name stands for and where that was decided."""

    origin: Origin
    value: Value
    span: Span


class Scope:
    """A growing table of names. There is no shadowing: a name is declared once, and file-level names are
    taken.

    `observed` names what may be spoken of besides: what flows (in `prove` lines), what is measured (in
    monitors).
    """

    __slots__ = ("entries", "extents", "found", "observed", "pending", "taken", "used")

    def __init__(self, found: list[Diagnostic], taken: dict[str, Span] | None = None) -> None:
        self.entries: dict[str, Entry] = {}
        self.extents: dict[str, Extent] = {}
        self.used: set[str] = set()
        self.found = found
        self.taken = {} if taken is None else taken
        self.observed: tuple[str, ...] = ()
        self.pending: dict[str, Span] = {}  # what is still to be declared, by name

    def declare(self, name: Name, origin: Origin, value: Value) -> bool:
        """Add a name; False (and a diagnostic) when it is not free."""
        earlier = self.entries.get(name.text)
        if name.text in RESERVED:
            self._refuse(
                "I0206",
                f"`{name.text}` has a meaning of its own in expressions and cannot be declared",
                name.span,
                "not free",
                "choose another name",
            )
        elif earlier is not None:
            self._refuse(
                "I0202",
                f"`{name.text}` is declared twice",
                name.span,
                "declared again here",
                "there is no shadowing: give one of them another name",
                Label(earlier.span, f"first declared here, as a {earlier.origin.value}"),
            )
        elif name.text in self.taken:
            self._refuse(
                "I0203",
                f"`{name.text}` is already the name of a declaration",
                name.span,
                "declared again here",
                "there is no shadowing: give the value another name",
                Label(self.taken[name.text], "this name reaches into the protocol"),
            )
        else:
            self.entries[name.text] = Entry(origin, value, name.span)
            return True
        # What a use of the name would mean is not known, so nothing more is said about its uses.
        self.entries[name.text] = Entry(origin, POISON, name.span if earlier is None else earlier.span)
        self.used.add(name.text)
        return False

    def look_up(self, name: str, span: Span) -> Value:
        """The value of a name; POISON (and a diagnostic with the nearest name) when there is none."""
        entry = self.entries.get(name)
        if entry is not None:
            self.used.add(name)
            return entry.value
        if name in self.pending:
            message = f"`{name}` is made of itself, by way of what is declared here"
            place = Label(self.pending[name], "declared here")
            self.found.append(error("I0212", message, span, "leads back to it", labels=(place,)))
            return POISON
        labels: tuple[Label, ...] = ()
        message = f"there is no value named `{name}` here"
        if name in self.taken:
            message = f"`{name}` is not a value"
            labels = (Label(self.taken[name], "it names this declaration"),)
        near = nearest(name, self.entries)
        advice = f"did you mean `{near}`?" if near is not None else _what_to_declare(name)
        self.found.append(error("I0201", message, span, "not known", labels=labels, help=advice))
        return POISON

    def _refuse(self, code: str, message: str, span: Span, text: str, advice: str, *labels: Label) -> None:
        self.found.append(error(code, message, span, text, labels=labels, help=advice))


def _what_to_declare(name: str) -> str:
    return f"declare it: `param {name}: ...`, `ask {name}: ...`, `record {name}: ...` or `let {name} = ...`"


def extent_of_domain(domain: Domain, grid: int = 1) -> Extent | None:
    """The values of a variable; `grid` divides the values of a domain without a step. None for yes and no."""
    match domain:
        case IntegerDomain(lo, hi, step):
            return exactly(lo) if lo == hi else Extent(lo, hi, gcd(lo, step if step is not None else grid))
        case ChoiceDomain(labels):
            return Extent(0, len(labels) - 1, 1)
        case BooleanDomain():
            return None


def names_of(entries: Iterable[tuple[str, Entry]], origin: Origin) -> list[str]:
    """The names of one origin, in the order of their declaration."""
    return [name for name, entry in entries if entry.origin is origin]
