"""The ways through a plan, each as the steps that follow each other, with repetitions kept together."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice
from typing import TypeAlias

from ionto_ir.dataclass import dataclass
from ionto_ir.expression import references
from ionto_ir.plan import (
    Branch,
    Confirm,
    Demand,
    Finish,
    Instruct,
    Loop,
    Move,
    Plan,
    Record,
    VariableKind,
)
from ionto_ir.recheck.polynomial import BeyondError

ROUTES_MAX = 64
"""Ways that are followed one by one; each asks questions of its own."""

STEPS_MAX = 3_000
"""Steps of one way: longer plans are beyond what anybody reviews."""


@dataclass(frozen=True, slots=True)
class Again:
    """A repetition, or a block of doses: its head, the way that its costliest rounds take, and every way that
    others among them may take.
    """

    head: int
    body: Route
    ways: tuple[Route, ...]


Route: TypeAlias = tuple[int | Again, ...]
"""Steps by index, and repetitions."""


def routes_of(plan: Plan) -> tuple[Route, ...]:
    """Every way from the entry to an end. Raises BeyondError.

    What the rounds of a repetition add up to is at most what as many rounds of the costliest one add up to;
    but the way of one that is paused, or stopped, may be another one.
    """
    found = tuple(islice(_routes(plan, plan.entry, None, 0), ROUTES_MAX + 1))
    if len(found) > ROUTES_MAX:
        raise BeyondError("more ways through the plan than are followed one by one")
    return found


def _routes(plan: Plan, index: int, head: int | None, depth: int) -> Iterator[Route]:
    """The ways from a step to an end, or back to the head of the repetition that it is in."""
    if depth > STEPS_MAX:
        raise BeyondError("more steps than are followed")
    before: list[int | Again] = []
    while index != head:
        if len(before) > STEPS_MAX:
            raise BeyondError("more steps than are followed")
        step = plan.steps[index]
        match step:
            case Finish():
                yield tuple(before)
                return
            case Branch():
                for target in (step.then, step.otherwise):
                    for rest in _routes(plan, target, head, depth + 1):
                        yield (*before, *rest)
                return
            case Loop() | Demand():
                bodies = tuple(islice(_routes(plan, step.body, index, depth + 1), ROUTES_MAX + 1))
                alike = not _parts_ways(plan, bodies)
                for body in bodies:
                    again = Again(index, body, (body,) if alike else bodies)
                    for rest in _routes(plan, step.exit, head, depth + 1):
                        yield (*before, again, *rest)
                return
            case Confirm() | Instruct() | Record() | Move() if step.late is not None:
                for target in (step.next, step.late):
                    for rest in _routes(plan, target, head, depth + 1):
                        yield (*before, index, *rest)
                return
            case _:
                before.append(index)
                index = step.next
    yield tuple(before)


def _parts_ways(plan: Plan, bodies: tuple[Route, ...]) -> bool:
    """Whether one round may take another way than the next: where a condition is about what changes."""
    if len(bodies) < 2:
        return False
    changing = {item.name for item in plan.variables if item.adjustable or item.kind is VariableKind.RECORD}
    people = any(
        isinstance(step, Confirm | Instruct | Record | Move) and step.late is not None for step in plan.steps
    )
    conditions = [step.condition for step in plan.steps if isinstance(step, Branch)]
    return people or any(changing & references(condition) for condition in conditions)
