"""A console that nobody sits at: it answers what is asked and lets happen what the command line says."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from ionto_ir.diagnostic import Diagnostic, error
from ionto_ir.entry import parse_assignments
from ionto_ir.events import Event
from ionto_ir.expression import Value
from ionto_ir.plan import Demand, Plan
from ionto_ir.rehearse import Timeline
from ionto_ir.scenario import Happening, Occurrence, Scenario
from ionto_ir.units import TIME, Quantity, parse_unit, to_base
from ionto_runtime.session import Session
from ionto_runtime.view import View

WITH_MORE = (Happening.ADJUST, Happening.RECORD, Happening.PRESS)
PLAIN = {item.value: item for item in Happening if item not in WITH_MORE}


class Scripted:
    """Feeds a timeline to a session in place of people."""

    def __init__(self, timeline: tuple[Occurrence, ...], records: Mapping[str, Value]) -> None:
        self._records = dict(records)
        self._timeline = Timeline(Scenario("simulation", (), timeline, (), None), self._records)
        self._session: Session | None = None

    def attach(self, session: Session) -> None:
        """The session that this console belongs to."""
        self._session = session

    def poll(self, view: View) -> Sequence[Event]:
        """What happens before the next tick: one event at a time, because each may change what is asked."""
        assert self._session is not None, "a console belongs to a session"
        event = self._timeline.happens(self._session.state, view.prompt)
        return () if event is None else (event,)

    def show(self, view: View) -> None:
        """Nobody looks."""


def occurrences(plan: Plan, texts: Sequence[str]) -> tuple[Occurrence, ...] | Diagnostic:
    """The timeline of `--at 'TIME EVENT'` arguments, or what is wrong with one of them (I0901, I0906)."""
    found = []
    for text in texts:
        item = _occurrence(plan, text)
        if isinstance(item, Diagnostic):
            return item
        found.append(item)
    return tuple(found)


def _occurrence(plan: Plan, text: str) -> Occurrence | Diagnostic:
    words = text.split(None, 3)
    at_ms = _time_ms(words[:2])
    advice = "for example `--at '5 min pause'`; events are " + ", ".join(
        [*PLAIN, "adjust NAME=VALUE", "press NAME"]
    )
    if at_ms is None or len(words) < 3:
        return error("I0901", f"`--at {text}` is not a time and an event", None, help=advice)
    if words[2] in PLAIN:
        return Occurrence(at_ms, PLAIN[words[2]], None, None, None)
    if words[2] == Happening.PRESS.value and len(words) == 4:
        return _press(plan, at_ms, words[3].strip('"'))
    if words[2] != Happening.ADJUST.value or len(words) < 4:
        return error("I0901", f"`{words[2]}` is no event", None, help=advice)
    given = parse_assignments(plan, [words[3]])
    if isinstance(given, tuple):
        return given[0]
    name, value = next(iter(given.items()))
    return Occurrence(at_ms, Happening.ADJUST, name, value, None)


def _press(plan: Plan, at_ms: int, button: str) -> Occurrence | Diagnostic:
    buttons = [step.text for step in plan.steps if isinstance(step, Demand)]
    if button not in buttons:
        shown = ", ".join(f"`{name}`" for name in buttons) or "none"
        return error("I0906", f"there is no button `{button}`", None, help=f"the buttons are: {shown}")
    return Occurrence(at_ms, Happening.PRESS, button, None, None)


def _time_ms(words: Sequence[str]) -> int | None:
    from fractions import Fraction

    unit = parse_unit(words[1]) if len(words) == 2 else None
    if unit is None or unit.dimension != TIME or not words[0].replace(".", "", 1).isdecimal():
        return None
    time_ms = to_base(Quantity(Fraction(words[0]), unit))
    return time_ms if isinstance(time_ms, int) else None
