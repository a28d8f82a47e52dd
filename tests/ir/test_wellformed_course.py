"""A course that cannot be meant is no plan: impossible rules, endless phases, memories that do not fit."""

from __future__ import annotations

import pytest

from ionto_ir.course import Course, Gate, MemoryKind, Phase
from ionto_ir.dataclass import replace
from ionto_ir.expression import TRUE, Constant
from ionto_ir.features import features_of
from ionto_ir.plan import Plan
from ionto_ir.wellformed import check
from tests.golden.everything import everything
from tests.treatments import HERE

PLAN = everything()
assert PLAN.course is not None
COURSE: Course = PLAN.course
OFTEN, LISTED = COURSE.phases


def problems(plan: Plan) -> list[str]:
    """What is wrong with a plan; what it requires is worked out."""
    found = check(replace(plan, requires=features_of(plan)))
    assert {item.code for item in found} <= {"I0825", "I0827"}
    return [item.message for item in found]


def of_course(**changes: object) -> list[str]:
    return problems(replace(PLAN, course=replace(COURSE, **changes)))  # type: ignore[arg-type]


def of_phase(**changes: object) -> list[str]:
    rhythm = replace(OFTEN.rhythm, **changes)  # type: ignore[arg-type]
    return of_course(phases=(replace(OFTEN, rhythm=rhythm), LISTED))


def of_memory(number: int, **changes: object) -> list[str]:
    memories = list(COURSE.memories)
    memories[number] = replace(memories[number], **changes)  # type: ignore[arg-type]
    return of_course(memories=tuple(memories))


def test_the_course_with_everything_is_well_formed() -> None:
    assert problems(PLAN) == []


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"gap_days_min": 3, "gap_days_max": 2}, "the gaps of the course are impossible"),
        ({"gap_ms_min": 3, "gap_ms_max": 2}, "the gaps of the course are impossible"),
        ({"gap_ms_min": -1}, "the gaps of the course are impossible"),
        ({"per_days": ((0, 7),)}, "a course allows some sessions on some days, not none"),
        ({"sessions_max": 0}, "a course has at least one session on at least one day"),
        ({"length_days": 0}, "a course has at least one session on at least one day"),
        ({"weekdays": (4, 0)}, "the weekdays of a course are told once each, from Monday on"),
        ({"weekdays": (7,)}, "the weekdays of a course are told once each, from Monday on"),
        ({"days": (2, 3)}, "the days of a course rise from day 1, that of its first session"),
        ({"days": (1, 4, 4)}, "the days of a course rise from day 1, that of its first session"),
        ({"gates": (Gate(TRUE, "over", 0, HERE),)}, "an evaluation comes after at least one session"),
    ],
)
def test_rules_can_be_meant(changes: dict[str, object], said: str) -> None:
    assert said in of_course(**changes)
    if "gates" not in changes:
        assert said in of_phase(**changes)


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"rest_site_ms": -1}, "a site rests for a time, not for less than none"),
        ({"phases": (OFTEN, OFTEN)}, "two phases have the same name"),
        ({"days": (1, 2)}, "a course with phases has no days of its own"),
        (
            {"gates": (Gate(TRUE, "over", None, HERE),)},
            "an evaluation of the whole course comes after some number of sessions",
        ),
        ({"weekdays": (5,)}, "a phase has no weekday that the course allows"),
        (
            {"phases": tuple(replace(OFTEN, name=f"phase {number}") for number in range(21))},
            "a course has at most 20 phases",
        ),
        ({"memories": COURSE.memories[1:]}, "nothing says what `course.session` remembers"),
        (
            {"memories": (*COURSE.memories, COURSE.memories[0])},
            "nothing says what `course.session` remembers",
        ),
    ],
)
def test_a_course_fits_together(changes: dict[str, object], said: str) -> None:
    assert said in of_course(**changes)


def test_a_phase_that_another_one_follows_ends() -> None:
    endless = Phase("often", replace(OFTEN.rhythm, sessions_max=None), None, (), HERE)
    assert "the phase `often` never ends" in of_course(phases=(endless, LISTED))
    assert of_course(phases=(replace(endless, next_when=OFTEN.next_when), LISTED)) == []
    assert of_course(phases=(OFTEN, replace(endless, name="listed"))) == []


@pytest.mark.parametrize(
    ("number", "changes", "said"),
    [
        (0, {"variable": "sweating"}, "`sweating` is no variable that is remembered"),
        (0, {"first": 0}, "the first value of `course.session` is none of its values"),
        (0, {"source": "sweating"}, "a remembered value has a source, and nothing else has"),
        (0, {"swap_when": TRUE}, "only a polarity is swapped"),
        (1, {"kind": MemoryKind.SESSION}, "`course.phase` cannot hold what it remembers"),
        (2, {"kind": MemoryKind.PHASE, "swap_when": None}, "`course.polarity` cannot hold what it remembers"),
        (3, {"source": "chloride"}, "`previous.sweating` cannot hold what it remembers"),
        (3, {"source": "nothing"}, "`previous.sweating` cannot hold what it remembers"),
    ],
)
def test_a_memory_fits_its_variable(number: int, changes: dict[str, object], said: str) -> None:
    assert said in of_memory(number, **changes)


def test_a_memory_without_a_course_is_none() -> None:
    assert "nothing says what `course.phase` remembers" in problems(replace(PLAN, course=None))


def test_a_site_is_chosen_before_the_session() -> None:
    active, other = PLAN.electrodes
    for name in ("sweating", "current", "nothing", "course.phase"):
        sited = (replace(active, site_variable=name), other)
        assert any("a site is" in item for item in problems(replace(PLAN, electrodes=sited)))


def test_a_limit_per_site_has_a_window() -> None:
    limits = (replace(PLAN.limits[4], per_site=True, window_ms=None),)
    assert "a limit per site has a window" in problems(replace(PLAN, limits=limits))


def test_conditions_of_a_course_are_conditions() -> None:
    gate = replace(COURSE.gates[0], condition=Constant(1))
    swap = replace(COURSE.memories[2], swap_when=Constant(1))
    assert of_course(gates=(gate,)) == ["the evaluation is no condition"]
    assert of_course(memories=(*COURSE.memories[:2], swap, COURSE.memories[3])) == [
        "the change of polarity is no condition"
    ]
