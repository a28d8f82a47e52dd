"""Builds the steps of the surface tree: what sessions, and what comes before and after them, are made of."""

from __future__ import annotations

from typing import Literal

from ionto_dsl import surface
from ionto_dsl.build_values import deepened
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


def steps(context: Context, parts: Parts) -> Part:
    """A block of steps, on its way into what it belongs to."""
    return Part("steps", tuple(nodes(parts)), span_of(context, parts))


def param(context: Context, parts: Parts) -> surface.Variable:
    """`adjustable param current: 5 mA .. 15 mA = 8 mA step 0.5 mA "..."`."""
    return _variable(context, parts, "param")


def ask(context: Context, parts: Parts) -> surface.Variable:
    """`ask pacemaker: yes/no "..."`."""
    return _variable(context, parts, "ask")


def record(context: Context, parts: Parts) -> surface.Variable:
    """`record pain: 0 .. 10 step 1`."""
    return _variable(context, parts, "record")


def _variable(context: Context, parts: Parts, role: Literal["param", "ask", "record"]) -> surface.Variable:
    found = clauses(context, parts, repeatable=frozenset({"source", "code"}))
    return surface.Variable(
        role,
        parts[0].text == "adjustable",
        declared(context, tokens(parts, "NAME")[0]),
        nodes(parts)[0],
        value(found, "default"),
        value(found, "step"),
        value(found, "waiting"),
        remarks(context, parts),
        span_of(context, parts),
    )


def let(context: Context, parts: Parts) -> surface.Let:
    """`let total = 40 mA.min`."""
    return surface.Let(
        declared(context, parts[1]), parts[3], remarks(context, parts), span_of(context, parts)
    )


def require(context: Context, parts: Parts) -> surface.Require:
    """`require C "..."`, `require C else finish "..."`."""
    finish = value(clauses(context, parts, repeatable=frozenset({"source", "code"})), "finish")
    return surface.Require(parts[1], finish, remarks(context, parts), span_of(context, parts))


def ramp(context: Context, parts: Parts) -> surface.Ramp:
    """`ramp to I over T`, `ramp to I at S`."""
    found = clauses(context, parts)
    return surface.Ramp(
        parts[2],
        "rounded" in found,
        "above" in found,
        value(found, "over"),
        value(found, "at_rate"),
        _waveform(parts),
        optional_text(context, parts),
        span_of(context, parts),
    )


def _waveform(parts: Parts) -> surface.Waveform | None:
    return next((part for part in parts if isinstance(part, surface.Waveform)), None)


def waveform(context: Context, parts: Parts) -> surface.Waveform:
    """`as pulsed 10 kHz duty 50 %`, `as ac square 60 Hz offset 20 %`."""
    found = clauses(context, parts)
    return surface.Waveform(
        name(context, parts[1]),
        value(found, "curve"),
        next(iter(nodes(parts)), None),
        value(found, "duty"),
        value(found, "offset"),
        span_of(context, parts),
    )


def hold(context: Context, parts: Parts) -> surface.Hold:
    """`hold for T`, `hold until Q`, `hold until total Q`."""
    amount: Part = parts[1]
    mode: Literal["for", "until", "until total"]
    match amount.tag:
        case "hold_for":
            mode = "for"
        case "hold_until":
            mode = "until"
        case _:
            mode = "until total"
    label = optional_text(context, parts)
    return surface.Hold(mode, amount.value, _waveform(parts), label, span_of(context, parts))


def deliver(context: Context, parts: Parts) -> surface.Deliver:
    """`deliver Q at I ramping T`."""
    dose, current, ramping = nodes(parts)[:3]
    return surface.Deliver(
        dose,
        current,
        "rounded" in clauses(context, parts),
        ramping,
        _waveform(parts),
        optional_text(context, parts),
        span_of(context, parts),
    )


def wait(context: Context, parts: Parts) -> surface.Wait:
    """`wait 30 min "..."`."""
    return surface.Wait(parts[1], optional_text(context, parts), span_of(context, parts))


def reverse(context: Context, parts: Parts) -> surface.Reverse:
    """`reverse polarity`."""
    return surface.Reverse(remarks(context, parts), span_of(context, parts))


def repeat(context: Context, parts: Parts) -> surface.Repeat:
    """`repeat N times every T {...}`, `repeat until C at most B {...}`."""
    found = clauses(context, parts)
    values = nodes(parts)
    until = parts[1].kind == "until" if type(parts[1]) is Token else False
    return surface.Repeat(
        None if until else values[0],
        value(found, "period"),
        values[0] if until else None,
        values[1] if until else None,
        not until or bool(tokens(parts, "times")),
        value(found, "steps"),
        span_of(context, parts),
    )


def if_(context: Context, parts: Parts) -> surface.If:
    """`if C {...} else {...}`."""
    blocks = [part for part in parts if type(part) is Part]
    otherwise: tuple[surface.Step, ...] = ()
    if isinstance(parts[-1], surface.If):
        otherwise = (parts[-1],)
    elif len(blocks) == 2:
        otherwise = blocks[1].value
    node = surface.If(parts[1], blocks[0].value, otherwise, span_of(context, parts))
    nested = otherwise if isinstance(parts[-1], surface.If) else ()
    if not deepened(context, node, nested, parts[0].span(context.file), "use fewer `else if`"):
        return surface.If(parts[1], blocks[0].value, (), node.span)
    return node


def tell(context: Context, parts: Parts) -> surface.Tell:
    """`confirm "..."`, `instruct "..."`."""
    mode: Literal["confirm", "instruct"] = "confirm" if parts[0].kind == "confirm" else "instruct"
    return surface.Tell(
        mode,
        text(context, parts[1]),
        _waiting(context, parts),
        remarks(context, parts[2:]),
        span_of(context, parts),
    )


def move(context: Context, parts: Parts) -> surface.Move:
    """`move active to "left heel"`."""
    place: Literal["active", "return"] = "active" if parts[1].kind == "active" else "return"
    return surface.Move(
        place,
        text(context, parts[3]),
        _waiting(context, parts),
        remarks(context, parts[4:]),
        span_of(context, parts),
    )


def waiting(context: Context, parts: Parts) -> Part:
    """`waiting at most 10 min else finish "..."`."""
    span = span_of(context, parts)
    finish = value(clauses(context, parts), "finish")
    return Part("waiting", surface.Waiting(parts[3], finish, span), span)


def _waiting(context: Context, parts: Parts) -> surface.Waiting | None:
    found: surface.Waiting | None = value(
        clauses(context, parts, repeatable=frozenset({"source", "code"})), "waiting"
    )
    return found


def classify(context: Context, parts: Parts) -> surface.Classify:
    """`classify chloride { ... }`."""
    return surface.Classify(name(context, parts[1]), tuple(nodes(parts)), span_of(context, parts))


def row(context: Context, parts: Parts) -> surface.Row:
    """`30 mmol/L .. < 60 mmol/L: "..."`, `< 30 mmol/L: "..."`."""
    ends = [part for part in parts if type(part) is not Token]
    ranged = bool(tokens(parts, ".."))
    low = ends[0] if ranged or ends[0].tag == "beyond" else None
    high = ends[-1] if ranged or ends[0].tag == "below" else None
    return surface.Row(_bound(low), _bound(high), text(context, parts[-1]), span_of(context, parts))


def _bound(end: Part | surface.Expression | None) -> surface.Bound | None:
    if end is None:
        return None
    if isinstance(end, Part):
        limit, inclusive = end.value
        return surface.Bound(limit, inclusive)
    return surface.Bound(end, True)


def bound_part(context: Context, parts: Parts) -> Part:
    """One end of a row, `< 30 mmol/L` or `>= 60 mmol/L`: its value and whether it is included."""
    tag = "below" if parts[0].text.startswith("<") else "beyond"
    return Part(tag, (parts[1], parts[0].text.endswith("=")), span_of(context, parts))


def on_demand(context: Context, parts: Parts) -> surface.OnDemand:
    """`on demand "Dose" lockout T from start at most N in any W {...}`."""
    found = clauses(context, parts)
    lockout = value(found, "lockout")
    return surface.OnDemand(
        text(context, parts[2]),
        value(found, "basal"),
        None if lockout is None else lockout[0],
        None if lockout is None else lockout[1],
        tuple(part for part in parts if isinstance(part, surface.DoseCount)),
        value(found, "steps"),
        span_of(context, parts),
    )


def lockout(context: Context, parts: Parts) -> Part:
    """`lockout 10 min from start`."""
    return Part("lockout", (parts[1], parts[3].text), span_of(context, parts))


def dose_count(context: Context, parts: Parts) -> surface.DoseCount:
    """`at most 6 in any 1 h`, `at most 80 times within 24 h`."""
    count_max, window = nodes(parts)
    return surface.DoseCount(count_max, window, bool(tokens(parts, "any")), span_of(context, parts))
