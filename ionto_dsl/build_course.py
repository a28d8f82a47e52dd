"""Builds the courses of the surface tree, and the tests that a file carries."""

from __future__ import annotations

from typing import Any, Literal

from ionto_dsl import surface
from ionto_dsl.build_values import number
from ionto_dsl.lexer import Token
from ionto_dsl.pieces import (
    Context,
    Part,
    Parts,
    clauses,
    declared,
    name,
    nodes,
    optional_text,
    remarks,
    span_of,
    text,
    tokens,
    value,
)


def course(context: Context, parts: Parts) -> surface.Course:
    """`course { ... }`."""
    return surface.Course(tuple(nodes(parts)), span_of(context, parts))


def every(context: Context, parts: Parts) -> surface.Every:
    """`every 2 days for 4 weeks`."""
    return surface.Every(parts[1], value(clauses(context, parts), "lasting"), span_of(context, parts))


def frequency(context: Context, parts: Parts) -> surface.Frequency:
    """`3 sessions per week for 4 weeks`."""
    lasting = value(clauses(context, parts), "lasting")
    return surface.Frequency(number(context, parts[:1]), parts[3].kind, lasting, span_of(context, parts))


def at_most_sessions(context: Context, parts: Parts) -> surface.AtMostSessions:
    """`at most 6 sessions within 15 days`."""
    window = value(clauses(context, parts), "session_window")
    return surface.AtMostSessions(parts[2], window, span_of(context, parts))


def at_least_between(context: Context, parts: Parts) -> surface.AtLeastBetween:
    """`at least 24 h between sessions`."""
    return surface.AtLeastBetween(parts[2], span_of(context, parts))


def on_days(context: Context, parts: Parts) -> surface.OnDays:
    """`on days 1, 2, 4`."""
    days = tuple(number(context, [day]) for day in tokens(parts, "NUMBER"))
    return surface.OnDays(days, span_of(context, parts))


def stop_when(context: Context, parts: Parts) -> surface.StopWhen:
    """`stop when pain <= 2`."""
    return surface.StopWhen(parts[2], remarks(context, parts), span_of(context, parts))


def rest_site(context: Context, parts: Parts) -> surface.RestSite:
    """`rest site 3 days`."""
    return surface.RestSite(parts[2], span_of(context, parts))


def carry(context: Context, parts: Parts) -> surface.Carry:
    """`carry current from previous session plus at most 1 mA`."""
    plus = value(clauses(context, parts), "plus")
    return surface.Carry(name(context, parts[1]), plus, span_of(context, parts))


def phase(context: Context, parts: Parts) -> surface.Phase:
    """`phase induction { ... }`."""
    return surface.Phase(declared(context, parts[1]), tuple(nodes(parts)), span_of(context, parts))


def test(context: Context, parts: Parts) -> surface.Test:
    """`test "..." { ... }`."""
    lines: list[surface.TestLine] = []
    for part in parts[3:-1]:
        if type(part) is Part:  # one `given` with several values
            lines.extend(part.value)
        else:
            lines.append(part)
    return surface.Test(text(context, parts[1]), tuple(lines), span_of(context, parts))


def given(context: Context, parts: Parts) -> Part:
    """`given x = v, y = w`."""
    return Part("given", tuple(nodes(parts)), span_of(context, parts))


def assignment(context: Context, parts: Parts) -> surface.Given:
    """`x = v` of a `given`."""
    return surface.Given(parts[0], parts[2], span_of(context, parts))


def event(context: Context, parts: Parts) -> surface.Event:
    """`at 5 min lead_off`, `at 5 min adjust current = 3 mA`."""
    subject = tokens(parts, "NAME")
    assigned = nodes(parts)[1:]
    return surface.Event(
        parts[1],
        parts[2].kind,
        name(context, subject[0]) if subject else None,
        assigned[0] if assigned else None,
        optional_text(context, parts),
        _reading(parts),
        span_of(context, parts),
    )


def _reading(parts: Parts) -> Literal["missing", "normal"] | None:
    if tokens(parts, "missing"):
        return "missing"
    return "normal" if tokens(parts, "normal") else None


def expect(context: Context, parts: Parts) -> surface.Expect:
    """`expect delivered = 40 mA.min`, `expect chloride classified "..."`."""
    first: Token = parts[1]
    outcome: Any = first.kind
    span = span_of(context, parts)
    said = optional_text(context, parts)
    if first.kind == "NAME":
        return surface.Expect("classified", None, None, name(context, first), said, span)
    bounds = nodes(parts)
    operator = parts[2].kind if bounds else None
    return surface.Expect(outcome, operator, bounds[0] if bounds else None, None, said, span)
