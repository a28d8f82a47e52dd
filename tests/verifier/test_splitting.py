"""Cases are followed until each is closed, with the fuel that was given and no more."""

from __future__ import annotations

from ionto_verifier.bounding import close_by_rows
from ionto_verifier.certificate import Cut, Known, Proof, Split, assumed, check
from ionto_verifier.interval import contradiction
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
    never_above_zero,
    never_happens,
    no,
    yes,
)
from ionto_verifier.splitting import Close, Fuel, Search
from ionto_verifier.term import variable

x, y, w = variable("x"), variable("y"), variable("w")


def refuted(
    obligation: Obligation, fuel: int = 64, halves: bool = False, close: Close = contradiction
) -> Proof | None:
    known = assumed(obligation)
    proof = Search(close, Fuel(fuel), halves).refute(known, tuple(known.facts))
    assert proof is None or check(proof, obligation)
    return proof


def screening(questions: int) -> Obligation:
    """Nobody with any of the conditions is treated: treated only if each answer is no."""
    names = [f"q{index}" for index in range(questions)]
    items = (*(answer(name) for name in names), answer("treated"))
    guards = (
        *(Guard(f"refuse {name}", implies(yes(name), no("treated"))) for name in names),
        Guard("treated", yes("treated")),
    )
    return Obligation("o", "p", items, guards, conjunction(no(name) for name in names))


def test_a_screening_of_forty_questions_is_closed_by_following_what_is_forced() -> None:
    assert refuted(screening(40), fuel=100) is not None


def test_a_forgotten_question_leaves_the_screening_open() -> None:
    whole = screening(10)
    holed = Obligation("o", "p", whole.variables, whole.guards[1:], whole.conclusion)
    assert refuted(holed) is None


def test_a_value_that_depends_on_a_condition_is_bounded_by_cases() -> None:
    items = (answer("b"), Variable("x", 0, 10), Variable("w", 0, 1000))
    guards = (
        Guard("if", implies(yes("b"), equal(w, 3 * x))),
        Guard("else", implies(no("b"), equal(w, 2 * x + 5))),
    )
    proof = refuted(never_above_zero("o", "p", items, guards, w - 30), close=close_by_rows)
    assert isinstance(proof, Split)
    assert refuted(never_above_zero("o", "p", items, guards, w - 29), close=close_by_rows) is None


def test_an_answer_that_helps_and_harms_is_tried_both_ways() -> None:
    items = (answer("b"), Variable("x", 0, 10), Variable("y", 0, 10))
    b = variable("b")
    goal = (2 * b - 1) * x + (1 - 2 * b) * y - 10
    assert isinstance(refuted(never_above_zero("o", "p", items, (), goal)), Cut)


def test_halving_the_box_reaches_what_single_intervals_cannot() -> None:
    # x (7 - x) is at most 12.25, which intervals see only on small boxes; 13 leaves them some room.
    obligation = never_above_zero("o", "p", (Variable("x", 0, 10),), (), x * (7 - x) - 13)
    assert refuted(obligation) is None
    assert isinstance(refuted(obligation, halves=True), Cut)
    assert refuted(obligation, fuel=1, halves=True) is None


def test_halving_ends_on_single_grid_values() -> None:
    stepped = (Variable("x", 0, 12, step=3),)
    obligation = never_happens("o", "p", stepped, (Guard("square", equal(x * x, 37)),))
    assert refuted(obligation, halves=True) is not None
    reachable = never_happens("o", "p", stepped, (Guard("square", equal(x * x, 36)),))
    assert refuted(reachable, halves=True) is None


def test_nested_choices_are_named_and_followed() -> None:
    items = (Variable("x", 0, 10), Variable("y", 0, 10))
    inner = disjunction(
        (at_most(x, 1), conjunction((at_most(y, 2), disjunction((at_most(x, 3), at_most(y, 1))))))
    )
    guards = (Guard("choice", inner), Guard("x", greater(x, 3)), Guard("y", greater(y, 1)))
    assert isinstance(refuted(never_happens("o", "p", items, guards)), Split)


def test_without_fuel_only_the_whole_is_tried() -> None:
    seen: list[Known] = []

    def watch(known: Known, _targets: tuple[str, ...]) -> Proof | None:
        seen.append(known)
        return None

    known = assumed(screening(2))
    assert Search(watch, Fuel(0), halves=True).refute(known, ()) is None
    assert seen == [known]
