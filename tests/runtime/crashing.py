"""A session in a process of its own, made to be killed: it tells a shared file what the skin has received.

Arguments: journal, shared file. The shared file holds the charge in pC that has flowed, as eight bytes.
"""

from __future__ import annotations

import mmap
import struct
import sys
import time
from pathlib import Path

from ionto_ir.plan import Interruptions
from ionto_runtime.journal import Durability, JournalWriter, create_journal
from ionto_runtime.session import Session
from ionto_runtime.simulation.clock import VirtualClock
from ionto_runtime.simulation.skin import body_of
from ionto_runtime.simulation.stimulator import SimulatedStimulator
from tests.ir.sessions import MINUTE, SECOND, SPAN, bound_of, timed_plan
from tests.runtime.bedside import header_of
from tests.runtime.simulated import AREAS_UM2

BOUND = bound_of(
    timed_plan(hold_ms=30 * MINUTE, ramp_ms=4 * SECOND, interruptions=Interruptions(0, 0, False, SPAN))
)


def main(journal_path: Path, shared_path: Path) -> None:
    """Run until killed."""
    clock = VirtualClock()
    journal = create_journal(journal_path, header_of(BOUND), clock, Durability.SYNCED)
    assert isinstance(journal, JournalWriter)
    device = SimulatedStimulator(BOUND.plan.device, body_of(AREAS_UM2, 1), 1)
    session = Session(BOUND, device, journal)
    assert session.arm() is None
    with shared_path.open("r+b") as file:
        shared = mmap.mmap(file.fileno(), 8)
        session.begin()
        while not session.closed:
            clock.sleep_until(clock.now_ms() + 100)
            device.advance(100)
            shared[:8] = struct.pack("<q", device.received.total_pc)
            session.tick(100)
            time.sleep(0.001)


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
