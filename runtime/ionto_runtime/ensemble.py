"""Several channels of one session: a session each, in the same ticks, in one journal.

The sessions are the ordinary ones, and so is the one of what people do around them. Here is only what holds
them together: what happened to one of them happens to the others in the same tick, nothing is resumed before
all are at zero, no channel begins before people are done with what comes first, and a channel at rest is not
told of time while others are interrupted. Each channel's part of the journal replays alone, because
everything that reached its machine is in it.
"""

from __future__ import annotations

from collections.abc import Sequence

from ionto_ir.bound import BoundPlan
from ionto_ir.channels import gathering
from ionto_ir.events import (
    Adjust,
    Alarm,
    Confirm,
    DeviceFault,
    EmergencyStop,
    End,
    Enter,
    Event,
    Pause,
    Press,
    Prompt,
    PromptKind,
    Refused,
    Resume,
    Stop,
)
from ionto_ir.machine_table import Ending
from ionto_ir.plan import Demand
from ionto_ir.state import Mode, State
from ionto_ir.together import INTERRUPTED, consequence, has_happened, is_held, may_resume, refusing
from ionto_ir.turns import may_go_on, parts_by_step, stands
from ionto_runtime.care import NoOutput
from ionto_runtime.ceilings import ceilings_of
from ionto_runtime.journal import JournalFailure, JournalWriter
from ionto_runtime.session import Session
from ionto_runtime.session_records import recordable
from ionto_runtime.supervision import ENERGISED, STANDING_MS_MAX

CAUSE = "another channel"
"""What a journal says of an event that another channel's machine led to."""

MET = "all channels are at zero"
"""What a journal says of the confirmation with which the next part of a session begins."""

GATHERED = "all channels have come to their end"


class Ensemble:
    """All channels of a session, armed. `care` is what people do around them, with its output `nothing`.

    `refusal` is why the last thing that a person wanted changed nothing. `elapsed_ms` runs from the first
    current of any channel, `duration_ms` from there to the last one; `peak_na` is the highest sum of what was
    set.
    """

    def __init__(
        self,
        names: Sequence[str],
        sessions: Sequence[Session],
        care: Session,
        nothing: NoOutput,
        journal: JournalWriter,
    ) -> None:
        self.names = tuple(names)
        self.sessions = tuple(sessions)
        self.care = care
        self.journal = journal
        self.elapsed_ms = self.duration_ms = self.peak_na = 0
        self._nothing = nothing
        self._everybody = (care, *self.sessions)
        self._gathering = gathering(care.bound.plan)
        self.refusal: Refused | None = None
        self._stopped = False
        self._parts = parts_by_step([session.bound for session in sessions])
        self._standing_ms = self._going_ms = 0
        self._ceiling_na = ceilings_of(care.bound.plan).together_na_max

    # --- what is asked of it ------------------------------------------------------------------------------
    @property
    def bound(self) -> BoundPlan:
        """The plan of what people do: with the device, the electrodes and the values of all channels."""
        return self.care.bound

    @property
    def states(self) -> list[State]:
        """The state of each channel, in order."""
        return [session.state for session in self.sessions]

    @property
    def ended(self) -> bool:
        """Whether people and every channel have come to their end."""
        return all(session.ended for session in self._everybody)

    @property
    def closed(self) -> bool:
        """Whether every output was seen to be off after the end."""
        return all(session.closed for session in self._everybody)

    @property
    def completed(self) -> bool:
        """Whether everything was finished as written."""
        return all(session.completed for session in self._everybody)

    @property
    def end(self) -> End | None:
        """How it ended: as the first channel that did not finish; None while anything goes on."""
        ends = [session.end for session in (*self.sessions, self.care) if session.end is not None]
        if len(ends) < len(self._everybody):
            return None
        # What came from another channel only says "stopped": who began it says why.
        early = [end for end in ends if not end.completed]
        return next((end for end in early if end.reason != "stopped"), early[0] if early else self.care.end)

    @property
    def gathered(self) -> bool:
        """Whether the channels run: people are done with what comes first, and not yet with the rest."""
        state = self.care.state
        return not state.ended and state.place.step == self._gathering

    @property
    def behind_ms(self) -> int:
        """How much later than planned the latest channel is."""
        return max(session.behind_ms for session in self.sessions)

    @property
    def going_ms(self) -> int:
        """The time that the channels took so far, without interruptions."""
        return self._going_ms

    @property
    def prompt(self) -> Prompt | None:
        """What people are asked: whether to go on, else what the plan asks around the channels."""
        asked = [item.prompt for item in self.sessions if item.prompt is not None]
        resume = next((item for item in asked if item.kind is PromptKind.RESUME), None)
        if resume is not None:
            # Not before all are at zero: until then the answer would change nothing.
            return resume if may_resume(self.states) else None
        return None if self.gathered else self.care.prompt

    @property
    def alarms(self) -> tuple[Alarm, ...]:
        """Every alarm, once."""
        return tuple(dict.fromkeys(alarm for session in self._everybody for alarm in session.alarms))

    @property
    def acknowledged(self) -> tuple[str, ...]:
        """The codes of alarms that a person has seen."""
        return tuple(dict.fromkeys(code for session in self._everybody for code in session.acknowledged))

    # --- what happens -------------------------------------------------------------------------------------
    def begin(self) -> None:
        """A person has started the treatment."""
        for session in self._everybody:
            session.begin()

    def hear(self, event: Event) -> None:
        """A person says something; what no journal can say was said by no person."""
        self.feed(event) if recordable(event) else self.care.hear(event)

    def feed(self, event: Event, cause: str | None = None) -> None:
        """What people do happens on all channels, or is an answer; an electrode comes off one."""
        meant = self._meant(event)
        before = [session.state for session in meant]
        for session in meant:
            session.feed(event, cause)
        refusals = [session.refusal for session in meant]
        # What one channel took has changed something, although it meant nothing to another one.
        self.refusal = refusals[0] if refusals and all(refusals) else None
        for session, was in zip(meant, before, strict=True):
            self._follow(session, was)

    def feed_to(self, channel: int, event: Event) -> None:
        """What happens at one output, and what follows from it for the others."""
        session = self.sessions[channel]
        before = session.state
        session.feed(event)
        self._follow(session, before)

    def _meant(self, event: Event) -> tuple[Session, ...]:
        """To whom an event happens."""
        channels = tuple(session for session in self.sessions if not session.ended)
        people = () if self.care.ended else (self.care,)
        match event:
            case Confirm() | Enter():
                return () if self.gathered else people
            case Resume():
                return channels if may_resume(self.states) else ()
            case DeviceFault():
                flowing = (session for session in channels if session.state.mode is Mode.ON)
                return tuple(flowing)[:1] or channels[:1]
            case Pause():
                running = self.gathered or any(state.mode is Mode.ON for state in self.states)
                return channels if running else people
            case Adjust():
                running_all = (*people, *channels)
                bounds, states = [item.bound for item in running_all], [item.state for item in running_all]
                refused = refusing(bounds, states, event)
                # It happens to all or to none: one that refuses it tells whoever asked.
                return running_all if refused is None else (running_all[refused.channel],)
            case Press():
                return (tuple(item for item in channels if _offers(item, event)) or channels)[:1]
            case Stop() | EmergencyStop():
                return (*people, *channels)
            case _:
                return channels

    def stop(self, cause: str) -> None:
        """Ramp everything down and end, because of something that is neither the plan nor a person."""
        for session in self._everybody:
            session.stop(cause)

    def raise_alarm(self, code: str, detail: str | None = None) -> None:
        """Raise one of the runtime's own alarms, for all channels."""
        self.care.raise_alarm(code, detail)

    def acknowledge(self, code: str) -> None:
        """A person has seen an alarm."""
        for session in self._everybody:
            session.acknowledge(code)

    def commanded(self, console: str, taken_from: str | None) -> None:
        """A console has come to command; it commands all channels."""
        self.care.commanded(console, taken_from)

    def tick(self, passed_ms: int) -> None:
        """A tick of all channels, in order; what one of them does reaches the others before it is over."""
        self._nothing.advance(passed_ms)
        self._heard(self.care, passed_ms, held=False)
        waiting = not (self.gathered or self.care.ended)
        gone_ms = [session.going_ms for session in self.sessions]
        for number, session in enumerate(self.sessions):
            self._heard(session, passed_ms, held=waiting or is_held(self.states, number))
        if gone_ms != [session.going_ms for session in self.sessions]:
            self._going_ms += self.bound.constants.tick_ms
        self._look_over_all()
        self._take_turns(passed_ms)
        self._lead_on()
        on_na = [state.machine.level_na for state in self.states if state.mode in ENERGISED]
        if self.elapsed_ms or on_na:
            self.elapsed_ms += passed_ms
        if on_na:
            self.duration_ms, self.peak_na = self.elapsed_ms, max(self.peak_na, sum(on_na))

    def trip(self, cause: str, passed_ms: int = 0) -> None:
        """A part of ours failed: every output opens by the shortest way, also when the first one cannot."""
        failed: list[Exception] = []
        for session in self._everybody:
            try:
                session.trip(cause, passed_ms)
            except Exception as bug:
                failed.append(bug)
        if failed:
            raise failed[0]

    def finish(self) -> None:
        """Seal the journal, unless some output was not seen off: then all of it counts at its worst."""
        end = self.end
        assert end is not None, "a session that runs is not finished"
        if all(session.seen_off for session in self._everybody) and self.journal.failure is None:
            sealed = self.journal.seal(end.reason)
            if isinstance(sealed, JournalFailure):
                self.care.raise_alarm("F21")
        self.journal.close()

    # --- what holds them together -------------------------------------------------------------------------
    def _heard(self, session: Session, passed_ms: int, *, held: bool) -> None:
        before = session.state
        session.tick(passed_ms, held=held)
        self._follow(session, before)

    def _follow(self, session: Session, before: State) -> None:
        """What happened to one channel happens to the others; people are not asked on when it is over."""
        event = consequence(before, session.state)
        if event is None:
            return
        others = self.sessions if isinstance(event, Pause) else self._everybody
        for other in others:
            if other is not session and not has_happened(event, other.state):
                was = other.state
                other.feed(event, CAUSE)
                self._follow(other, was)

    def _take_turns(self, passed_ms: int) -> None:
        """When all channels stand at the end of a part and were seen off, the next part begins for all."""
        bounds = [session.bound for session in self.sessions]
        if may_go_on(bounds, self.states):
            for session in self.sessions:
                session.feed(Confirm(), MET)
        standing = all(map(stands, bounds, self.states))
        self._standing_ms = self._standing_ms + passed_ms if standing else 0
        if self._standing_ms >= STANDING_MS_MAX:
            self.raise_alarm("F57", f"not every output was seen off for {self._standing_ms} ms")
            self.stop("an output was not seen off at the end of its turn")

    def _lead_on(self) -> None:
        """When all channels have finished, people go on with what comes after."""
        if self.gathered and all(session.ended for session in self.sessions):
            if all(session.end is not None and session.end.completed for session in self.sessions):
                self.care.feed(Confirm(), GATHERED)
            else:
                self.care.stop(CAUSE)

    def _look_over_all(self) -> None:
        """What no channel can see alone: the sum in the person, and a channel that is out of step."""
        if self.journal.failure is not None and not self._stopped:
            # Whoever noticed may have ended already, and then stopped nobody.
            self._stopped = True
            self.stop(f"the journal cannot be written: {self.journal.failure.reason}")
        total_na = sum(state.machine.level_na for state in self.states if state.mode in ENERGISED)
        if total_na > self._ceiling_na:
            self._open("F69", f"{total_na} nA are set in all channels, above {self._ceiling_na} nA")
        elif out_of_step(self.states) or self._out_of_turn():
            self._open("F70", ", ".join(state.mode.name.lower() for state in self.states))

    def _out_of_turn(self) -> bool:
        """Whether channels flow in different parts of the session."""
        flowing = {
            parts[state.place.step]
            for parts, state in zip(self._parts, self.states, strict=True)
            if state.mode in ENERGISED and state.machine.level_na
        }
        return len(flowing) > 1

    def _open(self, code: str, detail: str) -> None:
        if not all(session.ended for session in self.sessions):
            self.raise_alarm(code, detail)
            self.feed(EmergencyStop(), detail)


def _offers(session: Session, event: Press) -> bool:
    """Whether a channel has the button that was pressed."""
    return any(isinstance(step, Demand) and step.text == event.button for step in session.bound.plan.steps)


def out_of_step(states: Sequence[State]) -> bool:
    """Whether some channel goes on although another one was stopped, opened or interrupted."""
    on = [state for state in states if state.mode is Mode.ON]
    if not on:
        return False
    if any(state.mode is Mode.STOPPING or state.mode in INTERRUPTED for state in states):
        return True
    return any(state.ended and state.machine.reason != Ending.FINISHED.value for state in states)
