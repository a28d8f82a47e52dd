"""Every requirement of the runtime has a test that injects its fault, and the manual says which."""

from __future__ import annotations

from docs.generate import requirement_tests
from docs.requirements import NOTES, REQUIREMENTS


def test_the_requirements_are_r1_to_r70() -> None:
    assert list(REQUIREMENTS) == [f"R{number}" for number in range(1, 71)]
    assert set(NOTES) <= set(REQUIREMENTS)


def test_every_requirement_has_a_test_that_injects_its_fault() -> None:
    tested = requirement_tests()
    assert set(tested) <= set(REQUIREMENTS), "tests name requirements that exist"
    assert set(REQUIREMENTS) - set(tested) == set()
