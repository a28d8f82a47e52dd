"""Parameters, questions and records: from their declarations to variables with exact domains."""

from __future__ import annotations

from collections.abc import Sequence
from typing import assert_never

from ionto_dsl import surface
from ionto_dsl.expressions import type_expression
from ionto_dsl.needs import Declaring, in_order_of_need
from ionto_dsl.operands import constant, positive, unit_of
from ionto_dsl.quantities import Amount, named
from ionto_dsl.scope import Origin, Scope, extent_of_domain
from ionto_dsl.settings import remark_text
from ionto_dsl.typed import POISON, Choice, Condition, Poison, Value
from ionto_dsl.wording import base_in_unit, kind_of, value_kind, written
from ionto_ir.dataclass import replace
from ionto_ir.diagnostic import Label, error
from ionto_ir.expression import boolean_reference, integer_reference
from ionto_ir.plan import (
    BooleanDomain,
    ChoiceDomain,
    Code,
    Domain,
    IntegerDomain,
    Variable,
    VariableKind,
)
from ionto_ir.units import BASE_UNITS, DIMENSIONLESS, Dimension

_KINDS = {
    "param": (VariableKind.PARAMETER, Origin.PARAMETER),
    "ask": (VariableKind.ANSWER, Origin.ANSWER),
    "record": (VariableKind.RECORD, Origin.RECORD),
}
LABELS_MAX = 100
"""Labels of one choice: nobody can pick from more on a screen."""


def declare_values(items: Sequence[Declaring], scope: Scope) -> list[Variable]:
    """Parameters, questions and `let` values of a declaration, each after the values that it is made of.

    Records are left to the steps that they stand among.
    """
    ordered = [
        item for item in in_order_of_need(items) if isinstance(item, surface.Let) or item.role != "record"
    ]
    scope.pending = {item.name.text: item.name.span for item in ordered}
    variables = []
    for item in ordered:
        if isinstance(item, surface.Let):
            declare_let(item, scope)
        else:
            variable = declare_variable(item, scope)
            variables += [] if variable is None else [variable]
        scope.pending.pop(item.name.text, None)
    return variables


def declare_let(item: surface.Let, scope: Scope) -> None:
    """Type a `let` and add its name."""
    value: Value = type_expression(item.value, scope)
    scope.declare(item.name, Origin.LET, value)


def declare_variable(item: surface.Variable, scope: Scope) -> Variable | None:
    """Type a declaration and add its name; after an error the name stands for POISON."""
    kind, origin = _KINDS[item.role]
    domain = _domain(item, scope)
    name = item.name.text
    value: Value = POISON if domain is None else value_of(name, domain)
    if not scope.declare(item.name, origin, value) or domain is None:
        return None
    extent = extent_of_domain(domain)
    if extent is not None:
        scope.extents[name] = extent
    return Variable(
        name=name,
        kind=kind,
        domain=domain,
        text=remark_text(item.remarks) or name,
        adjustable=item.adjustable,
        code=code_of(item.remarks),
        span=item.span,
    )


def value_of(name: str, domain: Domain) -> Value:
    """What a variable's name stands for in expressions."""
    match domain:
        case IntegerDomain():
            return named(name, dimension_called(domain.dimension), domain.unit)
        case BooleanDomain():
            return Condition(boolean_reference(name))
        case ChoiceDomain(labels):
            return Choice(integer_reference(name), labels, name)


def dimension_called(noun: str) -> Dimension:
    """The dimension with that noun."""
    return next(dimension for dimension, base in BASE_UNITS.items() if base.noun == noun)


def code_of(remarks: surface.Remarks) -> Code | None:
    """The first code of an item."""
    return codes_of(remarks.codes)[0] if remarks.codes else None


def codes_of(codes: tuple[surface.Code, ...]) -> tuple[Code, ...]:
    """Codes in their named systems."""
    return tuple(Code(code.system.text, code.value.value) for code in codes)


def _domain(item: surface.Variable, scope: Scope) -> Domain | None:
    match item.kind:
        case surface.Range():
            return _integer_domain(item, item.kind, scope)
        case surface.YesNo():
            return BooleanDomain() if _takes_no_numbers(item, scope) else None
        case surface.Enumeration(labels):
            fits = _distinct(labels, scope) and _takes_no_numbers(item, scope)
            return ChoiceDomain(tuple(label.text for label in labels)) if fits else None
        case _:
            assert_never(item.kind)


def _distinct(labels: tuple[surface.Name, ...], scope: Scope) -> bool:
    first: dict[str, surface.Name] = {}
    for label in labels:
        if label.text in first:
            message = f"the label `{label.text}` is given twice"
            place = (Label(first[label.text].span, "first here"),)
            scope.found.append(error("I0202", message, label.span, "again here", labels=place))
        first.setdefault(label.text, label)
    if len(labels) > LABELS_MAX:
        message = f"a choice has at most {LABELS_MAX} labels"
        scope.found.append(error("I0461", message, labels[0].span, f"{len(labels)} labels"))
    return len(first) == len(labels) <= LABELS_MAX


def _takes_no_numbers(item: surface.Variable, scope: Scope) -> bool:
    for part, noun in ((item.default, "default"), (item.step, "step")):
        if part is not None:
            message = f"only a range of numbers has a {noun}"
            advice = "leave it out: the value is asked for"
            scope.found.append(error("I0404", message, part.span, f"this {noun} has no meaning", help=advice))
    if item.adjustable:
        message = "only a range of numbers can be adjusted while current flows"
        scope.found.append(
            error("I0404", message, item.name.span, "not a range", help="leave out `adjustable`")
        )
    return item.default is None and item.step is None and not item.adjustable


def _integer_domain(item: surface.Variable, kind: surface.Range, scope: Scope) -> IntegerDomain | None:
    dimension = _dimension_of(kind, scope)
    if dimension is None:
        return None
    place = f"the range of `{item.name.text}` begins with {kind_of(dimension)}"
    low = constant(kind.low, dimension, scope, place)
    high = constant(kind.high, dimension, scope, place)
    step = default = None
    if item.step is not None:
        step = positive(
            item.step, dimension, scope, f"the step of `{item.name.text}` is {kind_of(dimension)}"
        )
    if item.default is not None:
        place = f"the default of `{item.name.text}` is {kind_of(dimension)}"
        default = constant(item.default, dimension, scope, place)
    incomplete = (item.step is not None and step is None) or (item.default is not None and default is None)
    if low is None or high is None:
        return None
    unit = unit_of(kind.high, scope) or unit_of(kind.low, scope)
    domain = IntegerDomain(low, high, step, default, BASE_UNITS[dimension].noun, unit)
    if low > high:
        message = f"the range `{written(kind)}` of `{item.name.text}` is empty"
        label = "its low end is above its high end"
        scope.found.append(error("I0403", message, kind.span, label, help="write the smaller value first"))
        return None
    if incomplete:
        return replace(domain, step=None, default=None)
    return domain if _on_steps(item, domain, dimension, scope) else replace(domain, step=None, default=None)


def _dimension_of(kind: surface.Range, scope: Scope) -> Dimension | None:
    value = type_expression(kind.low, scope)
    if isinstance(value, Poison):
        return None
    if not isinstance(value, Amount):
        message = f"a range has numbers at its ends, and `{written(kind.low)}` is {value_kind(value)}"
        scope.found.append(error("I0305", message, kind.low.span, "not a number"))
        return None
    dimension = value.dimension
    if dimension.is_plain:
        # `0 .. 5 mA`: say that the low end lacks its unit rather than that the high one has one too many.
        high = type_expression(kind.high, scope)
        if isinstance(high, Amount) and not high.dimension.is_plain:
            dimension = high.dimension
    if dimension.is_plain:
        return dimension if dimension in BASE_UNITS else DIMENSIONLESS
    if dimension not in BASE_UNITS:
        message = f"`{written(kind.low)}` is {kind_of(dimension)}, which cannot be asked for"
        advice = "ask for the quantities that it is made of"
        scope.found.append(error("I0303", message, kind.low.span, "no unit of its own", help=advice))
        return None
    return dimension


def _on_steps(item: surface.Variable, domain: IntegerDomain, dimension: Dimension, scope: Scope) -> bool:
    """Whether the default lies in the range, and the default and the high end on a step."""
    assert isinstance(item.kind, surface.Range), "only a range has steps"
    default, step, lo, hi = domain.default, domain.step, domain.lo, domain.hi

    def show(value: int) -> str:
        return base_in_unit(value, dimension, domain.unit)

    fits = True
    if default is not None and item.default is not None and not lo <= default <= hi:
        message = f"the default of `{item.name.text}` lies outside its range"
        labels = (Label(item.kind.span, f"the range is {show(lo)} .. {show(hi)}"),)
        scope.found.append(error("I0404", message, item.default.span, show(default), labels=labels))
        fits = False
    ends = [(hi, item.kind.high, "the high end of the range")]
    if default is not None and item.default is not None and fits:
        ends.append((default, item.default, "the default"))
    for value, part, what in ends if step is not None and item.step is not None else []:
        assert step is not None and item.step is not None, "there are steps"
        rest = (value - lo) % step
        if rest:
            scope.found.append(
                error(
                    "I0405",
                    f"{what} of `{item.name.text}` is not a whole number of steps above {show(lo)}",
                    part.span,
                    f"lies between {show(value - rest)} and {show(value - rest + step)}",
                    labels=(Label(item.step.span, "the step"),),
                    help=f"write {show(value - rest)} or {show(value - rest + step)}, or choose another step",
                )
            )
            fits = False
    return fits
