"""Multipliers are exact, all positive, and found only for minimal contradictory sets."""

from __future__ import annotations

from fractions import Fraction
from random import Random

from ionto_verifier.farkas import multipliers
from ionto_verifier.term import ONE, Polynomial, coefficient, total, variable, variables_of

x, y, z = variable("x"), variable("y"), variable("z")


def refuting_sum(terms: list[Polynomial], weights: tuple[int, ...]) -> Fraction:
    """The constant that the weighted sum of the terms comes to."""
    whole = total(term * weight for term, weight in zip(terms, weights, strict=True))
    assert not variables_of(whole)
    return coefficient(whole, ONE)


def test_two_opposite_bounds_contradict_each_other() -> None:
    terms = [3 * x - 9, 2 - x]
    assert multipliers(terms, [False, False]) == (1, 3)
    assert refuting_sum(terms, (1, 3)) == -3


def test_a_chain_is_refuted_with_fractional_coefficients() -> None:
    terms = [x - 2 * y, y * Fraction(1, 3) - z, z - 1, 5 - x]
    weights = multipliers(terms, [False] * 4)
    assert weights is not None and refuting_sum(terms, weights) < 0


def test_touching_bounds_contradict_only_if_one_is_strict() -> None:
    assert multipliers([x - 2, 2 - x], [False, False]) is None
    assert multipliers([x - 2, 2 - x], [True, False]) == (1, 1)


def test_sets_that_are_not_contradictory_or_not_minimal_give_nothing() -> None:
    assert multipliers([x, 5 - x], [False, False]) is None
    assert multipliers([x - 3, 2 - x, y - 3, 2 - y], [False] * 4) is None
    assert multipliers([x, y], [False, False]) is None
    assert multipliers([x - 3, x - 4], [False, False]) is None


def test_a_plainly_false_constant_needs_nobody_else() -> None:
    assert multipliers([x - x - 1], [False]) == (1,)


def test_random_minimal_sets_are_refuted_exactly() -> None:
    random = Random(7)
    for size in range(2, 30):
        names = [variable(f"v{index}") for index in range(size)]
        # v0 >= a1 v1 + c1, v1 >= a2 v2 + c2, ..., v_last >= c and v0 <= less than all of that together.
        slopes = [random.randint(1, 9) for _ in names]
        offsets = [random.randint(0, 9) for _ in names]
        rows = [
            names[index] - slopes[index] * names[index + 1] - offsets[index] for index in range(size - 1)
        ] + [names[-1] - offsets[-1]]
        least = 0
        for slope, offset in reversed(list(zip([*slopes[:-1], 0], offsets, strict=True))):
            least = slope * least + offset
        rows.append(least - 1 - names[0])
        random.shuffle(rows)
        weights = multipliers(rows, [False] * len(rows))
        assert weights is not None and all(weight > 0 for weight in weights)
        assert refuting_sum(rows, weights) < 0
