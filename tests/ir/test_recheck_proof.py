"""The recheck's checker, written apart from the prover's: it accepts the same certificates, none false."""

from __future__ import annotations

import json
from functools import cache
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ionto_ir.recheck.formulas import read_formula
from ionto_ir.recheck.polynomial import constant, minus, plus, scaled, times, variable
from ionto_ir.recheck.proof import proves
from ionto_ir.recheck.statement import Domain, Fact, Question, any_of, at_most, below
from ionto_verifier.certificate import check
from ionto_verifier.certificate_codec import decode, encode, formula_json
from ionto_verifier.certify import obligation_of
from ionto_verifier.decision import Proved
from ionto_verifier.obligation import Obligation
from ionto_verifier.solve import decide
from tests.verifier.solving_families import (
    charge_of_steps,
    conditional_steps,
    density_over_shared_area,
    doses_by_time,
    energy_under_voltage,
    guarded_loops,
    guarded_total,
)
from tests.verifier.solving_strategies import brute_force, obligations

X, Y = variable("x"), variable("y")
BOX = (Domain("x", 0, 10, 1), Domain("y", 0, 10, 1))
XY = [["x", 1], ["y", 1]]


def question_of(obligation: Obligation) -> Question:
    """The prover's obligation as the recheck reads it."""

    def read(formula: Any) -> Any:
        return read_formula(json.loads(json.dumps(formula_json(formula))))

    domains = tuple(Domain(item.name, item.lo, item.highest, item.grid_step) for item in obligation.variables)
    facts = tuple(Fact(guard.name, read(guard.formula)) for guard in obligation.guards)
    return Question(obligation.id, "c", domains, facts, read(obligation.conclusion))


def certificate_of(obligation: Obligation) -> Any:
    """The prover's certificate as JSON, or None."""
    found = decide(obligation)
    if isinstance(found, Proved) and found.certificate is not None:
        return json.loads(json.dumps(encode(found.certificate)))
    return None


def bound(limit: int, *facts: Fact) -> Question:
    """x * y <= limit over the box."""
    return Question("q", "c", BOX, facts, at_most(times(X, Y), constant(limit)))


FAMILIES = [
    charge_of_steps(8, 4, 10),
    density_over_shared_area(3),
    guarded_loops(3),
    guarded_total(3),
    energy_under_voltage(2),
    conditional_steps(4),
    doses_by_time(3),
]


@pytest.mark.parametrize("obligation", FAMILIES, ids=lambda item: item.id)
def test_certificates_of_every_family_are_accepted(obligation: Obligation) -> None:
    certificate = certificate_of(obligation)
    assert certificate is not None
    assert proves(certificate, question_of(obligation))


@given(obligations())
def test_what_the_prover_certifies_is_accepted_and_true(obligation: Obligation) -> None:
    certificate = certificate_of(obligation)
    if certificate is not None:
        assert proves(certificate, question_of(obligation))
        assert brute_force(obligation) is None


@cache
def family_certificate(number: int) -> str:
    """The certificate of a family, as text."""
    return json.dumps(certificate_of(FAMILIES[number]))


def _leaves(value: Any, path: tuple[int, ...] = ()) -> list[tuple[int, ...]]:
    if not isinstance(value, list):
        return [path]
    return [place for index, item in enumerate(value) for place in _leaves(item, (*path, index))]


@st.composite
def tampered(draw: st.DrawFn) -> tuple[Obligation, Any]:
    """An obligation and a certificate, of it or of another one, in which one or two words were changed."""
    obligation = draw(obligations())
    of_family = draw(st.sampled_from([None, *range(len(FAMILIES))]))
    text = family_certificate(of_family) if of_family is not None else json.dumps(certificate_of(obligation))
    certificate = json.loads(text)
    if certificate is None:
        certificate = ["farkas", [["1", [["fact", "goal"], ["hi", [["x0", 1]]]]]]]
    names = [item.name for item in obligation.variables] + [
        f"guard:{item.name}" for item in obligation.guards
    ]
    words = st.sampled_from(["hi", "lo", "fact", "goal", "0", "1", "-1", "7", 1, 2, "le", "lt", *names])
    for _ in range(draw(st.integers(0, 2))):
        *path, last = draw(st.sampled_from([place for place in _leaves(certificate) if place]))
        part = certificate
        for index in path:
            part = part[index]
        part[last] = draw(words)
    return obligation, certificate


@given(tampered())
@settings(max_examples=3 * settings().max_examples)
def test_two_checkers_that_were_written_apart_agree_on_tampered_certificates(
    case: tuple[Obligation, Any],
) -> None:
    obligation, certificate = case
    accepted = proves(certificate, question_of(obligation))
    proof = decode(certificate)
    assert accepted == (proof is not None and check(proof, obligation))
    assert not accepted or brute_force(obligation) is None


@pytest.mark.parametrize(
    "certificate",
    [
        None,
        [],
        "closed",
        ["closed", 1],
        ["farkas", []],
        ["farkas", [["1", []]]],
        ["farkas", [["0", [["fact", "goal"]]]]],
        ["farkas", [["-1", [["fact", "goal"]]]]],
        ["farkas", [[1, [["fact", "goal"]]]]],
        ["farkas", [["1", [["fact", "nothing"]]]]],
        ["farkas", [["1", [["hi", []]]]]],
        ["farkas", [["1", [["hi", [["z", 1]]]]]]],
        ["split", "guard:none", []],
        ["cut", "name", ["le", [], "0"], ["closed"], ["closed"]],
        ["cut", "name", ["le", [["1", [["z", 1]]]], "1"], ["closed"], ["closed"]],
        ["corner", "goal", [["x", "lo"]], "name", ["closed"]],
        ["corner", "goal", [["z", "hi"]], "name", ["closed"]],
        {"rule": "closed"},
    ],
)
def test_what_is_no_proof_proves_nothing(certificate: Any) -> None:
    assert not proves(certificate, bound(99))


def test_a_proof_that_adds_up_is_accepted_and_none_that_does_not() -> None:
    """Over whole numbers x * y > 100 is x * y - 101 >= 0; with 100 - x * y >= 0 that gives -1 >= 0."""
    right = ["farkas", [["1", [["fact", "goal"]]], ["1", [["hi", XY]]]]]
    assert proves(right, bound(100))
    assert not proves(right, bound(99))
    assert not proves(["farkas", [["2", [["fact", "goal"]]], ["1", [["hi", XY]]]]], bound(100))
    assert not proves(["farkas", [["1", [["fact", "goal"]]], ["1", [["lo", XY]]]]], bound(100))


def test_a_disjunction_is_refuted_part_by_part_and_no_part_may_be_left_out() -> None:
    either = Fact("either", any_of((at_most(X, constant(3)), at_most(Y, constant(3)))))
    part = ["farkas", [["1", [["fact", "goal"]]], ["1", [["hi", XY]]]]]
    assert proves(["split", "guard:either", [part, part]], bound(30, either))
    assert not proves(["split", "guard:either", [part]], bound(30, either))
    assert not proves(["split", "guard:either", [part, part]], bound(29, either))


def test_a_bound_between_two_steps_of_the_grid_is_taken_to_the_last_one() -> None:
    stepped = (Domain("x", 0, 10, 5),)
    below_nine = Fact("few", below(X, constant(9)))
    assert proves(["closed"], Question("q", "c", stepped, (below_nine,), at_most(X, constant(5))))
    assert not proves(["closed"], Question("q", "c", stepped, (below_nine,), at_most(X, constant(4))))


def test_a_certificate_that_nests_without_end_proves_nothing() -> None:
    deep: Any = ["closed"]
    for _ in range(250):
        deep = ["cut", "n", ["le", [["1", [["x", 1]]]], "1"], deep, deep]
    assert not proves(deep, bound(99))


def test_a_question_and_the_prover_s_form_of_it_have_the_same_certificates() -> None:
    goal = at_most(plus(times(X, Y), scaled(X, 3)), constant(130))
    question = Question("q", "c", BOX, (Fact("f", at_most(minus(X, Y), constant(2))),), goal)
    certificate = certificate_of(obligation_of(question))
    assert certificate is not None
    assert proves(certificate, question)
