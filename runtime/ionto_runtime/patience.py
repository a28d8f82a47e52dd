"""How long a session bears that its current is not let rise: in one stretch, and in all (F57, F58).

A contact that comes and goes at the highest voltage never keeps a ramp for long at a time, but can slow it
many times over; who waits for an end that moves away has no session that was planned for them.
"""

from __future__ import annotations

from ionto_ir.state import Mode, Phase, State
from ionto_runtime.supervision import SLOWED_MS_MAX, STANDING_MS_MAX
from ionto_runtime.watching import Act, Finding

CLIMBING = (Phase.RAMP, Phase.HOLD, Phase.STANDBY)
"""Where the current may be on its way up."""


class Patience:
    """`slowed_ms` is the time for which something should have risen in this session, and was not let."""

    def __init__(self) -> None:
        self.slowed_ms = 0
        self._standing_ms = 0

    def look(self, state: State, rises: bool, passed_ms: int) -> Finding | None:
        """What a tick adds; why the session stops, or None. `rises` says whether the machine may raise."""
        place = state.place
        waits = not rises and state.mode in (Mode.READY, Mode.ON) and place.phase is not Phase.PROMPT
        self._standing_ms = self._standing_ms + passed_ms if waits else 0
        if waits and place.glide.target_na > state.machine.level_na and place.phase in CLIMBING:
            self.slowed_ms += passed_ms
        if self._standing_ms >= STANDING_MS_MAX:
            return Finding(Act.STOP, f"nothing could rise for {self._standing_ms} ms", "F57")
        if self.slowed_ms >= SLOWED_MS_MAX:
            return Finding(Act.STOP, f"kept from rising for {self.slowed_ms} ms in all", "F58")
        return None
