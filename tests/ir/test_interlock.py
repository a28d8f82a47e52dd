"""The interlock judges for itself: what the table would let through by mistake, it does not."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from ionto_ir.bound import BoundPlan, Constants
from ionto_ir.compile_machine import Outcome, Rules
from ionto_ir.dataclass import replace
from ionto_ir.events import (
    Ack,
    Alarm,
    DeviceFault,
    FaultKind,
    LinkBack,
    LinkLost,
    OutputOff,
    Pause,
    Recovered,
    Resume,
    SetCurrent,
    Tick,
)
from ionto_ir.executor import start
from ionto_ir.interlock import OFF, Interlock, Watch
from ionto_ir.machine_terms import EventKind
from ionto_ir.state import Machine, Mode
from tests.ir.sessions import MA, MINUTE, SECOND, Bedside, begun, bound_of, timed_plan, usual_plan


def _interlock(**changes: int | bool) -> Interlock:
    return Interlock(bound_of(usual_plan(), {"current": 2 * MA}, **changes).constants)


def _judged(
    interlock: Interlock,
    before: Watch,
    output_na: int | None,
    driving: bool = True,
    acknowledged: bool = True,
    measured_na: int = 0,
) -> str | None:
    """The complaint about a tick, if the ledgers are claimed as the interlock counts them."""
    claimed = interlock.tick(before, measured_na, acknowledged, output_na, None, driving, 0, 0)[0]
    ledgers = interlock.upper_pc(claimed)[0], interlock.nominal_pc(claimed)
    return interlock.tick(before, measured_na, acknowledged, output_na, None, driving, *ledgers)[1]


READY = Watch(begun=True)
AT_1_MA = Watch(begun=True, last_na=MA, doubt_na=MA, ticks_on=10, sum_na=10 * MA, ticks_since_start=10)


# --- what it objects to -----------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("watch", "current_na", "constants", "complaint"),
    [
        (Watch(), 10_000, {}, "outside of a session"),
        (READY._replace(over=True), 10_000, {}, "outside of a session"),
        (READY, 10_000, {"screened": False}, "outside of a session"),
        (READY, 5_000, {}, "cannot be set"),
        (AT_1_MA, MA + 10_000, {"current_cap_na": MA}, "cannot be set"),
        (READY, 120_000, {}, "jumps"),
        (AT_1_MA, MA + 120_000, {}, "jumps"),
        (AT_1_MA, MA - 120_000, {}, "jumps"),
        (AT_1_MA, -MA, {}, "polarity"),
        (AT_1_MA, MA, {"cap_pc": 1_600_000_000}, "dose would pass"),
        (AT_1_MA, MA, {"cap_nominal_pc": 1_500_000_000}, "nominal dose would pass"),
        (AT_1_MA, MA, {"duration_cap_ms": 3 * SECOND}, "too long"),
    ],
)
def test_a_setting_that_breaks_a_rule_is_objected_to(
    watch: Watch, current_na: int, constants: dict[str, int | bool], complaint: str
) -> None:
    said = _judged(_interlock(**constants), watch, current_na)
    assert said is not None and complaint in said


def test_a_setting_that_keeps_all_rules_is_let_through() -> None:
    interlock = _interlock()
    assert _judged(interlock, READY, 50_000) is None
    assert _judged(interlock, AT_1_MA, MA + 50_000) is None
    assert _judged(interlock, READY, -50_000) is None
    assert _judged(interlock, AT_1_MA, MA, acknowledged=False) is None


def test_a_rise_without_confirmation_is_objected_to() -> None:
    assert _judged(_interlock(), AT_1_MA, MA + 10_000, acknowledged=False) is not None


def test_the_other_polarity_has_its_own_cap() -> None:
    interlock = _interlock(current_cap_reversed_na=20_000)
    assert _judged(interlock, READY, 30_000) is None
    assert _judged(interlock, READY, -30_000) is not None


def test_a_stop_that_rises_is_objected_to() -> None:
    interlock = _interlock()
    assert _judged(interlock, AT_1_MA, MA + 10_000, driving=False) is not None
    assert _judged(interlock, AT_1_MA, MA - 50_000, driving=False) is None


def test_an_output_that_opens_above_zero_without_a_reason_is_objected_to() -> None:
    interlock = _interlock()
    assert _judged(interlock, AT_1_MA, None) is not None
    assert _judged(interlock, AT_1_MA._replace(last_na=50_000), None) is None
    assert _judged(interlock, AT_1_MA, None, measured_na=interlock.worst_na(MA) + 1) is None


# --- what it counts ---------------------------------------------------------------------------------------
def test_a_stop_is_summed_tick_by_tick() -> None:
    interlock = _interlock()
    levels = [MA - 50_000 * fall for fall in range(1, 20)]
    worst_pc = sum(100 * interlock.worst_na(level) for level in levels)
    assert interlock.stop_of(MA) == (interlock.worst_na(MA), worst_pc, 100 * sum(levels))
    assert interlock.stop_of(50_000)[1:] == interlock.stop_of(0)[1:] == (0, 0)


def test_the_worst_case_is_rounded_up_and_nothing_when_the_output_is_open() -> None:
    interlock = _interlock()
    assert interlock.worst_na(OFF) == 0
    assert interlock.worst_na(0) == 10_000
    assert interlock.worst_na(1) == 1 + 1 + 10_000
    assert interlock.worst_na(MA) == MA + 20_000 + 10_000


def _agrees(bedside: Bedside) -> None:
    machine, watch = bedside.state.machine, bedside.state.watch
    interlock = bedside.bound.interlock
    assert interlock.disagreement(watch, machine.upper_pc, machine.nominal_pc) is None
    assert (
        interlock.disagreement(watch, machine.upper_pc, machine.nominal_pc + 1)
        == "the nominal ledgers differ"
    )
    low, high = interlock.upper_pc(watch)
    assert interlock.disagreement(watch, low - 1, machine.nominal_pc) == "the upper ledgers differ"
    assert interlock.disagreement(watch, high + 1, machine.nominal_pc) == "the upper ledgers differ"


def test_both_ledgers_agree_with_the_machines_through_every_kind_of_event() -> None:
    bedside = begun(usual_plan(), {"current": 2 * MA}).ticks(400)
    bedside.ticks(3, Tick(acknowledged=False))
    bedside.do(Ack(bedside.state.sequence))
    bedside.ticks(10, Tick(measured_na=2 * MA))
    bedside.ticks(1, Tick(measured_na=3 * MA))
    _agrees(bedside)
    for event in (Pause(), DeviceFault(FaultKind.LEAD_OFF), LinkLost(), Recovered(SECOND)):
        bedside.do(event)
        bedside.ticks(60)
        bedside.do(LinkBack())
        bedside.do(Resume())
        bedside.ticks(50, Tick(acknowledged=False))
        bedside.ticks(50)
        _agrees(bedside)
    bedside.until_end()
    _agrees(bedside)
    assert bedside.end().completed


# --- a machine that errs ----------------------------------------------------------------------------------
def _erring(bound: BoundPlan, mode: Mode, kind: EventKind, err: Callable[[Outcome], Outcome]) -> BoundPlan:
    """The same plan on a machine whose rule for one mode and event is wrong."""
    table = [list(rules) for rules in bound.rules.of]
    right = table[mode][kind]
    table[mode][kind] = lambda *arguments: err(right(*arguments))
    wrong = replace(bound)
    object.__setattr__(wrong, "rules", Rules(tuple(tuple(rules) for rules in table)))
    return wrong


def _run(bound: BoundPlan, ticks: int) -> Bedside:
    bedside = begun(bound.plan, bound.values)
    bedside.bound = bound
    return bedside.ticks(ticks)


def _changed(**changes: int) -> Callable[[Outcome], Outcome]:
    def err(outcome: Outcome) -> Outcome:
        machine, case = outcome
        return machine._replace(**changes), case

    return err


@pytest.mark.parametrize(
    "err",
    [_changed(level_na=4 * MA), _changed(upper_pc=0), _changed(nominal_pc=0), _changed(sign=-1)],
    ids=["a jump", "a forgotten charge", "a forgotten nominal charge", "a turned sign"],
)
def test_a_machine_that_errs_is_stopped_with_the_output_open(err: Callable[[Outcome], Outcome]) -> None:
    bound = bound_of(timed_plan(level=2 * MA, hold_ms=MINUTE))
    bedside = _run(_erring(bound, Mode.ON, EventKind.TICK, err), 10)
    assert bedside.state.ended and bedside.output is None
    assert isinstance(bedside.commands[-3], OutputOff)
    assert [command.code for command in bedside.all(Alarm) if isinstance(command, Alarm)] == ["F05"]
    assert bedside.end().reason == "machine and interlock disagree"
    sent = [command.current_na for command in bedside.all(SetCurrent) if isinstance(command, SetCurrent)]
    assert all(0 <= current_na <= 40_000 for current_na in sent)


def test_a_machine_that_forgets_the_charge_of_a_lost_link_is_stopped() -> None:
    bound = bound_of(timed_plan(level=2 * MA, hold_ms=MINUTE))
    bedside = _run(_erring(bound, Mode.ON, EventKind.LINK_LOST, _changed(upper_pc=0)), 120)
    bedside.do(LinkLost())
    assert bedside.end().reason == "machine and interlock disagree"
    bedside.ticks(3)
    bedside.do(Ack(bedside.state.sequence))
    assert len([command for command in bedside.commands if isinstance(command, Alarm)]) == 1


def test_the_state_starts_with_nothing_counted() -> None:
    bound = bound_of(timed_plan())
    state = start(bound)
    assert state.watch == Watch()
    assert isinstance(state.machine, Machine) and isinstance(bound.constants, Constants)
