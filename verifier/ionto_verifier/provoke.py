"""Makes the worst happen in virtual time, and writes down when: the timeline of a counterexample.

A solver says which values, which steps and how many pauses; when exactly a pause must come only the machine
knows. So the session is run on a disarmed machine with a script that pauses and adjusts where it hurts, and
the script notes at which times it did so. The noted timeline is then an ordinary scenario.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import Enum

from ionto_ir.bind import bind_disarmed
from ionto_ir.bound import BoundPlan
from ionto_ir.dataclass import dataclass, field
from ionto_ir.doses import Asker, ms_to_last_chance, session_time
from ionto_ir.dry_run import Run, answer_to, for_ever, run, usual_value
from ionto_ir.events import Adjust, Event, Pause, Press, Prompt, Resume
from ionto_ir.expression import Value
from ionto_ir.plan import Confirm, Instruct, Move, Plan, Record, VariableKind
from ionto_ir.route import Route
from ionto_ir.scenario import Happening, Occurrence
from ionto_ir.state import Mode, Phase, State
from ionto_ir.trace import stretches


class Asking(Enum):
    """When somebody asks for a dose on demand."""

    NEVER = "never"
    SOON = "as soon as one is given"
    LATE = "in the last moment"


@dataclass(frozen=True, slots=True)
class Provoking:
    """What to do in a session.

    Pause as often as allowed in `pause_step`, at its highest current or (`early`) at once, each time as
    long as allowed if `long`; stop at the end of `stop_step`; adjust at the beginning of steps.
    """

    pause_step: int | None = None
    long: bool = False
    early: bool = False
    stop_step: int | None = None
    asking: Asking = Asking.NEVER
    adjustments: Mapping[int, Mapping[str, Value]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Day:
    """The values of a session, and what is recorded during it."""

    values: Mapping[str, Value]
    records: Mapping[str, Value]

    @property
    def key(self) -> tuple[object, object]:
        """What tells it from other days."""
        return tuple(self.values.items()), tuple(self.records.items())


@dataclass(frozen=True, slots=True)
class Undisturbed:
    """A session in which somebody may ask for doses, and nothing else happens."""

    bound: BoundPlan
    done: Run
    occurrences: tuple[Occurrence, ...]


class Provoker:
    """A script for one run; `occurrences` is what it did and when."""

    def __init__(
        self, plan: Plan, route: Route, day: Day, doing: Provoking, peaks_na: Mapping[int, int]
    ) -> None:
        self._plan = plan
        self._route = route
        self._asker = Asker(route)
        self._answers = day.records
        self._doing = doing
        self._peaks_na = peaks_na
        self._values = dict(day.values)
        self._pauses = 0
        self._away = False
        self.occurrences: list[Occurrence] = []

    def happens(self, state: State, prompt: Prompt | None) -> Event | None:
        """What happens before the next tick."""
        at_ms = session_time(state)
        if at_ms is not None:
            event = self._resume(state) or self._pause(state) or self._adjust(state) or self._ask(state)
            if event is not None:
                self._note(at_ms, event)
                return event
        if self._doing.long and self._waits(state):
            return None
        if at_ms is not None:
            self._came_back(at_ms)
        return answer_to(prompt, self._answers)

    def silence_ms(self, state: State) -> int:
        """What it does depends on step and level alone, but for the end of a pause."""
        if state.machine.mode is Mode.PAUSED:
            return 0
        match self._doing.asking:
            case Asking.SOON:
                return self._asker.silence_ms(state)
            case Asking.LATE if state.place.phase is Phase.STANDBY:
                return ms_to_last_chance(self._route, state)
            case _:
                return for_ever(state)

    def _waits(self, state: State) -> bool:
        """Whether people are slow: somebody who is waited for with a bound answers at the last moment."""
        step, at_ms = self._plan.steps[state.place.step], state.machine.elapsed_ms
        human = isinstance(step, Confirm | Instruct | Record | Move) and step.late is not None
        if not human or state.place.left_ms <= 0 or at_ms == 0 or state.place.phase is not Phase.PROMPT:
            return False
        if not self._away:
            self._away = True
            self.occurrences.append(Occurrence(at_ms, Happening.AWAY, None, None, None))
        return True

    def _came_back(self, at_ms: int) -> None:
        if self._away:
            self._away = False
            self.occurrences.append(Occurrence(at_ms, Happening.BACK, None, None, None))

    def _ask(self, state: State) -> Event | None:
        match self._doing.asking:
            case Asking.NEVER:
                return None
            case Asking.LATE if ms_to_last_chance(self._route, state) > 0:
                return None
            case _:
                button = self._asker.offered(state)
                return None if button is None else Press(button)

    def _note(self, at_ms: int, event: Event) -> None:
        match event:
            case Adjust(variable, value):
                self.occurrences.append(Occurrence(at_ms, Happening.ADJUST, variable, value, None))
            case Press(button):
                self.occurrences.append(Occurrence(at_ms, Happening.PRESS, button, None, None))
            case Pause():
                self.occurrences.append(Occurrence(at_ms, Happening.PAUSE, None, None, None))
            case _:
                self.occurrences.append(Occurrence(at_ms, Happening.RESUME, None, None, None))

    def _resume(self, state: State) -> Event | None:
        machine = state.machine
        if machine.mode is not Mode.PAUSED:
            return None
        last_chance = machine.pause_ms + self._plan.device.tick_ms > self._plan.interruptions.each_ms_max
        return Resume() if last_chance or not self._doing.long else None

    def _pause(self, state: State) -> Event | None:
        step = state.place.step
        if state.machine.mode is not Mode.ON or step != self._doing.pause_step:
            return None
        setpoint_na = state.machine.level_na // self._plan.device.step_na * self._plan.device.step_na
        low = not self._doing.early and setpoint_na < self._peaks_na.get(step, 0)
        if low or self._pauses >= self._plan.interruptions.count_max:
            return None
        self._pauses += 1
        return Pause()

    def _adjust(self, state: State) -> Event | None:
        if state.machine.mode is not Mode.ON:
            return None
        for name, value in self._doing.adjustments.get(state.place.step, {}).items():
            if self._values[name] != value:
                self._values[name] = value
                return Adjust(name, value)
        return None


def provoked(
    plan: Plan, day: Day, doing: Provoking, undisturbed: dict[object, Undisturbed] | None = None
) -> tuple[Occurrence, ...]:
    """The timeline of a session in which all this happens, in the order of its times.

    Whatever is to happen, the same session is run first without it: `undisturbed` keeps those of one plan.
    """
    slow = doing.long and any(
        isinstance(step, Confirm | Instruct | Record | Move) and step.late is not None for step in plan.steps
    )
    asks = doing.asking is not Asking.NEVER
    idle = doing.pause_step is None and doing.stop_step is None and not doing.adjustments
    if idle and not slow and not asks:
        return ()
    known = {} if undisturbed is None else undisturbed
    key = (*day.key, doing.asking)
    if key not in known:
        known[key] = _undisturbed(plan, day, doing.asking)
    bound, done, occurrences = known[key].bound, known[key].done, known[key].occurrences
    if doing.pause_step is not None or doing.adjustments or slow:
        provoker = Provoker(plan, bound.route, day, doing, _peaks_na(done))
        done = run(bound, provoker.happens, silence=provoker.silence_ms)
        occurrences = tuple(provoker.occurrences)
    if doing.stop_step is not None:
        at_ms = _end_of(done, doing.stop_step)
        if at_ms:
            before = tuple(item for item in occurrences if item.at_ms < at_ms)
            occurrences = (*before, Occurrence(at_ms, Happening.STOP, None, None, None))
    return occurrences


def _undisturbed(plan: Plan, day: Day, asking: Asking) -> Undisturbed:
    bound = bind_disarmed(plan, day.values)
    provoker = Provoker(plan, bound.route, day, Provoking(asking=asking), {})
    done = run(bound, provoker.happens, silence=provoker.silence_ms)
    return Undisturbed(bound, done, tuple(provoker.occurrences))


def _peaks_na(done: Run) -> dict[int, int]:
    """The highest setpoint of each step; a falling ramp counts from where its first tick ended."""
    found: dict[int, int] = {}
    for stretch in stretches(done.trace):
        found[stretch.step] = max(found.get(stretch.step, 0), stretch.magnitude_na)
    return found


def _end_of(done: Run, step: int) -> int:
    """When the last tick of a step ends, in its last round; 0 when it was not reached."""
    return max((part.to_ms for part in stretches(done.trace) if part.step == step and part.on), default=0)


def all_records(plan: Plan, given: Mapping[str, Value]) -> dict[str, Value]:
    """What is recorded: what is given, else the usual."""
    usual = {item.name: usual_value(item) for item in plan.variables if item.kind is VariableKind.RECORD}
    return usual | dict(given)
