"""Dimensions, units and exact quantities: what `4 mA` means, and how a number is shown again in its author's
unit.

Units follow UCUM (`mA.min`, `cm2`, `a` of 365.25 days) plus the accepted print forms (`mA·min`, `cm²`, `µA`,
`Ω`, `weeks`). Only sensible prefixes exist: there is no `MA`, because whoever writes it means `mA`. Below the
language every dimension has one integer base unit; a value that is not a whole number of it is refused, never
rounded. `ionto_ir.unit_advice` knows what was probably meant by a unit that does not exist.
"""

from __future__ import annotations

from fractions import Fraction

from ionto_ir.dataclass import dataclass

Exponents = tuple[int, int, int, int, int, int]

SI_SYMBOLS = ("m", "kg", "s", "A", "K", "mol")


@dataclass(frozen=True, slots=True)
class Dimension:
    """The exponents of length, mass, time, current, temperature and amount.

    `share` tells a part of a whole (`2 %`, counted in ppm) from a plain number: both have no exponents.
    """

    exponents: Exponents
    share: bool = False

    def __mul__(self, other: Dimension) -> Dimension:
        return _dimension(_add(self.exponents, other.exponents, 1), self.share or other.share)

    def __truediv__(self, other: Dimension) -> Dimension:
        return _dimension(_add(self.exponents, other.exponents, -1), self.share and not other.share)

    def __pow__(self, power: int) -> Dimension:
        a, b, c, d, e, f = self.exponents
        return _dimension((a * power, b * power, c * power, d * power, e * power, f * power), self.share)

    def agrees_with(self, other: Dimension) -> bool:
        """Whether values of both may be compared and added; a share and a plain number may."""
        return self.exponents == other.exponents

    @property
    def is_plain(self) -> bool:
        """Whether this is a number without a unit, or a share."""
        return self.exponents == _NONE


_NONE: Exponents = (0, 0, 0, 0, 0, 0)


def _add(left: Exponents, right: Exponents, sign: int) -> Exponents:
    a, b, c, d, e, f = left
    u, v, w, x, y, z = right
    return (a + sign * u, b + sign * v, c + sign * w, d + sign * x, e + sign * y, f + sign * z)


def _dimension(exponents: Exponents, share: bool) -> Dimension:
    return Dimension(exponents, share and exponents == _NONE)


DIMENSIONLESS = Dimension(_NONE)
FRACTION = Dimension(_NONE, share=True)
LENGTH = Dimension((1, 0, 0, 0, 0, 0))
AREA = LENGTH**2
VOLUME = LENGTH**3
MASS = Dimension((0, 1, 0, 0, 0, 0))
TIME = Dimension((0, 0, 1, 0, 0, 0))
CURRENT = Dimension((0, 0, 0, 1, 0, 0))
TEMPERATURE = Dimension((0, 0, 0, 0, 1, 0))
AMOUNT = Dimension((0, 0, 0, 0, 0, 1))
FREQUENCY = DIMENSIONLESS / TIME
CHARGE = CURRENT * TIME
DENSITY = CURRENT / AREA
CHARGE_DENSITY = CHARGE / AREA
SLEW = CURRENT / TIME
VOLTAGE = Dimension((2, 1, -3, -1, 0, 0))
RESISTANCE = VOLTAGE / CURRENT
POWER = VOLTAGE * CURRENT
AMOUNT_CONCENTRATION = AMOUNT / VOLUME
MASS_CONCENTRATION = MASS / VOLUME
MOLAR_MASS = MASS / AMOUNT


@dataclass(frozen=True, slots=True)
class BaseUnit:
    """The integer unit of a dimension below the language: `factor` is its size in SI units."""

    noun: str
    symbol: str
    factor: Fraction


def _ten(exponent: int) -> Fraction:
    return Fraction(10) ** exponent


BASE_UNITS: dict[Dimension, BaseUnit] = {
    DIMENSIONLESS: BaseUnit("plain number", "", Fraction(1)),
    FRACTION: BaseUnit("fraction", "ppm", _ten(-6)),
    LENGTH: BaseUnit("length", "µm", _ten(-6)),
    AREA: BaseUnit("area", "µm²", _ten(-12)),
    VOLUME: BaseUnit("volume", "nL", _ten(-12)),
    MASS: BaseUnit("mass", "µg", _ten(-9)),
    TIME: BaseUnit("time", "ms", _ten(-3)),
    CURRENT: BaseUnit("current", "nA", _ten(-9)),
    TEMPERATURE: BaseUnit("temperature", "mK", _ten(-3)),
    AMOUNT: BaseUnit("amount of substance", "nmol", _ten(-9)),
    FREQUENCY: BaseUnit("frequency", "mHz", _ten(-3)),
    CHARGE: BaseUnit("charge", "pC", _ten(-12)),
    DENSITY: BaseUnit("current density", "µA/m²", _ten(-6)),
    CHARGE_DENSITY: BaseUnit("charge density", "µC/m²", _ten(-6)),
    SLEW: BaseUnit("slew rate", "nA/s", _ten(-9)),
    VOLTAGE: BaseUnit("voltage", "mV", _ten(-3)),
    RESISTANCE: BaseUnit("resistance", "Ohm", Fraction(1)),
    POWER: BaseUnit("power", "µW", _ten(-6)),
    AMOUNT_CONCENTRATION: BaseUnit("amount concentration", "µmol/L", _ten(-3)),
    MASS_CONCENTRATION: BaseUnit("mass concentration", "µg/L", _ten(-6)),
    MOLAR_MASS: BaseUnit("molar mass", "mg/mol", _ten(-6)),
}


def dimension_name(dimension: Dimension) -> str:
    """What people call it (`current`, `charge`), or its SI unit when it has no name of its own."""
    base = BASE_UNITS.get(dimension)
    if base is not None:
        return base.noun
    parts = [
        symbol + (str(exponent) if exponent != 1 else "")
        for symbol, exponent in zip(SI_SYMBOLS, dimension.exponents, strict=True)
        if exponent
    ]
    return "quantity in " + ".".join(parts)


@dataclass(frozen=True, slots=True)
class Unit:
    """A unit as its author wrote it, its dimension, and its exact factor to the SI unit of that dimension."""

    text: str
    dimension: Dimension
    factor: Fraction


PLAIN = Unit("", DIMENSIONLESS, Fraction(1))


@dataclass(frozen=True, slots=True)
class Quantity:
    """An exact number of a unit."""

    value: Fraction
    unit: Unit


@dataclass(frozen=True, slots=True)
class InexactValue:
    """The refusal of `to_base`: the value lies between two whole numbers of the base unit."""

    below: int
    above: int
    base: BaseUnit


def to_base(quantity: Quantity, dimension: Dimension | None = None) -> int | InexactValue:
    """The quantity as a whole number of its dimension's base unit, or the two neighbours between which it
    lies.

    `dimension` chooses between a plain number and a share (`0.012` of a whole is 12000 ppm). A dimension
    without a base unit is a bug of the caller, who must have refused it as a type.
    """
    target = quantity.unit.dimension if dimension is None else dimension
    assert target.agrees_with(quantity.unit.dimension), "a quantity keeps its dimension"
    base = BASE_UNITS[target]
    exact = quantity.value * quantity.unit.factor / base.factor
    if exact.denominator == 1:
        return exact.numerator
    below = exact.numerator // exact.denominator
    return InexactValue(below, below + 1, base)


# How units are spelled

# Micro sign and Greek mu look alike and UCUM writes u; three dots serve as the product sign.
_PLAIN = str.maketrans("\u00b5\u03bc⁰¹²³⁴⁵⁶⁷⁸⁹⁻\u00b7\u22c5\u2219", "uu0123456789-...")
_PREFIXES = {"p": -12, "n": -9, "u": -6, "m": -3, "c": -2, "d": -1, "k": 3, "M": 6}

_MINUTE, _HOUR, _DAY = 60, 3600, 86_400
_YEAR = Fraction(36525, 100) * _DAY  # UCUM `a` is the Julian year

# atom -> dimension, factor, prefixes that make sense with it
_ATOMS: dict[str, tuple[Dimension, Fraction, str]] = {
    "A": (CURRENT, Fraction(1), "pnum"),
    "V": (VOLTAGE, Fraction(1), "umk"),
    "Ohm": (RESISTANCE, Fraction(1), "kM"),
    "C": (CHARGE, Fraction(1), "pnum"),
    "W": (POWER, Fraction(1), "um"),
    "Hz": (FREQUENCY, Fraction(1), "mkM"),
    "m": (LENGTH, Fraction(1), "numcdk"),
    "g": (MASS, _ten(-3), "num" + "k"),
    "L": (VOLUME, _ten(-3), "numcd"),
    "mol": (AMOUNT, Fraction(1), "pnum"),
    "s": (TIME, Fraction(1), "um"),
    "min": (TIME, Fraction(_MINUTE), ""),
    "h": (TIME, Fraction(_HOUR), ""),
    "d": (TIME, Fraction(_DAY), ""),
    "wk": (TIME, Fraction(7 * _DAY), ""),
    "a": (TIME, _YEAR, ""),
    "%": (FRACTION, _ten(-2), ""),
    "ppm": (FRACTION, _ten(-6), ""),
    "K": (TEMPERATURE, Fraction(1), "m"),
}
_PRINT_FORMS = {
    "\u03a9": "Ohm",  # Greek capital omega
    "\u2126": "Ohm",  # the ohm sign, which looks the same
    "l": "L",
    "second": "s",
    "seconds": "s",
    "minute": "min",
    "minutes": "min",
    "hour": "h",
    "hours": "h",
    "day": "d",
    "days": "d",
    "week": "wk",
    "weeks": "wk",
    "yr": "a",
    "year": "a",
    "years": "a",
}


def _spellings() -> dict[str, tuple[Dimension, Fraction]]:
    """Every accepted spelling of one factor of a unit: `mA`, `kΩ`, `weeks`."""
    table: dict[str, tuple[Dimension, Fraction]] = {}
    names = {name: name for name in _ATOMS} | _PRINT_FORMS
    for spelling, atom in names.items():
        dimension, factor, prefixes = _ATOMS[atom]
        table[spelling] = (dimension, factor)
        for prefix in prefixes if len(spelling) <= len(atom) else "":
            table[prefix + spelling] = (dimension, factor * _ten(_PREFIXES[prefix]))
    return table


_SPELLINGS = _spellings()
KNOWN_SPELLINGS: tuple[str, ...] = tuple(_SPELLINGS)

UNIT_LENGTH_MAX = 40
"""Characters of a unit. `ug/cm2/min` has ten; the bound keeps hostile input from costing time."""
EXPONENT_MAX = 3
"""Highest power of one factor. Volumes are cubes, and nothing in the field goes beyond."""

_cache: dict[str, Unit | None] = {"": PLAIN}
_CACHE_MAX = 1_000


def parse_unit(text: str) -> Unit | None:
    """The unit that `text` spells, or None; `unit_advice` then says what was probably meant."""
    if text in _cache:
        return _cache[text]
    unit = None if len(text) > UNIT_LENGTH_MAX else _compose(text)
    if len(_cache) < _CACHE_MAX:
        _cache[text] = unit
    return unit


def _compose(text: str) -> Unit | None:
    numerator, *denominators = text.translate(_PLAIN).split("/")
    if any("." in part for part in denominators):
        return None  # UCUM reads mg/kg.h as (mg/kg).h, people read it as mg/(kg.h): nobody may write it
    dimension, factor = DIMENSIONLESS, Fraction(1)
    for symbol in numerator.split("."):
        term = _factor(symbol)
        if term is None:
            return None
        dimension, factor = dimension * term[0], factor * term[1]
    for symbol in denominators:
        term = _factor(symbol)
        if term is None:
            return None
        dimension, factor = dimension / term[0], factor / term[1]
    return Unit(text, dimension, factor)


def _factor(symbol: str) -> tuple[Dimension, Fraction] | None:
    """One factor with its exponent: `cm2` is (cm)², because the prefix belongs to the unit."""
    letters = symbol.rstrip("-0123456789")
    digits = symbol[len(letters) :]
    known = _SPELLINGS.get(letters)
    if known is None:
        return None
    if not digits:
        return known
    if digits.lstrip("-") not in ("1", "2", "3") or digits.count("-") > 1:
        return None
    power = int(digits)
    assert abs(power) <= EXPONENT_MAX
    return known[0] ** power, known[1] ** power


# How values are shown


def format_quantity(value: int, dimension: Dimension, unit_text: str) -> str:
    """`value` base units of `dimension` in the unit that the author used, exactly: `40 mA.min`, `2.5 min`.

    Never rounds. A value whose decimals do not end is told in s or C, where they do, else as a fraction.
    """
    unit = _unit_for(dimension, unit_text)
    exact = Fraction(value) * BASE_UNITS[dimension].factor
    if not _ends(exact / unit.factor) and dimension in _ENDING:
        unit = _unit_for(dimension, _ENDING[dimension])
    return _with_unit(format_number(exact / unit.factor), unit.text)


_ENDING = {TIME: "s", CHARGE: "C"}
"""Units in which all decimals end; an hour has thirds of a minute that do not."""


def _ends(value: Fraction) -> bool:
    return "/" not in format_number(value)


def format_number(value: Fraction) -> str:
    """A number exactly: as a decimal when its decimals end, else as a fraction."""
    rest, twos, fives = value.denominator, 0, 0
    while rest % 2 == 0:
        rest, twos = rest // 2, twos + 1
    while rest % 5 == 0:
        rest, fives = rest // 5, fives + 1
    if rest != 1:
        return f"{value.numerator}/{value.denominator}"
    return _decimal(value, max(twos, fives))


def approximate(value: Fraction, dimension: Dimension, unit_text: str, digits: int = 3) -> str:
    """`value` base units for reading: half to even to `digits` significant digits, ≈ marks rounding."""
    assert digits >= 1
    unit = _unit_for(dimension, unit_text)
    exact = value * BASE_UNITS[dimension].factor / unit.factor
    rounded, places = _rounded(exact, digits)
    mark = "" if rounded == exact else "≈ "
    return mark + _with_unit(_decimal(rounded, places), unit.text)


def in_base_units(dimension: Dimension, unit_text: str) -> Fraction:
    """How many base units one of a unit is: 60 000 ms for `min`."""
    return _unit_for(dimension, unit_text).factor / BASE_UNITS[dimension].factor


def _unit_for(dimension: Dimension, unit_text: str) -> Unit:
    unit = parse_unit(unit_text)
    if unit is not None and unit.dimension.agrees_with(dimension):
        return unit
    base = BASE_UNITS[dimension]
    return Unit(base.symbol, dimension, base.factor)


def _with_unit(number: str, unit_text: str) -> str:
    return f"{number} {unit_text}" if unit_text else number


def _decimal(value: Fraction, places: int) -> str:
    """A number whose decimals end within `places`, without trailing zeros."""
    scaled = value * 10**places
    assert scaled.denominator == 1, "the caller counted the decimals"
    sign = "-" if scaled < 0 else ""
    digits = str(abs(scaled.numerator)).rjust(places + 1, "0")
    whole, decimals = (digits[:-places], digits[-places:].rstrip("0")) if places else (digits, "")
    return sign + whole + (f".{decimals}" if decimals else "")


def _rounded(value: Fraction, digits: int) -> tuple[Fraction, int]:
    """The value at `digits` significant digits (or all of its whole part), and its number of decimals."""
    magnitude, limit = 0, abs(value)
    while limit >= _ten(magnitude + 1):
        magnitude += 1
    while limit and limit < _ten(magnitude):
        magnitude -= 1
    places = max(0, digits - 1 - magnitude)
    return Fraction(round(value * 10**places), 10**places), places
