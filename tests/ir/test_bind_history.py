"""Earlier sessions take room from limits in moving windows, and the course says when the next may be."""

from __future__ import annotations

import pytest

from ionto_ir import expression as terms
from ionto_ir.bind import (
    History,
    PastSession,
)
from ionto_ir.bound import UNLIMITED
from ionto_ir.dataclass import replace
from ionto_ir.expression import Constant, Value
from ionto_ir.features import features_of
from ionto_ir.limits import LimitKind
from ionto_ir.plan import (
    Course,
    IntegerDomain,
    Variable,
    VariableKind,
)
from tests.ir.binding import MA_S, accepted, complaint, session
from tests.treatments import (
    HERE,
    limit,
)


def past(
    start_h: int, upper_pc: int = 0, day: int = 0, records: tuple[tuple[str, Value], ...] = ()
) -> PastSession:
    """A session that began at an hour and took one."""
    return PastSession(
        start_h * HOUR, (start_h + 1) * HOUR, day, upper_pc, upper_pc, "generated", (), records
    )


HOUR = 3_600_000
DAY = 24 * HOUR


def test_earlier_doses_take_room_from_a_moving_window() -> None:
    plan = session(limit(LimitKind.DOSE, 900 * MA_S, "mA.min", window_ms=DAY))
    history = History(30 * HOUR, 1, (past(2, 500 * MA_S), past(10, 600 * MA_S)))
    # The first ended more than a day ago.
    assert accepted(plan, history=history).constants.cap_pc == 300 * MA_S
    full = History(30 * HOUR, 1, (past(10, 900 * MA_S),))
    assert complaint(plan, history=full).code == "I0941"
    nearly = History(30 * HOUR, 1, (past(10, 880 * MA_S),))
    problem = complaint(plan, history=nearly)
    assert problem.code == "I0943"
    assert "earlier sessions count" in problem.notes[0]


def test_a_window_shorter_than_the_session_is_no_cap_on_the_whole_session() -> None:
    plan = session(limit(LimitKind.DOSE, 900 * MA_S, "mA.min", window_ms=10_000))
    assert accepted(plan).constants.cap_pc == UNLIMITED
    assert complaint(session(limit(LimitKind.DOSE, 20 * MA_S, "mA.min", window_ms=10_000))).code == "I0940"


def test_a_session_window_is_half_open() -> None:
    plan = session(limit(LimitKind.SESSIONS, 1, "", window_ms=DAY))
    accepted(plan, history=History(24 * HOUR, 1, (past(0),)))
    problem = complaint(plan, history=History(24 * HOUR - 1, 0, (past(0),)))
    assert problem.code == "I0941"
    assert problem.help == "the next session may begin in 1 ms"


@pytest.mark.parametrize(
    ("course", "said"),
    [
        (Course(2, None, 0, (), None, None, HERE), "due in 1 d"),
        (Course(0, None, 48 * HOUR, (), None, None, HERE), "may begin in 24 h"),
        (Course(0, None, 0, ((1, 7),), None, None, HERE), "1 sessions on 7 consecutive dates"),
        (Course(0, None, 0, (), 1, None, HERE), "all were given"),
    ],
)
def test_the_course_is_kept(course: Course, said: str) -> None:
    plan = session(course=course, requires=("course",))
    assert features_of(plan) == plan.requires
    accepted(plan)
    problem = complaint(plan, history=History(24 * HOUR, 1, (past(0, day=0),)))
    assert problem.code == "I0941"
    assert said in problem.message
    if course.sessions_max is None:
        accepted(plan, history=History(14 * DAY, 14, (past(0, day=0),)))


def test_a_course_ends_when_what_it_was_given_for_is_reached() -> None:
    pain = Variable(
        "pain", VariableKind.RECORD, IntegerDomain(0, 10, 1, None, "plain number", ""), "", False, None, HERE
    )
    calm = terms.less_equal(terms.integer_reference("pain"), Constant(2))
    course = Course(0, None, 0, (), None, calm, HERE)
    plan = session(course=course, requires=("course",), variables=(*session().variables, pain))
    accepted(plan, history=History(24 * HOUR, 1, (past(0, records=(("pain", 5),)),)))
    problem = complaint(plan, history=History(24 * HOUR, 1, (past(0, records=(("pain", 2),)),)))
    assert "course is over" in problem.message


def test_sessions_of_another_protocol_fill_windows_and_not_the_course() -> None:
    other = replace(past(0, 880 * MA_S), protocol="hand")
    course = Course(2, None, 48 * HOUR, ((1, 7),), 1, None, HERE)
    limits = (limit(LimitKind.SESSIONS, 1, "", window_ms=DAY),)
    accepted(session(course=course, requires=("course",)), history=History(2 * HOUR, 0, (other,)))
    problem = complaint(session(*limits), history=History(2 * HOUR, 0, (other,)))
    assert problem.code == "I0941"
    dose = session(limit(LimitKind.DOSE, 900 * MA_S, "mA.min", window_ms=DAY))
    assert complaint(dose, history=History(2 * HOUR, 0, (other,))).code == "I0943"
