"""A short session and what holds of it whatever happened: shared by the tests of sessions."""

from __future__ import annotations

from ionto_ir.bound import BoundPlan
from ionto_runtime.accounting import account_of
from ionto_runtime.replay import replay
from tests.ir.sessions import (
    SECOND,
    bound_of,
    timed_plan,
)
from tests.runtime.bedside import Bedside

SHORT = bound_of(timed_plan(hold_ms=10 * SECOND, ramp_ms=4 * SECOND))
"""Up to 2 mA in 4 s, 10 s of hold, down in 4 s."""


def reached(ticks: int = 80, bound: BoundPlan = SHORT, **more: object) -> Bedside:
    """A session that runs: after 80 ticks it is in its hold."""
    return Bedside(bound, **more).begin().tick(ticks)  # type: ignore[arg-type]


def check(bedside: Bedside) -> None:
    """What holds of every session that has ended: the journal gives it again, and its bounds are bounds."""
    report = replay(bedside.bound, bedside.reading)
    assert report.difference is None
    assert report.final == bedside.session.state
    account = account_of(bedside.reading)
    assert not isinstance(account, str)
    assert account.charge.lower_pc <= bedside.device.received.total_pc <= account.charge.upper_pc
    assert account.charge.upper_pc >= bedside.session.upper_pc
