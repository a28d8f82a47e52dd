"""`ionto verify --cross-check` and `--machine` as a user meets them."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from ionto_cli import machine_shown
from ionto_cli.exits import Exit
from ionto_ir.machine import TABLE
from ionto_verifier import machine_proof, second_solver
from ionto_verifier.cross_check import Opinion, Said
from ionto_verifier.machine_proof import prove_machine
from tests.cli.test_commands import TREATMENT, UNSAFE, Ionto
from tests.cli.test_commands import ionto as ionto  # the fixture


def test_a_second_solver_agrees_and_what_was_not_asked_is_counted(ionto: Ionto) -> None:
    code, out, complaint = ionto("verify", TREATMENT, "--cross-check")
    assert (code, complaint) == (Exit.PROVED, "")
    assert "agrees on 62 of 62 questions, contradicts 0, does not say of 0; 2 were decided" in out
    code, out, _ = ionto("verify", TREATMENT, "--cross-check", "--json")
    (opinion,) = json.loads(out)["files"][0]["opinions"]
    assert (opinion["agreed"], opinion["contradicted"], opinion["unknown"]) == (62, [], [])


def test_a_refuted_protocol_stays_refuted_when_the_second_solver_agrees(ionto: Ionto) -> None:
    code, out, _ = ionto("verify", UNSAFE, "--cross-check")
    assert code == Exit.REFUTED
    assert "contradicts 0" in out


def test_a_contradiction_exits_with_5_and_names_the_question(
    ionto: Ionto, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(second_solver.SecondSolver, "ask", lambda self, text: Opinion(Said.SAT))
    code, _, complaint = ionto("verify", TREATMENT, "--cross-check")
    assert code == Exit.DISAGREEMENT
    assert "error[I0007]" in complaint


def test_a_silent_second_solver_changes_nothing_and_is_counted(
    ionto: Ionto, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(second_solver.SecondSolver, "ask", lambda self, text: Opinion(Said.UNKNOWN))
    code, out, _ = ionto("verify", TREATMENT, "--cross-check")
    assert code == Exit.PROVED
    assert "agrees on 0 of 62 questions, contradicts 0, does not say of 62" in out


def test_without_the_second_solver_it_is_said_what_to_install(
    ionto: Ionto, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(second_solver, "find_spec", lambda name: None)
    code, out, complaint = ionto("verify", TREATMENT, "--cross-check")
    assert (code, out) == (Exit.USAGE, "")
    assert "I0901" in complaint
    assert "pip install 'ionto[cross-check]'" in complaint


@pytest.fixture
def short_theorem(monkeypatch: pytest.MonkeyPatch) -> None:
    """The theorem for the first rows of the table only: how it is shown does not depend on their number."""
    monkeypatch.setattr(machine_shown, "prove_machine", lambda: prove_machine(TABLE[:2]))


@pytest.mark.usefixtures("short_theorem")
def test_the_machine_theorem_is_shown_query_by_query_and_written_for_others(
    ionto: Ionto, tmp_path: Path
) -> None:
    code, out, complaint = ionto("verify", TREATMENT, "--machine", "--queries", "queries", "--json")
    assert (code, complaint) == (Exit.PROVED, "")
    machine = json.loads(out)["machine"]
    written = sorted(path.stem for path in (tmp_path / "queries").iterdir())
    assert written == sorted(query["name"] for query in machine["queries"])
    assert all(query["effort"] > 0 and query["bytes"] > 100 for query in machine["queries"])
    text = (tmp_path / "queries" / f"{written[0]}.smt2").read_text(encoding="utf-8")
    assert "(set-info :status unsat)" in text
    assert "(check-sat-assuming (" in text
    for word in ("journal", "watchdog", "accuracy", "power loss", "between two ticks"):
        assert any(word in sentence for sentence in machine["assumptions"]), word


@pytest.mark.usefixtures("short_theorem")
def test_a_machine_theorem_that_does_not_hold_has_a_code_and_exits_with_5(
    ionto: Ionto, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(machine_proof, "EFFORT_MAX", 1)
    code, out, complaint = ionto("verify", TREATMENT, "--machine")
    assert code == Exit.DISAGREEMENT
    assert "error[I0008]" in complaint
    assert "undecided" in out
