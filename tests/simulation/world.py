"""One seeded world in virtual time: skin, stimulator, link, clock, operator, disk, and an adversary.

The session, its loop and its journal are the real ones. Everything around them is drawn from one number, and
happens in the order in which the loop lets time pass, so that a run can be repeated by its number alone.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from random import Random

from ionto_ir.bound import worst_na
from ionto_ir.events import (
    Adjust,
    Begin,
    Confirm,
    Enter,
    Event,
    Pause,
    Press,
    PromptKind,
    Resume,
    Stop,
)
from ionto_ir.state import Mode
from ionto_runtime.session import Session
from ionto_runtime.simulation.clock import WALL_START_MS
from ionto_runtime.simulation.stimulator import Fault, SimulatedStimulator
from ionto_runtime.supervision import STANDING_MS_MAX
from ionto_runtime.view import View
from tests.simulation.disk import Disk
from tests.simulation.faults import AFTERWARDS, BEFORE, ENDING, Kind, Planned, drawn_faults
from tests.simulation.link import Link
from tests.simulation.plans import TICK_MS, drawn_body, drawn_bound, drawn_size

STILL_TICKS_MAX = STANDING_MS_MAX // TICK_MS + 10
"""Nothing stays where it is for longer, in whatever mode: a pause of these plans is over long before."""

TICKS_MAX = 12 * STILL_TICKS_MAX
"""A session of a few seconds may stand still once in each of its steps and after each interruption."""


Undo = Callable[[], None] | None
"""What ends a fault, where anything does."""


class HostLostError(BaseException):
    """The program or the power is gone: nothing of ours runs any more."""


class World:
    """Everything but the session. `violations` is empty as long as every invariant held; by `size` all
    currents are smaller than those of 4 mA.
    """

    def __init__(self, seed: int, faults: Sequence[Planned] | None = None) -> None:
        chance = self.chance = Random(f"{seed}/world")
        self.seed = seed
        self.size = drawn_size(seed)
        self.bound = drawn_bound(chance, self.size)
        self.locks = Random(f"{seed}/restarts").random() < 0.5
        body = drawn_body(chance, seed)
        self.device = SimulatedStimulator(self.bound.plan.device, body, seed, locks=self.locks)
        self.link = Link(self.device, chance, self._setting)
        self.disk = Disk()
        self.planned = drawn_faults(Random(f"{seed}/faults")) if faults is None else tuple(faults)
        self.sensitive_na = chance.choice((10**12, 10**12, 300_000, 800_000)) // self.size
        self.violations: list[str] = []
        self.injected: Counter[Kind] = Counter()
        self.checked: Counter[str] = Counter()
        self.ticks = self.still_ticks = 0
        self.excess_pc = 0
        self.resumed = self.begun = self.lost = False
        self.session: Session | None = None
        self._now_ms = 0
        self._wall_shift_ms = 0
        self._oversleep_ms = 0
        self._upper_pc = 0
        self._where: object = None
        self._says: list[Event] = []
        self._undo: list[tuple[int, Callable[[], None]]] = []
        self.actions: Mapping[Kind, Callable[[World, Planned], Undo]] = {}
        """What begins each kind of fault: given by whoever runs the world."""
        self._repeating: list[Callable[[], None]] = []
        self._mashing = 0
        self._raises = ""

    # --- the clock --------------------------------------------------------------------------------------
    def now_ns(self) -> int:
        return self._now_ms * 1_000_000

    def now_ms(self) -> int:
        return self._now_ms

    def wall_ms(self) -> int:
        return WALL_START_MS + self._now_ms + self._wall_shift_ms

    def sleep_until(self, at_ms: int) -> None:
        late_ms, self._oversleep_ms = self._oversleep_ms, 0
        self._now_ms = max(self._now_ms, at_ms) + late_ms

    # --- time, as the device and the skin see it --------------------------------------------------------
    def passing(self, ms: int) -> None:
        """Let current flow for `ms`, and see that no more flows than the command in force allows."""
        before_pc = self.device.received.total_pc
        self.device.advance(ms)
        flowed_pc = self.device.received.total_pc - before_pc
        own = self.bound.constants
        in_force = abs(self.link.in_force_na)
        allowed_pc = ms * worst_na(in_force, own.accuracy_ppm, own.offset_na) if in_force else 0
        if Fault.STUCK_OUTPUT in self.device.faults:
            allowed_pc = 0  # what is stuck obeys nobody, and no ledger can know of it
        self.excess_pc += max(0, flowed_pc - allowed_pc)
        if flowed_pc and not self.begun:
            self._wrong("begun", "current flows before anybody has begun", Kind.BAD_START)
        self.checked["nothing flows before begin"] += 1

    def _setting(self, before_na: int, after_na: int) -> None:
        """A command has changed what is in force."""
        own = self.bound.constants
        rise_na = abs(after_na) - abs(before_na)
        if rise_na > own.rise_na + own.step_na:
            self._wrong("slew", f"a rise of {rise_na} nA in one command", Kind.CORRUPT_SETPOINT)
        cap_na = own.current_cap_na if after_na >= 0 else own.current_cap_reversed_na
        if abs(after_na) > cap_na:
            self._wrong("cap", f"{after_na} nA is above the cap")
        if before_na * after_na < 0:
            self._wrong("polarity", "polarity turned while current was set")
        session = self.session
        if session is None or not self.begun or session.state.ended:
            self._wrong("energised", "the output was set before begin or after the end")
        for name in ("slew", "cap", "polarity only at zero", "set only while the session runs"):
            self.checked[name] += 1

    # --- the operator -----------------------------------------------------------------------------------
    def poll(self, view: View) -> Sequence[Event]:
        """A console: answers what is asked, says what the adversary has people say."""
        if self._raises == "poll":
            raise RuntimeError("the console cannot be read")
        said, self._says = self._says, []
        if self._mashing:
            said += [pressed(self.chance) for _ in range(self.chance.randint(0, self._mashing))]
        if any(isinstance(event, Resume) for event in said):
            self.resumed = True
        prompt = view.prompt
        if not said and prompt is not None and prompt.kind in (PromptKind.CONFIRM, PromptKind.INSTRUCT):
            return (Confirm(),)
        if (
            not said
            and prompt is not None
            and prompt.kind is PromptKind.RESUME
            and self.chance.random() < 0.05
        ):
            self.resumed = True
            return (Resume(),)
        if not said and abs(self.link.in_force_na) > self.sensitive_na and self.chance.random() < 0.1:
            return (Stop(),)
        return said

    def show(self, view: View) -> None:
        """Called after each tick: look at everything, then let the adversary act."""
        if self._raises == "show":
            raise RuntimeError("the console cannot be written")
        self.after_tick()

    def after_tick(self) -> None:
        """Check every invariant, end and begin faults."""
        session = self.session
        assert session is not None
        self.ticks += 1
        true_pc = self.device.received.total_pc - self.excess_pc
        if true_pc > session.upper_pc:
            self._wrong("upper", f"{true_pc} pC flowed, at most {session.upper_pc} pC were counted")
        if session.state.machine.upper_pc < self._upper_pc:
            self._wrong("ledger", "the ledger has shrunk")
        self._upper_pc = session.state.machine.upper_pc
        if self.disk.calls_after_failure:
            self._wrong("retry", "the disk was asked again after it had failed")
        if len(session.alarms) > 30:
            self._wrong("bounded", "alarms without end")
        where = (session.state.mode, session.state.place, session.state.machine.level_na)
        self.still_ticks = self.still_ticks + 1 if where == self._where else 0
        self._where = where
        for name in ("true <= upper", "ledger only grows", "no retry", "alarms bounded", "goes on"):
            self.checked[name] += 1
        if self.still_ticks > STILL_TICKS_MAX or self.ticks > TICKS_MAX:
            self._wrong("ends", f"the session does not end, for {self.still_ticks} ticks at {where[0].name}")
            raise HostLostError
        self._act()

    def watch(self, session: Session) -> None:
        """See every event that reaches the session: it goes on after a stop of any kind only when a person
        says so.
        """
        feed = session.feed

        def watched(event: Event, cause: str | None = None) -> None:
            before = session.state.mode
            feed(event, cause)
            if before in (Mode.PAUSED, Mode.LOST) and session.state.mode in (Mode.READY, Mode.ON):
                if not (isinstance(event, Resume) and self.resumed):
                    self._wrong("resume", "it went on by itself")
                self.resumed = False
            self.checked["resumed by a person"] += 1

        session.feed = watched  # type: ignore[method-assign]

    def _wrong(self, name: str, text: str, *excused: Kind) -> None:
        if not any(self.injected[kind] for kind in excused):
            self.violations.append(f"{name}: {text} (tick {self.ticks})")

    # --- the adversary ----------------------------------------------------------------------------------
    def before_all(self) -> None:
        """What is wrong before the session begins."""
        for fault in self.planned:
            if fault.kind in BEFORE:
                self._begin_fault(fault)

    def _act(self) -> None:
        due = [undo for at, undo in self._undo if at <= self.ticks]
        self._undo = [item for item in self._undo if item[0] > self.ticks]
        for undo in due:
            undo()
        for again in self._repeating:
            again()
        for fault in self.planned:
            if fault.at == self.ticks and fault.kind not in BEFORE:
                self._begin_fault(fault)

    def _begin_fault(self, fault: Planned) -> None:
        self.injected[fault.kind] += 1
        if fault.kind in ENDING:
            self.lost = True
            raise HostLostError
        undo = None if fault.kind in AFTERWARDS else self.actions[fault.kind](self, fault)
        if undo is not None:
            self._undo.append((self.ticks + fault.lasts, undo))

    def say(self, *events: Event) -> None:
        """Have people say something at the next look."""
        self._says.extend(events)

    def oversleep(self, ms: int) -> None:
        """Wake the loop later than it asked for."""
        self._oversleep_ms = ms

    def shift_wall(self, ms: int) -> None:
        """Set the calendar."""
        self._wall_shift_ms += ms

    def repeat(self, action: Callable[[], None]) -> Callable[[], None]:
        """Do something at each tick from now on; what is returned ends it."""
        self._repeating.append(action)
        return lambda: self._repeating.remove(action)

    def mash(self, most: int) -> None:
        """Have somebody press up to so many things at each look."""
        self._mashing = most

    def break_console(self, what: str) -> None:
        """Have the console raise from now on."""
        self._raises = what


def pressed(chance: Random) -> Event:
    """Anything that a console can say."""
    anything: tuple[Event, ...] = (
        Begin(),
        Confirm(),
        Enter("current", chance.randint(-(10**9), 10**9)),
        Adjust("current", chance.randint(0, 15) * 100_000),
        Press("button"),
        Pause(),
        Resume(),
        Resume(),
        Stop(),
    )
    return chance.choice(anything)
