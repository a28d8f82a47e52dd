"""What somebody probably meant by a unit that does not exist: `ma`, `amps`, `mAmin`, `mA-min`, `months`."""

from __future__ import annotations

from ionto_ir.units import KNOWN_SPELLINGS, UNIT_LENGTH_MAX, parse_unit

_SPOKEN = {
    "amp": "A",
    "amps": "A",
    "ampere": "A",
    "amperes": "A",
    "milliamp": "mA",
    "milliamps": "mA",
    "milliampere": "mA",
    "milliamperes": "mA",
    "microamp": "uA",
    "microamps": "uA",
    "microampere": "uA",
    "microamperes": "uA",
    "mamp": "mA",
    "mamps": "mA",
    "volt": "V",
    "volts": "V",
    "ohms": "Ohm",
    "kohms": "kOhm",
    "coulomb": "C",
    "coulombs": "C",
    "sec": "s",
    "secs": "s",
    "mins": "min",
    "hr": "h",
    "hrs": "h",
    "dy": "d",
    "yrs": "yr",
    "y": "yr",
    "wks": "weeks",
    "percent": "%",
    "pct": "%",
    "cc": "mL",
    "ccm": "mL",
    "mcg": "ug",
    "mca": "uA",
    "mcl": "uL",
    "sqcm": "cm2",
    "mm/l": "mmol/L",
    "mmolar": "mmol/L",
    "msec": "ms",
    "meq/l": "mmol/L",
}
_MONTHS = frozenset({"mo", "month", "months"})


def unit_advice(text: str) -> str | None:
    """What to write instead of a unit that `parse_unit` refused, as a help line; None if that is unclear."""
    lowered = text.lower()
    if lowered in _MONTHS:
        return "a month has 28 to 31 days: write the length in `days` or `weeks`"
    if text == "mM":
        return "for a concentration write `mmol/L`"
    if "/" in text and any("." in part for part in text.replace("·", ".").split("/")[1:]):
        return "what follows `/` can be read in two ways: write one `/` for each divisor, as in `mg/kg/h`"
    meant = near_unit(text)
    return None if meant is None else f"write `{meant}`"


def near_unit(text: str) -> str | None:
    """The unit that somebody who wrote `text` almost certainly meant, or None."""
    if len(text) > UNIT_LENGTH_MAX:
        return None
    lowered = text.lower()
    for candidate in (_SPOKEN.get(lowered), text.replace("^", "").replace("**", ""), _repaired(text)):
        if candidate is not None and candidate != text and parse_unit(candidate) is not None:
            return candidate
    return None


def _repaired(text: str) -> str | None:
    """The unit with each factor put right by case or spoken name, a hyphen or nothing read as a product."""
    product = text.replace("-", ".").replace("*", ".").replace("×", ".").replace("^", "")
    parts: list[str] = []
    for index, divided in enumerate(product.split("/")):
        factors = [_repaired_factor(factor) for factor in divided.split(".")]
        if any(factor is None for factor in factors):
            return None
        parts.append(("/" if index else "") + ".".join(factor for factor in factors if factor is not None))
    return "".join(parts)


# Where several units differ only by case, the first of these is what the field means.
_PREFERRED = (
    "mA",
    "uA",
    "min",
    "Ohm",
    "kOhm",
    "MOhm",
    "mL",
    "uL",
    "mg",
    "ug",
    "mC",
    "cm",
    "mV",
    "V",
    "kHz",
    "Hz",
)


def _repaired_factor(factor: str) -> str | None:
    if parse_unit(factor) is not None:
        return factor
    letters = factor.rstrip("0123456789")
    power = factor[len(letters) :]
    lowered = letters.lower()
    if lowered in _SPOKEN:
        return _SPOKEN[lowered] + power
    for known in (*_PREFERRED, *KNOWN_SPELLINGS):
        if known.lower() == lowered:
            return known + power
    for tail in ("min", "h", "s", "d"):  # mAmin, mAh: two units run together
        head = letters[: -len(tail)]
        if letters.endswith(tail) and head in KNOWN_SPELLINGS and head not in ("m", "d"):
            return f"{head}.{tail}"
    return None
