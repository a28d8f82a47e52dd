"""How one obligation was decided: a sum type, never a bool, because `not proved` and `refuted` are
different news.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import Enum
from fractions import Fraction
from typing import TypeAlias

from ionto_ir.dataclass import dataclass
from ionto_verifier.certificate import Proof
from ionto_verifier.obligation import Witness


class Stage(Enum):
    """Which method settled the obligation, from the cheapest to the dearest."""

    INTERVAL = "interval"
    RELAXATION = "relaxation"
    SOLVER = "solver"
    SPLIT = "split"


@dataclass(frozen=True, slots=True)
class BoundUsed:
    """A proof used the declared lower or upper bound of a variable."""

    variable: str
    upper: bool


@dataclass(frozen=True, slots=True)
class GuardUsed:
    """A proof used this guard."""

    name: str


CoreItem: TypeAlias = BoundUsed | GuardUsed


@dataclass(frozen=True, slots=True)
class Proved:
    """The obligation holds at every point of the domain.

    `certificate` can be checked without any solver (`certificate.check`); None when only the solver says so.
    `core` names the bounds and guards that the proof rests on (empty when the conclusion holds by itself);
    `core_is_minimal` says whether dropping any one of them breaks this proof.
    `unsafe_between` is a point between grid values where the obligation would fail: the proof then holds
    on the grid only, and a report must say so.
    """

    stage: Stage
    certificate: Proof | None
    core: tuple[CoreItem, ...]
    core_is_minimal: bool = True
    unsafe_between: Witness | None = None
    without_goal: bool = False
    grid_only: bool = False


@dataclass(frozen=True, slots=True)
class Refuted:
    """The obligation fails at `witness`, a point of the domain that was re-evaluated exactly."""

    stage: Stage
    witness: Witness


@dataclass(frozen=True, slots=True)
class Unknown:
    """Neither proved nor refuted; `reason` says what was tried, in plain words.

    `unsafe_between` is a point between grid values where the obligation fails, when one is known.
    """

    reason: str
    unsafe_between: Witness | None = None


Decision: TypeAlias = Proved | Refuted | Unknown


@dataclass(frozen=True, slots=True)
class Supremum:
    """How large a polynomial gets under guards: never above `bound` (proved), and equal to `attained` at
    `witness`.

    `exact` when both agree. `bound` is None when not even a bound could be proved; `attained` is None when no
    point satisfying the guards was found.
    """

    bound: Fraction | None
    attained: Fraction | None
    witness: Mapping[str, Fraction] | None

    @property
    def exact(self) -> bool:
        """Whether the bound is reached."""
        return self.bound is not None and self.bound == self.attained


@dataclass(frozen=True, slots=True)
class SafeRange:
    """The values of one variable for which an obligation holds whatever the others do.

    `lo` to `hi` (both on the variable's grid) is proved safe; None for both when no value could be proved.
    `exact` when the neighbouring values on the grid beyond it are refuted (or the declared bounds are
    reached).
    """

    lo: int | None
    hi: int | None
    exact: bool
