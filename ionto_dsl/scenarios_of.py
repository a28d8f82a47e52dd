"""In-file tests: given values, a timeline and what is expected, in base units."""

from __future__ import annotations

from itertools import pairwise
from typing import Literal

from ionto_dsl import surface
from ionto_dsl.operands import at_least, constant, positive, unit_of
from ionto_dsl.rhythms import DAYS_MAX
from ionto_dsl.scope import Scope
from ionto_dsl.suggest import nearest
from ionto_dsl.tests_of_channels import event_can_be, expectation_can_be
from ionto_dsl.variables_of import dimension_called
from ionto_dsl.wording import kind_of, listed, written
from ionto_ir.bind_values import value_problem
from ionto_ir.course import DAY_MS
from ionto_ir.dataclass import replace
from ionto_ir.diagnostic import Label, error
from ionto_ir.expression import Value
from ionto_ir.plan import BooleanDomain, ChoiceDomain, IntegerDomain, Variable, VariableKind
from ionto_ir.scenario import (
    READINGS,
    Earlier,
    Expectation,
    Expected,
    Happening,
    Moment,
    Occurrence,
    Scenario,
)
from ionto_ir.source import Span
from ionto_ir.units import CHARGE, CURRENT, DIMENSIONLESS, RESISTANCE, TIME, VOLTAGE, Dimension

Tables = dict[str, tuple[str, ...] | None]


def scenario_of(
    test: surface.Test,
    variables: dict[str, Variable],
    tables: Tables,
    buttons: tuple[str, ...],
    channels: tuple[str, ...],
    scope: Scope,
) -> Scenario | None:
    """The scenario; None after an error. `tables` gives the meanings that a variable can have (None: they are
    not known), `buttons` the names of the blocks on demand, `channels` those of the channels (none where
    there is one output).
    """
    count = len(scope.found)
    given: dict[str, Value] = {}
    timeline: list[Occurrence] = []
    expectations: list[Expectation] = []
    earlier: list[Earlier] = []
    begun: list[tuple[Moment | None, Span]] = []
    for line in test.lines:
        match line:
            case surface.Given():
                _read_given(line, given, variables, scope)
            case surface.Event():
                occurrence = _occurrence(line, variables, buttons, scope)
                if occurrence is not None and event_can_be(line, channels, scope):
                    timeline.append(replace(occurrence, channel=_text(line.channel)))
            case surface.Earlier():
                earlier += _earlier(line, variables, scope)
            case surface.Today():
                begun.append((_moment(line.day, line.clock, scope), line.span))
            case surface.Expect():
                expectation = _expectation(line, tables, scope)
                if expectation is not None and expectation_can_be(line, channels, scope):
                    expectations.append(replace(expectation, channel=_text(line.channel)))
    if not any(isinstance(line, surface.Expect) for line in test.lines):
        message = f'the test "{test.name.value}" expects nothing, so it cannot fail'
        advice = "say what must happen, for example `expect finished`"
        scope.found.append(error("I0416", message, test.name.span, "no `expect`", help=advice))
    _check_refusal(test, variables, scope)
    _check_order(test, earlier, begun, scope)
    if len(scope.found) > count:
        return None
    timeline.sort(key=lambda occurrence: occurrence.at_ms)
    return Scenario(
        test.name.value,
        tuple(given.items()),
        tuple(timeline),
        tuple(expectations),
        test.span,
        tuple(earlier),
        begun[0][0] if begun else None,
    )


def _text(name: surface.Name | None) -> str | None:
    return None if name is None else name.text


NOON_MS = 43_200_000
"""When a session begins of which a test says only the day."""


def _moment(day: surface.Number, clock: surface.Expression | None, scope: Scope) -> Moment | None:
    place = "a test counts the days of the course"
    number = positive(day, DIMENSIONLESS, scope, place)
    at_ms: int | None = NOON_MS
    if clock is not None:
        at_ms = at_least(constant(clock, TIME, scope, "`time` is after midnight"), 0, clock, scope, "`time`")
        if at_ms is not None and at_ms >= DAY_MS:
            message = f"`{written(clock)}` after midnight is another day"
            scope.found.append(error("I0485", message, clock.span, "24 h or more"))
            return None
    if number is not None and number > DAYS_MAX:
        scope.found.append(error("I0485", "this day is beyond any course", day.span, f"more than {DAYS_MAX}"))
        return None
    return None if number is None or at_ms is None else Moment(number, at_ms)


def _earlier(line: surface.Earlier, variables: dict[str, Variable], scope: Scope) -> list[Earlier]:
    values: dict[str, Value] = {}
    for item in line.values:
        _read_given(item, values, variables, scope)
    for name, value in values.items():
        unfit = value_problem(variables[name], value)
        if unfit is not None:
            scope.found.append(error("I0485", unfit.message, line.span, "in no session", help=unfit.help))
    moments = [_moment(day, line.clock, scope) for day in line.days]
    return [Earlier(moment, tuple(values.items())) for moment in moments if moment is not None]


def _check_order(
    test: surface.Test, earlier: list[Earlier], begun: list[tuple[Moment | None, Span]], scope: Scope
) -> None:
    """Sessions in the order in which they were given, and the one of the test after them."""
    for _, span in begun[1:]:
        scope.found.append(error("I0402", "the day of this test is said twice", span, "again here"))
    lines = [line for line in test.lines if isinstance(line, surface.Earlier)]
    times = [(item.begun.day, item.begun.at_ms) for item in earlier]
    if any(later <= before for before, later in pairwise(times)):
        advice = "tell earlier sessions in their order"
        scope.found.append(error("I0485", "these sessions go back in time", lines[-1].span, "", help=advice))
    if lines and not begun:
        message = "this test tells of earlier sessions, and not when its own begins"
        advice = "add for example `on day 4`"
        scope.found.append(error("I0485", message, lines[-1].span, "and today?", help=advice))
    if times and begun and begun[0][0] is not None and (begun[0][0].day, begun[0][0].at_ms) < times[-1]:
        message = "the session of this test begins before an earlier one"
        scope.found.append(error("I0485", message, begun[0][1], "too early"))


def _read_given(
    line: surface.Given, given: dict[str, Value], variables: dict[str, Variable], scope: Scope
) -> None:
    name = line.subject.dotted
    variable = _variable(name, line.subject, variables, scope)
    if variable is None:
        return
    if name in given:
        scope.found.append(error("I0402", f"`{name}` is given twice", line.span, "again here"))
        return
    value = value_for(line.value, variable, scope)
    if value is not None:
        given[name] = value


def _variable(
    name: str, place: surface.Reference | surface.Name, variables: dict[str, Variable], scope: Scope
) -> Variable | None:
    variable = variables.get(name)
    if variable is not None or name in scope.entries:
        if variable is None and scope.entries[name].origin.value == "`let`":
            message = f"`{name}` is fixed by a `let` and cannot be given"
            labels = (Label(scope.entries[name].span, "fixed here"),)
            scope.found.append(error("I0416", message, place.span, "not a parameter", labels=labels))
        elif variable is None and "." in name:
            message = f"`{name}` is known and cannot be given"
            scope.found.append(error("I0416", message, place.span, "fixed by the electrode"))
        return variable
    near = nearest(name, variables)
    advice = f"did you mean `{near}`?" if near is not None else None
    message = f"there is no parameter, question or record named `{name}`"
    scope.found.append(error("I0201", message, place.span, "not known", help=advice))
    return None


def value_for(expression: surface.Expression, variable: Variable, scope: Scope) -> Value | None:
    """A value for a variable: a number in base units, a truth value, or the index of a label; None after an
    error.
    """
    match variable.domain:
        case BooleanDomain():
            if isinstance(expression, surface.Truth):
                return expression.value
            message = f"`{variable.name}` is answered with `yes` or `no`"
            scope.found.append(error("I0306", message, expression.span, "neither"))
            return None
        case ChoiceDomain(labels):
            label = expression.dotted if isinstance(expression, surface.Reference) else written(expression)
            if label in labels:
                return labels.index(label)
            near = nearest(label, labels)
            advice = (
                f"did you mean `{near}`?" if near is not None else f"its labels are {listed(list(labels))}"
            )
            message = f"`{label}` is not one of the labels of `{variable.name}`"
            scope.found.append(error("I0306", message, expression.span, "not a label", help=advice))
            return None
        case IntegerDomain(dimension=noun):
            dimension = dimension_called(noun)
            return constant(expression, dimension, scope, f"`{variable.name}` is {kind_of(dimension)}")


def _occurrence(
    line: surface.Event, variables: dict[str, Variable], buttons: tuple[str, ...], scope: Scope
) -> Occurrence | None:
    place = "an event happens at a time"
    at_ms = at_least(constant(line.time, TIME, scope, place), 0, line.time, scope, place)
    if line.event == "press":
        return _press(line, at_ms, buttons, scope)
    happening = Happening(line.event)
    name: str | None = None
    value: Value | None = None
    if happening in READINGS:
        name, value = line.reading, _reading(line, scope)
        if name is None and value is None:
            return None
    elif line.subject is not None and line.value is not None:
        variable = _variable(line.subject.text, line.subject, variables, scope)
        if variable is None or not _may_change(variable, line, scope):
            return None
        name, value = variable.name, value_for(line.value, variable, scope)
        if value is None:
            return None
    return None if at_ms is None else Occurrence(at_ms, happening, name, value, line.span)


_READ: dict[str, tuple[Dimension, str]] = {
    "current": (CURRENT, "a reading of the current is a current"),
    "impedance": (RESISTANCE, "a reading of the impedance is a resistance"),
    "voltage": (VOLTAGE, "a reading of the voltage is a voltage"),
}


def _reading(line: surface.Event, scope: Scope) -> int | None:
    """What the device reads from then on; None where no value was written, and after an error."""
    if line.value is None:
        return None
    dimension, place = _READ[line.event]
    least = 1 if line.event == "impedance" else 0
    return at_least(constant(line.value, dimension, scope, place), least, line.value, scope, place)


def _press(
    line: surface.Event, at_ms: int | None, buttons: tuple[str, ...], scope: Scope
) -> Occurrence | None:
    assert line.label is not None, "a press says of what button"
    if line.label.value not in buttons:
        near = nearest(line.label.value, buttons)
        message = f"no block on demand is called `{line.label.value}`"
        advice = f"did you mean `{near}`?" if near is not None else "declare it: `on demand ...` in `session`"
        scope.found.append(error("I0476", message, line.label.span, "no such button", help=advice))
        return None
    if at_ms is None:
        return None
    return Occurrence(at_ms, Happening.PRESS, line.label.value, None, line.span)


def _may_change(variable: Variable, line: surface.Event, scope: Scope) -> bool:
    if line.event == "adjust" and not variable.adjustable:
        message = f"`{variable.name}` cannot be adjusted while current flows"
        labels = (Label(variable.span, "declared here"),)
        advice = f"declare it `adjustable param {variable.name}: ...`"
        scope.found.append(error("I0416", message, line.span, "not adjustable", labels=labels, help=advice))
        return False
    if line.event == "record" and variable.kind is not VariableKind.RECORD:
        message = f"`{variable.name}` is not recorded during the session"
        labels = (Label(variable.span, "declared here"),)
        advice = f"write `given {variable.name} = ...`"
        scope.found.append(error("I0416", message, line.span, "not a record", labels=labels, help=advice))
        return False
    return True


_BOUNDED: dict[tuple[str, str], Expected] = {
    ("delivered", "="): Expected.DELIVERED,
    ("delivered", "<="): Expected.DELIVERED_AT_MOST,
    ("delivered", ">="): Expected.DELIVERED_AT_LEAST,
    ("duration", "<="): Expected.DURATION_AT_MOST,
    ("duration", ">="): Expected.DURATION_AT_LEAST,
    ("peak", "<="): Expected.PEAK_AT_MOST,
}
_MEASURED = {
    "delivered": (CHARGE, "`expect delivered` takes a charge"),
    "duration": (TIME, "`expect duration` takes a time"),
    "peak": (CURRENT, "`expect peak` takes a current"),
}


def _expectation(line: surface.Expect, tables: Tables, scope: Scope) -> Expectation | None:
    match line.outcome:
        case "delivered" | "duration" | "peak":
            return _bounded(line, line.outcome, scope)
        case "classified":
            return _classified(line, tables, scope)
        case _:
            text = None if line.text is None else line.text.value
            return Expectation(Expected(line.outcome), None, None, text, None, line.span)


def _bounded(
    line: surface.Expect, outcome: Literal["delivered", "duration", "peak"], scope: Scope
) -> Expectation | None:
    assert line.bound is not None and line.operator is not None, "the grammar asks for both"
    expected = _BOUNDED.get((outcome, line.operator))
    if expected is None:
        known = [f"{word} {operator}" for word, operator in _BOUNDED if word == outcome]
        message = f"`expect {outcome} {line.operator}` cannot be asked for"
        advice = f"write {' or '.join(f'`expect {one} ...`' for one in known)}"
        scope.found.append(error("I0416", message, line.span, "no such expectation", help=advice))
        return None
    dimension, place = _MEASURED[outcome]
    bound = at_least(constant(line.bound, dimension, scope, place), 0, line.bound, scope, place)
    if bound is None:
        return None
    return Expectation(expected, bound, None, None, unit_of(line.bound, scope), line.span)


def _classified(line: surface.Expect, tables: Tables, scope: Scope) -> Expectation | None:
    assert line.subject is not None and line.text is not None, "the grammar asks for both"
    name, meaning = line.subject.text, line.text.value
    if name not in tables:
        near = nearest(name, tables)
        advice = None if near is None else f"did you mean `{near}`?"
        scope.found.append(
            error("I0416", f"no table classifies `{name}`", line.subject.span, "no table", help=advice)
        )
        return None
    meanings = tables[name]
    if meanings is None:
        return None
    if meaning not in meanings:
        known = ", ".join(f'"{known}"' for known in meanings)
        message = f'the table of `{name}` has no meaning "{meaning}"'
        scope.found.append(
            error("I0416", message, line.text.span, "not in the table", help=f"it has {known}")
        )
        return None
    return Expectation(Expected.CLASSIFIED, None, name, meaning, None, line.span)


def _check_refusal(test: surface.Test, variables: dict[str, Variable], scope: Scope) -> None:
    """A value outside its range can only be given to see it refused."""
    refuses = ("refused", "safe")
    if any(isinstance(line, surface.Expect) and line.outcome in refuses for line in test.lines):
        return
    quiet = Scope([])
    quiet.entries, quiet.extents = scope.entries, scope.extents
    for line in test.lines:
        if isinstance(line, surface.Given):
            variable = variables.get(line.subject.dotted)
            if variable is not None and isinstance(variable.domain, IntegerDomain):
                value = value_for(line.value, variable, quiet)
                if isinstance(value, int) and not variable.domain.lo <= value <= variable.domain.hi:
                    message = f"`{written(line.value)}` is outside the range of `{variable.name}`"
                    labels = (Label(variable.span, "its range"),)
                    advice = "such a value can only be `expect refused` or `expect safe`"
                    scope.found.append(
                        error("I0416", message, line.value.span, "outside", labels=labels, help=advice)
                    )
