"""Limits in moving windows, and durations apart from people, are held while a session runs."""

from __future__ import annotations

from ionto_ir.constants import MovingCap
from ionto_ir.dataclass import replace
from ionto_ir.events import Alarm, Confirm, Pause, Recovered, Resume, Tick
from ionto_ir.past import held_at
from ionto_ir.plan import Confirm as ConfirmStep
from ionto_ir.plan import Plan, Section
from ionto_ir.state import Mode
from tests.ir.sessions import MA, MINUTE, SECOND, SPAN, Bedside, begun, finish, plan, pulse, timed_plan

IN_10_S = 100


def _alarms(bedside: Bedside) -> set[str]:
    return {command.code for command in bedside.commands if isinstance(command, Alarm)}


def _fullest(bedside: Bedside, ticks: int) -> int:
    """The most that any window of so many ticks holds, as set, pC."""
    charges = [100 * abs(setting or 0) for setting in bedside.settings]
    return max(sum(charges[begins : begins + ticks]) for begins in range(len(charges)))


def _held(cap_pc: int, *, nominal: bool = True, earlier: tuple[tuple[int, int], ...] = ()) -> Bedside:
    window = MovingCap(IN_10_S, cap_pc, nominal, earlier)
    return begun(timed_plan(MA, MINUTE, 2 * SECOND), windows=(window,)).until_end()


def test_a_window_that_the_session_fills_to_the_brim_does_not_end_it() -> None:
    free = begun(timed_plan(MA, MINUTE, 2 * SECOND)).until_end()
    stop_pc = 100 * sum(range(MA - MA // 20, 0, -MA // 20))
    full = _held(_fullest(free, IN_10_S) + stop_pc)
    assert full.settings == free.settings and not _alarms(full)
    tighter = _held(_fullest(free, IN_10_S) + stop_pc - 1)
    assert _alarms(tighter) == {"F04"}
    assert _fullest(tighter, IN_10_S) < _fullest(free, IN_10_S) + stop_pc


def test_what_an_earlier_session_left_counts_until_it_has_left_the_window() -> None:
    cap_pc = 2 * 10 * SECOND * MA
    assert not _alarms(_held(cap_pc))
    assert not _alarms(_held(cap_pc, earlier=((20, cap_pc // 2),)))
    assert _alarms(_held(cap_pc, earlier=((90, cap_pc // 2 + 5 * SECOND * MA),))) == {"F04"}


def test_more_than_was_set_fills_a_window_sooner() -> None:
    """A reading beyond the accuracy is charged, and the window that holds it has less room."""
    window = MovingCap(IN_10_S, 12 * SECOND * MA, False)
    sound = begun(timed_plan(MA, MINUTE, 2 * SECOND), windows=(window,)).until_end()
    assert not _alarms(sound)
    bedside = begun(timed_plan(MA, MINUTE, 2 * SECOND), windows=(window,)).ticks(60)
    for _ in range(8):
        bedside.do(Tick(measured_na=5 * MA)), bedside.do(Tick())
    assert _alarms(bedside.until_end()) == {"F04"}


def test_a_crash_is_charged_to_the_windows_that_may_hold_it() -> None:
    window = MovingCap(IN_10_S, 11 * SECOND * MA, False)
    bedside = begun(timed_plan(MA, MINUTE, 2 * SECOND), windows=(window,)).ticks(60)
    bedside.do(Recovered(SECOND))
    bedside.do(Resume())
    assert _alarms(bedside.until_end()) == {"F07", "F04"}
    waited = begun(timed_plan(MA, MINUTE, 2 * SECOND), windows=(window,)).ticks(60)
    waited.do(Recovered(11 * SECOND))
    waited.do(Resume())
    waited.ticks(1)
    assert waited.state.mode is Mode.ON


def test_the_past_is_exact_between_its_knots_and_small() -> None:
    window = MovingCap(300, 10**15, True)
    bedside = begun(timed_plan(MA, 2 * MINUTE, 2 * SECOND), windows=(window,))
    ledgers = []
    for tick in range(900):
        ledgers.append(bedside.state.machine.nominal_pc)
        if tick == 400:
            bedside.do(Pause())
        if bedside.state.mode is Mode.PAUSED:
            bedside.do(Resume())
        bedside.do(Tick())
        past = bedside.state.told.past
        for back in (0, 1, 57, 299):
            if tick >= back:
                assert held_at(past, (tick - back) * 100, 100, nominal=True) == ledgers[tick - back]
    assert sum(map(len, past.chunks)) + len(past.open) < 130


def _asking() -> Plan:
    ask = ConfirmStep("all well?", 4, Section.SESSION, SPAN)
    first, second = pulse(0, 3), pulse(4, 7)
    return plan(*first, ask, *second, finish())


def _answered_after(ticks: int, cap_ms: int) -> Bedside:
    bedside = begun(_asking(), duration_apart_cap_ms=cap_ms)
    while bedside.state.place.step != 3:
        bedside.do(Tick())
    bedside.ticks(ticks)
    bedside.do(Confirm())
    return bedside.until_end()


def test_time_apart_from_people_is_the_time_in_which_nobody_is_waited_for() -> None:
    assert not _alarms(_answered_after(5_000, 10 * SECOND))
    assert _alarms(_answered_after(0, 9 * SECOND)) == {"F04"}
    assert _alarms(_answered_after(5_000, 9 * SECOND)) == {"F04"}


def test_a_window_needs_no_more_room_than_its_own_ticks() -> None:
    bound = begun(timed_plan(MA, MINUTE, 2 * SECOND)).bound
    assert bound.caps is not None
    moving = replace(bound.constants, windows=(MovingCap(1, 10**12, True),))
    assert replace(bound, constants=moving).caps is None
