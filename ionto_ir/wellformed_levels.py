"""The planned current at each step, followed through the graph: ramps meet, and zero is where it must be.

The level is followed as an expression. Where two paths meet with different levels it is unknown, and then
only a ramp may follow.
"""

from __future__ import annotations

from ionto_ir.dataclass import dataclass
from ionto_ir.diagnostic import Diagnostic, error
from ionto_ir.expression import ZERO, Constant, Expression
from ionto_ir.plan import (
    Confirm,
    Demand,
    Finish,
    Hold,
    Instruct,
    Loop,
    Move,
    Plan,
    Ramp,
    Record,
    Reverse,
    Slope,
    Step,
    UntilTotal,
    Wait,
    successors,
)


@dataclass(frozen=True, slots=True)
class _Level:
    """The planned magnitude (None: it depends on the path) and the signs it may have when it is not zero."""

    magnitude_na: Expression | None
    signs: frozenset[bool]


_OFF = _Level(ZERO, frozenset())


def level_problems(plan: Plan) -> tuple[Diagnostic, ...]:
    """Steps that do not fit the current at which they begin (I0826). The graph must be sound."""
    levels = _levels(plan)
    found = []
    for index, step in enumerate(plan.steps):
        for problem in (_step_problem(step, levels[index]), _descent_problem(plan, step)):
            if problem is not None:
                found.append(error("I0826", f"step {index} {problem}", step.span))
    return tuple(found)


def _levels(plan: Plan) -> dict[int, _Level]:
    """The level at which each step begins. Levels only become less known, so this ends."""
    levels = {plan.entry: _OFF}
    pending = [plan.entry]
    while pending:
        index = pending.pop()
        step = plan.steps[index]
        after = _after(step, levels[index])
        for target in successors(step):
            joined = _joined(levels[target], after) if target in levels else after
            if levels.get(target) != joined:
                levels[target] = joined
                pending.append(target)
    return levels


def _after(step: Step, level: _Level) -> _Level:
    if isinstance(step, Ramp):
        return _OFF if step.target_na == ZERO else _Level(step.target_na, frozenset({step.reversed}))
    return level


def _joined(one: _Level, other: _Level) -> _Level:
    same = one.magnitude_na == other.magnitude_na
    return _Level(one.magnitude_na if same else None, one.signs | other.signs)


def _step_problem(step: Step, level: _Level) -> str | None:
    match step:
        case Ramp():
            return _ramp_problem(step, level)
        case Hold(level_na):
            held = level.magnitude_na
            return None if held == level_na else "holds another current than the one it begins at"
        case Demand(basal_na=basal_na):
            at_basal = level.magnitude_na == basal_na
            return None if at_basal else "stands by at another current than the one it begins at"
        case Reverse():
            return None if level.magnitude_na == ZERO else "reverses the polarity while current flows"
        case Wait() | Confirm() | Instruct() | Record() | Move() | Finish():
            return None if level.magnitude_na == ZERO else "needs the output off, and current flows"
        case Loop(_, _, _, period) if period is not None and level.magnitude_na != ZERO:
            return "waits for its period while current flows"
        case _:
            return None


def _ramp_problem(step: Ramp, level: _Level) -> str | None:
    if level.magnitude_na not in (None, step.start_na):
        return "is planned to start from another current than the one it begins at"
    if level.signs - {step.reversed}:
        # Also on its way to zero a current keeps its sign: one of the other sign was never there.
        if step.target_na == ZERO:
            return "comes down with another sign than the current may have"
        return "passes through zero; ramp to zero first"
    moves = step.start_na != step.target_na
    if moves and (_not_positive(step.slope.delta_na) or _not_positive(step.slope.over_ms)):
        return "never reaches its target"
    return None


def _not_positive(expression: Expression) -> bool:
    return isinstance(expression, Constant) and expression.value <= 0


def _descent_problem(plan: Plan, step: Step) -> str | None:
    """`until total` looks ahead at exactly the ramp to zero that follows it, if one does."""
    if not isinstance(step, Hold) or not isinstance(step.until, UntilTotal):
        return None
    following = plan.steps[step.next]
    descent: Slope | None = None
    if isinstance(following, Ramp) and following.target_na == ZERO:
        descent = following.slope
    return (
        None if step.until.descent == descent else "looks ahead at another descent than the one that follows"
    )
