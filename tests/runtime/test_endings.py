"""Every session ends: a sound device finishes the plan as written, and whatever breaks for good ends it."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ionto_ir.bound import BoundPlan
from ionto_ir.dataclass import replace
from ionto_ir.events import PromptKind, Resume
from ionto_ir.expression import Constant
from ionto_ir.plan import ForTime, Hold, Interruptions, Ramp
from ionto_ir.waveform import Form, Waveform
from ionto_runtime.simulation.stimulator import Fault
from ionto_runtime.stimulator import Measurement
from ionto_runtime.supervision import SLOWED_MS_MAX, STANDING_MS_MAX, UNSEEN_MS_MAX
from tests.ir.sessions import DEVICE, MA, SECOND, SPAN, bound_of, finish, hold, plan_of, ramp, timed_plan
from tests.runtime.bedside import Bedside
from tests.runtime.broken import Bend, broken_bedside, is_off
from tests.runtime.short_sessions import check

PAUSE_MS, PAUSES = 2 * SECOND, 2


def turning(
    offset_na: int,
    *,
    step_na: int = 10_000,
    level_na: int = MA // 2,
    slope_ms: int = 2 * SECOND,
    waveform: Waveform | None = None,
) -> BoundPlan:
    """Up and down in one polarity, then in the other, on a device that may be wrong by an offset."""
    steps: list[Ramp | Hold] = []
    for start, reverse in ((0, False), (3, True)):
        steps += [
            ramp(level_na, slope_ms, 0, level_na, start + 1, reverse),
            hold(level_na, ForTime(Constant(SECOND)), start + 2),
            ramp(0, slope_ms, level_na, level_na, start + 3, reverse),
        ]
    if waveform is not None:
        steps = [replace(step, waveform=waveform) for step in steps]
    plan = plan_of((*steps, finish()), interruptions=Interruptions(PAUSES, PAUSE_MS, True, SPAN))
    slew_na_s = max(MA, level_na * 1_000 // slope_ms)
    device = replace(DEVICE, accuracy_offset_na=offset_na, step_na=step_na, slew_na_s=slew_na_s)
    device = replace(device, waveforms=("dc", "pulsed"))
    return bound_of(replace(plan, device=device))


def ended(bedside: Bedside) -> Bedside:
    """Tick until the end, with people who resume whenever they are asked; never longer than is stated.

    Each step may stand still once, and once more after each interruption.
    """
    plan = bedside.bound.plan
    own_ms = 2 * 6 * 2 * SECOND + UNSEEN_MS_MAX
    stands = len(plan.steps) + PAUSES + 1
    most_ms = own_ms + stands * STANDING_MS_MAX + PAUSES * PAUSE_MS
    while not bedside.session.closed:
        assert bedside.ticks * plan.device.tick_ms < most_ms, bedside.session.state
        prompt = bedside.session.prompt
        if prompt is not None and prompt.kind is PromptKind.RESUME:
            bedside.session.feed(Resume())
        bedside.tick()
    bedside.session.finish()
    return bedside


# --- waits that end as they should ------------------------------------------------------------------------
@pytest.mark.requirement("R17")
@pytest.mark.parametrize("seed", range(8))
def test_the_polarity_turns_on_a_device_whose_zero_is_as_wrong_as_it_says(seed: int) -> None:
    bedside, broken = broken_bedside(turning(30_000), seed=seed)
    broken.bend = lambda found: (
        replace(found, current_na=29_900) if found.setpoint_na == 0 and found.output_on else found
    )
    assert ended(bedside.begin()).session.completed
    assert bedside.codes() == [] and min(na for na in broken.sent if na is not None) == -MA // 2


@pytest.mark.requirement("R17")
def test_a_zero_that_is_never_seen_stops_the_session_and_is_said() -> None:
    bedside, broken = broken_bedside(turning(15_000))
    broken.bend = lambda found: (
        replace(found, current_na=25_000) if found.setpoint_na == 0 and found.output_on else found
    )
    ended(bedside.begin())
    assert bedside.codes() == ["F57"] and is_off(bedside) and not bedside.session.completed
    assert all(na is None or na >= 0 for na in broken.sent)
    assert bedside.ticks * 100 < 5 * SECOND + STANDING_MS_MAX + 5 * SECOND


@pytest.mark.requirement("R13")
def test_a_rise_whose_first_step_tells_nothing_of_the_circuit_goes_on_by_a_probe() -> None:
    """60 uA are too little to see by where 45 uA may be offset, and the next step would be above a probe."""
    bedside, broken = broken_bedside(turning(45_000, level_na=600_000, slope_ms=SECOND))
    bedside.begin().tick(4)
    assert broken.sent[1:] == [60_000, 100_000, 100_000, 120_000]
    assert ended(bedside).session.completed
    check(bedside)


@pytest.mark.requirement("R13")
def test_a_probe_that_a_coarse_device_can_set_is_enough_to_see_by() -> None:
    bedside, broken = broken_bedside(turning(49_000, step_na=30_000, level_na=600_000))
    assert ended(bedside.begin()).session.completed
    assert max(na for na in broken.sent if na is not None) == 600_000


@pytest.mark.requirement("R13")
@pytest.mark.parametrize("level_na", [10_000, 30_000, 90_000, 100_000])
def test_a_level_below_the_probe_asks_for_no_circuit(level_na: int) -> None:
    bedside, broken = broken_bedside(turning(10_000, level_na=level_na))
    assert ended(bedside.begin()).session.completed
    assert max(na for na in broken.sent if na is not None) == level_na


def test_a_plan_that_may_saturate_does_not_wait_for_ever_at_its_probe() -> None:
    bound = turning(10_000)
    bedside, broken = broken_bedside(replace(bound, plan=replace(bound.plan, may_saturate=True)))
    broken.bend = lambda found: replace(found, at_compliance=True)
    ended(bedside.begin())
    assert "F57" in bedside.codes() and is_off(bedside)
    assert max(na for na in broken.sent if na is not None) <= 100_000


def test_a_contact_that_does_not_let_the_current_through_asks_a_person_first() -> None:
    bedside, broken = broken_bedside(turning(10_000))
    broken.bend = lambda found: replace(found, at_compliance=found.setpoint_na != 0)
    ended(bedside.begin())
    assert "F57" not in bedside.codes() and "F42" in bedside.codes() and is_off(bedside)


# --- whatever the world does ------------------------------------------------------------------------------
DEVICES = st.builds(
    turning,
    st.integers(0, 45_000),
    step_na=st.sampled_from((1_000, 10_000, 30_000, 50_000)),
    level_na=st.integers(1, 20).map(lambda count: count * 50_000),
    slope_ms=st.integers(3, 20).map(lambda count: count * 100),
    waveform=st.sampled_from(
        (None, None, Waveform(Form.PULSED, MA, 50_000), Waveform(Form.PULSED, MA, 300_000))
    ),
)


@settings(max_examples=40)
@given(DEVICES, st.integers(0, 1_000))
def test_a_sound_device_finishes_the_plan_whatever_its_step_offset_and_slope(
    bound: BoundPlan, seed: int
) -> None:
    bedside, _ = broken_bedside(bound, seed=seed)
    assert ended(bedside.begin()).session.completed, bedside.codes()
    check(bedside)


def _flowing(na: int) -> Bend:
    return lambda found: replace(found, current_na=na if found.output_on else found.current_na)


BENDS: dict[str, Bend] = {
    "nothing ever answers": lambda found: None,
    "always at its highest voltage": lambda found: replace(found, at_compliance=True),
    "nothing flows": _flowing(0),
    "an offset below every alarm": _flowing(45_000),
    "an offset the other way": _flowing(-15_000),
    "half of it flows": lambda found: replace(found, current_na=found.setpoint_na // 2),
    "a lead is always off": lambda found: replace(found, lead_off=True),
    "no resistance is told": lambda found: replace(found, impedance_ohm=None),
    "an old answer": lambda found: replace(found, seq=found.seq - 1),
    "another setpoint": lambda found: replace(found, setpoint_na=found.setpoint_na + 10_000),
    "always expired": lambda found: replace(found, expired=True),
    "always off": lambda found: replace(found, output_on=False),
    "always on": lambda found: replace(found, output_on=True),
}


@pytest.mark.parametrize("bend", BENDS.values(), ids=BENDS)
@settings(max_examples=6)
@given(DEVICES, st.integers(0, 60), st.booleans())
def test_a_session_whose_readings_are_wrong_for_good_ends(
    bend: Bend, bound: BoundPlan, after: int, saturates: bool
) -> None:
    bedside, broken = broken_bedside(replace(bound, plan=replace(bound.plan, may_saturate=saturates)))
    bedside.begin().tick(after)
    broken.bend = bend
    assert ended(bedside).session.end is not None


@pytest.mark.parametrize("fault", Fault)
@settings(max_examples=6)
@given(DEVICES, st.integers(0, 60))
def test_a_session_whose_device_is_broken_for_good_ends(fault: Fault, bound: BoundPlan, after: int) -> None:
    bedside, _ = broken_bedside(bound)
    bedside.begin().tick(after)
    bedside.device.inject(fault)
    assert ended(bedside).session.end is not None


@settings(max_examples=10)
@given(DEVICES, st.integers(0, 60), st.sampled_from(("answers", "arrives")))
def test_a_session_whose_commands_go_astray_for_good_ends(bound: BoundPlan, after: int, where: str) -> None:
    bedside, broken = broken_bedside(bound)
    bedside.begin().tick(after)
    if where == "answers":
        broken.answers = lambda reply: None
    else:
        broken.arrives = lambda na: False
    assert ended(bedside).session.end is not None


# --- waits that are short and many ------------------------------------------------------------------------
def flapping(limited: int, free: int) -> Bedside:
    """A slow ramp whose contact is at the highest voltage for some ticks and lets go for some others."""
    bedside, broken = broken_bedside(bound_of(timed_plan(2 * MA, hold_ms=SECOND, ramp_ms=60 * SECOND)))
    period = limited + free

    def bend(found: Measurement) -> Measurement:
        return replace(found, at_compliance=bedside.ticks % period < limited) if found.setpoint_na else found

    broken.bend = bend
    return bedside.begin()


@pytest.mark.requirement("R31")
def test_a_contact_that_comes_and_goes_slows_a_ramp_for_five_minutes_in_all_and_no_longer() -> None:
    """At the highest voltage for 30 s and free for a tick: no stretch is long, and there are many."""
    bedside = flapping(300, 1)
    bedside.until_closed()
    assert "F58" in bedside.codes() and "F57" not in bedside.codes()
    assert is_off(bedside) and not bedside.session.completed
    assert bedside.ticks * 100 <= SLOWED_MS_MAX + 60 * SECOND


@pytest.mark.requirement("R31")
def test_a_contact_that_seldom_comes_and_goes_slows_a_ramp_and_the_session_is_finished() -> None:
    bedside = flapping(50, 20)
    bedside.until_closed()
    assert bedside.session.completed and "F58" not in bedside.codes()
