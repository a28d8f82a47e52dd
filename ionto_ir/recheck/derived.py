"""What is derived of a plan: questions for certificates, what plain arithmetic settles, what is left out."""

from __future__ import annotations

from fractions import Fraction
from typing import TypeAlias

from ionto_ir.dataclass import dataclass
from ionto_ir.plan import Plan
from ionto_ir.recheck.polynomial import Polynomial, constant, plus, scaled
from ionto_ir.recheck.statement import Question

PPM = 1_000_000


@dataclass(frozen=True, slots=True)
class Settled:
    """A claim, or a part of one, that plain arithmetic over the plan's numbers settles."""

    claim: str
    holds: bool


@dataclass(frozen=True, slots=True)
class Left:
    """A claim that the recheck does not derive, and why."""

    claim: str
    reason: str


Derived: TypeAlias = Question | Settled | Left


def worst(plan: Plan, level_na: Polynomial) -> Polynomial:
    """The most that the skin may receive at a setpoint, nA: it is a whole number of the device's steps.

    The device adds its share, rounded up to a whole nA where it is none, and its offset.
    """
    device = plan.device
    rounding = 0 if device.step_na * device.accuracy_ppm % PPM == 0 else Fraction(PPM - 1, PPM)
    share = scaled(level_na, 1 + Fraction(device.accuracy_ppm, PPM))
    return plus(share, constant(device.accuracy_offset_na + rounding))


def worst_of_any(plan: Plan, level_na: Polynomial) -> Polynomial:
    """The same of a current that is no whole number of steps, such as a mean."""
    device = plan.device
    share = scaled(level_na, 1 + Fraction(device.accuracy_ppm, PPM))
    return plus(share, constant(device.accuracy_offset_na + Fraction(PPM - 1, PPM)))


def ohm_max(plan: Plan) -> int | None:
    """The highest impedance that an envelope of the plan assumes."""
    assumed = [item.impedance.ohm_max for item in plan.envelopes if item.impedance is not None]
    return max(assumed, default=None)


def fall_na(plan: Plan) -> int:
    """What a stop takes off the level in one tick."""
    return max(1, plan.stop_slew_na_s * plan.device.tick_ms // 1000)


class Numbering:
    """Gives the questions of each claim their names, in order."""

    def __init__(self) -> None:
        self._asked: dict[str, int] = {}

    def next(self, claim: str) -> str:
        """The name of the claim's next question."""
        number = self._asked[claim] = self._asked.get(claim, 0) + 1
        return f"{claim}/{number}"
