"""Features: the parts of the plan that a smaller reader may lack, so that it can refuse what it cannot run.

A plan's `requires` names exactly the features it uses. A reader refuses a plan that requires a feature it
does not know, before it looks at anything else.
"""

from __future__ import annotations

from ionto_ir.device import ALL
from ionto_ir.limits import LimitKind
from ionto_ir.plan import (
    Branch,
    Classify,
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
)

ADJUST = "adjust"
BRANCH = "branch"
CLASSIFY = "classify"
CHOSEN_POLE = "chosen pole"
COURSE = "course"
DEMAND = "demand"
EARLY_FINISH = "early finish"
ELECTRODE_SUMS = "electrode sums"
LOOP = "loop"
MONITOR = "monitor"
MOVE = "move"
RECORD = "record"
REVERSE = "reverse"
SPLIT = "split"
TIMED_LOOP = "timed loop"
WAITING = "waiting"
WAVEFORM = "waveform"

KNOWN_FEATURES = frozenset(
    {
        ADJUST,
        BRANCH,
        CHOSEN_POLE,
        CLASSIFY,
        COURSE,
        DEMAND,
        EARLY_FINISH,
        ELECTRODE_SUMS,
        LOOP,
        MONITOR,
        MOVE,
        RECORD,
        REVERSE,
        SPLIT,
        TIMED_LOOP,
        WAITING,
        WAVEFORM,
    }
)


def features_of(plan: Plan) -> tuple[str, ...]:
    """What `requires` of this plan must say: the features it uses, in alphabetical order."""
    found: set[str] = set()
    for step in plan.steps:
        match step:
            case Branch():
                found.add(BRANCH)
            case Classify():
                found.add(CLASSIFY)
            case Demand():
                found.add(DEMAND)
            case Ramp() | Hold() if step.waveform is not None:
                found.add(WAVEFORM)
            case Finish(_, completed):
                found |= set() if completed else {EARLY_FINISH}
            case Loop():
                found |= {LOOP} if step.within_ms is None else {LOOP, TIMED_LOOP}
            case Record():
                found.add(RECORD)
            case Move():
                found.add(MOVE)
            case Reverse():
                found.add(REVERSE)
            case _:
                pass
    if any(
        isinstance(step, Confirm | Instruct | Record | Move) and step.late is not None for step in plan.steps
    ):
        found.add(WAITING)
    if plan.monitors:
        found.add(MONITOR)
    if any(variable.adjustable for variable in plan.variables):
        found.add(ADJUST)
    if plan.course is not None:
        found.add(COURSE)
    if plan.pole is not None:
        found.add(CHOSEN_POLE)
    if any(electrode.split != ALL for electrode in plan.electrodes):
        found.add(SPLIT)
    if any(limit.per_electrode and limit.kind is not LimitKind.DENSITY for limit in plan.limits):
        found.add(ELECTRODE_SUMS)
    return tuple(sorted(found))
