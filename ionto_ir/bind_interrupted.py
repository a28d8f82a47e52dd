"""The most adverse interruptions that a plan allows: at which step, and the script that makes them happen.

Every interruption comes down at the stop slew and rises again. In a ramp and in a hold for a time both are
extra charge; in a hold until a charge they count towards it, and only what overshoots is extra. Among the
steps that run, the one that adds most is interrupted, again and again, at its full level.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from ionto_ir.dry_run import Script, answer_to
from ionto_ir.events import Event, Pause, Prompt, Resume
from ionto_ir.expression import Expression, Undefined, Value, evaluate
from ionto_ir.plan import ForTime, Hold, Plan, Ramp, Step
from ionto_ir.state import Mode, State


def worst_step(plan: Plan, steps: Iterable[int], environment: Mapping[str, Value]) -> tuple[int, int] | None:
    """The step where an interruption adds most charge, and its level in nA; None when nothing flows."""
    ranked = [
        (_added_pc(plan, plan.steps[index], level, environment), level, -index)
        for index in steps
        if (level := _full_level(plan.steps[index], environment)) > 0
    ]
    if not ranked:
        return None
    _, level, index = max(ranked)
    return -index, level


def _full_level(step: Step, environment: Mapping[str, Value]) -> int:
    """The level at which a step can be interrupted at most; a falling ramp begins where the step before it
    was.
    """
    match step:
        case Hold(level_na):
            return _integer(level_na, environment)
        case Ramp(target_na, start_na):
            target = _integer(target_na, environment)
            return target if target > _integer(start_na, environment) else 0
        case _:
            return 0


def _added_pc(plan: Plan, step: Step, level_na: int, environment: Mapping[str, Value]) -> int:
    """A close measure of the charge that one interruption adds at the full level: two triangles, or none."""
    fall = level_na * level_na * 1000 // (2 * plan.stop_slew_na_s)
    match step:
        case Ramp(_, _, slope):
            rise_na, over_ms = _integer(slope.delta_na, environment), _integer(slope.over_ms, environment)
            return fall + level_na * level_na * over_ms // max(1, 2 * rise_na)
        case Hold(_, ForTime(duration_ms)):
            rise = level_na * level_na * 1000 // (2 * plan.resume_slew_na_s)
            return fall + rise if _integer(duration_ms, environment) > 0 else 0
        case _:
            return 0


def _integer(expression: Expression, environment: Mapping[str, Value]) -> int:
    found = evaluate(expression, environment)
    assert not isinstance(found, Undefined), "the way through the plan was looked at before"
    return int(found)


class Interrupter:
    """A script that pauses at a step's full level as often as the plan allows, and resumes at once.

    `paused_ms` sums up how long the pauses lasted.
    """

    def __init__(self, plan: Plan, answers: Mapping[str, Value], step: int, level_na: int) -> None:
        self._plan = plan
        self._answers = answers
        self._step = step
        self._level_na = level_na
        self.pauses = 0
        self.paused_ms = 0

    def script(self) -> Script:
        """The script, to be used for one run."""
        return self._happens

    def _happens(self, state: State, prompt: Prompt | None) -> Event | None:
        machine = state.machine
        if machine.mode is Mode.PAUSED:
            self.paused_ms += machine.pause_ms
            return Resume()
        at_full_level = state.place.step == self._step and machine.level_na == self._level_na
        if machine.mode is Mode.ON and at_full_level and self.pauses < self._plan.interruptions.count_max:
            self.pauses += 1
            return Pause()
        return answer_to(prompt, self._answers)
