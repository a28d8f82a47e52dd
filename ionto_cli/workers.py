"""Files verified in several processes: answers in the order of the questions, progress to the terminal."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from ionto_cli.exits import Exit
from ionto_cli.outcome import Case, Judged, Outcome, Request, Suite
from ionto_cli.progress import Progress
from ionto_cli.terminal import complain, recorded
from ionto_ir.diagnostic import error

if TYPE_CHECKING:
    from concurrent.futures import Future


def judged_by_workers(requests: Sequence[Request], jobs: int) -> Iterator[Judged]:
    """Each request's answer, in order, each as soon as it and all before it are there."""
    from concurrent.futures import ProcessPoolExecutor, as_completed
    from multiprocessing import get_context

    # Loaded once here, and inherited where processes are copies of this one.
    from ionto_cli.verify_file import judge

    progress = Progress(len(requests))
    copies = sys.platform == "linux"
    sys.stdout.flush()
    sys.stderr.flush()
    pool = ProcessPoolExecutor(
        min(jobs, len(requests)), get_context("fork" if copies else "spawn"), _begin_worker
    )
    try:
        futures = [pool.submit(judge, request) for request in requests]
        told = 0
        progress.show(0)
        for done, _ in enumerate(as_completed(futures), start=1):
            while told < len(futures) and futures[told].done():
                progress.clear()
                yield _answer(futures[told], requests[told])
                told += 1
            if done < len(futures):
                progress.show(done)
    finally:
        pool.shutdown(wait=True, cancel_futures=True)
        progress.clear()


def _answer(future: Future[Judged], request: Request) -> Judged:
    from concurrent.futures.process import BrokenProcessPool

    try:
        return future.result()
    except BrokenProcessPool:
        return _unanswered(request)


def _unanswered(request: Request) -> Judged:
    """What is shown of a file when a worker was ended from outside: that nothing is known."""
    import json

    from ionto_cli.sarif import sarif_result
    from ionto_ir.render import diagnostic_data

    problem = error(
        "I0965",
        f"`{request.file}` was not verified: a process that was to do it has been ended",
        None,
        notes=("nothing is known of it; the system ends processes when memory runs out",),
        help="verify it again with fewer processes: `-j 1`",
    )
    said = () if request.json else recorded(lambda: complain(problem), request.paints)
    data = {
        "file": request.file,
        "exit": int(Exit.UNDECIDED),
        "diagnostics": [diagnostic_data(problem)],
        "reports": [],
        "opinions": [],
    }
    suite = Suite(request.file, (Case(problem.code, "error", problem.message),))
    outcome = Outcome(
        request.file, Exit.UNDECIDED, said, json.dumps(data), json.dumps([sarif_result(problem)]), (suite,)
    )
    return Judged(outcome, {}, {}, False)


def _begin_worker() -> None:
    """Ends with the command: at the keyboard's word without a traceback, and when the command is no more."""
    import signal
    from multiprocessing import parent_process
    from threading import Thread

    signal.signal(signal.SIGINT, signal.SIG_DFL)
    parent = parent_process()
    assert parent is not None, "a worker has a parent"
    Thread(target=_end_with, args=(parent.sentinel,), daemon=True).start()


def _end_with(sentinel: int) -> None:
    import os
    from multiprocessing.connection import wait

    wait([sentinel])
    os._exit(1)
