"""Several channels of one session: a session each, in the same ticks, with a journal each.

The sessions are the ordinary ones. Here is only what holds them together: what happened to one of them
happens to the others in the same tick, nothing is resumed before all are at zero, and a channel at rest is
not given ticks while others are interrupted. A journal of one channel replays alone, because everything that
reached its machine is in it.
"""

from __future__ import annotations

from collections.abc import Sequence

from ionto_ir.events import Adjust, DeviceFault, Event, Resume
from ionto_ir.state import Mode, State
from ionto_ir.together import consequence, is_held, may_resume, refusing
from ionto_runtime.session import Session

CAUSE = "another channel"
"""What a journal says of an event that another channel's machine led to."""


class Ensemble:
    """The sessions of all channels; `arm` and `finish` are theirs."""

    def __init__(self, sessions: Sequence[Session]) -> None:
        self.sessions = tuple(sessions)
        self.elapsed_ms = 0

    @property
    def states(self) -> list[State]:
        """The state of each channel, in order."""
        return [session.state for session in self.sessions]

    @property
    def ended(self) -> bool:
        """Whether every channel has come to its end."""
        return all(session.state.ended for session in self.sessions)

    @property
    def closed(self) -> bool:
        """Whether every output was seen to be off after the end."""
        return all(session.closed for session in self.sessions)

    @property
    def completed(self) -> bool:
        """Whether every channel finished as written."""
        return all(session.completed for session in self.sessions)

    def begin(self) -> None:
        """A person has started the treatment."""
        for session in self.sessions:
            session.begin()

    def feed(self, event: Event) -> None:
        """What people do happens on all channels; an electrode comes off one."""
        if isinstance(event, Resume) and not may_resume(self.states):
            return
        if isinstance(event, DeviceFault):
            flowing = (session for session in self.sessions if session.state.mode is Mode.ON)
            self._happen(next(flowing, self.sessions[0]), event)
            return
        if isinstance(event, Adjust):
            refused = refusing([session.bound for session in self.sessions], self.states, event)
            if refused is not None:
                self.sessions[refused.channel].feed(event)  # on record, and told to whoever asked
                return
        for session in self.sessions:
            self._happen(session, event)

    def tick(self, passed_ms: int) -> None:
        """A tick of all channels, in order; what one of them does reaches the others before it is over."""
        held = [is_held(self.states, number) for number in range(len(self.sessions))]
        for session, waits in zip(self.sessions, held, strict=True):
            if not waits:
                before = session.state
                session.tick(passed_ms)
                self._follow(session, before)
        if self.elapsed_ms or any(state.machine.elapsed_ms for state in self.states):
            self.elapsed_ms += passed_ms

    def trip(self, cause: str) -> None:
        """A part of ours failed: every output opens by the shortest way."""
        for session in self.sessions:
            session.trip(cause)

    def finish(self) -> None:
        """Seal the journals."""
        for session in self.sessions:
            session.finish()

    def _happen(self, session: Session, event: Event, cause: str | None = None) -> None:
        if not session.state.ended:
            before = session.state
            session.feed(event, cause)
            self._follow(session, before)

    def _follow(self, session: Session, before: State) -> None:
        """What happened to one channel happens to the others."""
        event = consequence(before, session.state)
        if event is None:
            return
        for other in self.sessions:
            if other is not session:
                self._happen(other, event, CAUSE)
