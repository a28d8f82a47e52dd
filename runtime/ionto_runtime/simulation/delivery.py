"""How much drug a charge carries: Faraday's law, exactly.

Each ion carries its valence times one elementary charge, and the drug carries the share of the current that
is its transport number: mass = charge * transport number * molar mass / (valence * F). The constant is
exact since the units were redefined in 2019; what is not exact is the transport number, which only ever is
an estimate. The result is what the current can carry, not what reaches tissue or blood.
"""

from __future__ import annotations

from fractions import Fraction

from ionto_ir.limits import Role

FARADAY_C_MOL = Fraction(1_602_176_634 * 602_214_076, 10**13)
"""Charge of a mole of elementary charges, C/mol: 1.602176634e-19 C times 6.02214076e23 per mol (SI, 2019)."""

_PC_PER_C = 10**12
_PPM = 10**6
_MG_PER_G = 10**3
_UG_PER_G = 10**6


def amount_nmol(charge_pc: int, valence: int) -> Fraction:
    """Ions of this valence that a charge of `charge_pc` amounts to when they carry all of it, nmol."""
    assert charge_pc >= 0 and valence != 0, "a charge is a magnitude, and an ion is charged"
    return Fraction(charge_pc, _PC_PER_C) * 10**9 / (abs(valence) * FARADAY_C_MOL)


def delivered_ug(charge_pc: int, transport_ppm: int, molar_mass_mg_mol: int, valence: int) -> Fraction:
    """Mass of drug that `charge_pc` carries into the skin, ug.

    `transport_ppm` is the transport number in millionths (0 to 1_000_000); the sign of `valence` does not
    matter.
    """
    assert 0 <= transport_ppm <= _PPM and molar_mass_mg_mol > 0
    mol = amount_nmol(charge_pc, valence) / 10**9
    grams = mol * Fraction(transport_ppm, _PPM) * Fraction(molar_mass_mg_mol, _MG_PER_G)
    return grams * _UG_PER_G


def charge_for_pc(mass_ug: Fraction, transport_ppm: int, molar_mass_mg_mol: int, valence: int) -> int:
    """The smallest charge, pC, that carries at least `mass_ug`."""
    assert mass_ug >= 0 and transport_ppm > 0
    per_pc = delivered_ug(1, transport_ppm, molar_mass_mg_mol, valence)
    exact = mass_ug / per_pc
    return -(-exact.numerator // exact.denominator)


def drives(valence: int, role: Role) -> bool:
    """Whether an electrode in `role` pushes ions of this sign into the skin: like charges repel."""
    assert valence != 0, "a molecule without charge is not driven"
    return (valence > 0) == (role is Role.ANODE)
