"""Features: the parts of the plan that a smaller reader may lack, so that it can refuse what it cannot run.

A plan's `requires` names exactly the features it uses. A reader refuses a plan that requires a feature it
does not know, before it looks at anything else.
"""

from __future__ import annotations

from ionto_ir.course import Course
from ionto_ir.device import ALL
from ionto_ir.limits import LimitKind
from ionto_ir.parts import turns_of
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
CALENDAR = "calendar"
CLASSIFY = "classify"
CHANNELS = "channels"
CHOSEN_POLE = "chosen pole"
COURSE = "course"
DEMAND = "demand"
EARLY_FINISH = "early finish"
ELECTRODE_SUMS = "electrode sums"
LOOP = "loop"
MEMORY = "memory"
MONITOR = "monitor"
MOVE = "move"
PHASES = "phases"
RECORD = "record"
REVERSE = "reverse"
SITE = "site"
SPLIT = "split"
TIMED_LOOP = "timed loop"
TURNS = "turns"
WAITING = "waiting"
WAVEFORM = "waveform"

KNOWN_FEATURES = frozenset(
    {
        ADJUST,
        BRANCH,
        CALENDAR,
        CHANNELS,
        CHOSEN_POLE,
        CLASSIFY,
        COURSE,
        DEMAND,
        EARLY_FINISH,
        ELECTRODE_SUMS,
        LOOP,
        MEMORY,
        MONITOR,
        MOVE,
        PHASES,
        RECORD,
        REVERSE,
        SITE,
        SPLIT,
        TIMED_LOOP,
        TURNS,
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
        found |= _of_course(plan.course)
    if plan.channels:
        found.add(CHANNELS)
    if any(turns_of(channel.steps) for channel in plan.channels):
        found.add(TURNS)
    if plan.pole is not None:
        found.add(CHOSEN_POLE)
    if any(electrode.split != ALL for electrode in plan.electrodes):
        found.add(SPLIT)
    if any(limit.per_electrode and limit.kind is not LimitKind.DENSITY for limit in plan.limits):
        found.add(ELECTRODE_SUMS)
    sited = any(electrode.site_variable is not None for electrode in plan.electrodes)
    if sited or any(limit.per_site for limit in plan.limits):
        found.add(SITE)
    return tuple(sorted(found))


def _of_course(course: Course) -> set[str]:
    found = {COURSE}
    if course.phases:
        found.add(PHASES)
    if course.memories:
        found.add(MEMORY)
    if course.rest_site_ms:
        found.add(SITE)
    calendar = (course.gap_ms_max, course.length_days)
    if course.gates or course.weekdays or course.days or any(part is not None for part in calendar):
        found.add(CALENDAR)
    return found
