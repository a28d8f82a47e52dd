"""What was aimed at before the project began, and what a run of the bench has reached of it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from tests.bench import candidates as named
from tests.bench.measuring import Measured

# In units of F, the time of `python -c "import z3"` in the same run.
VERIFY_IN_F = {20: 1.2, 100: 1.5, 1000: 3.5}
KEPT_IN_F = 0.8

# In milliseconds.
WARM_MS = 15
RECHECK_MS = 1
DECIDED_MS = 0.02
CHARGE_MS = 20
THEOREM_MS = 150
SESSION_MS = 200

FILES_A_SECOND = 200
SPEED_UP = 1.9
WORKER_MB = 80


@dataclass(frozen=True, slots=True)
class Run:
    """One run of the bench: times by name, how many things each part disposes of, memory of a batch, ticks of
    the session, and how busy the machine was: its load average over five minutes, at the end.
    """

    measured: Mapping[str, Measured]
    counts: Mapping[str, int]
    queries: int
    worker_mb: float
    rounds: int
    ticks: int
    load: float

    def ms(self, name: str) -> float:
        """The median."""
        return self.measured[name].median * 1000

    def in_f(self, name: str) -> float:
        """The median, in units of F."""
        return self.measured[name].median / self.measured[named.SOLVER].median


@dataclass(frozen=True, slots=True)
class Target:
    """What was aimed at, and what came of it."""

    what: str
    aim: str
    found: str
    reached: bool


def targets_of(run: Run) -> Iterator[Target]:
    """Every target that the run can be held to."""
    for steps, most in VERIFY_IN_F.items():
        name = named.verifying(steps)
        if name in run.measured:
            yield _in_f(run, name, f"`ionto verify` from nothing, {steps} steps", most)
    yield _in_f(run, named.KEPT, named.KEPT, KEPT_IN_F)
    yield _in_ms(run, named.WARM, named.WARM, WARM_MS)
    claims, asked = run.counts[named.RECHECK], run.counts[named.DECIDED]
    yield _in_ms(
        run,
        named.RECHECK,
        f"recheck without a solver, each of {claims} claims, questions derived anew",
        RECHECK_MS,
    )
    yield _in_ms(run, named.DECIDED, f"deciding, each of {asked:,} obligations", DECIDED_MS)
    doses = run.counts[named.CHARGE]
    yield _in_ms(run, named.CHARGE, f"charge bound of 1,000 steps, 32 parameters, each of {doses}", CHARGE_MS)
    found = run.ms(named.THEOREM)
    what = f"{named.THEOREM}, all constants symbolic ({run.queries} queries)"
    yield Target(what, f"<= {THEOREM_MS} ms", f"{found:,.0f} ms", found <= THEOREM_MS)
    one, two = (named.BATCH / run.measured[named.batch(jobs)].median for jobs in (1, 2))
    what = f"batch of {named.BATCH} files of 20 steps, 2 processes"
    yield Target(what, f">= {FILES_A_SECOND} files/s", f"{two:.1f} files/s", two >= FILES_A_SECOND)
    yield Target(
        f"{what}, against one", f">= {SPEED_UP} times", f"{two / one:.2f} times", two >= SPEED_UP * one
    )
    yield Target(
        f"{what}, largest process",
        f"<= {WORKER_MB} MB",
        f"{run.worker_mb:.0f} MB",
        run.worker_mb <= WORKER_MB,
    )
    yield _in_ms(run, named.SESSION, named.SESSION, SESSION_MS)


def ratios(run: Run, steps: int) -> tuple[float, float]:
    """How many times longer one push/pop each takes: from file to verdict, and for the deciding alone."""
    whole = run.ms(named.usual(steps)) / run.ms(named.verifying(steps))
    alone = run.ms(named.deciding(steps, ours=False)) / run.ms(named.deciding(steps, ours=True))
    return whole, alone


def _in_f(run: Run, name: str, what: str, most: float) -> Target:
    found = run.in_f(name)
    return Target(what, f"<= {most} F", f"{found:.2f} F", found <= most)


def _in_ms(run: Run, name: str, what: str, most: float) -> Target:
    found = run.ms(name) / (run.counts.get(name) or 1)
    return Target(what, f"<= {most} ms", f"{found:.3g} ms", found <= most)
