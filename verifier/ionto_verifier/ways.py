"""Whether a session that comes to one step also comes to another one, or was there.

What was decided on the way tells that, but not where people may be late: nothing says which way they take.
"""

from __future__ import annotations

from ionto_ir.plan import Human, Plan
from ionto_ir.wellformed_graph import loops_around, reachable
from ionto_verifier.paths import Visit


class Ways:
    """The ways through a plan."""

    def __init__(self, plan: Plan) -> None:
        self.plan = plan
        self.around = loops_around(plan)
        self._late = any(isinstance(step, Human) and step.late is not None for step in plan.steps)

    def goes_on_to(self, one: Visit, later: Visit) -> bool:
        """Whether a session that is at `one` may come to `later` in the same rounds, whatever was decided."""
        if not set(later.path) <= set(one.path):
            return False
        if not self._late:
            return True
        rounds = set(self._heads(one)) & set(self._heads(later))
        return later.step in reachable(self.plan, [one.step], rounds)

    def was_at(self, one: Visit, later: Visit) -> bool:
        """Whether every session that comes to `later` was at `one`, once."""
        if self._heads(one) or not set(one.path) <= set(later.path):
            return False
        return not self._late or later.step not in reachable(self.plan, [self.plan.entry], (one.step,))

    def _heads(self, visit: Visit) -> tuple[int, ...]:
        return self.around.get(visit.step, ())
