"""The soak's own judgement: what grows, what is left open and what ends otherwise is found."""

from __future__ import annotations

import os
from pathlib import Path
from types import SimpleNamespace
from typing import cast

import pytest

from ionto_runtime.journal_reader import Reading
from tests.soak.lane import Lane, late_ms_of
from tests.soak.watching import KIB_AN_HOUR_MAX, Sample, Watched


def watched(kib_an_hour: float, descriptors: tuple[int, int] = (5, 5), seconds: int = 3_600) -> Watched:
    """A process that grew by so much, after a warm-up in which it grew by a megabyte."""
    found = Watched("it", 1)
    for at in range(0, seconds, 10):
        warm_kib = min(at, 600) * 2
        kib = round(20_000 + warm_kib + kib_an_hour * at / 3_600)
        found.samples.append(Sample(at, kib, kib + 15_000, descriptors[at > seconds / 2]))
    return found


def test_what_is_made_once_is_no_growth_and_what_is_made_for_ever_is() -> None:
    flat, rising = watched(0), watched(2 * KIB_AN_HOUR_MAX)
    assert flat.faults() == [] and flat.kib_an_hour == pytest.approx(0, abs=1)
    assert rising.kib_an_hour == pytest.approx(2 * KIB_AN_HOUR_MAX, rel=0.01)
    assert "memory grows" in rising.faults()[0]


def test_a_descriptor_that_stays_open_is_found() -> None:
    assert watched(0, (5, 6)).faults() == ["it: 5 descriptors became 6"]
    assert watched(0, (6, 5)).faults() == []


def test_too_little_time_says_nothing_about_a_slope() -> None:
    assert watched(10_000, seconds=700).kib_an_hour is None


def test_a_process_is_looked_at_and_one_that_has_gone_is_not() -> None:
    own, gone = Watched("own", os.getpid()), Watched("gone", 0)
    own.look(0)
    gone.look(0)
    assert own.samples[0].own_kib > 0 and own.samples[0].descriptors > 0
    assert gone.samples == []


def reading_of(passed: list[int]) -> Reading:
    """A journal whose ticks came so long after each other."""
    records = [SimpleNamespace(payload={"event": "tick", "passed_ms": ms}) for ms in passed]
    return cast(Reading, SimpleNamespace(records=records))


def test_lateness_is_counted_from_the_grid_and_over_missed_ticks() -> None:
    assert list(late_ms_of(reading_of([103] + [100] * 8))) == [0] * 9
    # 7 ms late and back on time; then two and a half periods late, and back on the grid.
    assert list(late_ms_of(reading_of([100, 107, 93, 100, 350, 50, 100]))) == [0, 7, 0, 0, 250, 0, 0]


@pytest.mark.parametrize(
    ("code", "alarms", "as_what"),
    [
        (0, (), "completed"),
        (1, ("F26", "F22"), "late"),
        (1, ("F03",), "link"),
        (1, ("F05",), "wrong"),
        (2, (), "wrong"),
    ],
)
def test_lateness_ends_a_session_as_designed_and_anything_else_is_wrong(
    tmp_path: Path, code: int, alarms: tuple[str, ...], as_what: str
) -> None:
    assert Lane("a", "twin", tmp_path, 1)._ended_as(code, alarms) == as_what
