"""A whole file: imports, then declarations."""

from __future__ import annotations

from ionto_dsl.surface.envelope import Declaration
from ionto_dsl.surface.values import Name
from ionto_ir.dataclass import dataclass
from ionto_ir.source import Span


@dataclass(frozen=True, slots=True)
class Import:
    """`import drugs.dexamethasone_phosphate`."""

    path: tuple[Name, ...]
    span: Span


@dataclass(frozen=True, slots=True)
class File:
    """One source file."""

    imports: tuple[Import, ...]
    declarations: tuple[Declaration, ...]
    span: Span
