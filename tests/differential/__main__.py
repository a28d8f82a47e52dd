"""The differential campaign: `python -m tests.differential --cases 20000`, `--case 7` repeats one case.

A case is a plan drawn by its number, opponents who try to reach as much as they can on the executor, and what
the verifier says under bounds laid around what they reached. Every wrong verdict is named with its number.
`--record` adds a line to docs/safety/campaigns.md.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import time
from collections import Counter, deque
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

from ionto_ir.dataclass import dataclass, field
from ionto_verifier.report import verdict_name
from ionto_verifier.second_solver import Patience, SecondSolver
from tests.differential.mutants import words_of
from tests.differential.trial import Trial, tried

CHUNK = 50
SHOWN_MAX = 20
SECOND_EVERY = 50
"""One case in so many is put to the second solver, which takes longer than all the rest."""

PATIENCE = Patience(limit_ms=1_000, kill_s=5)
CAMPAIGNS = Path(__file__).resolve().parents[2] / "docs" / "safety" / "campaigns.md"
TABLE = "| date | commit | cases | plans proved | limits proved | refuted and replayed | "


@dataclass(slots=True)
class Tally:
    """What came of some cases."""

    cases: int = 0
    counts: Counter[tuple[str, str]] = field(default_factory=Counter)
    wrong: list[tuple[int, str]] = field(default_factory=list)

    def add(self, trial: Trial) -> None:
        """Count a case."""
        self.cases += 1
        self.counts.update(trial.counts)
        self.wrong += [(trial.number, text) for text in trial.wrong]

    def join(self, other: Tally) -> None:
        """Count what another process has counted."""
        self.cases += other.cases
        self.counts.update(other.counts)
        self.wrong += other.wrong

    def sum(self, what: str, *names: str) -> int:
        """How often something was counted, under all names or some."""
        return sum(
            count
            for (kind, name), count in self.counts.items()
            if kind == what and (not names or name in names)
        )


def chunk(numbers: range, second_every: int) -> Tally:
    """Some cases in a process of their own."""
    tally = Tally()
    with SecondSolver(PATIENCE) as solver:
        for number in numbers:
            twice = second_every > 0 and number % second_every == 0
            tally.add(tried(number, solver.ask if twice else None))
    return tally


def campaign(
    first: int, count: int, processes: int, seconds: float | None = None, second_every: int = SECOND_EVERY
) -> Tally:
    """All cases from `first` on, or as many, in their order, as can be tried in `seconds`."""
    ends = None if seconds is None else time.monotonic() + seconds
    parts = [range(at, min(at + CHUNK, first + count)) for at in range(first, first + count, CHUNK)]
    one = partial(chunk, second_every=second_every)
    total = Tally()
    with ProcessPoolExecutor(processes) as pool:
        waiting: deque = deque()
        while parts or waiting:
            over = ends is not None and time.monotonic() > ends
            while parts and len(waiting) < 2 * processes and not over:
                waiting.append(pool.submit(one, parts.pop(0)))
            if not waiting:
                break
            total.join(waiting.popleft().result())
            told = f"{total.cases} of {count} cases, {len(total.wrong)} wrong"
            print(told, file=sys.stderr, flush=True)
    return total


def lines(tally: Tally, first: int, seconds: float) -> Iterator[str]:
    """The campaign in words."""
    rate = tally.cases / max(seconds, 0.001)
    yield f"cases       {tally.cases} (numbers {first} to {first + tally.cases - 1})"
    yield f"time        {seconds:.0f} s, {rate:.1f} cases a second"
    titles = (
        "family",
        "construct",
        "sessions",
        "ticks",
        "plans",
        "verdict",
        "stage",
        "proved and not passed",
        "as tight as can be",
        "passed and",
        "replayed",
        "mutants, limit one unit below what is reached",
        "mutants, current one step higher",
        "mutants",
        "armed",
        "certificates",
        "claims rest on",
        "second solver",
        "undecided",
    )
    for title in titles:
        found = sorted(((name, n) for (kind, name), n in tally.counts.items() if kind == title), key=_most)
        if found:
            yield f"{title}: {sum(n for _, n in found)}"
            yield from (f"  {name:<60} {n:>9}" for name, n in found if n)
    yield from _by_property(tally)
    yield f"wrong verdicts  {len({number for number, _ in tally.wrong})} cases"
    for number, text in tally.wrong[:SHOWN_MAX]:
        yield f"  --case {number}: {text}"


def _most(item: tuple[str, int]) -> tuple[int, str]:
    return -item[1], item[0]


def _by_property(tally: Tally) -> Iterator[str]:
    words = ("proved", "refuted", "undecided", "vacuous")
    yield f"{'property':<30}" + "".join(f"{word:>11}" for word in words)
    kinds = sorted({kind for kind, _ in tally.counts if kind.startswith("property ")})
    for kind in kinds:
        numbers = "".join(f"{tally.counts[kind, word]:>11}" for word in words)
        yield f"  {kind.removeprefix('property '):<28}{numbers}"


def record(tally: Tally, first: int, processes: int, seconds: float) -> None:
    """Add the campaign to the table of the manual."""
    found = subprocess.run(
        ["git", "rev-parse", "--short=12", "HEAD"], capture_output=True, text=True, check=False
    )
    turned = tally.sum("mutants, limit one unit below what is reached", "refuted", "undecided")
    turned += tally.sum("mutants, current one step higher", "refuted", "undecided")
    asked = tally.sum("second solver") - tally.sum("second solver", "not asked")
    cells = [
        f"{datetime.now(UTC):%Y-%m-%d}",
        found.stdout.strip() or "unknown",
        f"{first} to {first + tally.cases - 1}",
        str(tally.sum("plans", "proved")),
        str(tally.sum("proved and not passed")),
        str(tally.sum("replayed")),
        str(tally.sum("verdict", "undecided")),
        str(turned),
        str(tally.sum("sessions") + tally.sum("armed", "sessions", "sessions of several channels")),
        str(tally.sum("certificates")),
        f"{tally.sum('second solver', 'agreed')} of {asked}",
        str(len({number for number, _ in tally.wrong})),
        f"{seconds:.0f} s on {processes}",
    ]
    text = CAMPAIGNS.read_text(encoding="utf-8").splitlines()
    last = max(number for number, line in enumerate(text) if line.startswith(TABLE))
    while last + 1 < len(text) and text[last + 1].startswith("|"):
        last += 1
    text.insert(last + 1, f"| {' | '.join(cells)} |")
    CAMPAIGNS.write_text("\n".join(text) + "\n", encoding="utf-8")


def main() -> int:
    """Run what the command line says; 1 when a verdict was wrong."""
    parser = argparse.ArgumentParser(prog="python -m tests.differential", description=__doc__)
    parser.add_argument("--case", type=int, help="repeat one case and tell what it is")
    parser.add_argument("--cases", type=int, default=1_000, help="how many cases (default: 1000)")
    parser.add_argument("--first", type=int, default=1, help="the first number (default: 1)")
    parser.add_argument(
        "--second-every",
        type=int,
        default=SECOND_EVERY,
        help="one case in so many is put to the second solver too; 0: none (default: %(default)s)",
    )
    parser.add_argument("--minutes", type=float, help="stop after this time, with fewer cases")
    parser.add_argument("--processes", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--record", action="store_true", help="add a line to docs/safety/campaigns.md")
    given = parser.parse_args()
    if given.case is not None:
        return _one(given.case)
    started = time.monotonic()
    limit_s = None if given.minutes is None else given.minutes * 60
    tally = campaign(given.first, given.cases, given.processes, limit_s, given.second_every)
    seconds = time.monotonic() - started
    for line in lines(tally, given.first, seconds):
        print(line)
    if given.record:
        record(tally, given.first, given.processes, seconds)
    return 1 if tally.wrong else 0


def _one(number: int) -> int:
    with SecondSolver(PATIENCE) as solver:
        trial = tried(number, solver.ask)
    plan, reached, report = trial.plan, trial.reached, trial.report
    if plan is not None:
        steps = [("", plan.steps), *((f"{channel.name} ", channel.steps) for channel in plan.channels)]
        for name, several in steps:
            print(*(f"{name}{index} {step}" for index, step in enumerate(several)), sep="\n")
        print(*plan.variables, *plan.requirements, *plan.rules, plan.interruptions, plan.device, sep="\n")
        print(f"stop {plan.stop_slew_na_s} nA/s; course {plan.course}")
    if plan is not None and reached is not None and report is not None:
        words = words_of(report)
        for index, limit in enumerate(plan.limits):
            said = ", ".join(sorted(words.get(index, {"not asked"})))
            most = float(reached.most.get(index, 0))
            print(f"limit {index}: {limit.kind.value} <= {limit.bound}, {most} was reached: {said}")
        for finding in report.findings:
            word = verdict_name(finding.verdict)
            if word != "proved":
                print(f"{word}: {finding.claim.statement} {finding.reason or ''}")
    for text in trial.wrong:
        print(f"WRONG {text}")
    return 1 if trial.wrong else 0


if __name__ == "__main__":
    sys.exit(main())
