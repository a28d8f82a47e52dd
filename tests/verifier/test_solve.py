"""Decisions are right, carry certificates, prefer cheap stages, and never call unknown things proved."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from fractions import Fraction

import pytest
from hypothesis import given

from ionto_ir.dataclass import replace
from ionto_verifier.budget import BUDGET, Budget
from ionto_verifier.certificate import check
from ionto_verifier.decision import Decision, Proved, Refuted, Stage, Unknown
from ionto_verifier.obligation import (
    Guard,
    Obligation,
    Variable,
    answer,
    at_most,
    conjunction,
    disjunction,
    equal,
    greater,
    implies,
    is_witness,
    less,
    never_above_zero,
    never_happens,
    no,
    yes,
)
from ionto_verifier.smt import Undetermined
from ionto_verifier.solve import decide, decide_all
from ionto_verifier.term import DEGREE_MAX, constant, total, variable
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

x, y, z = variable("x"), variable("y"), variable("z")

FAMILIES: list[tuple[Callable[..., Obligation], int, Stage]] = [
    (lambda size, slack=0: charge_of_steps(1000, size, slack), 6, Stage.INTERVAL),
    (density_over_shared_area, 6, Stage.RELAXATION),
    (guarded_loops, 10, Stage.RELAXATION),
    (guarded_total, 20, Stage.RELAXATION),
    (energy_under_voltage, 3, Stage.RELAXATION),
    (conditional_steps, 20, Stage.INTERVAL),
    (doses_by_time, 10, Stage.RELAXATION),
]


def decided(obligation: Obligation, budget: Budget = BUDGET) -> Decision:
    """The decision, with everything it claims checked."""
    decision = decide(obligation, budget)
    match decision:
        case Proved(certificate=proof):
            assert proof is None or check(proof, obligation)
        case Refuted(witness=witness):
            assert is_witness(obligation, witness)
        case Unknown(reason=reason):
            assert reason
    return decision


@pytest.mark.parametrize(("family", "size", "stage"), FAMILIES)
def test_each_family_is_proved_at_its_limit_and_refuted_one_below(
    family: Callable[..., Obligation], size: int, stage: Stage
) -> None:
    proof = decided(family(size))
    assert isinstance(proof, Proved) and proof.stage == stage and proof.certificate is not None
    assert isinstance(decided(family(size, -1)), Refuted)


@given(obligations())
def test_no_decision_contradicts_trying_every_point(obligation: Obligation) -> None:
    decision, witness = decided(obligation), brute_force(obligation)
    if isinstance(decision, Proved):
        assert witness is None
        assert decision.certificate is not None or decision.stage in (Stage.RELAXATION, Stage.SOLVER)
    else:
        assert isinstance(decision, Refuted) and witness is not None


@given(obligations())
def test_without_any_effort_nothing_false_is_claimed(obligation: Obligation) -> None:
    decision = decided(obligation, Budget(1, 1, 0, 0))
    if isinstance(decision, Proved):
        assert brute_force(obligation) is None


def test_what_only_the_solver_could_decide_is_unknown_without_effort() -> None:
    hard = never_above_zero(
        "o", "p", (Variable("x", 0, 10), Variable("y", 0, 10)), (), 3 * x * y - x**2 * y - y**2 * x - 1
    )
    assert isinstance(decided(hard), Proved)
    assert isinstance(decided(hard, Budget(1, 1, 0, 0)), Unknown)


def test_a_solver_that_never_answers_leaves_things_unknown(monkeypatch: pytest.MonkeyPatch) -> None:
    from ionto_verifier import nonlinear, relaxation

    monkeypatch.setattr(nonlinear, "ask", lambda *_: Undetermined("no answer"))
    monkeypatch.setattr(relaxation.Dialogue, "ask", lambda *_: Undetermined("no answer"))
    items = (Variable("x", 0, 10), Variable("y", 0, 10), Variable("z", 0, 10))
    goal = 4 * x * y * z - x**2 * y - y**2 * z - z**2 * x - 1000
    hard = never_above_zero("o", "p", items, (), goal)
    decision = decided(hard, replace(BUDGET, split_cases=0, relaxed_cases=0))
    assert isinstance(decision, Unknown) and "no answer" in decision.reason


def test_what_fails_between_grid_values_only_is_proved_on_the_grid_and_says_so() -> None:
    # x (10 - x) is 25 at x = 5, but on the grid 0, 3, 6, 9 it is at most 24.
    obligation = never_above_zero("o", "p", (Variable("x", 0, 9, step=3),), (), x * (10 - x) - 24)
    decision = decided(obligation)
    assert isinstance(decision, Proved) and decision.certificate is not None and decision.grid_only
    between = decision.unsafe_between
    assert between is not None and not is_witness(obligation, between)
    forgotten = replace(obligation, variables=(Variable("x", 0, 9),))
    assert is_witness(forgotten, between)


def test_what_holds_between_grid_values_too_is_not_marked() -> None:
    by_cases = never_above_zero("o", "p", (Variable("x", 0, 9, step=3),), (), x * (10 - x) - 26)
    decision = decided(by_cases)
    assert isinstance(decision, Proved) and not decision.grid_only and decision.unsafe_between is None


def test_a_square_that_no_whole_number_has_is_refuted_on_the_grid_only() -> None:
    two = Guard("two", equal(x * x, 2))
    assert isinstance(decided(never_happens("o", "p", (Variable("x", 0, 5, integer=True),), (two,))), Proved)
    assert isinstance(decided(never_happens("o", "p", (Variable("x", 0, 5),), (two,))), Unknown), (
        "the root of two cannot be written down as a witness"
    )


def test_reachability_brings_a_point_or_a_proof_that_there_is_none() -> None:
    items = (answer("a"), answer("b"), Variable("age", 0, 120, integer=True))
    adult = Guard("adult", implies(no("a"), greater(variable("age"), 17)))
    young = Guard("young", less(variable("age"), 18))
    reached = decided(never_happens("o", "p", items, (adult, young)))
    assert isinstance(reached, Refuted) and reached.witness["a"] == 1
    unreachable = decided(never_happens("o", "p", items, (adult, young, Guard("no", no("a")))))
    assert isinstance(unreachable, Proved) and unreachable.without_goal


def test_formulas_are_proved_from_formulas() -> None:
    items = tuple(answer(f"q{index}") for index in range(12))
    names = [item.name for item in items]
    at_most_one = tuple(
        Guard(f"{first}{second}", disjunction((no(first), no(second))))
        for first in names
        for second in names
        if first < second
    )
    some = Guard("some", disjunction(yes(name) for name in names))
    exactly_one = Obligation(
        "o", "p", items, (*at_most_one, some), equal(total(variable(name) for name in names), 1)
    )
    decision = decided(exactly_one)
    assert isinstance(decision, Proved)
    assert isinstance(decided(replace(exactly_one, guards=at_most_one)), Refuted)


def test_equal_obligations_are_decided_once_and_all_get_the_decision() -> None:
    items = (Variable("x", 0, 10), Variable("y", 0, 10))
    many = [
        never_above_zero(f"o{index}", "p", items, (), x * y * (index % 3 + 1) - 100) for index in range(30)
    ]
    decisions = decide_all(many)
    assert list(decisions) == [item.id for item in many]
    assert len({id(decision) for decision in decisions.values()}) == 3
    assert [isinstance(decisions[f"o{index}"], Proved) for index in range(3)] == [True, False, False]


def test_equal_ids_are_our_own_bug() -> None:
    one = never_above_zero("o", "p", (Variable("x", 0, 1),), (), x - 1)
    with pytest.raises(AssertionError, match="two obligations"):
        decide_all((one, one))


def test_a_guard_about_a_stranger_is_our_own_bug() -> None:
    with pytest.raises(AssertionError, match="stranger"):
        decide(never_above_zero("o", "p", (Variable("x", 0, 1),), (Guard("g", at_most(y, 1)),), x - 1))


def test_a_proof_that_grows_too_large_is_unknown_and_not_an_accident() -> None:
    names = [variable(f"v{index}") for index in range(DEGREE_MAX)]
    high = constant(1)
    for name in names:
        high = high * name
    items = tuple(Variable(f"v{index}", -1, 1) for index in range(DEGREE_MAX))
    guards = (Guard("g", at_most(high * -1 + variable("v0") ** 2, 0)),)
    assert isinstance(decided(never_above_zero("o", "p", items, guards, high - 1)), Proved)
    decided(
        never_above_zero("o", "p", items, guards, high - variable("v1") ** 3), Budget(50_000, 50_000, 4, 2)
    )


def test_the_same_question_gets_the_same_decision_whatever_was_asked_before() -> None:
    asked = energy_under_voltage(2, slack=-1)
    first = decide(asked)
    decide(density_over_shared_area(3))
    decide(never_happens("o", "p", (Variable("x", 0, 5),), (Guard("two", equal(x * x, 2)),)))
    assert decide(asked) == first


def test_witnesses_are_exact_fractions() -> None:
    decision = decided(
        never_above_zero("o", "p", (Variable("x", 0, 10),), (Guard("g", at_most(3 * x, 10)),), x - 3)
    )
    assert isinstance(decision, Refuted)
    assert all(type(value) is Fraction for value in decision.witness.values())


def test_deep_nesting_of_conditions_is_decided() -> None:
    formula = at_most(x, 0)
    for index in range(40):
        part = at_most(x, index + 1) if index % 2 else less(y, index)
        formula = conjunction((formula, part)) if index % 3 else disjunction((formula, part))
    items = (Variable("x", 0, 50), Variable("y", 0, 50))
    assert isinstance(decided(Obligation("o", "p", items, (Guard("g", formula),), formula)), Proved)


def test_ordinary_obligations_are_settled_without_loading_the_solver() -> None:
    code = (
        "import sys\n"
        "from ionto_verifier.obligation import Variable, Guard, at_most, never_above_zero\n"
        "from ionto_verifier.solve import decide_all\n"
        "from ionto_verifier.term import variable\n"
        "x, y = variable('x'), variable('y')\n"
        "items = (Variable('x', 0, 10), Variable('y', 0, 10))\n"
        "guards = (Guard('dose', at_most(x * y, 30)),)\n"
        "goals = [x * y * n + x - n * 30 - 10 for n in range(1, 9)]\n"
        "made = [never_above_zero(str(g), 'p', items, guards, g) for g in goals]\n"
        "made += [never_above_zero('refuted', 'p', items, guards, x * y - 29)]\n"
        "decide_all(made)\n"
        "assert not {'ctypes', 'z3', 'ionto_verifier.smt'} & set(sys.modules), sorted(sys.modules)\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
