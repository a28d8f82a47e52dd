"""People who are waited for with a bound, electrodes that move, and repetitions that a time bounds."""

from __future__ import annotations

import pytest

from ionto_ir.bind import bind
from ionto_ir.bound import BoundPlan
from ionto_ir.dataclass import replace
from ionto_ir.events import Confirm, Enter, Pause, Prompt, Refused, Resume
from ionto_ir.expression import Constant
from ionto_ir.features import features_of
from ionto_ir.limits import LimitKind
from ionto_ir.plan import Finish, Instruct, Loop, Move, Record, Section
from ionto_ir.state import Mode, Phase
from tests.golden.everything import everything
from tests.ir.binding import complaint
from tests.ir.sessions import MA, SECOND, SPAN, SWEATING, Bedside, begun, finish, plan_of, pulse
from tests.treatments import Fixed, Keep, Leg, Over, Tell, Treatment, limit
from tests.treatments import Move as Rise
from tests.treatments import plan_of as plan_from

LEG = Leg(Rise(Fixed(MA), Over(10_000)), (Keep("time", 10_000),), Over(10_000))
LATE = Finish("nobody came", False, Section.AFTER, SPAN)


def asked(step: Instruct | Record | Move, **changes: object) -> Bedside:
    """A pulse, then somebody is asked, then another pulse; the session where it asks first."""
    plan = plan_of((*pulse(0, 3), step, *pulse(4, 7), finish(), LATE), **changes)
    bedside = begun(plan)
    while bedside.state.place.phase is not Phase.PROMPT:
        bedside.ticks(1)
    return bedside


@pytest.mark.parametrize("within_ms", [1_000, 950, 901])
def test_nobody_answers_in_time_and_the_treatment_ends_for_the_stated_reason(within_ms: int) -> None:
    bedside = asked(Instruct("look", 4, Section.SESSION, SPAN, within_ms, 8)).ticks(9)
    assert bedside.state.place.phase is Phase.PROMPT
    bedside.ticks(1)
    assert bedside.state.ended
    assert (bedside.end().reason, bedside.end().completed) == ("nobody came", False)


def test_the_last_moment_is_early_enough_and_later_is_refused() -> None:
    bedside = asked(Instruct("look", 4, Section.SESSION, SPAN, 1_000, 8)).ticks(9)
    bedside.do(Confirm())
    assert bedside.ticks(1).state.mode is Mode.ON
    late = asked(Instruct("look", 4, Section.SESSION, SPAN, 1_000, 8)).ticks(10)
    (refused,) = late.do(Confirm())
    assert isinstance(refused, Refused)


def test_time_that_is_paused_is_not_waiting_time() -> None:
    bedside = asked(Instruct("look", 4, Section.SESSION, SPAN, 1_000, 8)).ticks(5)
    bedside.do(Pause())
    bedside.ticks(100).do(Resume())
    assert bedside.ticks(4).state.place.phase is Phase.PROMPT
    assert bedside.ticks(1).state.ended


def test_a_value_that_came_in_time_is_recorded() -> None:
    step = Record("sweating", 4, Section.SESSION, SPAN, 2 * SECOND, 8)
    bedside = asked(step, variables=(SWEATING,)).ticks(10)
    bedside.do(Enter("sweating", 1))
    assert bedside.state.values["sweating"] == 1
    assert bedside.ticks(1).state.mode is Mode.ON


def test_an_electrode_is_moved_by_a_person_who_says_so() -> None:
    plan = everything()
    move = Move(0, "the other heel", 4, Section.SESSION, SPAN)
    bedside = asked(move, electrodes=plan.electrodes)
    prompt = next(item for item in bedside.all(Prompt) if isinstance(item, Prompt))
    assert prompt.text == "Move the active electrode to the other heel"
    bedside.do(Confirm())
    assert bedside.ticks(1).state.mode is Mode.ON


@pytest.mark.parametrize(("within_ms", "rounds"), [(1, 1), (5_000, 1), (6_000, 1), (6_001, 2), (12_001, 3)])
def test_no_round_but_the_first_begins_once_the_time_is_over(within_ms: int, rounds: int) -> None:
    """A pulse takes five seconds and a tick, and one begins every six."""
    loop = Loop(0, Constant(3), None, Constant(6_000), 1, 4, Section.SESSION, SPAN, Constant(within_ms))
    plan = plan_of((loop, *pulse(1, 0), finish()), counters=1)
    bedside = begun(plan).until_end()
    one = begun(plan_of((*pulse(0, 3), finish()))).until_end().nominal_pc()
    assert bedside.nominal_pc() == rounds * one
    assert len(bedside.settings) * 100 <= max(6_000, within_ms + 6_000)


def test_a_repetition_without_period_looks_at_the_clock_when_a_round_is_over() -> None:
    loop = Loop(0, Constant(9), None, None, 1, 4, Section.SESSION, SPAN, Constant(10_000))
    plan = plan_of((loop, *pulse(1, 0), finish()), counters=1)
    one = begun(plan_of((*pulse(0, 3), finish()))).until_end().nominal_pc()
    assert begun(plan).until_end().nominal_pc() == 2 * one


def test_each_of_these_is_a_feature_of_its_own() -> None:
    features = features_of(everything())
    assert {"monitor", "move", "timed loop", "waiting"} <= set(features)


def test_a_session_that_slow_people_would_make_too_long_is_refused() -> None:
    slow = Treatment((LEG, Tell(120_000), LEG), interruptions=0, pause_ms=0)
    plan = replace(plan_from(slow), limits=(limit(LimitKind.DURATION, 150_000, "s"),))
    problem = complaint(plan, {})
    assert (problem.code, problem.notes) == ("I0940", ("the session could take 180 s",))
    apart = replace(limit(LimitKind.DURATION, 150_000, "s"), apart=True)
    assert isinstance(bind(replace(plan, limits=(apart,)), {}), BoundPlan)
