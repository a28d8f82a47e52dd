"""The machine theorem: every case of the table keeps the invariant, whatever people and faults do.

By induction over events. The initial state satisfies the invariant; for each case of each row, in each mode,
and for each way in which the world may move with it, the solver is asked for values of all constants and
variables at which the invariant held before and one of the conclusions fails afterwards. There are none. All
constants are symbolic, so it is proved once, for every plan, device and patient.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from enum import Enum

from ionto_ir.dataclass import dataclass
from ionto_ir.expression import Expression
from ionto_ir.machine import TABLE
from ionto_ir.machine_invariant import INVARIANT, Invariant
from ionto_ir.machine_table import Row
from ionto_ir.machine_terms import DEFINITIONS
from ionto_ir.state import Mode
from ionto_verifier import smt
from ionto_verifier.machine_steps import Problem, Step, problems_of, steps_of
from ionto_verifier.machine_text import Writer
from ionto_verifier.machine_world import ASSUMPTIONS

EFFORT_MAX = 4_000_000
"""z3 work units for one query; the hardest needs a tenth."""


class Finding(Enum):
    """What a query came to."""

    PROVED = "proved"
    REFUTED = "refuted"
    UNDECIDED = "undecided"


@dataclass(frozen=True, slots=True)
class Query:
    """One question to the solver, and the steps of the induction that it settles.

    Steps whose conclusion and beliefs are the same text share a query. `core` names the beliefs it rests on.
    `script` is the query for any SMT-LIB solver, which must answer `unsat`; `effort` is what z3 spent on it,
    in its work units, which are the same on every machine.
    """

    name: str
    conclusion: str
    steps: tuple[tuple[str, Mode], ...]
    finding: Finding
    core: tuple[str, ...]
    script: str
    effort: int


@dataclass(frozen=True, slots=True)
class MachineTheorem:
    """The theorem with all its steps. It is proved when every step is."""

    claims: tuple[str, ...]
    assumptions: tuple[str, ...]
    queries: tuple[Query, ...]
    solver: str

    @property
    def finding(self) -> Finding:
        """The weakest finding of all steps."""
        found = {query.finding for query in self.queries}
        for finding in (Finding.REFUTED, Finding.UNDECIDED):
            if finding in found:
                return finding
        return Finding.PROVED


CLAIMS = (
    "the charge received never exceeds a limit, nor what was set a nominal one: of a session, of any window",
    "the current never exceeds its cap",
    "from one tick to the next the level moves by at most the slew's share of a tick",
    "the polarity changes only at zero",
    "nothing is energised before the screening was passed or after the session has ended",
    "after a stop every tick takes the level down by the same amount until the output opens at zero",
    "interrupted and crashed sessions deliver no more than the limits either",
)


def prove_machine(
    table: tuple[Row, ...] = TABLE,
    definitions: Mapping[str, Expression] = DEFINITIONS,
    invariant: tuple[Invariant, ...] = INVARIANT,
) -> MachineTheorem:
    """Prove the theorem for a table (other tables than the machine's own serve to test the proof)."""
    texts = texts_of(steps_of(table, definitions, invariant), definitions)
    queries = tuple(
        _asked(f"{number:03}_{text.conclusion}", text, steps) for number, (text, steps) in enumerate(texts, 1)
    )
    return MachineTheorem(CLAIMS, ASSUMPTIONS, queries, smt.version())


def told(theorem: MachineTheorem) -> tuple[str, ...]:
    """The theorem in words, a line each: what holds, what it rests on, what does not follow if anything."""
    steps, asked = sum(len(query.steps) for query in theorem.queries), len(theorem.queries)
    lines = [
        f"the machine is {theorem.finding.value}: {steps} steps in {asked} queries, {theorem.solver}",
        *(f"holds for every plan, device and patient: {claim}" for claim in theorem.claims),
        *(f"assumed: {assumption}" for assumption in theorem.assumptions),
    ]
    for query in theorem.queries:
        if query.finding is not Finding.PROVED:
            where = ", ".join(f"{name} in {mode.name}" for name, mode in query.steps)
            lines.append(f"{query.finding.value}: {query.conclusion} after {where}")
    if theorem.finding is not Finding.PROVED:
        return (lines[0], *lines[1 + len(theorem.claims) :])
    return tuple(lines)


# --- what is asked ------------------------------------------------------------------------------------------
@dataclass(frozen=True, slots=True)
class Text:
    """One query as SMT-LIB text; beliefs by label."""

    conclusion: str
    sorts: Mapping[str, str]
    beliefs: Mapping[str, str]
    shown: str


def texts_of(
    steps: Iterable[Step], definitions: Mapping[str, Expression]
) -> Iterator[tuple[Text, tuple[tuple[str, Mode], ...]]]:
    """The queries of all steps, each once, with the steps that it settles."""
    found: dict[tuple[str, ...], tuple[Text, list[tuple[str, Mode]]]] = {}
    for step in steps:
        for problem in problems_of(step):
            text = _written(problem, {} if problem.opaque else definitions)
            key = (text.shown, *text.beliefs.values())
            found.setdefault(key, (text, []))[1].append((step.name, step.mode))
    for text, settled in found.values():
        yield text, tuple(settled)


def _written(problem: Problem, definitions: Mapping[str, Expression]) -> Text:
    writer = Writer(definitions)
    shown = writer.text(problem.conclusion)
    beliefs = {name: writer.text(term) for name, term in problem.beliefs.items()}
    beliefs["definitions"] = _all(writer.beliefs)
    beliefs["rounding"] = _all(writer.rounding())
    kept = {name: text for name, text in beliefs.items() if text != "true"}
    return Text(problem.name, dict(writer.sorts), kept, shown)


def _all(texts: list[str]) -> str:
    return f"(and {' '.join(texts)})" if texts else "true"


def question_of(text: Text) -> smt.Question:
    """Values are asked for at which all is believed and the conclusion fails."""
    assumptions = {f"by_{belief}": term for belief, term in text.beliefs.items()}
    assumptions["denied"] = f"(not {text.shown})"
    return smt.Question(text.sorts, assumptions, EFFORT_MAX)


def _asked(name: str, text: Text, steps: tuple[tuple[str, Mode], ...]) -> Query:
    question = question_of(text)
    dialogue = smt.Dialogue(question)
    finding = Finding.UNDECIDED
    core: tuple[str, ...] = ()
    match dialogue.ask(tuple(question.assumptions)):
        case smt.Unsatisfiable(named):
            finding = Finding.PROVED
            core = tuple(label.removeprefix("by_") for label in named if label != "denied")
        case smt.Satisfiable():
            finding = Finding.REFUTED
        case smt.Undetermined():
            pass
    return Query(name, text.conclusion, steps, finding, core, smt.script(question), dialogue.effort())
