"""What has been said of a session so far, kept for the screen: facts, checks, the newest view, the course."""

from __future__ import annotations

from collections import deque
from typing import NamedTuple

from ionto_ir.canonical import Json
from ionto_runtime.messages import Message

STALE_MS = 1_000
"""A value older than this is shown as old (R65)."""

LOST_MS = 5_000
"""After this much silence there are no values any more, only dashes."""

RECENT_MS = 300_000
POINTS_MAX = 4_096
"""Points kept of the whole session; with more, every two become one."""

CHECKS_MAX = 64


class Point(NamedTuple):
    """One view on the chart. `at_ms` is the safety process's own clock; `channels` holds what was measured in
    each of several channels, whose sum the other currents are.
    """

    at_ms: int
    set_na: int
    measured_na: int | None
    voltage_mv: int | None
    channels: tuple[int | None, ...] = ()


class Course:
    """Points in time, bounded: the last minutes as they came, the whole session ever more coarsely."""

    def __init__(self) -> None:
        self.recent: deque[Point] = deque()
        self.whole: list[Point] = []
        self._every = 1
        self._left = 0

    def add(self, point: Point) -> None:
        """One more, the newest."""
        self.recent.append(point)
        while self.recent[0].at_ms < point.at_ms - RECENT_MS or len(self.recent) > POINTS_MAX:
            self.recent.popleft()
        if self._left > 0 and self.whole:
            self._left -= 1
            self.whole[-1] = _larger(self.whole[-1], point)
            return
        self.whole.append(point)
        self._left = self._every - 1
        if len(self.whole) >= POINTS_MAX:
            pairs = zip(self.whole[::2], self.whole[1::2], strict=True)
            self.whole = [_larger(first, second) for first, second in pairs]
            self._every *= 2
            self._left = 0


def _larger(first: Point, second: Point) -> Point:
    """Of two points the one with more current: a peak is never thinned away. It has the first one's time."""
    larger = max(first, second, key=lambda point: abs(point.measured_na or 0))
    return larger._replace(at_ms=first.at_ms)


class Story:
    """All that a screen knows. `commands` says that this console commands, `last` how the session ended."""

    def __init__(self) -> None:
        self.facts: Message | None = None
        self.view: Message | None = None
        self.heard_ms: int | None = None
        self.head_ms = 0
        self.checks: list[Message] = []
        self.armed = self.begun = self.commands = False
        self.last: Message | None = None
        self.reason: str | None = None
        self.course = Course()
        self.alarm_at_ms: dict[str, int] = {}
        self.prompt_ms = self.replied_ms = 0
        self.answered: set[str] = set()

    def hear(self, message: Message, now_ms: int) -> None:
        """Take in a message; what is no message of a desk is let pass."""
        match message["type"]:
            case "facts":
                self.facts = message
            case "check":
                # Who connects again is told everything again.
                if message not in self.checks and len(self.checks) < CHECKS_MAX:
                    self.checks.append(message)
            case "armed":
                self.armed = True
            case "begun":
                self.begun = True
            case "joined":
                self.commands = message["commands"] is True
            case "reply":
                self.answered.add(str(message["key"]))
                self.replied_ms = now_ms
                self.reason = None if message["taken"] is True else str(message["reason"])
            case "refused":
                self.reason = str(message["reason"])
            case "view":
                self._view(message, now_ms)
            case "bye" | "refused_session" | "failed":
                self.last = message
            case _:
                pass

    def _view(self, view: Message, now_ms: int) -> None:
        before = self.view
        if before is None or before["head"] != view["head"]:
            self.head_ms = now_ms
        if view["prompt"] is not None and (before is None or before["prompt"] != view["prompt"]):
            self.prompt_ms = now_ms
        self.view, self.heard_ms, self.begun = view, now_ms, True
        at_ms, reading = _integer(view["sent_ms"]), view["reading"]
        measured = voltage = None
        if isinstance(reading, dict):
            measured, voltage = _integer(reading["current_na"]), _integer(reading["voltage_mv"])
        channels = tuple(_measured(channel) for channel in items_of(view, "channels"))
        self.course.add(Point(at_ms, _integer(view["setpoint_na"]), measured, voltage, channels))
        for alarm in alarms_of(view):
            self.alarm_at_ms.setdefault(str(alarm["code"]), at_ms)

    # --- what follows from it ---------------------------------------------------------------------------
    @property
    def over(self) -> bool:
        """Whether the last word was said."""
        return self.last is not None

    @property
    def mode(self) -> str:
        """The machine's mode, as the view says it; `none` before there is one."""
        return "none" if self.view is None else str(self.view["mode"])

    @property
    def stopping(self) -> bool:
        """Whether the session is on its way down or over."""
        return self.over or self.mode in ("stopping", "ended")

    def age_ms(self, now_ms: int) -> int | None:
        """How old the newest view is; None before the first."""
        return None if self.heard_ms is None else now_ms - self.heard_ms

    def prompt(self) -> Message | None:
        """What the session asks now."""
        prompt = None if self.view is None or self.over else self.view["prompt"]
        return prompt if isinstance(prompt, dict) else None

    def alarms(self) -> list[Message]:
        """All alarms, the most urgent first."""
        return [] if self.view is None else alarms_of(self.view)

    def unseen(self) -> list[Message]:
        """Alarms that nobody has acknowledged, the most urgent first."""
        if self.view is None:
            return []
        seen = self.view["acknowledged"]
        assert isinstance(seen, list)
        return [alarm for alarm in alarms_of(self.view) if alarm["code"] not in seen]

    def adjustable(self) -> list[Message]:
        """The parameters that may be moved."""
        return items_of(self.facts, "adjustable")


ORDER = ("high", "medium", "low")


def alarms_of(view: Message) -> list[Message]:
    """The alarms of a view, the most urgent first, and among these the newest."""
    newest_first = items_of(view, "alarms")[::-1]
    return sorted(newest_first, key=lambda alarm: ORDER.index(str(alarm["priority"])))


def items_of(message: Message | None, name: str) -> list[Message]:
    """A list of objects in a message; nothing where there is none."""
    found: Json = None if message is None else message.get(name)
    return [item for item in found if isinstance(item, dict)] if isinstance(found, list) else []


def _measured(channel: Message) -> int | None:
    """The magnitude that was measured in a channel."""
    reading = channel["reading"]
    return abs(_integer(reading["current_na"])) if isinstance(reading, dict) else None


def _integer(value: Json) -> int:
    assert isinstance(value, int), "the safety process counts in whole numbers"
    return value
