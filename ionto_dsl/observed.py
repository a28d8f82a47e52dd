"""Conditions that speak of what flows or is measured: the names that they may use, and which is meant."""

from __future__ import annotations

from collections.abc import Sequence

from ionto_dsl import surface
from ionto_dsl.bounds import Extent
from ionto_dsl.needs import references_in
from ionto_dsl.operands import condition
from ionto_dsl.scope import Scope
from ionto_ir.canonical import INTEGER_MAX
from ionto_ir.diagnostic import Label, error
from ionto_ir.expression import Expression
from ionto_ir.monitor import DELIVERED, MEASURED

FLOWING = ("output.current", *DELIVERED)
"""What `prove` lines may speak of."""

WATCHED = (*MEASURED, *DELIVERED)
"""What monitors may speak of."""


def observing(expression: surface.Expression, scope: Scope, names: tuple[str, ...]) -> Expression | None:
    """The condition, in which `names` may be used in full or by their last word; None after an error."""
    scope.observed = names
    for name in names:
        scope.extents[name] = Extent(0, INTEGER_MAX, 1)
    holds = condition(expression, scope)
    scope.observed = ()
    return holds


def unambiguous(
    expressions: Sequence[surface.Expression], scope: Scope, names: tuple[str, ...], advice: str
) -> bool:
    """Whether it is clear that a declared name is meant, and not what flows: one of `names` is used in full,
    or no declared name could also be one of them.
    """
    found = [reference for expression in expressions for reference in references_in(expression)]
    by_name = {reference.dotted: reference for reference in found}
    if any(_means(name, scope, names) for name in by_name):
        return True
    for name, reference in by_name.items():
        full = next((item for item in names if item.endswith(f".{name}")), None)
        if full is not None and name in scope.entries:
            entry = scope.entries[name]
            scope.found.append(
                error(
                    "I0209",
                    f"`{name}` could be the {entry.origin.value} or what flows",
                    reference.span,
                    "which one?",
                    labels=(Label(entry.span, "declared here"),),
                    help=f"write `{full}` for what flows; {advice}",
                )
            )
            return False
    return True


def _means(name: str, scope: Scope, names: tuple[str, ...]) -> bool:
    """Whether a name can only be what flows or is measured."""
    return name in names or (name not in scope.entries and any(item.endswith(f".{name}") for item in names))
