"""Explicit model checkers on a small instance of the machine, beside the theorem about all of them
(`python -m tests.bench.explicit`, and part of `make bench`).

spin and rumur look at every state of an instance with a number for each constant. The theorem is about every
value of the constants, and looks at no state. All are asked for the same: that the dose, received and set,
and the current stay within their caps. Then each is given machines that lack a safeguard.
"""

from __future__ import annotations

import argparse
import os
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from ionto_ir.dataclass import dataclass
from ionto_ir.expression import references
from ionto_ir.machine import TABLE
from ionto_ir.machine_table import Row as TableRow
from ionto_ir.machine_terms import DEFINITIONS
from ionto_verifier.machine_proof import Finding, prove_machine
from tests.bench.explicit_model import MACHINE, Design, Instance, model_of
from tests.bench.explicit_mutants import INSTANCES, mutants
from tests.bench.explicit_states import explore
from tests.bench.explicit_tools import TOOLS, Answer, Said, Tool, Verdict

ROUNDS = 3
THEOREM = "the machine theorem"
PYTHON = "every state in Python"
NO_SKIP = "IONTO_NO_SKIP"


@dataclass(frozen=True, slots=True)
class Row:
    """One checker on one instance: what it said, and medians of the seconds."""

    checker: str
    instance: str
    said: Said
    making: float
    searching: float


@dataclass(frozen=True, slots=True)
class Mutant:
    """What every checker said of a mutant, by the name of the checker."""

    name: str
    instance: str
    said: dict[str, str]


@dataclass(frozen=True, slots=True)
class Comparison:
    """All that was found. `missing` tools were not asked, and that is told."""

    versions: tuple[str, ...]
    missing: tuple[str, ...]
    rounds: int
    theorem: float
    rows: tuple[Row, ...]
    mutants: tuple[Mutant, ...]
    load: float


def compare(rounds: int = ROUNDS) -> Comparison:
    """Every checker on every instance, in turns; then the mutants, once."""
    tools = [tool for tool in TOOLS if not tool.missing]
    missing = tuple(f"{tool.name} (needs {', '.join(tool.missing)})" for tool in TOOLS if tool.missing)
    assert not (missing and os.environ.get(NO_SKIP)), f"not installed: {'; '.join(missing)}"
    answers: dict[tuple[str, str], list[Answer]] = {}
    theorem = []
    with tempfile.TemporaryDirectory() as name:
        for number in range(rounds):
            began = time.perf_counter()
            assert prove_machine().finding is Finding.PROVED, "the theorem is proved"
            theorem.append(time.perf_counter() - began)
            for word, instance in INSTANCES.items():
                for checker, ask in _checkers(tools, instance, MACHINE, Path(name) / f"{number}_{word}"):
                    print(f"round {number + 1}, {word}: {checker}", file=sys.stderr, flush=True)
                    answers.setdefault((checker, word), []).append(ask())
        rows = tuple(_row(*key, found) for key, found in answers.items())
        agreed(rows)
        judged = tuple(_mutant(tools, *item, Path(name) / str(n)) for n, item in enumerate(mutants()))
    versions = tuple(tool.told_version() for tool in tools)
    median = statistics.median(theorem)
    return Comparison(versions, missing, rounds, median, rows, judged, os.getloadavg()[1])


def agreed(rows: tuple[Row, ...]) -> None:
    """Whoever searched to the end found the same number of states, and nothing against the machine."""
    for word in INSTANCES:
        ended = [row for row in rows if row.instance == word and row.said.verdict is not Verdict.INCOMPLETE]
        assert all(row.said.verdict is Verdict.HOLDS for row in ended), ended
        assert len({row.said.states for row in ended}) <= 1, ended


def _checkers(
    tools: list[Tool], instance: Instance, design: Design, folder: Path
) -> Iterator[tuple[str, Callable[[], Answer]]]:
    model = model_of(instance, design)
    for tool in tools:
        yield tool.name, lambda tool=tool: tool.ask(model, folder / tool.name)  # type: ignore[misc]
    yield PYTHON, lambda: _explored(instance, design, model.variables)


def _explored(instance: Instance, design: Design, variables: tuple[str, ...]) -> Answer:
    began = time.perf_counter()
    found = explore(instance, design, variables)
    verdict = Verdict.HOLDS if found.holds else Verdict.REFUTED
    return Answer(Said(verdict, found.states), 0.0, time.perf_counter() - began)


def _row(checker: str, word: str, answers: list[Answer]) -> Row:
    said = {answer.said for answer in answers}
    assert len(said) == 1, f"{checker} does not say the same twice: {said}"
    making = statistics.median(answer.making for answer in answers)
    return Row(checker, word, said.pop(), making, statistics.median(item.searching for item in answers))


def _mutant(tools: list[Tool], instance: Instance, design: Design, folder: Path) -> Mutant:
    print(f"a mutant: {design.name}", file=sys.stderr, flush=True)
    said = {}
    for checker, ask in _checkers(tools, instance, design, folder):
        found = ask().said
        assert found.verdict is not Verdict.HOLDS, f"{checker} says that it holds although {design.name}"
        said[checker] = _told(found)
    finding = prove_machine(touched(design), design.definitions).finding
    assert finding is Finding.REFUTED, f"the theorem is {finding.value} although {design.name}"
    said[THEOREM] = finding.value
    word = next(word for word, item in INSTANCES.items() if item == instance)
    return Mutant(design.name, word, said)


def touched(design: Design) -> tuple[TableRow, ...]:
    """The rows in which a mutant differs, also by a definition: of the others nothing new can be shown."""
    changed = {name for name, term in design.definitions.items() if term != DEFINITIONS[name]}
    while True:
        more = {name for name, term in DEFINITIONS.items() if references(term) & changed} - changed
        if not more:
            break
        changed |= more
    return tuple(
        row
        for row, old in zip(design.table, TABLE, strict=True)
        if row != old
        or any(
            references(term) & changed
            for case in row.cases
            for term in (case.condition, *case.updates.values())
        )
    )


# --- in words ---------------------------------------------------------------------------------------------
SHOWS = """\
The checkers see every state of an instance and nothing beyond it: a fault that needs one more level, one more
tick or an inexact device is not in it. They need no invariant, they tell a way to a fault (rumur the
shortest), and they would find what nobody thought of putting into the invariant. The theorem is about
all constants, any number of ticks, pauses and crashes, inexact devices, waveforms, both polarities, a
journal that lags, and moving windows; it needs the invariant, and where it fails it names the row and the
conclusion that does not follow, which may be one that no session reaches."""


def _told(said: Said) -> str:
    return f"{said.verdict.value}{f' ({said.reason})' if said.reason else ''}"


def section(found: Comparison) -> str:
    """The section of the page on speed."""
    rounds = "one round" if found.rounds == 1 else f"{found.rounds} rounds"
    lines = [
        "## Against explicit model checkers",
        "",
        "Two small instances of the machine, made from its own table, in turns with ionto (`python -m",
        f"tests.bench.explicit --record`): {', '.join(found.versions)}; medians of {rounds}, load average",
        f"{found.load:.1f}. The ratio is to the machine theorem, {found.theorem:.1f} s here, which is about",
        "all instances at once. Caps are in tenths of what one level gives in a tick.",
        "",
        *(f"- {word}: {instance.told()}" for word, instance in INSTANCES.items()),
        "",
        "| checker | instance | verdict | states | to build | to search | ratio |",
        "| --- | --- | --- | --- | --- | --- | --- |",
        *(_cells(row, found.theorem) for row in found.rows),
        "",
        "States are told where the search came to its end; all that did agree. `every state in Python` uses",
        "the functions that run in a session instead of the text for the checkers.",
        *(f"\nNot asked, because not installed: {name}." for name in found.missing),
        "",
        "Each of these machines lacks a safeguard:",
        "",
        f"| mutant | instance | {' | '.join(found.mutants[0].said)} |",
        f"| --- | --- |{' --- |' * len(found.mutants[0].said)}",
        *(f"| {item.name} | {item.instance} | {' | '.join(item.said.values())} |" for item in found.mutants),
        "",
        SHOWS,
    ]
    return "\n".join(lines) + "\n"


def _cells(row: Row, theorem: float) -> str:
    states = f"{row.said.states:,}" if row.said.verdict is Verdict.HOLDS else "-"
    ratio = (row.making + row.searching) / theorem
    seconds = f"{row.making:.1f} s | {row.searching:.1f} s"
    return f"| {row.checker} | {row.instance} | {_told(row.said)} | {states} | {seconds} | {ratio:.2f} |"


def main() -> int:
    """Run the model checkers and the theorem on the same small machine, and on mutants of it."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench.explicit", description=main.__doc__)
    parser.add_argument("--rounds", type=int, default=ROUNDS, help=f"how often, in turns ({ROUNDS})")
    parser.add_argument("--record", action="store_true", help="write the section of docs/reference/speed.md")
    arguments = parser.parse_args()
    if arguments.rounds < 1:
        parser.error("at least one round")
    told = section(compare(arguments.rounds))
    print(told, end="")
    if arguments.record:
        from tests.bench.speed_page import PAGE, with_section

        PAGE.write_text(with_section(PAGE.read_text(encoding="utf-8"), told), encoding="utf-8")
        print(f"\nwrote {PAGE}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
