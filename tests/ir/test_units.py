"""Units: spellings, exactness, what is refused and what is then advised, and how values are shown."""

from __future__ import annotations

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ionto_ir.unit_advice import near_unit, unit_advice
from ionto_ir.units import (
    AMOUNT_CONCENTRATION,
    AREA,
    BASE_UNITS,
    CHARGE,
    CURRENT,
    DENSITY,
    DIMENSIONLESS,
    FRACTION,
    FREQUENCY,
    KNOWN_SPELLINGS,
    LENGTH,
    MASS,
    MASS_CONCENTRATION,
    MOLAR_MASS,
    RESISTANCE,
    SLEW,
    TIME,
    VOLTAGE,
    VOLUME,
    Dimension,
    InexactValue,
    Quantity,
    approximate,
    dimension_name,
    format_number,
    format_quantity,
    parse_unit,
    to_base,
)

SAME_UNITS = [
    ("mA", CURRENT, 1_000_000),
    ("uA", CURRENT, 1_000),
    ("\u00b5A", CURRENT, 1_000),
    ("\u03bcA", CURRENT, 1_000),
    ("A", CURRENT, 1_000_000_000),
    ("s", TIME, 1_000),
    ("min", TIME, 60_000),
    ("minutes", TIME, 60_000),
    ("h", TIME, 3_600_000),
    ("hours", TIME, 3_600_000),
    ("d", TIME, 86_400_000),
    ("days", TIME, 86_400_000),
    ("wk", TIME, 604_800_000),
    ("weeks", TIME, 604_800_000),
    ("yr", TIME, 31_557_600_000),
    ("a", TIME, 31_557_600_000),
    ("mA.min", CHARGE, 60_000_000_000),
    ("mA\u00b7min", CHARGE, 60_000_000_000),
    ("C", CHARGE, 1_000_000_000_000),
    ("mC", CHARGE, 1_000_000_000),
    ("A.s", CHARGE, 1_000_000_000_000),
    ("cm2", AREA, 100_000_000),
    ("cm\u00b2", AREA, 100_000_000),
    ("mm2", AREA, 1_000_000),
    ("mA/cm2", DENSITY, 10_000_000),
    ("mA/cm\u00b2", DENSITY, 10_000_000),
    ("mA.cm-2", DENSITY, 10_000_000),
    ("mA/s", SLEW, 1_000_000),
    ("V", VOLTAGE, 1_000),
    ("Ohm", RESISTANCE, 1),
    ("kOhm", RESISTANCE, 1_000),
    ("\u03a9", RESISTANCE, 1),
    ("k\u2126", RESISTANCE, 1_000),
    ("V/A", RESISTANCE, 1),
    ("%", FRACTION, 10_000),
    ("mL", VOLUME, 1_000_000),
    ("uL", VOLUME, 1_000),
    ("cm3", VOLUME, 1_000_000),
    ("mg", MASS, 1_000),
    ("mg/mL", MASS_CONCENTRATION, 1_000_000),
    ("g/mol", MOLAR_MASS, 1_000),
    ("mmol/L", AMOUNT_CONCENTRATION, 1_000),
    ("kHz", FREQUENCY, 1_000_000),
    ("cm", LENGTH, 10_000),
]


@pytest.mark.parametrize(("text", "dimension", "in_base"), SAME_UNITS)
def test_a_unit_is_a_whole_number_of_the_base_unit_of_its_dimension(
    text: str, dimension: Dimension, in_base: int
) -> None:
    unit = parse_unit(text)
    assert unit is not None
    assert unit.dimension == dimension
    assert to_base(Quantity(Fraction(1), unit)) == in_base


@pytest.mark.parametrize(
    ("written", "advice"),
    [
        ("ma", "write `mA`"),
        ("MA", "write `mA`"),
        ("Ma", "write `mA`"),
        ("amps", "write `A`"),
        ("milliamps", "write `mA`"),
        ("mAmin", "write `mA.min`"),
        ("mA-min", "write `mA.min`"),
        ("mA*min", "write `mA.min`"),
        ("mA-minutes", "write `mA.minutes`"),
        ("mAh", "write `mA.h`"),
        ("MA/cm2", "write `mA/cm2`"),
        ("mA/cm^2", "write `mA/cm2`"),
        ("ohm", "write `Ohm`"),
        ("kohm", "write `kOhm`"),
        ("KOhm", "write `kOhm`"),
        ("sec", "write `s`"),
        ("hz", "write `Hz`"),
        ("mcg", "write `ug`"),
        ("cc", "write `mL`"),
        ("mM", "for a concentration write `mmol/L`"),
        ("months", "a month has 28 to 31 days: write the length in `days` or `weeks`"),
        (
            "mg/kg.h",
            "what follows `/` can be read in two ways: write one `/` for each divisor, as in `mg/kg/h`",
        ),
    ],
)
def test_a_unit_that_does_not_exist_is_refused_and_the_one_that_was_meant_is_named(
    written: str, advice: str
) -> None:
    assert parse_unit(written) is None
    assert unit_advice(written) == advice


@pytest.mark.parametrize(
    "text", ["florp", "mA..min", "mA/", "/s", ".", "cm4", "cm-9", "2", "A" * 500, "mA/mA-"]
)
def test_nonsense_is_no_unit(text: str) -> None:
    assert parse_unit(text) is None


def test_a_unit_of_the_wrong_case_never_becomes_another_quantity_silently() -> None:
    """`M` is mega and `m` is milli: nine orders of magnitude that look alike."""
    for spelling in KNOWN_SPELLINGS:
        swapped = parse_unit(spelling.swapcase())
        unit = parse_unit(spelling)
        assert unit is not None
        if swapped is not None and swapped.dimension == unit.dimension:
            assert swapped.factor == unit.factor, spelling


@given(st.text(max_size=60))
def test_advice_is_always_a_unit_that_exists(text: str) -> None:
    near = near_unit(text)
    assert near is None or parse_unit(near) is not None


def test_values_between_two_base_units_are_refused_with_both_neighbours() -> None:
    unit = parse_unit("nA")
    assert unit is not None
    refused = to_base(Quantity(Fraction("1.5"), unit))
    assert refused == InexactValue(1, 2, BASE_UNITS[CURRENT])
    below_zero = to_base(Quantity(Fraction("-1.5"), unit))
    assert below_zero == InexactValue(-2, -1, BASE_UNITS[CURRENT])


def test_a_plain_number_can_be_taken_as_a_share_of_a_whole() -> None:
    plain = parse_unit("")
    assert plain is not None
    assert to_base(Quantity(Fraction("0.012"), plain), FRACTION) == 12_000
    assert to_base(Quantity(Fraction(3), plain)) == 3


def test_dimensions_multiply_and_divide_as_physics_does() -> None:
    assert CURRENT * TIME == CHARGE
    assert CURRENT / AREA == DENSITY
    assert VOLTAGE / CURRENT == RESISTANCE
    assert CURRENT / TIME == SLEW
    assert CURRENT / CURRENT == DIMENSIONLESS
    assert FRACTION * CURRENT == CURRENT
    assert FRACTION * FRACTION == FRACTION
    assert FRACTION.agrees_with(DIMENSIONLESS)
    assert not CHARGE.agrees_with(CURRENT)


def test_the_trap_of_a_slope_written_for_a_dose_has_another_dimension() -> None:
    slope, dose, current = (parse_unit(text) for text in ("mA/min", "mA.min", "mA"))
    assert slope is not None
    assert dose is not None
    assert current is not None
    assert len({slope.dimension, dose.dimension, current.dimension}) == 3


def test_every_dimension_has_a_name_for_people() -> None:
    assert dimension_name(CHARGE) == "charge"
    assert dimension_name(CURRENT * CURRENT) == "quantity in A2"
    assert len({base.noun for base in BASE_UNITS.values()}) == len(BASE_UNITS)


@pytest.mark.parametrize(
    ("value", "dimension", "unit", "shown"),
    [
        (60_000_000_000 * 40, CHARGE, "mA.min", "40 mA.min"),
        (2_400_000_000_000, CHARGE, "C", "2.4 C"),
        (20_000, TIME, "min", "20 s"),
        (-1_500, VOLTAGE, "V", "-1.5 V"),
        (0, CURRENT, "mA", "0 mA"),
        (1, CURRENT, "mA", "0.000001 mA"),
        (20_000, FRACTION, "%", "2 %"),
        (7, DIMENSIONLESS, "", "7"),
        (5, CURRENT, "no such unit", "5 nA"),
        (5, CURRENT, "s", "5 nA"),
    ],
)
def test_values_are_shown_exactly_in_the_unit_of_their_author(
    value: int, dimension: Dimension, unit: str, shown: str
) -> None:
    assert format_quantity(value, dimension, unit) == shown


@given(st.integers(-(10**18), 10**18), st.sampled_from(sorted(KNOWN_SPELLINGS)))
def test_what_is_shown_is_read_back_as_the_same_value(value: int, spelling: str) -> None:
    unit = parse_unit(spelling)
    assert unit is not None
    number, shown_unit = format_quantity(value, unit.dimension, spelling).split(" ")
    shown = parse_unit(shown_unit)
    assert shown is not None
    assert to_base(Quantity(Fraction(number), shown)) == value
    assert shown_unit == spelling or "/" not in number


@pytest.mark.parametrize(
    ("value", "digits", "shown"),
    [
        (Fraction(1, 3), 3, "≈ 0.333"),
        (Fraction(5, 2), 1, "≈ 2"),
        (Fraction(7, 2), 1, "≈ 4"),
        (Fraction(125, 1000), 2, "≈ 0.12"),
        (Fraction(2), 3, "2"),
        (Fraction(123456), 3, "123456"),
        (Fraction(-1, 3), 2, "≈ -0.33"),
        (Fraction(0), 2, "0"),
        (Fraction("0.9996"), 3, "≈ 1"),
    ],
)
def test_rounding_for_reading_is_half_to_even_and_marked(value: Fraction, digits: int, shown: str) -> None:
    assert approximate(value, DIMENSIONLESS, "", digits) == shown


def test_numbers_without_an_end_are_shown_as_fractions() -> None:
    assert format_number(Fraction(1, 3)) == "1/3"
    assert format_number(Fraction(1, 8)) == "0.125"
    assert format_number(Fraction(-5)) == "-5"
