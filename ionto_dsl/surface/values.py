"""The words, values and expressions of the surface tree; `ionto_dsl.surface` shows the whole of it."""

from __future__ import annotations

from fractions import Fraction
from typing import Literal

from ionto_ir.dataclass import dataclass
from ionto_ir.source import Span


@dataclass(frozen=True, slots=True)
class Name:
    """A name where it is declared, or where nothing but a name may stand."""

    text: str
    span: Span


@dataclass(frozen=True, slots=True)
class Text:
    """What stood between the quotes, escapes resolved."""

    value: str
    span: Span


@dataclass(frozen=True, slots=True)
class Code:
    """A code of a named system: `icd10cm "Z95.0"`."""

    system: Name
    value: Text
    span: Span


@dataclass(frozen=True, slots=True)
class Remarks:
    """What may follow an item: sources, a hazard, codes, `despite`, and one text for people."""

    text: Text | None = None
    sources: tuple[Text, ...] = ()
    hazard: Name | None = None
    codes: tuple[Code, ...] = ()
    despite: Text | None = None


@dataclass(frozen=True, slots=True)
class Number:
    """A number without a sign, exact; `text` and `unit` are as written, `unit` is None for a plain number."""

    text: str
    value: Fraction
    unit: Name | None
    span: Span


@dataclass(frozen=True, slots=True)
class Reference:
    """A name or a dotted name that is used: `current`, `active.area`."""

    parts: tuple[Name, ...]
    span: Span

    @property
    def dotted(self) -> str:
        """The name with its dots."""
        return ".".join(part.text for part in self.parts)


@dataclass(frozen=True, slots=True)
class Truth:
    """`yes` or `no`."""

    value: bool
    span: Span


@dataclass(frozen=True, slots=True)
class Unary:
    """A sign or a negation."""

    operator: Literal["-", "+", "not"]
    operand: Expression
    span: Span


@dataclass(frozen=True, slots=True)
class Binary:
    """Two operands; comparisons are not chained. `operator_span` is where the operator stands."""

    operator: Literal["+", "-", "*", "/", "=", "!=", "<", "<=", ">", ">=", "and", "or"]
    left: Expression
    right: Expression
    operator_span: Span
    span: Span


@dataclass(frozen=True, slots=True)
class Call:
    """`min(a, b)` or `max(a, b)`."""

    function: Name
    arguments: tuple[Expression, ...]
    span: Span


Expression = Number | Reference | Truth | Unary | Binary | Call


@dataclass(frozen=True, slots=True)
class Range:
    """`low .. high`, both ends included."""

    low: Expression
    high: Expression
    span: Span


@dataclass(frozen=True, slots=True)
class YesNo:
    """The kind `yes/no`."""

    span: Span


@dataclass(frozen=True, slots=True)
class Enumeration:
    """The kind `none | erythema | blister`, at least two labels."""

    labels: tuple[Name, ...]
    span: Span


Kind = Range | YesNo | Enumeration
