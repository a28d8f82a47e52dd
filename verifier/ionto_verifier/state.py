"""What is known at one place of the symbolic run."""

from __future__ import annotations

from ionto_ir.dataclass import dataclass
from ionto_ir.expression import ZERO, Expression
from ionto_ir.waveform import Waveform
from ionto_verifier.ledger import NOTHING, Ledger
from ionto_verifier.obligation import Guard
from ionto_verifier.term import Polynomial

Renaming = tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Pending:
    """What a hold leaves to the step that follows it.

    `total_pc` is the session's total that the coming descent completes, and `before_pc` what the session
    may have emitted, pauses included, when the hold began. `overflow_pc` is what a pause in the last moment
    of a hold until a charge may have emitted beyond it; the ramp that follows then begins from zero.
    """

    total_pc: Polynomial | None = None
    before_pc: Polynomial | None = None
    overflow_pc: Polynomial | None = None


NONE = Pending()


@dataclass(frozen=True, slots=True)
class State:
    """`path`: what was decided on the way. `levels`: the planned current, one of these expressions, nA.

    `signs`: the signs that ramps may have given to it (True: opposite to the declared polarity); `flips`:
    how the reversals so far may have turned the polarity. `waveforms`: those in which current may flow by
    then, none at zero. `records`: which variable stands for a recorded value now.
    """

    path: tuple[Guard, ...] = ()
    levels: tuple[Expression, ...] = (ZERO,)
    signs: frozenset[bool] = frozenset({False})
    flips: frozenset[bool] = frozenset({False})
    waveforms: frozenset[Waveform | None] = frozenset()
    records: Renaming = ()
    ledger: Ledger = NOTHING
    pending: Pending = NONE
