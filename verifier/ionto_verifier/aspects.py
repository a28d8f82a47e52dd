"""What two plans can differ in, and what came of comparing them in one respect."""

from __future__ import annotations

from enum import Enum

from ionto_ir.dataclass import dataclass
from ionto_ir.expression import Value


class Change(Enum):
    """What the new plan is in one respect, beside the old one. The order is from harmless to grave."""

    SAME = "same"
    STRICTER = "stricter"
    OTHER = "other"  # different, and neither admits more
    UNDECIDED = "undecided"
    LOOSER = "more permissive"


@dataclass(frozen=True, slots=True)
class Witness:
    """A session that shows it: the values that differ from an ordinary session, and what each plan makes of
    them.
    """

    values: tuple[tuple[str, Value], ...]
    told: tuple[tuple[str, str], ...]
    old: str
    new: str


@dataclass(frozen=True, slots=True)
class Aspect:
    """One respect: what was compared, what came of it, and both sides in words.

    `about_values` says that it decides which people and values are admitted.
    """

    subject: str
    change: Change
    old: str
    new: str
    reason: str | None = None
    witness: Witness | None = None
    about_values: bool = False
