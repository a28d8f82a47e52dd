"""Devices, drugs and electrode profiles: from their declarations to facts in base units."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from ionto_dsl import surface
from ionto_dsl.operands import amount, at_least, constant, positive
from ionto_dsl.scope import Scope
from ionto_dsl.settings import joined, missing, only, remark_sources, sources_of, title_of
from ionto_dsl.suggest import nearest
from ionto_dsl.wording import kind_of, listed, written
from ionto_ir.dataclass import dataclass
from ionto_ir.device import DEVICE_CLASSES, Device, Drug
from ionto_ir.diagnostic import Diagnostic, Label, error
from ionto_ir.source import Span
from ionto_ir.units import (
    AREA,
    CURRENT,
    DIMENSIONLESS,
    FRACTION,
    MASS_CONCENTRATION,
    MOLAR_MASS,
    SLEW,
    TIME,
    VOLTAGE,
    VOLUME,
    Dimension,
)


@dataclass(frozen=True, slots=True)
class Profile:
    """An electrode as its maker describes it. Area µm² from `lo` to `hi` (equal when fixed; None: asked on
    the day).
    """

    name: str
    area: tuple[int, int] | None
    area_unit: str
    fill_nl: int | None
    reusable: bool | None
    source: str | None
    span: Span


@dataclass(frozen=True, slots=True)
class _Range:
    current_na_min: int | None
    current_na_max: int | None
    step_na: int | None
    accuracy_ppm: int | None
    accuracy_offset_na: int | None


_DEVICE_TIMES = {"tick": TIME, "watchdog": TIME, "host gap": TIME, "compliance": VOLTAGE, "slew": SLEW}
_RETURNS = ("shared", "separate")
_DEVICE_HELP = {
    "driver": "for example `driver simulated`",
    "current": "for example `current 0 mA .. 4 mA step 10 uA accuracy 2 % + 10 uA`",
    "tick": "how often the setpoint is sent, for example `tick 100 ms`",
    "watchdog": "after what silence of the host the device goes to zero, for example `watchdog 500 ms`",
    "host gap": "the longest silence of the host that it must bridge, for example `host gap 250 ms`",
    "compliance": "the highest voltage at its output, for example `compliance 80 V`",
    "slew": "how fast it can change the current, for example `slew at most 1 mA/s`",
    "waveforms": "for example `waveforms dc`",
    "step": "the smallest change of its setpoint, for example `step 10 uA`",
    "accuracy": "how far the current may be off, for example `accuracy 2 % + 10 uA`",
}


def device_of(declaration: surface.Device, found: list[Diagnostic]) -> Device | None:
    """The device profile; None after an error."""
    scope, count = Scope(found), len(found)
    settings = _settings(declaration.items)
    ranges = [item for item in declaration.items if isinstance(item, surface.CurrentRange)]
    owner = f"the device `{declaration.name.text}`"
    said = [(key, setting.span) for key, setting in settings] + [("current", item.span) for item in ranges]
    said += [("title", item.span) for item in declaration.items if isinstance(item, surface.Title)]
    only([(f"`{key}`", span) for key, span in said], found)
    for key in ("driver", "current", *_DEVICE_TIMES, "waveforms"):
        if key not in dict(said):
            missing(f"`{key}`", owner, declaration.name.span, _DEVICE_HELP[key], found)
    by_key = dict(reversed(settings))
    numbers = {
        key: _setting(by_key[key], dimension, scope, key != "host gap")
        for key, dimension in _DEVICE_TIMES.items()
        if key in by_key
    }
    current = _current_range(ranges[0], owner, scope) if ranges else None
    _check_class(by_key, found)
    channels = _channels(by_key, owner, scope)
    if len(found) > count or current is None or None in numbers.values():
        return None
    known = {key: value or 0 for key, value in numbers.items()}
    if known["watchdog"] <= known["tick"] + known["host gap"]:
        found.append(_too_quick(by_key))
        return None
    return _device(declaration, by_key, known, current, channels)


def _check_class(by_key: dict[str, surface.Setting], found: list[Diagnostic]) -> None:
    if "class" in by_key:
        setting = by_key["class"]
        check_class(_words(setting)[0], setting.span, found)


def _channels(by_key: dict[str, surface.Setting], owner: str, scope: Scope) -> tuple[int, bool]:
    """How many outputs the device has, and whether their returns are one terminal."""
    count = 1
    if "channels" in by_key:
        count = _setting(by_key["channels"], DIMENSIONLESS, scope, True) or 1
    said = by_key.get("return")
    if said is None:
        if count > 1:
            advice = "write `return shared` or `return separate`: it decides what flows in a return electrode"
            missing("`return`", owner, by_key["channels"].span, advice, scope.found)
        return count, False
    word = _words(said)[0]
    if word not in _RETURNS:
        message = f"the return of a device is `shared` or `separate`, not `{word}`"
        scope.found.append(error("I0456", message, said.span, "not known"))
    return count, word == "shared"


def check_class(name: str, span: Span, found: list[Diagnostic]) -> None:
    """Whether a class of devices exists (I0456)."""
    if name not in DEVICE_CLASSES:
        near = nearest(name, DEVICE_CLASSES)
        advice = f"the classes are {listed(list(DEVICE_CLASSES))}"
        if near is not None:
            advice = f"did you mean `{near}`? {advice}"
        found.append(error("I0456", f"there is no class of devices `{name}`", span, "not known", help=advice))


def _too_quick(by_key: dict[str, surface.Setting]) -> Diagnostic:
    """A watchdog that would end a session which merely waits for its host."""
    return error(
        "I0418",
        "the watchdog is too quick: it must be longer than the tick and the host gap together",
        by_key["watchdog"].span,
        "would strike while the host is allowed to be silent",
        labels=(Label(by_key["tick"].span, "the tick"), Label(by_key["host gap"].span, "the host gap")),
        help="lengthen the watchdog, or shorten the host gap that the device must bridge",
    )


def _device(
    declaration: surface.Device,
    by_key: dict[str, surface.Setting],
    numbers: dict[str, int],
    current: _Range,
    channels: tuple[int, bool],
) -> Device | None:
    parts = (current.current_na_min, current.current_na_max, current.step_na)
    low, high, step = parts
    ppm, offset = current.accuracy_ppm, current.accuracy_offset_na
    if low is None or high is None or step is None or ppm is None or offset is None:
        return None
    return Device(
        name=declaration.name.text,
        title=title_of(declaration.items, declaration.name.text),
        driver=_words(by_key["driver"])[0],
        current_na_min=low,
        current_na_max=high,
        step_na=step,
        accuracy_ppm=ppm,
        accuracy_offset_na=offset,
        compliance_mv=numbers["compliance"],
        slew_na_s=numbers["slew"],
        tick_ms=numbers["tick"],
        watchdog_ms=numbers["watchdog"],
        host_gap_ms=numbers["host gap"],
        waveforms=_words(by_key["waveforms"]),
        source=joined(sources_of(declaration.items)),
        span=declaration.name.span,
        device_class=_words(by_key["class"])[0] if "class" in by_key else None,
        channels=channels[0],
        shared_return=channels[1],
    )


def _settings(items: Sequence[object]) -> list[tuple[str, surface.Setting]]:
    return [(item.key.text, item) for item in items if isinstance(item, surface.Setting)]


def _words(setting: surface.Setting) -> tuple[str, ...]:
    value = setting.value
    if isinstance(value, tuple):
        return tuple(name.text for name in value)
    return (value.dotted,) if isinstance(value, surface.Reference) else ()


def _setting(setting: surface.Setting, dimension: Dimension, scope: Scope, above_zero: bool) -> int | None:
    value = setting.value
    assert not isinstance(value, tuple | surface.Range), "the grammar gives this setting one value"
    place = f"`{setting.key.text}` takes {kind_of(dimension)}"
    return at_least(constant(value, dimension, scope, place), int(above_zero), value, scope, place)


def _current_range(item: surface.CurrentRange, owner: str, scope: Scope) -> _Range:
    place = "the range of a device's current has ends"
    low = at_least(constant(item.range.low, CURRENT, scope, place), 0, item.range.low, scope, place)
    high = positive(item.range.high, CURRENT, scope, place)
    if low is not None and high is not None and low > high:
        _empty(item.range, scope.found)
    step = None
    if item.step is None:
        missing("`step`", f"the current of {owner}", item.span, _DEVICE_HELP["step"], scope.found)
    else:
        step = positive(item.step, CURRENT, scope, "the step of a device is a current")
    if step is not None:
        for end, part in ((low, item.range.low), (high, item.range.high)):
            if end is not None and end % step:
                scope.found.append(
                    error(
                        "I0405",
                        f"`{written(part)}` is not a multiple of the device's step",
                        part.span,
                        "off step",
                    )
                )
    if low is not None and step is not None and low > step:
        least, most = written(item.range.low), written(item.range.high)
        message = f"between zero and `{least}` this device sets nothing, and every ramp passes there"
        advice = f"write `current 0 mA .. {most}` if it can be set lower; if it cannot, it cannot ramp"
        scope.found.append(error("I0419", message, item.range.low.span, "more than one step", help=advice))
    if not item.accuracy:
        missing("`accuracy`", f"the current of {owner}", item.span, _DEVICE_HELP["accuracy"], scope.found)
    ppm, offset = _accuracy(item.accuracy, scope)
    return _Range(low, high, step, ppm, offset)


def _empty(range_: surface.Range, found: list[Diagnostic]) -> None:
    found.append(
        error(
            "I0403",
            f"the range `{written(range_)}` is empty",
            range_.span,
            "its low end is above its high end",
            help="write the smaller value first",
        )
    )


def _accuracy(summands: tuple[surface.Expression, ...], scope: Scope) -> tuple[int | None, int | None]:
    """Shares are added up, and currents are: `2 % + 10 uA`."""
    totals: dict[Dimension, int | None] = {FRACTION: 0, CURRENT: 0}
    place = "an accuracy is a share of the current, a current, or both"
    for summand in summands:
        value = amount(summand, (CURRENT, FRACTION), scope, place)
        if value is None:
            return None, None
        dimension = CURRENT if value.dimension == CURRENT else FRACTION
        number = at_least(constant(summand, dimension, scope, place), 0, summand, scope, place)
        total = totals[dimension]
        totals[dimension] = None if number is None or total is None else total + number
    return totals[FRACTION], totals[CURRENT]


def drug_of(declaration: surface.Drug, found: list[Diagnostic]) -> Drug | None:
    """The drug; None after an error."""
    scope, count = Scope(found), len(found)
    settings = dict(reversed(_checked_settings(declaration.items, found)))
    ion = None
    unknown = False
    if "ion" in settings:
        value = settings["ion"].value
        assert not isinstance(value, surface.Range), "the grammar gives an ion one value"
        unknown = isinstance(value, tuple)
        if not isinstance(value, tuple):
            place = "`ion` takes the valence of the drug's ion, a number with its sign, or `unknown`"
            ion = constant(value, DIMENSIONLESS, scope, place)
    else:
        owner = f"the drug `{declaration.name.text}`"
        missing(
            "`ion`",
            owner,
            declaration.name.span,
            "write the valence with its sign, for example `ion -2`; 0 for a neutral molecule",
            found,
        )
    dimensions = {"molar_mass": MOLAR_MASS, "concentration": MASS_CONCENTRATION, "transport": FRACTION}
    numbers = {
        key: _setting(settings[key], dimension, scope, True)
        for key, dimension in dimensions.items()
        if key in settings
    }
    if (ion is None and not unknown) or len(found) > count:
        return None
    return Drug(
        name=declaration.name.text,
        title=title_of(declaration.items, declaration.name.text),
        ion=ion,
        molar_mass_mg_mol=numbers.get("molar_mass"),
        concentration_ug_l=numbers.get("concentration"),
        transport_ppm=numbers.get("transport"),
        source=_all_sources(declaration.items),
        span=declaration.name.span,
    )


def _checked_settings(items: Sequence[object], found: list[Diagnostic]) -> list[tuple[str, surface.Setting]]:
    settings = _settings(items)
    said = [(f"`{key}`", setting.span) for key, setting in settings]
    only(said + [("`title`", item.span) for item in items if isinstance(item, surface.Title)], found)
    return settings


def _all_sources(items: Sequence[object]) -> str | None:
    return joined([*sources_of(items), *_remarked(items)])


def _remarked(items: Sequence[object]) -> Iterator[str]:
    for item in items:
        if isinstance(item, surface.Setting):
            source = remark_sources(item.remarks)
            if source is not None:
                yield source


def electrode_of(declaration: surface.Electrode, found: list[Diagnostic]) -> Profile | None:
    """The electrode's profile; None after an error."""
    scope, count = Scope(found), len(found)
    settings = dict(reversed(_checked_settings(declaration.items, found)))
    area = area_of(settings["area"].value, scope) if "area" in settings else None
    fill = None
    if "fill" in settings:
        fill = _setting_of_fill(settings["fill"], scope)
    reusable = None
    if "reusable" in settings:
        value = settings["reusable"].value
        assert isinstance(value, surface.Truth), "the grammar gives `reusable` yes or no"
        reusable = value.value
    if len(found) > count:
        return None
    unit = unit_in(settings["area"].value) if "area" in settings else ""
    source = _all_sources(declaration.items)
    return Profile(declaration.name.text, area, unit, fill, reusable, source, declaration.name.span)


def _setting_of_fill(setting: surface.Setting, scope: Scope) -> int | None:
    value = setting.value
    if isinstance(value, surface.Range):
        message = "a reservoir has one volume, and this is a range"
        scope.found.append(
            error("I0305", message, value.span, "expected a volume", help="write what it holds")
        )
        return None
    return _setting(setting, VOLUME, scope, True)


def area_of(
    value: surface.Expression | surface.Range | tuple[surface.Name, ...], scope: Scope
) -> tuple[int, int] | None:
    """The smallest and the largest area, µm²; None after an error."""
    assert not isinstance(value, tuple), "an area is not a list of words"
    place = "an area is expected"
    if not isinstance(value, surface.Range):
        fixed = positive(value, AREA, scope, place)
        return None if fixed is None else (fixed, fixed)
    low, high = positive(value.low, AREA, scope, place), positive(value.high, AREA, scope, place)
    if low is None or high is None:
        return None
    if low > high:
        _empty(value, scope.found)
        return None
    return low, high


def unit_in(value: surface.Expression | surface.Range | tuple[surface.Name, ...]) -> str:
    """The unit that the author wrote first in a value."""
    match value:
        case surface.Number(_, _, unit) if unit is not None:
            return unit.text
        case surface.Range(low, high):
            return unit_in(low) or unit_in(high)
        case surface.Unary(_, operand):
            return unit_in(operand)
        case surface.Binary(_, left, right):
            return unit_in(left) or unit_in(right)
        case surface.Call(_, arguments):
            return next((text for part in arguments if (text := unit_in(part))), "")
        case _:
            return ""
