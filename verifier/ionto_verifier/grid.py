"""Whether values fall on a grid: seen from the polynomial where possible, else by trying every value there
is.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from fractions import Fraction
from itertools import islice, product

from ionto_ir.expression import Expression, Undefined, Value, evaluate
from ionto_verifier.decision import Decision, Proved, Refuted, Stage, Unknown
from ionto_verifier.encode import Division
from ionto_verifier.environment import Origin
from ionto_verifier.inquiry import Inquiry
from ionto_verifier.obligation import Guard, Variable, conjunction, equal, never_happens
from ionto_verifier.paths import Visit
from ionto_verifier.solve import decide
from ionto_verifier.term import Polynomial
from ionto_verifier.term import variable as variable_term

POINTS_MAX = 20_000
"""Combinations of values that are tried; a millisecond for each hundred."""

SUSPECTS_MAX = 20
"""Combinations off the grid for which it is asked whether anybody may choose them."""


def exact_quotient(inquiry: Inquiry, division: Division, path: tuple[Guard, ...]) -> Decision:
    """Whether a quotient that must come out exactly does, for all values that may be chosen and lead along a
    path.
    """
    if inquiry.environment.is_multiple(division.quotient, 1):
        return Proved(Stage.INTERVAL, None, ())

    def fails(value: Value | Undefined) -> bool:
        return isinstance(value, Undefined)

    return _tried(inquiry, division.expression, fails, path)


def on_grid(inquiry: Inquiry, target: Expression, level_na: Polynomial, visit: Visit) -> Decision:
    """Whether a level is a whole number of the device's steps, for all values that anybody may choose."""
    step_na = inquiry.plan.device.step_na
    if inquiry.environment.is_multiple(level_na, step_na):
        return Proved(Stage.INTERVAL, None, ())

    def fails(value: Value | Undefined) -> bool:
        return isinstance(value, Undefined) or int(value) % step_na != 0

    return _tried(inquiry, target, fails, visit.path)


def _tried(
    inquiry: Inquiry,
    expression: Expression,
    fails: Callable[[Value | Undefined], bool],
    path: tuple[Guard, ...],
) -> Decision:
    names = sorted(inquiry.encoding.references(expression))
    variables = [inquiry.environment.variables[name] for name in names]
    size = 1
    for variable in variables:
        size *= _count(variable)
    points = product(*(_values(variable, size > POINTS_MAX) for variable in variables))
    suspects = 0
    for point in islice(points, POINTS_MAX):
        values = dict(zip(names, point, strict=True))
        typed = {name: _typed(inquiry, name, value) for name, value in values.items()}
        if not fails(evaluate(expression, typed)):
            continue
        found = _admitted(inquiry, values, path)
        if isinstance(found, Refuted):
            return found
        suspects += 1
        if isinstance(found, Unknown) or suspects >= SUSPECTS_MAX:
            return Unknown(
                "some values are off the grid, and it was not settled whether anybody may choose them"
            )
    if size > POINTS_MAX:
        return Unknown(
            f"{size} combinations of values are too many to try, and no reason was seen for all of them"
        )
    return Proved(Stage.SPLIT, None, ())


def _count(variable: Variable) -> int:
    return (variable.hi - variable.lo) // (variable.grid_step or 1) + 1


def _values(variable: Variable, sparse: bool) -> Iterator[int]:
    """Every value on the grid, or only the ends, the usual value and their neighbours."""
    step = variable.grid_step or 1
    if not sparse:
        return iter(range(variable.lo, variable.hi + 1, step))
    usual = variable.lo if variable.default is None else variable.default
    near = {value + offset for value in (variable.lo, usual, variable.highest) for offset in (-step, 0, step)}
    return iter(sorted(value for value in near if variable.lo <= value <= variable.highest))


def _typed(inquiry: Inquiry, name: str, value: int) -> Value:
    return bool(value) if inquiry.encoding.is_boolean(name) else value


def _admitted(inquiry: Inquiry, values: dict[str, int], path: tuple[Guard, ...]) -> Decision:
    """Whether anybody may choose these values and get to the place: Refuted brings all values that it
    takes.
    """
    chosen = conjunction(equal(variable_term(name), value) for name, value in values.items())
    guard = Guard("these values", chosen, Origin("these values", None))
    selection = inquiry.environment.select(values, (*path, guard))
    found = decide(never_happens("grid", "grid", selection.variables, selection.guards))
    if isinstance(found, Refuted):
        given = {name: Fraction(value) for name, value in values.items()}
        return Refuted(found.stage, {**found.witness, **given})
    return found
