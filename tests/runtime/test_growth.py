"""Neither memory nor the journal grows without bound over a long day (R57)."""

from __future__ import annotations

import gc
import tracemalloc

import pytest

from ionto_ir.bound import BoundPlan
from ionto_ir.plan import Interruptions
from ionto_runtime.journal_reader import JOURNAL_BYTES_MAX
from tests.ir.sessions import MA, MINUTE, SECOND, SPAN, bound_of, timed_plan
from tests.runtime.bedside import Bedside

pytestmark = pytest.mark.requirement("R57")

HOUR = 60 * MINUTE


class CountingFile:
    """A journal's file that keeps nothing but how much was written."""

    def __init__(self) -> None:
        self.size = self.writes = self.durable = 0

    def write(self, data: bytes) -> int:
        self.size += len(data)
        self.writes += 1
        return len(data)

    def sync(self) -> None:
        self.durable = self.writes

    def sync_soon(self) -> None:
        self.sync()

    def close(self) -> None:
        """Nothing to let go of."""


def day(hours_ms: int) -> BoundPlan:
    """A hold of this length at 1 mA."""
    calm = Interruptions(0, 0, False, SPAN)
    return bound_of(timed_plan(MA, hold_ms=hours_ms, ramp_ms=2 * SECOND, interruptions=calm))


def growth(minutes: int, warm_minutes: int) -> tuple[int, int, int]:
    """Bytes of memory that were gained after the warm-up, bytes of journal in a tick, and ticks."""
    file = CountingFile()
    bedside = Bedside(day(minutes * MINUTE), file).begin()
    ticks_a_minute = MINUTE // bedside.bound.constants.tick_ms
    tracemalloc.start()
    try:
        bedside.tick(warm_minutes * ticks_a_minute)
        gc.collect()
        before, size = tracemalloc.get_traced_memory()[0], file.size
        ticks = (minutes - warm_minutes) * ticks_a_minute
        bedside.tick(ticks)
        gc.collect()
        return tracemalloc.get_traced_memory()[0] - before, (file.size - size) // ticks, ticks
    finally:
        tracemalloc.stop()


def judge(gained: int, bytes_a_tick: int) -> None:
    """A few objects may be made late; a tick leaves nothing, and a day of ticks fits a journal."""
    assert gained < 20_000
    assert bytes_a_tick * 24 * 36_000 < JOURNAL_BYTES_MAX


def test_a_tick_leaves_nothing_in_memory_and_a_bounded_record() -> None:
    gained, bytes_a_tick, ticks = growth(minutes=3, warm_minutes=1)
    assert ticks == 1_200
    judge(gained, bytes_a_tick)


@pytest.mark.soak
def test_eight_hours_leave_nothing_in_memory_and_a_bounded_record() -> None:
    gained, bytes_a_tick, _ = growth(minutes=8 * 60, warm_minutes=2)
    judge(gained, bytes_a_tick)
