"""The invariant that carries the proof is true in sessions that really run, with a device that may not hear.

The theorem speaks of the table and of a world; here the executor runs whole plans in that very world, so
that what is proved and what runs are seen to be the same, and what is assumed is seen to be possible. It
speaks of one window that began at any tick: here of the whole session, or of one that begins anew whenever
somebody likes, and at the latest when its time is over.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from random import Random

from hypothesis import given
from hypothesis import strategies as st

from ionto_ir.bound import UNLIMITED, BoundPlan
from ionto_ir.compile_machine import CONSTANT_NAMES, VARIABLE_NAMES
from ionto_ir.constants import MovingCap
from ionto_ir.dataclass import replace
from ionto_ir.events import (
    Ack,
    Begin,
    Command,
    DeviceFault,
    EmergencyStop,
    Event,
    FaultKind,
    LinkBack,
    LinkLost,
    OutputOff,
    Pause,
    Recovered,
    Resume,
    SetCurrent,
    Stop,
    Tick,
)
from ionto_ir.executor import start, step
from ionto_ir.expression import Value, evaluate
from ionto_ir.machine_invariant import INVARIANT
from ionto_ir.machine_table import Ending
from ionto_ir.machine_terms import DEFINITIONS
from ionto_ir.plan import Interruptions, Plan, Reverse, Section
from ionto_ir.state import Mode, State
from tests.ir.sessions import MA, SECOND, SPAN, bound_of, finish, plan_of, timed_plan, usual_plan


@dataclass
class World:
    """A device that may or may not hear, a journal that may lag, and the charge that the skin receives.

    `window` is the moving cap that is looked at; None: the session's own caps.
    """

    bound: BoundPlan
    state: State
    recorded: State
    window: MovingCap | None = None
    began_ms: int = 0
    before: tuple[int, int] = (0, 0)
    recorded_before: tuple[int, int] = (0, 0)
    latest_ms: int = 0
    whole: tuple[int, int] = (0, 0)
    true_charge_pc: int = 0
    set_charge_pc: int = 0
    held_na: int = 0
    silent_ms: int = 0
    unrecorded_ticks: int = 0

    def tick(self, hears: bool, records: bool, confirms: bool, measured_na: int) -> tuple[Command, ...]:
        """One tick; `confirms` counts only if the device did hear the last command."""
        constants = self.bound.constants
        self._watch_the_clock()
        acknowledged = confirms and self.held_na <= self.state.machine.paid_na
        commands = self._step(Tick(measured_na=measured_na, acknowledged=acknowledged))
        told = next((command for command in commands if isinstance(command, SetCurrent | OutputOff)), None)
        if hears and told is not None:
            self.held_na, self.silent_ms = self.state.machine.paid_na, 0
            self.true_charge_pc += constants.tick_ms * self.held_na
        else:
            left_ms = max(0, constants.watchdog_ms - self.silent_ms)
            self.true_charge_pc += min(constants.tick_ms, left_ms) * self.held_na
            self.silent_ms = min(constants.watchdog_ms, self.silent_ms + constants.tick_ms)
        if isinstance(told, SetCurrent):
            self.set_charge_pc += constants.tick_ms * abs(told.current_na)
        if records or self.unrecorded_ticks == constants.journal_lag_ticks:
            self.record()
        else:
            self.unrecorded_ticks += 1
        return commands

    def _watch_the_clock(self) -> None:
        """Before a tick: a window whose time is over begins anew."""
        constants, told = self.bound.constants, self.state.told
        apart_ms = constants.duration_apart_cap_ms + told.waited_ms
        self.latest_ms = max(self.latest_ms, min(constants.duration_cap_ms, apart_ms))
        if self.window is not None:
            ends_ms = self.began_ms + self.window.ticks * constants.tick_ms
            if self.state.clock_ms + constants.tick_ms > ends_ms:
                self.begin_anew()

    def begin_anew(self) -> None:
        """The window begins now, between two ticks."""
        self.whole = (self.whole[0] + self.true_charge_pc, self.whole[1] + self.set_charge_pc)
        self.true_charge_pc = self.set_charge_pc = 0
        self.began_ms = self.state.clock_ms
        self.before = _ledgers(self.state)
        self.recorded_before = _ledgers(self.recorded)

    def happen(self, event: Event, hears: bool) -> None:
        """Anything between two ticks."""
        if isinstance(event, Ack) and self.held_na > self.state.machine.paid_na:
            return
        if isinstance(event, Recovered):
            self.state, self.before = self.recorded, self.recorded_before
        commands = self._step(event)
        opened = any(isinstance(command, OutputOff) for command in commands)
        if opened and isinstance(event, LinkLost | Recovered):
            self.true_charge_pc += (self.bound.constants.watchdog_ms - self.silent_ms) * self.held_na
            self.held_na = self.silent_ms = 0
        elif opened and hears:
            self.held_na = self.silent_ms = 0
        self.record()

    def record(self) -> None:
        """The journal catches up."""
        self.recorded, self.unrecorded_ticks = self.state, 0
        self.recorded_before = self.before

    def _step(self, event: Event) -> tuple[Command, ...]:
        self.state, commands = step(self.bound, self.state, event)
        return commands

    def violated(self) -> list[str]:
        """Conjuncts of the invariant that do not hold now."""
        known: dict[str, Value] = {name: getattr(self.bound.constants, name) for name in CONSTANT_NAMES}
        known |= {name: getattr(self.state.machine, name) for name in VARIABLE_NAMES}
        known |= {
            "true_charge_pc": self.true_charge_pc,
            "set_charge_pc": self.set_charge_pc,
            "held_na": self.held_na,
            "silent_ms": self.silent_ms,
            "before_pc": self.before[0],
            "before_nominal_pc": self.before[1],
            "journal_before_pc": self.recorded_before[0],
            "journal_before_nominal_pc": self.recorded_before[1],
            "limit_pc": self._limit(nominal=False),
            "limit_nominal_pc": self._limit(nominal=True),
            "latest_ms": self.latest_ms,
            "journal_upper_pc": self.recorded.machine.upper_pc,
            "journal_nominal_pc": self.recorded.machine.nominal_pc,
            "unrecorded_ticks": self.unrecorded_ticks,
        }
        for name in ("top_na", "top_worst_na"):
            found = evaluate(DEFINITIONS[name], known)
            assert isinstance(found, int)
            known[name] = found
        return [
            item.name
            for item in INVARIANT
            if self.state.mode in item.modes and evaluate(item.holds, known) is not True
        ]

    def _limit(self, *, nominal: bool) -> int:
        constants = self.bound.constants
        session = constants.cap_nominal_pc if nominal else constants.cap_pc
        if self.window is None or self.window.nominal is not nominal:
            return session
        return self.window.cap_pc


def _ledgers(state: State) -> tuple[int, int]:
    return state.machine.upper_pc, state.machine.nominal_pc


def _two_pulses() -> Plan:
    """Up, down, the other way round, and down again."""
    pulse = timed_plan(MA, SECOND, 2 * SECOND).steps[:3]
    again = [replace(part, next=index) for index, part in enumerate(pulse, 5)]  # type: ignore[type-var]
    return plan_of((*pulse, Reverse(4, Section.SESSION, SPAN), *again, finish()))


PLANS = (
    timed_plan(MA, 3 * SECOND, 2 * SECOND, interruptions=Interruptions(3, 4 * SECOND, True, SPAN)),
    usual_plan(prescribed=150 * MA * SECOND, interruptions=Interruptions(4, 5 * SECOND, True, SPAN)),
    _two_pulses(),
)


def _bound(chance: Random) -> BoundPlan:
    caps = (UNLIMITED, UNLIMITED, chance.randrange(150 * MA * SECOND))
    return bound_of(
        chance.choice(PLANS),
        {"current": chance.choice([MA, 2 * MA, 4 * MA])},
        cap_pc=chance.choice(caps),
        cap_nominal_pc=chance.choice(caps),
        duration_cap_ms=chance.choice([UNLIMITED, UNLIMITED, 20 * SECOND, 90 * SECOND]),
        watchdog_ms=chance.choice([0, 150, 500, 1000]),
        fall_na=chance.choice([50_000, 33_333, 1_000_000]),
        journal_lag_ticks=chance.randrange(3),
        duration_apart_cap_ms=chance.choice([UNLIMITED, 20 * SECOND]),
        windows=tuple(_window(chance) for _ in range(chance.randrange(3))),
    )


def _window(chance: Random) -> MovingCap:
    ticks = chance.choice([1, 7, 30, 100, 300])
    return MovingCap(ticks, chance.randrange(1, 4 * MA) * ticks * 100, chance.random() < 0.3)


OFTEN: tuple[Event, ...] = (
    Pause(),
    Resume(),
    LinkLost(),
    LinkBack(),
    Resume(),
    DeviceFault(FaultKind.LEAD_OFF),
    Recovered(SECOND),
    Recovered(SECOND + 50),
    Ack(1),
)
SELDOM: tuple[Event, ...] = (Stop(), EmergencyStop(), DeviceFault(FaultKind.SELF_TEST))


def _moments(chance: Random) -> Iterator[tuple[int, Event]]:
    """How many ticks pass, and what happens then; in the end a person stops."""
    for _ in range(chance.randrange(12)):
        yield chance.randrange(40), chance.choice(OFTEN if chance.random() < 0.9 else SELDOM)
    yield chance.randrange(600), Stop()
    yield 150, Stop()


@given(st.integers(0, 2**32))
def test_the_invariant_holds_in_every_state_of_every_session(seed: int) -> None:
    chance = Random(seed)
    bound = _bound(chance)
    fresh = start(bound)
    world = World(bound, fresh, fresh, chance.choice([None, *bound.constants.windows]))
    world.happen(Begin(), hears=True)
    losses = chance.choice([0, 0.05, 0.5])
    for ticks, event in _moments(chance):
        for _ in range(ticks):
            if world.state.ended and not world.held_na:
                break
            if world.window is not None and chance.random() < 0.05:
                world.begin_anew()
            hears, records, confirms = (chance.random() >= losses for _ in range(3))
            world.tick(hears, records, confirms, chance.choice([0, world.held_na]))
            assert world.violated() == []
        newest = Ack(world.state.sequence) if isinstance(event, Ack) else event
        world.happen(newest, chance.random() >= losses)
        assert world.violated() == []
    assert world.state.mode is Mode.ENDED
    assert world.state.machine.reason != Ending.INTERNAL.value
    assert world.whole[0] + world.true_charge_pc <= bound.constants.cap_pc
    assert world.whole[1] + world.set_charge_pc <= bound.constants.cap_nominal_pc
