"""The executor: `step(bound, state, event) -> (state, commands)`, pure, total and deterministic."""

from __future__ import annotations

from ionto_ir.bound import BoundPlan
from ionto_ir.events import Command, Event
from ionto_ir.state import State


def start(bound: BoundPlan) -> State:
    """The state before anything happened: nothing is energised until `Begin` and a tick."""
    raise AssertionError(bound)


def step(bound: BoundPlan, state: State, event: Event) -> tuple[State, tuple[Command, ...]]:
    """What one event does. Every event is answered in every state; one that means nothing there is `Refused`."""
    raise AssertionError(bound, state, event)
