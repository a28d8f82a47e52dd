"""What came of a session, as one inert value: what a summary needs, wherever it is written."""

from __future__ import annotations

from ionto_ir.dataclass import dataclass
from ionto_ir.events import Alarm, Record
from ionto_runtime.session import Session


@dataclass(frozen=True, slots=True)
class Outcome:
    """A session that has ended: charges in pC, nA, ms. `by_sign_pc` is what was set in each polarity.

    `head` is the journal's last link, `sealed` whether the journal is whole.
    """

    completed: bool
    reason: str
    nominal_pc: int
    upper_pc: int
    duration_ms: int
    interruptions: int
    peak_na: int
    by_sign_pc: tuple[tuple[int, int], ...]
    records: tuple[Record, ...]
    alarms: tuple[Alarm, ...]
    head: str
    sealed: bool


def outcome_of(session: Session) -> Outcome:
    """The outcome of a session that has ended."""
    assert session.end is not None, "the session has ended"
    machine = session.state.machine
    return Outcome(
        completed=session.completed,
        reason=session.end.reason,
        nominal_pc=session.nominal_pc,
        upper_pc=session.upper_pc,
        duration_ms=machine.duration_ms,
        interruptions=machine.interruptions,
        peak_na=session.peak_na,
        by_sign_pc=tuple(session.by_sign_pc.items()),
        records=tuple(session.records),
        alarms=tuple(session.alarms),
        head=session.journal.head,
        sealed=session.journal.sealed,
    )
