"""The lower bound of a charge while a session runs: what its journal counts afterwards, and never more."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ionto_ir.events import Pause, Resume, Stop
from ionto_runtime.accounting import account_of
from ionto_runtime.simulation.stimulator import Fault
from ionto_runtime.surely import surely_na
from ionto_runtime.view import view_of
from tests.runtime.bedside import Bedside
from tests.runtime.consoles import BOUND, FACTS

AMOUNT = st.integers(0, 5_000_000)


@pytest.mark.requirement("R20")
@pytest.mark.parametrize("disturbed", [None, Fault.LEAD_OFF, Fault.SILENT, "pause"])
def test_the_display_and_the_journal_bound_what_has_really_flowed(disturbed: object) -> None:
    bedside = Bedside(BOUND, answers={"skin": 0}).begin().tick(60)
    if isinstance(disturbed, Fault):
        bedside.device.inject(disturbed)
    elif disturbed == "pause":
        bedside.session.feed(Pause())
    bedside.tick(60)
    bedside.session.feed(Resume() if disturbed == "pause" else Stop())
    bedside.until_closed()
    view = view_of(bedside.session, FACTS)
    assert 0 < view.lower_pc <= bedside.device.received.total_pc <= view.upper_pc
    account = account_of(bedside.reading)
    assert not isinstance(account, str)
    assert account.charge.lower_pc <= view.lower_pc
    if not isinstance(disturbed, Fault):
        assert account.charge.lower_pc == view.lower_pc


@given(AMOUNT, AMOUNT, AMOUNT, st.none() | st.integers(0, 100_000))
def test_what_is_sure_is_no_more_than_what_was_set_or_measured(
    set_na: int, now_na: int, before_na: int, ohm: int | None
) -> None:
    least_na = surely_na(-set_na, (now_na, before_na), ohm, BOUND.constants)
    assert 0 <= least_na <= min(set_na, now_na, before_na)
    assert surely_na(set_na, (now_na, before_na), 0, BOUND.constants) == 0, "electrodes that touch"
