"""The values of the day against their domains: nothing is clamped, rounded or filled in."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from ionto_ir.diagnostic import Diagnostic, error
from ionto_ir.expression import Value
from ionto_ir.plan import BooleanDomain, ChoiceDomain, IntegerDomain, Plan, Variable, VariableKind
from ionto_ir.units import format_quantity
from ionto_ir.wording import DIMENSIONS, value_text


def default_values(plan: Plan) -> dict[str, Value]:
    """The defaults of the parameters that have one: for a caller who says that defaults are wanted.

    Answers and geometry never have a default, and memory comes from earlier sessions.
    """
    return {
        variable.name: variable.domain.default
        for variable in plan.variables
        if variable.kind is VariableKind.PARAMETER
        and isinstance(variable.domain, IntegerDomain)
        and variable.domain.default is not None
    }


def value_problems(plan: Plan, values: Mapping[str, Value]) -> tuple[Diagnostic, ...]:
    """Missing, unknown, ill-typed and unfitting values (I0930 to I0933)."""
    return (*_naming_problems(plan, values), *_fitting_problems(plan, values))


def _naming_problems(plan: Plan, values: Mapping[str, Value]) -> Iterator[Diagnostic]:
    kinds = {variable.name: variable.kind for variable in plan.variables}
    for variable in plan.variables:
        if variable.kind is not VariableKind.RECORD and variable.name not in values:
            what = f"no value is given for the {variable.kind.value} `{variable.name}`"
            yield error("I0930", what, variable.span, "declared here", help=_expected(variable))
    for name in values:
        if name not in kinds:
            yield error("I0931", f"the plan has no variable `{name}`", plan.span)
        elif kinds[name] is VariableKind.RECORD:
            text = f"`{name}` is recorded during the session, not given before it"
            yield error("I0931", text, next(item.span for item in plan.variables if item.name == name))


def _fitting_problems(plan: Plan, values: Mapping[str, Value]) -> Iterator[Diagnostic]:
    for variable in plan.variables:
        if variable.kind is not VariableKind.RECORD and variable.name in values:
            problem = value_problem(variable, values[variable.name])
            if problem is not None:
                yield problem


def value_problem(variable: Variable, value: Value) -> Diagnostic | None:
    """Why a value is not one of the variable's (I0931, I0932 or I0933), or None."""
    match variable.domain:
        case BooleanDomain():
            fits = isinstance(value, bool)
            return None if fits else _ill_typed(variable, "yes or no")
        case ChoiceDomain(labels):
            if isinstance(value, bool):
                return _ill_typed(variable, "one of " + ", ".join(labels))
            return None if 0 <= value < len(labels) else _out_of_range(variable, value)
        case IntegerDomain(lo, hi, step):
            if isinstance(value, bool):
                return _ill_typed(variable, "a quantity")
            if not lo <= value <= hi:
                return _out_of_range(variable, value)
            if step is not None and (value - lo) % step:
                return _between_steps(variable, variable.domain, value, step)
            return None


def _expected(variable: Variable) -> str:
    match variable.domain:
        case IntegerDomain(lo, hi, step):
            stepped = "" if step is None else f" in steps of {_amount(variable.domain, step)}"
            return f"{value_text(variable, lo)} to {value_text(variable, hi)}{stepped}"
        case BooleanDomain():
            return "yes or no"
        case ChoiceDomain(labels):
            return "one of " + ", ".join(labels)


def _amount(domain: IntegerDomain, amount: int) -> str:
    return format_quantity(amount, DIMENSIONS[domain.dimension], domain.unit)


def _ill_typed(variable: Variable, expected: str) -> Diagnostic:
    text = f"the value of `{variable.name}` is not {expected}"
    return error("I0931", text, variable.span, "declared here")


def _out_of_range(variable: Variable, value: Value) -> Diagnostic:
    text = f"`{variable.name}` is {value_text(variable, value)}, which is outside its range"
    return error("I0932", text, variable.span, "declared here", help=_expected(variable))


def _between_steps(variable: Variable, domain: IntegerDomain, value: int, step: int) -> Diagnostic:
    below = value - (value - domain.lo) % step
    text = f"`{variable.name}` is {value_text(variable, value)}, which is between two steps"
    nearest = f"the nearest values are {value_text(variable, below)} and {value_text(variable, below + step)}"
    return error("I0933", text, variable.span, "declared here", help=nearest)
