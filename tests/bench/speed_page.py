"""The page of the manual on speed, as a run of the bench records it (`python -m tests.bench --record`)."""

from __future__ import annotations

import os
import platform
from datetime import UTC, datetime
from pathlib import Path

from ionto_verifier import smt
from tests.bench import candidates as named
from tests.bench.targets import Run, ratios, targets_of

PAGE = Path(__file__).resolve().parents[2] / "docs/reference/speed.md"
COMPARISON = """\
Both say the same of every obligation. z3 is asked over the reals and says yes or no; ionto also finds
margins, certificates, cores and counterexamples on the grid. It decides equal obligations once, and most
of them without a solver."""

_PAGE = """\
# Speed

What was reached against what was aimed at before the project began. Recorded by
`python -m tests.bench --record` on {date}, on {machine}
(load average {load:.1f}, of which the bench makes one): medians of {rounds} rounds, each of which ran every
candidate once (the machine theorem: of three runs). F is the time of `{solver}` in the same
rounds, {f:.0f} ms here. Ratios travel, milliseconds do not, and neither decides a test. `make bench`
measures again without recording.

| what | aim | found | |
| --- | --- | --- | --- |
{targets}

{reached} of {asked} are reached. A batch is measured with what it costs to start its processes. What is
not time is recorded elsewhere: which part of a random corpus is certified in
[certificates](certificates.md), wrong verdicts and disagreements of solvers in
[campaigns](../safety/campaigns.md).

## Against the usual way

One push, one check and one pop per obligation through z3's Python module, in turns with ionto, on the
obligations of the same files; first with everything from the file to the verdict, in a process that begins
from nothing, then only the deciding of obligations that were built.

| | obligations | usual way, whole | ionto, whole | ratio | usual way, deciding | ionto, deciding | ratio |
| --- | --- | --- | --- | --- | --- | --- | --- |
{compared}

{comparison}

{explicit}"""

EXPLICIT = "## Against explicit model checkers"


def with_section(page: str, section: str) -> str:
    """The page with another last section: the one about model checkers."""
    assert section.startswith(EXPLICIT), "the section has its heading"
    return f"{page.partition(EXPLICIT)[0].rstrip()}\n\n{section}"


def page(run: Run, explicit: str) -> str:
    """The whole page; `explicit` is its section about model checkers."""
    targets = list(targets_of(run))
    return _PAGE.format(
        date=f"{datetime.now(UTC):%Y-%m-%d}",
        machine=_machine(),
        rounds=run.rounds,
        load=run.load,
        solver=named.SOLVER,
        f=run.ms(named.SOLVER),
        targets="\n".join(
            f"| {item.what} | {item.aim} | {item.found} | {'reached' if item.reached else 'missed'} |"
            for item in targets
        ),
        reached=sum(item.reached for item in targets),
        asked=len(targets),
        compared="\n".join(_compared(run, steps) for steps in named.COMPARED),
        comparison=COMPARISON,
        explicit=explicit,
    )


def _compared(run: Run, steps: int) -> str:
    whole, alone = ratios(run, steps)
    names = (named.usual(steps), named.verifying(steps))
    parts = (named.deciding(steps, ours=False), named.deciding(steps, ours=True))
    cells = [f"{steps} steps", str(run.counts[named.deciding(steps, ours=True)])]
    cells += [*(f"{run.ms(name):.0f} ms" for name in names), f"{whole:.1f}"]
    cells += [*(f"{run.ms(name):.1f} ms" for name in parts), f"{alone:.0f}"]
    return f"| {' | '.join(cells)} |"


def _machine() -> str:
    """Processor, cores, Python and solver."""
    models = [
        line.partition(":")[2].strip()
        for line in Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
        if line.startswith("model name")
    ]
    processor = models[0] if models else platform.machine()
    return f"{os.cpu_count()} cores of {processor}, Python {platform.python_version()}, {smt.version()}"
