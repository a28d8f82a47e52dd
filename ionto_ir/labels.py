"""What the author calls the steps of a session: how a `prove` line finds the steps that it speaks of."""

from __future__ import annotations

from ionto_ir.plan import Confirm, Hold, Instruct, Plan, Ramp, Section, Step, Wait


def text_of(step: Step) -> str:
    """What the author calls a step; empty when it has no text of its own."""
    match step:
        case Ramp() | Hold() | Wait() | Confirm() | Instruct():
            return step.text
        case _:
            return ""


def steps_called(plan: Plan, text: str) -> frozenset[int]:
    """The steps of the session that have this text: one, or the ramps and the hold of a `deliver`."""
    return frozenset(
        index
        for index, step in enumerate(plan.steps)
        if step.section is Section.SESSION and text_of(step) == text
    )
