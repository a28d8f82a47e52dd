"""The bench (`make bench`): one interleaved run, medians, ratios to what importing the solver costs.

Seconds depend on the machine and on what else it does; ratios to F, the time of `python -c "import z3"` in
the same run, travel better. The targets are those that the project set itself before it began.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path

from ionto_dsl.driver import compile_text
from ionto_ir.bind import bind
from ionto_ir.bound import BoundPlan
from ionto_ir.dry_run import obliging, run
from ionto_ir.ordinary import ordinary_values
from ionto_verifier.decision import Proved
from ionto_verifier.driver import verify
from ionto_verifier.obligation import Obligation
from ionto_verifier.solve import decide_all
from tests.bench.measuring import RUNS_MIN, Measured, interleaved
from tests.bench.one_by_one import obligations_of, one_by_one
from tests.bench.protocols import protocol, twenty_minutes

START = "python -c pass"
SOLVER = 'python -c "import z3"'
KEPT = "unchanged file, verdict from the cache"
BATCH = 8
WARM = "verified again in a running process, 20 steps"
SESSION = "a session of 20 minutes on the machine alone"

# What each is held to: in units of F, or in seconds where the name says seconds.
TARGETS_IN_F = {20: 1.2, 100: 1.5, 1000: 3.5}
KEPT_IN_F = 0.8
COMPARED = (20, 100)
WARM_SECONDS = 0.015
SESSION_SECONDS = 0.2


def main() -> int:
    """Measure and print. The exit code is 0 whatever was reached: a busy machine is no failure."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench", description=main.__doc__)
    parser.add_argument("--runs", type=int, default=RUNS_MIN, help=f"rounds, at least {RUNS_MIN}")
    parser.add_argument("--steps", type=int, nargs="*", default=list(TARGETS_IN_F), help="lengths to verify")
    arguments = parser.parse_args()
    if arguments.runs < RUNS_MIN:
        parser.error(f"fewer than {RUNS_MIN} rounds say nothing on a shared machine")
    with tempfile.TemporaryDirectory() as folder:
        bound, ticks = _session()
        obligations = {steps: _obligations(steps) for steps in COMPARED}
        candidates = _cold(Path(folder), arguments.steps)
        candidates |= _compared(Path(folder), obligations)
        candidates |= _batches(Path(folder))
        candidates[WARM] = _again()
        candidates[SESSION] = lambda: _ticks_of(bound)
        measured = interleaved(candidates, arguments.runs)
    _print(measured, arguments.runs, ticks)
    _print_compared(measured, obligations)
    return 0


def _cold(folder: Path, lengths: list[int]) -> dict[str, Callable[[], object]]:
    python = sys.executable
    candidates = {
        START: _process([python, "-c", "pass"], 0),
        SOLVER: _process([python, "-c", "import z3"], 0),
    }
    for steps in lengths:
        path = folder / f"measured_{steps}.ionto"
        path.write_text(protocol(steps), encoding="utf-8")
        candidates[_verify(steps)] = _process([_ionto(), "verify", str(path)], 0)
    return candidates


def _obligations(steps: int) -> list[Obligation]:
    """The obligations of the protocol of that length, on which both ways were seen to agree."""
    found = obligations_of(compile_text(protocol(steps)).plans[0].plan)
    ours = decide_all(found)
    for item, said in zip(found, one_by_one(found), strict=True):
        assert isinstance(ours[item.id], Proved) == (said == "unsat"), f"{item.id}: z3 says {said}"
    return found


def _compared(folder: Path, obligations: Mapping[int, list[Obligation]]) -> dict[str, Callable[[], object]]:
    """The usual way beside ours: whole processes on the same file, and the deciding alone."""
    candidates: dict[str, Callable[[], object]] = {}
    for steps, found in obligations.items():
        path = folder / f"compared_{steps}.ionto"
        path.write_text(protocol(steps), encoding="utf-8")
        program = [sys.executable, "-m", "tests.bench.one_by_one", str(path)]
        candidates[_usual(steps)] = _process(program, 0)
        candidates[_verify(steps)] = _process([_ionto(), "verify", str(path)], 0)
        candidates[_decided(steps, ours=False)] = lambda found=found: one_by_one(found)
        candidates[_decided(steps, ours=True)] = lambda found=found: decide_all(found)
    return candidates


def _ionto() -> str:
    return str(Path(sys.executable).parent / "ionto")


def _usual(steps: int) -> str:
    return f"a push/pop each, z3's module, {steps} steps"


def _decided(steps: int, *, ours: bool) -> str:
    return f"only deciding, {'our stages' if ours else 'a push/pop each'}, {steps} steps"


def _batches(folder: Path) -> dict[str, Callable[[], object]]:
    """A file whose verdict is kept (by the round that does not count), and several files by one and two
    processes.
    """
    ionto = _ionto()
    paths = []
    for number in range(BATCH):
        path = folder / f"batch_{number}.ionto"
        path.write_text(f"{protocol(20)}# {number}\n", encoding="utf-8")
        paths.append(str(path))
    kept = {"IONTO_CACHE": "on", "IONTO_HOME": str(folder / "home")}
    return {
        KEPT: _process([ionto, "verify", paths[0]], 0, kept),
        **{_batch(jobs): _process([ionto, "verify", *paths, "-j", str(jobs)], 0) for jobs in (1, 2)},
    }


def _batch(jobs: int) -> str:
    return f"ionto verify -j {jobs}, {BATCH} files of 20 steps"


def _verify(steps: int) -> str:
    return f"ionto verify, {steps} steps"


def _process(
    command: list[str], expected: int, more: Mapping[str, str] | None = None
) -> Callable[[], object]:
    # Without compiled modules beside the sources one would measure Python's compiler.
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    environment |= {"IONTO_CACHE": "off"} if more is None else more

    def once() -> None:
        ran = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
        assert ran.returncode == expected, f"{command}: {ran.returncode}\n{ran.stdout}{ran.stderr}"

    return once


def _again() -> Callable[[], object]:
    """What an editor asks for after a key: the same protocol with another comment, so that it is new."""
    counter = iter(range(1_000_000))

    def once() -> None:
        compilation = compile_text(f"{protocol(20)}# {next(counter)}\n")
        assert verify(compilation.plans[0].plan).proved

    return once


def _session() -> tuple[BoundPlan, int]:
    compilation = compile_text(twenty_minutes())
    plan = compilation.plans[0].plan
    bound = bind(plan, ordinary_values(plan, {}))
    assert isinstance(bound, BoundPlan), "the protocol is made to be run"
    return bound, _ticks_of(bound)


def _ticks_of(bound: BoundPlan) -> int:
    done = run(bound, obliging({}))
    assert done.ending is not None
    return done.final.machine.elapsed_ms // bound.constants.tick_ms


def _print(measured: dict[str, Measured], runs: int, ticks: int) -> None:
    solver = measured[SOLVER].median
    print(f"{runs} interleaved rounds; F = {SOLVER} = {solver * 1000:.0f} ms\n")
    print(f"{'':50} {'median':>9} {'least':>9} {'in F':>6}  target")
    for name, found in measured.items():
        target, reached = _judged(name, found, solver)
        print(
            f"{name:50} {found.median * 1000:6.1f} ms {found.least * 1000:6.1f} ms "
            f"{found.median / solver:6.2f}  {target:12} {reached}".rstrip()
        )
    rates = [f"{BATCH / measured[_batch(jobs)].median:.1f} with -j {jobs}" for jobs in (1, 2)]
    print(f"\nfiles of 20 steps per second: {', '.join(rates)} ({os.cpu_count()} cores)")
    print(f"machine: {ticks / measured[SESSION].median:,.0f} ticks per second ({ticks} ticks)")


def _print_compared(measured: dict[str, Measured], obligations: Mapping[int, list[Obligation]]) -> None:
    """How many times longer the usual way takes, on the same obligations in the same rounds."""
    print("\none push, one check, one pop per obligation through z3's Python module, against ionto:")
    for steps, found in obligations.items():
        whole = measured[_usual(steps)].median / measured[_verify(steps)].median
        alone = measured[_decided(steps, ours=False)].median / measured[_decided(steps, ours=True)].median
        print(
            f"  {steps:4} steps, {len(found)} obligations: {whole:.1f} times as long from file to verdict,"
            f" {alone:.0f} times as long for the deciding alone"
        )
    print(
        "  Both agree on every one. z3 is asked over the reals and says yes or no; ionto also finds\n"
        "  margins, certificates, cores and counterexamples on the grid. It decides equal obligations once."
    )


def _judged(name: str, found: Measured, solver: float) -> tuple[str, str]:
    """The target in words, and whether it was reached."""
    for steps, ratio in TARGETS_IN_F.items():
        if name == _verify(steps):
            return f"<= {ratio} F", _word(found.median <= ratio * solver)
    if name == KEPT:
        return f"<= {KEPT_IN_F} F", _word(found.median <= KEPT_IN_F * solver)
    for other, seconds in ((WARM, WARM_SECONDS), (SESSION, SESSION_SECONDS)):
        if name == other:
            return f"<= {seconds * 1000:.0f} ms", _word(found.median <= seconds)
    return "", ""


def _word(reached: bool) -> str:
    return "reached" if reached else "missed"


if __name__ == "__main__":
    sys.exit(main())
