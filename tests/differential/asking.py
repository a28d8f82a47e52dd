"""Doses on demand, as the reference means them: standing by, and what a press does."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from ionto_ir.expression import Constant
from ionto_ir.plan import Demand
from tests.differential.reckoning import Drive, Off

if TYPE_CHECKING:
    from tests.differential.reference import Session


class Asking:
    """The block on demand that is open, if one is, and what was given in it."""

    def __init__(self) -> None:
        self.head: int | None = None
        self.opened_ms = 0
        self.starts_ms: list[int] = []
        self.ended_ms: int | None = None
        self.dosing = False

    def stand_by(self, session: Session, step: Demand) -> Iterator[Drive | Off]:
        """Stand by until somebody asks, or until the time for it is over; then move the session's step."""
        now_ms = session.ticks * session.tick_ms
        if self.head != session.step:
            self.head, self.opened_ms = session.step, now_ms
            self.starts_ms, self.ended_ms, self.dosing = [], None, False
        else:
            self.ended_ms, self.dosing = now_ms, False
        basal = not (isinstance(step.basal_na, Constant) and step.basal_na.value == 0)
        session.waveform, session.resumed = None, False
        target_na, start_na, ticks = session.number(step.basal_na), session.level_na, 0
        session.moving, session.moved = step.basal_na, []
        while not self.dosing:
            over = session.ticks * session.tick_ms >= self.opened_ms + session.number(step.within_ms)
            if over or (not basal and len(self.starts_ms) >= session.number(step.count)):
                self.head, session.step = None, step.exit
                return
            for moved_na in session.moved:
                if moved_na != target_na:
                    target_na, start_na, ticks = moved_na, session.level_na, 0
            if session.resumed:
                start_na, ticks = 0, 0
            session.resumed, session.moved = False, []
            ticks += 1
            rate = session.reckoning.resume_rate
            yield Drive(session.reckoning.line(start_na, target_na, rate, ticks)) if basal else Off()
        session.step = step.body

    def press(self, session: Session, button: str | None) -> None:
        """Somebody asks for a dose."""
        if session.mode not in ("on", "resting") or self.head is None or self.dosing:
            return
        step, now_ms = session.plan.steps[self.head], (session.ticks + 1) * session.tick_ms
        assert isinstance(step, Demand), "a block has a head"
        if step.text != button or now_ms >= self.opened_ms + session.number(step.within_ms):
            return
        at_basal = session.level_na == session.number(step.basal_na)
        if not at_basal or len(self.starts_ms) >= session.number(step.count):
            return
        last_ms = self.starts_ms[-1] if self.starts_ms else None
        since_ms = self.ended_ms if step.from_end else last_ms
        if since_ms is not None and now_ms < since_ms + session.number(step.lockout_ms):
            return
        for rule in step.rules:
            recent = [start for start in self.starts_ms if start > now_ms - session.number(rule.window_ms)]
            if len(recent) >= session.number(rule.count):
                return
        self.starts_ms.append(now_ms)
        self.dosing = True
