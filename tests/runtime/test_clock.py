"""Clocks: both run forward only, and virtual time costs no real time."""

from __future__ import annotations

import time

import pytest

from ionto_runtime.clock import Clock, RealClock
from ionto_runtime.simulation.clock import VirtualClock


def test_virtual_time_stands_still_until_somebody_sleeps() -> None:
    clock: Clock = VirtualClock()
    assert (clock.now_ms(), clock.now_ms()) == (0, 0)
    clock.sleep_until(20 * 60_000)
    assert clock.now_ms() == 20 * 60_000
    assert clock.now_ns() == 20 * 60_000 * 1_000_000


def test_virtual_time_never_runs_backwards() -> None:
    clock = VirtualClock()
    clock.sleep_until(500)
    clock.sleep_until(100)
    assert clock.now_ms() == 500


def test_whoever_lives_in_virtual_time_is_told_how_much_passes() -> None:
    passed: list[int] = []
    clock = VirtualClock(passed.append)
    clock.sleep_until(100)
    clock.sleep_until(100)
    clock.sleep_until(350)
    assert passed == [100, 250]


def test_the_virtual_calendar_moves_with_virtual_time_and_is_the_same_every_day() -> None:
    clock = VirtualClock()
    start = clock.wall_ms()
    clock.sleep_until(1_000)
    assert clock.wall_ms() - start == 1_000
    assert VirtualClock().wall_ms() == start


def test_the_real_clock_sleeps_no_less_than_asked() -> None:
    clock: Clock = RealClock()
    for _ in range(5):
        until = clock.now_ms() + 3
        clock.sleep_until(until)
        assert clock.now_ms() >= until


def test_the_real_clock_does_not_sleep_for_what_is_past(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = RealClock()
    slept: list[float] = []
    monkeypatch.setattr(time, "sleep", slept.append)
    clock.sleep_until(clock.now_ms() - 10_000)
    assert slept == []


def test_a_faster_clock_shows_more_time_than_passes() -> None:
    clock, real_clock = RealClock(speed=100), RealClock()
    before, wall_before, real_before = clock.now_ms(), clock.wall_ms(), real_clock.now_ms()
    clock.sleep_until(before + 2_000)
    assert clock.now_ms() - before >= 2_000
    assert clock.wall_ms() - wall_before >= 1_999
    real_ms = real_clock.now_ms() - real_before
    assert clock.now_ms() - before > 50 * real_ms


def test_the_real_calendar_is_the_machine_s() -> None:
    assert abs(RealClock().wall_ms() - time.time() * 1000) < 60_000
