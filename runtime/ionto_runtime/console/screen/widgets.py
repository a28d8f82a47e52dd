"""The parts of the screen that draw themselves: the chart, and the number in large digits with its words."""

from __future__ import annotations

from collections.abc import Callable

from rich.text import Text
from textual.app import ComposeResult
from textual.containers import Vertical
from textual.widget import Widget
from textual.widgets import Digits, Static

from ionto_runtime.console.screen.plot import (
    AXIS,
    CHANNELS,
    MARK,
    MEASURED,
    SET,
    Run,
    chart,
    scale_of,
    time_axis,
)
from ionto_runtime.console.screen.story import RECENT_MS, Story, items_of

STYLES = {
    MEASURED: "bold #52e0a4",
    SET: "#ffd24a",
    AXIS: "#8b97a8",
    MARK: "bold #ff5c6c",
    "": "",
    **dict(zip(CHANNELS, ("#56b4e9", "#e58fc1", "#e69f00", "#f0f0f0"), strict=True)),
}
MARKS = {"high": "!!!", "medium": "!!", "low": "!"}


class Part(Static):
    """Some text. It is laid out anew only when it is another one, for that costs more than all else."""

    _text: Text | None = None

    def show(self, text: Text | None) -> None:
        """Show it. None takes away a part that is only there at times; the style sheet knows which."""
        self.set_class(text is not None, "there")
        if text is not None and text != self._text:
            self._text = text
            self.update(text)


class Number(Vertical):
    """A label, large digits, and a line below."""

    def __init__(self, name: str) -> None:
        super().__init__(id=name, classes="number")

    def compose(self) -> ComposeResult:
        """Label, digits, line."""
        yield Part(classes="label")
        yield Digits("")
        yield Part(classes="below")

    def show(self, label: str, digits: str, below: str) -> None:
        """Say what it is now."""
        self.query_one(".label", Part).show(Text(label))
        shown = self.query_one(Digits)
        if shown.value != digits:
            shown.update(digits)
        self.query_one(".below", Part).show(Text(below))


class Chart(Widget):
    """Set and measured values over time. `kind` is `current` or `voltage`."""

    def __init__(
        self, kind: str, story: Story, least: int, words: Callable[[int], str], legend: Text
    ) -> None:
        super().__init__(id=kind)
        self.whole = False
        self.right = "now"
        self._kind = kind
        self._story = story
        self._least = least
        self._words = words
        self._legend = legend

    def render(self) -> Text:
        """The chart in the room that there is."""
        course = self._story.course
        points = course.whole if self.whole else list(course.recent)
        if len(points) < 2 or self.size.height < 4:
            return Text("")
        from_ms = points[0].at_ms if self.whole else max(points[0].at_ms, points[-1].at_ms - RECENT_MS)
        scale = scale_of(points, from_ms, self._least, self._words, self._kind)
        rows = chart(points, scale, self.size.width, self.size.height - 2, self._kind)
        marks = [
            (self._story.alarm_at_ms[str(alarm["code"])], MARKS[str(alarm["priority"])])
            for alarm in self._story.alarms()
        ]
        axis = time_axis(scale, marks, self.size.width, self.right)
        return Text("\n").join([self._names(), *(_text(row) for row in (*rows, axis))])

    def _names(self) -> Text:
        """What the lines are; of several channels each by its name, and the others are their sum."""
        channels = items_of(self._story.view, "channels") if self._kind == "current" else []
        if not channels:
            return self._legend
        named = [
            ("  ━ " + str(channel["name"]), STYLES[CHANNELS[number % len(CHANNELS)]])
            for number, channel in enumerate(channels)
        ]
        return Text.assemble(self._legend, "  in all", *named)


def _text(runs: list[Run]) -> Text:
    return Text.assemble(*((letters, STYLES[kind]) for letters, kind in runs))
