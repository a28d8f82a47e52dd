"""What is known at a point of the session: the planned current, the polarity, what was recorded, what has
flowed.

Steps are followed in the order in which a run meets them. Where two ways meet, only what holds on both is
kept.
"""

from __future__ import annotations

from ionto_ir.dataclass import dataclass
from ionto_ir.expression import ZERO, Expression, choose
from ionto_ir.waveform import Waveform


@dataclass(frozen=True, slots=True)
class Current:
    """The planned current: its magnitude in nA, and whether the author wrote it negative.

    `level_na` is None after an error. `joined` says that ways with different currents met, so that only a
    ramp can follow. `waveform` is that of the output.
    """

    level_na: Expression | None
    reversed: bool
    joined: bool = False
    waveform: Waveform | None = None

    @property
    def is_zero(self) -> bool:
        """Whether the current is zero for all values."""
        return self.level_na == ZERO

    @property
    def may_flow(self) -> bool:
        """Whether it is known to be other than zero for some values."""
        return self.level_na is not None and self.level_na != ZERO


OFF = Current(ZERO, False)
UNKNOWN = Current(None, False)


@dataclass(frozen=True, slots=True)
class State:
    """What is known at a point.

    `parities` are the polarities that `reverse` steps may have left (True: swapped). `charge_pc_min` is a
    lower bound of what the ramps and timed holds before this point deliver in a run that nothing disturbs.
    """

    current: Current
    parities: frozenset[bool]
    recorded: frozenset[str]
    charge_pc_min: int
    energised: bool


START = State(OFF, frozenset({False}), frozenset(), 0, False)


@dataclass(frozen=True, slots=True)
class Meeting:
    """Two ways met: the state after it, and whether they bring currents of opposite sign."""

    state: State
    opposed: bool


def meet(condition: Expression | None, then: State, otherwise: State) -> Meeting:
    """The state where two ways meet, of which `condition` chose the first."""
    current, opposed = _meeting_currents(condition, then.current, otherwise.current)
    state = State(
        current,
        then.parities | otherwise.parities,
        then.recorded & otherwise.recorded,
        min(then.charge_pc_min, otherwise.charge_pc_min),
        then.energised or otherwise.energised,
    )
    return Meeting(state, opposed)


def _meeting_currents(condition: Expression | None, one: Current, other: Current) -> tuple[Current, bool]:
    if one.level_na is None or other.level_na is None:
        return UNKNOWN, False
    if one.may_flow and other.may_flow and one.reversed is not other.reversed:
        return UNKNOWN, True
    signed = one if one.may_flow else other
    if one.level_na == other.level_na:
        # Where nothing flows there is no waveform to differ in.
        differs = one.may_flow and one.waveform != other.waveform
        joined = one.joined or other.joined or differs
        return Current(one.level_na, signed.reversed, joined, signed.waveform), False
    if condition is None:
        return UNKNOWN, False
    return Current(choose(condition, one.level_na, other.level_na), signed.reversed, True), False
