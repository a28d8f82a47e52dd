"""Small plans written by hand and a bedside that runs them: what the tests of the machine share."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from ionto_ir.bound import UNLIMITED, BoundPlan, Constants, fall_per_tick_na, rise_per_tick_na
from ionto_ir.dataclass import replace
from ionto_ir.device import Device
from ionto_ir.events import (
    Begin,
    Command,
    Confirm,
    End,
    Enter,
    Event,
    OutputOff,
    Prompt,
    PromptKind,
    SetCurrent,
    Tick,
)
from ionto_ir.executor import start, step
from ionto_ir.expression import Constant, Expression, Value, integer_reference
from ionto_ir.plan import (
    SCHEMA,
    Finish,
    ForTime,
    Hold,
    HoldUntil,
    IntegerDomain,
    Interruptions,
    Plan,
    Ramp,
    Section,
    Slope,
    Step,
    UntilTotal,
    Variable,
    VariableKind,
)
from ionto_ir.source import Span
from ionto_ir.state import State

MA = 1_000_000
SECOND = 1_000
MINUTE = 60_000
MA_MIN = MA * MINUTE
SPAN = Span("heel.ionto", 1, 1, 1, 2)

DEVICE = Device(
    name="clinic",
    title="Clinic",
    driver="simulated",
    current_na_min=0,
    current_na_max=4 * MA,
    step_na=10_000,
    accuracy_ppm=20_000,
    accuracy_offset_na=10_000,
    compliance_mv=80_000,
    slew_na_s=MA,
    tick_ms=100,
    watchdog_ms=500,
    host_gap_ms=250,
    waveforms=("dc",),
    source=None,
    span=SPAN,
)


def constant(value: int | Expression) -> Expression:
    """An operand."""
    return Constant(value) if isinstance(value, int) else value


def ramp(
    target: int | Expression,
    over_ms: int,
    start_na: int | Expression,
    delta: int | Expression,
    after: int,
    reverse: bool = False,
) -> Ramp:
    """A ramp by time."""
    slope = Slope(constant(delta), Constant(over_ms))
    return Ramp(constant(target), constant(start_na), slope, reverse, after, Section.SESSION, SPAN)


def hold(level: int | Expression, until: HoldUntil, after: int) -> Hold:
    """A hold."""
    return Hold(constant(level), until, after, Section.SESSION, SPAN)


def finish(reason: str = "done", completed: bool = True) -> Finish:
    """The end."""
    return Finish(reason, completed, Section.AFTER, SPAN)


def plan_of(
    steps: Iterable[Step],
    variables: tuple[Variable, ...] = (),
    interruptions: Interruptions | None = None,
    counters: int = 0,
    **changes: object,
) -> Plan:
    """A plan of these steps on the clinic's device, with five interruptions of ten minutes."""
    plan = Plan(
        schema=SCHEMA,
        requires=(),
        tool="test",
        name="heel",
        version="1.0.0",
        title="Heel",
        indication=None,
        codes=(),
        source=(),
        device=DEVICE,
        envelopes=(),
        electrodes=(),
        variables=variables,
        requirements=(),
        rules=(),
        exclusions=(),
        limits=(),
        interruptions=interruptions or Interruptions(5, 10 * MINUTE, True, SPAN),
        stop_slew_na_s=MA // 2,
        resume_slew_na_s=MA // 2,
        may_saturate=False,
        steps=tuple(steps),
        entry=0,
        counters=counters,
        course=None,
        properties=(),
        files=(),
        span=SPAN,
    )
    return replace(plan, **changes)  # type: ignore[arg-type]


def bound_of(
    plan: Plan, values: Mapping[str, Value] | None = None, polarity: int = 1, **changes: object
) -> BoundPlan:
    """The plan bound to values, without any cap but the device's current, unless said otherwise."""
    device = plan.device
    constants = Constants(
        tick_ms=device.tick_ms,
        step_na=device.step_na,
        rise_na=rise_per_tick_na(device.slew_na_s, device.tick_ms),
        fall_na=fall_per_tick_na(plan.stop_slew_na_s, device.tick_ms),
        current_cap_na=device.current_na_max,
        current_cap_reversed_na=device.current_na_max,
        accuracy_ppm=device.accuracy_ppm,
        offset_na=device.accuracy_offset_na,
        watchdog_ms=device.watchdog_ms,
        journal_lag_ticks=2,
        cap_pc=UNLIMITED,
        cap_nominal_pc=UNLIMITED,
        duration_cap_ms=UNLIMITED,
        interruptions_max=plan.interruptions.count_max,
        pause_ms_max=plan.interruptions.each_ms_max,
        may_resume=plan.interruptions.resume,
        screened=True,
    )
    return BoundPlan(plan, dict(values or {}), replace(constants, **changes), polarity)  # type: ignore[arg-type]


CURRENT = Variable(
    "current",
    VariableKind.PARAMETER,
    IntegerDomain(MA, 4 * MA, MA // 10, 2 * MA, "current", "mA"),
    "",
    True,
    None,
    SPAN,
)


NOW = integer_reference("current")
DEGREES = IntegerDomain(0, 4, 1, None, "plain number", "")
SWEATING = Variable("sweating", VariableKind.RECORD, DEGREES, "Sweating?", False, None, SPAN)


def plan(*steps: Step, **changes: Any) -> Plan:
    """A plan of these steps."""
    return plan_of(steps, **changes)


def pulse(start: int, after: int, level: int = MA, reverse: bool = False) -> tuple[Step, ...]:
    """Up in two seconds, a second there, down in two seconds: three steps from number `start`."""
    return (
        ramp(level, 2 * SECOND, 0, level, start + 1, reverse),
        hold(level, ForTime(Constant(SECOND)), start + 2),
        ramp(0, 2 * SECOND, level, level, after, reverse),
    )


def usual_plan(prescribed: int = 40 * MA_MIN, **changes: object) -> Plan:
    """Ramp to `current` over 30 s, hold until a total, ramp to zero over 30 s."""
    current = integer_reference("current")
    descent = Slope(current, Constant(30 * SECOND))
    return plan_of(
        (
            ramp(current, 30 * SECOND, 0, current, 1),
            hold(current, UntilTotal(Constant(prescribed), descent), 2),
            ramp(0, 30 * SECOND, current, current, 3),
            finish(),
        ),
        variables=(CURRENT,),
        **changes,
    )


def timed_plan(
    level: int = 2 * MA, hold_ms: int = MINUTE, ramp_ms: int = 10 * SECOND, **changes: object
) -> Plan:
    """Ramp, hold for a time, ramp to zero."""
    return plan_of(
        (
            ramp(level, ramp_ms, 0, level, 1),
            hold(level, ForTime(Constant(hold_ms)), 2),
            ramp(0, ramp_ms, level, level, 3),
            finish(),
        ),
        **changes,
    )


@dataclass
class Bedside:
    """A session under test: feeds events, keeps what came out, answers prompts if told to."""

    bound: BoundPlan
    state: State
    commands: list[Command]
    settings: list[int | None]
    """What the output was at, one entry for each tick; None: off."""

    def do(self, event: Event) -> tuple[Command, ...]:
        """Feed one event."""
        self.state, commands = step(self.bound, self.state, event)
        self.commands += commands
        for command in commands:
            if isinstance(command, SetCurrent):
                self.output = command.current_na
            elif isinstance(command, OutputOff):
                self.output = None
        if isinstance(event, Tick):
            self.settings.append(self.output)
        return commands

    output: int | None = None

    def ticks(self, count: int, tick: Tick | None = None) -> Bedside:
        """Feed some ticks."""
        for _ in range(count):
            self.do(tick or Tick())
        return self

    def until_end(self, ticks_max: int = 100_000) -> Bedside:
        """Tick until the session has ended."""
        for _ in range(ticks_max):
            if self.state.ended:
                return self
            self.do(Tick())
        raise AssertionError("the session does not end")

    def nominal_pc(self) -> int:
        """The charge that was set, from the settings alone."""
        tick_ms = self.bound.constants.tick_ms
        return sum(abs(setting) * tick_ms for setting in self.settings if setting is not None)

    def end(self) -> End:
        """How it ended."""
        return next(command for command in reversed(self.commands) if isinstance(command, End))

    def all(self, kind: type) -> list[Command]:
        """The commands of a kind."""
        return [command for command in self.commands if isinstance(command, kind)]


def begun(
    plan: Plan, values: Mapping[str, Value] | None = None, polarity: int = 1, **changes: object
) -> Bedside:
    """A session of the plan that has begun."""
    bound = bound_of(plan, values, polarity, **changes)
    bedside = Bedside(bound, start(bound), [], [])
    bedside.do(Begin())
    return bedside


def answer(bedside: Bedside, records: Mapping[str, Value]) -> None:
    """Answer every prompt that is open now or opens by the answer."""
    while True:
        asked = bedside.commands[-1] if bedside.commands else None
        match asked:
            case Prompt(PromptKind.CONFIRM | PromptKind.INSTRUCT):
                bedside.do(Confirm())
            case Prompt(PromptKind.RECORD, _, str(name)):
                bedside.do(Enter(name, records[name]))
            case _:
                return
