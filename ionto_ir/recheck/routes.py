"""The ways through a plan, each as the steps that follow each other, with repetitions kept together."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice
from typing import TypeAlias

from ionto_ir.dataclass import dataclass
from ionto_ir.plan import Branch, Confirm, Demand, Finish, Instruct, Loop, Move, Plan, Record
from ionto_ir.recheck.polynomial import BeyondError

ROUTES_MAX = 64
"""Ways that are followed one by one; each asks questions of its own."""

STEPS_MAX = 3_000
"""Steps of one way: longer plans are beyond what anybody reviews."""


@dataclass(frozen=True, slots=True)
class Again:
    """A repetition: its head, and the way that every one of its rounds takes."""

    head: int
    body: Route


Route: TypeAlias = tuple[int | Again, ...]
"""Steps by index, and repetitions."""


def routes_of(plan: Plan) -> tuple[Route, ...]:
    """Every way from the entry to an end. Raises BeyondError.

    The rounds of a repetition may take different ways. What they add up to is at most what as many rounds of
    the costliest one add up to, so it is enough to look at rounds that all take the same.
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
            case Loop():
                for body in _routes(plan, step.body, index, depth + 1):
                    for rest in _routes(plan, step.exit, head, depth + 1):
                        yield (*before, Again(index, body), *rest)
                return
            case Demand():
                raise BeyondError("doses on demand")
            case Confirm() | Instruct() | Record() | Move() if step.late is not None:
                for target in (step.next, step.late):
                    for rest in _routes(plan, target, head, depth + 1):
                        yield (*before, index, *rest)
                return
            case _:
                before.append(index)
                index = step.next
    yield tuple(before)
