"""A stop without a screen: said at the desk, then by a signal, and watched until something is seen of it."""

from __future__ import annotations

from collections.abc import Callable
from enum import Enum, auto

from ionto_runtime.clock import Clock
from ionto_runtime.remote import Remote, reach
from ionto_runtime.running import Running

REACH_MS_MAX = 1_000
LISTEN_MS = 50
TAKEN_MS_MAX = 2_000
"""How long the desk may take to show that it stops before the process is also sent a signal."""

SIGNALLED_MS_MAX = 5_000
DOWN_MS_MAX = 600_000
"""How long a ramp down is watched: no plan comes down more slowly."""


class Stopped(Enum):
    """What is known of a stop."""

    OFF = auto()
    """The session is over."""

    TAKEN = auto()
    """It is on its way down."""

    UNKNOWN = auto()
    """Nothing was heard of it."""


def stop_session(running: Running, clock: Clock, told: Callable[[str], None]) -> Stopped:
    """Stop a session and watch it come down; `told` is given what there is to say meanwhile."""
    remote = reach(running.socket, clock, REACH_MS_MAX)
    if remote is None:
        return Stopped.UNKNOWN
    process = remote.behind()
    try:
        remote.stop()
        known = _watched(remote, clock, TAKEN_MS_MAX, told)
        if known is Stopped.UNKNOWN and process is not None and process.stop():
            told(f"nothing is heard: SIGTERM is sent to the safety process {process.number}")
            known = _watched(remote, clock, SIGNALLED_MS_MAX, told)
            if known is Stopped.UNKNOWN and not process.alive:
                return Stopped.OFF
        return known if known is not Stopped.TAKEN else _watched(remote, clock, DOWN_MS_MAX, told)
    finally:
        remote.close()
        if process is not None:
            process.close()


def _watched(remote: Remote, clock: Clock, within_ms: int, told: Callable[[str], None]) -> Stopped:
    """What is seen within a time: at once when the session comes down, and when it is over."""
    until_ms = clock.now_ms() + within_ms
    known, word = Stopped.UNKNOWN, ""
    down = within_ms == DOWN_MS_MAX
    while clock.now_ms() < until_ms and not remote.gone:
        for message in remote.hear(LISTEN_MS):
            match message["type"]:
                case "bye" | "refused_session" | "failed":
                    return Stopped.OFF
                case "view" if message["mode"] in ("stopping", "ended"):
                    known = Stopped.TAKEN
                    if message["word"] != word and down:
                        word = str(message["word"])
                        told(word.lower())
        if known is Stopped.TAKEN and not down:
            return known
    return Stopped.TAKEN if down else known
