"""The machine theorem as `ionto verify --machine` shows it: claims, queries, effort and assumptions."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from ionto_cli.exits import Exit, gravest
from ionto_cli.files import system_words, write_whole
from ionto_cli.second_opinions import opinions_on_theorem
from ionto_cli.terminal import complain, paint, say
from ionto_ir.diagnostic import Diagnostic, error
from ionto_verifier.cross_check import Said
from ionto_verifier.machine_proof import Finding, MachineTheorem, Query, prove_machine
from ionto_verifier.second_solver import SecondSolver

COLOURS = {"proved": "green", "refuted": "red", "undecided": "yellow"}


def machine_shown(
    folder: str | None, solver: SecondSolver | None, *, quiet: bool
) -> tuple[dict[str, Any], Exit]:
    """Prove the theorem anew, ask the second solver about it when there is one, tell it unless `quiet`."""
    theorem = prove_machine()
    second = {} if solver is None else opinions_on_theorem(theorem, solver)
    name = None if solver is None else solver.name
    written = Exit.PROVED if folder is None else write_queries(theorem, folder)
    if not quiet:
        tell_theorem(theorem, second, name)
    problems = theorem_problems(theorem, second, name)
    complain(*problems)
    outcome = Exit.DISAGREEMENT if problems else Exit.PROVED
    return theorem_data(theorem, second, name), gravest([outcome, written])


def theorem_data(theorem: MachineTheorem, second: Mapping[str, Said], solver: str | None) -> dict[str, Any]:
    """The theorem for machines; `second` is what the second solver says of each query by name."""
    return {
        "finding": theorem.finding.value,
        "solver": theorem.solver,
        "second_solver": solver,
        "claims": list(theorem.claims),
        "queries": [
            {
                "name": query.name,
                "conclusion": query.conclusion,
                "steps": [{"step": step, "mode": mode.name.lower()} for step, mode in query.steps],
                "finding": query.finding.value,
                "core": list(query.core),
                "bytes": len(query.script),
                "effort": query.effort,
                "second": second[query.name].value if query.name in second else None,
            }
            for query in theorem.queries
        ],
        "assumptions": list(theorem.assumptions),
    }


def tell_theorem(theorem: MachineTheorem, second: Mapping[str, Said], solver: str | None) -> None:
    """The theorem for people: what holds, each query in a line, and what it all rests on."""
    finding = theorem.finding.value
    headline = f"the machine, for all plans, by induction over events ({theorem.solver}): "
    say(paint(headline, "bold") + paint(finding, COLOURS[finding]))
    for claim in theorem.claims:
        say(f"  {claim}")
    width = max(len(query.name) for query in theorem.queries)
    for query in theorem.queries:
        say(_line(query, width, second.get(query.name)))
    steps, effort = (sum(found) for found in zip(*_sizes(theorem), strict=True))
    say(f"  {steps} steps of the induction in {len(theorem.queries)} queries, {effort:,} work units of z3")
    if solver is not None:
        counts = {said: sum(found is said for found in second.values()) for said in Said}
        line = f"  {solver} agrees on {counts[Said.UNSAT]} of {len(second)} queries"
        say(f"{line}, contradicts {counts[Said.SAT]}, does not say of {counts[Said.UNKNOWN]}")
    for text in theorem.assumptions:
        say(f"  assumed: {text}")


def _sizes(theorem: MachineTheorem) -> Iterator[tuple[int, int]]:
    return ((len(query.steps), query.effort) for query in theorem.queries)


def _line(query: Query, width: int, second: Said | None) -> str:
    said = "" if second is None else f"  second: {second.value}"
    steps = f"{len(query.steps)} step" + ("" if len(query.steps) == 1 else "s")
    size = f"{len(query.script):>6} bytes {query.effort:>9,} units  {steps:<9}"
    rests = ", ".join(query.core) or "nothing"
    return f"  {query.finding.value:<9} {query.name:<{width}}  {size}{said}  rests on {rests}"


def theorem_problems(
    theorem: MachineTheorem, second: Mapping[str, Said], solver: str | None
) -> list[Diagnostic]:
    """What is wrong with the theorem: a step that does not follow, two solvers that contradict each other."""
    found = []
    for query in theorem.queries:
        where = ", ".join(f"{name} in {mode.name.lower()}" for name, mode in query.steps[:3])
        if query.finding is not Finding.PROVED:
            text = f"the machine theorem is {query.finding.value}: {query.conclusion} after {where}"
            found.append(
                error("I0008", text, None, help="nothing is proved while it does not hold; report it")
            )
        elif second.get(query.name) is Said.SAT:
            text = f"{theorem.solver} proves `{query.name}` of the machine theorem, and {solver} refutes it"
            found.append(error("I0007", text, None, help="`--queries FOLDER` writes it down; report it"))
    return found


def write_queries(theorem: MachineTheorem, folder: str) -> Exit:
    """Each query as a file for any SMT-LIB solver, which must answer `unsat`."""
    place = Path(folder)
    try:
        place.mkdir(parents=True, exist_ok=True)
        for query in theorem.queries:
            head = [
                f"; the machine theorem: {query.conclusion}",
                *(f"; after {name}, in {mode.name.lower()}" for name, mode in query.steps),
            ]
            text = "\n".join([*head, "(set-info :status unsat)", query.script])
            write_whole(place / f"{query.name}.smt2", text.encode())
    except OSError as problem:
        return complain(error("I0904", f"cannot write in `{folder}`: {system_words(problem)}", None))
    return Exit.PROVED
