"""What a property of a protocol came to, for the report and the exit code: four answers, never a bool."""

from __future__ import annotations

from typing import TypeAlias

from ionto_ir.dataclass import dataclass
from ionto_verifier import decision


@dataclass(frozen=True, slots=True)
class Proved:
    """Holds for everybody and every value that the protocol admits."""

    decision: decision.Proved


@dataclass(frozen=True, slots=True)
class Refuted:
    """Fails for somebody; the witness was re-evaluated exactly."""

    decision: decision.Refuted


@dataclass(frozen=True, slots=True)
class Vacuous:
    """True only because nothing can happen: guards that exclude everyone, a step nobody reaches, no values.

    `decision` is the proof that the guards never hold together.
    """

    decision: decision.Proved


@dataclass(frozen=True, slots=True)
class Undecided:
    """Neither proved nor refuted; counts as refused, never as safe."""

    decision: decision.Unknown


Verdict: TypeAlias = Proved | Refuted | Vacuous | Undecided
