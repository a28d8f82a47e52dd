"""The plan as a graph: where steps lead, and that every run comes to an end.

Why every run ends: take away from the graph the edges by which a loop enters its body. If what is left has no
cycle, no run is endless. For an endless run goes through some set of edges again and again; a loop that
enters its body endlessly must also leave endlessly, because its counter is bounded and is reset only on
leaving; so every step of that set has an edge in it that was not taken away, and a finite graph like that has
a cycle.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable

from ionto_ir.diagnostic import Diagnostic, error
from ionto_ir.plan import (
    Demand,
    Finish,
    Hold,
    Loop,
    Plan,
    Ramp,
    Reverse,
    Section,
    Step,
    Wait,
    successors,
)

_ORDER = {Section.BEFORE: 0, Section.SESSION: 1, Section.AFTER: 2}


def graph_problems(plan: Plan) -> tuple[Diagnostic, ...]:
    """What is wrong with the order of the steps (I0823); until this is empty, nothing may walk the graph."""
    count = len(plan.steps)
    if not 0 <= plan.entry < count:
        return (error("I0823", "the plan does not begin at one of its steps", plan.span),)
    astray = [
        error("I0823", f"step {index} leads to step {target}, which does not exist", step.span)
        for index, step in enumerate(plan.steps)
        for target in successors(step)
        if not 0 <= target < count
    ]
    if astray:
        return tuple(astray)
    found = [*_counters(plan), *_reachability(plan), *_sections(plan)]
    found += _termination(plan)
    if not found:
        found += _nesting(plan)
    return tuple(found)


def _counters(plan: Plan) -> list[Diagnostic]:
    """Each loop has a counter of its own."""
    found, taken = [], set()
    for index, step in enumerate(plan.steps):
        if isinstance(step, Loop):
            if not 0 <= step.counter < plan.counters or step.counter in taken:
                found.append(error("I0823", f"step {index} does not have a counter of its own", step.span))
            taken.add(step.counter)
    if plan.counters != len(taken) and not found:
        found.append(error("I0823", "the plan has counters that no loop counts with", plan.span))
    return found


def reachable(plan: Plan, starts: Iterable[int], avoiding: Collection[int] = ()) -> set[int]:
    """The steps that can be reached from `starts` (which count) without passing through those to avoid."""
    seen: set[int] = set()
    pending = [start for start in starts if start not in avoiding]
    while pending:
        index = pending.pop()
        if index in seen:
            continue
        seen.add(index)
        pending.extend(target for target in successors(plan.steps[index]) if target not in avoiding)
    return seen


def _reachability(plan: Plan) -> list[Diagnostic]:
    """Every step is led to, and leads on to an end."""
    live = reachable(plan, [plan.entry])
    ending = _leading_to_an_end(plan)
    found = []
    for index, step in enumerate(plan.steps):
        if index not in live:
            found.append(error("I0823", f"nothing leads to step {index}", step.span))
        elif index not in ending:
            found.append(error("I0823", f"step {index} never comes to an end of the treatment", step.span))
    return found


def _leading_to_an_end(plan: Plan) -> set[int]:
    before: dict[int, list[int]] = {}
    for index, step in enumerate(plan.steps):
        for target in successors(step):
            before.setdefault(target, []).append(index)
    pending = [index for index, step in enumerate(plan.steps) if isinstance(step, Finish)]
    seen: set[int] = set()
    while pending:
        index = pending.pop()
        if index not in seen:
            seen.add(index)
            pending.extend(before.get(index, ()))
    return seen


def _sections(plan: Plan) -> list[Diagnostic]:
    """Before comes first and after comes last; current flows in the session only."""
    found = []
    for index, step in enumerate(plan.steps):
        if isinstance(step, Ramp | Hold | Reverse | Wait | Demand) and step.section is not Section.SESSION:
            found.append(error("I0823", f"step {index} belongs into the session", step.span))
        for target in successors(step):
            if _ORDER[plan.steps[target].section] < _ORDER[step.section]:
                text = f"step {index} leads back from `{step.section.value}` to an earlier section"
                found.append(error("I0823", text, step.span))
    return found


def _without_bodies(step: Step) -> tuple[int, ...]:
    return (step.exit,) if isinstance(step, Loop | Demand) else successors(step)


def _termination(plan: Plan) -> list[Diagnostic]:
    """Steps on a cycle that passes through no body of a counted loop."""
    left = dict.fromkeys(range(len(plan.steps)), 0)
    for step in plan.steps:
        for target in _without_bodies(step):
            left[target] += 1
    # Steps that nothing leads to are taken away until none is left; what stays lies behind a cycle.
    free = [index for index, entering in left.items() if entering == 0]
    done = 0
    while free:
        done += 1
        for target in _without_bodies(plan.steps[free.pop()]):
            left[target] -= 1
            if left[target] == 0:
                free.append(target)
    if done == len(plan.steps):
        return []
    first = min(index for index, entering in left.items() if entering)
    return [error("I0823", f"step {first} can be repeated without end", plan.steps[first].span)]


def loop_regions(plan: Plan) -> dict[int, set[int]]:
    """For the index of each loop, its body: what is reached from there before the loop is again."""
    return {
        index: {
            inner
            for inner in reachable(plan, [step.body], (index,))
            if not isinstance(plan.steps[inner], Finish)
        }
        for index, step in enumerate(plan.steps)
        if isinstance(step, Loop | Demand)
    }


def loops_around(plan: Plan) -> dict[int, tuple[int, ...]]:
    """For the index of each step, the heads of the loops whose body it is in (a head is in its own loop)."""
    around: dict[int, tuple[int, ...]] = {}
    for head, body in loop_regions(plan).items():
        for index in body | {head}:
            around[index] = (*around.get(index, ()), head)
    return around


def _nesting(plan: Plan) -> list[Diagnostic]:
    """A body is entered only through the head of its loop, and returns to it."""
    found = []
    for head, body in loop_regions(plan).items():
        loop = plan.steps[head]
        outside = [index for index in range(len(plan.steps)) if index not in body and index != head]
        entered = any(target in body for index in outside for target in successors(plan.steps[index]))
        returns = any(head in successors(plan.steps[index]) for index in body)
        exits_inside = isinstance(loop, Loop | Demand) and loop.exit in body
        if entered or exits_inside or not returns or plan.entry in body:
            text = f"the repetition at step {head} is entered or left other than through its beginning"
            found.append(error("I0823", text, loop.span))
    return found
