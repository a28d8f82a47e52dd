"""What the author claims of a protocol in `prove` lines."""

from __future__ import annotations

from enum import Enum

from ionto_ir.dataclass import dataclass
from ionto_ir.expression import Expression
from ionto_ir.source import Span


class PropertyKind(Enum):
    """Kinds of `prove` lines."""

    NEVER = "never"  # `condition` never holds, from the end of step text `after` on when given
    ALWAYS = "always"  # `condition` holds whenever a session runs
    FINISHED = "finished within"  # the session takes at most `within_ms`


@dataclass(frozen=True, slots=True)
class UserProperty:
    """The author's own `prove` line. Conditions may refer to output.current (nA, magnitude),
    output.charge (pC, nominal) and output.elapsed (ms) besides the plan's variables.

    `after`, `before` and `during` name the steps, by their text, after the end of which, before the beginning
    of which or in which alone it is claimed. `apart`: the time in which people are waited for does not count.
    """

    kind: PropertyKind
    condition: Expression | None
    after: str | None
    within_ms: int | None
    text: str
    span: Span
    before: str | None = None
    during: str | None = None
    apart: bool = False
