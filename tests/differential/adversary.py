"""An adversary for a plan: extreme values, every allowed interruption at each step, stops at bad moments."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import product
from random import Random

from ionto_ir.bind import bind_disarmed
from ionto_ir.bind_constants import NO_HISTORY, constants_of
from ionto_ir.bind_interrupted import Interrupter
from ionto_ir.bound import UNLIMITED, BoundPlan, polarity_at_start
from ionto_ir.dry_run import Run, Script, answer_to, run
from ionto_ir.events import Adjust, Event, Prompt, Resume, Stop
from ionto_ir.expression import Undefined, Value, evaluate
from ionto_ir.plan import BooleanDomain, Hold, Instruct, IntegerDomain, Plan, Ramp, VariableKind
from ionto_ir.rehearse import Timeline
from ionto_ir.scenario import Occurrence, Scenario
from ionto_ir.state import Mode, Phase, State
from ionto_ir.terminals import Terminals, terminals_of
from ionto_ir.wellformed_bounds import domain_interval

CORNERS_MAX = 8


def corners(plan: Plan) -> Iterator[dict[str, Value]]:
    """Extreme values of everything that is known before the session."""
    asked = [item for item in plan.variables if item.kind is not VariableKind.RECORD]
    ends: list[tuple[Value, ...]] = [
        (False, True) if isinstance(item.domain, BooleanDomain) else domain_interval(item.domain)
        for item in asked
    ]
    for number, values in enumerate(product(*ends)):
        if number == CORNERS_MAX:
            return
        yield dict(zip((item.name for item in asked), values, strict=True))


def scripts(plan: Plan, values: Mapping[str, Value], timeline: tuple[Occurrence, ...]) -> Iterator[Script]:
    """What it may do: nothing, what a timeline says, interrupt or stop at each level, turn everything up."""
    yield Timeline(Scenario("", (), (), (), None), {}).happens
    yield Timeline(Scenario("", (), timeline, (), None), {}).happens
    yield _turning(plan)
    for index, step in enumerate(plan.steps):
        if not isinstance(step, Ramp | Hold):
            continue
        level = evaluate(step.target_na if isinstance(step, Ramp) else step.level_na, values)
        if not isinstance(level, Undefined) and level > 0:
            if plan.interruptions.resume:
                yield Interrupter(plan, {}, index, int(level)).script()
            yield _stopping(index, int(level))


def _stopping(step: int, level_na: int) -> Script:
    """Stop as soon as the step after this one begins: when as much as possible has been delivered."""

    def script(state: State, prompt: Prompt | None) -> Event | None:
        left = state.place.step > step and state.machine.level_na >= level_na // 2
        return Stop() if state.mode is Mode.ON and left else answer_to(prompt, {})

    return script


def _turning(plan: Plan) -> Script:
    """Turn every adjustable parameter up once something flows, and never down again."""
    pending: list[Event] = [
        Adjust(item.name, item.domain.hi)
        for item in plan.variables
        if item.adjustable and isinstance(item.domain, IntegerDomain)
    ]

    def script(state: State, prompt: Prompt | None) -> Event | None:
        return pending.pop() if pending and state.mode is Mode.ON else answer_to(prompt, {})

    return script


class Restless:
    """A load that never holds still, people who answer at the last moment, and who resume at once.

    It makes the monitors pause and stop where nobody expects it: at a step's highest level, at its end, in
    the tick after a resume. What it does next is drawn from a seed.
    """

    def __init__(self, plan: Plan, seed: int) -> None:
        self.terminals = terminals_of(plan)
        self._plan = plan
        self._draw = Random(seed)

    def script(self, state: State, prompt: Prompt | None) -> Event | None:
        """What happens before the next tick."""
        if self._draw.random() < RESTLESS:
            self._move()
        if state.mode is Mode.PAUSED:
            # Whatever paused it is mended, so that as many pauses fit into the session as it admits.
            self.terminals.forced.clear()
            self.terminals.impedance_ohm = self._draw.choice((1, self.terminals.usual_ohm))
            last_chance = (
                state.machine.pause_ms + self._plan.device.tick_ms > self._plan.interruptions.each_ms_max
            )
            return Resume() if last_chance or self._draw.random() < 0.5 else None
        waited_for = state.place.phase is Phase.PROMPT and state.place.left_ms > 0
        return None if waited_for and state.machine.elapsed_ms > 0 else answer_to(prompt, {})

    def _move(self) -> None:
        self.terminals.impedance_ohm = self._draw.choice((1, 500, self.terminals.usual_ohm, 60_000, 10**7))
        name = self._draw.choice(("current", "voltage", "impedance"))
        if self._draw.random() < 0.3:
            self.terminals.forced[name] = None
        else:
            self.terminals.forced.pop(name, None)


RESTLESS = 0.05
"""How often the load changes: every two seconds, on ticks of 100 ms."""

RESTLESS_SEEDS = 2


def restless(plan: Plan) -> Iterator[Restless]:
    """Some of them, where there is something to watch or somebody to be slow."""
    slow = any(isinstance(step, Instruct) and step.late is not None for step in plan.steps)
    if plan.monitors or slow:
        yield from (Restless(plan, seed) for seed in range(RESTLESS_SEEDS))


def disarmed_run(
    plan: Plan, values: Mapping[str, Value], script: Script, terminals: Terminals | None = None
) -> Run:
    """What the protocol itself says under this adversary."""
    bound = bind_disarmed(plan, values, watched=terminals is not None)
    return run(bound, script, terminals=terminals)


def armed_run(plan: Plan, values: Mapping[str, Value], script: Script) -> Run:
    """What the machine makes of it."""
    constants = constants_of(plan, values, NO_HISTORY, UNLIMITED, screened=True)
    return run(BoundPlan(plan, values, constants, polarity_at_start(plan, values)), script)
