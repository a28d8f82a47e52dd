"""Envelopes: from their lines to limits in base units, and what they let an interruption do."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from ionto_dsl import surface
from ionto_dsl.equipment import check_class
from ionto_dsl.operands import at_least, constant, positive, unit_of
from ionto_dsl.scope import Scope
from ionto_dsl.settings import only, remark_hazard, remark_sources, remark_text, title_of
from ionto_dsl.wording import written
from ionto_ir.dataclass import dataclass
from ionto_ir.diagnostic import Diagnostic, Label, error
from ionto_ir.limits import Envelope, ImpedanceRange, Limit, LimitKind, Role
from ionto_ir.source import Span
from ionto_ir.units import (
    CHARGE,
    CHARGE_DENSITY,
    CURRENT,
    DENSITY,
    DIMENSIONLESS,
    RESISTANCE,
    SLEW,
    TIME,
    VOLTAGE,
    Dimension,
)
from ionto_ir.wording import limit_text


@dataclass(frozen=True, slots=True)
class Said:
    """A number and where it was written."""

    value: int
    span: Span


@dataclass(frozen=True, slots=True)
class InterruptionRules:
    """What an envelope or a protocol says about interruptions; None where it says nothing. Times in ms."""

    count_max: Said | None
    each_ms_max: Said | None
    no_resume: Span | None


@dataclass(frozen=True, slots=True)
class TypedEnvelope:
    """An envelope with its limits; its exclusions are read in the names of the protocol that uses it."""

    envelope: Envelope
    limits: tuple[Limit, ...]
    excludes: tuple[surface.Exclude, ...]
    meant_for: tuple[surface.MeantFor, ...]
    interruptions: InterruptionRules


@dataclass(frozen=True, slots=True)
class _Kind:
    kind: LimitKind
    dimension: Dimension
    place: str


_KINDS: dict[str, _Kind] = {
    "current": _Kind(LimitKind.CURRENT, CURRENT, "a limit of current is a current"),
    "density": _Kind(LimitKind.DENSITY, DENSITY, "a limit of density is a current per area"),
    "ramp": _Kind(LimitKind.RAMP, SLEW, "a limit of ramps is a current per time"),
    "voltage": _Kind(LimitKind.VOLTAGE, VOLTAGE, "a limit of voltage is a voltage"),
    "dose": _Kind(LimitKind.DOSE, CHARGE, "a limit of dose is a current multiplied by a time"),
    "charge density": _Kind(
        LimitKind.CHARGE_DENSITY, CHARGE_DENSITY, "a limit of charge density is a charge per area"
    ),
    "sessions": _Kind(LimitKind.SESSIONS, DIMENSIONLESS, "a limit of sessions is a number"),
    "duration": _Kind(LimitKind.DURATION, TIME, "a limit of duration is a time"),
    "mean density": _Kind(LimitKind.MEAN_DENSITY, DENSITY, "a limit of density is a current per area"),
    "charge per pulse": _Kind(LimitKind.PULSE_CHARGE, CHARGE, "a limit of the charge per pulse is a charge"),
    "stop time": _Kind(LimitKind.STOP_TIME, TIME, "a limit of the stop time is a time"),
}


_ADD_UP = ("dose", "charge density")
_AT_ELECTRODES = ("current", "density", *_ADD_UP)


def envelope_of(declaration: surface.Envelope, found: list[Diagnostic]) -> TypedEnvelope:
    """The envelope; lines with errors are left out and reported."""
    scope = Scope(found)
    name = declaration.name.text
    items = declaration.items
    titles = [("`title`", item.span) for item in items if isinstance(item, surface.Title)]
    assumptions = [item for item in items if isinstance(item, surface.Assume)]
    only(titles + [("`assume impedance`", item.span) for item in assumptions], found)
    limits = [
        limit
        for item in items
        if isinstance(item, surface.Limit) and (limit := _limit(item, name, scope)) is not None
    ]
    for soft in limits:
        if soft.soft:
            _bounded(soft, limits, found)
    impedance = _impedance(assumptions[0], scope) if assumptions else None
    meant = tuple(item for item in items if isinstance(item, surface.MeantFor))
    envelope = Envelope(
        name,
        title_of(items, name),
        impedance,
        declaration.name.span,
        sites=tuple(site.value for item in meant for site in item.sites),
        device_classes=tuple(_classes(meant, found)),
        people=tuple(written(condition) for item in meant for condition in item.conditions),
    )
    excludes = tuple(item for item in items if isinstance(item, surface.Exclude))
    return TypedEnvelope(envelope, tuple(limits), excludes, meant, interruption_rules(items, scope))


def _classes(meant: tuple[surface.MeantFor, ...], found: list[Diagnostic]) -> Iterator[str]:
    for item in meant:
        for name in item.classes:
            check_class(name.text, name.span, found)
            yield name.text


def _limit(item: surface.Limit, envelope: str, scope: Scope) -> Limit | None:
    if item.subject in ("interruptions", "pause"):
        return None  # read by interruption_rules
    kind = _KINDS[item.subject]
    bound = at_least(
        constant(item.bound, kind.dimension, scope, kind.place), 0, item.bound, scope, kind.place
    )
    window = None
    if item.window is not None:
        window = positive(item.window, TIME, scope, "`in any` takes a time")
    if not _scope_fits(item, scope.found) or bound is None or (item.window is not None and window is None):
        return None
    return Limit(
        kind=kind.kind,
        bound=bound,
        unit=unit_of(item.bound, scope),
        role=None if item.pole is None else Role(item.pole),
        window_ms=window,
        nominal=item.nominal,
        soft=item.soft,
        hazard=remark_hazard(item.remarks),
        source=remark_sources(item.remarks),
        text=remark_text(item.remarks),
        envelope=envelope,
        span=item.span.start().to(item.bound.span),  # what it says; hazard and source may take lines
        needs=None if item.needs is None else item.needs.text,
        apart=item.apart,
        per_site=item.per_site,
    )


def _bounded(soft: Limit, limits: Sequence[Limit], found: list[Diagnostic]) -> None:
    """Who passes a soft limit must still be stopped somewhere: by a hard limit of the same kind above it."""
    alike = [item for item in limits if item.kind is soft.kind and item.role in (None, soft.role)]
    hard = [item for item in alike if not item.soft]
    if any(item.bound >= soft.bound for item in hard):
        return
    what, label = "has no hard limit above it", "may be passed without end"
    if hard:
        what, label = "is above its hard limit", "never asked about"
    labels = tuple(Label(item.span, "the hard limit") for item in hard[:1])
    advice = f"write a hard `limit {soft.kind.value} <= ...` above it, or make this one hard"
    text = f"the soft limit `{limit_text(soft)}` {what}"
    found.append(error("I0494", text, soft.span, label, labels=labels, help=advice))


def _scope_fits(item: surface.Limit, found: list[Diagnostic]) -> bool:
    """Whether `at cathode`, `per session`, `in any` and `nominal` stand where they mean something."""
    subject, problem, advice = item.subject, None, None
    if item.pole is not None and subject not in _AT_ELECTRODES:
        those = "current, density, dose and charge density"
        problem = f"`at {item.pole}` belongs to limits of {those}, not of {subject}"
    elif item.nominal and subject in ("sessions", "ramp", "duration", "stop time"):
        problem = f"`nominal` belongs to limits of current, density, voltage and dose, not of {subject}"
    elif item.per_session and item.window is not None:
        problem = "a limit holds `per session` or `in any` window, not both"
        advice = "write two limits"
    elif subject in _ADD_UP and not item.per_session and item.window is None:
        problem = f"a limit of {subject} does not say over what time"
        advice = "add `per session`, or a window such as `in any 24 h`"
    elif subject == "sessions" and item.window is None:
        problem = "a limit of sessions needs a window"
        advice = "add one, such as `in any 24 h`"
    elif item.window is not None and subject not in (*_ADD_UP, "sessions"):
        problem = f"a limit of {subject} holds at every instant and has no window"
        advice = "leave out `in any ...`"
    elif item.apart and subject != "duration":
        problem = f"`apart from people` belongs to a limit of duration, not of {subject}"
    elif item.needs is not None and not item.soft:
        problem = "only a soft limit may be passed, by whom it `needs`"
        advice = "write `soft limit ...`, and a hard limit above it"
    elif item.per_session and subject not in (*_ADD_UP, "duration"):
        problem = f"`per session` belongs to limits of dose, charge density and duration, not of {subject}"
    elif item.per_site and item.window is None:
        problem = "a limit per site counts the sessions in a window"
        advice = "add one, such as `in any 24 h per site`"
    if problem is None:
        return True
    found.append(error("I0413", problem, item.span, "cannot mean anything", help=advice))
    return False


def _impedance(item: surface.Assume, scope: Scope) -> ImpedanceRange | None:
    place = "an assumed impedance is a range of resistances"
    low = positive(item.range.low, RESISTANCE, scope, place)
    high = positive(item.range.high, RESISTANCE, scope, place)
    if low is None or high is None:
        return None
    if low > high:
        message = f"the range `{written(item.range)}` is empty"
        label = "its low end is above its high end"
        advice = "write the smaller value first"
        scope.found.append(error("I0403", message, item.range.span, label, help=advice))
        return None
    return ImpedanceRange(low, high, remark_sources(item.remarks), item.span)


def interruption_rules(items: tuple[object, ...], scope: Scope) -> InterruptionRules:
    """What the lines of one declaration say about interruptions; saying a thing twice is an error."""
    counts: list[tuple[surface.Expression, Span]] = []
    pauses: list[tuple[surface.Expression, Span]] = []
    ends: list[Span] = []
    for item in items:
        match item:
            case surface.Interruptions(count_max, each_max):
                counts.append((count_max, item.span))
                pauses += [(each_max, item.span)] if each_max is not None else []
            case surface.PauseLimit(duration_max):
                pauses.append((duration_max, item.span))
            case surface.NoResume():
                ends.append(item.span)
            case surface.Limit(subject="interruptions"):
                counts.append((item.bound, item.span))
            case surface.Limit(subject="pause"):
                pauses.append((item.bound, item.span))
            case _:
                pass
    said = [("the number of interruptions", span) for _, span in counts]
    said += [("the length of an interruption", span) for _, span in pauses]
    only(said + [("`no resume`", span) for span in ends], scope.found)
    return InterruptionRules(
        _said(counts, DIMENSIONLESS, "`interruptions at most` takes a number", scope),
        _said(pauses, TIME, "a pause is bounded by a time", scope),
        ends[0] if ends else None,
    )


def _said(
    written_: list[tuple[surface.Expression, Span]], dimension: Dimension, place: str, scope: Scope
) -> Said | None:
    if not written_:
        return None
    expression, span = written_[0]
    value = at_least(constant(expression, dimension, scope, place), 0, expression, scope, place)
    # After an error nothing more is to be said about it: any number will do.
    return Said(0 if value is None else value, span)
