"""Output control: what is sent never exceeds the plan, lowering is always heard, every path reaches zero."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ionto_ir.dataclass import replace
from ionto_ir.events import Adjust, EmergencyStop, Pause, Resume, Stop
from ionto_ir.expression import integer_reference
from ionto_ir.plan import ForTime, IntegerDomain, Variable, VariableKind
from ionto_ir.state import Mode
from ionto_runtime.simulation.clock import VirtualClock
from ionto_runtime.simulation.skin import Flow
from ionto_runtime.simulation.stimulator import Fault
from ionto_runtime.supervision import MISSES_MAX
from tests.ir.sessions import MA, SECOND, SPAN, bound_of, constant, finish, hold, plan_of, ramp, timed_plan
from tests.runtime.bedside import Bedside, Script, run_through
from tests.runtime.broken import LONG, Broken, broken_bedside, is_off

CURRENT = Variable(
    "current",
    VariableKind.PARAMETER,
    IntegerDomain(MA // 2, 3 * MA, 10_000, 2 * MA, "current", "mA"),
    "current",
    True,
    None,
    SPAN,
)


def adjustable(hold_ms: int = 10 * SECOND) -> Bedside:
    """A session whose current may be moved: two holds with a ramp between them."""
    level = integer_reference("current")
    steps = (
        ramp(level, 4 * SECOND, 0, level, 1),
        hold(level, ForTime(constant(hold_ms)), 2),
        hold(level, ForTime(constant(hold_ms)), 3),
        ramp(0, 4 * SECOND, level, level, 4),
        finish(),
    )
    return Bedside(bound_of(plan_of(steps, (CURRENT,)), {"current": 2 * MA}))


@pytest.mark.requirement("R14")
@given(
    level=st.integers(1, 390).map(lambda steps: steps * 10_000),
    step_na=st.sampled_from((1_000, 10_000, 25_000, 100_000)),
    ramp_ms=st.integers(8, 40).map(lambda ticks: ticks * 500),
    backwards=st.booleans(),
)
def test_what_is_sent_is_the_plan_at_that_moment_rounded_towards_zero(
    level: int, step_na: int, ramp_ms: int, backwards: bool
) -> None:
    level = level // step_na * step_na or step_na
    there = ramp(level, ramp_ms, 0, level, 1, backwards)
    back = ramp(0, ramp_ms, level, level, 2, backwards)
    plan = plan_of((there, back, finish()))
    plan = replace(plan, device=replace(plan.device, step_na=step_na))
    bedside = Bedside(bound_of(plan))
    broken = Broken(bedside.device)
    bedside.session.output.stimulator = broken
    bedside.begin()
    ticks = ramp_ms // 100
    for tick in range(1, ticks + 1):
        bedside.tick(1)
        sent = broken.sent[-1]
        assert sent is not None and sent % step_na == 0
        assert (sent <= 0) if backwards else (sent >= 0)
        assert abs(sent) <= level * tick * 100 // ramp_ms


@pytest.mark.requirement("R16")
def test_no_step_pause_resume_stop_or_late_tick_moves_faster_than_the_plan() -> None:
    bedside = adjustable()
    broken = Broken(bedside.device)
    bedside.session.output.stimulator = broken
    bedside.begin().tick(60)
    bedside.session.feed(Pause())
    bedside.tick(80)
    bedside.session.feed(Resume())
    bedside.tick(30)
    bedside.tick(1, ms=240)
    bedside.tick(30)
    bedside.session.feed(Adjust("current", 3 * MA))
    bedside.tick(40)
    bedside.session.feed(Stop())
    bedside.until_closed()
    levels = [0 if na is None else na for na in broken.sent]
    assert all(abs(after - before) <= 60_000 for before, after in pairwise(levels))


@pytest.mark.requirement("R18")
@pytest.mark.parametrize("ticks", [1, 5, 20, 40, 55, 100, 180, 220])
@pytest.mark.parametrize("ending", ["stop", "pause", "plan"])
def test_every_way_down_reaches_zero_at_the_electrodes(ticks: int, ending: str) -> None:
    """What is measured at the end is asserted, not that something was called."""
    bedside = adjustable()
    bedside.begin().tick(ticks)
    if ending == "stop":
        bedside.session.feed(Stop())
    elif ending == "pause":
        bedside.session.feed(Pause())
        bedside.tick(120)
        assert bedside.session.state.mode is Mode.PAUSED
    if ending != "pause":
        bedside.until_closed()
    assert is_off(bedside)
    bedside.device.received.peak_na = 0
    bedside.pass_ms(5_000)
    assert bedside.device.received.peak_na == 0


@pytest.mark.requirement("R21")
@pytest.mark.parametrize(("misses", "lost"), [(2, False), (3, True)])
def test_the_third_reading_that_stays_away_is_a_lost_link_however_long_the_device_bridges(
    misses: int, lost: bool
) -> None:
    """The count alone: of a device that bridges a second, three ticks of silence are no long silence."""
    patient = replace(LONG.plan.device, host_gap_ms=1_000, watchdog_ms=2_000)
    bedside, broken = broken_bedside(replace(LONG, plan=replace(LONG.plan, device=patient)))
    bedside.begin().tick(80)
    broken.bend = lambda found: None
    bedside.tick(misses)
    assert ("F03" in bedside.codes()) is lost


@pytest.mark.requirement("R41")
@pytest.mark.parametrize(("passed_ms", "lost"), [(120, False), (130, True)])
def test_silence_beyond_what_the_device_bridges_is_a_lost_link_before_the_third_reading(
    passed_ms: int, lost: bool
) -> None:
    """The time alone: two readings stay away, in ticks that are late, on a device that bridges 250 ms."""
    bedside, broken = broken_bedside()
    bedside.begin().tick(80)
    broken.bend = lambda found: None
    bedside.tick(2, ms=passed_ms)
    assert ("F03" in bedside.codes()) is lost


@pytest.mark.requirement("R21")
@pytest.mark.parametrize("run", [1, 2, 3, 4, 5])
def test_samples_that_stay_away_are_charged_at_the_worst_and_three_in_a_row_end_the_flow(run: int) -> None:
    bedside, broken = broken_bedside()
    bedside.begin().tick(80)
    before_pc = bedside.session.upper_pc
    broken.bend = lambda found: None
    bedside.tick(run)
    broken.bend = lambda found: found
    bedside.tick(1)
    assert bedside.session.upper_pc - before_pc >= run * 100 * 2 * MA
    lost = run >= MISSES_MAX
    assert (bedside.session.state.mode is not Mode.ON) == lost
    assert ("F03" in bedside.codes()) == lost and is_off(bedside) == lost


@pytest.mark.requirement("R22")
def test_an_output_that_does_not_go_off_at_the_end_is_a_high_alarm_and_no_completion() -> None:
    bedside, _ = broken_bedside()
    bedside.begin().tick(640)
    bedside.device.inject(Fault.STUCK_OUTPUT)
    bedside.until_closed()
    alarm = next(alarm for alarm in bedside.session.alarms if alarm.code == "F20")
    assert alarm.priority.value == "high" and "disconnect the patient" in alarm.text
    assert not bedside.session.completed


@pytest.mark.requirement("R23")
@pytest.mark.parametrize("ticks", [0, 1, 10, 39, 41, 80, 641, 660])
def test_one_action_stops_from_any_state(ticks: int) -> None:
    for event, most_ms in ((EmergencyStop(), 500), (Stop(), 6_000)):
        bedside, broken = broken_bedside()
        bedside.begin().tick(ticks)
        sent = len(broken.sent)
        bedside.session.feed(event)
        if isinstance(event, EmergencyStop):
            assert broken.sent[sent:] == [None], "written at once, not at the next tick"
        passed_ms = 0
        while not is_off(bedside):
            bedside.tick(1)
            passed_ms += 100
        assert passed_ms <= most_ms


@pytest.mark.requirement("R26")
def test_what_was_lowered_stays_lowered_over_steps_pauses_and_resumptions() -> None:
    bedside = adjustable()
    broken = Broken(bedside.device)
    bedside.session.output.stimulator = broken
    bedside.begin().tick(60)
    bedside.session.feed(Adjust("current", MA))
    bedside.tick(40)
    sent = len(broken.sent)
    bedside.tick(60)
    bedside.session.feed(Pause())
    bedside.tick(60)
    bedside.session.feed(Resume())
    bedside.until_closed()
    assert bedside.session.completed
    assert max(na or 0 for na in broken.sent[sent:]) <= MA
    assert bedside.session.state.values["current"] == MA


@pytest.mark.requirement("R27")
def test_a_pause_that_lasts_too_long_ends_the_session() -> None:
    bedside, _ = broken_bedside()
    bedside.begin().tick(60)
    bedside.session.feed(Pause())
    passed_ms = 0
    while not bedside.session.state.ended:
        bedside.tick(1)
        passed_ms += 100
    assert passed_ms <= 300_000 + 10_000, "five minutes, whatever the plan allows"
    assert is_off(bedside)


# --- what is not known ------------------------------------------------------------------------------------
@pytest.mark.requirement("R38")
@pytest.mark.parametrize("lost", ["answer", "command", "both"])
def test_without_an_answer_the_state_is_read_and_nothing_is_repeated_blindly(lost: str) -> None:
    bedside, broken = broken_bedside()
    bedside.begin().tick(20)
    if lost != "command":
        broken.answers = lambda reply: None
    if lost != "answer":
        broken.arrives = lambda na: False
    level = broken.sent[-1]
    bedside.tick(1)
    broken.answers, broken.arrives = (lambda reply: reply), (lambda na: True)
    sent = len(broken.sent)
    bedside.tick(1)
    after = broken.sent[sent:]
    assert len(after) == 1, "one new numbered setpoint, no repetition"
    assert level is not None and after[0] is not None and after[0] - level <= 2 * 50_000 + 10_000
    bedside.until_closed()
    assert bedside.device.received.total_pc <= bedside.session.upper_pc


@pytest.mark.requirement("R39")
def test_a_refusal_is_an_answer_and_is_counted_once() -> None:
    from ionto_runtime.stimulator import Refusal, Refused

    bedside, broken = broken_bedside()
    bedside.begin().tick(80)
    broken.answers = lambda reply: Refused(reply.seq, Refusal.OUT_OF_RANGE)
    bedside.tick(1)
    outcomes = [
        record.payload["outcome"] for record in bedside.reading.records if "outcome" in record.payload
    ]
    assert "no answer" not in outcomes
    assert bedside.session.state.ended and is_off(bedside)
    broken.answers = lambda reply: reply
    bedside.until_closed()
    assert bedside.device.received.total_pc <= bedside.session.upper_pc
    assert bedside.session.upper_pc <= bedside.device.received.total_pc * 108 // 100


class Disturbed(VirtualClock):
    """A clock on which one sleep takes much longer, and a calendar that is set by an hour to and fro."""

    def __init__(self, late_ms: int) -> None:
        super().__init__()
        self._late_ms = late_ms

    def sleep_until(self, at_ms: int) -> None:
        super().sleep_until(at_ms + (self._late_ms if at_ms == 5_000 else 0))

    def wall_ms(self) -> int:
        return super().wall_ms() + (3_600_000 if self.now_ms() // 1_000 % 2 else -3_600_000)


@pytest.mark.requirement("R19")
@pytest.mark.parametrize("late_ms", [0, 90, 240, 5_000])
def test_the_output_is_on_for_no_longer_than_the_plan_and_the_gap_that_is_bridged(late_ms: int) -> None:
    bound = bound_of(timed_plan(hold_ms=4 * SECOND, ramp_ms=2 * SECOND))
    bedside = Bedside(bound, clock=Disturbed(late_ms))
    on_ms = [0]
    pass_on = bedside.device._pass

    def passing(ms: int) -> Flow:
        on_ms[0] += ms if bedside.device._output_on else 0
        return pass_on(ms)

    bedside.device._pass = passing  # type: ignore[method-assign]
    run_through(bedside, Script(), real_time=True)
    assert on_ms[0] <= 8 * SECOND + max(100, bound.plan.device.host_gap_ms)
    assert bedside.session.completed == (late_ms < 250)
