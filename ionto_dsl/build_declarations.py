"""Builds the declarations of the surface tree: protocols and their items, envelopes, equipment, files."""

from __future__ import annotations

from typing import Any

from ionto_dsl import surface
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
from ionto_ir.dataclass import replace
from ionto_ir.diagnostic import Diagnostic, error
from ionto_ir.source import Span


def start(context: Context, parts: Parts) -> surface.File:
    """The whole file."""
    imports = tuple(part for part in parts if isinstance(part, surface.Import))
    rest = tuple(part for part in parts if not isinstance(part, surface.Import))
    span = span_of(context, parts) if parts else Span(context.file, 1, 1, 1, 1)
    return surface.File(imports, rest, span)


def import_(context: Context, parts: Parts) -> surface.Import:
    """`import drugs.lidocaine`."""
    path = tuple(name(context, part) for part in parts[1:] if part.kind == "NAME")
    return surface.Import(path, span_of(context, parts))


def _items(parts: Parts) -> tuple[Any, ...]:
    """The items between the braces, in order; the sources of the whole declaration become items."""
    return tuple(
        surface.Source(part.value, part.span) if type(part) is Part else part
        for part in parts
        if type(part) is not Token and (type(part) is not Part or part.tag == "source")
    )


def protocol(context: Context, parts: Parts) -> surface.Protocol:
    """`protocol name version "1" extends other { ... }`."""
    opening = next(index for index, part in enumerate(parts) if type(part) is Token and part.kind == "{")
    head = parts[:opening]
    names = tokens(head, "NAME")
    return surface.Protocol(
        declared(context, names[0]),
        optional_text(context, head),
        name(context, names[1]) if len(names) > 1 else None,
        _placed(context, parts[opening:]),
        span_of(context, parts),
    )


def _placed(context: Context, parts: Parts) -> tuple[Any, ...]:
    """The items, with each `after "..."` hung on the `prove` before it."""
    items: Parts = []
    for part in parts:
        if type(part) is not Part or part.tag not in ("before", "during", "after"):
            items.append(part)
            continue
        proof = items[-1]  # the opening brace at least
        if isinstance(proof, surface.Prove) and proof.place is None:
            where: Any = part.tag
            items[-1] = replace(proof, place=where, label=part.value, span=proof.span.to(part.span))
        else:
            context.problems.append(_nothing_to_prove(part))
    return _items(items)


def _nothing_to_prove(part: Part) -> Diagnostic:
    return error(
        "I0114",
        f"`{part.tag}` with a text belongs to a `prove` line",
        part.span,
        "there is none before it",
        help=f'write `prove never output.current > 0 mA {part.tag} "..."`, or a block `{part.tag} {{ ... }}`',
    )


def title(context: Context, parts: Parts) -> surface.Title:
    """`title "..."`."""
    return surface.Title(text(context, parts[1]), span_of(context, parts))


def indication(context: Context, parts: Parts) -> surface.Indication:
    """`indication "..." icd10cm "..."`."""
    codes = tuple(part.value for part in parts[2:])
    return surface.Indication(text(context, parts[1]), codes, span_of(context, parts))


def use(context: Context, parts: Parts) -> surface.Use:
    """`within adult_skin`, `screen galvanic`, `device clinic_dc_4ma`."""
    names = tuple(name(context, part) for part in tokens(parts, "NAME"))
    return surface.Use(parts[0].kind, names, span_of(context, parts))


def placement(context: Context, parts: Parts) -> surface.Placement:
    """`active cathode patch on "heel" with drug 2.5 mL`."""
    found = clauses(context, parts, repeatable=frozenset({"source"}))
    area, area_step = value(found, "area") or (None, None)
    chosen = parts[2].kind == "or"
    return surface.Placement(
        parts[0].kind,
        parts[1].kind,
        name(context, parts[4 if chosen else 2]),
        value(found, "site"),
        tuple(part for part in parts if isinstance(part, surface.Medicine)),
        area,
        area_step,
        value(found, "split"),
        value(found, "channel") or (),
        remarks(context, parts),
        span_of(context, parts),
        chosen,
    )


def site(context: Context, parts: Parts) -> Part:
    """`on "plantar heel"`, or `on side`: a choice that is made on the day."""
    made = text if parts[1].kind == "STRING" else name
    return Part("site", made(context, parts[1]), span_of(context, parts))


def medicine(context: Context, parts: Parts) -> surface.Medicine:
    """`dexamethasone_phosphate 2.5 mL`, after `with`."""
    volume = next(iter(nodes(parts)), None)
    return surface.Medicine(name(context, parts[0]), volume, span_of(context, parts))


def placement_area(context: Context, parts: Parts) -> Part:
    """`area 80 cm2 .. 200 cm2 step 1 cm2`."""
    step = value(clauses(context, parts), "step")
    return Part("area", (parts[1], step), span_of(context, parts))


def channel(context: Context, parts: Parts) -> Part:
    """`channel left, right`."""
    names = tuple(name(context, part) for part in tokens(parts, "NAME"))
    return Part("channel", names, span_of(context, parts))


def rule(context: Context, parts: Parts) -> surface.Rule:
    """`refuse when C "..."`."""
    return surface.Rule(parts[0].kind, parts[2], remarks(context, parts), span_of(context, parts))


def around(context: Context, parts: Parts) -> surface.Around:
    """`before { ... }`, `after { ... }`."""
    return surface.Around(parts[0].kind, parts[1].value, span_of(context, parts))


def session(context: Context, parts: Parts) -> surface.Session:
    """`session { ... }`."""
    blocks = tuple(part for part in parts if isinstance(part, surface.ChannelSteps | surface.Then))
    return surface.Session(() if blocks else parts[1].value, blocks, span_of(context, parts))


def then(context: Context, parts: Parts) -> surface.Then:
    """`then`."""
    return surface.Then(span_of(context, parts))


def channel_steps(context: Context, parts: Parts) -> surface.ChannelSteps:
    """`channel left, right { ... }`."""
    names = tuple(name(context, part) for part in tokens(parts, "NAME"))
    return surface.ChannelSteps(names, parts[-1].value, span_of(context, parts))


def interruptions(context: Context, parts: Parts) -> surface.Interruptions:
    """`interruptions at most 5, each at most 10 min`."""
    each = value(clauses(context, parts, repeatable=frozenset({"source", "code"})), "each")
    return surface.Interruptions(parts[3], each, remarks(context, parts), span_of(context, parts))


def pause_limit(context: Context, parts: Parts) -> surface.PauseLimit:
    """`pause at most 10 min`."""
    return surface.PauseLimit(parts[3], remarks(context, parts), span_of(context, parts))


def no_resume(context: Context, parts: Parts) -> surface.NoResume:
    """`no resume`."""
    return surface.NoResume(span_of(context, parts))


def slew_rule(context: Context, parts: Parts) -> surface.SlewRule:
    """`stop at 0.2 mA/s`."""
    return surface.SlewRule(parts[0].kind, parts[2], span_of(context, parts))


def may_saturate(context: Context, parts: Parts) -> surface.MaySaturate:
    """`may saturate`."""
    return surface.MaySaturate(span_of(context, parts))


def monitor(context: Context, parts: Parts) -> surface.Monitor:
    """`pause when C for T until C2 "..."`."""
    found = clauses(context, parts, repeatable=frozenset({"source", "code"}))
    return surface.Monitor(
        parts[0].kind,
        parts[2],
        value(found, "persistence"),
        value(found, "monitor_until"),
        remarks(context, parts),
        span_of(context, parts),
    )


def prove(context: Context, parts: Parts) -> surface.Prove:
    """`prove never C`, `prove always C`, `prove finished within T`."""
    span = span_of(context, parts)
    if parts[1].kind == "finished":
        apart = "apart" in clauses(context, parts)
        return surface.Prove("finished within", None, parts[3], None, None, apart, span)
    return surface.Prove(parts[1].kind, parts[2], None, None, None, False, span)


def place(context: Context, parts: Parts) -> Part:
    """`after "Sweat collection"`, for the `prove` before it."""
    return Part(parts[0].kind, text(context, parts[1]), span_of(context, parts))


def envelope(context: Context, parts: Parts) -> surface.Envelope:
    """`envelope adult_skin { ... }`."""
    items = _items(parts)
    return surface.Envelope(declared(context, parts[1]), items, span_of(context, parts))


def limit(context: Context, parts: Parts) -> surface.Limit:
    """`limit dose <= 80 mA.min in any 24 h hazard H-BURN`."""
    found = clauses(context, parts, repeatable=frozenset({"source", "code"}))
    return surface.Limit(
        parts[0].kind == "soft",
        found["limit_subject"].value,
        found["limit_subject"].span,
        value(found, "at_pole"),
        nodes(parts)[0],
        "nominal" in found,
        "per_session" in found,
        value(found, "in_any"),
        value(found, "needs"),
        "apart" in found,
        "per_site" in found,
        remarks(context, parts),
        span_of(context, parts),
    )


def needs(context: Context, parts: Parts) -> Part:
    """`needs prescriber`."""
    return Part("needs", name(context, parts[1]), span_of(context, parts))


def limit_subject(context: Context, parts: Parts) -> Part:
    """What is limited, in one or more words."""
    words = " ".join(part.text for part in parts)
    return Part("limit_subject", words, span_of(context, parts))


def assume(context: Context, parts: Parts) -> surface.Assume:
    """`assume impedance 1 kOhm .. 15 kOhm`."""
    return surface.Assume("impedance", parts[2], remarks(context, parts), span_of(context, parts))


def exclude(context: Context, parts: Parts) -> surface.Exclude:
    """`exclude pacemaker, age < 6 yr`."""
    return surface.Exclude(tuple(nodes(parts)), remarks(context, parts), span_of(context, parts))


def meant_for(context: Context, parts: Parts) -> surface.MeantFor:
    """`for age >= 18 yr`, `for site "palm"`, `for device class clinic`."""
    about = parts[1].kind if type(parts[1]) is Token else ""
    said = [part for part in parts if type(part) is not Token or part.kind != "STRING"]
    return surface.MeantFor(
        tuple(nodes(parts)),
        tuple(text(context, part) for part in tokens(parts, "STRING")) if about == "site" else (),
        tuple(name(context, part) for part in tokens(parts, "NAME")) if about == "device" else (),
        remarks(context, said),
        span_of(context, parts),
    )


def device(context: Context, parts: Parts) -> surface.Device:
    """`device clinic_dc_4ma { ... }`."""
    items = _items(parts)
    return surface.Device(declared(context, parts[1]), items, span_of(context, parts))


def current_range(context: Context, parts: Parts) -> surface.CurrentRange:
    """`current 0 mA .. 4 mA step 10 uA accuracy 2 % + 10 uA`."""
    found = clauses(context, parts, repeatable=frozenset({"source", "code"}))
    return surface.CurrentRange(
        parts[1],
        value(found, "step"),
        tuple(_summands(value(found, "accuracy"))),
        remarks(context, parts),
        span_of(context, parts),
    )


def _summands(accuracy: surface.Expression | None) -> list[surface.Expression]:
    """`2 % + 10 uA` adds a share to a current: as a sum it has no unit, as a list it does."""
    match accuracy:
        case None:
            return []
        case surface.Binary("+", left, right):
            return [*_summands(left), right]
        case _:
            return [accuracy]


def setting(context: Context, parts: Parts) -> surface.Setting:
    """A fact in one line: `tick 100 ms`, `slew at most 1 mA/s`, `driver simulated`, `ion -2`."""
    words: list[Token] = []
    for part in parts:
        if type(part) is not Token or part.kind in ("NAME", "STRING"):
            break
        words.append(part)
    at_most = [word.kind for word in words[-2:]] == ["at", "most"]
    key = words[:-2] if at_most else words
    named = surface.Name(" ".join(word.text for word in key), span_of(context, list(key)))
    if words[-1].kind == "unknown":
        named = surface.Name(words[0].text, span_of(context, [words[0]]))
        unknown = (name(context, words[-1]),)
        return surface.Setting(named, False, unknown, remarks(context, parts), span_of(context, parts))
    following = parts[len(words)]
    fact = (name(context, following),) if type(following) is Token else following
    return surface.Setting(named, at_most, fact, remarks(context, parts), span_of(context, parts))


def waveforms(context: Context, parts: Parts) -> surface.Setting:
    """`waveforms dc, pulsed`."""
    forms = [part for part in parts[1:] if type(part) is Token and part.kind in ("dc", "pulsed", "ac")]
    return surface.Setting(
        name(context, parts[0]),
        False,
        tuple(name(context, form) for form in forms),
        remarks(context, parts),
        span_of(context, parts),
    )


def drug(context: Context, parts: Parts) -> surface.Drug:
    """`drug lidocaine { ... }`."""
    items = _items(parts)
    return surface.Drug(declared(context, parts[1]), items, span_of(context, parts))


def electrode(context: Context, parts: Parts) -> surface.Electrode:
    """`electrode medium_patch { ... }`."""
    items = _items(parts)
    return surface.Electrode(declared(context, parts[1]), items, span_of(context, parts))


def screening(context: Context, parts: Parts) -> surface.Screening:
    """`screening galvanic { ... }`."""
    items = _items(parts)
    return surface.Screening(declared(context, parts[1]), items, span_of(context, parts))
