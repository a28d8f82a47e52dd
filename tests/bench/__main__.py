"""The bench (`make bench`): one interleaved run, medians, ratios to what importing the solver costs.

Seconds depend on the machine and on what else it does; ratios to F, the time of `python -c "import z3"` in
the same run, travel better. The targets are those that the project set itself before it began.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
from pathlib import Path

from tests.bench import candidates as named
from tests.bench.explicit import compare, section
from tests.bench.measuring import RUNS_MIN, interleaved, measure
from tests.bench.speed_page import COMPARISON, PAGE, page
from tests.bench.targets import VERIFY_IN_F, Run, ratios, targets_of

THEOREM_RUNS = 3
"""It takes seconds, and the same steps each time."""


def main() -> int:
    """Measure and print. The exit code is 0 whatever was reached: a busy machine is no failure."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench", description=main.__doc__)
    parser.add_argument("--runs", type=int, default=RUNS_MIN, help=f"rounds, at least {RUNS_MIN}")
    parser.add_argument("--steps", type=int, nargs="*", default=list(VERIFY_IN_F), help="lengths to verify")
    parser.add_argument("--record", action="store_true", help=f"write {PAGE.name} of the manual")
    arguments = parser.parse_args()
    if arguments.runs < RUNS_MIN:
        parser.error(f"fewer than {RUNS_MIN} rounds say nothing on a shared machine")
    run = _measured(arguments.runs, arguments.steps)
    _print(run)
    explicit = section(compare())
    print(f"\n{explicit}", end="")
    if arguments.record:
        PAGE.write_text(page(run, explicit), encoding="utf-8")
        print(f"\nwrote {PAGE}")
    return 0


def _measured(rounds: int, lengths: list[int]) -> Run:
    obligations = {steps: named.agreed(steps) for steps in named.COMPARED}
    treated, ticks = named.session()
    parts, counts = named.parts()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        candidates = named.cold(folder, lengths) | named.compared(folder, obligations)
        candidates |= named.batches(folder) | parts
        candidates |= {named.WARM: named.again(), named.SESSION: treated}
        measured = interleaved(candidates, rounds)
        worker_mb = named.worker_mb(folder)
    measured[named.THEOREM] = measure(named.theorem, THEOREM_RUNS)
    queries = named.theorem()
    counts |= {named.deciding(steps, ours=True): len(found) for steps, found in obligations.items()}
    return Run(measured, counts, queries, worker_mb, rounds, ticks, os.getloadavg()[1])


def _print(run: Run) -> None:
    print(f"{run.rounds} interleaved rounds; load average {run.load:.1f} on {os.cpu_count()} cores")
    print(f"F = {named.SOLVER} = {run.ms(named.SOLVER):.0f} ms\n")
    print(f"{'':54} {'median':>9} {'least':>9} {'in F':>6}")
    for name, found in run.measured.items():
        least = found.least * 1000
        print(f"{name:54} {run.ms(name):6.1f} ms {least:6.1f} ms {run.in_f(name):6.2f}")
    print(f"\n{'':64} {'found':>12}  aim")
    for target in targets_of(run):
        word = "" if target.reached else "missed"
        print(f"{target.what:64} {target.found:>12}  {target.aim:14} {word}".rstrip())
    rate = run.ticks / run.measured[named.SESSION].median
    print(f"machine: {rate:,.0f} ticks per second")
    print("\none push, one check, one pop per obligation through z3's Python module, against ionto:")
    for steps in named.COMPARED:
        whole, alone = ratios(run, steps)
        asked = run.counts[named.deciding(steps, ours=True)]
        print(
            f"  {steps:4} steps, {asked} obligations: {whole:.1f} times as long from file to verdict,"
            f" {alone:.0f} times as long for the deciding alone"
        )
    print(COMPARISON)


if __name__ == "__main__":
    sys.exit(main())
