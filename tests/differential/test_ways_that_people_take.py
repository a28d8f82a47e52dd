"""Ways that people take by answering late: nothing says that it is the same elsewhere, or in each round."""

from __future__ import annotations

from itertools import permutations

import pytest

from ionto_ir import expression as terms
from ionto_ir.bind import bind_disarmed
from ionto_ir.dataclass import replace
from ionto_ir.dry_run import answer_to, run
from ionto_ir.events import Event, Pause, Prompt, Resume
from ionto_ir.expression import Expression, Operation, Operator
from ionto_ir.features import features_of
from ionto_ir.limits import LimitKind
from ionto_ir.plan import (
    Course,
    ForTime,
    Hold,
    Instruct,
    IntegerDomain,
    Interruptions,
    Loop,
    Plan,
    Ramp,
    Record,
    Section,
    Slope,
    Step,
    Variable,
    VariableKind,
    Wait,
)
from ionto_ir.state import Mode, State
from ionto_ir.wellformed import check
from tests.differential.test_rounds_that_differ import is_proved
from tests.treatments import HERE, finish, limit, plan_with

MA = 1_000_000
SECOND = 1_000
PLACE = (Section.SESSION, HERE)
ROUNDS, PAUSES = 20, 3


def ask(at: int, late: int) -> Step:
    """A person is waited for, for a second; who is late leads elsewhere."""
    return Instruct("look", at + 1, *PLACE, SECOND, late)


def leg(at: int, na: int, hold_ms: int, then: int) -> tuple[Step, ...]:
    """Up in a second, a hold, and down; from step `at` on."""
    level, slope = terms.integer(na), Slope(terms.integer(na), terms.integer(SECOND))
    return (
        Ramp(level, terms.ZERO, slope, False, at + 1, *PLACE),
        Hold(level, ForTime(terms.integer(hold_ms)), at + 2, *PLACE),
        Ramp(terms.ZERO, level, slope, False, then, *PLACE),
    )


def dosed(plan: Plan, bound_pc: int) -> Plan:
    """The plan under a limit of dose alone."""
    alone = replace(plan, limits=(limit(LimitKind.DOSE, bound_pc, "mA.min", nominal=True),))
    assert check(alone) == ()
    return alone


def three_ways(holds_ms: tuple[int, ...]) -> Plan:
    """Two people in a row may be late: three ways come together at one place, before a last leg."""
    legs = [leg(2 + 3 * number, MA, hold_ms, 11) for number, hold_ms in enumerate(holds_ms)]
    steps = (ask(0, 2), ask(4, 8), *legs[0], *legs[1], *legs[2], *leg(11, MA, 20 * SECOND, 14), finish())
    return plan_with(steps, interruptions=Interruptions(0, SECOND, False, HERE))


@pytest.mark.parametrize("holds_ms", [*permutations((10 * SECOND, 100 * SECOND, 11 * SECOND))])
def test_of_three_ways_that_come_together_none_is_forgotten(holds_ms: tuple[int, ...]) -> None:
    plan = three_ways(holds_ms)
    # At least the longest hold and the last one, and some more for the ramps.
    assert not is_proved(dosed(plan, 120 * MA * SECOND))
    assert is_proved(dosed(plan, 125 * MA * SECOND))


def two_ways(in_time: int, late: int) -> Plan:
    """A leg for who is in time, and another one for who is late: the long one from step 1 on, the other from
    step 4 on.
    """
    asked = Instruct("look", in_time, *PLACE, SECOND, late)
    steps = (asked, *leg(1, MA, 100 * SECOND, 7), *leg(4, MA, 10 * SECOND, 7), finish())
    return plan_with(steps, interruptions=Interruptions(0, SECOND, False, HERE))


@pytest.mark.parametrize(("in_time", "late"), [(1, 4), (4, 1)])
def test_what_is_written_later_does_not_come_later_on_another_way(in_time: int, late: int) -> None:
    plan = two_ways(in_time, late)

    def answers(_: State, prompt: Prompt | None) -> Event | None:
        return answer_to(prompt, {}) if in_time == 1 else None

    most = run(bind_disarmed(dosed(plan, 1), {}), answers).final.machine.nominal_pc
    assert most > 100 * MA * SECOND
    assert not is_proved(dosed(plan, most - 1))
    assert is_proved(dosed(plan, most + 2 * MA * SECOND))


def rounds_by_chance() -> Plan:
    """Rounds at a low current for long, or at a high one whose pauses cost much; a last leg after them."""
    rounds = Loop(0, terms.integer(ROUNDS), None, None, 1, 8, *PLACE)
    ways = (*leg(2, MA, 60 * SECOND, 0), *leg(5, 4 * MA, 10 * SECOND, 0))
    return plan_with(
        (rounds, ask(1, 5), *ways, *leg(8, MA, 1_200 * SECOND, 11), finish()),
        stop_slew_na_s=50_000,
        resume_slew_na_s=50_000,
        interruptions=Interruptions(PAUSES, SECOND, True, HERE),
    )


class Opponent:
    """In time in every round but the last, in which every pause is taken at the high current."""

    def __init__(self) -> None:
        self.pauses = PAUSES

    def __call__(self, state: State, prompt: Prompt | None) -> Event | None:
        place, last = state.place, bool(state.place.rounds) and state.place.rounds[0] == ROUNDS
        if state.mode is Mode.PAUSED:
            return Resume()
        if state.mode is Mode.ON and state.machine.level_na == 4 * MA and place.step == 6 and self.pauses:
            self.pauses -= 1
            return Pause()
        return None if last and place.step == 1 else answer_to(prompt, {})


def test_pauses_may_cost_most_in_another_round_than_most_rounds_are() -> None:
    plan, opponent = rounds_by_chance(), Opponent()
    delivered = run(bind_disarmed(dosed(plan, 1), {}), opponent).final.machine.nominal_pc
    assert opponent.pauses == 0
    assert not is_proved(dosed(plan, delivered - 1))
    assert is_proved(dosed(plan, delivered + delivered // 50))


def in_window(plan: Plan, bound_pc: int) -> Plan:
    """The plan under a limit of dose in any half minute alone."""
    window = limit(LimitKind.DOSE, bound_pc, "mA.min", nominal=True, window_ms=30 * SECOND)
    alone = replace(plan, limits=(window,), course=Course(2, None, 0, (), None, None, HERE))
    alone = replace(alone, requires=features_of(alone))
    assert check(alone) == ()
    return alone


def rest(at: int, duration: Expression, then: int) -> Step:
    """The output is off."""
    return Wait(duration, "rest", then, *PLACE)


def one_after_another() -> Plan:
    """Two legs with a minute between them, unless somebody is late."""
    minute = terms.integer(60 * SECOND)
    first, last = leg(0, MA, 10 * SECOND, 3), leg(5, MA, 10 * SECOND, 8)
    return plan_with(
        (*first, ask(3, 5), rest(4, minute, 5), *last, finish()),
        interruptions=Interruptions(0, SECOND, False, HERE),
    )


def rounds_of_recorded_times() -> Plan:
    """Rounds that last equally long: what is entered says how much of the rest comes before the leg."""
    least = IntegerDomain(0, 30 * SECOND, SECOND, None, "time", "s")
    entered = Variable("least", VariableKind.RECORD, least, "", False, None, HERE)
    before = terms.integer_reference("least")
    after = Operation(Operator.SUBTRACT, (terms.integer(30 * SECOND), before))
    steps = (
        Loop(0, terms.integer(3), None, None, 1, 7, *PLACE),
        Record("least", 2, *PLACE, SECOND, 7),
        rest(2, before, 3),
        *leg(3, MA, 10 * SECOND, 6),
        rest(6, after, 0),
        finish(),
    )
    return plan_with(steps, variables=(entered,), interruptions=Interruptions(0, SECOND, False, HERE))


@pytest.mark.parametrize("plan", [one_after_another(), rounds_of_recorded_times()])
def test_where_ways_differ_two_legs_may_share_a_window(plan: Plan) -> None:
    # Each leg is 11 mA.s.
    assert not is_proved(in_window(plan, 20 * MA * SECOND))
    assert is_proved(in_window(plan, 60 * MA * SECOND))
