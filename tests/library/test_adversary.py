"""Somebody who keeps moving the knob: a proved treatment is never kept safe by the interlock alone."""

from __future__ import annotations

import pytest

from ionto_dsl.driver import compile_file
from ionto_ir.bind import Refusal, bind
from ionto_ir.dry_run import answer_to, run, usual_value
from ionto_ir.events import Adjust, Event, Pause, Prompt, PromptKind, Resume
from ionto_ir.ordinary import ordinary_values
from ionto_ir.plan import Ramp, VariableKind
from ionto_ir.state import State

LOW_NA, HIGH_NA = 5_000_000, 20_000_000
TURN_NA = 1_000_000
"""How close to the end of a ramp the adversary turns round."""


PLAN = compile_file("treatments.palmar_hyperhidrosis_tap_water").plans[0].plan
RECORDS = {item.name: usual_value(item) for item in PLAN.variables if item.kind is VariableKind.RECORD}


class Chaser:
    """Turns the current down just before a ramp is done, and up again as soon as that is taken."""

    def __init__(self, pauses: int) -> None:
        self.pauses = pauses
        self.turns = 0

    def happens(self, state: State, prompt: Prompt | None) -> Event | None:
        """The next thing that the adversary does."""
        if prompt is not None and prompt.kind is PromptKind.RESUME:
            return Resume()
        answer = answer_to(prompt, RECORDS)
        if answer is not None:
            return answer
        level, wish = state.machine.level_na, state.values["current"]
        in_ramp = isinstance(PLAN.steps[state.place.step], Ramp)
        if wish == HIGH_NA and level >= HIGH_NA - TURN_NA and in_ramp:
            self.turns += 1
            return Adjust("current", LOW_NA)
        if wish == LOW_NA:
            return Adjust("current", HIGH_NA)
        if self.pauses and level == HIGH_NA and not in_ramp:
            self.pauses -= 1
            return Pause()
        return None


@pytest.mark.parametrize("pauses", [0, 1, 4])
def test_chasing_a_ramp_does_not_prolong_it_nor_bring_the_interlock_in(pauses: int) -> None:
    area_um2 = 200 * 10**8
    given = {"active.area": area_um2, "return.area": area_um2, "current": HIGH_NA, "half": 12 * 60_000}
    bound = bind(PLAN, ordinary_values(PLAN, given))
    assert not isinstance(bound, Refusal)
    chaser = Chaser(pauses)
    done = run(bound, chaser.happens)
    assert chaser.turns >= 2
    assert chaser.pauses == 0
    assert (done.alarms, done.ending is not None and done.ending.completed) == ((), True)
