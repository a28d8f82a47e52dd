"""What must hold of blocks of doses on demand, and of waveforms, beyond the graph and the levels."""

from __future__ import annotations

from collections.abc import Iterator

from ionto_ir.diagnostic import Diagnostic, error
from ionto_ir.expression import ZERO, Constant, Expression
from ionto_ir.plan import Branch, Demand, Hold, Loop, Plan, Ramp, Wait
from ionto_ir.waveform import fault_of
from ionto_ir.wellformed_graph import loop_regions


def dose_problems(plan: Plan) -> Iterator[Diagnostic]:
    """What is wrong with a block (I0823) or a waveform (I0827). The graph must be sound."""
    regions = loop_regions(plan)
    inside = {index for body in regions.values() for index in body}
    buttons: set[str] = set()
    for index, step in enumerate(plan.steps):
        if isinstance(step, Ramp | Hold) and step.waveform is not None:
            fault = fault_of(step.waveform)
            if fault is not None:
                yield error("I0827", f"step {index}: {fault}", step.span)
        if not isinstance(step, Demand):
            continue
        problems = [
            "is repeated or given on demand itself" if index in inside else None,
            "has a button of a name that is taken" if step.text in buttons else None,
            *(_body_problem(plan, step, inner) for inner in sorted(regions[index])),
            *(_number_problem(part) for part in _numbers(step)),
        ]
        buttons.add(step.text)
        for problem in problems:
            if problem is not None:
                yield error("I0823", f"the block on demand at step {index} {problem}", step.span)


def _body_problem(plan: Plan, step: Demand, index: int) -> str | None:
    inner = plan.steps[index]
    if isinstance(inner, Wait) and step.basal_na != ZERO:
        return "has a wait with the output off above its basal current"
    moves = isinstance(inner, Ramp | Hold | Wait | Branch | Loop)
    return None if moves else "waits for a person or turns the polarity in a dose"


def _numbers(step: Demand) -> tuple[Expression, ...]:
    rules = (part for rule in step.rules for part in (rule.count, rule.window_ms))
    return (step.count, step.within_ms, *rules)


def _number_problem(expression: Expression) -> str | None:
    """A number that is fixed is more than nothing."""
    nothing = isinstance(expression, Constant) and expression.value <= 0
    return "has a number or a time of nothing" if nothing else None
