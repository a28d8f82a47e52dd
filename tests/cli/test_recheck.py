"""`ionto recheck` and `ionto run` on plans that are whole, tampered with, or sealed without certificates."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from ionto_cli.exits import Exit
from ionto_ir.canonical import canonical, digest
from ionto_ir.recheck.check import Fault, Rechecked, Wrong
from ionto_ir.seal import open_sealed, seal
from ionto_runtime.signing import (
    generate_key,
    read_secret_key,
    read_trust_store,
    signer_of,
    verifier_of,
    write_key_pair,
)
from ionto_verifier import driver
from ionto_verifier.decision import Unknown
from tests.cli.test_commands import TREATMENT, Ionto
from tests.cli.test_commands import ionto as ionto  # the fixture

Json = Any
Change = Callable[[Json, Json], None]
RUN = ("--plain", "--yes", "--accelerate", "100000")


@pytest.fixture
def plan(ionto: Ionto, tmp_path: Path) -> Path:
    """A sealed plan whose author is trusted, and whose key is at hand."""
    assert ionto("keys", "new")[0] == Exit.PROVED
    code, out, _ = ionto("compile", TREATMENT, "--output", "heel.plan.json")
    assert code == Exit.PROVED
    assert "87 certificates; 41 of 41 claims derived again from the plan, 0 on a solver's word alone" in out
    return tmp_path / "heel.plan.json"


def rewritten(path: Path, change: Change) -> None:
    """Change the file as it lies there, and write it canonically."""
    sealed = json.loads(path.read_bytes())
    change(sealed["plan"], sealed)
    path.write_bytes(canonical(sealed) + b"\n")


def resealed(path: Path, change: Change) -> None:
    """Change plan and certificates, make the digests fit, and sign it again with the trusted key."""
    home = path.parent / "home"
    store = read_trust_store(home / "trusted")
    opened = open_sealed(path.read_bytes(), verifier_of(store), path.name)
    assert not isinstance(opened, tuple), opened
    certificates, predicate = dict(opened.certificates or {}), dict(opened.statement.predicate)
    written = dict(opened.plan)
    change(written, certificates)
    if certificates:
        certificates["plan_sha256"] = digest(written)
    predicate.pop("certificates_sha256")
    (secret,) = (home / "keys").glob("*.secret.pem")
    key = read_secret_key(secret)
    sealed = seal(written, "heel", predicate, [signer_of(key)], certificates or None)  # type: ignore[arg-type]
    assert isinstance(sealed, bytes)
    path.write_bytes(sealed)


def test_a_sealed_plan_is_rechecked_and_each_claim_is_told_by_what_it_rests_on(
    ionto: Ionto, plan: Path
) -> None:
    code, out, complaint = ionto("recheck", plan.name)
    assert (code, complaint) == (Exit.PROVED, "")
    assert "all 87 certificates check" in out
    assert "38 questions derived again from the plan, by another path: 38 certified" in out
    assert "only the arithmetic and the plan's own numbers in them were checked" in out
    assert "0 claims on a solver's word alone" in out
    code, out, _ = ionto("recheck", plan.name, "--json")
    data = json.loads(out)
    assert (code, data["certificates"], data["standings"]["solver"]) == (Exit.PROVED, 87, 0)
    assert {claim["standing"] for claim in data["claims"]} == {"derived"}


def test_a_plan_that_was_touched_is_refused_before_anything_is_rechecked(ionto: Ionto, plan: Path) -> None:
    def change(written: Json, _: Json) -> None:
        written["limits"][0]["bound"] += 1

    rewritten(plan, change)
    code, _, complaint = ionto("recheck", plan.name)
    assert (code, "I0807" in complaint) == (Exit.SOURCE, True)


def test_certificates_that_were_touched_or_left_out_are_refused(ionto: Ionto, plan: Path) -> None:
    whole = plan.read_bytes()

    def emptied(_: Json, sealed: Json) -> None:
        sealed["certificates"]["derived"] = []

    def left_out(_: Json, sealed: Json) -> None:
        del sealed["certificates"]
        sealed["ionto_sealed_plan"] = 1

    for change in (emptied, left_out):
        plan.write_bytes(whole)
        rewritten(plan, change)
        for command in (("recheck", plan.name), ("run", plan.name, *RUN)):
            code, _, complaint = ionto(*command)
            assert (code, "I0828" in complaint) == (Exit.SOURCE, True), command


def doubled_current(written: Json, _: Json) -> None:
    domain = next(item for item in written["variables"] if item["name"] == "current")["domain"]
    domain["hi"] *= 2


def wrong_multiplier(_: Json, certificates: Json) -> None:
    proof = next(item for item in certificates["proofs"] if item[0] == "farkas" and len(item[1]) > 1)
    proof[1][0][0] += "0"


def dropped(_: Json, certificates: Json) -> None:
    certificates["derived"].pop()


@pytest.mark.parametrize(
    ("change", "code"), [(doubled_current, "I0831"), (wrong_multiplier, "I0831"), (dropped, "I0832")]
)
def test_neither_recheck_nor_run_accepts_what_a_holder_of_the_key_tampered_with(
    ionto: Ionto, plan: Path, change: Change, code: str
) -> None:
    resealed(plan, change)
    for command in (("recheck", plan.name), ("run", plan.name, *RUN)):
        exit_code, _, complaint = ionto(*command)
        assert (exit_code, f"error[{code}]" in complaint) == (Exit.SOURCE, True), command


def test_a_plan_that_was_sealed_without_certificates_is_not_rechecked(ionto: Ionto, plan: Path) -> None:
    resealed(plan, lambda _, certificates: certificates.clear())
    code, _, complaint = ionto("recheck", plan.name)
    assert (code, "I0828" in complaint) == (Exit.SOURCE, True)
    assert "rests on the word of who sealed it" in complaint


def test_a_stranger_s_plan_is_refused(ionto: Ionto, plan: Path, tmp_path: Path) -> None:
    stranger = tmp_path / "strangers"
    stranger.mkdir()
    write_key_pair(generate_key("somebody else"), stranger, "stranger")
    code, _, complaint = ionto("recheck", plan.name, "--trust", str(stranger))
    assert (code, "I0809" in complaint) == (Exit.SOURCE, True)


def test_a_prover_that_the_recheck_contradicts_seals_nothing(
    ionto: Ionto, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from ionto_cli.commands import compile as command

    refusing = Rechecked((), (Fault(Wrong.FALSE, "no"),), 0, (0, 0), 0, (0, 0), None)
    monkeypatch.setattr(command, "recheck_sealed", lambda *_: refusing)
    assert ionto("keys", "new")[0] == Exit.PROVED
    code, _, complaint = ionto("compile", TREATMENT, "--output", "heel.plan.json")
    assert (code, "error[I0009]" in complaint) == (Exit.DISAGREEMENT, True)
    assert not (tmp_path / "heel.plan.json").exists()


def test_what_nobody_could_decide_is_never_taken_for_safe_and_never_sealed(
    ionto: Ionto, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def nobody(obligations: Any, *_: object) -> dict[str, Unknown]:
        return {obligation.id: Unknown("nobody could tell") for obligation in obligations}

    monkeypatch.setattr(driver, "decide_all", nobody)
    code, out, complaint = ionto("verify", TREATMENT)
    assert (code, "I0703" in complaint) == (Exit.UNDECIDED, True)
    assert "0 of 2 proofs are certificates" in out
    assert ionto("keys", "new")[0] == Exit.PROVED
    assert ionto("compile", TREATMENT, "--output", "heel.plan.json")[0] == Exit.UNDECIDED
    assert not (tmp_path / "heel.plan.json").exists()
