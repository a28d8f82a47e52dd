"""Monitors at work: levels, persistence, hysteresis, missing readings, and what becomes of the session."""

from __future__ import annotations

import pytest

from ionto_ir import expression as terms
from ionto_ir.events import Alarm, Enter, OutputOff, Pause, Prompt, PromptKind, Refused, Resume, Tick
from ionto_ir.expression import Expression
from ionto_ir.monitor import Monitor, MonitorAction
from ionto_ir.plan import Interruptions, Plan, Record, Section
from ionto_ir.state import Mode
from ionto_ir.vigil import three_valued
from tests.ir.sessions import MA, MINUTE, SECOND, SPAN, SWEATING, Bedside, begun, plan_of, pulse, timed_plan

OHM = terms.integer_reference("measured.impedance")
MV = terms.integer_reference("measured.voltage")
CHARGE = terms.integer_reference("output.charge")
ELAPSED = terms.integer_reference("output.elapsed")


def above(term: Expression, bound: int) -> Expression:
    """term > bound."""
    return terms.compare(terms.Operator.GREATER, term, terms.integer(bound))


def monitor(
    condition: Expression,
    action: MonitorAction = MonitorAction.PAUSE,
    persistence_ms: int = 0,
    until: Expression | None = None,
) -> Monitor:
    """A monitor called `contact`."""
    return Monitor(action, condition, persistence_ms, until, "contact", SPAN)


def watched(*monitors: Monitor, **changes: object) -> Plan:
    """2 mA within ten seconds, for a minute."""
    return timed_plan(monitors=monitors, **changes)


GOOD = Tick(0, 8_000, 4_000)
LOOSE = Tick(0, 80_000, 60_000)
SILENT = Tick(0, 8_000, None)


def holding(plan: Plan) -> Bedside:
    """The session in its hold, with good readings so far."""
    bedside = begun(plan).ticks(120, GOOD)
    assert (bedside.state.mode, bedside.output) == (Mode.ON, 2 * MA)
    return bedside


def codes(bedside: Bedside) -> list[str]:
    """The alarms so far."""
    return [item.code for item in bedside.all(Alarm) if isinstance(item, Alarm)]


def test_a_condition_must_hold_without_a_break_for_as_long_as_it_says() -> None:
    bedside = holding(watched(monitor(above(OHM, 50_000), persistence_ms=2 * SECOND)))
    bedside.ticks(19, LOOSE).ticks(1, GOOD).ticks(19, LOOSE)
    assert bedside.state.mode is Mode.ON
    bedside.ticks(1, LOOSE)
    assert bedside.state.mode is Mode.PAUSING
    assert codes(bedside) == ["F12"]
    assert bedside.state.machine.interruptions == 1


def test_a_monitor_looks_at_levels_so_a_condition_that_held_from_the_start_counts() -> None:
    bedside = begun(watched(monitor(above(OHM, 50_000)))).ticks(30, LOOSE)
    assert bedside.state.machine.interruptions == 1


def test_the_fall_begins_with_the_tick_that_brought_the_reading() -> None:
    bedside = holding(watched(monitor(above(OHM, 50_000)))).ticks(1, LOOSE)
    assert bedside.settings[-2:] == [2 * MA, 2 * MA - 50_000]


def test_a_pause_is_resumed_only_when_until_holds() -> None:
    bedside = holding(watched(monitor(above(OHM, 50_000), until=terms.negation(above(OHM, 30_000)))))
    bedside.ticks(60, LOOSE)
    assert bedside.state.mode is Mode.PAUSED
    prompt = next(item for item in bedside.all(Prompt) if isinstance(item, Prompt))
    assert prompt.kind is PromptKind.RESUME
    assert prompt.text.startswith("contact. ")
    for ohm in (60_000, 40_000):
        bedside.ticks(1, Tick(0, 0, ohm))
        (refused,) = bedside.do(Resume())
        assert isinstance(refused, Refused)
        assert "contact" in refused.reason
    bedside.ticks(1, Tick(0, 0, 29_999)).do(Resume())
    assert bedside.ticks(30, GOOD).state.mode is Mode.ON
    assert bedside.state.machine.interruptions == 1


def test_where_it_cannot_be_told_at_rest_a_person_resumes_and_the_monitor_stays_alert() -> None:
    until = terms.negation(above(OHM, 30_000))
    bedside = holding(watched(monitor(above(OHM, 50_000), persistence_ms=SECOND, until=until)))
    bedside.ticks(60, LOOSE).ticks(1, Tick(0, 0, None)).do(Resume())
    # 40 kOhm would not have paused a session that was never paused; here `until` is still waited for.
    bedside.ticks(3, SILENT).ticks(20, Tick(0, 40_000, 40_000))
    assert bedside.state.machine.interruptions == 2
    bedside.ticks(60, Tick(0, 0, None)).do(Resume())
    bedside.ticks(10, Tick(0, 20_000, 20_000)).ticks(60, Tick(0, 80_000, 40_000))
    assert (bedside.state.mode, bedside.state.machine.interruptions) == (Mode.ON, 2)


@pytest.mark.parametrize("action", list(MonitorAction))
def test_a_missing_reading_counts_as_the_bad_one(action: MonitorAction) -> None:
    bedside = holding(watched(monitor(above(OHM, 50_000), action, persistence_ms=SECOND))).ticks(10, SILENT)
    assert codes(bedside) == [{"pause": "F12", "stop": "F13", "warn": "F14"}[action.value]]


def test_at_the_foot_of_a_ramp_nobody_can_tell_the_impedance_and_nothing_follows() -> None:
    bedside = begun(watched(monitor(above(OHM, 50_000)))).ticks(5, Tick(0, 0, None))
    assert bedside.state.mode is Mode.ON
    assert bedside.state.machine.level_na < 100_000 + 20_000
    bedside.ticks(1, Tick(0, 400, None))
    assert bedside.state.mode is Mode.PAUSING


def test_what_holds_or_not_whatever_is_missing_is_known() -> None:
    both, either = (above(OHM, 5), above(MV, 5)), {"measured.voltage": 1}
    assert three_valued(terms.conjunction(*both), either) is False
    assert three_valued(terms.disjunction(*both), either) is None
    assert three_valued(terms.disjunction(*both), {"measured.voltage": 9}) is True
    assert three_valued(terms.negation(above(OHM, 5)), {}) is None


def test_a_stop_comes_down_and_ends_for_the_reason_of_the_monitor() -> None:
    bedside = holding(watched(monitor(above(MV, 75_000), MonitorAction.STOP))).ticks(1, LOOSE)
    assert bedside.state.mode is Mode.STOPPING
    bedside.until_end()
    assert bedside.end().reason == "stopped: contact"
    assert codes(bedside) == ["F13"]


def test_a_warning_changes_nothing_and_is_given_once_until_it_lets_go() -> None:
    until = terms.negation(above(OHM, 30_000))
    bedside = holding(watched(monitor(above(OHM, 50_000), MonitorAction.WARN, until=until)))
    bedside.ticks(20, LOOSE).ticks(20, Tick(0, 80_000, 40_000)).ticks(20, LOOSE)
    assert codes(bedside) == ["F14"]
    bedside.ticks(1, GOOD).ticks(1, LOOSE)
    assert codes(bedside) == ["F14", "F14"]
    assert (bedside.state.mode, bedside.output) == (Mode.ON, 2 * MA)


def test_where_no_interruption_is_left_a_pause_is_a_stop() -> None:
    none_left = Interruptions(1, MINUTE, True, SPAN)
    bedside = holding(watched(monitor(above(OHM, 50_000)), interruptions=none_left))
    bedside.do(Pause())
    bedside.ticks(50).do(Resume())
    bedside.ticks(60, LOOSE)
    assert bedside.state.ended
    assert bedside.end().reason == "interrupted, and no further interruption is allowed: contact"
    assert codes(bedside) == ["F13"]


def test_the_strictest_of_several_monitors_counts_and_warnings_are_said_besides() -> None:
    bad = above(OHM, 50_000)
    bedside = holding(watched(*(monitor(bad, action) for action in MonitorAction))).ticks(1, LOOSE)
    assert bedside.state.mode is Mode.STOPPING
    assert codes(bedside) == ["F14", "F13"]


def test_a_monitor_of_what_was_recorded_stops_before_anything_flows_again() -> None:
    record = Record("sweating", 4, Section.SESSION, SPAN)
    steps = (*pulse(0, 3), record, *pulse(4, 7), timed_plan().steps[-1])
    sweats = above(terms.integer_reference("sweating"), 2)
    plan = plan_of(steps, variables=(SWEATING,), monitors=(monitor(sweats, MonitorAction.STOP),))
    bedside = begun(plan).ticks(60)
    assert bedside.state.mode is Mode.READY
    bedside.do(Enter("sweating", 3))
    bedside.ticks(2)
    assert bedside.state.ended
    assert bedside.nominal_pc() == begun(plan).ticks(60).nominal_pc()
    assert isinstance(bedside.commands[-2], OutputOff) or isinstance(bedside.commands[-3], OutputOff)


def test_charge_and_time_are_watched_at_rest_too_but_not_when_no_current_is_to_come() -> None:
    late = monitor(above(ELAPSED, 5_500), MonitorAction.WARN)
    steps = (*pulse(0, 3), Record("sweating", 4, Section.SESSION, SPAN), timed_plan().steps[-1])
    bedside = begun(plan_of(steps, variables=(SWEATING,), monitors=(late,))).ticks(200)
    assert codes(bedside) == []
    more = (*steps[:4], *pulse(4, 7), steps[-1])
    bedside = begun(plan_of(more, variables=(SWEATING,), monitors=(late,))).ticks(200)
    assert codes(bedside) == ["F14"]
    assert bedside.state.mode is Mode.READY


def test_a_session_without_monitors_keeps_no_vigil() -> None:
    assert begun(timed_plan()).ticks(5, LOOSE).state.vigil.seen == ()
    assert begun(watched(monitor(above(CHARGE, MA * MINUTE)))).state.vigil.seen != ()
