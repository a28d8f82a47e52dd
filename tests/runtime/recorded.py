"""Journals of sessions in which things happened by chance: for the tests of what is read off a journal."""

from __future__ import annotations

from pathlib import Path
from random import Random

from ionto_ir.canonical import Json
from ionto_ir.events import EmergencyStop, Event, Pause, Resume, Stop
from ionto_ir.plan import Interruptions
from ionto_runtime.simulation.stimulator import Fault
from tests.ir.sessions import SECOND, SPAN, bound_of, timed_plan
from tests.runtime.bedside import Bedside
from tests.runtime.journals import MemoryFile

EVENTS: tuple[Event, ...] = (Pause(), Resume(), Resume(), Stop(), EmergencyStop())
FAULTS = (Fault.SILENT, Fault.DEAF_HOST, Fault.LEAD_OFF, Fault.SHORT)
RANDOM = bound_of(
    timed_plan(hold_ms=4 * SECOND, ramp_ms=2 * SECOND, interruptions=Interruptions(3, 3_000, True, SPAN))
)


def random_session(seed: int, *, closed: bool = True, polarity: int = 1) -> Bedside:
    """A session with pauses, lost links, loose leads and late ticks; the same for the same seed."""
    chance = Random(f"{seed}/recorded")
    bound = bound_of(RANDOM.plan, polarity=polarity)
    bedside = Bedside(bound, seed=seed).begin()
    for _ in range(chance.randint(0, 6)):
        bedside.tick(chance.randint(0, 30))
        if chance.random() < 0.3:
            bedside.tick(1, ms=chance.choice((110, 150, 240)))
        if chance.random() < 0.5:
            fault = chance.choice(FAULTS)
            bedside.device.inject(fault)
            bedside.tick(chance.randint(1, 6))
            bedside.device.clear(fault)
        if not bedside.session.state.ended:
            bedside.session.feed(chance.choice(EVENTS))
    return bedside.until_closed() if closed else bedside


def data_of(bedside: Bedside) -> bytes:
    """The file of a session's journal."""
    assert isinstance(bedside.file, MemoryFile)
    return bedside.file.data


def kept(folder: Path, bedside: Bedside, name: str) -> Path:
    """The journal of a session, in a folder."""
    path = folder / f"{name}.journal"
    path.write_bytes(data_of(bedside))
    return path


def header(bedside: Bedside) -> dict[str, Json]:
    """What the journal's header says."""
    found = bedside.reading.header
    assert found is not None
    return found
