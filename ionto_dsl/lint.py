"""Lints: what is allowed and yet looks like a mistake. Warnings, never errors."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from fractions import Fraction

from ionto_dsl import typed
from ionto_dsl.quantities import Amount, exact_value
from ionto_dsl.resolve import Module
from ionto_dsl.scope import Origin, Scope
from ionto_dsl.variables_of import dimension_called
from ionto_dsl.wording import base_in_unit, in_unit
from ionto_ir.dataclass import dataclass
from ionto_ir.device import ALL, Place
from ionto_ir.diagnostic import Diagnostic, Label, Severity, warning
from ionto_ir.limits import Limit, LimitKind
from ionto_ir.plan import IntegerDomain
from ionto_ir.source import Span
from ionto_ir.units import BASE_UNITS, CHARGE, CURRENT, Dimension, format_number, parse_unit

SUSPICIOUS_FACTOR = 10
"""A value ten times its limit is no dose that somebody wanted to be a little higher: it is another unit."""


def lint_imports(module: Module) -> Iterator[Diagnostic]:
    """Imports that nothing in the file uses."""
    for imported, target in zip(module.loaded.tree.imports, module.loaded.targets, strict=True):
        name = imported.path[-1].text
        if target is not None and name in module.names and name not in module.used:
            yield warning(
                "I0501",
                f"`{name}` is imported and not used",
                imported.span,
                "not used in this file",
                help="delete the line",
            )


_UNUSED = {
    Origin.PARAMETER: ("I0502", "the parameter", "it changes nothing", "use it in a step, or delete it"),
    Origin.LET: ("I0503", "the value", "nothing refers to it", "use it, or delete it"),
    Origin.ANSWER: (
        "I0504",
        "the question",
        "no rule depends on the answer",
        "add `refuse when` or `caution when`, or delete the question",
    ),
}


def lint_names(scope: Scope, file: str) -> Iterator[Diagnostic]:
    """Parameters and values of this file, and questions of any, that nothing uses.

    The range of a question is a rule in itself: an answer outside it is refused. So it needs no other.
    """
    for name, entry in scope.entries.items():
        unused = _UNUSED.get(entry.origin)
        if entry.origin is Origin.ANSWER:
            unused = None if isinstance(entry.value, Amount) else unused
        elif entry.span.file != file:
            continue  # inherited: whoever extends a protocol cannot delete what it declares
        if unused is not None and name not in scope.used:
            code, what, text, advice = unused
            yield warning(code, f"{what} `{name}` is not used", entry.span, text, help=advice)


def lint_protocol(protocol: typed.Protocol) -> Iterator[Diagnostic]:
    """Magnitudes that look like another unit, and patches that share one supply."""
    for value in _values(protocol):
        kind = LimitKind.CURRENT if value.dimension == CURRENT else LimitKind.DOSE
        bounds = [limit for limit in protocol.limits if limit.kind is kind and not limit.soft]
        limit = min(bounds, key=lambda bound: bound.bound, default=None)
        if limit is not None:
            yield from _suspicious(value, limit)
    yield from _shared_supply(protocol)


@dataclass(frozen=True, slots=True)
class _Written:
    """A value as written: in base units, with its dimension, unit and place."""

    value: Fraction
    dimension: Dimension
    unit: str
    span: Span


def _values(protocol: typed.Protocol) -> Iterator[_Written]:
    for variable in protocol.variables:
        domain = variable.domain
        if isinstance(domain, IntegerDomain):
            dimension = dimension_called(domain.dimension)
            if dimension in (CURRENT, CHARGE):
                yield _Written(Fraction(domain.hi), dimension, domain.unit, variable.span)
    yield from _values_of(protocol.session)
    for channel in protocol.channels:
        yield from _values_of(channel.steps)


def _values_of(steps: Sequence[typed.Step]) -> Iterator[_Written]:
    for step in steps:
        match step:
            case typed.Ramp(target=Amount() as target):
                yield from _constant(target, CURRENT, step.target_span)
            case typed.HoldUntil(charge=Amount() as charge):
                yield from _constant(charge, CHARGE, step.amount_span)
            case typed.Deliver(up, hold, _, _):
                yield from _values_of((up, hold))
            case typed.If(_, then, otherwise):
                yield from _values_of((*then, *otherwise))
            case typed.Repeat(body=body):
                yield from _values_of(body)
            case typed.OnDemand(basal=basal, body=body):
                if basal is not None:
                    yield from _constant(basal, CURRENT, step.basal_span)
                yield from _values_of(body)
            case _:
                pass


def _constant(amount: Amount, dimension: Dimension, span: Span) -> Iterator[_Written]:
    value = exact_value(amount)
    if value is not None:
        yield _Written(abs(value) / BASE_UNITS[dimension].factor, dimension, amount.unit, span)


def _suspicious(written: _Written, limit: Limit) -> Iterator[Diagnostic]:
    if limit.bound <= 0 or written.value < SUSPICIOUS_FACTOR * limit.bound:
        return
    shown = base_in_unit(written.value, written.dimension, written.unit)
    most = base_in_unit(limit.bound, written.dimension, limit.unit)
    factor = format_number(Fraction(int(written.value / limit.bound)))
    noun = BASE_UNITS[written.dimension].noun
    meant = _smaller_unit(written, limit)
    yield warning(
        "I0506",
        f"{shown} is {factor} times the {noun} that `{limit.envelope}` allows",
        written.span,
        "perhaps another unit was meant",
        labels=(Label(limit.span, f"at most {most}"),),
        help=None if meant is None else f"did you mean `{meant}`?",
    )


_SMALLER = {"A": "mA", "mA": "uA", "µA": "nA", "uA": "nA", "C": "mC", "mC": "uC"}


def _smaller_unit(written: _Written, limit: Limit) -> str | None:
    """The same number with a unit a thousand times smaller, if the limit allows that."""
    first, dot, rest = written.unit.partition(".")
    unit = _SMALLER.get(first)
    if unit is None or parse_unit(unit + dot + rest) is None or written.value > 1000 * limit.bound:
        return None
    return in_unit(
        written.value / 1000 * BASE_UNITS[written.dimension].factor, written.dimension, unit + dot + rest
    )


def _shared_supply(protocol: typed.Protocol) -> Iterator[Diagnostic]:
    active = [
        electrode
        for electrode in protocol.electrodes
        if electrode.place is Place.ACTIVE and electrode.split == ALL
    ]
    if protocol.channels:
        return  # each has a supply of its own; what they share in is said of the return
    for electrode in active[1:]:
        message = f"{len(active)} active electrodes share one supply"
        text = "each is taken to carry all of the current"
        label = Label(active[0].span, "the first one")
        note = "how the current splits depends on the skin under each of them"
        place = Label(electrode.span, text)
        advice = "where something keeps the shares within bounds, say so: `split 40 % .. 60 %`"
        yield Diagnostic("I0507", Severity.NOTE, message, place, (label,), (note,), advice)
