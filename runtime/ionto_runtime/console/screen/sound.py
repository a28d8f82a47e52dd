"""When the terminal's bell rings: by the urgency of what nobody has seen to, never silenced for long."""

from __future__ import annotations

from collections.abc import Sequence

from ionto_runtime.messages import Message

EVERY_MS = {"high": 2_000, "medium": 8_000, "low": None}
"""How often an alarm rings; a low one rings once."""

PAUSE_MS = 120_000
"""The longest pause of the sound, which a new alarm ends (R64)."""


class Sound:
    """What has rung, and until when it is quiet."""

    def __init__(self) -> None:
        self._known: set[str] = set()
        self._rung_ms: int | None = None
        self._quiet_until_ms = 0

    def pause(self, now_ms: int) -> None:
        """Be quiet for two minutes, or no longer if it is quiet already."""
        self._quiet_until_ms = 0 if self.paused_for_ms(now_ms) else now_ms + PAUSE_MS

    def paused_for_ms(self, now_ms: int) -> int:
        """How much of the pause is left."""
        return max(0, self._quiet_until_ms - now_ms)

    def rings(self, unseen: Sequence[Message], now_ms: int) -> bool:
        """Whether to ring now, for these alarms, the most urgent first."""
        codes = {str(alarm["code"]) for alarm in unseen}
        new = codes - self._known
        self._known |= codes
        if new:
            self._quiet_until_ms, self._rung_ms = 0, now_ms
            return True
        every_ms = EVERY_MS[str(unseen[0]["priority"])] if unseen else None
        if every_ms is None or self.paused_for_ms(now_ms):
            return False
        if self._rung_ms is not None and now_ms - self._rung_ms < every_ms:
            return False
        self._rung_ms = now_ms
        return True
