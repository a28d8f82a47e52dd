"""What came of a session, as one inert value: what a summary needs, wherever it is written."""

from __future__ import annotations

from ionto_ir.dataclass import dataclass
from ionto_ir.events import Alarm, Record
from ionto_runtime.ensemble import Ensemble
from ionto_runtime.session import Session


@dataclass(frozen=True, slots=True)
class ChannelOutcome:
    """What came of one of several channels, in the same units."""

    name: str
    completed: bool
    reason: str
    nominal_pc: int
    upper_pc: int
    duration_ms: int
    interruptions: int
    peak_na: int
    by_sign_pc: tuple[tuple[int, int], ...]


@dataclass(frozen=True, slots=True)
class Outcome:
    """A session that has ended: charges in pC, nA, ms. `by_sign_pc` is what was set in each polarity.

    `head` is the journal's last link, `sealed` whether the journal is whole. With several `channels` charges
    and currents are sums of magnitudes, and the time runs from the first current to the last.
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
    channels: tuple[ChannelOutcome, ...] = ()


def outcome_of(session: Session | Ensemble) -> Outcome:
    """The outcome of a session that has ended."""
    return _of_all(session) if isinstance(session, Ensemble) else _of_one(session)


def _of_one(session: Session) -> Outcome:
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


def _of_all(ensemble: Ensemble) -> Outcome:
    end = ensemble.end
    assert end is not None, "the session has ended"
    channels = tuple(
        _channel(name, session) for name, session in zip(ensemble.names, ensemble.sessions, strict=True)
    )
    return Outcome(
        completed=ensemble.completed,
        reason=end.reason,
        nominal_pc=sum(channel.nominal_pc for channel in channels),
        upper_pc=sum(channel.upper_pc for channel in channels),
        duration_ms=ensemble.duration_ms,
        interruptions=max(channel.interruptions for channel in channels),
        peak_na=ensemble.peak_na,
        by_sign_pc=tuple(
            (sign, sum(dict(channel.by_sign_pc)[sign] for channel in channels)) for sign in (1, -1)
        ),
        records=tuple(ensemble.care.records),
        alarms=ensemble.alarms,
        head=ensemble.journal.head,
        sealed=ensemble.journal.sealed,
        channels=channels,
    )


def _channel(name: str, session: Session) -> ChannelOutcome:
    assert session.end is not None, "the session has ended"
    machine = session.state.machine
    return ChannelOutcome(
        name=name,
        completed=session.completed,
        reason=session.end.reason,
        nominal_pc=session.nominal_pc,
        upper_pc=session.upper_pc,
        duration_ms=machine.duration_ms,
        interruptions=machine.interruptions,
        peak_na=session.peak_na,
        by_sign_pc=tuple(session.by_sign_pc.items()),
    )
