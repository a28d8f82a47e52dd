"""A short session on a real file, in a process of its own; what came of it is printed as JSON.

Argument: the journal. Whatever the disk does is done to this process from outside.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

from ionto_runtime.journal import Durability, JournalFailure, create_journal
from ionto_runtime.session import Session
from ionto_runtime.simulation.clock import VirtualClock
from ionto_runtime.simulation.skin import body_of
from ionto_runtime.simulation.stimulator import SimulatedStimulator
from tests.runtime.bedside import header_of
from tests.runtime.killing import BOUND
from tests.runtime.simulated import AREAS_UM2


def main(path: Path) -> dict[str, object]:
    """Run to the end."""
    clock = VirtualClock()
    journal = create_journal(path, header_of(BOUND), clock, Durability.SYNCED)
    if isinstance(journal, JournalFailure):
        return {"begun": False, "reason": journal.reason}
    device = SimulatedStimulator(BOUND.plan.device, body_of(AREAS_UM2, 1), 1)
    session = Session(BOUND, device, journal)
    assert session.arm() is None
    session.begin()
    while not session.closed:
        clock.sleep_until(clock.now_ms() + 100)
        device.advance(100)
        session.tick(100)
    session.finish()
    failure = journal.failure
    return {
        "begun": True,
        "codes": [alarm.code for alarm in session.alarms],
        "completed": session.completed,
        "received_pc": device.received.total_pc,
        "reason": None if failure is None else failure.reason,
        "seen_off": session.seen_off,
    }


if __name__ == "__main__":
    print(json.dumps(main(Path(sys.argv[1]))))
