"""The observer sees each violation, when it begins and how large it is, and none where there is none."""

from __future__ import annotations

from fractions import Fraction

import pytest

from ionto_ir import expression as terms
from ionto_ir.dataclass import replace
from ionto_ir.device import Place
from ionto_ir.expression import Constant
from ionto_ir.limits import Envelope, ImpedanceRange, Limit, LimitKind, Role
from ionto_ir.observer import broken_properties, violations
from ionto_ir.plan import (
    ForTime,
    Hold,
    Instruct,
    Plan,
    PropertyKind,
    Ramp,
    Section,
    Slope,
    UserProperty,
    Wait,
)
from ionto_ir.trace import Point, Trace, observe
from tests.treatments import BENCH, HERE, electrode, finish, limit, plan_with

MA = 1_000_000
EXACT = replace(BENCH, accuracy_ppm=0, accuracy_offset_na=0)
STEPS = (
    Ramp(Constant(MA), Constant(0), Slope(Constant(MA), Constant(2_000)), False, 1, Section.SESSION, HERE),
    Hold(Constant(MA), ForTime(Constant(1_000)), 2, Section.SESSION, HERE),
    Ramp(Constant(0), Constant(MA), Slope(Constant(MA), Constant(2_000)), False, 3, Section.SESSION, HERE),
    Wait(Constant(1_000), "collect", 4, Section.SESSION, HERE),
    Instruct("moisturise", 5, Section.AFTER, HERE),
    finish(),
)


def plan(*limits: Limit, **changes: object) -> Plan:
    """A plan with these limits, on a device that is exact unless said otherwise."""
    return plan_with(STEPS, **({"limits": limits, "device": EXACT} | changes))


def trace(*parts: tuple[int, int | None], cut_at: int | None = None) -> Trace:
    """Stretches of (length in ms, setpoint in nA or None for off)."""
    points, at_ms = [], 0
    for length_ms, setpoint_na in parts:
        cut = at_ms == cut_at
        points.append(Point(at_ms, setpoint_na or 0, setpoint_na is not None, 0, cut))
        at_ms += length_ms
    return Trace(tuple(points), ((0, 0),), at_ms, 100)


# --- sums


def test_charges_times_and_peaks_are_summed_exactly() -> None:
    seen = observe(plan(device=BENCH), trace((100, MA), (300, 2 * MA), (200, None), (100, -MA), (50, 0)))
    assert seen.peak_na == 2 * MA
    assert seen.worst_na == 2 * MA + 40_000 + 10_000
    assert seen.nominal_pc == 100 * MA + 600 * MA + 100 * MA
    assert seen.worst_pc == 200 * (MA + 30_000) + 300 * (2 * MA + 50_000) + 50 * 10_000
    assert seen.duration_ms == 750
    assert seen.on_ms == 550


def test_inaccuracy_is_rounded_up() -> None:
    odd = replace(BENCH, accuracy_ppm=1, accuracy_offset_na=0)
    assert observe(plan(device=odd), trace((100, 10_000))).worst_na == 10_001


def test_nothing_flows_while_the_output_is_off() -> None:
    seen = observe(plan(device=BENCH), trace((1_000, None)))
    assert (seen.worst_na, seen.worst_pc, seen.duration_ms, seen.on_ms) == (0, 0, 0, 0)


# --- current, density, voltage


def test_limits_are_inclusive() -> None:
    assert violations(plan(limit(LimitKind.CURRENT, MA, "mA")), {}, trace((100, MA))) == ()
    (found,) = violations(plan(limit(LimitKind.CURRENT, MA - 1, "mA")), {}, trace((100, 0), (100, MA)))
    assert (found.at_ms, found.value) == (100, MA)


def test_accuracy_is_added_unless_a_limit_is_nominal() -> None:
    worst = limit(LimitKind.CURRENT, MA + 30_000, "mA")
    assert violations(plan(worst, device=BENCH), {}, trace((100, MA))) == ()
    tight = replace(worst, bound=MA + 29_999)
    assert len(violations(plan(tight, device=BENCH), {}, trace((100, MA)))) == 1
    assert violations(plan(replace(tight, bound=MA, nominal=True), device=BENCH), {}, trace((100, MA))) == ()


def test_a_density_limit_follows_the_role_that_the_polarity_gives() -> None:
    # 1 mA on 10 cm2 is 0.1 mA/cm2, which is 1 A/m2.
    small = (electrode(Place.ACTIVE, Role.CATHODE, 10**9), electrode(Place.RETURN, Role.ANODE, 10**11))
    bound = limit(LimitKind.DENSITY, 999_999, "mA/cm2", role=Role.CATHODE)
    assert len(violations(plan(bound, electrodes=small), {}, trace((100, MA)))) == 1
    assert violations(plan(bound, electrodes=small), {}, trace((100, -MA))) == ()
    anode = replace(bound, role=Role.ANODE)
    (found,) = violations(plan(anode, electrodes=small), {}, trace((100, MA), (100, None), (200, -MA)))
    assert (found.at_ms, found.value, found.electrode) == (200, 10**6, 0)


def test_a_density_limit_without_a_role_holds_in_both() -> None:
    small = (electrode(Place.ACTIVE, Role.CATHODE, 10**9), electrode(Place.RETURN, Role.ANODE, 10**11))
    bound = limit(LimitKind.DENSITY, 999_999, "mA/cm2")
    for sign in (1, -1):
        assert len(violations(plan(bound, electrodes=small), {}, trace((100, sign * MA)))) == 1


def test_an_area_of_the_day_is_used() -> None:
    asked = (
        electrode(Place.ACTIVE, Role.CATHODE, terms.integer_reference("tray")),
        electrode(Place.RETURN, Role.ANODE),
    )
    bound = limit(LimitKind.DENSITY, 10**6, "mA/cm2", role=Role.CATHODE)
    assert violations(plan(bound, electrodes=asked), {"tray": 10**9}, trace((100, MA))) == ()
    assert len(violations(plan(bound, electrodes=asked), {"tray": 10**9 - 1}, trace((100, MA)))) == 1


def test_voltage_is_the_impedance_or_the_compliance_whichever_is_lower() -> None:
    skin = Envelope("skin", "Skin", ImpedanceRange(1_000, 15_000, None, HERE), HERE)
    bound = limit(LimitKind.VOLTAGE, 14_999, "V")
    (found,) = violations(plan(bound, envelopes=(skin,)), {}, trace((100, MA)))
    assert found.value == 15_000
    weak = replace(EXACT, compliance_mv=10_000)
    assert violations(plan(bound, envelopes=(skin,), device=weak), {}, trace((100, MA))) == ()


def test_without_an_assumed_impedance_the_voltage_may_be_the_whole_compliance() -> None:
    bound = limit(LimitKind.VOLTAGE, 79_999, "V")
    assert len(violations(plan(bound), {}, trace((100, 10_000)))) == 1
    assert violations(plan(bound), {}, trace((100, 0))) == ()


# --- ramps

GENTLE = limit(LimitKind.RAMP, 500_000, "mA/s")  # 50 uA a tick, which is five steps


def staircase(*levels: int) -> Trace:
    """One tick at each level."""
    return trace(*((100, level) for level in levels))


def test_a_ramp_along_the_limit_is_fine_even_when_it_is_floored() -> None:
    floored = [n * 50_000 - (n * 50_000) % 30_000 for n in range(1, 20)]
    coarse = replace(EXACT, step_na=30_000)
    assert violations(plan(GENTLE, device=coarse), {}, staircase(*floored)) == ()
    assert violations(plan(GENTLE), {}, staircase(*(n * 50_000 for n in range(1, 20)))) == ()


def test_one_device_step_more_than_the_line_counts_as_continuous_and_two_do_not() -> None:
    assert violations(plan(GENTLE), {}, staircase(60_000)) == ()
    (found,) = violations(plan(GENTLE), {}, staircase(50_000, 120_000))
    assert found.at_ms == 100


def test_a_slope_that_is_too_steep_only_over_many_ticks_is_seen() -> None:
    # 52 uA a tick for a limit of 50 uA: no single tick gives it away.
    fine = replace(EXACT, step_na=4_000)
    steep = [n * 52_000 for n in range(1, 10)]
    (found,) = violations(plan(GENTLE, device=fine), {}, staircase(*steep))
    assert found.at_ms == 200


def test_a_fall_and_a_jump_to_off_are_ramps_too() -> None:
    up = [n * 50_000 for n in range(1, 5)]
    (found,) = violations(plan(GENTLE), {}, trace(*((100, level) for level in up), (100, None)))
    assert found.at_ms == 400
    gentle_end = [150_000, 100_000, 50_000]
    assert (
        violations(plan(GENTLE), {}, trace(*((100, level) for level in (*up, *gentle_end)), (100, None)))
        == ()
    )


def test_an_output_that_was_cut_is_no_ramp_but_what_follows_begins_at_zero() -> None:
    up = tuple((100, n * 50_000) for n in range(1, 5))
    assert violations(plan(GENTLE), {}, trace(*up, (100, None), cut_at=400)) == ()
    (found,) = violations(plan(GENTLE), {}, trace(*up, (100, None), (100, 200_000), cut_at=400))
    assert found.at_ms == 500


def test_a_jump_through_zero_counts_with_both_sides() -> None:
    (found,) = violations(plan(GENTLE), {}, staircase(50_000, -50_000))
    assert found.value == Fraction(500_000 + (100_000 - 50_000 - 10_000) * 10)


# --- dose and time


def test_a_dose_is_counted_over_the_session_and_polarity_cancels_nothing() -> None:
    bound = limit(LimitKind.DOSE, 300 * MA, "mA.min")
    assert violations(plan(bound), {}, trace((200, MA), (100, -MA))) == ()
    (found,) = violations(plan(replace(bound, bound=300 * MA - 1)), {}, trace((200, MA), (100, -MA)))
    assert (found.at_ms, found.value) == (300, 300 * MA)


def test_a_dose_in_a_window_slides_and_ends_anywhere() -> None:
    parts = ((1_000, MA), (1_000, None), (1_000, MA))
    bound = limit(LimitKind.DOSE, 1_000 * MA, "mA.min", window_ms=2_000)
    assert violations(plan(bound), {}, trace(*parts)) == ()
    wider = replace(bound, window_ms=2_100)
    (found,) = violations(plan(wider), {}, trace(*parts))
    assert found.value == 1_100 * MA


def test_the_duration_runs_from_the_first_energised_tick_to_the_last() -> None:
    bound = limit(LimitKind.DURATION, 400, "s")
    parts = ((500, None), (100, MA), (200, None), (100, MA), (900, None))
    assert violations(plan(bound), {}, trace(*parts)) == ()
    (found,) = violations(plan(replace(bound, bound=399)), {}, trace(*parts))
    assert (found.at_ms, found.value) == (500 + 399, 400)


def test_the_stop_time_is_that_of_the_highest_current() -> None:
    # 50 uA a tick: 1 mA takes 20 ticks.
    bound = limit(LimitKind.STOP_TIME, 2_000, "s")
    assert violations(plan(bound), {}, trace((100, MA))) == ()
    (found,) = violations(plan(bound), {}, trace((100, MA), (100, MA + 10_000)))
    assert (found.at_ms, found.value) == (100, 2_100)


def test_soft_limits_are_asked_for_separately_and_sessions_are_not_judged() -> None:
    soft = limit(LimitKind.DOSE, 1, "mA.min", soft=True)
    count = limit(LimitKind.SESSIONS, 0, "", window_ms=1_000)
    both = plan(soft, count)
    assert violations(both, {}, trace((100, MA))) == ()
    assert [found.limit for found in violations(both, {}, trace((100, MA)), soft=True)] == [soft]


def test_the_earliest_violation_comes_first() -> None:
    late = limit(LimitKind.DURATION, 500, "s")
    early = limit(LimitKind.CURRENT, 1, "mA")
    found = violations(plan(late, early), {}, trace((1_000, MA)))
    assert [item.limit for item in found] == [early, late]


# --- the author's own properties


def low(bound_na: int) -> terms.Expression:
    """output.current <= bound."""
    return terms.less_equal(terms.integer_reference("output.current"), Constant(bound_na))


@pytest.mark.parametrize(
    ("kind", "condition", "broken_at"),
    [
        (PropertyKind.ALWAYS, low(MA), None),
        (PropertyKind.ALWAYS, low(MA - 1), 100),
        (PropertyKind.NEVER, terms.negation(low(MA - 1)), 100),
        (PropertyKind.NEVER, terms.negation(low(MA)), None),
    ],
)
def test_a_condition_is_looked_at_in_every_tick(
    kind: PropertyKind, condition: terms.Expression, broken_at: int | None
) -> None:
    item = UserProperty(kind, condition, None, None, "", HERE)
    found = broken_properties(plan(properties=(item,)), {}, trace((100, 0), (200, MA)))
    assert found == (() if broken_at is None else ((item, broken_at),))


def test_a_condition_may_speak_of_charge_and_time_at_the_end_of_a_tick() -> None:
    charge = terms.less_equal(terms.integer_reference("output.charge"), Constant(200 * MA))
    soon = terms.less_equal(terms.integer_reference("output.elapsed"), Constant(300))
    for condition in (charge, soon):
        item = UserProperty(PropertyKind.ALWAYS, condition, None, None, "", HERE)
        late = 200 if condition == charge else 300
        found = broken_properties(plan(properties=(item,)), {}, trace((500, MA)))
        assert found == ((item, late),)


def test_after_a_step_only_what_follows_its_end_counts() -> None:
    item = UserProperty(PropertyKind.NEVER, terms.negation(low(0)), "collect", None, "", HERE)
    made = trace((100, MA), (100, None), (100, MA))
    waited = replace(made, visits=((0, 0), (100, 3), (200, 0)))
    assert broken_properties(plan(properties=(item,)), {}, waited) == ((item, 200),)
    assert broken_properties(plan(properties=(item,)), {}, made) == ()


def test_finished_within_is_broken_by_a_later_energised_tick() -> None:
    item = UserProperty(PropertyKind.FINISHED, None, None, 200, "", HERE)
    assert broken_properties(plan(properties=(item,)), {}, trace((200, MA), (100, None))) == ()
    assert broken_properties(plan(properties=(item,)), {}, trace((300, MA))) == ((item, 200),)


def test_a_condition_without_a_value_says_nothing() -> None:
    later = terms.less_equal(terms.integer_reference("pain"), Constant(1))
    item = UserProperty(PropertyKind.ALWAYS, later, None, None, "", HERE)
    assert broken_properties(plan(properties=(item,)), {}, trace((100, MA))) == ()
