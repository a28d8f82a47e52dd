"""Recorded values are used only where they were recorded, whichever way a run took."""

from __future__ import annotations

from collections.abc import Mapping

from ionto_ir.dataclass import dataclass
from ionto_ir.diagnostic import Diagnostic, error
from ionto_ir.expression import references
from ionto_ir.plan import Classify, Loop, Plan, Record, Step, VariableKind, successors
from ionto_ir.wellformed_bounds import box_of, interval
from ionto_ir.wellformed_graph import loop_regions
from ionto_ir.wellformed_values import operands_of

Names = frozenset[str]
_Edge = tuple[int, int]


def record_problems(plan: Plan) -> tuple[Diagnostic, ...]:
    """Uses of a recorded value on a path on which it was not recorded yet (I0825).

    What is known at a step is what is recorded on every path to it. A loop looks at `until` only after a
    round, so there only the paths through its body count; and it leaves after a round unless its count may be
    zero.
    """
    recorded = frozenset(item.name for item in plan.variables if item.kind is VariableKind.RECORD)
    if not recorded:
        return ()
    flow = _flow_of(plan, recorded)
    found = []
    for index, step in enumerate(plan.steps):
        early = (_used_at_once(step) & recorded) - flow.arriving(index)
        if isinstance(step, Loop) and step.until is not None:
            early |= (references(step.until) & recorded) - flow.returning(index)
        for name in sorted(early):
            text = f"step {index} uses `{name}` on a way on which it was not recorded"
            found.append(error("I0825", text, step.span))
    return tuple(found)


def _used_at_once(step: Step) -> Names:
    """What a step looks at whenever it is reached; a loop's `until` is looked at only after a round."""
    names = frozenset({step.variable}) if isinstance(step, Classify) else frozenset()
    until = step.until if isinstance(step, Loop) else None
    for operand in operands_of(step):
        if operand.expression is not until:
            names |= references(operand.expression)
    return names


@dataclass(frozen=True, slots=True)
class _Flow:
    """What is recorded on every path through an edge."""

    entry: int
    known: Mapping[_Edge, Names]
    entering: Mapping[int, tuple[_Edge, ...]]
    bodies: Mapping[int, set[int]]
    sure: frozenset[int]  # loops that run at least once

    def arriving(self, index: int) -> Names:
        """What is recorded whenever a step is reached."""
        ways = [self.known[edge] for edge in self.entering.get(index, ())]
        return _common(ways + ([frozenset()] if index == self.entry else []))

    def returning(self, head: int) -> Names:
        """What is recorded whenever a round of a loop is done."""
        return _common([self.known[edge] for edge in self.entering[head] if edge[0] in self.bodies[head]])


def _common(ways: list[Names]) -> Names:
    return frozenset.intersection(*ways) if ways else frozenset()


def _flow_of(plan: Plan, recorded: Names) -> _Flow:
    """The greatest fixed point: everything is thought known everywhere, until a path shows that it is not."""
    edges = [(index, target) for index, step in enumerate(plan.steps) for target in successors(step)]
    entering: dict[int, tuple[_Edge, ...]] = {}
    for edge in edges:
        entering[edge[1]] = (*entering.get(edge[1], ()), edge)
    known = dict.fromkeys(edges, recorded)
    flow = _Flow(plan.entry, known, entering, loop_regions(plan), _sure_loops(plan))
    pending = list(range(len(plan.steps)))
    while pending:
        index = pending.pop()
        step = plan.steps[index]
        for target in successors(step):
            passed = _passed(flow, index, step, target)
            if known[index, target] != passed:
                known[index, target] = passed
                pending.append(target)
    return flow


def _sure_loops(plan: Plan) -> frozenset[int]:
    """Loops whose count is never zero, whatever is chosen."""
    box = box_of(plan.variables)
    counts = {
        index: interval(step.count, box) for index, step in enumerate(plan.steps) if isinstance(step, Loop)
    }
    return frozenset(index for index, count in counts.items() if count is not None and count[0] >= 1)


def _passed(flow: _Flow, index: int, step: Step, target: int) -> Names:
    match step:
        case Record(variable) if target == step.next:
            return flow.arriving(index) | {variable}
        case Loop() if target == step.exit and index in flow.sure:
            return flow.returning(index)
        case _:
            return flow.arriving(index)
