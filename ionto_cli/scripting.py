"""A console that nobody sits at: it answers what is asked and lets happen what the command line says."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from ionto_ir.dataclass import replace
from ionto_ir.diagnostic import Diagnostic, error
from ionto_ir.entry import parse_assignments
from ionto_ir.events import Event
from ionto_ir.expression import Value
from ionto_ir.plan import Demand, Plan
from ionto_ir.rehearse import Timeline
from ionto_ir.scenario import READINGS, Happening, Occurrence, Scenario
from ionto_ir.terminals import Terminals
from ionto_ir.units import RESISTANCE, TIME, Dimension, Quantity, parse_unit, to_base
from ionto_runtime.session import Session
from ionto_runtime.simulation.skin import Body
from ionto_runtime.view import View

WITH_MORE = (Happening.ADJUST, Happening.RECORD, Happening.PRESS, *READINGS)
AT_ONE_OUTPUT = (Happening.LEAD_OFF, Happening.LINK_LOST, Happening.LINK_BACK, *READINGS)
PLAIN = {item.value: item for item in Happening if item not in WITH_MORE}


class ContactLoad:
    """What lies in series with a person's skin, as a timeline changes it: an impedance that was asked for
    comes about by the contacts.
    """

    def __init__(self, body: Body) -> None:
        self.terminals = Terminals(0, 0, 0)
        self._body, self._series_ohm, self._ohm = body, body.series_ohm, 0

    def follow(self) -> None:
        """Have the body show what was last asked for."""
        if self.terminals.impedance_ohm == self._ohm:
            return
        self._ohm = self.terminals.impedance_ohm
        skin_ohm = self._body.resistance_ohm - self._body.series_ohm
        wanted_ohm = max(self._series_ohm, self._ohm - skin_ohm)
        self._body.series_ohm = wanted_ohm if self._ohm else self._series_ohm


class Scripted:
    """Feeds a timeline to a session in place of people."""

    def __init__(self, timeline: tuple[Occurrence, ...], records: Mapping[str, Value]) -> None:
        self._records = dict(records)
        self._timeline_given = timeline
        self._session: Session | None = None
        self._load: ContactLoad | None = None
        self._timeline: Timeline | None = None

    def attach(self, session: Session, body: Body) -> None:
        """The session that this console belongs to, and the person under the electrodes."""
        self._session, self._load = session, ContactLoad(body)
        scenario = Scenario("simulation", (), self._timeline_given, (), None)
        self._timeline = Timeline(scenario, self._records, self._load.terminals)

    def poll(self, view: View) -> Sequence[Event]:
        """What happens before the next tick: one event at a time, because each may change what is asked."""
        assert self._session is not None and self._load is not None and self._timeline is not None, (
            "a console belongs to a session"
        )
        event = self._timeline.happens(self._session.state, view.prompt)
        self._load.follow()
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
    """One argument; behind its time it may name a channel: `1 min channel upper impedance 90 kOhm`."""
    words = text.split(None, 4)
    if len(words) < 5 or words[2] != "channel":
        return _happening(plan, text)
    names = [channel.name for channel in plan.channels]
    if words[3] not in names:
        known = ", ".join(f"`{name}`" for name in names) or "none: this plan has one output"
        return error("I0906", f"there is no channel `{words[3]}`", None, help=f"the channels are: {known}")
    found = _happening(plan, " ".join([*words[:2], words[4]]))
    if isinstance(found, Diagnostic):
        return found
    if found.happening not in AT_ONE_OUTPUT:
        message = f"`{found.happening.value}` happens to all channels, not to `{words[3]}` alone"
        return error("I0906", message, None, help=f"leave out `channel {words[3]}`")
    return replace(found, channel=words[3])


def _happening(plan: Plan, text: str) -> Occurrence | Diagnostic:
    words = text.split(None, 3)
    at_ms = _time_ms(words[:2])
    advice = "for example `--at '5 min pause'`; events are " + ", ".join(
        [*PLAIN, "adjust NAME=VALUE", "press NAME", "impedance 60 kOhm", "impedance normal"]
    )
    if at_ms is None or len(words) < 3:
        return error("I0901", f"`--at {text}` is not a time and an event", None, help=advice)
    if words[2] in PLAIN:
        return Occurrence(at_ms, PLAIN[words[2]], None, None, None)
    if words[2] == Happening.IMPEDANCE.value and len(words) == 4:
        return _impedance(at_ms, words[3])
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


def _impedance(at_ms: int, text: str) -> Occurrence | Diagnostic:
    if text == "normal":
        return Occurrence(at_ms, Happening.IMPEDANCE, text, None, None)
    ohm = _in_base_units(text.split(), RESISTANCE)
    if ohm is None or ohm <= 0:
        advice = "for example `--at '5 min impedance 60 kOhm'`, and `impedance normal`"
        return error("I0901", f"`{text}` is no impedance", None, help=advice)
    return Occurrence(at_ms, Happening.IMPEDANCE, None, ohm, None)


def _time_ms(words: Sequence[str]) -> int | None:
    return _in_base_units(words, TIME)


def _in_base_units(words: Sequence[str], dimension: Dimension) -> int | None:
    """A number and its unit, such as `5 min`; None when it is not that."""
    from fractions import Fraction

    unit = parse_unit(words[1]) if len(words) == 2 else None
    if unit is None or unit.dimension != dimension or not words[0].replace(".", "", 1).isdecimal():
        return None
    value = to_base(Quantity(Fraction(words[0]), unit))
    return value if isinstance(value, int) else None
