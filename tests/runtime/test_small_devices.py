"""A device of some 10 uA is guarded as tightly as a large one: for every absolute current it has its own.

Each test names the requirement whose figure is too coarse for the device, does on 100 uA what the figure is
about, at a size at which the figure would say nothing, and has a device of 4 mA beside it, which is held to
the figure as it stands.
"""

from __future__ import annotations

import pytest
from hypothesis import assume, given, settings

from ionto_ir.bound import BoundPlan
from ionto_ir.dataclass import replace
from ionto_ir.device import Device, Place
from ionto_ir.expression import Constant
from ionto_ir.limits import Role
from ionto_ir.state import Mode
from ionto_runtime.accuracy import (
    accuracy_problems,
    comparing_na,
    dense_na,
    floor_na,
    moved_na,
    over_na,
    probe_na,
    telling_na,
    unseen,
    zero_na,
)
from ionto_runtime.simulation.stimulator import Fault
from ionto_runtime.supervision import fault_at_start
from ionto_runtime.watch_current import CurrentWatch
from ionto_runtime.watching import Sight
from tests.ir.sessions import DEVICE, MA, SECOND, bound_of, timed_plan
from tests.runtime.bedside import Bedside
from tests.runtime.broken import Broken, broken_bedside
from tests.runtime.test_accuracy import DEVICES, device_of, read
from tests.treatments import electrode

UA = 1_000
TINY = replace(
    DEVICE, current_na_max=100 * UA, step_na=UA, accuracy_ppm=10_000, accuracy_offset_na=UA, slew_na_s=25 * UA
)
"""100 uA in steps of 1 uA."""

MINUTE = replace(TINY, current_na_max=10 * UA, step_na=50, accuracy_offset_na=50)


def on(device: Device, level_na: int = 60 * UA, hold_ms: int = 20 * SECOND) -> BoundPlan:
    """A session on a device: up in 4 s, a while, and down again."""
    slew_na_s = device.slew_na_s
    plan = timed_plan(level_na, hold_ms=hold_ms, ramp_ms=4 * SECOND)
    return bound_of(replace(plan, device=device, stop_slew_na_s=slew_na_s, resume_slew_na_s=slew_na_s))


def running(device: Device = TINY, level_na: int = 60 * UA, ticks: int = 60) -> tuple[Bedside, Broken]:
    """A session that holds its level."""
    bedside, broken = broken_bedside(on(device, level_na))
    bedside.begin().tick(ticks)
    assert bedside.session.state.mode is Mode.ON and bedside.codes() == []
    return bedside, broken


@pytest.mark.parametrize(
    ("device", "zero", "telling", "probe", "moved", "floor", "comparing"),
    [
        (DEVICE, 20_000, 40_000, 100_000, 50_000, 50_000, 100_000),
        (replace(DEVICE, current_na_max=MA), 20_000, 40_000, 100_000, 50_000, 50_000, 100_000),
        (TINY, 2_000, 4_000, 10_000, 5_000, 5_000, 10_000),
        (replace(TINY, accuracy_offset_na=4 * UA), 5_000, 12_001, 13_000, 10_000, 5_000, 12_000),
        (MINUTE, 200, 400, 1_000, 500, 500, 1_000),
    ],
    ids=["4_mA", "1_mA", "100_uA", "100_uA_and_4_uA_of_offset", "10_uA"],
)  # fmt: skip
def test_the_thresholds_follow_from_what_a_device_states(
    device: Device, zero: int, telling: int, probe: int, moved: int, floor: int, comparing: int
) -> None:
    found = (zero_na(device), telling_na(device), probe_na(device), moved_na(device))
    assert found == (zero, telling, probe, moved)
    assert (floor_na(device), comparing_na(device)) == (floor, comparing)


@settings(max_examples=200)
@given(DEVICES)
def test_no_device_is_guarded_less_than_the_figures_say(bound: BoundPlan) -> None:
    """And one that is admitted can tell a closed circuit and a frozen reading within its own range."""
    device = bound.plan.device
    assert zero_na(device) <= 20_000 and moved_na(device) <= 50_000 and comparing_na(device) <= 100_000
    assert probe_na(device) <= max(100_000, device.step_na)
    assume(not list(accuracy_problems(bound)))
    assert device.accuracy_offset_na <= floor_na(device)
    assert telling_na(device) <= device.current_na_max and moved_na(device) <= device.current_na_max


@pytest.mark.requirement("R8")
@pytest.mark.parametrize(("current_na", "ready"), [(2_000, True), (2_001, False), (-2_001, False)])
def test_what_is_zero_to_a_large_device_is_none_to_a_small_one(current_na: int, ready: bool) -> None:
    bedside, broken = broken_bedside(on(TINY))
    broken.bend = lambda found: replace(found, current_na=current_na)
    fault = bedside.session.arm()
    assert (fault is None) is ready
    assert fault is None or "where at most 2 µA are zero" in fault
    reading = replace(read(current_na), output_on=False)
    assert fault_at_start(reading, zero_na(DEVICE)) is None


@pytest.mark.requirement("R22")
@pytest.mark.parametrize(("current_na", "codes"), [(1_900, []), (3_000, ["F20"])])
def test_a_small_device_that_still_gives_3_ua_at_the_end_is_not_seen_off(
    current_na: int, codes: list[str]
) -> None:
    bedside, broken = broken_bedside(on(TINY, hold_ms=SECOND))
    bedside.begin()
    while not bedside.session.ended:
        bedside.tick(1)
    broken.bend = lambda found: replace(found, output_on=False, current_na=current_na)
    bedside.until_closed()
    assert bedside.codes() == codes and bedside.session.completed is not bool(codes)


@pytest.mark.requirement("R13")
def test_no_more_than_a_tenth_of_a_small_range_flows_before_the_circuit_is_seen_closed() -> None:
    bedside, broken = broken_bedside(on(TINY))
    bedside.device.inject(Fault.LEAD_OFF)
    bedside.begin().tick(40)
    assert 0 < max(abs(na or 0) for na in broken.sent) <= 10 * UA
    assert not bedside.session.guard.contact.closed
    bedside.device.clear(Fault.LEAD_OFF)
    before_na = bedside.device.received.peak_na
    assert before_na <= 11 * UA


@pytest.mark.requirement("R29")
@pytest.mark.parametrize("level_na", [8 * UA, 20 * UA, 30 * UA])
def test_an_electrode_that_comes_off_below_40_ua_is_seen_on_a_small_device(level_na: int) -> None:
    bedside, broken = running(level_na=level_na)
    bedside.device.inject(Fault.LEAD_OFF)
    bedside.tick(5)
    assert broken.sent[-1] is None and bedside.session.state.mode is not Mode.ON


def frozen(broken: Broken) -> None:
    """The same current and voltage again and again, from a device whose clock goes on."""
    first = broken.device.measure()
    assert first is not None
    broken.bend = lambda found: replace(found, current_na=first.current_na, voltage_mv=first.voltage_mv)


@pytest.mark.requirement("R34")
def test_a_reading_of_a_small_device_that_stands_still_while_6_ua_more_are_set_is_seen() -> None:
    bedside, broken = broken_bedside(slow_bound())
    bedside.begin().tick(60)
    frozen(broken)
    bedside.tick(31)
    assert bedside.codes() == []
    bedside.tick(20)
    assert "F38" in bedside.codes() and bedside.session.state.ended


def slow_bound() -> BoundPlan:
    """To 60 uA in 60 s: 3 uA in 3 s."""
    plan = timed_plan(60 * UA, hold_ms=SECOND, ramp_ms=60 * SECOND)
    return bound_of(replace(plan, device=TINY, stop_slew_na_s=25 * UA, resume_slew_na_s=25 * UA))


@pytest.mark.requirement("R35")
@pytest.mark.parametrize(("current_na", "codes"), [(-3_000, []), (-4_000, ["F39"])])
def test_4_ua_against_what_is_set_are_the_wrong_way_on_a_small_device(
    current_na: int, codes: list[str]
) -> None:
    bedside, broken = running(level_na=4 * UA)
    broken.bend = lambda found: replace(found, current_na=current_na)
    bedside.tick(1)
    assert [code for code in bedside.codes() if code == "F39"] == codes


@pytest.mark.requirement("R32")
def test_a_contact_that_changes_suddenly_at_20_ua_is_seen_on_a_small_device() -> None:
    bedside, broken = running(level_na=20 * UA)
    broken.bend = lambda found: replace(found, impedance_ohm=3 * (found.impedance_ohm or 0))
    bedside.tick(3)
    assert bedside.codes() == ["F41"]


@pytest.mark.requirement("R33")
def test_a_small_electrode_bears_2_ma_a_cm2_and_a_twentieth_of_the_range_not_50_ua_more() -> None:
    """Of an electrode of 2 mm2 40 uA are the end; 90 uA were within the rule of large devices."""
    bound = on(TINY, 30 * UA)
    area = Constant(2_000_000)
    electrodes = tuple(replace(electrode(place, Role.ANODE), area_um2=area) for place in Place)
    small = replace(bound, plan=replace(bound.plan, electrodes=electrodes))
    for current_na, alarms in ((45_000, []), (45_001, ["F49"])):
        watch = CurrentWatch(small, None)
        sight = Sight(read(current_na), 40 * UA, 40 * UA, 100)
        assert [found.alarm for found in watch.look(sight)] == alarms
    assert dense_na(DEVICE, 40 * UA) == over_na(40 * UA) == 90 * UA


@pytest.mark.requirement("R13")
@pytest.mark.parametrize(
    "bound",
    [
        device_of(10_000, 5_000, 1_000, 10_000),
        device_of(10_000, 0, 30_000, 50_000),
        device_of(10_000, 20_000, 1_000, 60_000),
    ],
    ids=["offset", "step", "offset_of_a_third"],
)
def test_a_device_that_cannot_tell_anything_within_its_range_is_refused(bound: BoundPlan) -> None:
    (problem,) = accuracy_problems(bound)
    assert problem.code == "I0966" and "tell something from" in problem.message and problem.help


@pytest.mark.requirement("R29")
def test_what_nobody_will_see_is_said_before_a_session_and_kept() -> None:
    assert list(unseen(DEVICE, 40 * UA)) == [] == list(unseen(TINY, 4 * UA))
    assert list(unseen(DEVICE, 0)) == []
    (said,) = unseen(DEVICE, 39 * UA)
    assert said == (
        "at most 39 µA are set, and on `clinic` an electrode that is off shows from 40 µA on: "
        "nobody will see it"
    )
    assert len(list(unseen(TINY, 3 * UA))) == 1


@pytest.mark.requirement("R15")
@pytest.mark.parametrize("seed", range(8))
@pytest.mark.parametrize("offset_na", [0, UA, 4 * UA])
def test_a_treatment_on_a_sound_small_device_is_finished(seed: int, offset_na: int) -> None:
    """None of the finer thresholds stops what is sound."""
    bound = on(replace(TINY, accuracy_offset_na=offset_na, accuracy_ppm=20_000), hold_ms=3 * SECOND)
    assert not list(accuracy_problems(bound))
    bedside = Bedside(bound, seed=seed).begin().until_closed()
    assert bedside.session.completed and bedside.codes() == []
