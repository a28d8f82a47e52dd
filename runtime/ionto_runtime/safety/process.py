"""What the safety process asks of the system: a place before other programs, and no pauses of its own making.

The collector of cyclic garbage is told once, after everything is loaded, that what is there stays there, and
is then switched off: a session makes no cycles (a test watches it), and a pause of a hundred milliseconds
would cost a tick. The scheduler is asked for SCHED_FIFO; where that is not granted the session runs without,
and the journal says which it was.
"""

from __future__ import annotations

import contextlib
import gc
import os
import sys

from ionto_ir.canonical import Json

PRIORITY = 50
"""In the middle of the real-time range: above everything ordinary, below what drives the hardware."""


def tame_collector() -> None:
    """Keep what is there, and collect nothing from now on."""
    gc.collect()
    gc.freeze()
    gc.disable()


def take_precedence() -> str:
    """Run before other programs if the system lets us; which scheduler is in force now."""
    if not hasattr(os, "sched_setscheduler"):
        return "the system's"
    with contextlib.suppress(OSError):
        # What this process starts, if it ever did, would not inherit the precedence.
        os.sched_setscheduler(0, os.SCHED_FIFO | os.SCHED_RESET_ON_FORK, os.sched_param(PRIORITY))
    policy = os.sched_getscheduler(0) & ~os.SCHED_RESET_ON_FORK
    if policy == os.SCHED_FIFO:
        return f"SCHED_FIFO {os.sched_getparam(0).sched_priority}"
    return "the system's"


def facts_of_process(scheduler: str) -> dict[str, Json]:
    """What the journal's header says of the process."""
    return {
        "pid": os.getpid(),
        "scheduler": scheduler,
        "collector": "frozen and off",
        "python": ".".join(str(part) for part in sys.version_info[:3]),
    }
