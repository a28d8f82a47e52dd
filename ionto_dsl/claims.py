"""`prove` lines: what the author wants proved about the session."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from ionto_dsl import surface
from ionto_dsl.observed import FLOWING, observing, unambiguous
from ionto_dsl.operands import positive
from ionto_dsl.scope import Scope
from ionto_dsl.steps_of import NESTING_MAX
from ionto_dsl.suggest import nearest
from ionto_dsl.wording import written
from ionto_ir.dataclass import dataclass
from ionto_ir.diagnostic import Label, error
from ionto_ir.plan import PropertyKind, UserProperty
from ionto_ir.units import TIME

ADVICE = "a parameter alone belongs into `require`"


@dataclass(frozen=True, slots=True)
class Labelled:
    """A step that has a text of its own; `repeated`: it may take place more than once."""

    text: str
    step: surface.Step
    repeated: bool


def labelled_steps(
    steps: Sequence[surface.Step], depth: int = 1, *, repeated: bool = False
) -> Iterator[Labelled]:
    """Every step of the session that has a text of its own, also the nested ones."""
    for step in steps if depth <= NESTING_MAX else ():
        match step:
            case surface.Wait(_, label) | surface.Ramp(label=label) | surface.Hold(label=label):
                if label is not None:
                    yield Labelled(label.value, step, repeated)
            case surface.Deliver(label=label):
                if label is not None:
                    yield Labelled(label.value, step, repeated)
            case surface.Tell():
                yield Labelled(step.text.value, step, repeated)
            case surface.If():
                yield from labelled_steps((*step.then, *step.otherwise), depth + 1, repeated=repeated)
            case surface.Repeat() | surface.OnDemand():
                yield from labelled_steps(step.steps, depth + 1, repeated=True)
            case _:
                pass


def property_of(item: surface.Prove, steps: Sequence[Labelled], scope: Scope) -> UserProperty | None:
    """The property; None after an error."""
    label = None
    if item.label is not None:
        found = _labelled(item.label, steps, scope)
        if found is None or not _fits(item, found, scope):
            return None
        label = found.text
    place = {} if item.place is None else {item.place: label}
    where = "" if label is None else f' {item.place} "{label}"'
    before, during, after = (place.get(word) for word in ("before", "during", "after"))
    if item.claim == "finished within":
        assert item.duration is not None, "the grammar asks for a time"
        within = positive(item.duration, TIME, scope, "`finished within` takes a time")
        if within is None:
            return None
        text = (
            f"finished within {written(item.duration)}" + (" apart from people" if item.apart else "") + where
        )
        return UserProperty(
            PropertyKind.FINISHED, None, after, within, text, item.span, before, during, item.apart
        )
    assert item.condition is not None, "the grammar asks for a condition"
    if not unambiguous([item.condition], scope, FLOWING, ADVICE):
        return None
    holds = observing(item.condition, scope, FLOWING)
    if holds is None:
        return None
    text = f"{item.claim} {written(item.condition)}" + where
    return UserProperty(PropertyKind(item.claim), holds, after, None, text, item.span, before, during)


def _fits(item: surface.Prove, labelled: Labelled, scope: Scope) -> bool:
    """A time is counted from the end of one step, which takes place once."""
    if item.claim != "finished within":
        return True
    assert item.label is not None, "the step was found by it"
    advice = None
    if item.place != "after":
        message = f"`finished within` is counted from the end of a step, not `{item.place}` it"
        advice = f'write `prove finished within ... after "{labelled.text}"`'
    elif labelled.repeated:
        message = (
            f'"{labelled.text}" may take place more than once, so it is not clear from which end to count'
        )
        advice = "name a step outside of the repetition"
    else:
        return True
    scope.found.append(error("I0493", message, item.label.span, "no beginning", help=advice))
    return False


def _labelled(label: surface.Text, steps: Sequence[Labelled], scope: Scope) -> Labelled | None:
    """The one step that is called this."""
    wanted = label.value
    matching = [item for item in steps if item.text == wanted]
    if len(matching) == 1:
        return matching[0]
    if matching:
        labels = tuple(Label(item.step.span, "one of them") for item in matching[:4])
        message = f'{len(matching)} steps of the session are called "{wanted}"'
        advice = "give the step that is meant a text of its own"
        scope.found.append(error("I0415", message, label.span, "which one?", labels=labels, help=advice))
        return None
    near = nearest(wanted, [item.text for item in steps])
    message = f'no step of the session is called "{wanted}"'
    advice_near = None if near is None else f'did you mean "{near}"?'
    scope.found.append(error("I0415", message, label.span, "not found", help=advice_near))
    return None
