"""A session as plain lines: for logs, pipes and screen readers, answered by lines."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from ionto_ir.diagnostic import Diagnostic
from ionto_ir.events import Event, Press, Prompt, Refused, Stop
from ionto_runtime.alarms import SYMBOLS
from ionto_runtime.console.lines import Lines
from ionto_runtime.prompts import COMMANDS, answer, how_to_answer, prompt_text
from ionto_runtime.stimulator import Measurement
from ionto_runtime.view import View
from ionto_runtime.words import charge, clock, contact_words, current

PROGRESS_PERCENT = 5
PROGRESS_MS = 30_000
"""A line of progress comes with each twentieth of the charge, or after half a minute without one."""


class PlainConsole:
    """Writes what changes. `lines` may be None: then nobody can answer, and a question ends the session.

    When lines are `piped`, they may be answers to what will only be asked later: such a line waits.
    """

    def __init__(self, write: Callable[[str], None], lines: Lines | None, *, piped: bool) -> None:
        self._write = write
        self._lines = lines
        self._piped = piped
        self._asked: Prompt | None = None
        self._refusal: Refused | None = None
        self._alarms = 0
        self._word = ""
        self._step = ""
        self._percent = -1
        self._written_ms = 0

    def poll(self, view: View) -> Sequence[Event]:
        """One line at most: an answer while something is asked, otherwise a command."""
        self._ask(view)
        line = None if self._lines is None else self._lines.ready()
        if line is None:
            return self._unanswered(view)
        assert self._lines is not None
        if view.prompt is None:
            word = line.strip().casefold()
            event = COMMANDS.get(word)
            if view.button is not None and word in ("d", "press", view.button.casefold()):
                event = Press(view.button)
            if event is not None or not self._piped:
                self._lines.drop()
            if event is None and not self._piped and line.strip():
                self._write("not understood: pause, resume, stop or emergency")
            return () if event is None else (event,)
        self._lines.drop()
        meant = answer(view.facts.bound.plan, view.prompt, line)
        if meant is None:
            self._write(f"that does not answer it; {how_to_answer(view.prompt)}")
        elif isinstance(meant, Diagnostic):
            self._write(meant.message + (f"; {meant.help}" if meant.help else ""))
        else:
            return (meant,)
        return ()

    def _unanswered(self, view: View) -> Sequence[Event]:
        """A question that nobody can answer any more ends the session."""
        if view.prompt is None or not (self._lines is None or self._lines.ended):
            return ()
        self._write("nobody is there to answer: the session stops")
        return (Stop(),)

    def show(self, view: View) -> None:
        """Write alarms, changes of state, questions, refusals and progress, each once."""
        for alarm in view.alarms[self._alarms :]:
            self._write(f"{SYMBOLS[alarm.priority]} {alarm.priority.value} alarm {alarm.code}: {alarm.text}")
        self._alarms = len(view.alarms)
        if view.step != self._step and view.prompt is None and view.end is None:
            self._step = view.step
            self._write(f"  step: {view.step}")
        percent = 0 if view.facts.planned_pc <= 0 else view.nominal_pc * 100 // view.facts.planned_pc
        step = percent // PROGRESS_PERCENT
        overdue = view.elapsed_ms - self._written_ms >= PROGRESS_MS and view.end is None
        if view.word != self._word or step > self._percent or overdue:
            self._word, self._percent, self._written_ms = view.word, max(step, self._percent), view.elapsed_ms
            self._write(progress_line(view, percent))
            for line in channel_lines(view):
                self._write(f"    {line}")
        if view.refusal is not None and view.refusal is not self._refusal:
            self._write(f"nothing was changed: {view.refusal.reason}")
        self._refusal = view.refusal
        self._ask(view)

    def _ask(self, view: View) -> None:
        """Write a question when it opens, and before anything is taken for its answer."""
        if view.prompt is not None and view.prompt is not self._asked:
            text = prompt_text(view.facts.bound.plan, view.prompt)
            waits = "" if view.waits is None else f"; {view.waits}"
            self._write(f"{text}  ({how_to_answer(view.prompt)}{waits})")
        self._asked = view.prompt


def contact_of(view: View, reading: Measurement | None) -> str:
    """How good a contact is, by a reading of the whole session or of one channel."""
    facts = view.facts
    return contact_words(reading, facts.ohm_max, facts.bound.plan.device.compliance_mv)


def channel_lines(view: View) -> Iterator[str]:
    """Each of several channels in a line: the sum is in the line of the session."""
    width = max((len(channel.name) for channel in view.channels), default=0)
    for channel in view.channels:
        reading = channel.reading
        measured = "no reading" if reading is None else f"{current(abs(reading.current_na))} measured"
        parts = [
            channel.name.ljust(width),
            f"{channel.word:<9}",
            f"{current(abs(channel.setpoint_na))} set, {measured}",
            charge(channel.nominal_pc),
            f"contact {contact_of(view, reading)}",
        ]
        yield "  ".join(parts)


def progress_line(view: View, percent: int) -> str:
    """Where the session is, in one line."""
    facts = view.facts
    measured = "no reading" if view.reading is None else f"{current(abs(view.reading.current_na))} measured"
    parts = [
        f"{clock(view.elapsed_ms):>7}",
        f"{view.word:<9}",
        f"{current(abs(view.setpoint_na))} set, {measured}",
        f"{charge(view.nominal_pc)} of {charge(facts.planned_pc)} ({percent} %)",
        f"{'about ' if view.about else ''}{clock(view.remaining_ms)} left",
    ]
    if not view.channels:
        parts.append(f"contact {contact_of(view, view.reading)}")
    marks = ["SIMULATED"] * facts.simulated + ["NOT FOR PEOPLE"] * (facts.banner is not None)
    return "  ".join([*parts, *marks])
