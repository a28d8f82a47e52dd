"""A course in words and as a calendar, and what one patient is told."""

from __future__ import annotations

import pytest

from ionto_cli.course_words import after_session, before_session, course_sentences, weeks_of
from ionto_dsl.driver import Memory, compile_file
from ionto_ir.bind_constants import History, PastSession
from ionto_ir.course import DAY_MS
from ionto_ir.dataclass import replace
from ionto_ir.expression import Value
from ionto_ir.plan import Plan

BASE = "plantar_fasciitis_dexamethasone"


def plan_with(course: str) -> Plan:
    """The library's heel treatment with another course."""
    text = (
        f'import treatments.{BASE}\nprotocol heel version "1.0.0" extends {BASE} {{ course {{ {course} }} }}'
    )
    compilation = compile_file("heel.ionto", folder=Memory({"heel.ionto": text}))
    assert compilation.ok, [item.message for item in compilation.diagnostics]
    return compilation.plans[0].plan


TAPER = plan_with(
    "at least 25 h between sessions rest site 2 days stop when pain <= 1 "
    "carry current from previous session plus at most 0.5 mA carry skin from previous session first none "
    'after 5 sessions require pain <= 8 else finish "no response" '
    "phase often { 2 sessions per week for 2 weeks next when pain <= 4 "
    'require pain <= 6 else finish "no use" } '
    "phase rarely { 1 session per week on Monday, Thursday at most 2 sessions }"
)


def past(day: int, **records: Value) -> PastSession:
    at_ms = day * DAY_MS + 43_200_000
    return PastSession(at_ms, at_ms, day, 1, 1, "heel", (), tuple(records.items()))


def test_every_rule_is_said() -> None:
    rules, often, rarely, over = course_sentences(TAPER)[:4], *course_sentences(TAPER)[4:]
    assert rules == [
        "From start to start at least 25 h",
        "A site is treated again 2 d after the last session on it began, or later",
        "`current` is at most 0.5 mA above that of the previous session",
        "Before session 6 it is evaluated, or it ends: no response",
    ]
    assert often.split("; ") == [
        "Phase often: at most 2 sessions on any 7 days in a row",
        "at most 4 sessions in all",
        "the last one on day 14 at the latest",
        "it ends when what is recorded says so",
        "at its end it is evaluated, or the course ends: no use",
    ]
    assert rarely.split("; ") == [
        "Phase rarely: at most 1 session on any 7 days in a row",
        "sessions on Monday, Thursday",
        "at most 2 sessions in all",
    ]
    assert over == "It is over when what it was given for is reached"


@pytest.mark.parametrize(
    ("course", "said"),
    [
        ("every 2 days", ["A session every 2 days"]),
        ("every 1 day", ["A session every day"]),
        ("every 1 week .. 2 weeks", ["A session every 7 to 14 days"]),
        ("on days 1, 2, 4", ["Sessions on days 1, 2, 4 from the first on", "At most 3 sessions in all"]),
        ("at most 9 days between sessions", ["From start to start at most 9 d, or it is over"]),
        ("2 sessions per day", ["At most 2 sessions on any day"]),
    ],
)
def test_rules_are_said_plainly(course: str, said: list[str]) -> None:
    assert course_sentences(plan_with(course)) == said


def test_a_calendar_shows_the_earliest_sessions() -> None:
    assert weeks_of(TAPER) == [
        ["1", "", "2", "", "", "", ""],
        ["3", "", "4", "", "", "", ""],
        ["5", "", "", "", "", "", ""],
        ["6", "", "", "", "", "", ""],
    ]
    assert weeks_of(plan_with("2 sessions per day ends by day 2")) == [["1, 2", "3, 4", "", "", "", "", ""]]
    assert len(weeks_of(plan_with("every 1 week"))) == 16


def test_a_patient_is_told_where_in_the_course_a_session_stands() -> None:
    earlier = (past(1, pain=6), past(4, pain=6))
    assert [*before_session(TAPER, History(8 * DAY_MS, 8, earlier))] == [
        "session 3, 3 of the phase `often`; the last one was on 0001-01-04"
    ]
    late = plan_with("every 2 days at most 6 sessions")
    assert [*before_session(late, History(6 * DAY_MS, 6, (past(1),)))] == [
        "session 2 of at most 6; the last one was on 0001-01-01, and this one is 3 d late"
    ]
    assert [*before_session(late, History(6 * DAY_MS, 6, ()))] == ["session 1 of at most 6"]


def test_a_patient_is_told_when_the_next_session_may_be() -> None:
    now = History(8 * DAY_MS, 8, (past(1, pain=6), past(4, pain=6)))
    assert [*after_session(TAPER, now, past(8, pain=6))] == ["the next session may be on 0001-01-11"]
    assert [*after_session(TAPER, now, past(8, pain=4))] == ["the next session may be on 0001-01-11"]
    assert [*after_session(TAPER, now, past(8, pain=1))] == ["there is no further session"]


def test_without_a_course_there_is_nothing_to_say() -> None:
    plan = replace(TAPER, course=None)
    assert course_sentences(plan) == weeks_of(plan) == []
    assert [*before_session(plan, History(0, 1, ())), *after_session(plan, History(0, 1, ()), past(1))] == []


def test_a_library_treatment_says_its_course() -> None:
    compilation = compile_file(f"treatments.{BASE}")
    assert course_sentences(compilation.plans[0].plan)[0] == "A session every 2 days"
