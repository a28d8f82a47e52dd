"""Faraday's law against the published figures that the library rests on."""

from __future__ import annotations

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ionto_ir.limits import Role
from ionto_runtime.simulation.delivery import (
    FARADAY_C_MOL,
    amount_nmol,
    charge_for_pc,
    delivered_ug,
    drives,
)

MA_MIN_PC = 60_000_000_000

CHARGES_PC = st.integers(0, 3_000_000_000_000_000)
TRANSPORT_PPM = st.integers(1, 1_000_000)
MASSES_MG_MOL = st.integers(1_000, 2_000_000)
VALENCES = st.sampled_from([-3, -2, -1, 1, 2, 3])


def test_the_faraday_constant_is_the_one_everybody_prints() -> None:
    assert round(FARADAY_C_MOL, 5) == Fraction("96485.33212")


def test_a_milliampere_minute_is_622_nanomoles_of_charge() -> None:
    assert round(amount_nmol(MA_MIN_PC, 1)) == 622


@pytest.mark.parametrize(
    ("drug", "molar_mass_mg_mol", "valence", "transport_ppm", "ug_per_ma_min"),
    [
        # The transport numbers rest on: fentanyl, 40 ug in 10 min of 170 uA (label); dexamethasone
        # phosphate, pig skin; sumatriptan, 6.5 mg in 10 mA.h; the last two have no published source
        # (general knowledge).
        ("fentanyl", 336_500, 1, 112_000, "23.5"),
        ("dexamethasone phosphate", 472_400, -2, 12_000, "1.8"),
        ("sumatriptan", 295_400, 1, 59_000, "10.8"),
        ("lidocaine", 234_300, 1, 100_000, "15"),
        ("pilocarpine", 208_300, 1, 100_000, "13"),
    ],
)
def test_mass_for_each_milliampere_minute_agrees_with_the_derived_table(
    drug: str, molar_mass_mg_mol: int, valence: int, transport_ppm: int, ug_per_ma_min: str
) -> None:
    found = delivered_ug(MA_MIN_PC, transport_ppm, molar_mass_mg_mol, valence)
    expected = Fraction(ug_per_ma_min)
    # Three percent: the table has two or three digits, made from transport numbers that have two.
    assert abs(found - expected) <= expected * Fraction(3, 100), f"{drug}: {found}"


def test_forty_milliampere_minutes_deliver_about_seventy_micrograms_of_dexamethasone_phosphate() -> None:
    assert 68 <= delivered_ug(40 * MA_MIN_PC, 12_000, 472_400, -2) <= 72


def test_a_fentanyl_dose_of_its_label_is_forty_micrograms() -> None:
    charge_pc = 170_000 * 10 * 60_000
    assert 39 <= delivered_ug(charge_pc, 112_000, 336_500, 1) <= 41


@given(CHARGES_PC, CHARGES_PC, TRANSPORT_PPM, MASSES_MG_MOL, VALENCES)
def test_charges_add_up_exactly(first: int, second: int, ppm: int, mass: int, valence: int) -> None:
    parts = delivered_ug(first, ppm, mass, valence) + delivered_ug(second, ppm, mass, valence)
    assert parts == delivered_ug(first + second, ppm, mass, valence)


@given(CHARGES_PC, TRANSPORT_PPM, MASSES_MG_MOL, VALENCES)
def test_the_charge_for_a_mass_is_the_smallest_that_suffices(
    charge_pc: int, ppm: int, mass: int, valence: int
) -> None:
    assert charge_for_pc(delivered_ug(charge_pc, ppm, mass, valence), ppm, mass, valence) == charge_pc
    slightly_more = delivered_ug(charge_pc, ppm, mass, valence) + Fraction(1, 10**30)
    assert charge_for_pc(slightly_more, ppm, mass, valence) == charge_pc + 1


def test_a_double_charge_needs_twice_the_current_for_the_same_number_of_ions() -> None:
    assert amount_nmol(MA_MIN_PC, -2) * 2 == amount_nmol(MA_MIN_PC, 1)


def test_like_charges_repel() -> None:
    assert drives(1, Role.ANODE)
    assert drives(-2, Role.CATHODE)
    assert not drives(1, Role.CATHODE)
    assert not drives(-1, Role.ANODE)
