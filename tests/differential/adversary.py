"""An adversary for a plan: extreme values, every allowed interruption at each step, stops at bad moments."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import product

from ionto_ir.bind import bind_disarmed
from ionto_ir.bind_constants import NO_HISTORY, constants_of
from ionto_ir.bind_interrupted import Interrupter
from ionto_ir.bound import UNLIMITED, BoundPlan, polarity_at_start
from ionto_ir.dry_run import Run, Script, answer_to, run
from ionto_ir.events import Adjust, Event, Prompt, Stop
from ionto_ir.expression import Undefined, Value, evaluate
from ionto_ir.plan import BooleanDomain, Hold, IntegerDomain, Plan, Ramp, VariableKind
from ionto_ir.rehearse import Timeline
from ionto_ir.scenario import Occurrence, Scenario
from ionto_ir.state import Mode, State
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


def disarmed_run(plan: Plan, values: Mapping[str, Value], script: Script) -> Run:
    """What the protocol itself says under this adversary."""
    return run(bind_disarmed(plan, values), script)


def armed_run(plan: Plan, values: Mapping[str, Value], script: Script) -> Run:
    """What the machine makes of it."""
    constants = constants_of(plan, values, NO_HISTORY, UNLIMITED, screened=True)
    return run(BoundPlan(plan, values, constants, polarity_at_start(plan, values)), script)
