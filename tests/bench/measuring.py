"""Timing that survives a busy machine: every round runs every candidate once, and medians are compared."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass

RUNS_MIN = 15


@dataclass(frozen=True, slots=True)
class Measured:
    """Seconds of one candidate: the median decides, the least shows what the machine could do."""

    median: float
    least: float


def interleaved(candidates: dict[str, Callable[[], object]], runs: int) -> dict[str, Measured]:
    """Run every candidate once a round, `runs` rounds and one that does not count. Seconds, by name."""
    assert runs >= RUNS_MIN, "fewer runs than that say nothing on a shared machine"
    seconds: dict[str, list[float]] = {name: [] for name in candidates}
    for round_number in range(runs + 1):
        for name, candidate in candidates.items():
            began = time.perf_counter()
            candidate()
            took = time.perf_counter() - began
            if round_number:
                seconds[name].append(took)
    return {name: Measured(statistics.median(taken), min(taken)) for name, taken in seconds.items()}


def measure(candidate: Callable[[], object], runs: int) -> Measured:
    """Alone, for what takes so long that noise is small beside it."""
    taken = []
    for _ in range(runs):
        began = time.perf_counter()
        candidate()
        taken.append(time.perf_counter() - began)
    return Measured(statistics.median(taken), min(taken))
