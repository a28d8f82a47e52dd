"""Runs worlds: `python -m tests.simulation --seed 7` repeats one, `--seeds 100000` is a campaign.

A campaign goes over all processors and prints sessions, faults by kind, invariants checked and violations;
each violation is named with the number that repeats it. `--record` adds a line to docs/safety/campaigns.md.
"""

from __future__ import annotations

import argparse
import gc
import os
import subprocess
import sys
import time
from collections import Counter, deque
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from tests.simulation.faults import Kind
from tests.simulation.judging import judge
from tests.simulation.world import World

CHUNK = 200
CAMPAIGNS = Path(__file__).resolve().parents[2] / "docs" / "safety" / "campaigns.md"
SHOWN_MAX = 5
"""How many numbers of each kind of violation are named, and told in full."""


@dataclass
class Tally:
    """What came of some worlds."""

    sessions: int = 0
    ticks: int = 0
    completed: int = 0
    faults: Counter[str] = field(default_factory=Counter)
    checked: Counter[str] = field(default_factory=Counter)
    violations: list[tuple[int, str]] = field(default_factory=list)

    def add(self, world: World) -> None:
        """Count a world that was judged."""
        self.sessions += 1
        self.ticks += world.ticks
        self.completed += world.session is not None and world.session.completed
        self.faults.update({kind.name: count for kind, count in world.injected.items()})
        self.checked.update(world.checked)
        self.violations += [(world.seed, text) for text in world.violations]

    def join(self, other: Tally) -> None:
        """Count what another process has counted."""
        self.sessions += other.sessions
        self.ticks += other.ticks
        self.completed += other.completed
        self.faults.update(other.faults)
        self.checked.update(other.checked)
        self.violations += other.violations


def judged(seed: int) -> World:
    """The world of a number, run and judged; an exception is a violation too."""
    world = World(seed)
    try:
        judge(world)
    except Exception as bug:
        world.violations.append(f"bug: {type(bug).__name__}: {bug}")
    return world


def chunk(seeds: range) -> Tally:
    """Some worlds in a process of their own."""
    tally = Tally()
    gc.disable()  # a world leaves little in circles, and looking for it all the time takes longer
    for seed in seeds:
        tally.add(judged(seed))
    gc.enable()
    gc.collect()
    return tally


def campaign(first: int, count: int, processes: int, seconds: float | None = None) -> Tally:
    """All worlds from `first` on, or as many, in their order, as can be judged in `seconds`."""
    ends = None if seconds is None else time.monotonic() + seconds
    parts = [range(at, min(at + CHUNK, first + count)) for at in range(first, first + count, CHUNK)]
    total = Tally()
    if processes == 1:
        for part in parts:
            if ends is not None and time.monotonic() > ends:
                break
            total.join(_told(chunk(part)))
        return total
    with ProcessPoolExecutor(processes) as pool:
        waiting = deque(pool.submit(chunk, part) for part in parts)
        while waiting:
            total.join(_told(waiting.popleft().result()))
            if ends is not None and time.monotonic() > ends:
                pool.shutdown(wait=False, cancel_futures=True)
                break
    return total


def _told(tally: Tally) -> Tally:
    """Say at once what was violated: nobody should wait for the end of a long campaign to hear of it."""
    for seed, text in tally.violations:
        print(f"--seed {seed}: {text}", file=sys.stderr, flush=True)
    return tally


def lines(tally: Tally, first: int, seconds: float) -> Iterator[str]:
    """The campaign in words."""
    yield f"sessions    {tally.sessions} (seeds {first} to {first + tally.sessions - 1}), {tally.ticks} ticks"
    yield f"completed   {tally.completed}; the others were ended by what happened to them"
    rate = tally.ticks / max(seconds, 0.001)
    yield f"time        {seconds:.1f} s, {rate:.0f} ticks a second in virtual time"
    yield f"faults      {sum(tally.faults.values())} injected"
    for kind in Kind:
        name = kind.name.lower().replace("_", " ")
        yield f"  {kind.requirement:<4} {name:<28} {tally.faults[kind.name]:>9}"
    yield f"invariants  {sum(tally.checked.values())} checked"
    for name, count in sorted(tally.checked.items()):
        yield f"  {name:<33} {count:>9}"
    yield f"violations  {len(tally.violations)}"
    kinds: dict[str, list[tuple[int, str]]] = {}
    for seed, text in tally.violations:
        kinds.setdefault(text.partition(":")[0], []).append((seed, text))
    for name, found in sorted(kinds.items(), key=lambda kind: -len(kind[1])):
        yield f"  {name:<33} {len(found):>9}, first --seed {found[0][0]}"
        for seed, text in found[:SHOWN_MAX]:
            yield f"    --seed {seed}: {text}"


def record(tally: Tally, first: int, processes: int, seconds: float) -> None:
    """Add the campaign to the manual."""
    found = subprocess.run(
        ["git", "rev-parse", "--short=12", "HEAD"], capture_output=True, text=True, check=False
    )
    cells = [
        f"{datetime.now(UTC):%Y-%m-%d}",
        found.stdout.strip() or "unknown",
        f"{first} to {first + tally.sessions - 1}",
        str(tally.sessions),
        str(tally.ticks),
        str(sum(tally.faults.values())),
        f"{len([kind for kind in Kind if tally.faults[kind.name]])} of {len(Kind)}",
        str(sum(tally.checked.values())),
        str(len(tally.violations)),
        f"{seconds:.0f} s on {processes} processes",
    ]
    with CAMPAIGNS.open("a", encoding="utf-8") as file:
        file.write(f"| {' | '.join(cells)} |\n")


def main() -> int:
    """Run what the command line says; 1 when an invariant was violated."""
    parser = argparse.ArgumentParser(prog="python -m tests.simulation", description=__doc__)
    parser.add_argument("--seed", type=int, help="repeat one world and tell what happened in it")
    parser.add_argument("--seeds", type=int, default=2_000, help="how many worlds (default: 2000)")
    parser.add_argument("--first", type=int, default=1, help="the first number (default: 1)")
    parser.add_argument("--minutes", type=float, help="stop after this time, with fewer worlds")
    parser.add_argument("--processes", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--record", action="store_true", help="add a line to docs/safety/campaigns.md")
    given = parser.parse_args()
    if given.seed is not None:
        return _one(given.seed)
    started = time.monotonic()
    limit_s = None if given.minutes is None else given.minutes * 60
    tally = campaign(given.first, given.seeds, given.processes, limit_s)
    seconds = time.monotonic() - started
    for line in lines(tally, given.first, seconds):
        print(line)
    if given.record:
        record(tally, given.first, given.processes, seconds)
    return 1 if tally.violations else 0


def _one(seed: int) -> int:
    world = judged(seed)
    session = world.session
    for fault in world.planned:
        print(f"tick {fault.at:>3} for {fault.lasts:>2}: {fault.kind.name.lower()}: {fault.kind.value[1]}")
    if session is not None:
        ended = None if session.end is None else session.end.reason
        print(f"ended: {ended}; alarms {[alarm.code for alarm in session.alarms]}; {world.ticks} ticks")
        print(f"true {world.device.received.total_pc} pC, counted at most {session.upper_pc} pC")
    for text in world.violations:
        print(f"VIOLATION {text}")
    return 1 if world.violations else 0


if __name__ == "__main__":
    sys.exit(main())
