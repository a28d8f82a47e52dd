"""A plan in words: the sentences that a reviewer reads in a report."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import assert_never

from ionto_cli import quantities
from ionto_ir import plan as p
from ionto_ir.channels import channels_of
from ionto_ir.device import ALL, Split
from ionto_ir.expression import Constant, Expression, Reference
from ionto_ir.monitor import Monitor
from ionto_ir.source import SourceFile, Span
from ionto_ir.waveform import Waveform
from ionto_ir.wording import waveform_text

Sources = Mapping[str, SourceFile]


def _operand(expression: Expression, show: Callable[[int], str]) -> str | None:
    """A constant or a name; None when the expression is better read in the author's own words."""
    match expression:
        case Constant(value):
            return show(value)
        case Reference(name, _):
            return name
        case _:
            return None


def authors_words(span: Span, sources: Sources) -> str:
    """The source text of a step on one line, or where it stands when the source is not at hand."""
    source = sources.get(span.file)
    if source is None:
        return f"as written at {span.file}:{span.line}"
    return " ".join(source.text_at(span).split())


def step_in_words(step: p.Step, sources: Sources) -> str:
    """One step as a sentence without a full stop."""
    match step:
        case p.Ramp():
            return _ramp(step, sources)
        case p.Hold():
            return _hold(step, sources)
        case p.Wait():
            time = _operand(step.duration_ms, quantities.duration)
            return f"Wait {time or authors_words(step.span, sources)} with the output off: {step.text}"
        case p.Reverse():
            return "Reverse the polarity, at zero"
        case p.Confirm():
            return f"Confirm: {step.text}{_within(step)}"
        case p.Instruct():
            return f"{step.text}{_within(step)}"
        case p.Record():
            return f"Record {step.variable}{_within(step)}"
        case p.Move():
            return f"Move an electrode to “{step.site}”{_within(step)}"
        case p.Branch():
            return f"Choose: {authors_words(step.span, sources)[:120]}"
        case p.Demand():
            return f"On demand: {authors_words(step.span, sources)[:120]}"
        case p.Loop():
            return f"Repeat: {authors_words(step.span, sources)[:120]}"
        case p.Classify():
            rows = "; ".join(f"“{row.meaning}”" for row in step.rows)
            return f"Say what {step.variable} means: {rows}"
        case p.Finish():
            return "The treatment is complete" if step.completed else f"End early: {step.reason}"
    assert_never(step)


def _within(step: p.Human) -> str:
    """How long a person is waited for, if that is bounded."""
    return "" if step.within_ms is None else f" (waiting at most {quantities.duration(step.within_ms)})"


def _ramp(step: p.Ramp, sources: Sources) -> str:
    target = _operand(step.target_na, quantities.current)
    over = _operand(step.slope.over_ms, quantities.duration)
    if target is None or over is None:
        return authors_words(step.span, sources)
    direction = " against the declared polarity" if step.reversed else ""
    how = f"over {over}"
    if isinstance(step.slope.delta_na, Constant) and step.slope.over_ms == Constant(1000):
        how = f"at {quantities.slew(step.slope.delta_na.value)}"
    return f"Ramp to {target}{direction} {how}{_as(step.waveform)}"


def _hold(step: p.Hold, sources: Sources) -> str:
    level = _operand(step.level_na, quantities.current)
    match step.until:
        case p.ForTime(duration_ms):
            bound, words = _operand(duration_ms, quantities.duration), "for"
        case p.UntilCharge(charge_pc):
            bound, words = _operand(charge_pc, quantities.charge), "until this step has given"
        case p.UntilTotal(charge_pc, _):
            bound = _operand(charge_pc, quantities.charge)
            words = "until the session has given, ramp-down included,"
        case _:
            assert_never(step.until)
    if level is None or bound is None:
        return authors_words(step.span, sources)
    return f"Hold {level} {words} {bound}{_as(step.waveform)}"


def _as(waveform: Waveform | None) -> str:
    return "" if waveform is None else f" as {waveform_text(waveform)}"


def monitor_in_words(monitor: Monitor, sources: Sources) -> str:
    """A monitor as its author wrote it, and what its text says."""
    words = authors_words(monitor.span, sources).partition(f' "{monitor.text}"')[0]
    return f"{words[:1].upper()}{words[1:]}: {monitor.text}"


def _share(split: Split) -> str:
    if split == ALL:
        return ""
    low, high = (quantities.share(part) for part in (split.lo_ppm, split.hi_ppm))
    return f", taking {low} of the current" if low == high else f", taking {low} to {high} of the current"


def _channels(plan: p.Plan, electrode: int) -> str:
    names = [plan.channels[number].name for number in channels_of(plan, electrode)]
    if len(names) > 1:
        return f"; it carries the sum of the channels {', '.join(names)}"
    return f"; channel {names[0]}" if names else ""


def electrodes_in_words(plan: p.Plan) -> list[str]:
    """One line an electrode: place, pole, size, site, contents."""
    lines = []
    for index, electrode in enumerate(plan.electrodes):
        size = _operand(electrode.area_um2, quantities.area) or "a computed area"
        if isinstance(electrode.area_um2, Reference):
            size = "area asked on the day"
        contents = ", ".join(drug.title or drug.name for drug in electrode.drugs)
        holds = f", filled with {contents}" if contents else ""
        role = electrode.role.value if plan.pole is None else "anode or cathode, chosen on the day"
        lines.append(
            f"{electrode.place.value.capitalize()}: {role}, {electrode.profile} ({size}) "
            f"on “{electrode.site}”{holds}{_share(electrode.split)}{_channels(plan, index)}"
        )
    return lines
