"""A plan prepared for the sequencer: what does not change during a session, worked out once."""

from __future__ import annotations

from ionto_ir.constants import Constants
from ionto_ir.dataclass import dataclass, field
from ionto_ir.plan import Hold, Plan, Ramp, Step, successors
from ionto_ir.waveform import PPM

DESCENTS_KEPT_MAX = 4_096
"""Charges of descents that are remembered: more levels than a ramp of seven minutes has ticks."""


@dataclass(frozen=True, slots=True)
class Route:
    """A plan with its grid of time and current. `ahead[i]`: current may still flow from step i on."""

    plan: Plan
    steps: tuple[Step, ...]
    ahead: tuple[bool, ...]
    tick_ms: int
    step_na: int
    descents: dict[tuple[int, int, int, int], int] = field(default_factory=dict, compare=False, repr=False)

    def setpoint_na(self, level_na: int) -> int:
        """The level floored to the device's step."""
        return level_na // self.step_na * self.step_na

    def mean_na(self, level_na: int, share_ppm: int) -> int:
        """The mean of |I| at a level, of which it is a share."""
        setpoint_na = level_na // self.step_na * self.step_na
        return setpoint_na if share_ppm == PPM else -(-setpoint_na * share_ppm // PPM)

    def descent_pc(self, level_na: int, delta_na: int, over_ms: int, share_ppm: int) -> int:
        """Exactly what a ramp from `level_na` to zero at delta_na per over_ms emits, pC; remembered."""
        key = (level_na, delta_na, over_ms, share_ppm)
        known = self.descents.get(key)
        if known is None:
            if len(self.descents) >= DESCENTS_KEPT_MAX:
                self.descents.clear()
            known = self.descents[key] = self._sum_of_descent(*key)
        return known

    def _sum_of_descent(self, level_na: int, delta_na: int, over_ms: int, share_ppm: int) -> int:
        total_na = 0
        elapsed_ms = self.tick_ms
        while (left_na := level_na - elapsed_ms * delta_na // over_ms) > 0:
            total_na += self.mean_na(left_na, share_ppm)
            elapsed_ms += self.tick_ms
        return total_na * self.tick_ms

    def descent_pc_at_most(self, level_na: int, delta_na: int, over_ms: int, share_ppm: int) -> int:
        """A bound on `descent_pc`, pC, without summing: the ideal line, one nA higher for its rounding."""
        if level_na <= 0:
            return 0
        count = (level_na * over_ms - 1) // (self.tick_ms * delta_na)
        twice = 2 * over_ms * count * (level_na + 1) - self.tick_ms * delta_na * count * (count + 1)
        whole_na = -(-twice // (2 * over_ms))
        if share_ppm == PPM:
            return self.tick_ms * whole_na
        return self.tick_ms * (-(-whole_na * share_ppm // PPM) + count)


def route_of(plan: Plan, constants: Constants) -> Route:
    """The route of a bound plan."""
    return Route(plan, plan.steps, _ahead(plan.steps), constants.tick_ms, constants.step_na)


def _ahead(steps: tuple[Step, ...]) -> tuple[bool, ...]:
    """For each step whether a ramp or a hold can be reached from it: backwards until nothing new is found."""
    ahead = [isinstance(step, Ramp | Hold) for step in steps]
    changed = True
    while changed:
        changed = False
        for index in range(len(steps) - 1, -1, -1):
            if not ahead[index] and any(ahead[after] for after in successors(steps[index])):
                ahead[index] = changed = True
    return tuple(ahead)
