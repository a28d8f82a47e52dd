"""`prove` lines: what the author wants proved about the session."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from ionto_dsl import surface
from ionto_dsl.bounds import Extent
from ionto_dsl.expressions import OUTPUTS
from ionto_dsl.needs import references_in
from ionto_dsl.operands import condition, positive
from ionto_dsl.scope import Scope
from ionto_dsl.steps_of import NESTING_MAX
from ionto_dsl.suggest import nearest
from ionto_dsl.unsupported import unsupported
from ionto_dsl.wording import written
from ionto_ir.canonical import INTEGER_MAX
from ionto_ir.diagnostic import Label, error
from ionto_ir.plan import PropertyKind, UserProperty
from ionto_ir.units import TIME

Labelled = tuple[str, surface.Step]


def labelled_steps(steps: Sequence[surface.Step], depth: int = 1) -> Iterator[Labelled]:
    """Every step of the session that has a text of its own, also the nested ones."""
    for step in steps if depth <= NESTING_MAX else ():
        match step:
            case surface.Wait(_, label) | surface.Ramp(label=label) | surface.Hold(label=label):
                if label is not None:
                    yield label.value, step
            case surface.Deliver(label=label):
                if label is not None:
                    yield label.value, step
            case surface.Tell():
                yield step.text.value, step
            case surface.If():
                yield from labelled_steps((*step.then, *step.otherwise), depth + 1)
            case surface.Repeat():
                yield from labelled_steps(step.steps, depth + 1)
            case _:
                pass


def property_of(item: surface.Prove, steps: Sequence[Labelled], scope: Scope) -> UserProperty | None:
    """The property; None after an error."""
    after = _after(item, steps, scope)
    if item.claim == "finished within":
        assert item.duration is not None, "the grammar asks for a time"
        within = positive(item.duration, TIME, scope, "`finished within` takes a time")
        if within is None or item.label is not None:
            return None
        text = f"finished within {written(item.duration)}"
        return UserProperty(PropertyKind.FINISHED, None, None, within, text, item.span)
    assert item.condition is not None, "the grammar asks for a condition"
    if not _unambiguous(item.condition, scope):
        return None
    scope.outputs = True
    for name in OUTPUTS:
        scope.extents[name] = Extent(0, INTEGER_MAX, 1)
    holds = condition(item.condition, scope)
    scope.outputs = False
    if holds is None or (item.label is not None and after is None):
        return None
    kind = PropertyKind(item.claim)
    text = f"{item.claim} {written(item.condition)}" + (f' after "{after}"' if after is not None else "")
    return UserProperty(kind, holds, after, None, text, item.span)


def _after(item: surface.Prove, steps: Sequence[Labelled], scope: Scope) -> str | None:
    """The text of the step after which the property must hold."""
    if item.label is None:
        return None
    if item.place != "after":
        unsupported(f"`{item.place}` in a `prove` line", item.label.span, scope.found)
        return None
    if item.claim == "finished within":
        unsupported("`finished within` from a step on", item.label.span, scope.found)
        return None
    wanted = item.label.value
    matching = [step for text, step in steps if text == wanted]
    if not matching:
        near = nearest(wanted, [text for text, _ in steps])
        message = f'no step of the session is called "{wanted}"'
        advice = None if near is None else f'did you mean "{near}"?'
        scope.found.append(error("I0415", message, item.label.span, "not found", help=advice))
    elif len(matching) > 1:
        labels = tuple(Label(step.span, "one of them") for step in matching[:4])
        message = f'{len(matching)} steps of the session are called "{wanted}"'
        advice = "give the step that is meant a text of its own"
        scope.found.append(error("I0415", message, item.label.span, "which one?", labels=labels, help=advice))
    elif isinstance(matching[0], surface.Ramp | surface.Hold | surface.Deliver):
        unsupported("a `prove` line that refers to a step with current", item.label.span, scope.found)
    else:
        return wanted
    return None


def _unambiguous(expression: surface.Expression, scope: Scope) -> bool:
    """Whether it is clear that a name means the parameter, and not what flows."""
    names = {reference.dotted: reference for reference in references_in(expression)}
    if any(name in OUTPUTS for name in names):
        return True
    for name, reference in names.items():
        if f"output.{name}" in OUTPUTS and name in scope.entries:
            entry = scope.entries[name]
            scope.found.append(
                error(
                    "I0209",
                    f"`{name}` could be the {entry.origin.value} or what flows",
                    reference.span,
                    "which one?",
                    labels=(Label(entry.span, "declared here"),),
                    help=f"write `output.{name}` for what flows; a parameter alone belongs into `require`",
                )
            )
            return False
    return True
