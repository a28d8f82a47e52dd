"""What the bench measures: each candidate by the name under which its time is told."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TypeAlias

from ionto_dsl.driver import compile_text
from ionto_ir.bind import bind
from ionto_ir.bound import BoundPlan
from ionto_ir.canonical import digest
from ionto_ir.dry_run import obliging, run
from ionto_ir.ordinary import ordinary_values
from ionto_ir.recheck.check import Rechecked
from ionto_ir.recheck.sealed import recheck_sealed
from ionto_verifier.decision import Proved
from ionto_verifier.driver import verify
from ionto_verifier.machine_proof import Finding, prove_machine
from ionto_verifier.obligation import Obligation
from ionto_verifier.properties import Property
from ionto_verifier.solve import decide_all
from tests.bench.one_by_one import obligations_of, one_by_one
from tests.bench.protocols import TIMES, protocol, twenty_minutes
from tests.ir.sealing import PROVE_ONLY, sealed_parts

Candidates: TypeAlias = dict[str, Callable[[], object]]

START = "python -c pass"
SOLVER = 'python -c "import z3"'
KEPT = "unchanged file, verdict from the cache"
WARM = "verified again in a running process, 20 steps"
SESSION = "a session of 20 minutes on the machine alone"
THEOREM = "the machine theorem"
CHARGE = "deciding the charge bounds, 1000 steps, 32 parameters"
DECIDED = "deciding what a protocol of 1000 steps asks"
RECHECK = "rechecking the claims of a protocol of 20 steps"

BATCH = 8
COMPARED = (20, 100)
LONG = 1000
MANY_CURRENTS = 32 - TIMES


def verifying(steps: int) -> str:
    """`ionto verify` in a process of its own."""
    return f"ionto verify, {steps} steps"


def usual(steps: int) -> str:
    """The usual way, in a process of its own."""
    return f"a push/pop each, z3's module, {steps} steps"


def deciding(steps: int, *, ours: bool) -> str:
    """Only what it takes to decide obligations that were built."""
    return f"only deciding, {'our stages' if ours else 'a push/pop each'}, {steps} steps"


def batch(jobs: int) -> str:
    """Several files by one command."""
    return f"ionto verify -j {jobs}, {BATCH} files of 20 steps"


def ionto() -> str:
    """The command of this installation."""
    return str(Path(sys.executable).parent / "ionto")


def cold(folder: Path, lengths: Sequence[int]) -> Candidates:
    """Processes that begin from nothing."""
    candidates = {
        START: _process([sys.executable, "-c", "pass"]),
        SOLVER: _process([sys.executable, "-c", "import z3"]),
    }
    for steps in lengths:
        path = _written(folder / f"measured_{steps}.ionto", protocol(steps))
        candidates[verifying(steps)] = _process([ionto(), "verify", path])
    return candidates


def compared(folder: Path, obligations: Mapping[int, list[Obligation]]) -> Candidates:
    """The usual way beside ours: whole processes on the same file, and the deciding alone."""
    candidates: Candidates = {}
    for steps, found in obligations.items():
        path = _written(folder / f"compared_{steps}.ionto", protocol(steps))
        candidates[usual(steps)] = _process([sys.executable, "-m", "tests.bench.one_by_one", path])
        candidates[verifying(steps)] = _process([ionto(), "verify", path])
        candidates[deciding(steps, ours=False)] = lambda found=found: one_by_one(found)
        candidates[deciding(steps, ours=True)] = lambda found=found: decide_all(found)
    return candidates


def agreed(steps: int) -> list[Obligation]:
    """The obligations of the protocol of that length, on which both ways were seen to agree."""
    found = obligations_of(compile_text(protocol(steps)).plans[0].plan)
    ours = decide_all(found)
    for item, said in zip(found, one_by_one(found), strict=True):
        assert isinstance(ours[item.id], Proved) == (said == "unsat"), f"{item.id}: z3 says {said}"
    return found


def batches(folder: Path) -> Candidates:
    """A file whose verdict is kept (by the round that does not count), and several files by one and two
    processes.
    """
    paths = batch_files(folder)
    kept = {"IONTO_CACHE": "on", "IONTO_HOME": str(folder / "home")}
    return {
        KEPT: _process([ionto(), "verify", paths[0]], kept),
        **{batch(jobs): _process([ionto(), "verify", *paths, "-j", str(jobs)]) for jobs in (1, 2)},
    }


def batch_files(folder: Path) -> list[str]:
    """Several files, no two of which are the same text."""
    return [
        _written(folder / f"batch_{number}.ionto", f"{protocol(20)}# {number}\n") for number in range(BATCH)
    ]


def worker_mb(folder: Path) -> float:
    """The most memory that a process of a batch takes, MB.

    Linux counts for a process also what the one that started it held at that moment, and the bench holds
    much: so a small one starts the batch and tells what its children took.
    """
    batch_of_two = [ionto(), "verify", *batch_files(folder), "-j", "2"]
    code = (
        "import resource, subprocess, sys\n"
        "subprocess.run(sys.argv[1:], check=True, stdout=subprocess.DEVNULL)\n"
        "print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)\n"
    )
    command = [sys.executable, "-c", code, *batch_of_two]
    ran = subprocess.run(command, env=_environment(None), check=True, capture_output=True, text=True)
    return int(ran.stdout) / 1000


def again() -> Callable[[], object]:
    """What an editor asks for after a key: the same protocol with another comment, so that it is new."""
    counter = iter(range(1_000_000))

    def once() -> None:
        compilation = compile_text(f"{protocol(20)}# {next(counter)}\n")
        assert verify(compilation.plans[0].plan).proved

    return once


def parts() -> tuple[Candidates, dict[str, int]]:
    """Parts of the pipeline alone, and of how many things each disposes."""
    asked = obligations_of(compile_text(protocol(LONG)).plans[0].plan)
    wide = obligations_of(compile_text(protocol(LONG, MANY_CURRENTS)).plans[0].plan)
    doses = [item for item in wide if item.property == Property.DOSE.value]
    assert doses, "the envelope limits the dose"
    rechecking, claims = _recheck()
    candidates: Candidates = {
        DECIDED: lambda: decide_all(asked),
        CHARGE: lambda: decide_all(doses),
        RECHECK: rechecking,
    }
    return candidates, {DECIDED: len(asked), CHARGE: len(doses), RECHECK: claims}


def theorem() -> int:
    """Prove it; how many queries that took."""
    proved = prove_machine()
    assert proved.finding is Finding.PROVED
    return len(proved.queries)


def session() -> tuple[Callable[[], int], int]:
    """A whole session of the machine, and its ticks."""
    plan = compile_text(twenty_minutes()).plans[0].plan
    bound = bind(plan, ordinary_values(plan, {}))
    assert isinstance(bound, BoundPlan), "the protocol is made to be run"

    def once() -> int:
        done = run(bound, obliging({}))
        assert done.ending is not None
        return done.final.machine.elapsed_ms // bound.constants.tick_ms

    return once, once()


def _recheck() -> tuple[Callable[[], object], int]:
    """The recheck of a sealed protocol, and how many claims it derives."""
    plan = compile_text(protocol(20)).plans[0].plan
    written, said, certificates = sealed_parts(plan, verify(plan, PROVE_ONLY))
    plan_sha256 = digest(written)

    def once() -> Rechecked:
        checked = recheck_sealed(plan, plan_sha256, said, certificates)
        assert isinstance(checked, Rechecked), checked
        assert not checked.faults, checked.faults
        return checked

    return once, len(once().claims)


def _written(path: Path, text: str) -> str:
    path.write_text(text, encoding="utf-8")
    return str(path)


def _environment(more: Mapping[str, str] | None) -> dict[str, str]:
    # Without compiled modules beside the sources one would measure Python's compiler.
    kept = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    return kept | ({"IONTO_CACHE": "off"} if more is None else dict(more))


def _process(command: list[str], more: Mapping[str, str] | None = None) -> Callable[[], object]:
    environment = _environment(more)

    def once() -> None:
        ran = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
        assert ran.returncode == 0, f"{command}: {ran.returncode}\n{ran.stdout}{ran.stderr}"

    return once
