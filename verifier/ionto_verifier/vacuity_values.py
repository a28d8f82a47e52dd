"""Parts of a parameter's range that nobody may choose, and defaults that are refused.

That a requirement forbids some values together with others is what requirements are for. Only an end of a
range, a choice or a default that is refused whatever else is chosen and answered is told.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

from ionto_ir.diagnostic import Diagnostic, warning
from ionto_ir.plan import BooleanDomain, ChoiceDomain, IntegerDomain, Variable, VariableKind
from ionto_ir.wording import value_text
from ionto_verifier.guards import everything
from ionto_verifier.implied import Why, follows, implied
from ionto_verifier.inquiry import Inquiry
from ionto_verifier.obligation import Formula, at_least, at_most, equal, formula_variables, negation
from ionto_verifier.term import variable as variable_term

NEVER_CHOSEN = "I0722"

CHOSEN = (VariableKind.PARAMETER, VariableKind.GEOMETRY)


def idle_values(inquiry: Inquiry) -> Iterator[Diagnostic]:
    """A warning for each parameter of the protocol's own file with values that nobody may choose.

    Somebody can be treated; so what no requirement or refusal bears on may be chosen freely.
    """
    guards = everything(inquiry)
    names = frozenset[str]().union(*(formula_variables(guard.formula) for guard in guards))
    restrained = {held.name for held in inquiry.environment.select(names, guards).variables}
    for item in inquiry.plan.variables:
        own = item.kind in CHOSEN and item.span.file == inquiry.plan.span.file
        if own and item.name in restrained:
            match item.domain:
                case IntegerDomain():
                    yield from _ends(inquiry, item, item.domain)
                case BooleanDomain():
                    yield from _labels(inquiry, item, 2)
                case ChoiceDomain(labels):
                    yield from _labels(inquiry, item, len(labels))


def _never(inquiry: Inquiry, item: Variable, formula: Formula) -> Why | None:
    return implied(inquiry.plan, inquiry.environment, everything(inquiry), negation(formula), item.span)


def _labels(inquiry: Inquiry, item: Variable, count: int) -> Iterator[Diagnostic]:
    for number in range(count):
        why = _never(inquiry, item, equal(variable_term(item.name), number))
        if why is not None:
            label = value_text(item, number)
            yield warning(
                NEVER_CHOSEN,
                f"nobody may choose `{label}` for `{item.name}`",
                item.span,
                "it is refused whatever else is chosen",
                labels=why.labels,
                help=f"leave `{label}` out, or change what forbids it",
            )


def _ends(inquiry: Inquiry, item: Variable, domain: IntegerDomain) -> Iterator[Diagnostic]:
    value = variable_term(item.name)
    held = inquiry.environment.variables[item.name]
    step, low, high = held.grid_step or 1, domain.lo, held.highest
    above = _never(inquiry, item, equal(value, high))
    if above is not None:
        last = high - step * _forbidden(
            inquiry, (high - low) // step, lambda n: at_least(value, high - n * step)
        )
        outside = domain.default is not None and domain.default > last
        yield _narrower(item, above, "more", f"end the range at {value_text(item, last)}", last, outside)
    below = _never(inquiry, item, equal(value, low))
    if below is not None:
        first = low + step * _forbidden(
            inquiry, (high - low) // step, lambda n: at_most(value, low + n * step)
        )
        outside = domain.default is not None and domain.default < first
        yield _narrower(item, below, "less", f"begin the range at {value_text(item, first)}", first, outside)
    if domain.default is not None and low < domain.default < high:
        why = _never(inquiry, item, equal(value, domain.default))
        if why is not None and above is None and below is None:
            yield warning(
                NEVER_CHOSEN,
                f"nobody may choose the default of `{item.name}`, {value_text(item, domain.default)}",
                item.span,
                "it is refused whatever else is chosen",
                labels=why.labels,
                help="write a default that may be chosen, or change what forbids it",
            )


def _forbidden(inquiry: Inquiry, most: int, within: Callable[[int], Formula]) -> int:
    """How many values from an end of a range on are forbidden, as far as is proved: at least one is."""
    few, many = 0, most  # `within(few)` is forbidden, and beyond `many` there is nothing left to forbid
    while few + 1 < many:
        middle = (few + many) // 2
        if follows(inquiry.environment, everything(inquiry), negation(within(middle))):
            few = middle
        else:
            many = middle
    return few + 1


def _narrower(item: Variable, why: Why, word: str, mended: str, last: int, outside: bool) -> Diagnostic:
    return warning(
        NEVER_CHOSEN,
        f"nobody may choose {word} than {value_text(item, last)} for `{item.name}`",
        item.span,
        "a part of this range is always refused",
        labels=why.labels,
        notes=("its default is refused too",) if outside else (),
        help=f"{mended}, or change what forbids {word}",
    )
