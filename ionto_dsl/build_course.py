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


def at_most_between(context: Context, parts: Parts) -> surface.AtMostBetween:
    """`at most 9 days between sessions`."""
    return surface.AtMostBetween(parts[2], span_of(context, parts))


def on_days(context: Context, parts: Parts) -> surface.OnDays:
    """`on days 1, 2, 4`."""
    days = tuple(number(context, [day]) for day in tokens(parts, "NUMBER"))
    return surface.OnDays(days, span_of(context, parts))


def stop_when(context: Context, parts: Parts) -> surface.StopWhen:
    """`stop when pain <= 2`."""
    return surface.StopWhen(parts[2], remarks(context, parts), span_of(context, parts))


def on_weekdays(context: Context, parts: Parts) -> surface.OnWeekdays:
    """`on Monday, Wednesday, Friday`."""
    days = tuple(name(context, part) for part in parts[1:] if part.kind != ",")
    return surface.OnWeekdays(days, span_of(context, parts))


def ends_by(context: Context, parts: Parts) -> surface.EndsBy:
    """`ends by day 28`."""
    return surface.EndsBy(number(context, parts[3:4]), span_of(context, parts))


def next_when(context: Context, parts: Parts) -> surface.NextWhen:
    """`next when sweating <= 1`."""
    return surface.NextWhen(parts[2], remarks(context, parts), span_of(context, parts))


def gate(context: Context, parts: Parts) -> surface.Gate:
    """`after 6 sessions require C else finish "..."`."""
    found = clauses(context, parts, repeatable=frozenset({"source", "code"}))
    condition = nodes(parts)[0]
    return surface.Gate(
        value(found, "gate_after"),
        condition,
        value(found, "finish"),
        remarks(context, parts),
        span_of(context, parts),
    )


def gate_after(context: Context, parts: Parts) -> Part:
    """`after 6 sessions`."""
    return Part("gate_after", number(context, parts[1:2]), span_of(context, parts))


def rest_site(context: Context, parts: Parts) -> surface.RestSite:
    """`rest site 3 days`."""
    return surface.RestSite(parts[2], span_of(context, parts))


def carry(context: Context, parts: Parts) -> surface.Carry:
    """`carry current from previous session plus at most 1 mA`."""
    found = clauses(context, parts)
    return surface.Carry(
        name(context, parts[1]),
        value(found, "plus"),
        value(found, "first"),
        value(found, "reversed"),
        span_of(context, parts),
    )


def first(context: Context, parts: Parts) -> Part:
    """`first at most 5 mA`, `first dry`."""
    most = "at_most" in clauses(context, parts)
    span = span_of(context, parts)
    return Part("first", surface.First(parts[-1], most, span), span)


def swapped(context: Context, parts: Parts) -> Part:
    """`reversed`, `reversed when dry`."""
    span = span_of(context, parts)
    return Part("reversed", surface.Swapped(value(clauses(context, parts), "swapped_when"), span), span)


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


def earlier(context: Context, parts: Parts) -> surface.Earlier:
    """`after sessions on days 1, 3 time 9 h with pain = 5`."""
    found = clauses(context, parts)
    days = tuple(number(context, [day]) for day in tokens(parts, "NUMBER"))
    values = value(found, "earlier_with") or ()
    return surface.Earlier(days, value(found, "clock"), values, span_of(context, parts))


def earlier_with(context: Context, parts: Parts) -> Part:
    """`with x = v, y = w`."""
    return Part("earlier_with", tuple(nodes(parts)), span_of(context, parts))


def today(context: Context, parts: Parts) -> surface.Today:
    """`on day 4 time 9 h`."""
    clock = value(clauses(context, parts), "clock")
    return surface.Today(number(context, parts[2:3]), clock, span_of(context, parts))


def given(context: Context, parts: Parts) -> Part:
    """`given x = v, y = w`."""
    return Part("given", tuple(nodes(parts)), span_of(context, parts))


def assignment(context: Context, parts: Parts) -> surface.Given:
    """`x = v` of a `given`."""
    return surface.Given(parts[0], parts[2], span_of(context, parts))


def of_channel(context: Context, parts: Parts) -> Part:
    """`channel upper`, in a test."""
    return Part("of_channel", name(context, parts[1]), span_of(context, parts))


def event(context: Context, parts: Parts) -> surface.Event:
    """`at 5 min lead_off`, `at 5 min adjust current = 3 mA`, `at 5 min channel upper impedance 60 kOhm`."""
    subject = tokens(parts, "NAME")
    assigned = nodes(parts)[1:]
    channel = value(clauses(context, parts), "of_channel")
    return surface.Event(
        parts[1],
        channel,
        parts[2 if channel is None else 3].kind,
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
    """`expect delivered = 40 mA.min`, `expect chloride classified "..."`, `expect channel upper finished`."""
    channel = value(clauses(context, parts), "of_channel")
    at = 1 if channel is None else 2
    first: Token = parts[at]
    outcome: Any = first.kind
    span = span_of(context, parts)
    said = optional_text(context, parts)
    if first.kind == "NAME":
        return surface.Expect(channel, "classified", None, None, name(context, first), said, span)
    bounds = nodes(parts)
    operator = parts[at + 1].kind if bounds else None
    return surface.Expect(channel, outcome, operator, bounds[0] if bounds else None, None, said, span)
