"""The solver's door believes only the words sat and unsat, keeps to its effort, and reads exact numbers."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from fractions import Fraction

import pytest

from ionto_verifier import smt
from ionto_verifier.smt import (
    Dialogue,
    Question,
    Satisfiable,
    Undetermined,
    Unsatisfiable,
    Value,
    ask,
)

PLENTY = 1_000_000
REALS = {"x": "Real", "y": "Real"}


def question(effort_max: int = PLENTY, **assumptions: str) -> Question:
    return Question(REALS, assumptions, effort_max, minimal=True)


@pytest.fixture(params=["the bare library", "the python module"])
def each_engine(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    if request.param == "the python module":
        replacement = smt._module_engine()
        monkeypatch.setattr(smt, "engine", lambda: replacement)


def engine_that_says(monkeypatch: pytest.MonkeyPatch, replies: dict[str, str]) -> None:
    def say(commands: str) -> str:
        return next((reply for start, reply in replies.items() if commands.startswith(start)), "")

    monkeypatch.setattr(smt, "engine", lambda: lambda: say)


@pytest.mark.usefixtures("each_engine")
def test_a_core_names_the_contradiction_and_nothing_else() -> None:
    answer = ask(question(a="(> x 3)", b="(< y 0)", c="(< x (- 2))"))
    assert answer == Unsatisfiable(("a", "c"))


@pytest.mark.usefixtures("each_engine")
def test_models_are_exact_fractions() -> None:
    answer = ask(question(a="(= (* 3 x) (- 2))", b="(= y 12345678901234567890.5)"), ("x", "y"))
    expected = {"x": Value(Fraction(-2, 3)), "y": Value(Fraction(24691357802469135781, 2))}
    assert answer == Satisfiable(expected)


@pytest.mark.usefixtures("each_engine")
def test_irrational_numbers_are_approximated_and_flagged() -> None:
    answer = ask(question(a="(= (* x x) 2)", b="(> x 0)", c="(= y 1)"), ("x", "y"))
    assert isinstance(answer, Satisfiable)
    assert not answer.values["x"].exact and answer.values["y"] == Value(Fraction(1))
    assert abs(answer.values["x"].number ** 2 - 2) < Fraction(1, 10**6)


@pytest.mark.usefixtures("each_engine")
def test_a_question_the_solver_cannot_read_is_undetermined() -> None:
    for bad in ("(> z 3)", "(> x", "x)", "(frobnicate x)"):
        assert isinstance(ask(question(a=bad)), Undetermined), bad


@pytest.mark.usefixtures("each_engine")
def test_after_a_bad_question_the_next_one_is_answered() -> None:
    ask(question(a="(> z 3"))
    assert ask(question(a="(> x 3)", b="(< x 3)")) == Unsatisfiable(("a", "b"))


@pytest.mark.usefixtures("each_engine")
def test_without_effort_nothing_is_claimed() -> None:
    hard = question(1, a="(= (* x x x y) 7)", b="(= (* x y y y) (+ x 11))", c="(> (+ x y) 10)")
    assert isinstance(ask(hard), Undetermined)


def test_effort_is_counted_anew_for_each_question() -> None:
    for _ in range(5):
        assert isinstance(ask(question(200_000, a="(= (* x x y) 2)", b="(= (* x y y) 3)")), Satisfiable)


def test_equal_questions_get_equal_answers() -> None:
    asked = question(a="(= (* x x y) 2)", b="(> (* x y) 3)", c="(< x 7)")
    answers = [ask(asked, ("x", "y")) for _ in range(8)]
    assert isinstance(answers[0], Satisfiable) and all(answer == answers[0] for answer in answers)


def test_a_dialogue_is_asked_under_different_assumptions() -> None:
    dialogue = Dialogue(question(a="(> x 3)", b="(< x 2)", c="(< x 9)"))
    assert dialogue.ask(("a", "b", "c")) == Unsatisfiable(("a", "b"))
    assert isinstance(dialogue.ask(("a", "c")), Satisfiable)
    assert isinstance(dialogue.ask(("nobody",)), Undetermined)


def test_dialogues_do_not_disturb_each_other() -> None:
    first = Dialogue(question(a="(> x 3)", b="(< x 2)"))
    second = Dialogue(question(a="(> x 3)", b="(< x 9)"))
    assert first.ask(("a", "b")) == Unsatisfiable(("a", "b"))
    assert isinstance(second.ask(("a", "b")), Satisfiable)


@pytest.mark.parametrize("core", ["()", "", "(stranger)", "(a stranger)"])
def test_an_unsat_that_names_nothing_of_ours_is_not_believed(
    core: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    engine_that_says(monkeypatch, {"(check-sat": "unsat\n", "(get-unsat-core)": core})
    assert isinstance(ask(question(a="(> x 3)")), Undetermined)


@pytest.mark.parametrize(
    "reply",
    ["", "unsat\nunsat", "unsat (error)", '(error "unsat")', "Unsat", "unsupported", "timeout", '"unsat"'],
)
def test_only_the_very_word_unsat_is_believed(reply: str, monkeypatch: pytest.MonkeyPatch) -> None:
    engine_that_says(monkeypatch, {"(check-sat": reply, "(get-unsat-core)": "(a)"})
    assert isinstance(ask(question(a="(> x 3)")), Undetermined)


@pytest.mark.parametrize(
    "printed", ["", "(", "((x ", "((x foo))", "((x (/ 1 0)))", "((x (root-obj (^ x 2) 1)))", ")"]
)
def test_numbers_that_cannot_be_read_are_left_out(printed: str, monkeypatch: pytest.MonkeyPatch) -> None:
    engine_that_says(
        monkeypatch, {"(check-sat": "sat", "(get-value": printed, "(set-option :pp.decimal true)": printed}
    )
    assert ask(question(a="(> x 3)"), ("x",)) == Satisfiable({})


def test_a_missing_library_falls_back_to_the_python_module(monkeypatch: pytest.MonkeyPatch) -> None:
    smt.engine.cache_clear()
    tried: list[str] = []

    def refuse(path: str) -> None:
        tried.append(path)

    monkeypatch.setattr(smt, "_bare_engine", refuse)
    try:
        assert ask(question(a="(> x 3)", b="(< x 3)")) == Unsatisfiable(("a", "b"))
        assert tried
    finally:
        smt.engine.cache_clear()


def test_a_library_without_the_symbols_is_not_taken() -> None:
    assert smt._bare_engine("libc.so.6") is None
    assert smt._bare_engine("/nowhere/libz3.so") is None


def test_the_solver_names_its_version() -> None:
    assert smt.version().startswith("z3 ")
    assert smt.version().split()[1][0].isdigit()


def test_the_python_module_of_z3_is_not_imported() -> None:
    code = (
        "import sys; from ionto_verifier import smt; "
        "assert not smt.is_loaded(); "
        "smt.ask(smt.Question({'x': 'Real'}, {'a': '(> x 1)'}, 1000)); "
        "assert smt.is_loaded(); assert 'z3' not in sys.modules"
    )
    run: Callable[..., subprocess.CompletedProcess[str]] = subprocess.run
    done = run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
