"""Treatments and devices drawn by chance: small, so that thousands of sessions run in a minute, and at odds.

Times are seconds, levels lie on the device's step and sometimes between, ramps on whole ticks and between.
Everything is drawn from one `Random`, so that a number repeats it.
"""

from __future__ import annotations

from random import Random

from ionto_ir.dataclass import replace
from ionto_ir.device import Device
from ionto_ir.monitor import MonitorAction
from ionto_ir.plan import BooleanDomain, IntegerDomain, Variable, VariableKind
from ionto_ir.waveform import Curve, Form, Waveform
from tests.treatments import (
    BENCH,
    HERE,
    At,
    Choice,
    Chosen,
    Doses,
    Fixed,
    Found,
    Keep,
    Late,
    Leg,
    Level,
    Move,
    Over,
    Parameter,
    Part,
    Repeat,
    Rest,
    Rounds,
    Speed,
    Tell,
    Treatment,
    Turn,
    Watch,
)

KINDS = ("leg", "leg", "leg", "rest", "turn", "tell", "repeat", "repeat", "choice")
WIDE_KINDS = ("found", "found", "late", "repeat")
FOUND_MAX = 2
"""Values that are entered in a session: before it, every combination of the extremes of two is tried."""

BUTTON = "Dose"
ANSWER = "sore"
MA_S = 10**9
"""pC of one milliampere that flows for a second."""


def device(chance: Random) -> Device:
    """A bench device with another clock, step, accuracy and voltage."""
    step_na = chance.choice((10_000, 10_000, 1_000, 50_000))
    tick_ms = chance.choice((100, 200, 500, 500, 500, 500))
    return replace(
        BENCH,
        step_na=step_na,
        tick_ms=tick_ms,
        watchdog_ms=chance.choice((500, 1_000, 2_000)) + tick_ms,
        accuracy_ppm=chance.choice((0, 10_000, 20_000, 50_000)),
        accuracy_offset_na=chance.choice((0, 10_000, 30_000)),
        slew_na_s=chance.choice((1_000_000, 1_000_000, 2_000_000)),
        compliance_mv=chance.choice((30_000, 80_000)),
    )


def parameters(chance: Random) -> tuple[Parameter, ...]:
    """One that is chosen before the session, and one that may be adjusted in it."""
    low = chance.randint(2, 10) * 100_000
    high = low + chance.randint(1, 20) * 100_000
    lower = chance.randint(2, 10) * 100_000
    higher = lower + chance.randint(1, 15) * 100_000
    chosen = Parameter("current", low, high, 100_000, high, adjustable=False)
    return (chosen, Parameter("comfort", lower, higher, 50_000, lower, adjustable=chance.random() < 0.8))


class Drawing:
    """Draws the parts of a treatment; `people` may be spoken to only where one channel has the session.

    `wide` draws also what nobody drew before: rounds while current flows, waveforms that change on the way,
    values that are entered (`found` are their variables), other ways for who is late.
    """

    def __init__(self, chance: Random, step_na: int, *, people: bool = True, wide: bool = False) -> None:
        self.chance = chance
        self.step_na = step_na
        self.people = people
        self.wide = wide
        self.found: list[Variable] = []
        self.known: list[Variable] = []  # those that were entered here

    def treatment(self, *, doses: bool, watched: bool, longest: int = 2) -> Treatment:
        """A treatment that begins with a leg, so that something always flows."""
        chance = self.chance
        parts: list[Part] = [self.leg()]
        if doses:
            parts.append(self.doses())
        parts += [self.part(2) for _ in range(chance.randint(0, longest))]
        watches = [self.watch() for _ in range(chance.randint(1, 3))] if watched else []
        return Treatment(
            tuple(parts),
            parameters(chance),
            (ANSWER,),
            interruptions=chance.choice((0, 1, 2, 3)),
            pause_ms=chance.choice((5_000, 20_000, 60_000)),
            resume=chance.random() < 0.85,
            ramp_na_s=1_000_000,
            stop_na_s=chance.choice((333_333, 444_444, 700_000, 1_000_000)),
            watches=tuple(watches),
        )

    def level(self) -> Level:
        """A fixed level, seldom off the device's step, or a parameter's."""
        chance = self.chance
        entered = [item.name for item in self.known if isinstance(item.domain, IntegerDomain)]
        if entered and chance.random() < 0.5:
            return Chosen(chance.choice(entered))
        if chance.random() < 0.5:
            return Chosen(chance.choice(("current", "comfort")))
        off = chance.randint(1, 99) * 10 if chance.random() < 0.01 else 0
        steps = chance.randint(1, 3_800_000 // self.step_na)
        return Fixed(max(1, 300_000 // self.step_na, steps) * self.step_na + off)

    def speed(self) -> Speed:
        """Within the ramp limit of 1 mA/s even over the whole range, seldom beyond it."""
        chance = self.chance
        if chance.random() < 0.02:
            return Over(chance.randint(500, 2_000))
        if chance.random() < 0.5:
            return Over(chance.choice((chance.randint(40, 60) * 100, chance.randint(4_000, 6_000))))
        return At(chance.randint(300, 1_000) * 1000)

    def keep(self, *, total: bool = True) -> Keep:
        """A hold of each kind; some charges are reached by the ramps alone."""
        chance = self.chance
        kind = chance.choice(("time", "time", "charge", "total" if total else "time"))
        if kind == "time":
            return Keep("time", chance.choice((chance.randint(5, 100) * 100, chance.randint(1, 10_000))))
        if chance.random() < 0.08:
            return Keep(kind, chance.randint(1, 3 * MA_S))
        low, high = (5, 25) if kind == "charge" else (20, 60)
        return Keep(kind, chance.randint(low * MA_S, high * MA_S))

    def move(self) -> Move:
        """A ramp to another level."""
        return Move(self.level(), self.speed())

    def leg(self) -> Leg:
        """Up, one or two holds and moves, down. A move to where the current already is would be no move."""
        chance = self.chance
        up = self.move()
        level = up.level
        body: list[Keep | Move | Rounds] = []
        for _ in range(chance.randint(1, 3)):
            part: Keep | Move = self.keep() if chance.random() < 0.7 else self.move()
            if isinstance(part, Move):
                if part.level == level:
                    continue
                level = part.level
                if self.wide and chance.random() < 0.4:
                    part = replace(part, turns=True, waveform=chance.choice((None, self.waveform())))
            body.append(part)
            if self.wide and chance.random() < 0.2:
                body.append(self.rounds(level))
        waveform = self.waveform() if chance.random() < 0.2 else None
        return Leg(up, tuple(body) or (self.keep(),), self.speed(), chance.random() < 0.3, waveform)

    def rounds(self, level: Level) -> Rounds:
        """Rounds from a level to another one and back."""
        away = self.move()
        while away.level == level:
            away = self.move()
        first = (self.keep(total=False),) if self.chance.random() < 0.5 else ()
        back = Move(level, self.speed())
        return Rounds(self.chance.randint(1, 4), (*first, away, self.keep(total=False), back))

    def waveform(self) -> Waveform:
        """Pulses and alternating currents of which every tick holds whole periods."""
        chance = self.chance
        frequency = chance.choice((20_000, 60_000, 4_300_000, 10_000_000))
        if chance.random() < 0.5:
            return Waveform(Form.PULSED, frequency, chance.randint(1, 99) * 10_000)
        offset = chance.choice((0, 100_000, 500_000, 700_000))
        return Waveform(Form.AC, frequency, offset_ppm=offset, curve=chance.choice(tuple(Curve)))

    def doses(self) -> Doses:
        """A block of doses of some seconds, with and without a basal current, with rules that bite."""
        chance = self.chance
        basal: Level | None = chance.choice((None, Fixed(max(100_000, self.step_na) * chance.randint(1, 5))))
        if chance.random() < 0.2:
            basal = Chosen("comfort")
        up = self.move()
        while up.level == basal:
            up = self.move()
        rules = tuple(
            (chance.randint(1, 3), chance.randint(5_000, 60_000)) for _ in range(chance.randint(0, 2))
        )
        return Doses(
            BUTTON,
            basal,
            chance.choice((0, 5_000, 12_345)),
            chance.random() < 0.5,
            rules,
            chance.randint(1, 4),
            chance.randint(1, 60_000),
            up,
            self.keep(total=False),
            self.speed(),
            self.speed(),
        )

    def watch(self) -> Watch:
        """A monitor of any action, around what is read and delivered; some with hysteresis."""
        chance = self.chance
        reading, low, high = chance.choice(
            (
                ("impedance", 1_000, 60_000),
                ("voltage", 1_000, 90_000),
                ("current", 10_000, 4_000_000),
                ("charge", MA_S, 60 * MA_S),
                ("elapsed", 1_000, 60_000),
            )
        )
        pause, stop, warn = MonitorAction.PAUSE, MonitorAction.STOP, MonitorAction.WARN
        action = chance.choice((pause, pause, stop, warn))
        above, bound = chance.random() < 0.75, chance.randint(low, high)
        until = None
        if action is not MonitorAction.STOP and chance.random() < 0.5:
            until = bound + chance.randint(0, 20_000) * (-1 if above else 1)
        return Watch(
            action,
            reading,
            above,
            bound,
            chance.choice((0, 0, 100, 250, 1_000, 3_000)),
            None if until is None or until < 0 else until,
        )

    def part(self, depth: int) -> Part:
        """A part of a session, nested at most `depth` deep."""
        chance = self.chance
        kind = chance.choice(KINDS + WIDE_KINDS if self.wide else KINDS)
        match kind:
            case "rest":
                return Rest(chance.randint(1, 4_000))
            case "turn":
                return Turn()
            case "tell" if self.people:
                return Tell(chance.choice((None, chance.randint(1, 60) * 100, chance.randint(1, 6_000))))
            case "repeat" if depth:
                return self.repeat(depth - 1)
            case "choice" if depth:
                return self.choice(depth - 1)
            case "found" if self.people and len(self.found) < FOUND_MAX:
                return self.entered(depth)
            case "late" if self.people and depth:
                late = self.inner(depth - 1) if chance.random() < 0.7 else ()
                return Late(chance.randint(1, 60) * 100, self.inner(depth - 1), late)
            case _:
                return self.leg()

    def choice(self, depth: int) -> Choice:
        """By the answer, or by a yes or no that was entered."""
        chance = self.chance
        no = self.inner(depth) if chance.random() < 0.5 else ()
        entered = [item.name for item in self.known if isinstance(item.domain, BooleanDomain)]
        return Choice(chance.choice(entered) if entered else ANSWER, self.inner(depth), no)

    def entered(self, depth: int) -> Found:
        """A current or a yes or no that is entered, each round anew, and parts that may go by it."""
        chance = self.chance
        low = chance.randint(2, 20) * 100_000
        high = low + chance.randint(1, 15) * 100_000
        current = IntegerDomain(low, high, 100_000, None, "current", "mA")
        domain = current if chance.random() < 0.7 else BooleanDomain()
        name = f"found_{len(self.found)}"
        variable = Variable(name, VariableKind.RECORD, domain, name, False, None, HERE)
        self.found.append(variable)
        self.known.append(variable)
        within_ms = chance.choice((None, chance.randint(1, 6_000)))
        body = (self.leg(), *self.inner(depth)) if chance.random() < 0.6 else self.inner(depth)
        self.known.remove(variable)
        return Found(variable, within_ms, body)

    def inner(self, depth: int) -> tuple[Part, ...]:
        """What stands within braces."""
        return tuple(self.part(depth) for _ in range(self.chance.randint(1, 2)))

    def repeat(self, depth: int) -> Repeat:
        """Rounds that are counted, or that time and an answer bound."""
        chance = self.chance
        if chance.random() < 0.7:
            period = chance.choice((None, chance.randint(1, 20_000)))
            return Repeat(chance.randint(1, 3), period, self.inner(depth))
        return Repeat(1, chance.randint(4_000, 20_000), self.inner(depth), chance.randint(1_000, 40_000))
