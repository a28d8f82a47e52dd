"""No check, no lease: without a reading of the very tick no setpoint is sent, and only opening is."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ionto_ir.dataclass import replace
from ionto_ir.events import EmergencyStop, Stop
from ionto_ir.state import Mode
from ionto_runtime.freshness import Freshness
from ionto_runtime.replay import replay
from ionto_runtime.session import Session
from ionto_runtime.simulation.stimulator import SimulatedStimulator
from ionto_runtime.stimulator import Measurement, Refusal, Refused
from ionto_runtime.supervision import MISSES_MAX, Held
from tests.runtime.bedside import Bedside
from tests.runtime.broken import Broken, is_off
from tests.runtime.short_sessions import SHORT, check


def forgetful() -> tuple[Bedside, Broken]:
    """A session on a device that takes setpoints after a restart, as an instrument does."""
    bedside = Bedside(SHORT)
    bedside.device = SimulatedStimulator(SHORT.plan.device, bedside.device.body, 1, locks=False)
    broken = Broken(bedside.device)
    bedside.session = Session(SHORT, broken, bedside.journal)
    return bedside.begin(), broken


@pytest.mark.requirement("R48")
@pytest.mark.parametrize("ticks", [10, 30, 80, 150])
def test_a_restart_in_the_tick_whose_reading_is_lost_is_no_jump(ticks: int) -> None:
    """Up, at the top and on the way down: the device is at zero after its restart, and stays there."""
    bedside, broken = forgetful()
    bedside.tick(ticks)
    broken.bend = lambda reading: None
    bedside.device.reset()
    sent = len(broken.sent)
    bedside.tick(1)
    broken.bend = lambda reading: reading
    assert is_off(bedside) and len(broken.sent) == sent
    bedside.until_closed()
    assert broken.sent[sent:] == [None] * len(broken.sent[sent:])
    assert "F06" in bedside.codes()
    check(bedside)


@pytest.mark.requirement("R48")
def test_a_device_that_locks_refuses_setpoints_after_a_restart_until_it_is_prepared() -> None:
    device = Bedside(SHORT).device
    assert not isinstance(device.set_current(10_000, 400, 1), Refused)
    device.reset()
    assert device.set_current(10_000, 400, 2) == Refused(2, Refusal.NOT_READY)
    device.output_off(3)
    assert device.set_current(10_000, 400, 4) == Refused(4, Refusal.NOT_READY)
    device.prepare()
    assert not isinstance(device.set_current(10_000, 400, 5), Refused)


@pytest.mark.requirement("R40")
@pytest.mark.parametrize("ticks", [30, 80])
def test_an_old_reading_again_is_no_reading(ticks: int) -> None:
    bedside, broken = forgetful()
    bedside.tick(ticks)
    old = bedside.session.reading
    assert old is not None
    broken.bend = lambda reading: replace(old, setpoint_na=bedside.session.output.held.na or 0)
    sent = len(broken.sent)
    bedside.tick(MISSES_MAX - 1)
    assert len(broken.sent) == sent and bedside.session.state.mode is Mode.ON
    bedside.tick(1)
    assert broken.sent[sent:] == [None] and bedside.session.state.mode is Mode.LOST
    assert bedside.codes() == ["F03"]


@pytest.mark.requirement("R21")
@settings(max_examples=10)
@given(lost=st.lists(st.booleans(), min_size=1, max_size=60), start=st.integers(1, 170))
def test_no_setpoint_goes_out_in_a_tick_whose_reading_is_lost(lost: list[bool], start: int) -> None:
    bedside, broken = forgetful()
    bedside.tick(start)
    for away in lost:
        broken.bend = (lambda reading: None) if away else (lambda reading: reading)
        sent = len(broken.sent)
        bedside.tick(1)
        assert not away or all(na is None for na in broken.sent[sent:])
    broken.bend = lambda reading: reading
    levels = [0 if na is None else na for na in broken.sent]
    assert all(after - before <= 60_000 for before, after in pairwise(levels))
    bedside.until_closed()
    check(bedside)


@pytest.mark.requirement("R23")
def test_a_stop_at_once_needs_no_reading_and_a_slow_one_waits_for_three_at_most() -> None:
    for event, most in ((EmergencyStop(), 0), (Stop(), MISSES_MAX)):
        bedside, broken = forgetful()
        bedside.tick(80)
        broken.bend = lambda reading: None
        bedside.session.feed(event)
        bedside.tick(most)
        assert broken.sent[-1] is None and not bedside.device._output_on


def locking() -> tuple[Bedside, Broken]:
    """A session on a device that takes no setpoint after a restart, and says so."""
    bedside = Bedside(SHORT)
    broken = Broken(bedside.device)
    bedside.session = Session(SHORT, broken, bedside.journal, locks=True)
    return bedside.begin(), broken


@pytest.mark.requirement("R16")
@pytest.mark.requirement("R23")
@pytest.mark.parametrize("missing", [1, 2])
def test_a_stop_begins_at_once_and_ramps_although_readings_stay_away(missing: int) -> None:
    bedside, broken = locking()
    bedside.tick(80)
    held_na = bedside.session.output.held.na
    assert held_na is not None
    broken.bend = lambda reading: None
    bedside.session.feed(Stop())
    sent = len(broken.sent)
    bedside.tick(missing)
    falls = [na for na in broken.sent[sent:] if na is not None]
    assert len(falls) == missing and held_na > falls[0], "each tick, the first one too"
    broken.bend = lambda reading: reading
    bedside.until_closed()
    levels = [held_na, *(na for na in broken.sent[sent:] if na is not None)]
    fall_na = SHORT.constants.fall_na
    assert all(0 <= before - after <= fall_na for before, after in pairwise(levels))
    assert levels[-1] <= fall_na, "it came down by its ramp, and was not opened on the way"
    assert bedside.codes() == [] and replay(SHORT, bedside.reading).agrees
    check(bedside)


@pytest.mark.requirement("R16")
@pytest.mark.requirement("R21")
def test_a_ramp_down_goes_on_blindly_and_nothing_else_does_and_after_three_readings_it_opens() -> None:
    bedside, broken = locking()
    bedside.tick(10)
    broken.bend = lambda reading: None
    sent = len(broken.sent)
    bedside.tick(MISSES_MAX - 1)
    assert broken.sent[sent:] == [], "what rises waits for a reading"
    broken.bend = lambda reading: reading
    bedside.tick(60)
    broken.bend = lambda reading: None
    sent = len(broken.sent)
    bedside.tick(1)
    assert broken.sent[sent:] == [], "what stays waits for a reading, and so renews no lease"
    bedside.session.feed(Stop())
    bedside.tick(MISSES_MAX - 1)
    assert broken.sent[-1] is None and bedside.codes() == ["F03"]
    bedside.until_closed()
    check(bedside)


@pytest.mark.requirement("R48")
def test_a_device_that_locks_and_restarts_takes_nothing_of_a_blind_ramp() -> None:
    bedside, broken = locking()
    bedside.tick(80)
    broken.bend = lambda reading: None
    bedside.device.reset()
    bedside.session.feed(Stop())
    bedside.tick(1)
    assert is_off(bedside), "the setpoint was refused"
    broken.bend = lambda reading: reading
    bedside.until_closed()
    check(bedside)


@pytest.mark.requirement("R38")
def test_a_blind_setpoint_is_lower_than_every_one_that_the_device_may_have_taken() -> None:
    """A rise whose answer stayed away may not have been heard: what is sent next may not be above it."""
    bedside, broken = locking()
    bedside.tick(10)
    confirmed_na = bedside.session.output.held.na
    assert confirmed_na is not None
    broken.answers = lambda reply: None
    bedside.tick(1)
    broken.bend = lambda reading: None
    bedside.session.feed(Stop())
    sent = len(broken.sent)
    bedside.tick(2)
    assert all(na is None or na < confirmed_na for na in broken.sent[sent:])


@pytest.mark.requirement("R58")
def test_the_journal_says_what_was_not_sent_and_replays() -> None:
    bedside = Bedside(SHORT)
    broken = bedside.session.output.stimulator = Broken(bedside.device)
    bedside.begin()
    for tick in range(60):
        broken.bend = (lambda reading: None) if tick % 4 == 1 else (lambda reading: reading)
        bedside.tick(1)
    broken.bend = lambda reading: reading
    bedside.until_closed()
    unsent = [record for record in bedside.reading.records if record.payload.get("sent") is False]
    assert len(unsent) == 15
    assert replay(SHORT, bedside.reading).agrees and bedside.session.completed
    check(bedside)


@pytest.mark.requirement("R38")
def test_a_device_that_does_what_nobody_told_it_is_noticed_also_while_an_answer_is_awaited() -> None:
    """It opens by itself where the last answer stayed away, and says that it took everything."""
    bedside, broken = forgetful()
    bedside.tick(80)
    broken.answers = lambda reply: None
    bedside.tick(1)
    assert not bedside.session.output.held.confirmed and bedside.session.state.mode is Mode.ON
    broken.bend = lambda found: replace(found, output_on=False, setpoint_na=0, current_na=0)
    sent = len(broken.sent)
    bedside.tick(1)
    assert set(broken.sent[sent:]) == {None} and "F06" in bedside.codes()


# --- what is fresh --------------------------------------------------------------------------------------
def measured(seq: int, device_ms: int) -> Measurement:
    return Measurement(0, 0, None, False, True, False, False, 0, seq, 1, device_ms)


@pytest.mark.requirement("R40")
def test_the_number_of_the_last_command_tells_where_it_was_confirmed() -> None:
    fresh = Freshness(100, None)
    confirmed = Held(0, 7, True)
    assert fresh.look(measured(7, 0), confirmed, 100)
    assert not fresh.look(measured(6, 100), confirmed, 100)
    assert not fresh.look(None, confirmed, 100)
    assert fresh.look(measured(8, 0), confirmed, 100)


@pytest.mark.requirement("R48")
def test_a_number_that_was_taken_is_not_forgotten_whatever_came_after_it() -> None:
    """A command that was withheld is unconfirmed; the one before it was confirmed all the same."""
    fresh = Freshness(100, None)
    assert fresh.look(measured(7, 0), Held(0, 7, True), 100)
    assert not fresh.look(measured(0, 100), Held(0, 7, False), 100)
    assert not fresh.look(measured(0, 200), Held(0, 8, False), 100)
    assert fresh.look(measured(10**9, 300), Held(0, 8, False), 100), "what was never sent proves nothing"
    assert fresh.look(measured(8, 400), Held(0, 8, True), 100)


@pytest.mark.requirement("R40")
def test_the_clock_of_the_device_tells_where_a_command_may_have_been_lost() -> None:
    fresh = Freshness(100, None)
    assert fresh.look(measured(7, 1_000), Held(0, 7, True), 100)
    doubtful = Held(0, 8, False)
    silent = Freshness(100, None)
    assert silent.look(measured(7, 1_000), Held(0, 7, True), 100)
    assert silent.look(measured(7, 1_100), Held(0, 7, True), 100, spoken=False)
    assert not silent.look(measured(7, 1_100), Held(0, 7, True), 100, spoken=False)
    assert fresh.look(measured(7, 1_100), doubtful, 100)
    assert not fresh.look(measured(7, 1_100), doubtful, 100), "the same again"
    assert not fresh.look(measured(7, 1_190), doubtful, 100), "a tick late, and the next one too"
    assert fresh.look(measured(7, 1_399), doubtful, 100)
