"""Sessions that try to reach as much as they can: calm, turned up, paused at the top, stopped late, and wild.

Each runs the disarmed machine, which does what the protocol says, with nothing to stop it. What was reached
of every limit is kept, whatever its bound.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from fractions import Fraction
from itertools import product
from random import Random

from ionto_ir.bind import at_the_door, bind_disarmed
from ionto_ir.bind_constants import History, PastSession
from ionto_ir.bind_together import bind_together_disarmed, interrupting
from ionto_ir.bound import BoundPlan
from ionto_ir.course import DAY_MS
from ionto_ir.dataclass import dataclass, field, replace
from ionto_ir.doses import Asker
from ionto_ir.dry_run import Run, Script, answer_to, for_ever, run
from ionto_ir.events import (
    Adjust,
    DeviceFault,
    EmergencyStop,
    Event,
    FaultKind,
    Pause,
    Press,
    Prompt,
    Resume,
    Stop,
)
from ionto_ir.expression import Undefined, Value, evaluate
from ionto_ir.limits import Limit, LimitKind
from ionto_ir.observer import broken_properties, reading_of, summed, violations
from ionto_ir.observer_together import violations_together
from ionto_ir.plan import BooleanDomain, ChoiceDomain, Hold, IntegerDomain, Plan, Ramp, VariableKind
from ionto_ir.standing import remembered
from ionto_ir.state import Mode, State
from ionto_ir.together import Happens, run_together, silent
from ionto_ir.trace import Trace, observe, stretches
from tests.differential.adversary import Restless
from tests.differential.cases import Case, Family
from tests.differential.drawing import BUTTON
from tests.differential.people import answering, anything, may_be_treated, people

TICKS_MAX = 400_000
"""More than any drawn session has: 60 mA.s of pulses of 3 uA on average last 200,000 ticks of 100 ms."""


@dataclass(slots=True)
class Reached:
    """The most that was seen of each limit, by its number; `broken` are the numbers of `prove` lines.

    `steep` are the limits on ramps that were passed; `steps` those that were visited, and `people` the values
    with which sessions were run.
    """

    most: dict[int, Fraction] = field(default_factory=dict)
    broken: set[int] = field(default_factory=set)
    steep: set[int] = field(default_factory=set)
    steps: set[int] = field(default_factory=set)
    people: list[dict[str, Value]] = field(default_factory=list)
    sessions: int = 0
    ticks: int = 0
    peak_na: int = 0

    def note(self, index: int, value: Fraction) -> None:
        """Keep the higher one."""
        self.most[index] = max(value, self.most.get(index, Fraction(0)))


def pursue(case: Case) -> Reached:
    """Sessions of a case, as many as pay; what they reached."""
    chance = Random(f"opponent {case.number}")
    reached = Reached()
    probe = _Probe(case.plan, reached)
    if case.family is Family.CHANNELS:
        _pursue_channels(probe, chance)
    elif case.family is Family.COURSE:
        for _ in range(COURSES):
            _pursue_course(probe, chance)
    elif case.family is Family.SMALL:
        _try_everything(probe)
    else:
        _pursue_sessions(probe, chance)
    return reached


@dataclass(slots=True)
class _Probe:
    """A plan whose bounds are 0, so that the observer says what is reached of each limit."""

    plan: Plan
    reached: Reached
    numbers: dict[Limit, int] = field(init=False)

    def __post_init__(self) -> None:
        self.numbers = {limit: index for index, limit in enumerate(self.plan.limits)}

    def judge(self, values: Mapping[str, Value], done: Run) -> None:
        """Take in a session."""
        plan, trace, reached = self.plan, done.trace, self.reached
        assert done.ending is not None, "every session ends"
        for soft in (False, True):
            for item in violations(plan, values, trace, soft=soft):
                if item.limit.kind is LimitKind.RAMP:
                    reached.steep.add(self.numbers[item.limit])
                else:
                    reached.note(self.numbers[item.limit], item.value)
        if plan.properties:
            broken = [item for item, _ in broken_properties(plan, values, trace)]
            reached.broken |= {number for number, item in enumerate(plan.properties) if item in broken}
        reached.steps |= {step for _, step in trace.visits}
        self.count(trace)

    def count(self, trace: Trace) -> None:
        """One more session."""
        self.reached.sessions += 1
        self.reached.ticks += trace.end_ms // trace.tick_ms
        self.reached.peak_na = max(self.reached.peak_na, observe(self.plan, trace).peak_na)


# --- one session ------------------------------------------------------------------------------------------

PEOPLE, COURSES, SESSIONS = 2, 2, 4


def _pursue_sessions(probe: _Probe, chance: Random) -> None:
    plan = probe.plan
    probe.reached.people = people(plan, chance, PEOPLE)
    for values in probe.reached.people:
        bound = bind_disarmed(plan, values)
        for script, quiet in manners(bound, chance):
            probe.judge(values, run(bound, script, TICKS_MAX, silence=quiet))
        if plan.monitors:
            watched = bind_disarmed(plan, values, watched=True)
            world = Restless(plan, chance.randrange(10**9))
            probe.judge(values, run(watched, world.script, TICKS_MAX, terminals=world.terminals))


def manners(bound: BoundPlan, chance: Random) -> Iterator[tuple[Script, object]]:
    """What people do, worst things first; each with how long it is silent."""
    plan = bound.plan
    yield _asking(bound, _Doer(plan, chance, up=False))
    if any(item.adjustable for item in plan.variables):
        yield _asking(bound, _Doer(plan, chance, up=True))
    levels = _levels(plan, bound.values)
    if plan.interruptions.resume and plan.interruptions.count_max and levels:
        highest = max(levels, key=lambda item: item[1])
        for place in {highest, chance.choice(levels)}:
            yield _asking(bound, _Doer(plan, chance, up=chance.random() < 0.5, pause=place))
    if levels:
        yield _asking(bound, _Doer(plan, chance, up=False, stop=chance.choice(levels)))
    yield Wild(plan, chance).script, None


def _levels(plan: Plan, values: Mapping[str, Value]) -> list[tuple[int, int]]:
    """The steps that reach a level, with it."""
    found = []
    for index, step in enumerate(plan.steps):
        if isinstance(step, Ramp | Hold):
            level = evaluate(step.target_na if isinstance(step, Ramp) else step.level_na, values)
            if not isinstance(level, Undefined) and level > 0:
                found.append((index, int(level)))
    return found


def _asking(bound: BoundPlan, doer: _Doer) -> tuple[Script, object]:
    """The same, by somebody who asks for every dose that is given."""
    asker = Asker(bound.route)

    def script(state: State, prompt: Prompt | None) -> Event | None:
        event = doer.script(state, prompt)
        button = asker.offered(state) if event is None else None
        return event if button is None else Press(button)

    return script, asker.silence_ms if doer.steady else None


class _Doer:
    """Somebody who turns up what can be turned up, pauses as often as is allowed where most flows, or stops
    late.
    """

    def __init__(
        self,
        plan: Plan,
        chance: Random,
        *,
        up: bool,
        pause: tuple[int, int] | None = None,
        stop: tuple[int, int] | None = None,
    ) -> None:
        self.plan = plan
        self.turns: list[Event] = []
        if up:
            self.turns = [
                Adjust(item.name, item.domain.hi)
                for item in plan.variables
                if item.adjustable and isinstance(item.domain, IntegerDomain)
            ]
        self.pause, self.stop, self.pauses = pause, stop, 0
        self.long = pause is not None and chance.random() < 0.4
        self.steady = not self.long
        self.answers = answering(plan, chance)

    def script(self, state: State, prompt: Prompt | None) -> Event | None:
        """What happens before the next tick."""
        rules, machine = self.plan.interruptions, state.machine
        if state.mode is Mode.PAUSED:
            last = machine.pause_ms + self.plan.device.tick_ms > rules.each_ms_max
            return Resume() if last or not self.long else None
        if state.mode is Mode.ON:
            if self.turns:
                return self.turns.pop()
            if self.pause is not None and self.pauses < rules.count_max:
                step, level_na = self.pause
                if state.place.step == step and machine.level_na >= level_na:
                    self.pauses += 1
                    return Pause()
            if self.stop is not None:
                step, level_na = self.stop
                if state.place.step > step and machine.level_na >= level_na // 2:
                    return Stop()
        return self.answers.answer(state, prompt) if self.answers else answer_to(prompt, {})


class Wild:
    """Somebody who presses, pauses, resumes, adjusts and stops at random, mostly where it may hurt."""

    def __init__(self, plan: Plan, chance: Random) -> None:
        self._plan = plan
        self._draw = Random(chance.randrange(10**9))
        self._eager = self._draw.random()
        self._stops = self._draw.random() < 0.3
        self._answers = answering(plan, self._draw)
        self._adjustable = [
            (item.name, item.domain)
            for item in plan.variables
            if item.adjustable and isinstance(item.domain, IntegerDomain)
        ]

    def script(self, state: State, prompt: Prompt | None) -> Event | None:
        """What happens before the next tick."""
        draw, rules = self._draw, self._plan.interruptions
        if state.mode is Mode.PAUSED:
            last = state.machine.pause_ms + self._plan.device.tick_ms > rules.each_ms_max
            return Resume() if last or draw.random() < 0.1 else None
        doses = state.place.doses
        if doses is not None and not doses.running and draw.random() < self._eager:
            return Press(BUTTON) if draw.random() < 0.7 else None
        if state.mode is Mode.ON and draw.random() < 0.02:
            return self._disturbance(state)
        return self._answers.answer(state, prompt) if self._answers else answer_to(prompt, {})

    def _disturbance(self, state: State) -> Event | None:
        draw, rules = self._draw, self._plan.interruptions
        if self._adjustable and draw.random() < 0.5:
            name, domain = draw.choice(self._adjustable)
            return Adjust(name, draw.choice((domain.lo, domain.hi, anything(domain, draw))))
        if rules.resume and state.machine.interruptions < rules.count_max:
            return draw.choice((Pause(), Pause(), DeviceFault(FaultKind.LEAD_OFF)))
        return Stop() if self._stops and draw.random() < 0.2 else None


# --- everything that can be done in a small session ---------------------------------------------------------

EVERYBODY_MAX = 4
GRID_TICKS = 12
"""Sessions that are longer are disturbed at evenly spread ticks."""

TICKS_WORTH = 30_000
"""What the sessions of one person may take in all: where each is long, fewer ticks are disturbed."""


def _try_everything(probe: _Probe) -> None:
    """All values; undisturbed, and with a pause, a stop or an adjustment at every tick."""
    plan = probe.plan
    asked = [item for item in plan.variables if item.kind is not VariableKind.RECORD]
    ranges: list[Sequence[Value]] = [
        (False, True)
        if isinstance(item.domain, BooleanDomain)
        else range(item.domain.lo, item.domain.hi + 1, item.domain.step or 1)
        for item in asked
        if not isinstance(item.domain, ChoiceDomain)
    ]
    every = [dict(zip((item.name for item in asked), chosen, strict=True)) for chosen in product(*ranges)]
    used = {name for name in every[0] if any(name in repr(step) for step in plan.steps)}
    seen: dict[tuple[Value, ...], dict[str, Value]] = {}
    for values in every:
        if may_be_treated(plan, values):
            seen.setdefault(tuple(values[name] for name in sorted(used)), values)
    whole = list(seen.values())
    half = EVERYBODY_MAX // 2
    probe.reached.people = whole if len(whole) <= EVERYBODY_MAX else [*whole[:half], *whole[-half:]]
    for values in probe.reached.people:
        bound = bind_disarmed(plan, values)
        calm = run(bound, _at_tick(plan, (), 0), TICKS_MAX, silence=for_ever)
        probe.judge(values, calm)
        ticks = calm.trace.end_ms // calm.trace.tick_ms
        disturbances = list(_disturbances(plan))
        grid = min(GRID_TICKS, max(2, TICKS_WORTH // (len(disturbances) * max(1, ticks))))
        for tick in range(1, ticks + 1, -(-ticks // grid)):
            for events in disturbances:
                probe.judge(values, run(bound, _at_tick(plan, events, tick * calm.trace.tick_ms), TICKS_MAX))


def _disturbances(plan: Plan) -> Iterator[tuple[Event, ...]]:
    yield (Stop(),)
    if plan.interruptions.resume and plan.interruptions.count_max:
        yield (Pause(),)
    for item in plan.variables:
        if item.adjustable and isinstance(item.domain, IntegerDomain):
            yield (Adjust(item.name, item.domain.lo),)
            yield (Adjust(item.name, item.domain.hi),)


def _at_tick(plan: Plan, events: tuple[Event, ...], at_ms: int) -> Script:
    pending = list(events)

    def script(state: State, prompt: Prompt | None) -> Event | None:
        if state.mode is Mode.PAUSED:
            return Resume()
        if pending and state.machine.elapsed_ms >= at_ms:
            return pending.pop()
        return answer_to(prompt, {})

    return script


# --- a course ---------------------------------------------------------------------------------------------


def _pursue_course(probe: _Probe, chance: Random) -> None:
    """Sessions as close to each other as the course lets them be, each with other values and people."""
    plan = probe.plan
    given: list[tuple[PastSession, dict[str, Value], Trace]] = []
    now_ms = chance.randint(0, 6) * DAY_MS + chance.choice((0, DAY_MS - 90_000, chance.randrange(DAY_MS)))
    for _ in range(SESSIONS):
        opened = _next(plan, now_ms, [past for past, _, _ in given], chance)
        if opened is None:
            break
        start_ms, values = opened
        probe.reached.people.append(values)
        bound = bind_disarmed(plan, values)
        script, quiet = chance.choice(list(manners(bound, chance)))
        done = run(bound, script, TICKS_MAX, silence=quiet)
        probe.judge(values, done)
        seen = observe(plan, done.trace)
        end_ms = start_ms + done.trace.end_ms
        past = PastSession(
            start_ms,
            end_ms,
            start_ms // DAY_MS + 1,
            seen.nominal_pc,
            seen.worst_pc,
            plan.name,
            tuple(done.final.values.items()),
        )
        given.append((past, values, done.trace))
        now_ms = end_ms
    for index, limit in enumerate(plan.limits):
        if limit.window_ms is not None:
            starts = [past.start_ms for past, _, _ in given]
            _note_window(probe, index, limit, list(zip(starts, (item[1:] for item in given), strict=True)))


def _next(
    plan: Plan, now_ms: int, given: list[PastSession], chance: Random
) -> tuple[int, dict[str, Value]] | None:
    """The first moment at which the course lets a session begin, and with what values."""
    assert plan.course is not None, "it has a course"
    moments = [now_ms]
    if given:
        moments.append(max(now_ms, given[-1].start_ms + plan.course.gap_ms_min))
    moments += [(now_ms // DAY_MS + day) * DAY_MS for day in range(1, 10)]
    anybody = replace(plan, limits=(), requirements=())  # what is limited is what is asked
    for _ in range(3):
        chosen = people(anybody, chance, 4)
        chance.shuffle(chosen)
        for moment in sorted(set(moments)):
            history = History(moment, moment // DAY_MS + 1, tuple(given))
            for values in chosen:
                values |= remembered(plan, history, values)
                if not at_the_door(replace(plan, limits=()), values, history):
                    return moment, values
    return None


def _note_window(
    probe: _Probe, index: int, limit: Limit, sessions: list[tuple[int, tuple[dict[str, Value], Trace]]]
) -> None:
    plan = probe.plan
    assert limit.window_ms is not None, "it has a window"
    if limit.kind is LimitKind.SESSIONS:
        starts = [start for start, _ in sessions]
        for first in starts:
            held = sum(first <= start < first + limit.window_ms for start in starts)
            probe.reached.note(index, Fraction(held))
        return
    for electrode in range(len(plan.electrodes)) if limit.per_electrode else (None,):
        flows = []
        for start_ms, (values, trace) in sessions:
            rate_of = reading_of(plan, values, limit, electrode)
            flows += [
                (start_ms + part.from_ms, start_ms + part.to_ms, rate_of(part))
                for part in stretches(trace)
                if part.on
            ]
        origin = min((flow[0] for flow in flows), default=0)
        shifted = [(start - origin, end - origin, rate) for start, end, rate in flows]
        for item in summed(limit, shifted, electrode):
            probe.reached.note(index, item.value)


# --- several channels ---------------------------------------------------------------------------------------


def _pursue_channels(probe: _Probe, chance: Random) -> None:
    plan = probe.plan
    probe.reached.people = people(plan, chance, PEOPLE - 1)
    for values in probe.reached.people:
        free = bind_together_disarmed(plan, values)
        for happens in together_manners(plan, chance):
            done = run_together(free.channels, happens, ticks_max=TICKS_MAX)
            for soft in (False, True):
                for item in violations_together(plan, values, done.traces, soft=soft):
                    if item.limit.kind is LimitKind.RAMP:
                        probe.reached.steep.add(probe.numbers[item.limit])
                    else:
                        probe.reached.note(probe.numbers[item.limit], item.value)
            for trace in done.traces:
                probe.count(trace)


def together_manners(plan: Plan, chance: Random) -> Iterator[Happens]:
    """Nothing, every interruption at full level, and anything."""
    yield silent
    if plan.interruptions.resume and plan.interruptions.count_max:
        yield interrupting(plan)
    for _ in range(2):
        yield _chaos(plan, Random(chance.randrange(10**9)))


def _chaos(plan: Plan, draw: Random) -> Happens:
    adjustable = [
        (item.name, item.domain)
        for item in plan.variables
        if item.adjustable and isinstance(item.domain, IntegerDomain)
    ]
    turned_up = [Adjust(name, domain.hi) for name, domain in adjustable] if draw.random() < 0.5 else []

    def happens(clock_ms: int, states: Sequence[State]) -> Event | None:
        if any(state.mode is Mode.PAUSED for state in states):
            return Resume() if draw.random() < 0.05 else None
        if turned_up and any(state.mode is Mode.ON for state in states):
            return turned_up.pop()
        if clock_ms == 0 or draw.random() > 0.02:
            return None
        choice = draw.random()
        if choice < 0.5:
            return draw.choice((Pause(), DeviceFault(FaultKind.LEAD_OFF)))
        if choice < 0.95 and adjustable:
            name, domain = draw.choice(adjustable)
            return Adjust(name, draw.choice((domain.lo, domain.hi, anything(domain, draw))))
        return Stop() if choice < 0.99 else EmergencyStop()

    return happens
