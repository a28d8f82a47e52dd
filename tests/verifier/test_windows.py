"""How many sessions fit into a window, against a search over all days and minutes."""

from __future__ import annotations

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from ionto_ir.course import DAY_MS, rhythm_of
from ionto_ir.plan import Course
from ionto_verifier.schedules import schedule
from ionto_verifier.windows import contradictions, sessions_within, starts_apart_ms
from tests.treatments import HERE

HOUR_MS = 3_600_000


def _course(
    days: int = 0, ms: int = 0, rules: tuple[tuple[int, int], ...] = (), most: int | None = None
) -> Course:
    return Course(days, None, ms, rules, most, None, HERE)


def test_two_dates_can_be_two_minutes_apart() -> None:
    assert sessions_within(_course(days=1), DAY_MS) == 2
    assert sessions_within(_course(days=1), 2) == 2


def test_every_second_day_leaves_more_than_a_day_between() -> None:
    assert sessions_within(_course(days=2), DAY_MS) == 1
    assert sessions_within(_course(days=2), DAY_MS + 2) == 2


def test_a_session_that_starts_exactly_a_day_later_is_outside_the_window() -> None:
    assert sessions_within(_course(ms=DAY_MS), DAY_MS) == 1
    assert sessions_within(_course(ms=DAY_MS), DAY_MS + 1) == 2


def test_three_in_a_week_can_be_six_in_little_more_than_eight_days() -> None:
    assert sessions_within(_course(days=1, rules=((3, 7),)), 8 * DAY_MS) == 5
    assert sessions_within(_course(days=1, rules=((3, 7),)), 8 * DAY_MS + 2) == 6


def test_nothing_bounds_a_course_without_rules() -> None:
    assert sessions_within(None, DAY_MS) is None
    assert sessions_within(_course(), DAY_MS) is None
    assert sessions_within(_course(most=4), DAY_MS) == 4


def test_rules_that_no_second_session_can_follow_contradict_each_other() -> None:
    assert contradictions(Course(2, 2, 80 * HOUR_MS, (), None, None, HERE))
    assert not contradictions(Course(2, 2, 71 * HOUR_MS, (), None, None, HERE))
    assert contradictions(Course(1, 3, 0, ((1, 5),), None, None, HERE))
    assert not contradictions(Course(1, 3, 0, ((1, 5),), 1, None, HERE))


COURSES = st.builds(
    _course,
    st.integers(0, 4),
    st.integers(0, 60).map(lambda hours: hours * HOUR_MS),
    st.lists(st.tuples(st.integers(1, 3), st.integers(1, 9)), max_size=2).map(tuple),
    st.none() | st.integers(1, 9),
)


@given(COURSES, st.integers(1, 9))
def test_no_schedule_is_closer_than_the_formula_says(course: Course, count: int) -> None:
    starts = schedule(course, count, 1, 400 * DAY_MS)
    if starts is not None:
        assert starts[-1] - starts[0] >= starts_apart_ms(rhythm_of(course), count)


@given(COURSES, st.integers(1, 30).map(lambda half: half * DAY_MS // 2))
def test_a_window_holds_as_many_as_are_counted_and_not_one_more(course: Course, window_ms: int) -> None:
    counted = sessions_within(course, window_ms)
    if counted is None:
        return
    assert schedule(course, counted + 1, 0, window_ms) is None
    assert schedule(course, counted, 0, window_ms) is not None


def _obeys(course: Course, starts: tuple[int, ...]) -> bool:
    """The rules, one by one, of starts in ms after a midnight."""
    dates = [start // DAY_MS for start in starts]
    apart = all(later - earlier >= course.gap_days_min for earlier, later in pairwise(dates))
    elapsed = all(later - earlier >= course.gap_ms_min for earlier, later in pairwise(starts))
    shares = all(
        sum(date <= other < date + days for other in dates) <= share
        for share, days in course.per_days
        for date in dates
    )
    return apart and elapsed and shares


@given(COURSES, st.integers(1, 12))
def test_a_schedule_obeys_every_rule_of_its_course(course: Course, count: int) -> None:
    starts = schedule(course, count, 1, 400 * DAY_MS)
    assert starts is None or _obeys(course, starts)
