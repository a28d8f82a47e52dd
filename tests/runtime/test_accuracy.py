"""A device is watched by what it states, and refused where its accuracy makes a check meaningless."""

from __future__ import annotations

import pytest
from hypothesis import assume, example, given, settings
from hypothesis import strategies as st

from ionto_ir.bound import BoundPlan, worst_na
from ionto_ir.dataclass import replace
from ionto_ir.state import Mode
from ionto_runtime.accuracy import accuracy_problems, floor_na, over_na, probe_na, telling_na, tolerated_na
from ionto_runtime.stimulator import Measurement
from ionto_runtime.supervision import ZERO_NA_MAX
from ionto_runtime.watch_contact import ContactWatch
from ionto_runtime.watch_current import CurrentWatch
from ionto_runtime.watching import Sight
from tests.ir.sessions import MA, SECOND, bound_of, timed_plan
from tests.runtime.bedside import Bedside
from tests.runtime.broken import broken_bedside

PLAIN = bound_of(timed_plan(MA, hold_ms=SECOND, ramp_ms=2 * SECOND))


def device_of(ppm: int, offset_na: int, step_na: int = 10_000, current_na_max: int = 4 * MA) -> BoundPlan:
    """A session on a device of this accuracy."""
    device = replace(
        PLAIN.plan.device,
        accuracy_ppm=ppm,
        accuracy_offset_na=offset_na,
        step_na=step_na,
        current_na_max=current_na_max,
    )
    plan = replace(PLAIN.plan, device=device)
    constants = replace(
        PLAIN.constants, accuracy_ppm=ppm, offset_na=offset_na, step_na=step_na, current_cap_na=current_na_max
    )
    return replace(PLAIN, plan=plan, constants=constants)


def read(current_na: int, *, at_compliance: bool = False) -> Measurement:
    return Measurement(current_na, 1_000, None, at_compliance, True, False, False, 0, 1, 1, 0)


DEVICES = st.builds(
    device_of,
    st.integers(0, 250_000),
    st.integers(0, 120_000),
    st.sampled_from((1, 1_000, 10_000, 30_000, 60_000, 100_000, 250_000)),
    st.sampled_from((500, 40_000, 200_000, 2 * MA, 4 * MA)),
)


@pytest.mark.requirement("R15")
@settings(max_examples=200)
@given(DEVICES, st.integers(0, 30 * MA))
@example(device_of(20_000, 50_000, 100_000, 30 * MA), 0)
@example(device_of(20_000, 50_000, 100_000, 30 * MA), MA)
def test_a_sound_device_that_is_admitted_is_never_stopped_for_its_accuracy(
    bound: BoundPlan, set_na: int
) -> None:
    assume(not list(accuracy_problems(bound)))
    device = bound.plan.device
    set_na = min(set_na, device.current_na_max)
    most_na = worst_na(set_na, device.accuracy_ppm, device.accuracy_offset_na)
    watch = CurrentWatch(bound, None)
    sight = Sight(read(most_na), set_na, set_na, 1_000)
    assert "F37" not in {finding.alarm for finding in watch.look(sight)} or most_na > worst_na(4 * MA, 0, 0)
    assert most_na <= tolerated_na(device, set_na)


@pytest.mark.requirement("R15")
@given(DEVICES, st.integers(0, 4 * MA))
def test_a_device_may_state_what_it_likes_and_no_more_than_share_and_floor_together_are_borne(
    bound: BoundPlan, set_na: int
) -> None:
    assert tolerated_na(bound.plan.device, set_na) <= set_na + set_na // 20 + 50_000


@pytest.mark.requirement("R15")
@pytest.mark.parametrize(
    ("bound", "floor"),
    [
        (device_of(20_000, 10_000), 50_000),
        (device_of(20_000, 10_000, 10_000, MA), 50_000),
        (device_of(20_000, 10_000, 10_000, MA - 20), 49_999),
        (device_of(20_000, 49_999, 1, 40_000), 50_000),
        (device_of(20_000, 50_000, 100_000, 40_000), 50_000),
        (device_of(10_000, 100, 100, 200_000), 10_000),
        (device_of(20_000, 1, 1, 500), 25),
        (device_of(20_000, 24, 1, 500), 25),
        (device_of(20_000, 24, 2, 500), 26),
    ],
    ids=[
        "large",
        "at_1_mA",
        "below_1_mA",
        "offset",
        "capped",
        "200_uA",
        "500_nA",
        "at_5_%",
        "offset_and_step",
    ],
)
def test_a_small_device_is_held_to_its_own_range_and_a_large_one_to_50_ua(
    bound: BoundPlan, floor: int
) -> None:
    device = bound.plan.device
    assert floor_na(device) == tolerated_na(device, 0) == floor


@pytest.mark.requirement("R15")
@settings(max_examples=200)
@given(DEVICES, st.integers(0, 4 * MA))
def test_no_device_is_borne_more_than_the_rule_of_large_ones_bears(bound: BoundPlan, set_na: int) -> None:
    """What R15 says of every device holds of small ones: the floor of their own is never above 50 uA."""
    device = bound.plan.device
    stated_na = worst_na(set_na, device.accuracy_ppm, device.accuracy_offset_na)
    before_na = max(over_na(set_na), min(stated_na, set_na + set_na // 20 + 50_000))
    assert tolerated_na(device, set_na) <= before_na
    if device.current_na_max >= MA:
        assert tolerated_na(device, set_na) == before_na


@pytest.mark.requirement("R15")
@pytest.mark.parametrize("current_na_max", [500, 40_000, 200_000])
@pytest.mark.parametrize("set_share", [None, 0, 2], ids=["open", "zero", "half"])
def test_a_small_device_that_gives_more_than_is_set_is_seen_at_the_second_reading(
    current_na_max: int, set_share: int | None
) -> None:
    """Just beyond the floor, with the output open too; at the floor nothing is said."""
    bound = device_of(10_000, current_na_max // 100, current_na_max // 500, current_na_max)
    set_na = None if set_share is None else current_na_max // 2 if set_share else 0
    least_na = tolerated_na(bound.plan.device, set_na or 0)
    for over, alarms in ((0, []), (1, ["F20" if set_na is None else "F37"])):
        watch = CurrentWatch(replace(bound, constants=replace(bound.constants, accuracy_ppm=250_000)), None)
        sight = Sight(read(least_na + over), set_na, set_na, 100)
        assert not list(watch.look(sight))
        assert [finding.alarm for finding in watch.look(sight)] == alarms
    assert least_na < current_na_max


@pytest.mark.requirement("R13")
@settings(max_examples=200)
@given(DEVICES, st.integers(0, 4 * MA), st.floats(-1, 1))
def test_an_open_circuit_is_never_taken_for_a_closed_one_on_a_device_that_is_admitted(
    bound: BoundPlan, set_na: int, error: float
) -> None:
    """Whether or not the device says that it is at its highest voltage."""
    assume(not list(accuracy_problems(bound)))
    device = bound.plan.device
    set_na = min(set_na, device.current_na_max)
    zero_na = round(error * min(ZERO_NA_MAX, device.accuracy_offset_na))
    watch = ContactWatch(device, may_saturate=False)
    list(watch.look(Sight(read(zero_na), set_na, set_na, 100)))
    assert not watch.closed


@pytest.mark.requirement("R13")
@settings(max_examples=200)
@given(DEVICES)
def test_a_probe_on_a_closed_circuit_shows_it_on_every_device_that_is_admitted(bound: BoundPlan) -> None:
    device = bound.plan.device
    probe = probe_na(device)
    assume(device.current_na_max > probe and not list(accuracy_problems(bound)))
    least_na = max(0, probe - probe * device.accuracy_ppm // 1_000_000 - device.accuracy_offset_na)
    watch = ContactWatch(device, may_saturate=False)
    list(watch.look(Sight(read(least_na), probe, probe, 100)))
    assert watch.closed


@pytest.mark.requirement("R15")
@pytest.mark.parametrize(
    ("bound", "said"),
    [
        (device_of(50_001, 0), "5.0001 %"),
        (device_of(0, 50_001), "50.001 µA"),
        (device_of(0, 30_000, 60_000), "a probe of 60 µA shows no closed circuit"),
        (device_of(50_000, 50_000, 100_000, 30 * MA), "the hard ceiling of 30 mA"),
    ],
    ids=["share", "offset", "probe", "ceiling"],
)
def test_a_device_that_cannot_be_watched_is_refused_and_told_why(bound: BoundPlan, said: str) -> None:
    found = list(accuracy_problems(bound))
    assert [problem.code for problem in found] == ["I0850"] and said in found[0].message


@pytest.mark.requirement("R15")
def test_each_refusal_is_needed() -> None:
    """Just beyond each bound a sound device is stopped, or an open circuit is not seen."""
    for bound, set_na in ((device_of(50_100, 50_000), MA), (device_of(0, 50_100), 0)):
        device = bound.plan.device
        most_na = worst_na(set_na, device.accuracy_ppm, device.accuracy_offset_na)
        assert most_na > tolerated_na(device, set_na)
    device = device_of(0, 30_000, 60_000).plan.device
    assert telling_na(device) > probe_na(device)


@pytest.mark.requirement("R15")
@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize("offset_na", [0, 30_000, 50_000])
def test_a_treatment_on_a_device_at_the_edge_of_what_is_admitted_is_finished(
    seed: int, offset_na: int
) -> None:
    bound = device_of(20_000, offset_na)
    assert not list(accuracy_problems(bound))
    bedside = Bedside(bound, seed=seed).begin()
    bedside.until_closed()
    assert bedside.session.completed and bedside.codes() == []


SMALL = timed_plan(20_000, hold_ms=10 * SECOND, ramp_ms=4 * SECOND)


def small_bound(ppm: int) -> BoundPlan:
    """20 uA on a device that has 40 uA at most."""
    device = replace(
        SMALL.device, current_na_max=40_000, step_na=100, accuracy_ppm=ppm, accuracy_offset_na=100
    )
    return bound_of(replace(SMALL, device=device))


@pytest.mark.requirement("R15")
def test_a_device_whose_range_is_below_50_ua_is_stopped_like_a_large_one() -> None:
    """By this rule alone: where a device may be wrong by a fifth, the machine's own bears it."""
    bedside, broken = broken_bedside(small_bound(200_000))
    bedside.begin().tick(80)
    broken.bend = lambda found: replace(found, current_na=found.setpoint_na * 120 // 100)
    bedside.tick(1)
    assert bedside.session.state.mode is Mode.ON
    bedside.tick(1)
    assert bedside.codes() == ["F37"] and bedside.session.state.mode in (Mode.STOPPING, Mode.ENDED)


@pytest.mark.requirement("R15")
def test_a_treatment_on_a_sound_device_whose_range_is_below_50_ua_is_finished() -> None:
    bedside = Bedside(small_bound(20_000)).begin().until_closed()
    assert bedside.session.completed and bedside.codes() == []
