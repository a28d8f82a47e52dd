"""What a console is shown: one inert value for each tick, so that no display can reach into the session."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Protocol

from ionto_ir.bound import BoundPlan
from ionto_ir.dataclass import dataclass
from ionto_ir.dry_run import asking, obliging, run, usual_value
from ionto_ir.events import Alarm, End, Event, Prompt, Refused
from ionto_ir.expression import Value
from ionto_ir.plan import Demand, VariableKind
from ionto_ir.state import Mode, State
from ionto_ir.trace import Trace, observe
from ionto_runtime.drivers.driver import DeadMan
from ionto_runtime.session import Session
from ionto_runtime.stimulator import Measurement
from ionto_runtime.supervision import ENERGISED, PAUSE_MS_MAX
from ionto_runtime.words import state_word, step_words, waiting_words


@dataclass(frozen=True, slots=True)
class ChannelFacts:
    """What stays as it is of one of several channels; `device` is the unit that drives it, `electrodes` are
    its own by their numbers in the plan.
    """

    name: str
    bound: BoundPlan
    electrodes: tuple[int, ...]
    device: str
    planned_pc: int
    steps: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Facts:
    """What stays as it is for the whole session. `speed` is 1 in real time; planned charge in pC, time in ms.

    `ohm_max` is the highest impedance that the envelope assumes, None when it assumes none. `dead_man` takes
    the output to zero when this computer falls silent. With several channels `bound` is what people do around
    them, and charge and time are those of all together.
    """

    bound: BoundPlan
    patient: str | None
    operator: str | None
    device: str
    simulated: bool
    speed: int
    planned_pc: int
    planned_ms: int
    ohm_max: int | None
    steps: tuple[str, ...]
    dead_man: DeadMan = DeadMan.DEVICE
    channels: tuple[ChannelFacts, ...] = ()

    @property
    def banner(self) -> str | None:
        """What must be said all the time; None when nothing must."""
        if self.dead_man is DeadMan.DEVICE:
            return None
        ends = (
            "nothing ends the output" if self.dead_man is DeadMan.NONE else f"{self.dead_man.value} ends it"
        )
        return f"NOT FOR PEOPLE: when this computer falls silent, {ends}"


@dataclass(frozen=True, slots=True)
class Commanding:
    """A console that has come to command, and the one that it has taken the command from."""

    name: str
    taken_from: str | None


@dataclass(frozen=True, slots=True)
class ChannelView:
    """One of several channels at one moment, as in `View`."""

    name: str
    mode: Mode
    word: str
    step: str
    setpoint_na: int
    reading: Measurement | None
    nominal_pc: int
    upper_pc: int


@dataclass(frozen=True, slots=True)
class View:
    """A session at one moment. `remaining_ms` is `about` right once it was interrupted or adjusted.

    `setpoint_na` is signed, 0 while the output is off. `head` is the journal's last link.
    `end` is known before the output was seen off, which is `closed`. `behind_pc` is the charge that was set
    and did not flow (R31), `lower_pc` what was surely delivered; `acknowledged` are the codes of alarms that
    a person has seen.
    `button` asks for a dose, where one can be asked for; `waits` says how long the prompt can be answered.
    With several `channels` currents and charges are the sums of their magnitudes, which is what a shared
    return carries; else `index` is the step's place in the plan.
    """

    facts: Facts
    mode: Mode
    word: str
    step: str
    setpoint_na: int
    reading: Measurement | None
    nominal_pc: int
    upper_pc: int
    elapsed_ms: int
    remaining_ms: int
    about: bool
    prompt: Prompt | None
    alarms: tuple[Alarm, ...]
    refusal: Refused | None
    values: Mapping[str, Value]
    head: str
    end: End | None
    closed: bool
    behind_pc: int = 0
    button: str | None = None
    acknowledged: tuple[str, ...] = ()
    channels: tuple[ChannelView, ...] = ()
    waits: str | None = None
    index: int | None = None
    lower_pc: int = 0


class Console(Protocol):
    """Where a person sees a session and says what should happen. It may fail; then the session stops."""

    def poll(self, view: View) -> Sequence[Event]:
        """What people have said since the last time; returns at once."""
        ...

    def show(self, view: View) -> None:
        """Show the session as it is now; called at each tick."""
        ...


def undisturbed(bound: BoundPlan) -> Trace:
    """What flows in an undisturbed run with usual records, and with every dose that can be asked for."""
    records = {
        item.name: usual_value(item) for item in bound.plan.variables if item.kind is VariableKind.RECORD
    }
    asks, silence = asking(bound, obliging(records))
    return run(bound, asks, silence=silence).trace


def facts_of(
    bound: BoundPlan,
    *,
    patient: str | None,
    operator: str | None,
    device: str,
    simulated: bool,
    speed: int,
    dead_man: DeadMan = DeadMan.DEVICE,
) -> Facts:
    """The facts of a session; charge and time are those of an undisturbed run with usual records."""
    planned = undisturbed(bound)
    ranges = [item.impedance for item in bound.plan.envelopes if item.impedance is not None]
    return Facts(
        bound=bound,
        patient=patient,
        operator=operator,
        device=device,
        simulated=simulated,
        speed=speed,
        planned_pc=observe(bound.plan, planned).nominal_pc,
        planned_ms=planned.end_ms,
        ohm_max=max((item.ohm_max for item in ranges), default=None),
        steps=tuple(step_words(bound, index, bound.values) for index in range(len(bound.plan.steps))),
        dead_man=dead_man,
    )


def button_of(state: State, bound: BoundPlan) -> str | None:
    """The button of the block on demand that is open."""
    doses = state.place.doses
    head = None if doses is None or state.ended else bound.plan.steps[doses.head]
    return head.text if isinstance(head, Demand) else None


def setpoint_na(session: Session) -> int:
    """What is set now, signed; 0 while the output is off."""
    machine = session.state.machine
    step_na = session.bound.constants.step_na
    return machine.sign * (machine.level_na // step_na * step_na) if machine.mode in ENERGISED else 0


def view_of(session: Session, facts: Facts) -> View:
    """The session as it is now."""
    state = session.state
    machine = state.machine
    bound = session.bound
    adjusted = any(state.values[name] != value for name, value in bound.values.items())
    return View(
        facts=facts,
        mode=state.mode,
        word=state_word(state, session.end is not None and session.end.completed),
        step=step_words(bound, state.place.step, state.values) if adjusted else facts.steps[state.place.step],
        setpoint_na=setpoint_na(session),
        reading=session.reading,
        nominal_pc=session.nominal_pc,
        upper_pc=session.upper_pc,
        elapsed_ms=state.clock_ms,
        remaining_ms=max(0, facts.planned_ms - session.going_ms),
        about=adjusted or machine.interruptions > 0 or state.place.doses is not None,
        prompt=session.prompt,
        alarms=tuple(session.alarms),
        refusal=session.refusal,
        values=state.values,
        head=session.journal.head,
        end=session.end,
        closed=session.closed,
        behind_pc=session.guard.contact.shortfall_pc,
        acknowledged=tuple(session.acknowledged),
        button=button_of(state, bound),
        waits=None if session.prompt is None else waiting_words(bound, state, PAUSE_MS_MAX),
        index=state.place.step,
        lower_pc=session.guard.least.lower_pc,
    )
