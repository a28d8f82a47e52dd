"""The simulated skin behaves as published measurements say, within the accuracy of general knowledge."""

from __future__ import annotations

from dataclasses import replace

import pytest

from ionto_runtime.simulation.skin import (
    DEFAULT_SKIN,
    PERSON_SPREAD,
    SHORT_OHM,
    UM2_PER_CM2,
    Body,
    Circuit,
    SkinSite,
    body_of,
    person_factor,
)

AREA_UM2 = 10 * UM2_PER_CM2


def treated(density_ma_cm2: float, minutes: float) -> SkinSite:
    """A site of 10 cm2 after so many minutes at a density."""
    site = SkinSite(AREA_UM2)
    body = Body((site,))
    for _ in range(round(minutes * 600)):
        body.drive(density_ma_cm2 * site.area_cm2, 80.0, Circuit.CLOSED, 100)
    return site


def ohm_cm2(site: SkinSite) -> float:
    return site.resistance_ohm * site.area_cm2


def test_untreated_wet_skin_has_its_resting_resistance() -> None:
    assert ohm_cm2(SkinSite(AREA_UM2)) == pytest.approx(DEFAULT_SKIN.rest_ohm_cm2)


@pytest.mark.parametrize("density", [0.2, 0.3, 0.5])
def test_treatment_brings_skin_to_one_to_five_kiloohm_within_five_minutes(density: float) -> None:
    assert 1_000 <= ohm_cm2(treated(density, 5)) <= 5_000


def test_resistance_falls_quickly_first_and_slowly_later() -> None:
    at_rest, early, late = (ohm_cm2(treated(0.3, minutes)) for minutes in (0, 0.5, 5))
    assert at_rest - early > 2 * (early - late)


def test_resistance_falls_with_current_at_equal_charge() -> None:
    assert ohm_cm2(treated(0.4, 2)) < ohm_cm2(treated(0.1, 8))


def test_resistance_falls_with_charge_at_equal_current() -> None:
    falling = [ohm_cm2(treated(0.3, minutes)) for minutes in (1, 2, 4, 8, 16)]
    assert falling == sorted(falling, reverse=True)


def test_resistance_never_falls_below_its_floor() -> None:
    assert ohm_cm2(treated(5.0, 60)) >= DEFAULT_SKIN.floor_ohm_cm2


def test_half_an_hour_after_treatment_resistance_is_about_three_times_higher() -> None:
    site = treated(0.3, 10)
    at_switch_off = ohm_cm2(site)
    for _ in range(30 * 600):
        site.pass_current(0.0, 0.0, 100)
    assert 2.5 <= ohm_cm2(site) / at_switch_off <= 4


def test_a_larger_electrode_has_less_resistance_and_more_capacitance() -> None:
    small, large = SkinSite(AREA_UM2), SkinSite(3 * AREA_UM2)
    assert small.resistance_ohm == pytest.approx(3 * large.resistance_ohm)


def test_the_time_constant_of_a_site_does_not_depend_on_its_area() -> None:
    small, large = SkinSite(AREA_UM2), SkinSite(3 * AREA_UM2)
    small.voltage_v = large.voltage_v = 1.0
    assert small.response(1)[0] == pytest.approx(large.response(1)[0])


def test_sites_and_tissue_add_up() -> None:
    body = Body((SkinSite(AREA_UM2), SkinSite(2 * AREA_UM2)), series_ohm=250.0)
    assert body.resistance_ohm == pytest.approx(250.0 + 2_000.0 + 1_000.0)


def test_after_some_milliseconds_voltage_is_current_times_resistance() -> None:
    body = Body((SkinSite(AREA_UM2),))
    flow = [body.drive(0.001, 80.0, Circuit.CLOSED, 1) for _ in range(20)][-1]
    assert flow.voltage_v == pytest.approx(0.001 * body.resistance_ohm / 1000, rel=1e-3)


def test_the_capacitance_holds_voltage_back_at_the_first_moment() -> None:
    slow = replace(DEFAULT_SKIN, capacitance_uf_cm2=100.0)
    first = Body((SkinSite(AREA_UM2, 1.0, slow),)).drive(1.0, 80.0, Circuit.CLOSED, 1)
    settled = Body((SkinSite(AREA_UM2),)).drive(1.0, 80.0, Circuit.CLOSED, 100)
    assert first.voltage_v < settled.voltage_v / 3


def test_a_charged_site_loses_its_charge_through_the_skin() -> None:
    body = Body((SkinSite(AREA_UM2),))
    body.drive(1.0, 80.0, Circuit.CLOSED, 100)
    body.drive(0.0, 80.0, Circuit.CLOSED, 100)
    body.drive(0.0, 80.0, Circuit.CLOSED, 100)
    assert abs(body.sites[0].voltage_v) < 0.001


def test_current_falls_where_the_voltage_does_not_suffice() -> None:
    body = Body((SkinSite(AREA_UM2),))
    flow = [body.drive(4.0, 2.0, Circuit.CLOSED, 100) for _ in range(3)][-1]
    assert flow.limited
    assert 0 < flow.current_ma < 4.0
    assert flow.voltage_v == 2.0
    assert flow.current_ma == pytest.approx(2.0 * 1000 / body.resistance_ohm, rel=0.05)


def test_the_other_polarity_behaves_alike() -> None:
    forward, backward = Body((SkinSite(AREA_UM2),)), Body((SkinSite(AREA_UM2),))
    for _ in range(50):
        there = forward.drive(3.0, 2.0, Circuit.CLOSED, 100)
        back = backward.drive(-3.0, 2.0, Circuit.CLOSED, 100)
        assert (back.current_ma, back.voltage_v) == (-there.current_ma, -there.voltage_v)


def test_a_source_never_sinks_current_from_a_charged_site() -> None:
    body = Body((SkinSite(AREA_UM2, 1.0, replace(DEFAULT_SKIN, capacitance_uf_cm2=1_000.0)),))
    for _ in range(100):
        body.drive(4.0, 80.0, Circuit.CLOSED, 100)
    assert body.drive(1.0, 0.5, Circuit.CLOSED, 1).current_ma == 0.0


def test_without_contact_nothing_flows_and_all_voltage_is_there() -> None:
    flow = Body((SkinSite(AREA_UM2),)).drive(-2.0, 80.0, Circuit.OPEN, 100)
    assert (flow.current_ma, flow.skin_ma, flow.voltage_v, flow.limited) == (0.0, 0.0, -80.0, True)


def test_without_contact_and_without_current_there_is_no_voltage() -> None:
    flow = Body((SkinSite(AREA_UM2),)).drive(0.0, 80.0, Circuit.OPEN, 100)
    assert (flow.voltage_v, flow.limited) == (0.0, False)


def test_touching_electrodes_take_all_current_past_the_skin() -> None:
    flow = Body((SkinSite(AREA_UM2),)).drive(4.0, 80.0, Circuit.SHORTED, 100)
    assert flow.skin_ma == 0.0
    assert flow.current_ma == 4.0
    assert flow.voltage_v == pytest.approx(4.0 * SHORT_OHM / 1000)


def test_people_differ_three_to_four_fold_and_no_more() -> None:
    factors = [person_factor(seed) for seed in range(2_000)]
    assert 3.0 <= max(factors) / min(factors) <= PERSON_SPREAD
    assert 0.9 <= sorted(factors)[1_000] <= 1.1


def test_a_seed_is_one_person_for_ever() -> None:
    assert person_factor(7) == person_factor(7)
    assert body_of((AREA_UM2,), 7).resistance_ohm == body_of((AREA_UM2,), 7).resistance_ohm
    assert person_factor(7) != person_factor(8)


def test_skin_that_dries_out_resists_more_and_more() -> None:
    drying = Body((SkinSite(AREA_UM2, 1.0, replace(DEFAULT_SKIN, dry_out_per_min=0.1)),))
    steady = Body((SkinSite(AREA_UM2),))
    for _ in range(20 * 600):
        drying.drive(3.0, 80.0, Circuit.CLOSED, 100)
        steady.drive(3.0, 80.0, Circuit.CLOSED, 100)
    assert drying.sites[0].resistance_ohm == pytest.approx(3 * steady.sites[0].resistance_ohm, rel=0.01)


def test_length_of_the_computing_steps_does_not_matter() -> None:
    fine, coarse = Body((SkinSite(AREA_UM2),)), Body((SkinSite(AREA_UM2),))
    for _ in range(600):
        coarse.drive(3.0, 80.0, Circuit.CLOSED, 100)
        for _ in range(10):
            fine.drive(3.0, 80.0, Circuit.CLOSED, 10)
    assert fine.resistance_ohm == pytest.approx(coarse.resistance_ohm, rel=0.005)
