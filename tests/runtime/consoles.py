"""Sessions seen at some moment: what the tests of consoles share."""

from __future__ import annotations

import os

from ionto_ir.events import Event, PromptKind
from ionto_ir.expression import Value
from ionto_runtime.console.lines import Lines
from ionto_runtime.simulation.stimulator import Fault
from ionto_runtime.view import View, view_of
from tests.ir.sessions import SECOND, bound_of
from tests.runtime.bedside import Bedside, facts_for
from tests.runtime.sealed_plans import MA, heel_plan

PLAN = heel_plan(20 * SECOND)
VALUES: dict[str, Value] = {"current": 2 * MA, "pacemaker": False, "sore": False}
BOUND = bound_of(PLAN, VALUES)
FACTS = facts_for(BOUND)


def at(ticks: int, *events: Event, fault: Fault | None = None) -> View:
    """What is seen after some ticks and events; the confirmation at the beginning is answered."""
    bedside = Bedside(BOUND).begin().tick(ticks)
    for event in events:
        bedside.session.feed(event)
    if fault is not None:
        bedside.device.inject(fault)
        bedside.tick()
    return view_of(bedside.session, FACTS)


def asking() -> View:
    """The confirmation at the beginning is open."""
    return view_of(Bedside(BOUND).begin().session, FACTS)


def recording() -> View:
    """The session is over but for the record at its end."""
    bedside = Bedside(BOUND).begin()
    while bedside.session.prompt is None or bedside.session.prompt.kind is not PromptKind.RECORD:
        bedside.tick()
    return view_of(bedside.session, FACTS)


class Pipe:
    """Lines from a pipe."""

    def __init__(self, text: str = "", *, closed: bool = False) -> None:
        self.reading, self.writing = os.pipe()
        self.lines = Lines(self.reading)
        self.send(text)
        if closed:
            os.close(self.writing)

    def send(self, text: str) -> None:
        os.write(self.writing, text.encode())
