"""The second opinion: cvc5 agrees on the library, silence is no agreement, and a hanging solver is killed."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from functools import cache

import pytest
from hypothesis import Phase, given, settings

from ionto_dsl.compilation import CompiledProtocol
from ionto_dsl.driver import compile_file
from ionto_ir.machine import TABLE
from ionto_ir.machine_invariant import INVARIANT
from ionto_ir.machine_terms import DEFINITIONS
from ionto_ir.plan import Plan
from ionto_verifier.cross_check import (
    Agreement,
    Opinion,
    Said,
    agreement,
    cross_check,
    grid_script,
    real_script,
)
from ionto_verifier.decision import Proved, Refuted, Stage, Unknown
from ionto_verifier.driver import Options, verify
from ionto_verifier.machine_proof import prove_machine, question_of, texts_of
from ionto_verifier.machine_steps import steps_of
from ionto_verifier.obligation import Obligation, Variable, at_most, never_above_zero
from ionto_verifier.report import VerificationReport
from ionto_verifier.second_solver import Patience, SecondSolver
from ionto_verifier.smt import script
from ionto_verifier.term import constant, variable
from tests.library.test_library import LIBRARY, TREATMENTS, UNSAFE
from tests.strategies import plans

PROVE_ONLY = Options(margins=False, advice=False)
PROOF = Proved(Stage.INTERVAL, None, ())
UNSAFE_APART = 4
QUERIES_APART = 40
"""How sparsely `make test` asks about unsafe protocols and queries of the machine; `make soak` asks all."""


@cache
def report_of(path: str) -> VerificationReport:
    return verify(compile_file(path).plans[0].plan, PROVE_ONLY)


@pytest.fixture(scope="module")
def cvc5() -> Iterator[SecondSolver]:
    with SecondSolver() as solver:
        yield solver


def ignore(_done: int, _of: int) -> None:
    """Nobody watches."""


def found_by(solver: SecondSolver, report: VerificationReport) -> dict[Agreement, int]:
    found = [agreed for _, agreed in cross_check(report.answers, solver.ask, ignore)]
    return {kind: found.count(kind) for kind in Agreement if kind in found}


def unsafe_protocols(apart: int) -> list[CompiledProtocol]:
    return [compiled for path in UNSAFE[::apart] for compiled in compile_file(str(path)).plans]


def square(bound: int) -> Obligation:
    """That x * x is at most `bound` for the whole numbers from 0 to 9: true from 81 on."""
    goal = variable("x") * variable("x") - constant(bound)
    return never_above_zero("square", "test", (Variable("x", 0, 9, integer=True),), (), goal)


@pytest.mark.parametrize("path", TREATMENTS, ids=lambda path: path.stem)
def test_cvc5_agrees_on_every_question_of_a_shipped_treatment(cvc5: SecondSolver, path) -> None:
    counts = found_by(cvc5, report_of(str(path)))
    assert counts.keys() <= {Agreement.AGREED, Agreement.NOT_ASKED}
    assert counts[Agreement.AGREED] > 50


def test_cvc5_does_not_contradict_what_was_decided_of_some_unsafe_twins() -> None:
    refuted = 0
    with SecondSolver(Patience(limit_ms=100)) as solver:
        for compiled in (
            compiled for path in UNSAFE[::UNSAFE_APART] for compiled in compile_file(str(path)).plans
        ):
            report = verify(compiled.plan, PROVE_ONLY)
            refuted += sum(isinstance(item.decision, Refuted) for item in report.answers)
            assert Agreement.CONTRADICTED not in found_by(solver, report), compiled.name
    assert refuted > 4


def test_cvc5_agrees_on_a_slice_of_the_machine_theorem(cvc5: SecondSolver) -> None:
    texts = [text for text, _ in texts_of(steps_of(TABLE, DEFINITIONS, INVARIANT), DEFINITIONS)]
    for text in texts[::QUERIES_APART]:
        assert cvc5.ask(script(question_of(text))).said is Said.UNSAT, text.conclusion


@pytest.mark.soak
def test_cvc5_does_not_contradict_what_was_decided_of_any_unsafe_twin(cvc5: SecondSolver) -> None:
    for compiled in unsafe_protocols(1):
        counts = found_by(cvc5, verify(compiled.plan, PROVE_ONLY))
        assert Agreement.CONTRADICTED not in counts, compiled.name


@pytest.mark.soak
def test_cvc5_does_not_contradict_what_was_decided_of_any_regimen(cvc5: SecondSolver) -> None:
    for path in sorted((LIBRARY / "regimens").glob("*.ionto")):
        for compiled in compile_file(str(path)).plans:
            counts = found_by(cvc5, verify(compiled.plan, PROVE_ONLY))
            assert Agreement.CONTRADICTED not in counts, compiled.name


@pytest.mark.soak
def test_cvc5_agrees_on_the_whole_machine_theorem(cvc5: SecondSolver) -> None:
    said = {query.name: cvc5.ask(query.script).said for query in prove_machine().queries}
    assert Said.SAT not in said.values()
    silent = [name for name, answer in said.items() if answer is not Said.UNSAT]
    assert len(silent) <= len(said) // 50, silent


@pytest.mark.soak
@settings(max_examples=max(40, settings().max_examples // 10), phases=[Phase.explicit, Phase.generate])
@given(plan=plans())
def test_cvc5_never_contradicts_what_was_decided_of_a_generated_plan(plan: Plan) -> None:
    with SecondSolver() as solver:
        assert Agreement.CONTRADICTED not in found_by(solver, verify(plan, PROVE_ONLY))


def test_a_false_proof_is_contradicted(cvc5: SecondSolver) -> None:
    assert agreement(square(80), PROOF, cvc5.ask) is Agreement.CONTRADICTED
    assert agreement(square(81), PROOF, cvc5.ask) is Agreement.AGREED


def test_a_false_refutation_is_contradicted(cvc5: SecondSolver) -> None:
    assert agreement(square(81), Refuted(Stage.SOLVER, {}), cvc5.ask) is Agreement.CONTRADICTED
    assert agreement(square(80), Refuted(Stage.SOLVER, {}), cvc5.ask) is Agreement.AGREED


def test_a_proof_that_holds_on_the_grid_only_is_agreed_on_there(cvc5: SecondSolver) -> None:
    """x is 0 or 3: it never exceeds 3 on its grid, but x * (3 - x) is above zero between."""
    x = variable("x")
    item = Obligation("grid", "test", (Variable("x", 0, 3, step=3, integer=True),), (), at_most(x * (3 - x)))
    assert cvc5.ask(real_script(item)).said is Said.SAT
    assert agreement(item, PROOF, cvc5.ask) is Agreement.AGREED


def test_silence_is_never_agreement() -> None:
    report = report_of(str(TREATMENTS[0]))
    found = {agreed for _, agreed in cross_check(report.answers, lambda _: Opinion(Said.UNKNOWN), ignore)}
    assert found == {Agreement.UNKNOWN, Agreement.NOT_ASKED}


def test_what_the_verifier_left_open_is_nothing_to_agree_with(cvc5: SecondSolver) -> None:
    assert agreement(square(81), Unknown("given up"), cvc5.ask) is Agreement.OPEN


def test_equal_questions_are_asked_once_and_progress_reaches_the_end() -> None:
    asked: list[str] = []
    steps: list[tuple[int, int]] = []

    def ask(text: str) -> Opinion:
        asked.append(text)
        return Opinion(Said.UNSAT)

    report = report_of(str(TREATMENTS[0]))
    cross_check(report.answers, ask, lambda done, of: steps.append((done, of)))
    assert len(asked) == len(set(asked)) < len(report.answers)
    assert steps[-1] == (len(report.answers), len(report.answers))


def test_the_second_solver_reads_what_the_first_one_is_given(monkeypatch: pytest.MonkeyPatch) -> None:
    from ionto_verifier import nonlinear

    given_to_z3 = []
    monkeypatch.setattr(nonlinear, "ask", lambda question, wanted=(): given_to_z3.append(question))
    for look in (nonlinear.among_reals, nonlinear.on_grid):
        with pytest.raises(AttributeError):
            look(square(81), 1)
    assert [script(question) for question in given_to_z3] == [
        real_script(square(81)),
        grid_script(square(81)),
    ]


# --- the process --------------------------------------------------------------------------------------------

FAKE = """
import json, sys, time
print(json.dumps({"solver": "fake 1"}), flush=True)
for line in sys.stdin:
    text = json.loads(line)["text"]
    if text == "hang":
        time.sleep(600)
    if text == "die":
        sys.exit(3)
    print("nonsense" if text == "babble" else json.dumps({"answer": text, "reason": ""}), flush=True)
"""


@pytest.fixture
def fake() -> Iterator[SecondSolver]:
    with SecondSolver(Patience(kill_s=1), ("-c", FAKE)) as solver:
        yield solver


@pytest.mark.parametrize("trouble", ["hang", "die", "babble", "maybe"])
def test_whatever_goes_wrong_is_unknown_and_the_next_question_is_answered(
    fake: SecondSolver, trouble: str
) -> None:
    assert fake.ask("unsat").said is Said.UNSAT
    assert fake.ask(trouble).said is Said.UNKNOWN
    assert fake.ask("sat").said is Said.SAT
    assert fake.killed == (trouble == "hang")


def test_a_solver_that_cannot_be_started_knows_nothing() -> None:
    with SecondSolver(process=("-c", "raise SystemExit(1)")) as solver:
        assert solver.ask("unsat").said is Said.UNKNOWN


def test_cvc5_is_named_with_its_version_and_complaints_are_unknown(cvc5: SecondSolver) -> None:
    assert cvc5.ask("(this is no question)").said is Said.UNKNOWN
    assert cvc5.name.startswith("cvc5 ")
    assert "cvc5" not in sys.modules
