"""`ionto verify`: every property of every protocol in the files, with margins or counterexamples."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from typing import TYPE_CHECKING, Any

from ionto_cli.exits import Exit, gravest
from ionto_cli.outcome import Judged, Outcome, Request
from ionto_cli.terminal import colours, complain, note, show

if TYPE_CHECKING:
    from ionto_cli.verdict_cache import Cache
    from ionto_verifier.second_solver import SecondSolver

Machine = dict[str, Any]
"""The machine's theorem as it stands in the JSON output."""


def run(arguments: argparse.Namespace) -> Exit:
    """Verify each file; the gravest outcome decides the exit code."""
    requests = _requests(arguments)
    machine = None
    if arguments.cross_check or arguments.machine or arguments.queries is not None:
        if arguments.jobs != 1:
            note("-j is left aside: --cross-check, --machine and --queries work in one process")
        with ExitStack() as stack:
            solver = None
            if arguments.cross_check:
                from ionto_cli.second_opinions import missing
                from ionto_verifier.second_solver import SecondSolver

                lacking = missing()
                if lacking is not None:
                    return complain(lacking)
                solver = stack.enter_context(SecondSolver())
            outcomes = _told(judged.outcome for judged in _judged_here(requests, solver))
            exits = [outcome.exit for outcome in outcomes]
            if arguments.machine or arguments.queries is not None:
                from ionto_cli.machine_shown import machine_shown

                machine, found = machine_shown(arguments.queries, solver, quiet=arguments.json)
                exits.append(found)
        kept = [False] * len(outcomes)
    else:
        kept, outcomes = _unless_kept(requests, arguments)
        exits = [outcome.exit for outcome in outcomes]
    exits.append(_write_files(arguments, outcomes))
    if arguments.json:
        _write_json(outcomes, kept, machine)
    return gravest(exits)


def _requests(arguments: argparse.Namespace) -> list[Request]:
    paints = colours(sys.stdout), colours(sys.stderr)
    return [
        Request(
            name,
            arguments.device,
            arguments.protocol,
            arguments.margins,
            arguments.show,
            arguments.json,
            arguments.sarif is not None,
            arguments.junit is not None,
            paints,
        )
        for name in arguments.files
    ]


def _told(outcomes: Iterator[Outcome]) -> list[Outcome]:
    """All of them; each is shown as soon as it is there."""
    found = []
    for outcome in outcomes:
        show(outcome.said)
        found.append(outcome)
    return found


def _unless_kept(
    requests: Sequence[Request], arguments: argparse.Namespace
) -> tuple[list[bool], list[Outcome]]:
    """Of each file whether its outcome was in the cache, and the outcomes; what is proved now is kept."""
    from ionto_cli.verdict_cache import key_of, look_up, open_cache

    cache = open_cache()
    keys = [None if cache is None else key_of(cache, request) for request in requests]
    kept = [None if cache is None or key is None or arguments.fresh else look_up(cache, key) for key in keys]
    outcomes = _told(_in_order(requests, keys, kept, cache, arguments.jobs))
    unchanged = sum(outcome is not None for outcome in kept)
    if unchanged and len(requests) == 1:
        note("unchanged: the verdict is from the cache; --fresh proves it anew")
    elif unchanged:
        note(
            f"unchanged: {unchanged} of {len(requests)} verdicts are from the cache; --fresh proves them anew"
        )
    return [outcome is not None for outcome in kept], outcomes


def _in_order(
    requests: Sequence[Request],
    keys: Sequence[str | None],
    kept: Sequence[Outcome | None],
    cache: Cache | None,
    jobs: int,
) -> Iterator[Outcome]:
    from ionto_cli.verdict_cache import keep

    missing = [request for request, outcome in zip(requests, kept, strict=True) if outcome is None]
    answers = _judged(missing, jobs or os.cpu_count() or 1)
    for key, outcome in zip(keys, kept, strict=True):
        if outcome is not None:
            yield outcome
            continue
        judged = next(answers)
        if cache is not None and key is not None:
            keep(cache, key, judged)
        yield judged.outcome


def _judged(requests: Sequence[Request], jobs: int) -> Iterator[Judged]:
    if jobs == 1 or len(requests) < 2:
        return _judged_here(requests, None)
    from ionto_cli.workers import judged_by_workers

    return judged_by_workers(requests, jobs)


def _judged_here(requests: Sequence[Request], solver: SecondSolver | None) -> Iterator[Judged]:
    """Each request's answer, made in this process, one after the other."""
    if not requests:
        return
    from ionto_cli.progress import Progress
    from ionto_cli.verify_file import judge

    progress = Progress(len(requests))
    for done, request in enumerate(requests):
        progress.show(done)
        judged = judge(request, solver)
        progress.clear()
        yield judged


def _write_json(outcomes: Sequence[Outcome], kept: Sequence[bool], machine: Machine | None) -> None:
    import json

    from ionto_cli.terminal import write_json
    from ionto_cli.verify_schema import RUN_SCHEMA

    files = [
        {**json.loads(outcome.data), "unchanged": unchanged}
        for outcome, unchanged in zip(outcomes, kept, strict=True)
    ]
    write_json({"schema": RUN_SCHEMA, "files": files, "machine": machine})


def _write_files(arguments: argparse.Namespace, outcomes: Sequence[Outcome]) -> Exit:
    """The files that CI reads beside the exit code."""
    written: list[tuple[str, bytes]] = []
    if arguments.sarif:
        import json

        from ionto_cli.sarif import sarif
        from ionto_cli.version import version

        results = [result for outcome in outcomes for result in json.loads(outcome.findings)]
        written.append((arguments.sarif, json.dumps(sarif(results, version()), indent=2).encode() + b"\n"))
    if arguments.junit:
        from ionto_cli.junit import junit

        written.append((arguments.junit, junit([suite for outcome in outcomes for suite in outcome.suites])))
    return gravest([_write(path, data) for path, data in written])


def _write(name: str, data: bytes) -> Exit:
    from pathlib import Path

    from ionto_cli.files import system_words, write_whole
    from ionto_ir.diagnostic import error

    try:
        write_whole(Path(name), data)
    except OSError as problem:
        return complain(error("I0904", f"cannot write `{name}`: {system_words(problem)}", None))
    return Exit.PROVED
