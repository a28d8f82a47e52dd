"""Steps at which a person is waited for, appended to a plan: for ever, or with a bound and a way out."""

from __future__ import annotations

from ionto_dsl import typed
from ionto_dsl.assembler import Assembler, Early
from ionto_ir.dataclass import replace
from ionto_ir.diagnostic import Label
from ionto_ir.plan import Confirm, Human, Instruct, Move, Record

TURN_TEXT = "Wait until all channels are at zero"


def add_tell(a: Assembler, step: typed.Tell) -> None:
    """Append a confirmation or an instruction."""
    a.needs_zero("a person is spoken to", step.span)
    kind = Confirm if step.confirm else Instruct
    _append(a, kind(step.text, 0, a.section, step.span), step.waiting)


def add_turn(a: Assembler, step: typed.Turn) -> None:
    """Append the place at which a channel waits for the others; its machine waits as for a person."""
    a.needs_zero("what comes after `then` begins when every output is off", step.span)
    text = f"{TURN_TEXT}, then part {step.part}"
    _append(a, Confirm(text, 0, a.section, step.span), None)


def add_record(a: Assembler, step: typed.Record) -> None:
    """Append a record; the value is known afterwards, but not where nobody entered it in time."""
    a.needs_zero("a value is recorded", step.span)
    _append(a, Record(step.variable, 0, a.section, step.span), step.waiting)
    a.state = replace(a.state, recorded=a.state.recorded | {step.variable})


def add_move(a: Assembler, step: typed.Move) -> None:
    """Append the move of an electrode, which the place must tell apart from all others."""
    a.needs_zero("an electrode is moved", step.span)
    electrodes = a.reversals.electrodes
    found = [number for number, item in enumerate(electrodes) if item.place.value == step.place]
    if len(found) != 1:
        labels = tuple(Label(electrodes[number].span, "one of them") for number in found[:4])
        message = f"{len(found)} electrodes are {step.place}"
        a.refuse("I0495", message, step.span, "which one moves?", *labels)
        return
    _append(a, Move(found[0], step.site, 0, a.section, step.span), step.waiting)


def _append(a: Assembler, step: Human, waiting: typed.Waiting | None) -> None:
    if waiting is None:
        a.follow(step)
        return
    index = a.follow(replace(step, within_ms=waiting.within_ms, late=0))
    a.early.append(Early(index, "late", waiting.reason, a.state, a.section, waiting.span))
