"""A session in virtual time on an ideal device: the executor, a script of what happens, and the trace."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from ionto_ir.bound import BoundPlan
from ionto_ir.coast import coast
from ionto_ir.dataclass import dataclass, field
from ionto_ir.doses import Asker
from ionto_ir.events import (
    Alarm,
    Begin,
    Command,
    Confirm,
    Dose,
    End,
    Enter,
    Event,
    OutputOff,
    Press,
    Prompt,
    PromptKind,
    Record,
    Refused,
    Resume,
    SetCurrent,
    Tick,
)
from ionto_ir.executor import start, step
from ionto_ir.expression import Value
from ionto_ir.plan import BooleanDomain, ChoiceDomain, Demand, IntegerDomain, Variable
from ionto_ir.state import Mode, Phase, State
from ionto_ir.terminals import Terminals, terminals_of
from ionto_ir.trace import Point, Trace
from ionto_ir.waveform import Waveform

TICKS_MAX = 1_000_000
"""Longest run: a day at ticks of 100 ms, and a little more. What has not ended by then is reported as
endless.
"""

EVENTS_PER_TICK_MAX = 100
"""Events of people between two ticks: more than a plan can ask before time must pass."""

Script = Callable[[State, Prompt | None], Event | None]
"""What happens before the next tick, seen from the state and the prompt that is open; None lets time pass."""

Silence = Callable[[State], int]
"""For how many ms of the session a script that was silent just now stays so while the level is held."""

COAST_AGAIN_TICKS = 8
"""Ticks to wait before coasting is tried again where it was not possible: a ramp is not steady for long."""


@dataclass(frozen=True, slots=True)
class Run:
    """What came of a session: `refused` are the events that changed nothing."""

    trace: Trace
    final: State
    ending: End | None
    alarms: tuple[Alarm, ...]
    records: tuple[Record, ...]
    refused: tuple[Refused, ...]
    doses: tuple[Dose, ...] = ()


@dataclass(slots=True)
class Recorder:
    """Gathers commands into a run. Time counts from the first energised tick, as the executor counts it."""

    tick_ms: int
    points: list[Point] = field(default_factory=list)
    visits: list[tuple[int, int]] = field(default_factory=list)
    alarms: list[Alarm] = field(default_factory=list)
    records: list[Record] = field(default_factory=list)
    refused: list[Refused] = field(default_factory=list)
    doses: list[Dose] = field(default_factory=list)
    ending: End | None = None
    prompt: Prompt | None = None
    current_na: int = 0
    on: bool = False
    waveform: Waveform | None = None

    def take(
        self,
        before: State,
        after: State,
        event: Event,
        commands: tuple[Command, ...],
        at_ms: int | None = None,
    ) -> None:
        """Note what an event did; `at_ms` where time does not count from this machine's first tick."""
        from_ms = before.machine.elapsed_ms if at_ms is None else at_ms
        was_high = self.on and abs(self.current_na) > 0
        for command in commands:
            match command:
                case SetCurrent(current_na, waveform=waveform):
                    self.current_na, self.on, self.waveform = current_na, True, waveform
                case OutputOff():
                    self.current_na, self.on, self.waveform = 0, False, None
                case Prompt():
                    self.prompt = command
                case Alarm():
                    self.alarms.append(command)
                case Record():
                    self.records.append(command)
                case Refused():
                    self.refused.append(command)
                case Dose():
                    self.doses.append(command)
                case End():
                    self.ending = command
        if after.place.step != before.place.step or not self.visits:
            self.visits.append((from_ms, after.place.step))
        # An output that opens between two ticks was cut; one that opens on a tick had come down to zero.
        cut = was_high and not self.on and not isinstance(event, Tick)
        if self.points:
            last = self.points[-1]
            same = last.setpoint_na == self.current_na and last.step == after.place.step
            if same and last.on is self.on and last.waveform == self.waveform:
                return
            if last.at_ms == from_ms:
                cut = cut or last.cut
                self.points.pop()
        self.points.append(Point(from_ms, self.current_na, self.on, after.place.step, cut, self.waveform))


def run(
    bound: BoundPlan,
    script: Script,
    ticks_max: int = TICKS_MAX,
    silence: Silence | None = None,
    terminals: Terminals | None = None,
) -> Run:
    """Run a bound plan until it ends. `ending` is None when it has not ended after `ticks_max` ticks.

    With `silence` known, stretches in which nothing changes are coasted through. Readings are made only for
    monitors, which alone look at them: those of `terminals`, else of ideal ones.
    """
    recorder = Recorder(bound.constants.tick_ms)
    state = _feed(bound, start(bound), Begin(), recorder)
    tick = Tick()
    left, again = ticks_max, ticks_max
    if bound.plan.monitors:
        terminals = terminals or terminals_of(bound.plan)
    while left > 0:
        for _ in range(EVENTS_PER_TICK_MAX):
            event = None if state.ended else script(state, recorder.prompt)
            if event is None:
                break
            state = _feed(bound, state, event, recorder)
        if state.ended:
            break
        if terminals is not None:
            tick = terminals.tick(recorder.current_na, recorder.waveform)
        coasted = 0
        if silence is not None and left <= again:
            known = min(left, silence(state) // bound.constants.tick_ms - 1)
            state, coasted = coast(bound, state, known, tick)
            again = left - COAST_AGAIN_TICKS
        if coasted == 0:
            state = _feed(bound, state, tick, recorder)
        left -= max(1, coasted)
    trace = Trace(
        tuple(recorder.points), tuple(recorder.visits), state.machine.elapsed_ms, bound.constants.tick_ms
    )
    return Run(
        trace,
        state,
        recorder.ending if state.ended else None,
        tuple(recorder.alarms),
        tuple(recorder.records),
        tuple(recorder.refused),
        tuple(recorder.doses),
    )


def _feed(bound: BoundPlan, state: State, event: Event, recorder: Recorder) -> State:
    after, commands = step(bound, state, event)
    asked, asks = waits(state), waits(after)
    if _answered(event, commands) or (asked and (not asks or state.place.step != after.place.step)):
        recorder.prompt = None
    recorder.take(state, after, event, commands)
    return after


def waits(state: State) -> bool:
    """Whether the plan waits for a person."""
    return state.place.phase is Phase.PROMPT


def _answered(event: Event, commands: tuple[Command, ...]) -> bool:
    """Whether the open prompt was answered; a new one stands among the commands."""
    answers = isinstance(event, Confirm | Enter | Resume)
    return answers and not any(isinstance(command, Refused) for command in commands)


def usual_value(variable: Variable) -> Value:
    """What is recorded when nothing else is said: the variable's default, else its lowest value."""
    match variable.domain:
        case IntegerDomain(lo, _, _, default):
            return lo if default is None else default
        case BooleanDomain():
            return False
        case ChoiceDomain():
            return 0


def obliging(answers: Mapping[str, Value]) -> Script:
    """A script in which nothing happens but that people answer what they are asked."""

    def script(state: State, prompt: Prompt | None) -> Event | None:
        return answer_to(prompt, answers)

    return script


def for_ever(_: State) -> int:
    """The silence of a script that looks at nothing but mode, step, level and prompt."""
    return TICKS_MAX * TICKS_MAX


def asking(bound: BoundPlan, script: Script) -> tuple[Script, Silence]:
    """The same script, whose silence is `for_ever`, and somebody who asks for every dose that is given."""
    if not any(isinstance(step, Demand) for step in bound.plan.steps):
        return script, for_ever
    asker = Asker(bound.route)

    def asks(state: State, prompt: Prompt | None) -> Event | None:
        event = script(state, prompt)
        button = asker.offered(state) if event is None else None
        return event if button is None else Press(button)

    return asks, asker.silence_ms


def answer_to(prompt: Prompt | None, answers: Mapping[str, Value]) -> Event | None:
    """The answer to an open prompt; a prompt to resume is left open."""
    if prompt is None:
        return None
    match prompt.kind:
        case PromptKind.CONFIRM | PromptKind.INSTRUCT:
            return Confirm()
        case PromptKind.RECORD:
            assert prompt.variable is not None, "a record names its variable"
            return Enter(prompt.variable, answers[prompt.variable])
        case PromptKind.RESUME:
            return None


def is_interrupted(state: State) -> bool:
    """Whether the session waits to be resumed, or is on its way there."""
    return state.mode in (Mode.PAUSING, Mode.PAUSED, Mode.LOST)
