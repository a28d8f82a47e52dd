"""What a person types as the value of a variable: read exactly, or refused with what would fit.

There is one form: a number in plain decimals and its unit, `yes` or `no`, or a label. Nothing is guessed: a
comma is not taken for a point, a missing unit is not filled in, and a value that lies outside of the range or
between two steps is answered with the nearest values that do not.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from fractions import Fraction
from typing import assert_never

from ionto_ir.canonical import printable
from ionto_ir.diagnostic import Diagnostic, error
from ionto_ir.expression import Value
from ionto_ir.plan import BooleanDomain, ChoiceDomain, Domain, IntegerDomain, Plan, Variable
from ionto_ir.unit_advice import unit_advice
from ionto_ir.units import BASE_UNITS, Dimension, Quantity, dimension_name, format_quantity, parse_unit
from ionto_ir.wording import DIMENSIONS, value_text

DIGITS_MAX = 24
"""No quantity of ours has more; a longer number is a slip of the keyboard, or hostile."""

ASSIGNMENTS_MAX = 1_000
"""Values on one command line: more than any plan has variables."""

_NUMBER = re.compile(r"[+-]?[0-9]+(?:\.[0-9]+)?(?![0-9.,eE])")
_COMMA = re.compile(r"[+-]?[0-9]+,[0-9]+")
_EXPONENT = re.compile(r"[+-]?[0-9]+(?:\.[0-9]+)?[eE][+-]?[0-9]+")
_OPEN_POINT = re.compile(r"[+-]?(?:\.[0-9]+|[0-9]+\.(?![0-9]))")
_SEVERAL_POINTS = re.compile(r"[+-]?[0-9]+(?:\.[0-9]+){2,}")
_NO_NUMBER = frozenset({"nan", "inf", "infinity", "-inf", "+inf", "-infinity"})

_ANSWERS: dict[str, bool] = {"y": True, "yes": True, "n": False, "no": False}


def parse_entry(variable: Variable, text: str) -> Value | Diagnostic:
    """The value, in base units, that `text` says, or why it says none of the variable's (I0906)."""
    entered = text.strip()
    if not entered:
        return _refused(variable, f"nothing was entered for `{variable.name}`", expected(variable.domain))
    domain = variable.domain
    match domain:
        case BooleanDomain():
            return _answer(variable, entered)
        case ChoiceDomain(labels):
            return _label(variable, labels, entered)
        case IntegerDomain():
            return _quantity(variable, domain, entered)
        case _:
            assert_never(domain)


def parse_assignments(plan: Plan, items: Iterable[str]) -> dict[str, Value] | tuple[Diagnostic, ...]:
    """The values that `NAME=VALUE` items give, by name, or every reason to refuse them (I0906)."""
    known = {variable.name: variable for variable in plan.variables}
    values: dict[str, Value] = {}
    problems: list[Diagnostic] = []
    given = list(items)
    if len(given) > ASSIGNMENTS_MAX:
        return (error("I0906", f"more than {ASSIGNMENTS_MAX} values are given", None),)
    for item in given:
        name, equals, text = item.partition("=")
        name = name.strip()
        if not equals:
            what = f"`{printable(item)}` gives no value"
            problems.append(error("I0906", what, None, help="write `NAME=VALUE`, as in `current=2 mA`"))
        elif name not in known:
            problems.append(_unknown(name, known))
        elif name in values:
            problems.append(error("I0906", f"`{name}` is given twice", None))
        else:
            value = parse_entry(known[name], text)
            if isinstance(value, Diagnostic):
                problems.append(value)
            else:
                values[name] = value
    return tuple(problems) if problems else values


def expected(domain: Domain) -> str:
    """What can be entered, in a few words: `1 mA to 4 mA in steps of 0.1 mA`, `yes or no`, the labels."""
    match domain:
        case BooleanDomain():
            return "yes or no"
        case ChoiceDomain(labels):
            return ", ".join(labels[:-1]) + f" or {labels[-1]}" if len(labels) > 1 else labels[0]
        case IntegerDomain(lo, hi, step):
            stepped = "" if step is None else f" in steps of {_shown(domain, step)}"
            return f"{_shown(domain, lo)} to {_shown(domain, hi)}{stepped}"
        case _:
            assert_never(domain)


def _answer(variable: Variable, entered: str) -> Value | Diagnostic:
    answer = _ANSWERS.get(entered.casefold())
    if answer is None:
        what = f"`{printable(entered)}` does not answer `{variable.name}`"
        return _refused(variable, what, "answer yes or no")
    return answer


def _label(variable: Variable, labels: tuple[str, ...], entered: str) -> Value | Diagnostic:
    wanted = entered.casefold()
    found = [index for index, label in enumerate(labels) if label.casefold() == wanted]
    if len(found) != 1:
        found = [index for index, label in enumerate(labels) if label == entered]
    if len(found) == 1:
        return found[0]
    what = f"`{printable(entered)}` is not one of the choices for `{variable.name}`"
    return _refused(variable, what, f"the choices are {expected(variable.domain)}")


def _quantity(variable: Variable, domain: IntegerDomain, entered: str) -> Value | Diagnostic:
    number = _NUMBER.match(entered)
    if number is None:
        return _refused(variable, *_not_a_number(variable, domain, entered))
    if sum(character.isdigit() for character in number.group()) > DIGITS_MAX:
        what = f"the number entered for `{variable.name}` has more than {DIGITS_MAX} digits"
        return _refused(variable, what, f"expected {expected(domain)}")
    dimension = DIMENSIONS[domain.dimension]
    unit_text = entered[number.end() :].strip()
    problem = _unit_problem(variable, domain, dimension, number.group(), unit_text)
    if problem is not None:
        return problem
    unit = parse_unit(unit_text)
    assert unit is not None, "the unit was looked at"
    quantity = Quantity(Fraction(number.group()), unit)
    exact = quantity.value * unit.factor / BASE_UNITS[dimension].factor
    return _fitting(variable, domain, exact, printable(entered))


def _fitting(variable: Variable, domain: IntegerDomain, exact: Fraction, shown: str) -> Value | Diagnostic:
    """The value if it is in range and on a step; otherwise the nearest ones are named."""
    if exact < domain.lo or exact > domain.hi:
        nearest = domain.lo if exact < domain.lo else _highest(domain)
        what = f"`{shown}` is outside of the range of `{variable.name}`"
        advice = f"the nearest value is {value_text(variable, nearest)}"
        return _refused(variable, what, advice, f"expected {expected(domain)}")
    step = 1 if domain.step is None else domain.step
    below = domain.lo + (exact - domain.lo) // step * step
    if exact == below:
        return below
    near = [below, below + step] if below + step <= domain.hi else [below]
    words = " and ".join(value_text(variable, value) for value in near)
    what = f"`{shown}` is between two steps of `{variable.name}`"
    advice = f"the nearest values are {words}" if len(near) > 1 else f"the nearest value is {words}"
    return _refused(variable, what, advice, f"expected {expected(domain)}")


def _highest(domain: IntegerDomain) -> int:
    """The highest value that lies on a step."""
    return domain.hi if domain.step is None else domain.hi - (domain.hi - domain.lo) % domain.step


def _unit_problem(
    variable: Variable, domain: IntegerDomain, dimension: Dimension, number: str, unit_text: str
) -> Diagnostic | None:
    """What is wrong with the unit: it is missing, unknown, of another dimension, or not wanted."""
    wanted = dimension_name(dimension)
    if not unit_text:
        if dimension.is_plain and not dimension.share:
            return None
        what = f"`{number}` has no unit, and `{variable.name}` is a {wanted}"
        return _refused(variable, what, f"write it with its unit: `{number} {_unit_of(domain, dimension)}`")
    unit = parse_unit(unit_text)
    if unit is None:
        return _refused(variable, f"there is no unit `{printable(unit_text)}`", unit_advice(unit_text))
    if unit.dimension.agrees_with(dimension):
        return None
    what = f"`{number} {printable(unit_text)}` is a {dimension_name(unit.dimension)}"
    return _refused(variable, f"{what}, and `{variable.name}` is a {wanted}", f"expected {expected(domain)}")


def _not_a_number(variable: Variable, domain: IntegerDomain, entered: str) -> tuple[str, str]:
    """Message and advice for what is no number in plain decimals."""
    shown = printable(entered)
    if _COMMA.match(entered):
        pointed = printable(entered.replace(",", ".", 1))
        return f"`{shown}` has a comma", f"decimals are written with a point, as in `{pointed}`"
    if _EXPONENT.match(entered):
        return f"`{shown}` has an exponent", "write the number out in plain decimals"
    if _OPEN_POINT.match(entered):
        return f"`{shown}` has a point with a side missing", "write `0.5`, not `.5`, and `5`, not `5.`"
    if _SEVERAL_POINTS.match(entered):
        return f"`{shown}` has more than one point", f"expected {expected(domain)}"
    if entered.casefold().split()[0] in _NO_NUMBER:
        return f"`{shown}` is not a quantity", f"expected {expected(domain)}"
    what = f"`{shown}` does not begin with a number, and `{variable.name}` needs one"
    return what, f"expected {expected(domain)}"


def _unit_of(domain: IntegerDomain, dimension: Dimension) -> str:
    """The author's unit, or the base unit's symbol when that does not fit."""
    unit = parse_unit(domain.unit)
    fits = unit is not None and unit.dimension.agrees_with(dimension)
    return domain.unit if fits and domain.unit else BASE_UNITS[dimension].symbol


def _unknown(name: str, known: dict[str, Variable]) -> Diagnostic:
    from difflib import get_close_matches

    near = get_close_matches(name, known, 1)
    names = ", ".join(f"`{found}`" for found in known)
    advice = f"did you mean `{near[0]}`?" if near else f"it asks for {names}" if known else None
    return error("I0906", f"the plan has no variable `{printable(name)}`", None, help=advice)


def _shown(domain: IntegerDomain, amount: int) -> str:
    return format_quantity(amount, DIMENSIONS[domain.dimension], domain.unit)


def _refused(variable: Variable, message: str, advice: str | None, note: str | None = None) -> Diagnostic:
    notes = () if note is None else (note,)
    return error("I0906", message, variable.span, "asked for here", notes=notes, help=advice)
