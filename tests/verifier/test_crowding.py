"""The bound on sessions in a window, against every calendar that binding would let somebody follow.

The search here knows nothing of rules: it walks from moment to moment and asks binding's own objections.
Times lie on a grid of a few hours, each moment also one millisecond before it, which is where dates are
closest. Rules are whole numbers of that grid, so the closest sessions lie on it too.
"""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ionto_ir.bind_constants import History, PastSession
from ionto_ir.bind_course import course_objections
from ionto_ir.course import DAY_MS, Course, Memory, MemoryKind, Phase, Rhythm
from ionto_ir.dataclass import replace
from ionto_ir.expression import boolean_reference
from ionto_ir.limits import LimitKind
from ionto_ir.recheck.calendar import sessions_in
from ionto_verifier.assumptions import assumptions_of
from ionto_verifier.crowding import crowd
from ionto_verifier.windows import on_one_site, sessions_within
from tests.treatments import HERE, finish, limit, plan_with

HOUR_MS = 3_600_000
GRID_MS = 12 * HOUR_MS
SESSIONS_MAX = 6
NEXT = boolean_reference("better")


def rhythm(**said: object) -> Rhythm:
    """A rhythm of which only some things are said."""
    return replace(Rhythm(0, None, 0, None, (), (), (), None, None), **said)  # type: ignore[arg-type]


def course(**said: object) -> Course:
    """A course of which only some things are said."""
    return replace(Course(0, None, 0, (), None, None, HERE), **said)  # type: ignore[arg-type]


def phase(name: str, next_: bool = False, **said: object) -> Phase:
    """A phase that `next` may end."""
    return Phase(name, rhythm(**said), NEXT if next_ else None, (), HERE)


def moments(dates: int) -> list[int]:
    """The grid, and the moments just before it."""
    grid = range(DAY_MS, (dates + 1) * DAY_MS + 1, GRID_MS)
    return sorted({moment for point in grid for moment in (point - 1, point)})


def calendars(followed: Course, dates: int) -> Iterator[tuple[int, ...]]:
    """The starts of every calendar that the course lets somebody follow, each one as far as it goes."""
    grid = moments(dates)

    def walk(given: tuple[PastSession, ...]) -> Iterator[tuple[int, ...]]:
        if given:
            yield tuple(past.start_ms for past in given)
        if len(given) == SESSIONS_MAX:
            return
        for now in grid:
            if given and now < given[-1].start_ms:
                continue
            history = History(now, now // DAY_MS, given)
            if any(True for _ in course_objections(followed, given, {}, history)):
                continue
            for better in (False, True) if followed.phases else (False,):
                past = PastSession(now, now, history.today, 0, 0, "", (), (("better", better),))
                yield from walk((*given, past))

    yield from walk(())


def most_seen(followed: Course, dates: int) -> dict[int, int]:
    """The most sessions that any calendar begins within each span."""
    best = dict.fromkeys(SPANS_MS, 0)
    for starts in calendars(followed, dates):
        for span_ms in SPANS_MS:
            within = sum(starts[-1] - start < span_ms for start in starts)
            best[span_ms] = max(best[span_ms], within)
    return best


SPANS_MS = (2, GRID_MS, DAY_MS, DAY_MS + 2, 2 * DAY_MS, 2 * DAY_MS + GRID_MS + 2, 4 * DAY_MS)
CASES = {
    "every day": (course(gap_days_min=1, sessions_max=4), 4),
    "every second day": (course(gap_days_min=2, sessions_max=4), 5),
    "every day, and half a day": (course(gap_days_min=1, gap_ms_min=GRID_MS, sessions_max=4), 4),
    "two on a day, half a day apart": (course(gap_ms_min=GRID_MS, per_days=((2, 1),), sessions_max=5), 3),
    "three in four dates": (course(gap_days_min=1, per_days=((2, 4),), sessions_max=4), 7),
    "Tuesday, Wednesday, Friday": (course(gap_days_min=1, weekdays=(1, 2, 4), sessions_max=4), 9),
    "days 1, 2 and 4": (course(gap_days_min=1, days=(1, 2, 4)), 5),
    "all within two dates": (course(gap_ms_min=GRID_MS, length_days=2, sessions_max=5), 3),
    "then less often": (
        course(
            sessions_max=5, phases=(phase("a", gap_days_min=1, sessions_max=2), phase("b", gap_days_min=2))
        ),
        5,
    ),
    "then more often, when better": (
        course(sessions_max=4, phases=(phase("a", True, gap_days_min=2), phase("b", gap_ms_min=GRID_MS))),
        3,
    ),
    "shares do not reach over a change of phase": (
        course(
            gap_days_min=1,
            sessions_max=4,
            phases=(phase("a", per_days=((1, 3),), sessions_max=2), phase("b", per_days=((1, 3),))),
        ),
        6,
    ),
    "after the time of a phase": (
        course(
            sessions_max=4, phases=(phase("a", gap_days_min=3, length_days=2), phase("b", gap_days_min=1))
        ),
        5,
    ),
    "three phases": (
        course(
            gap_days_min=1,
            sessions_max=4,
            phases=(phase("a", sessions_max=1), phase("b", gap_days_min=2, sessions_max=2), phase("c")),
        ),
        5,
    ),
}


@pytest.mark.parametrize("name", CASES)
def test_the_bound_is_what_the_fullest_calendar_shows(name: str) -> None:
    followed, dates = CASES[name]
    assert {span_ms: sessions_within(followed, span_ms) for span_ms in SPANS_MS} == most_seen(followed, dates)


RHYTHMS = st.fixed_dictionaries(
    {},
    optional={
        "gap_days_min": st.integers(1, 3),
        "gap_ms_min": st.sampled_from([GRID_MS, DAY_MS, 3 * GRID_MS]),
        "per_days": st.lists(st.tuples(st.integers(1, 2), st.integers(1, 3)), max_size=2).map(tuple),
        "weekdays": st.sampled_from([(0, 2, 4), (1,), (0, 1, 2, 3)]),
        "length_days": st.integers(1, 4),
    },
)
PHASES = st.just(()) | st.tuples(
    st.builds(lambda said: phase("a", True, **said), RHYTHMS),
    st.builds(lambda said: phase("b", **said), RHYTHMS),
)


@settings(max_examples=settings().max_examples // 4)
@given(RHYTHMS, PHASES, st.integers(2, 3))
def test_no_calendar_is_fuller_than_the_bound(
    said: dict[str, object], phases: tuple[Phase, ...], most: int
) -> None:
    followed = course(**said, phases=phases, sessions_max=most)
    for span_ms, seen in most_seen(followed, 4).items():
        bound = sessions_within(followed, span_ms)
        assert bound is not None and seen <= bound
        reckoned = sessions_in(followed, span_ms)
        assert reckoned is not None and bound <= reckoned, "the recheck looks at one rule at a time"


def test_one_site_is_treated_less_often_than_a_patient() -> None:
    followed = course(gap_days_min=1, rest_site_ms=3 * DAY_MS)
    assert sessions_within(followed, 3 * DAY_MS) == 4
    assert sessions_within(on_one_site(followed), 3 * DAY_MS) == 1


def test_a_search_that_takes_too_long_leaves_the_formulas() -> None:
    often = course(phases=tuple(phase(f"p{index}", True, gap_ms_min=HOUR_MS) for index in range(9)))
    assert crowd(often, 60 * HOUR_MS, 60) is None
    assert sessions_within(often, 60 * HOUR_MS) == 540
    assert sessions_within(replace(often, gap_ms_min=HOUR_MS), 60 * HOUR_MS) == 60


def test_the_recheck_finds_what_days_alone_keep_apart() -> None:
    followed = course(gap_days_min=1, weekdays=(0, 2, 4))
    assert sessions_in(followed, DAY_MS) == sessions_within(followed, DAY_MS) == 1
    assert sessions_in(followed, 7 * DAY_MS) == sessions_within(followed, 7 * DAY_MS) == 4
    rare = replace(followed, per_days=((1, 365),))
    assert sessions_in(rare, 2 * 365 * DAY_MS) == sessions_within(rare, 2 * 365 * DAY_MS) == 2
    listed = course(gap_days_min=1, days=(1, 8, 10))
    assert sessions_in(listed, 9 * DAY_MS) == sessions_within(listed, 9 * DAY_MS) == 3
    assert sessions_in(course(gap_days_min=1, rest_site_ms=3 * DAY_MS), 3 * DAY_MS, per_site=True) == 1


def test_the_assumptions_say_what_is_taken_for_granted_between_sessions() -> None:
    plan = plan_with((finish(),), limits=(limit(LimitKind.SESSIONS, 1, "", window_ms=DAY_MS),))
    memory = Memory("course.session", MemoryKind.SESSION, None, 1, None, HERE)
    followed = course(gap_days_min=1, memories=(memory,))
    for changed, words in (
        (plan, ["of this protocol alone"]),
        (replace(plan, limits=(), course=followed), ["a date is 24 h long", "may be anything in its range"]),
        (replace(plan, limits=(), course=course(gap_ms_min=DAY_MS)), []),
    ):
        said = assumptions_of(changed)
        for word in ("of this protocol alone", "a date is 24 h long", "may be anything in its range"):
            assert any(word in item for item in said) is (word in words)
