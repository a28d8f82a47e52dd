"""The executor: `step(bound, state, event) -> (state, commands)`, pure, total and deterministic.

It puts the parts together and decides nothing itself. For a tick the sequencer wishes, the table grants or
does not, and the interlock judges what would be sent. For any other event the table says what becomes of the
machine, and the sequencer what becomes of its place in the plan.
"""

from __future__ import annotations

from typing import assert_never

from ionto_ir import doses, sequencer, vigil
from ionto_ir.bound import BoundPlan
from ionto_ir.events import (
    ALARMS,
    Ack,
    Adjust,
    Alarm,
    Begin,
    Command,
    Confirm,
    DeviceFault,
    Dose,
    EmergencyStop,
    End,
    Enter,
    Event,
    FaultKind,
    LinkBack,
    LinkLost,
    OutputOff,
    Pause,
    Press,
    Prompt,
    PromptKind,
    Record,
    Recovered,
    Refused,
    Resume,
    SetCurrent,
    Stop,
    Tick,
)
from ionto_ir.interlock import Watch
from ionto_ir.machine_table import ENDING_TEXTS, Case, Ending, Output
from ionto_ir.machine_terms import EventKind, Wish
from ionto_ir.monitor import MonitorAction
from ionto_ir.past import caps_now, noted
from ionto_ir.plan import Confirm as ConfirmStep
from ionto_ir.plan import Demand, Finish, Instruct, VariableKind
from ionto_ir.plan import Move as MoveStep
from ionto_ir.plan import Record as RecordStep
from ionto_ir.sequencer import BrokenError, Now
from ionto_ir.state import Machine, Mode, Phase, Place, State, Told
from ionto_ir.values import objection
from ionto_ir.waveform import PPM, Waveform, mean_share_ppm

Stepped = tuple[State, tuple[Command, ...]]

# Names of their own for what every tick looks at: an attribute of an enumeration takes ten times as long.
IDLE, READY, ON, ENDED = Mode.IDLE, Mode.READY, Mode.ON, Mode.ENDED
SET, TICK, REST, PROMPT = Output.SET, EventKind.TICK, Wish.REST, Phase.PROMPT

_state = tuple.__new__
"""Makes a State from a tuple, at every tick, in half the time that its constructor takes."""

REFUSED_AS = {EventKind.DEMAND: "press"}
"""Events that people know by another name."""

RESUME_TEXT = "Resume when it is safe to go on, or stop"


def start(bound: BoundPlan) -> State:
    """The state before anything happened: nothing is energised until `Begin` and a tick."""
    machine = Machine(Mode.IDLE, 0, bound.polarity, PPM, 0, 0, 0, 0, 0, 0, 0, 0, 0, Ending.AS_DECIDED.value)
    place = sequencer.first_place(bound.route, bound.polarity)
    watch, seen = Watch(sign=bound.polarity), vigil.vigil_of(bound)
    return State(machine, place, 0, watch, dict(bound.values), 0, seen)


def step(bound: BoundPlan, state: State, event: Event) -> Stepped:
    """What one event does. Every event is answered in every state; one that means nothing is `Refused`."""
    match event:
        case Tick():
            return _attended(bound, state, event) if state.vigil.seen else _tick(bound, state, event)
        case Begin():
            return _begin(bound, state)
        case Confirm():
            return _confirm(bound, state)
        case Enter():
            return _enter(bound, state, event)
        case Adjust():
            return _adjust(bound, state, event)
        case Press():
            return _press(bound, state, event)
        case Pause():
            return _apply(bound, state, EventKind.PAUSE, (_ahead(bound, state),))
        case Resume():
            return _resume(bound, state)
        case Stop():
            return _apply(bound, state, EventKind.STOP, ())
        case EmergencyStop():
            return _apply(bound, state, EventKind.EMERGENCY_STOP, ())
        case LinkLost():
            return _apply(bound, state, EventKind.LINK_LOST, (_ahead(bound, state),))
        case LinkBack():
            return _apply(bound, state, EventKind.LINK_BACK, ())
        case Ack(sequence):
            return _apply(bound, state, EventKind.ACK, (sequence == state.sequence,))
        case DeviceFault(kind):
            fault = EventKind.LEAD_OFF if kind is FaultKind.LEAD_OFF else EventKind.FAULT
            return _apply(bound, state, fault, (_ahead(bound, state),))
        case Recovered(outage_ms):
            return _recovered(bound, state, max(0, outage_ms))
        case _:
            assert_never(event)


def _ahead(bound: BoundPlan, state: State) -> bool:
    """Whether current may still flow from the present step on."""
    return bound.route.ahead[state.place.step]


# --- ticks ----------------------------------------------------------------------------------------------
def _tick(bound: BoundPlan, state: State, event: Tick) -> Stepped:
    machine, place, clock_ms, watch, values, sequence, seen, told = state
    mode = machine.mode
    if mode is IDLE:
        return state, ()
    measured_na = 0 if event.measured_na is None else abs(event.measured_na)
    acknowledged = event.acknowledged
    caps = bound.caps
    if caps is None:
        told, caps = _caps_now(bound, told, clock_ms, machine)
    cap_pc, cap_nominal_pc, deadline_ms = caps
    clock_ms += bound.constants.tick_ms
    wish, aim_na, sign, wished_place = REST, 0, machine.sign, place
    said: tuple[Command, ...] = ()
    if mode is ON or mode is READY:
        now = Now(machine.level_na, machine.nominal_pc, clock_ms)
        try:
            wish, aim_na, sign, wished_place, said = sequencer.propose(
                bound.route, values, place, now, acknowledged
            )
        except BrokenError:
            return _fail(bound, state)
    waveform = wished_place.waveform
    share_ppm = PPM if waveform is None else mean_share_ppm(waveform)
    changed, case = bound.rules.of[mode][TICK](
        machine, wish, aim_na, sign, share_ppm, cap_pc, cap_nominal_pc, deadline_ms, acknowledged, measured_na
    )
    if not case.granted:
        said, waveform = (), _flowing(machine, place)
    output_na = None
    if case.output is SET:
        step_na = bound.constants.step_na
        output_na = changed.sign * (changed.level_na // step_na * step_na)
    watch, complaint = bound.interlock.tick(
        watch,
        measured_na,
        acknowledged,
        output_na,
        waveform,
        case.granted,
        changed.upper_pc,
        changed.nominal_pc,
    )
    if complaint is not None and mode is not ENDED:
        return _fail(bound, state)
    if case.granted:
        place = wished_place
    if output_na is not None:
        sequence += 1
        setting = SetCurrent(output_na, bound.constants.watchdog_ms, sequence, waveform)
        after: State = _state(State, (changed, place, clock_ms, watch, values, sequence, seen, told))
        if case.alarm is None:
            return after, ((setting, *said) if said else (setting,))
        return after, (setting, ALARMS[case.alarm])
    if bound.caps is None and case.granted and place.phase is PROMPT and machine.elapsed_ms > 0:
        told = told._replace(waited_ms=told.waited_ms + bound.constants.tick_ms)
    return _told(bound, State(changed, place, clock_ms, watch, values, sequence, seen, told), case, said)


def _caps_now(
    bound: BoundPlan, told: Told, at_ms: int, machine: Machine
) -> tuple[Told, tuple[int, int, int]]:
    """What the ledgers and the clock may come to in the tick that begins now, and what that rests on."""
    rules, past = bound.constants, told.past
    if rules.windows:
        past = noted(past, rules, at_ms, machine.upper_pc, machine.nominal_pc)
        told = told._replace(past=past)
    upper_pc, nominal_pc = caps_now(past, rules, at_ms)
    return told, (upper_pc, nominal_pc, rules.duration_apart_cap_ms + told.waited_ms)


def _flowing(machine: Machine, place: Place) -> Waveform | None:
    """The waveform of what flows. Between a press and the next tick the place is in the dose already, while
    the basal current flows, which is direct.
    """
    waveform = place.waveform
    if waveform is None or mean_share_ppm(waveform) == machine.share_ppm:
        return waveform
    return None


# --- monitors --------------------------------------------------------------------------------------------
def _attended(bound: BoundPlan, state: State, event: Tick) -> Stepped:
    """A tick under monitors: what they do comes first, as if a person had done it just before the tick."""
    if state.machine.mode in (IDLE, ENDED):
        return _tick(bound, state, event)
    seen, acting = vigil.attend(bound, state.machine, state.values, state.vigil, event, _ahead(bound, state))
    state = state._replace(vigil=seen)
    said: tuple[Command, ...] = ()
    if acting:
        state, said = _acted(bound, state, acting)
    if state.machine.mode is ENDED:
        return state, said
    after, commands = _tick(bound, state, event)
    return after, (*said, *commands)


def _acted(bound: BoundPlan, state: State, acting: tuple[int, ...]) -> Stepped:
    """Warnings are only said; of the others the strictest counts."""
    said: list[Command] = []
    monitors = bound.plan.monitors
    for number in acting:
        if monitors[number].action is MonitorAction.WARN:
            said.append(_alarm("F14", monitors[number].text))
    for action, kind in ((MonitorAction.STOP, EventKind.STOP), (MonitorAction.PAUSE, EventKind.PAUSE)):
        chosen = next((number for number in acting if monitors[number].action is action), None)
        if chosen is not None:
            state = state._replace(vigil=state.vigil._replace(cause=chosen))
            inputs = (_ahead(bound, state),) if kind is EventKind.PAUSE else ()
            state, more = _apply(bound, state, kind, inputs)
            pauses = state.machine.mode in (Mode.PAUSING, Mode.PAUSED)
            said += [_alarm("F12" if pauses else "F13", monitors[chosen].text), *more]
            break
    return state, tuple(said)


def _alarm(code: str, text: str) -> Alarm:
    general = ALARMS[code]
    return Alarm(code, f"{general.text}: {text}", general.priority)


def _resume(bound: BoundPlan, state: State) -> Stepped:
    machine, seen = state.machine, state.vigil
    if machine.mode is Mode.PAUSED:
        reason = vigil.held_back(bound, machine, state.values, seen)
        if reason is not None:
            return state, (Refused("resume", reason),)
    place = sequencer.resumed(bound.route, state.place)
    after, commands = _apply(bound, state, EventKind.RESUME, (), place)
    if after is state:
        return state, commands
    return after._replace(vigil=vigil.resumed(bound, machine, state.values, seen)), commands


# --- all other events -----------------------------------------------------------------------------------
def _apply(
    bound: BoundPlan,
    state: State,
    kind: EventKind,
    inputs: tuple[bool | int, ...],
    place: Place | None = None,
    said: tuple[Command, ...] = (),
) -> Stepped:
    """Let the table say what an event does; `place` and `said` are taken if it grants it."""
    changed, case = bound.rules.of[state.machine.mode][kind](state.machine, *inputs)
    if case.refusal is not None:
        return state, (Refused(REFUSED_AS.get(kind, kind.name.lower()), case.refusal),)
    watch = _watched(bound, state.watch, kind, inputs, case)
    disagreement = bound.interlock.disagreement(watch, changed.upper_pc, changed.nominal_pc)
    if disagreement is not None and state.machine.mode is not Mode.ENDED:
        return _fail(bound, state)
    if place is None or not case.granted:
        place, said = state.place, ()
    after = state._replace(machine=changed, place=place, watch=watch)
    return _told(bound, after, case, said)


def _watched(
    bound: BoundPlan, watch: Watch, kind: EventKind, inputs: tuple[bool | int, ...], case: Case
) -> Watch:
    """What the interlock counts for an event that is not a tick."""
    match kind:
        case EventKind.BEGIN:
            watch = watch._replace(begun=True)
        case EventKind.ACK if inputs[0]:
            watch = bound.interlock.confirmed_late(watch)
        case EventKind.LINK_LOST:
            watch = bound.interlock.left_alone(watch)
        case EventKind.RECOVERED:
            watch = bound.interlock.crashed(watch, int(inputs[1]))
        case _ if case.output is Output.OFF:
            watch = bound.interlock.opened(watch)
        case _:
            pass
    return watch._replace(over=True) if case.ending is not None else watch


def _told(bound: BoundPlan, state: State, case: Case, said: tuple[Command, ...]) -> Stepped:
    """The commands of a case that sets no current: output first, the end last."""
    commands: list[Command] = []
    if case.output is Output.OFF:
        state = state._replace(sequence=state.sequence + 1)
        commands.append(OutputOff(state.sequence))
    if case.alarm is not None:
        commands.append(ALARMS[case.alarm])
    commands.extend(said)
    if case.prompt:
        commands.append(Prompt(PromptKind.RESUME, _resume_text(bound, state), None))
    if case.again:
        commands.extend(sequencer.question(bound.route, state.place))
    if case.ending is not None:
        commands.append(_end(bound, state, case.ending))
    return state, tuple(commands)


def _resume_text(bound: BoundPlan, state: State) -> str:
    cause = state.vigil.cause
    return RESUME_TEXT if cause is None else f"{bound.plan.monitors[cause].text}. {RESUME_TEXT}"


def _end(bound: BoundPlan, state: State, ending: Ending) -> End:
    if ending is Ending.AS_DECIDED:
        ending = Ending(state.machine.reason)
    cause = state.vigil.cause
    if cause is not None:
        monitor = bound.plan.monitors[cause]
        stops = MonitorAction.STOP if ending is Ending.STOPPED else MonitorAction.PAUSE
        if ending in (Ending.STOPPED, Ending.NO_RESUME) and monitor.action is stops:
            return End(f"{ENDING_TEXTS[ending]}: {monitor.text}", False)
    last = bound.route.steps[state.place.step]
    if ending is Ending.FINISHED and isinstance(last, Finish):
        return End(last.reason, last.completed)
    return End(ENDING_TEXTS[ending], False)


def _fail(bound: BoundPlan, state: State) -> Stepped:
    """Two parts of ours disagree: open the output and end, whatever the mode."""
    opened, _ = bound.rules.of[state.machine.mode][EventKind.EMERGENCY_STOP](state.machine)
    sequence = state.sequence + 1
    failed = state._replace(
        machine=opened._replace(mode=Mode.ENDED, reason=Ending.INTERNAL.value),
        watch=bound.interlock.opened(state.watch)._replace(over=True),
        sequence=sequence,
    )
    return failed, (OutputOff(sequence), ALARMS["F05"], End(ENDING_TEXTS[Ending.INTERNAL], False))


def _begin(bound: BoundPlan, state: State) -> Stepped:
    if state.machine.mode is not Mode.IDLE:
        return _apply(bound, state, EventKind.BEGIN, ())
    return _entered(bound, state, EventKind.BEGIN, bound.plan.entry)


def _entered(bound: BoundPlan, state: State, kind: EventKind, index: int) -> Stepped:
    """Go on to a step at a person's word; what takes time there begins with the next tick."""
    now = Now(0, state.machine.nominal_pc, state.clock_ms + bound.constants.tick_ms)
    try:
        place, said = sequencer.enter(bound.route, state.values, state.place, index, now)
    except BrokenError:
        return _fail(bound, state)
    return _apply(bound, state, kind, (), place, said)


def _confirm(bound: BoundPlan, state: State) -> Stepped:
    asked = bound.route.steps[state.place.step]
    if state.machine.mode is not Mode.READY or not isinstance(asked, ConfirmStep | Instruct | MoveStep):
        return state, (Refused("confirm", "nothing is to be confirmed now"),)
    return _entered(bound, state, EventKind.CONFIRM, asked.next)


def _enter(bound: BoundPlan, state: State, event: Enter) -> Stepped:
    asked = bound.route.steps[state.place.step]
    wanted = isinstance(asked, RecordStep) and asked.variable == event.variable
    if state.machine.mode is not Mode.READY or not isinstance(asked, RecordStep) or not wanted:
        return state, (Refused("enter", f"`{event.variable}` is not asked for now"),)
    reason = objection(bound.plan, bound.constants, state.values, event.variable, event.value)
    if reason is not None:
        return state, (Refused("enter", reason),)
    values = {**state.values, event.variable: event.value}
    after, commands = _entered(bound, state._replace(values=values), EventKind.ENTER, asked.next)
    return after, (Record(event.variable, event.value, None), *commands)


def _adjust(bound: BoundPlan, state: State, event: Adjust) -> Stepped:
    adjustable = any(
        found.name == event.variable and found.adjustable and found.kind is VariableKind.PARAMETER
        for found in bound.plan.variables
    )
    if not adjustable:
        return state, (Refused("adjust", f"`{event.variable}` cannot be adjusted"),)
    reason = objection(bound.plan, bound.constants, state.values, event.variable, event.value)
    if reason is not None:
        return state, (Refused("adjust", reason),)
    values = {**state.values, event.variable: event.value}
    try:
        place = sequencer.adjusted(bound.route, state.values, values, state.place, state.machine.level_na)
    except BrokenError:
        return state, (Refused("adjust", "a later step would have no value"),)
    after, commands = _apply(bound, state, EventKind.ADJUST, (), place)
    if after is state:
        return state, commands
    return after._replace(values=values), (Record(event.variable, event.value, None), *commands)


def _press(bound: BoundPlan, state: State, event: Press) -> Stepped:
    """A dose begins with the next tick, or nothing changes and the reason is said."""
    buttons = {found.text for found in bound.plan.steps if isinstance(found, Demand)}
    if event.button not in buttons:
        return state, (Refused("press", f"there is no button `{event.button}`"),)
    machine = state.machine
    if machine.mode is not ON and machine.mode is not READY:
        return _apply(bound, state, EventKind.DEMAND, ())
    now = Now(machine.level_na, machine.nominal_pc, state.clock_ms + bound.constants.tick_ms)
    try:
        counted = doses.begun(bound.route, state.values, state.place, event.button, now)
        if isinstance(counted, doses.NoDose):
            return state, (Refused("press", counted.reason),)
        assert counted.doses is not None, "a dose was counted"
        head = bound.route.steps[counted.doses.head]
        assert isinstance(head, Demand), "a block has a head"
        place, said = sequencer.enter(bound.route, state.values, counted, head.body, now)
    except BrokenError:
        return _fail(bound, state)
    dose = Dose(event.button, counted.doses.given)
    return _apply(bound, state, EventKind.DEMAND, (), place, (dose, *said))


def _recovered(bound: BoundPlan, state: State, outage_ms: int) -> Stepped:
    machine = state.machine
    inputs = (_ahead(bound, state), outage_ms, machine.upper_pc, machine.nominal_pc)
    after, commands = _apply(bound, state, EventKind.RECOVERED, inputs)
    if after is state:
        return state, commands
    return after._replace(clock_ms=after.clock_ms + outage_ms), commands
